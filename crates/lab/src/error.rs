//! Why a run did not come to its end, or could not begin.

use std::io;

use results::FolderError;

/// Displayed with the value concerned, the cause and the next step. The cause is
/// in the message, and so it is not the error's source as well: printing the
/// whole chain of sources would say it twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C cannot be listened for.
    #[error("cannot listen for signals: {0}; start pspd from a terminal or a service manager")]
    Signals(io::Error),
    /// The connections do not fit into the limit on open files.
    #[error(
        "{connections} connections need {needed} open files a process, and the limit is {limit}; \
         raise it (ulimit -n {needed}), choose fewer --users, or let them share --connections"
    )]
    Descriptors {
        /// The largest number of connections of the plan.
        connections: u32,
        /// Descriptors that one process may come to need.
        needed: u64,
        /// What the operating system grants.
        limit: u64,
    },
    /// The connections do not fit into the range of local ports.
    #[error(
        "{connections} connections need as many local ports towards one address, and {available} of \
         those from {first} to {last} can be counted on; choose fewer --users, let them share \
         --connections, or widen net.ipv4.ip_local_port_range"
    )]
    Ports {
        /// The largest number of connections of the plan.
        connections: u32,
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
    #[error(transparent)]
    Process(#[from] accounts::OpenError),
    /// The roles cannot be kept to their processors.
    #[error("cannot keep the roles to processors {cpus:?}: {reason}; leave --system-cpus out")]
    Pin {
        /// As asked for.
        cpus: Vec<usize>,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A host name has no address.
    #[error("target {target}: {host} has no address: {reason}; check the URL")]
    Resolve {
        /// The target's name.
        target: String,
        /// Host and port.
        host: String,
        /// What the resolver said.
        reason: io::Error,
    },
    /// The requests of a target cannot be made.
    #[error("target {target}: {reason}")]
    Requests {
        /// The target's name.
        target: String,
        /// Which one, why, and what to do.
        reason: String,
    },
    /// A target failed its first request, before any load.
    #[error(
        "target {target} does not answer: request {request} to {authority}: {reason}; \
         check that it runs, and that everything behind it does"
    )]
    Unanswered {
        /// The target's name.
        target: String,
        /// Host and port.
        authority: String,
        /// The name of the request that failed.
        request: String,
        /// Why.
        reason: String,
    },
    /// The system could not be started.
    #[error(transparent)]
    System(#[from] system::Error),
    /// The load cannot be started.
    #[error(transparent)]
    Start(#[from] load::StartError),
    /// The load generator failed, not the target.
    #[error("the load generator failed: {0}; fewer --generator-threads need fewer resources")]
    Generator(io::Error),
    /// The folder for results cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A condition that the run was begun with is none for this program.
    #[error("{0}; read the run with the version of pspd that wrote it")]
    Gate(#[from] report::GateError),
    /// A run cannot be gone on with.
    #[error("cannot resume {folder}: {reason}")]
    Resume {
        /// The folder.
        folder: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A page or chart cannot be made.
    #[error("cannot make {name}: {reason}; everything else is in the folder")]
    Render {
        /// Which file.
        name: String,
        /// What failed.
        reason: String,
    },
}

impl Error {
    /// Whether the cause is in how the run was asked for; such a run started nothing.
    pub fn is_usage(&self) -> bool {
        match self {
            Error::Descriptors { .. }
            | Error::Ports { .. }
            | Error::Process(_)
            | Error::Pin { .. }
            | Error::Resolve { .. }
            | Error::Requests { .. }
            | Error::Gate(_)
            | Error::Resume { .. } => true,
            Error::Folder(error) => error.is_usage(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let reason = || io::Error::other("the cause");
        for error in [
            Error::Signals(reason()),
            Error::Pin {
                cpus: vec![7],
                reason: reason(),
            },
            Error::Resolve {
                target: "o".to_owned(),
                host: "h:80".to_owned(),
                reason: reason(),
            },
            Error::Generator(reason()),
        ] {
            assert_eq!(error.to_string().matches("the cause").count(), 1, "{error}");
            assert!(error.source().is_none(), "{error:?}");
        }
    }
}
