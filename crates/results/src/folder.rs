//! The folder of one run. In: a block and its raw histograms as soon as it is
//! complete; out: `run.json` and one file a block, each replaced as a whole, so
//! that whatever happens later costs at most the block in progress and no reader
//! ever sees half a file. A block exists once `run.json` has it: that is written
//! last. A lock keeps two programs from writing into the same folder.
//!
//! `histograms/NNNN-TARGET.hlog` is an HdrHistogram interval log (version 1.2 of
//! the text format, V2 compressed histograms), times in nanoseconds: a line for
//! each route and interval under the route's name, from the intended start, and
//! one a route under `ROUTE.uncorrected`, `ROUTE.first_message`, `ROUTE.gap` and
//! `ROUTE.round_trip`.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer, V2DeflateSerializer,
        interval_log::{IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag},
    },
};

use crate::{Block, Run, SCHEMA_VERSION, Second, State, timeline};

/// Runs that start within the same second get numbers.
const SAME_SECOND_MAX: u32 = 100;
const RUN_FILE: &str = "run.json";
const LOCK_FILE: &str = "run.lock";

/// Why a folder cannot be used. The cause is in the message alone.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder for results is a file.
    #[error("{}: it is a file; name a folder; it is made when absent", path.display())]
    IsFile {
        /// As given.
        path: PathBuf,
    },
    /// Something cannot be written.
    #[error("cannot write {}: {reason}; choose another folder with --out, or make room", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Something cannot be read.
    #[error("cannot read {}: {reason}; name a folder that pspd lab wrote, such as results/2026-01-31T12-00-00Z", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Written by another version.
    #[error(
        "{}: its schema is version {found}, this program knows version {SCHEMA_VERSION}; \
         read it with the version of pspd that wrote it", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Another program writes into it.
    #[error("{}: another pspd is writing into it; wait for it, or stop it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl FolderError {
    /// Whether the cause is in what was asked for; nothing was started then.
    pub fn is_usage(&self) -> bool {
        !matches!(self, FolderError::Write { .. })
    }
}

/// The folder of a run, and what is in it so far.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    run: Run,
    /// Held while this program may write.
    _lock: Option<File>,
}

/// The raw times of one block.
#[derive(Debug, Clone, Default)]
pub struct Histograms {
    /// By the name that the interval log has for it.
    pub tags: BTreeMap<String, Vec<Histogram<u64>>>,
    /// The length of one interval, for tags that have several.
    pub interval: Duration,
}

impl Histograms {
    /// Everything under `tag`, merged; none where the block has no such tag.
    pub fn merged(&self, tag: &str) -> Option<Histogram<u64>> {
        let (first, rest) = self.tags.get(tag)?.split_first()?;
        let mut all = first.clone();
        all.auto(true);
        for histogram in rest {
            // The sum resizes itself and so cannot fail.
            let _ = all.add(histogram);
        }
        Some(all)
    }
}

impl Folder {
    /// Makes the run's folder below `out`, named after the time it started.
    pub fn create(out: &Path, run: Run) -> Result<Folder, FolderError> {
        let path = make_folder(out, &run.started().replace(':', "-"))?;
        for inner in ["histograms", "timelines"] {
            let inner = path.join(inner);
            fs::create_dir(&inner).map_err(|reason| cannot_write(&inner, reason))?;
        }
        let lock = lock(&path)?;
        let folder = Folder {
            path,
            run,
            _lock: Some(lock),
        };
        folder.write_run()?;
        Ok(folder)
    }

    /// Opens a run to read it.
    pub fn read(path: &Path) -> Result<Folder, FolderError> {
        let file = path.join(RUN_FILE);
        let unreadable = |reason: String| FolderError::Read {
            path: file.clone(),
            reason,
        };
        let text = fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        match value["schema_version"].as_u64() {
            Some(version) if version == u64::from(SCHEMA_VERSION) => {}
            Some(found) => return Err(FolderError::Version { path: file, found }),
            None => return Err(unreadable("it has no schema_version".to_owned())),
        }
        let run = serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?;
        Ok(Folder {
            path: path.to_owned(),
            run,
            _lock: None,
        })
    }

