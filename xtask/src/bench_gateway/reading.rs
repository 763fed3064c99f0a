//! What one measurement of one gateway says, and a round of them.

use std::fmt;

use anyhow::{Context, ensure};

use super::{
    contestant::{BASE, Contestant},
    memory::Memory,
    scenario::Scenario,
};
use crate::measuring::record::{Block, Record};

/// The gateway's name among the roles of a record.
pub(super) const GATEWAY: &str = "gateway";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) requests_per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: u64,
    /// The gateway's, user and system time of all its threads; absent where it is
    /// not known.
    pub(super) cpu_us: Option<f64>,
    /// After the load, and at most under it.
    pub(super) memory: Option<Memory>,
    /// Share of a processor that the busiest thread of the generator took.
    pub(super) generator_busy: Option<f64>,
    /// What `pspd lab` says against these figures.
    pub(super) marks: Vec<String>,
}

impl Reading {
    pub(super) fn of(block: &Block, memory: Option<Memory>) -> anyhow::Result<Reading> {
        let latency = block.latency.as_ref().context("no request succeeded")?;
        ensure!(
            block.requests_per_second > 0.0,
            "no request succeeded within the window"
        );
        Ok(Reading {
            requests_per_second: block.requests_per_second,
            p50_ms: latency.p50_ms,
            p99_ms: latency.p99_ms,
            failed: block.failures.total,
            cpu_us: block.us_a_request(GATEWAY),
            memory,
            generator_busy: block.generator_busy(),
            marks: block.marks(),
        })
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, p50 {:.2} ms, p99 {:.2} ms, CPU {:.1} us a request, at most {:.1} MiB, {} failed",
            self.requests_per_second,
            self.p50_ms,
            self.p99_ms,
            self.cpu_us.unwrap_or(f64::NAN),
            self.memory.map_or(f64::NAN, |memory| memory.at_most),
            self.failed
        )
    }
}

/// What every gateway read of one scenario, on the same services.
#[derive(Default)]
pub(super) struct Round {
    pub(super) readings: Vec<(Contestant, Reading)>,
    /// One sentence for each that has no reading.
    pub(super) problems: Vec<String>,
}

impl Round {
    /// Tells of it at once, and gives back the record. A gateway that does not stand
    /// a scenario must not cost the figures of the others.
    pub(super) fn add(
        &mut self,
        scenario: &Scenario,
        contestant: Contestant,
        measured: anyhow::Result<(Reading, Record)>,
    ) -> Option<Record> {
        let name = scenario.name;
        match measured {
            Ok((reading, record)) => {
                eprintln!("  {name}: {contestant}: {reading}");
                self.readings.push((contestant, reading));
                Some(record)
            }
            Err(error) => {
                eprintln!("  {name}: {contestant}: not measured: {error:#}");
                self.problems.push(format!("{contestant}: {error:#}"));
                None
            }
        }
    }

    pub(super) fn of(&self, contestant: Contestant) -> Option<&Reading> {
        let mut readings = self.readings.iter();
        readings.find_map(|(of, reading)| (*of == contestant).then_some(reading))
    }

    /// A figure over that of the base in this round.
    pub(super) fn ratio(
        &self,
        contestant: Contestant,
        figure: fn(&Reading) -> Option<f64>,
    ) -> Option<f64> {
        Some(figure(self.of(contestant)?)? / figure(self.of(BASE)?)?)
    }
}
