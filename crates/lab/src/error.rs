//! Why a run did not come to its end, or could not begin.

use std::{io, path::PathBuf};

/// Displayed with the value concerned and the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C cannot be listened for.
    #[error("cannot listen for signals: {0}; start pspd from a terminal or a service manager")]
    Signals(io::Error),
    /// The users do not fit into the limit on open files.
    #[error(
        "{users} users need {needed} open files a process, and the limit is {limit}; \
         raise it (ulimit -n {needed}) or choose fewer --users"
    )]
    Descriptors {
        /// The largest number of users of the plan.
        users: u32,
        /// Descriptors that one process may come to need.
        needed: u64,
        /// What the operating system grants.
        limit: u64,
    },
    /// A process named for the accounts cannot be read.
    #[error(
        "chain {chain}: process {pid} cannot be read: {source}; \
         check the process id given with --against, or leave it out"
    )]
    Process {
        /// The chain it was named for.
        chain: String,
        /// The process id as given.
        pid: u32,
        /// What the operating system said.
        source: io::Error,
    },
    /// A host name has no address.
    #[error("--against {chain}: {host} has no address: {source}; check the URL")]
    Resolve {
        /// The chain it was named for.
        chain: String,
        /// Host and port.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// A chain failed its first request, before any load.
    #[error(
        "chain {chain} does not answer: GET http://{authority}{path}: {reason}; \
         check that it runs, and that the whole chain behind it does"
    )]
    Unanswered {
        /// The chain's name.
        chain: String,
        /// Host and port.
        authority: String,
        /// The route that failed.
        path: String,
        /// Why.
        reason: String,
    },
    /// The system could not be started.
    #[error(transparent)]
    System(#[from] system::Error),
    /// The load generator failed, not the target.
    #[error("the load generator failed: {0}; fewer --generator-threads need fewer resources")]
    Generator(io::Error),
    /// A result cannot be written.
    #[error("cannot write {}: {source}; choose another folder with --out, or make room", path.display())]
    Results {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the cause is in how the run was asked for; such a run started nothing.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::Descriptors { .. } | Error::Process { .. } | Error::Resolve { .. }
        )
    }
}
