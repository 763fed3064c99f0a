//! The load generators: how each is told to do the same job, and what came of it.
//! wrk has one thread, as `pspd lab` has by default; k6 has no such setting.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{k6, wrk};
use crate::measuring::{
    children,
    lab::Lab,
    record::{GENERATOR, Record},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generator {
    Wrk,
    K6,
    Pspd,
}

impl Generator {
    pub(super) const ALL: [Generator; 3] = [Generator::Wrk, Generator::K6, Generator::Pspd];
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Generator::Wrk => "wrk",
            Generator::K6 => "k6",
            Generator::Pspd => "pspd lab",
        })
    }
}

/// What every generator does.
pub(super) struct Job<'a> {
    /// `http://HOST:PORT`.
    pub(super) base: &'a str,
    pub(super) path: &'a str,
    /// Each with one request at a time.
    pub(super) connections: u32,
    pub(super) seconds: u32,
    /// For files that come of it.
    pub(super) folder: &'a Path,
}

impl Job<'_> {
    fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }

    fn duration(&self) -> String {
        format!("{}s", self.seconds)
    }
}

/// What one generator reports of one run, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) requests_per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// The generator's; absent where it is not known.
    pub(super) cpu_us: Option<f64>,
    pub(super) failed: u64,
    /// What the generator itself says against these figures.
    pub(super) marks: Vec<String>,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s, p50 {:.3} ms, p99 {:.3} ms, CPU {:.1} us a request, {} failed",
            self.requests_per_second,
            self.p50_ms,
            self.p99_ms,
            self.cpu_us.unwrap_or(f64::NAN),
            self.failed
        )
    }
}

/// Where the programs are.
pub(super) struct Programs {
    pub(super) wrk: PathBuf,
    pub(super) k6: PathBuf,
    pub(super) pspd: PathBuf,
    pub(super) k6_script: PathBuf,
}

impl Programs {
    pub(super) fn measure(&self, generator: Generator, job: &Job<'_>) -> anyhow::Result<Reading> {
        match generator {
            Generator::Wrk => self.wrk(job),
            Generator::K6 => self.k6(job),
            Generator::Pspd => self.pspd(job),
        }
    }

    fn wrk(&self, job: &Job<'_>) -> anyhow::Result<Reading> {
        let ended = children::run(
            Command::new(&self.wrk)
                .args(["--threads", "1", "--latency"])
                .args(["--connections", &job.connections.to_string()])
                .args(["--duration", &job.duration()])
                .arg(job.url()),
        )?;
        let printed = wrk::parse(&ended.stdout)?;
        Ok(Reading {
            requests_per_second: printed.requests_per_second,
            p50_ms: printed.p50_ms,
            p99_ms: printed.p99_ms,
            cpu_us: ended.us_for_each(printed.requests),
            failed: printed.failed,
            marks: Vec::new(),
        })
    }

    fn k6(&self, job: &Job<'_>) -> anyhow::Result<Reading> {
        let summary = job.folder.join("k6-summary.json");
        let ended = children::run(
            Command::new(&self.k6)
                .args(["run", "--quiet", "--no-usage-report"])
                .args(["-e", &format!("URL={}", job.url())])
                .args(["-e", &format!("VUS={}", job.connections)])
                .args(["-e", &format!("DURATION={}", job.duration())])
                .args(["-e", &format!("SUMMARY={}", summary.display())])
                .arg(&self.k6_script),
        )?;
        let text = fs::read_to_string(&summary)
            .with_context(|| format!("cannot read {}", summary.display()))?;
        let summary = k6::parse(&text)?;
        Ok(Reading {
            requests_per_second: summary.requests_per_second,
            p50_ms: summary.p50_ms,
            p99_ms: summary.p99_ms,
            cpu_us: ended.us_for_each(summary.requests),
            failed: summary.failed,
            marks: Vec::new(),
        })
    }

    fn pspd(&self, job: &Job<'_>) -> anyhow::Result<Reading> {
        let users = job.connections.to_string();
        let duration = job.duration();
        let options = [
            ["--users", &users],
            ["--duration", &duration],
            ["--warm-up", "1s"],
        ];
        let record = self.lab(job.base, job.path, job.folder, &options)?;
        let block = record.block()?;
        let latency = block.latency.as_ref().context("no request succeeded")?;
        Ok(Reading {
            requests_per_second: block.requests_per_second,
            p50_ms: latency.p50_ms,
            p99_ms: latency.p99_ms,
            cpu_us: block.us_a_request(GENERATOR),
            failed: block.failures.total,
            marks: block.marks(),
        })
    }

    /// Runs one block of `pspd lab`.
    pub(super) fn lab(
        &self,
        base: &str,
        path: &str,
        folder: &Path,
        options: &[[&str; 2]],
    ) -> anyhow::Result<Record> {
        let pspd = &self.pspd;
        Lab { pspd, folder }.block(base, path, options)
    }

    /// Of all three, one a line.
    pub(super) fn versions(&self) -> anyhow::Result<Vec<String>> {
        // wrk has no option for it: it says so in its help, and fails.
        let wrk = Command::new(&self.wrk).arg("--version").output();
        let wrk = wrk.with_context(|| format!("cannot run {}", self.wrk.display()))?;
        let wrk = String::from_utf8_lossy(&wrk.stdout).into_owned();
        let k6 = children::run(Command::new(&self.k6).arg("version"))?.stdout;
        let pspd = children::run(Command::new(&self.pspd).arg("--version"))?.stdout;
        let first = |text: &str| {
            let line = text.lines().next().unwrap_or_default();
            let (version, _) = line.split_once("Copyright").unwrap_or((line, ""));
            version.trim().to_owned()
        };
        Ok([wrk, k6, pspd].iter().map(|text| first(text)).collect())
    }
}

impl children::Ended {
    fn us_for_each(&self, requests: u64) -> Option<f64> {
        let cpu = self.cpu?.as_secs_f64();
        (requests > 0).then(|| cpu * 1e6 / requests as f64)
    }
}