    /// Opens a run to go on with it.
    pub fn resume(path: &Path) -> Result<Folder, FolderError> {
        // Read first: a folder of something else must not get a lock file.
        Folder::read(path)?;
        let lock = lock(path)?;
        let mut folder = Folder::read(path)?;
        folder._lock = Some(lock);
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder for the logs of the roles that serve from this repetition on.
    pub fn logs(&self, repetition: u32) -> Result<PathBuf, FolderError> {
        let logs = self.path.join(format!("logs/repetition-{repetition}"));
        fs::create_dir_all(&logs).map_err(|reason| cannot_write(&logs, reason))?;
        Ok(logs)
    }

    /// What is in it so far.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Changes what is recorded of the run besides its blocks.
    pub fn update(&mut self, change: impl FnOnce(&mut Run)) -> Result<(), FolderError> {
        change(&mut self.run);
        self.write_run()
    }

    /// Adds a block: its raw files first, then `run.json`, which makes it count.
    pub fn add(
        &mut self,
        block: Block,
        histograms: &Histograms,
        window_start: SystemTime,
        timeline: &[Second],
    ) -> Result<(), FolderError> {
        let log = interval_log(&block, histograms, window_start).map_err(io::Error::other);
        let path = self.histogram_file(&block);
        log.and_then(|log| replace(&path, &log))
            .map_err(|reason| cannot_write(&path, reason))?;
        let name = format!("timelines/{:04}-{}.csv", block.number, block.target);
        self.write(&name, timeline::csv(timeline).as_bytes())?;
        self.run.blocks.push(block);
        self.write_run()
    }

    /// Writes the last word on how the run ended.
    pub fn close(&mut self, state: State) -> Result<(), FolderError> {
        self.update(|run| run.state = state)
    }

    /// Replaces one file of the folder; folders on the way are made.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| replace(&path, content))
            .map_err(|reason| cannot_write(&path, reason))
    }

    /// The raw times of a block.
    pub fn histograms(&self, block: &Block) -> Result<Histograms, FolderError> {
        let path = self.histogram_file(block);
        let log = fs::read(&path).map_err(|error| error.to_string());
        log.and_then(|log| read_interval_log(&log))
            .map_err(|reason| FolderError::Read { path, reason })
    }

    fn histogram_file(&self, block: &Block) -> PathBuf {
        let name = format!("histograms/{:04}-{}.hlog", block.number, block.target);
        self.path.join(name)
    }

    fn write_run(&self) -> Result<(), FolderError> {
        let path = self.path.join(RUN_FILE);
        let json = serde_json::to_string_pretty(&self.run).map_err(io::Error::from);
        json.and_then(|json| replace(&path, (json + "\n").as_bytes()))
            .map_err(|reason| cannot_write(&path, reason))
    }
}

/// Taken for as long as the file stays open.
fn lock(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join(LOCK_FILE);
    let file = File::create(&path).map_err(|reason| cannot_write(&path, reason))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked {
            path: folder.to_owned(),
        }),
        // Where the file system has no locks, there is nothing to ask.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(reason)) => Err(cannot_write(&path, reason)),
    }
}

fn make_folder(out: &Path, name: &str) -> Result<PathBuf, FolderError> {
    if out.exists() && !out.is_dir() {
        return Err(FolderError::IsFile {
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
    // A name of this program's own, so that two programs do not take it from
    // each other.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
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

fn interval_log(
    block: &Block,
    histograms: &Histograms,
    window_start: SystemTime,
) -> Result<Vec<u8>, String> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let since_epoch = window_start
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.2]")
        .add_comment(&format!(
            "pspd lab: block {}, target {}, {}; nanoseconds; ROUTE: from the intended start, \
             successes due in the interval",
            block.number, block.target, block.load
        ))
        .with_start_time(window_start)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut log, &mut serializer)
        .map_err(|error| error.to_string())?;
    let window = Duration::from_secs_f64(block.window_seconds);
    for (tag, intervals) in &histograms.tags {
        let tag = Tag::new(tag).ok_or("a route's name cannot be a tag")?;
        let (length, mut at) = match intervals.len() {
            1 => (window, since_epoch),
            _ => (histograms.interval, since_epoch),
        };
        for histogram in intervals {
            writer
                .write_histogram(histogram, at, length, Some(tag))
                .map_err(|error| error.to_string())?;
            at += length;
        }
    }
    Ok(log)
}

fn read_interval_log(log: &[u8]) -> Result<Histograms, String> {
    let mut histograms = Histograms::default();
    let mut shortest = Duration::MAX;
    for entry in IntervalLogIterator::new(log) {
        let entry = entry.map_err(|error| format!("{error:?}"))?;
        let LogEntry::Interval(interval) = entry else {
            continue;
        };
        let tag = interval.tag().ok_or("an interval has no tag")?;
        let encoded = BASE64_STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| format!("a histogram is broken: {error}"))?;
        let histogram = Deserializer::new()
            .deserialize(&mut encoded.as_slice())
            .map_err(|error| format!("a histogram is broken: {error:?}"))?;
        shortest = shortest.min(interval.duration());
        let tags = &mut histograms.tags;
        tags.entry(tag.as_str().to_owned())
            .or_default()
            .push(histogram);
    }
    if !histograms.tags.is_empty() {
        histograms.interval = shortest;
    }
    Ok(histograms)
}

fn cannot_write(path: &Path, reason: io::Error) -> FolderError {
    FolderError::Write {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests;
