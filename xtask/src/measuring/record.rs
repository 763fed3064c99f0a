//! What is needed of a `run.json` of `pspd lab`. It is read here as its
//! documentation has it, and not with the crate that writes it, so that this
//! package builds without the rest. Pure.

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The load generator's name among the roles.
pub(crate) const GENERATOR: &str = "generator";

/// The versions of the format in which the fields below mean what they say.
const SCHEMA_VERSION: u32 = 2;

#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    schema_version: u32,
    /// Where the build knew it.
    pub(crate) pspd_commit: Option<String>,
    pub(crate) machine: About,
    blocks: Vec<Block>,
}

/// The machine that it was measured on.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    cpu_model: Option<String>,
    pub(crate) cores: usize,
    pub(crate) kernel: Option<String>,
    pub(crate) os: String,
    pub(crate) virtualised: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    pub(crate) requests_per_second: f64,
    pub(crate) latency: Option<Latency>,
    pub(crate) failures: Failures,
    accounted_seconds: f64,
    costs: Vec<Cost>,
    generator: Vec<Thread>,
    marks: Vec<Mark>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failures {
    pub(crate) total: u64,
    /// Answers of an unwanted status.
    #[serde(default)]
    pub(crate) status: u64,
}

#[derive(Debug, Deserialize)]
struct Cost {
    role: String,
    cpu_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Thread {
    busy: Option<f64>,
    lag_p99_ms: f64,
    lag_max_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Mark {
    kind: String,
}

impl Record {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Record> {
        let record: Record = serde_json::from_str(text).context("run.json is not as expected")?;
        ensure!(
            record.schema_version == SCHEMA_VERSION,
            "run.json has schema version {}, and {SCHEMA_VERSION} is read here",
            record.schema_version
        );
        Ok(record)
    }

    /// Its only one.
    pub(crate) fn block(&self) -> anyhow::Result<&Block> {
        let [block] = &self.blocks[..] else {
            anyhow::bail!("the run has {} blocks, not 1", self.blocks.len());
        };
        Ok(block)
    }
}

impl About {
    /// The machine in one line. `load` is its load average before the first round.
    pub(crate) fn line(&self, load: Option<&str>) -> String {
        let virtualised = match self.virtualised {
            Some(true) => "virtual machine, ",
            Some(false) | None => "",
        };
        format!(
            "Machine: {virtualised}{}, {} processors, {}, kernel {}; load average before: {}",
            self.cpu_model.as_deref().unwrap_or("unknown processor"),
            self.cores,
            self.os,
            self.kernel.as_deref().unwrap_or("unknown"),
            load.unwrap_or("unknown"),
        )
    }
}

impl Block {
    /// Processors that a role kept busy: 1.0 is one all the time.
    pub(crate) fn cpus(&self, role: &str) -> Option<f64> {
        let cost = self.costs.iter().find(|cost| cost.role == role)?;
        Some(cost.cpu_seconds? / self.accounted_seconds)
    }

    /// Microseconds of a role's processor time for each success.
    pub(crate) fn us_a_request(&self, role: &str) -> Option<f64> {
        Some(self.cpus(role)? / self.requests_per_second * 1e6)
    }

    /// Share of a processor, of the busiest thread of the generator.
    pub(crate) fn generator_busy(&self) -> Option<f64> {
        let threads = self.generator.iter().filter_map(|thread| thread.busy);
        threads.reduce(f64::max)
    }

    /// Of the thread that was woken latest: p99 and maximum.
    pub(crate) fn lag_ms(&self) -> Option<(f64, f64)> {
        let worst = |of: fn(&Thread) -> f64| self.generator.iter().map(of).reduce(f64::max);
        Some((
            worst(|thread| thread.lag_p99_ms)?,
            worst(|thread| thread.lag_max_ms)?,
        ))
    }

    /// What `pspd lab` itself says against its figures.
    pub(crate) fn marks(&self) -> Vec<String> {
        self.marks.iter().map(|mark| mark.kind.clone()).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const RUN: &str = r#"{
        "schema_version": 2, "state": "complete", "pspd_version": "0.1.0",
        "machine": {
            "cpu_model": "Example CPU", "cores": 2, "processors": 2, "kernel": "6.1.0",
            "os": "Debian GNU/Linux 12", "architecture": "x86_64", "virtualised": true
        },
        "blocks": [{
            "number": 1, "target": "t", "load": {"users": 64},
            "window_seconds": 5.0, "completed": 250000, "requests_per_second": 50000.0,
            "latency": {"count": 250000, "mean_ms": 1.3, "p50_ms": 1.25, "p99_ms": 3.5},
            "failures": {"total": 0, "connect": 0},
            "accounted_seconds": 4.0,
            "costs": [
                {"role": "t", "cpu_seconds": null},
                {"role": "generator", "cpu_seconds": 2.0, "peak_bytes": 1}
            ],
            "generator": [
                {"busy": 0.5, "lag_p50_ms": 0.1, "lag_p99_ms": 0.5, "lag_max_ms": 2.0},
                {"busy": 0.75, "lag_p50_ms": 0.1, "lag_p99_ms": 0.25, "lag_max_ms": 3.0}
            ],
            "marks": [{"kind": "machine_full", "value": 0.99, "limit": 0.95}]
        }]
    }"#;

    #[test]
    fn a_block_says_what_the_generator_cost() {
        let record = Record::parse(RUN).expect("valid");
        let block = record.block().expect("one");
        assert_eq!(block.cpus(GENERATOR), Some(0.5));
        assert_eq!(block.us_a_request(GENERATOR), Some(10.0));
        assert_eq!(block.us_a_request("t"), None);
        assert_eq!(block.generator_busy(), Some(0.75));
        assert_eq!(block.lag_ms(), Some((0.5, 3.0)));
        assert_eq!(block.marks(), ["machine_full"]);
    }

    #[test]
    fn another_schema_is_refused() {
        let text = RUN.replace("\"schema_version\": 2", "\"schema_version\": 3");
        let error = Record::parse(&text).expect_err("newer").to_string();
        assert!(error.contains("version 3"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".{0,200}") {
            let _ = Record::parse(&text);
        }
    }
}
