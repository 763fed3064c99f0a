//! What is needed of a `run.json` of `pspd lab`. It is read here as its
//! documentation has it, and not with the crate that writes it, so that this
//! package builds without the rest. Pure.

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The versions of the format in which the fields below mean what they say.
const SCHEMA_VERSION: u32 = 2;

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    schema_version: u32,
    /// Where the build knew it.
    pub(super) pspd_commit: Option<String>,
    pub(super) machine: About,
    blocks: Vec<Block>,
}

/// The machine that it was measured on.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    pub(super) cpu_model: Option<String>,
    pub(super) cores: usize,
    pub(super) kernel: Option<String>,
    pub(super) os: String,
    pub(super) virtualised: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Block {
    pub(super) requests_per_second: f64,
    pub(super) latency: Option<Latency>,
    pub(super) failures: Failures,
    accounted_seconds: f64,
    costs: Vec<Cost>,
    generator: Vec<Thread>,
    marks: Vec<Mark>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Failures {
    pub(super) total: u64,
}

#[derive(Debug, Deserialize)]
struct Cost {
    role: String,
    cpu_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Thread {
    lag_p99_ms: f64,
    lag_max_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Mark {
    kind: String,
}

impl Record {
    pub(super) fn parse(text: &str) -> anyhow::Result<Record> {
        let record: Record = serde_json::from_str(text).context("run.json is not as expected")?;
        ensure!(
            record.schema_version == SCHEMA_VERSION,
            "run.json has schema version {}, and {SCHEMA_VERSION} is read here",
            record.schema_version
        );
        Ok(record)
    }

    /// Its only one.
    pub(super) fn block(&self) -> anyhow::Result<&Block> {
        let [block] = &self.blocks[..] else {
            anyhow::bail!("the run has {} blocks, not 1", self.blocks.len());
        };
        Ok(block)
    }
}

impl Block {
    /// Processors that the generator kept busy: 1.0 is one all the time.
    pub(super) fn generator_cpus(&self) -> Option<f64> {
        let cost = self.costs.iter().find(|cost| cost.role == "generator")?;
        Some(cost.cpu_seconds? / self.accounted_seconds)
    }

    /// Microseconds of the generator's processor time for each success.
    pub(super) fn generator_us_a_request(&self) -> Option<f64> {
        Some(self.generator_cpus()? / self.requests_per_second * 1e6)
    }

    /// Of the thread that was woken latest: p99 and maximum.
    pub(super) fn lag_ms(&self) -> Option<(f64, f64)> {
        let worst = |of: fn(&Thread) -> f64| self.generator.iter().map(of).reduce(f64::max);
        Some((
            worst(|thread| thread.lag_p99_ms)?,
            worst(|thread| thread.lag_max_ms)?,
        ))
    }

    /// What `pspd lab` itself says against its figures.
    pub(super) fn marks(&self) -> Vec<String> {
        self.marks.iter().map(|mark| mark.kind.clone()).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::bench) const RUN: &str = r#"{
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
                {"busy": 0.5, "lag_p50_ms": 0.1, "lag_p99_ms": 0.25, "lag_max_ms": 3.0}
            ],
            "marks": [{"kind": "machine_full", "value": 0.99, "limit": 0.95}]
        }]
    }"#;

    #[test]
    fn a_block_says_what_the_generator_cost() {
        let record = Record::parse(RUN).expect("valid");
        let block = record.block().expect("one");
        assert_eq!(block.generator_cpus(), Some(0.5));
        assert_eq!(block.generator_us_a_request(), Some(10.0));
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
