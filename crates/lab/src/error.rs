//! Why a run did not come to its end, or could not begin.

use std::{io, path::PathBuf};

/// Displayed with the value concerned, the cause and the next step. The cause is
/// in the message, and so it is not the error's source as well: printing the
/// whole chain of sources would say it twice.
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
    /// The users do not fit into the range of local ports.
    #[error(
        "{users} users need as many local ports towards one address, and {available} of those from \
         {first} to {last} can be counted on; choose fewer --users, or widen \
         net.ipv4.ip_local_port_range"
    )]
    Ports {
        /// The largest number of users of the plan.
        users: u32,
        /// What the range has, without a reserve.
        available: u32,
        /// The range's first port.
        first: u32,
        /// The range's last port.
        last: u32,
    },
    /// The user stopped the run before anything was started or written.
    #[error("interrupted before anything was started; nothing was written")]
    Interrupted,
    /// A process named for the accounts cannot be read.
    #[error(
        "chain {chain}: process {pid} cannot be read: {reason}; \
         check the process id given with --against, or leave it out"
    )]
    Process {
        /// The chain it was named for.
        chain: String,
        /// The process id as given.
        pid: u32,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A host name has no address.
    #[error("--against {chain}: {host} has no address: {reason}; check the URL")]
    Resolve {
        /// The chain it was named for.
        chain: String,
        /// Host and port.
        host: String,
        /// What the resolver said.
        reason: io::Error,
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
    /// The folder for results is a file.
    #[error("--out {}: it is a file; name a folder; it is made when absent", path.display())]
    OutIsFile {
        /// As given.
        path: PathBuf,
    },
    /// A result cannot be written.
    #[error("cannot write {}: {reason}; choose another folder with --out, or make room", path.display())]
    Results {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

impl Error {
    /// Whether the cause is in how the run was asked for; such a run started nothing.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::Descriptors { .. }
                | Error::Ports { .. }
                | Error::Process { .. }
                | Error::Resolve { .. }
                | Error::OutIsFile { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let reason = || io::Error::other("the cause");
        let (chain, host) = ("o".to_owned(), "h:80".to_owned());
        for error in [
            Error::Signals(reason()),
            Error::Process {
                chain: chain.clone(),
                pid: 7,
                reason: reason(),
            },
            Error::Resolve {
                chain,
                host,
                reason: reason(),
            },
            Error::Generator(reason()),
            Error::Results {
                path: PathBuf::from("results"),
                reason: reason(),
            },
        ] {
            assert_eq!(error.to_string().matches("the cause").count(), 1, "{error}");
            assert!(error.source().is_none(), "{error:?}");
        }
    }
}
