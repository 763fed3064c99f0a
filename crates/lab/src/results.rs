//! The folder of one run. In: a row and its sample after each block; out:
//! `run.json`, `table.csv`, `table.md` and the raw histograms, each replaced as
//! a whole, so that whatever happens later costs at most the block in progress
//! and no reader ever sees half a file.
//!
//! `histograms/USERS-CHAIN.hlog` is an HdrHistogram interval log (version 1.2 of
//! the text format, V2 compressed histograms): one line a route, tagged with its
//! name, latencies in nanoseconds.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use hdrhistogram::serialization::{
    V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, Tag},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Setting,
    load::{PAUSE_AFTER_FAILURE, Sample, counts::SIGNIFICANT_DIGITS},
    machine::Machine,
    plan::{Plan, Subject},
    report, roles,
    summary::Row,
};

/// Version of `run.json`; raised when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;
/// Runs that start within the same second get numbers.
const SAME_SECOND_MAX: u32 = 100;

/// The content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) schema_version: u32,
    pub(crate) state: State,
    /// UTC.
    pub(crate) started: String,
    pub(crate) pspd_version: String,
    pub(crate) pspd_commit: Option<String>,
    /// Built without optimisation: fine for trying out, not for figures.
    pub(crate) debug_build: bool,
    pub(crate) machine: Machine,
    pub(crate) configuration: Configuration,
    pub(crate) rows: Vec<Row>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Running,
    Complete,
    Interrupted,
    Failed,
}

/// The plan, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) users: Vec<u32>,
    pub(crate) chains: Vec<ChainConfiguration>,
    pub(crate) duration_seconds: f64,
    pub(crate) warm_up_seconds: f64,
    pub(crate) request_timeout_seconds: f64,
    pub(crate) pause_after_failure_seconds: f64,
    pub(crate) generator_threads: u32,
    pub(crate) histogram_significant_digits: u8,
    /// Blocks that the plan has.
    pub(crate) blocks: usize,
    /// Arguments of the roles that the run started, besides addresses and ports.
    pub(crate) role_arguments: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChainConfiguration {
    pub(crate) name: String,
    /// Of a running system; absent for a chain that the run started itself.
    pub(crate) url: Option<String>,
}

impl Configuration {
    fn of(plan: &Plan) -> Configuration {
        let chain = |chain: &crate::plan::Chain| ChainConfiguration {
            name: chain.name.clone(),
            url: match &chain.subject {
                Subject::Own(_) => None,
                Subject::Running(at) => Some(format!("http://{}{}", at.authority, at.prefix)),
            },
        };
        Configuration {
            users: plan.users.clone(),
            chains: plan.chains.iter().map(chain).collect(),
            duration_seconds: plan.duration.as_secs_f64(),
            warm_up_seconds: plan.warm_up.as_secs_f64(),
            request_timeout_seconds: plan.request_timeout.as_secs_f64(),
            pause_after_failure_seconds: PAUSE_AFTER_FAILURE.as_secs_f64(),
            generator_threads: plan.threads,
            histogram_significant_digits: SIGNIFICANT_DIGITS,
            blocks: plan.steps().len(),
            role_arguments: roles::arguments(plan)
                .into_iter()
                .map(|(role, arguments)| (role.name().to_owned(), arguments))
                .collect(),
        }
    }
}

/// The folder, and what is in it so far.
#[derive(Debug)]
pub(crate) struct Results {
    folder: PathBuf,
    run: Run,
}

impl Results {
    /// Makes the run's folder below the plan's, named after the time (UTC).
    pub(crate) fn create(plan: &Plan, setting: &Setting) -> Result<Results, Error> {
        let started = utc(SystemTime::now());
        let folder = make_folder(&plan.out, &started.replace(':', "-"))?;
        for inner in ["histograms", "logs"] {
            let inner = folder.join(inner);
            fs::create_dir(&inner).map_err(|reason| cannot_write(&inner, reason))?;
        }
        let results = Results {
            folder,
            run: Run {
                schema_version: SCHEMA_VERSION,
                state: State::Running,
                started,
                pspd_version: setting.version.clone(),
                pspd_commit: setting.commit.clone(),
                debug_build: cfg!(debug_assertions),
                machine: Machine::this(),
                configuration: Configuration::of(plan),
                rows: Vec::new(),
            },
        };
        results.write()?;
        Ok(results)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the roles' logs go.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Adds a block: its raw histograms first, then the tables that name it.
    pub(crate) fn add(
        &mut self,
        row: Row,
        sample: &Sample,
        window_start: SystemTime,
    ) -> Result<(), Error> {
        let name = format!("histograms/{:05}-{}.hlog", row.users, row.chain);
        let log = interval_log(&row, sample, window_start).map_err(io::Error::other);
        let path = self.folder.join(&name);
        log.and_then(|log| replace(&path, &log))
            .map_err(|reason| cannot_write(&path, reason))?;
        self.run.rows.push(row);
        self.write()
    }

    /// Writes the last word on how the run ended.
    pub(crate) fn close(&mut self, state: State) -> Result<(), Error> {
        self.run.state = state;
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(&self.run).map_err(io::Error::from);
        let files = [
            ("run.json", json.map(|json| json + "\n")),
            ("table.csv", Ok(report::csv(&self.run))),
            ("table.md", Ok(report::markdown(&self.run))),
        ];
        for (name, content) in files {
            let path = self.folder.join(name);
            content
                .and_then(|content| replace(&path, content.as_bytes()))
                .map_err(|reason| cannot_write(&path, reason))?;
        }
        Ok(())
    }
}

/// Seconds of UTC, such as `2026-01-31T12:00:00Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn make_folder(out: &Path, name: &str) -> Result<PathBuf, Error> {
    if out.exists() && !out.is_dir() {
        return Err(Error::OutIsFile {
            path: out.to_owned(),
        });
    }
    fs::create_dir_all(out).map_err(|reason| cannot_write(out, reason))?;
    let mut folder = out.join(name);
    for number in 2..SAME_SECOND_MAX {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                folder = out.join(format!("{name}-{number}"));
            }
            Err(reason) => return Err(cannot_write(&folder, reason)),
            Ok(()) => return Ok(folder),
        }
    }
    Err(cannot_write(&folder, io::ErrorKind::AlreadyExists.into()))
}

/// Writes beside the file and renames, so that the file is old or new, whole; a
/// failure leaves nothing beside it.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let replaced = write_whole(&beside, content).and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // The first failure says more than that this one could not be undone.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn interval_log(row: &Row, sample: &Sample, window_start: SystemTime) -> Result<Vec<u8>, String> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let since_epoch = window_start
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.2]")
        .add_comment(&format!(
            "pspd lab: {} users, chain {}; latencies in nanoseconds of the successes that started in the window",
            row.users, row.chain
        ))
        .with_start_time(window_start)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut log, &mut serializer)
        .map_err(|error| error.to_string())?;
    for (route, latencies) in row.routes.iter().zip(&sample.counts.routes) {
        writer
            .write_histogram(
                latencies.histogram(),
                since_epoch,
                sample.window.length(),
                Tag::new(&route.route),
            )
            .map_err(|error| error.to_string())?;
    }
    Ok(log)
}

fn cannot_write(path: &Path, reason: io::Error) -> Error {
    Error::Results {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests;
