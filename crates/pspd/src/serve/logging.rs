//! The operational log, on standard error; standard output is for the access
//! log.

use std::io::IsTerminal;

use anyhow::{Result, anyhow};
use tracing::level_filters::LevelFilter;

use crate::config::{Common, LogFormat};

pub(super) fn start(common: &Common) -> Result<()> {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::from_level(common.log));
    let started = match common.log_format {
        LogFormat::Human => {
            let colours = std::io::stderr().is_terminal();
            log.with_target(false).with_ansi(colours).try_init()
        }
        LogFormat::Json => log.json().flatten_event(true).with_ansi(false).try_init(),
    };
    started.map_err(|error| anyhow!("cannot start the log: {error}"))
}
