//! Readings as Markdown: medians over the rounds, and ratios to Envoy with one
//! worker. A ratio is taken within a round, where both met the same services and
//! the same machine; its median is shown with the lowest and the highest. Pure.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Options,
    contestant::{BASE, Contestant, Workers},
    passed::{self, Costs, Passer},
    reading::{Reading, Round},
    scenario::{Load, Scenario},
    sockets::{Echoes, SOCKETS},
    starts::Start,
};
use crate::measuring::{
    figures::{median, milliseconds, range, unknown, whole},
    record::Record,
};

type Figure = fn(&Reading) -> Option<f64>;

/// Where, with what, and how. `load` is the machine's before the first round; where
/// there was no round, no record tells of the machine.
pub(super) fn head(
    record: Option<&Record>,
    load: Option<&str>,
    versions: &[String],
    options: &Options,
) -> String {
    let machine = record.map(|record| record.machine.line(load));
    let commit = record.and_then(|record| record.pspd_commit.as_deref());
    format!(
        "{}\n\nPrograms: {}; pspd's commit: {}\n\n\
         Design: {} round(s); in each, every gateway once for {} s in every scenario, in another \
         order each time, started anew, on services started for the round; load from `pspd lab`, \
         one thread; access log on, one upstream connection a worker and service; medians over \
         the rounds, ratios within a round\n",
        machine.as_deref().unwrap_or("Machine: unknown"),
        versions.join("; "),
        commit.unwrap_or("unknown"),
        options.rounds,
        options.seconds,
    )
}

/// One scenario: figures, then ratios.
pub(super) fn scenario(scenario: &Scenario, rounds: &[Round]) -> String {
    let accept = scenario.accept.map(|accept| format!(" as {accept}"));
    let mut out = format!(
        "### {}: `{}`{}, {}\n\n",
        scenario.name,
        scenario.path,
        accept.unwrap_or_default(),
        match scenario.load {
            Load::Closed { connections } => format!("{} connections", whole(connections.into())),
            Load::Open { per_second } => format!("{} requests a second", whole(per_second.into())),
        },
    );
    let contestants = contestants(rounds);
    out += &figures(&contestants, rounds);
    if contestants.contains(&BASE) {
        out += &ratios(&contestants, rounds);
    }
    if let Some(messages) = scenario.messages() {
        out += &of_messages(&contestants, rounds, messages);
    }
    out += &remarks(rounds);
    out
}

/// What one message of a streamed answer costs.
fn of_messages(contestants: &[Contestant], rounds: &[Round], messages: u32) -> String {
    let mut out = String::from("\n| gateway | CPU us/message |\n|---|---:|\n");
    for contestant in contestants {
        let readings = rounds.iter().filter_map(|round| round.of(*contestant));
        let values: Option<Vec<f64>> = readings.map(|reading| reading.cpu_us).collect();
        let cell = values.map_or_else(unknown, |values| {
            format!("{:.3}", median(values) / f64::from(messages))
        });
        let _ = writeln!(out, "| {contestant} | {cell} |");
    }
    out
}

/// Messages over WebSockets.
pub(super) fn sockets(rounds: &[Echoes]) -> String {
    let median_of = |figure: fn(&Echoes) -> Option<f64>, write: fn(f64) -> String| {
        let values: Option<Vec<f64>> = rounds.iter().map(figure).collect();
        values.map_or_else(unknown, |values| write(median(values)))
    };
    let cpu: Vec<f64> = rounds.iter().filter_map(|echoes| echoes.cpu_us).collect();
    let (low, high) = range(&cpu);
    format!(
        "### websocket: one message there and back at a time, {SOCKETS} sockets\n\n\
         | gateway | messages/s | CPU us/message | lowest to highest | memory at most |\n\
         |---|---:|---:|---:|---:|\n\
         | {} | {} | {} | {low:.1} to {high:.1} | {} |\n",
        Contestant::Ours(Workers::One),
        median_of(|echoes| Some(echoes.per_second), whole),
        median_of(|echoes| echoes.cpu_us, |us| format!("{us:.1}")),
        median_of(|echoes| Some(echoes.memory?.at_most), mebibytes),
    )
}

/// Calls that are passed through; ratios are within a round.
pub(super) fn passed(rounds: &[Costs]) -> String {
    let mut out = format!(
        "### passed: `pspd.ServiceA/SayHello` in gRPC, {} calls at a time over {} connections\n\n\
         | | CPU us/call | to the bare hop | lowest to highest |\n|---|---:|---:|---:|\n",
        passed::CALLS,
        passed::CONNECTIONS,
    );
    for (at, passer) in Passer::ALL.iter().enumerate() {
        let cost = median(rounds.iter().map(|costs| costs[at]));
        let ratios: Vec<f64> = rounds.iter().map(|costs| costs[at] / costs[0]).collect();
        let (low, high) = range(&ratios);
        let ratio = median(ratios);
        let _ = writeln!(
            out,
            "| {passer} | {cost:.1} | {ratio:.2}x | {low:.2} to {high:.2} |"
        );
    }
    out
}

