//! Readings as Markdown. Every figure is a median over the rounds. What is compared
//! is compared within a round, where both generators met the same target and the
//! same machine, and the median of these ratios is shown with the lowest and the
//! highest. There are too few rounds for an interval of confidence. Pure.

use std::{collections::BTreeSet, fmt::Write};

use anyhow::Context;

use super::{
    Options,
    generators::{Generator, Reading},
};
use crate::measuring::{
    figures::{median, milliseconds, range, unknown, whole},
    record::{GENERATOR, Record},
};

/// Figures this close count as the same.
const CLOSE: f64 = 0.05;

/// What every generator read of one target.
pub(super) struct Round {
    pub(super) readings: Vec<(Generator, Reading)>,
}

impl Round {
    fn of(&self, generator: Generator) -> Option<&Reading> {
        let mut readings = self.readings.iter();
        readings.find_map(|(of, reading)| (*of == generator).then_some(reading))
    }
}

/// What `pspd lab` reads of users with a pace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paced {
    requests_per_second: f64,
    generator_cpus: Option<f64>,
    cpu_us: Option<f64>,
    lag_p99_ms: f64,
    lag_max_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
    failed: u64,
    marks: Vec<String>,
}

impl Paced {
    pub(super) fn of(record: &Record) -> anyhow::Result<Paced> {
        let block = record.block()?;
        let latency = block.latency.as_ref().context("no request succeeded")?;
        let (lag_p99_ms, lag_max_ms) = block.lag_ms().context("the generator had no thread")?;
        Ok(Paced {
            requests_per_second: block.requests_per_second,
            generator_cpus: block.cpus(GENERATOR),
            cpu_us: block.us_a_request(GENERATOR),
            lag_p99_ms,
            lag_max_ms,
            p50_ms: latency.p50_ms,
            p99_ms: latency.p99_ms,
            failed: block.failures.total,
            marks: block.marks(),
        })
    }
}

/// Where, with what, and how. `load` is the machine's before the first round.
pub(super) fn head(
    record: &Record,
    load: Option<&str>,
    versions: &[String],
    options: &Options,
) -> String {
    format!(
        "{}\n\nPrograms: {}; pspd's commit: {}\n\n\
         Design: {} round(s); in each, every program once for {} s on a target started for the \
         round; {} connections with one request at a time; medians over the rounds\n",
        record.machine.line(load),
        versions.join("; "),
        record.pspd_commit.as_deref().unwrap_or("unknown"),
        options.rounds,
        options.seconds,
        options.connections,
    )
}

/// What a request costs the generator when the target answers at once.
pub(super) fn raw(rounds: &[Round]) -> String {
    let mut out = String::from("### Cost: `/a/hello` of A-REST, as fast as it goes\n\n");
    out += &figures(rounds);
    out += "\nTarget and generator share the processors, so each generator reaches another rate, \
            and its latency is its own as much as the target's: only the cost is comparable here.\n";
    out
}

/// Whether generators agree on a target that sets the pace.
pub(super) fn agreement(rounds: &[Round]) -> String {
    let mut out = String::from(
        "### Agreement: `/b/numbers?count=10&delay_ms=5` of the REST chain, 50 ms by itself\n\n",
    );
    out += &figures(rounds);
    out += "\n| pspd lab against | req/s | p50 | p99 | within 5% |\n|---|---:|---:|---:|---|\n";
    for other in [Generator::Wrk, Generator::K6] {
        let differences = [
            difference(rounds, other, |reading| reading.requests_per_second),
            difference(rounds, other, |reading| reading.p50_ms),
            difference(rounds, other, |reading| reading.p99_ms),
        ];
        let close = differences
            .iter()
            .all(|difference| difference.abs() <= CLOSE);
        let cells = differences.map(|difference| format!("{:+.1}%", difference * 100.0));
        let close = if close { "yes" } else { "no" };
        let _ = writeln!(out, "| {other} | {} | {close} |", cells.join(" | "));
    }
    out
}

/// Many users on one thread.
pub(super) fn paced(users: u32, runs: &[Paced]) -> String {
    let of = |figure: fn(&Paced) -> f64| median(runs.iter().map(figure));
    let known = |figure: fn(&Paced) -> Option<f64>| {
        let values: Option<Vec<_>> = runs.iter().map(figure).collect();
        values.map(median)
    };
    let mut out = format!(
        "### Many users: {} on one thread, each asking A-REST's `/a/hello` once a second\n\n",
        whole(f64::from(users))
    );
    out += "| req/s | generator CPU | us/request | woken late, p99 | at most | p50 | p99 | failed |\n\
            |---:|---:|---:|---:|---:|---:|---:|---:|\n";
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        whole(of(|run| run.requests_per_second)),
        known(|run| run.generator_cpus).map_or_else(unknown, |cpus| format!(
            "{:.0}% of a processor",
            cpus * 100.0
        )),
        known(|run| run.cpu_us).map_or_else(unknown, |us| format!("{us:.1}")),
        milliseconds(of(|run| run.lag_p99_ms)),
        milliseconds(runs.iter().map(|run| run.lag_max_ms).fold(0.0, f64::max)),
        milliseconds(of(|run| run.p50_ms)),
        milliseconds(of(|run| run.p99_ms)),
        runs.iter().map(|run| run.failed).sum::<u64>(),
    );
    out += &marks(runs.iter().flat_map(|run| &run.marks));
    out
}

