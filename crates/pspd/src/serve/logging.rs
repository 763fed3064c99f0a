//! The operational log, on standard error; standard output is for the access
//! log. Its level can be changed while the role runs.

use std::io::IsTerminal;

use anyhow::{Result, anyhow};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

use crate::config::{Common, LogFormat};

/// The least level that is logged, which may be another one from one line to the next.
#[derive(Clone)]
pub(super) struct LogLevel(reload::Handle<LevelFilter, Registry>);

impl LogLevel {
    pub(super) fn set(&self, level: Level) {
        // The log lives as long as the program.
        let _ = self.0.reload(LevelFilter::from_level(level));
    }

    /// Changes it if that says more.
    pub(super) fn say_more(&self, level: Level) {
        let now = self.0.clone_current().unwrap_or(LevelFilter::OFF);
        if LevelFilter::from_level(level) > now {
            self.set(level);
        }
    }
}

pub(super) fn start(common: &Common) -> Result<LogLevel> {
    let (level, handle) = reload::Layer::new(LevelFilter::from_level(common.log));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(level);
    let started = match common.log_format {
        LogFormat::Human => {
            let colours = std::io::stderr().is_terminal();
            let log = log.with_target(false).with_ansi(colours);
            registry.with(log).try_init()
        }
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_ansi(false);
            registry.with(log).try_init()
        }
    };
    started.map_err(|error| anyhow!("cannot start the log: {error}"))?;
    Ok(LogLevel(handle))
}