/// In the order of the first round, which is that of the list.
fn contestants(rounds: &[Round]) -> Vec<Contestant> {
    let mut all = Vec::new();
    for (contestant, _) in rounds.iter().flat_map(|round| &round.readings) {
        if !all.contains(contestant) {
            all.push(*contestant);
        }
    }
    all
}

fn figures(contestants: &[Contestant], rounds: &[Round]) -> String {
    let mut out = String::from(
        "| gateway | req/s | p50 | p99 | CPU us/request | memory after | memory at most | generator | failed |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for contestant in contestants {
        let of = |figure: Figure, write: fn(f64) -> String| {
            let readings = rounds.iter().filter_map(|round| round.of(*contestant));
            let values: Option<Vec<f64>> = readings.map(figure).collect();
            values.map_or_else(unknown, |values| write(median(values)))
        };
        let failed = rounds.iter().filter_map(|round| round.of(*contestant));
        let cells = [
            of(|reading| Some(reading.requests_per_second), whole),
            of(|reading| Some(reading.p50_ms), milliseconds),
            of(|reading| Some(reading.p99_ms), milliseconds),
            of(|reading| reading.cpu_us, |us| format!("{us:.1}")),
            of(|reading| Some(reading.memory?.now), mebibytes),
            of(|reading| Some(reading.memory?.at_most), mebibytes),
            of(
                |reading| reading.generator_busy,
                |busy| format!("{:.0}%", busy * 100.0),
            ),
            failed
                .map(|reading| reading.failed)
                .sum::<u64>()
                .to_string(),
        ];
        let _ = writeln!(out, "| {contestant} | {} |", cells.join(" | "));
    }
    out
}

fn ratios(contestants: &[Contestant], rounds: &[Round]) -> String {
    let mut out = format!("\n| to {BASE} | req/s | CPU us/request | p99 |\n|---|---:|---:|---:|\n");
    for contestant in contestants.iter().filter(|one| **one != BASE) {
        let of = |figure: Figure| {
            let ratios = rounds.iter().map(|round| round.ratio(*contestant, figure));
            let ratios: Vec<f64> = ratios.flatten().collect();
            if ratios.is_empty() {
                return unknown();
            }
            let (low, high) = range(&ratios);
            let middle = times(median(ratios.iter().copied()));
            format!("{middle} ({} to {})", times(low), times(high))
        };
        let cells = [
            of(|reading| Some(reading.requests_per_second)),
            of(|reading| reading.cpu_us),
            of(|reading| Some(reading.p99_ms)),
        ];
        let _ = writeln!(out, "| {contestant} | {} |", cells.join(" | "));
    }
    out
}

/// What there is to say against the figures: marks of `pspd lab`, each kind once
/// with how often it was set, and measurements that are missing.
fn remarks(rounds: &[Round]) -> String {
    let readings = || rounds.iter().flat_map(|round| &round.readings);
    let kinds: BTreeSet<&String> = readings().flat_map(|(_, one)| &one.marks).collect();
    let often = |kind: &String| {
        let set = readings().filter(|(_, reading)| reading.marks.contains(kind));
        format!("{kind} ({} of {})", set.count(), readings().count())
    };
    let marks: Vec<String> = kinds.into_iter().map(often).collect();
    let mut out = match &marks[..] {
        [] => "\n`pspd lab` put no mark on its blocks.\n".to_owned(),
        marks => format!("\n`pspd lab` marked its blocks: {}.\n", marks.join(", ")),
    };
    for problem in rounds.iter().flat_map(|round| &round.problems) {
        let _ = writeln!(out, "\nNot measured: {problem}");
    }
    out
}

/// From start to answer.
pub(super) fn starts(starts: &[(Contestant, Vec<Start>)]) -> String {
    let number = starts.first().map_or(0, |(_, starts)| starts.len());
    let mut out =
        format!("### start: from exec to the first answer, median of {number} starts\n\n");
    out += "| gateway | `/healthz` | lowest to highest | `/a/hello` | lowest to highest | memory, idle |\n\
            |---|---:|---:|---:|---:|---:|\n";
    for (contestant, starts) in starts {
        let health: Vec<f64> = starts.iter().map(|start| start.health_ms).collect();
        let hello: Vec<f64> = starts.iter().map(|start| start.hello_ms).collect();
        let idle: Option<Vec<f64>> = starts.iter().map(|start| start.idle_mib).collect();
        let spread = |values: &[f64]| {
            let (low, high) = range(values);
            format!(
                "{} | {low:.1} to {high:.1}",
                milliseconds(median(values.iter().copied()))
            )
        };
        let _ = writeln!(
            out,
            "| {contestant} | {} | {} | {} |",
            spread(&health),
            spread(&hello),
            idle.map_or_else(unknown, |idle| mebibytes(median(idle))),
        );
    }
    out
}

fn mebibytes(value: f64) -> String {
    format!("{value:.1} MiB")
}

