//! A whole run, as `run.json` has it.

use std::collections::BTreeMap;

use accounts::Machine;
use serde::{Deserialize, Serialize};

use crate::{Block, Experiment, LoadPoint};

/// Version of `run.json`; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// The content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA_VERSION`] at the time of writing.
    pub schema_version: u32,
    /// How far it came.
    pub state: State,
    /// The version of the program that began it.
    pub pspd_version: String,
    /// The commit that was built from, where known.
    pub pspd_commit: Option<String>,
    /// Built without optimisation: fine for trying out, not for figures.
    pub debug_build: bool,
    /// Where it took place.
    pub machine: Machine,
    /// What was asked for, with every default; the seed is always there.
    pub experiment: Experiment,
    /// Blocks that the experiment has.
    pub blocks_planned: usize,
    /// Arguments of the roles that the run started, besides addresses and ports.
    pub role_arguments: BTreeMap<String, Vec<String>>,
    /// The run's beginning, and each time that it was resumed.
    pub sessions: Vec<Session>,
    /// What is complete, in the order in which it was measured.
    pub blocks: Vec<Block>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on, or it was ended without a chance to say so.
    Running,
    /// Every block is there.
    Complete,
    /// Stopped by its user.
    Interrupted,
    /// Something failed.
    Failed,
}

/// One stretch of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// UTC, such as `2026-01-31T12:00:00Z`.
    pub started: String,
    /// The version of the program that measured.
    pub pspd_version: String,
    /// The commit it was built from, where known.
    pub pspd_commit: Option<String>,
    /// The kernel it ran on, where known.
    pub kernel: Option<String>,
}

impl Run {
    /// When it began, UTC.
    pub fn started(&self) -> &str {
        self.sessions
            .first()
            .map_or("", |session| session.started.as_str())
    }

    /// The loads of the experiment, in their order.
    pub fn loads(&self) -> Vec<LoadPoint> {
        self.experiment.load.points()
    }

    /// The blocks of one cell of the tables, by repetition.
    pub fn cell(&self, target: &str, load: LoadPoint) -> Vec<&Block> {
        let mut blocks: Vec<_> = self
            .blocks
            .iter()
            .filter(|block| block.target == target && block.load == load)
            .collect();
        blocks.sort_by_key(|block| block.repetition);
        blocks
    }
}