/// A line for each generator.
fn figures(rounds: &[Round]) -> String {
    let mut out = String::from(
        "| generator | req/s | p50 | p99 | CPU us/request | CPU to wrk's | lowest to highest | failed |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for generator in Generator::ALL {
        let readings = || rounds.iter().filter_map(|round| round.of(generator));
        let cpu: Option<Vec<_>> = readings().map(|reading| reading.cpu_us).collect();
        let ratios = ratios_to_wrk(rounds, generator);
        let _ = writeln!(
            out,
            "| {generator} | {} | {} | {} | {} | {} | {} | {} |",
            whole(median(
                readings().map(|reading| reading.requests_per_second)
            )),
            milliseconds(median(readings().map(|reading| reading.p50_ms))),
            milliseconds(median(readings().map(|reading| reading.p99_ms))),
            cpu.map_or_else(unknown, |cpu| format!("{:.2}", median(cpu))),
            ratios.as_ref().map_or_else(unknown, |all| {
                format!("{:.2}x", median(all.iter().copied()))
            }),
            ratios.as_ref().map_or_else(unknown, |all| {
                let (low, high) = range(all);
                format!("{low:.2} to {high:.2}")
            }),
            readings().map(|reading| reading.failed).sum::<u64>(),
        );
    }
    let readings = rounds.iter().flat_map(|round| &round.readings);
    out += &marks(readings.flat_map(|(_, reading)| &reading.marks));
    out
}

/// What `pspd lab` itself says against the figures above, each kind once.
fn marks<'a>(marks: impl Iterator<Item = &'a String>) -> String {
    let kinds: BTreeSet<&str> = marks.map(String::as_str).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    match &kinds[..] {
        [] => "\n`pspd lab` put no mark on its blocks.\n".to_owned(),
        kinds => format!("\n`pspd lab` marked its blocks: {}.\n", kinds.join(", ")),
    }
}

/// Processor time a request over wrk's, one a round.
fn ratios_to_wrk(rounds: &[Round], generator: Generator) -> Option<Vec<f64>> {
    let ratio = |round: &Round| {
        let cpu = round.of(generator)?.cpu_us?;
        Some(cpu / round.of(Generator::Wrk)?.cpu_us?)
    };
    rounds.iter().map(ratio).collect()
}

/// By how much `pspd lab` reads more than `other`, as a share.
fn difference(rounds: &[Round], other: Generator, figure: fn(&Reading) -> f64) -> f64 {
    let of_round = |round: &Round| {
        let ours = round.of(Generator::Pspd).map(figure)?;
        Some(ours / round.of(other).map(figure)? - 1.0)
    };
    median(rounds.iter().filter_map(of_round))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measuring::record::tests::RUN;

    fn reading(requests_per_second: f64, p99_ms: f64, cpu_us: f64) -> Reading {
        Reading {
            requests_per_second,
            p50_ms: 50.5,
            p99_ms,
            cpu_us: Some(cpu_us),
            failed: 1,
            marks: vec!["machine_full".to_owned()],
        }
    }

    /// The cost of `pspd lab` is 1.5, 2 and 4 times wrk's.
    fn rounds() -> Vec<Round> {
        [(10.0, 15.0), (20.0, 40.0), (10.0, 40.0)]
            .into_iter()
            .map(|(wrk, pspd)| Round {
                readings: vec![
                    (Generator::Pspd, reading(1234.0, 52.0, pspd)),
                    (Generator::Wrk, reading(1200.0, 51.0, wrk)),
                    (Generator::K6, reading(1200.0, 60.0, 100.0)),
                ],
            })
            .collect()
    }

    #[test]
    fn costs_are_compared_within_a_round() {
        let text = raw(&rounds());
        let pspd = "| pspd lab | 1,234 | 50.5 ms | 52.0 ms | 40.00 | 2.00x | 1.50 to 4.00 | 3 |";
        assert!(text.contains(pspd), "{text}");
        assert!(text.contains("marked its blocks: machine_full."), "{text}");
        assert!(text.contains("| 10.00 | 1.00x | 1.00 to 1.00 |"), "{text}");
    }

    #[test]
    fn close_is_five_percent_in_every_figure() {
        let text = agreement(&rounds());
        assert!(
            text.contains("| wrk | +2.8% | +0.0% | +2.0% | yes |"),
            "{text}"
        );
        assert!(
            text.contains("| k6 | +2.8% | +0.0% | -13.3% | no |"),
            "{text}"
        );
    }

    #[test]
    fn many_users_are_one_line() {
        let record = Record::parse(RUN).expect("valid");
        let runs = [Paced::of(&record).expect("complete")];
        let text = paced(10_000, &runs);
        let line =
            "| 50,000 | 50% of a processor | 10.0 | 0.50 ms | 3.00 ms | 1.25 ms | 3.50 ms | 0 |";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("marked its blocks: machine_full."), "{text}");
    }

    #[test]
    fn the_head_says_where_and_how() {
        let record = Record::parse(RUN).expect("valid");
        let options = Options::parse(&["--rounds", "3"]).expect("valid");
        let versions = ["a 1".to_owned(), "b 2".to_owned()];
        let text = head(&record, Some("0.10"), &versions, &options);
        for part in [
            "load average before: 0.10",
            "virtual machine, Example CPU, 2 processors",
            "a 1; b 2",
            "3 round(s)",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