/// A share with as many digits as a factor.
fn times(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{value:.3}x"),
        value => format!("{value:.2}x"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{memory::Memory, scenario},
        *,
    };
    use crate::measuring::record::tests::RUN;

    const OURS: Contestant = Contestant::Ours(Workers::One);

    fn reading(requests_per_second: f64, cpu_us: f64, p99_ms: f64) -> Reading {
        Reading {
            requests_per_second,
            p50_ms: p99_ms / 2.0,
            p99_ms,
            failed: 1,
            cpu_us: Some(cpu_us),
            memory: Some(Memory {
                now: 6.0,
                at_most: 7.25,
            }),
            generator_busy: Some(0.5),
            marks: vec!["machine_full".to_owned()],
        }
    }

    /// Ours costs a quarter, a fifth and an eighth of Envoy's.
    fn rounds() -> Vec<Round> {
        [(25.0, 100.0), (20.0, 100.0), (25.0, 200.0)]
            .into_iter()
            .map(|(ours, envoy)| Round {
                readings: vec![
                    (OURS, reading(24_000.0, ours, 4.0)),
                    (BASE, reading(6_000.0, envoy, 16.0)),
                ],
                problems: Vec::new(),
            })
            .collect()
    }

    #[test]
    fn figures_are_medians_and_ratios_are_of_rounds() {
        let text = super::scenario(&scenario::ALL[0], &rounds());
        for line in [
            "### hello: `/a/hello?name=pspd`, 64 connections",
            "| pspd, 1 worker | 24,000 | 2.00 ms | 4.00 ms | 25.0 | 6.0 MiB | 7.2 MiB | 50% | 3 |",
            "| to Envoy, 1 worker | req/s | CPU us/request | p99 |",
            "| pspd, 1 worker | 4.00x (4.00x to 4.00x) | 0.200x (0.125x to 0.250x) | 0.250x (0.250x to 0.250x) |",
            "marked its blocks: machine_full (6 of 6).",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    fn named(name: &str) -> &'static Scenario {
        let mut all = scenario::ALL.iter();
        all.find(|scenario| scenario.name == name)
            .expect("a scenario")
    }

    #[test]
    fn without_envoy_there_are_no_ratios() {
        let mut rounds = rounds();
        for round in &mut rounds {
            round.readings.pop();
        }
        let text = super::scenario(named("ndjson"), &rounds);
        assert!(text.contains("as application/x-ndjson"), "{text}");
        assert!(!text.contains("| to "), "{text}");
    }

    #[test]
    fn the_load_is_in_the_heading() {
        for (name, heading) in [
            (
                "paced",
                "### paced: `/a/hello?name=pspd`, 2,000 requests a second",
            ),
            (
                "wide",
                "### wide: `/b/numbers?count=10&delay_ms=5`, 3,200 connections",
            ),
        ] {
            let text = super::scenario(named(name), &rounds());
            assert!(text.starts_with(heading), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_measured_is_said() {
        let mut rounds = rounds();
        rounds[0].readings.truncate(1);
        rounds[0].readings[0].1.cpu_us = None;
        rounds[0]
            .problems
            .push("Envoy, 1 worker: it ended".to_owned());
        let text = super::scenario(&scenario::ALL[0], &rounds);
        assert!(text.contains("| 4.00 ms | unknown | 6.0 MiB |"), "{text}");
        assert!(text.contains("0.163x (0.125x to 0.200x)"), "{text}");
        assert!(
            text.contains("Not measured: Envoy, 1 worker: it ended"),
            "{text}"
        );
    }

    #[test]
    fn what_is_passed_through_is_set_beside_the_bare_hop() {
        let text = passed(&[[8.0, 10.0, 12.0], [10.0, 12.0, 13.0], [8.0, 12.0, 12.0]]);
        for line in [
            "64 calls at a time over 4 connections",
            "| bare hop | 8.0 | 1.00x | 1.00 to 1.00 |",
            "| pspd, no access log | 12.0 | 1.25x | 1.20 to 1.50 |",
            "| pspd, access log | 12.0 | 1.50x | 1.30 to 1.50 |",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn starts_have_a_median_and_a_range() {
        let start = |hello_ms| Start {
            health_ms: 4.0,
            hello_ms,
            idle_mib: Some(5.5),
        };
        let text = starts(&[(OURS, vec![start(5.0), start(7.0), start(6.0)])]);
        assert!(text.contains("median of 3 starts"), "{text}");
        let line = "| pspd, 1 worker | 4.00 ms | 4.0 to 4.0 | 6.00 ms | 5.0 to 7.0 | 5.5 MiB |";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn the_head_says_where_and_how() {
        let options = Options::parse(&["--rounds", "3"]).expect("valid");
        let versions = ["a 1".to_owned(), "b 2".to_owned()];
        let record = Record::parse(RUN).expect("valid");
        let text = head(Some(&record), Some("0.10"), &versions, &options);
        for part in [
            "load average before: 0.10",
            "a 1; b 2; pspd's commit: unknown",
            "3 round(s)",
            "for 3 s",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let text = head(None, None, &versions, &options);
        assert!(text.starts_with("Machine: unknown\n"), "{text}");
    }
}
