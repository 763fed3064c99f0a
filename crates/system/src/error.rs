//! Why a role could not be started.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

use contract::Role;

/// A role that did not come up; the message says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system did not start the executable.
    #[error("cannot start role {role} from {}: {reason}; check that the file exists and may be executed", executable.display())]
    Spawn {
        /// The role that was to run.
        role: Role,
        /// The executable as given.
        executable: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A folder or file that the start needs could not be made.
    #[error("cannot prepare the start of role {role}: {what}: {reason}")]
    Prepare {
        /// The role that was to run.
        role: Role,
        /// The folder or file.
        what: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The process ended before it had reported that it listens.
    #[error("role {role} ended before it was ready ({status}){last_lines}")]
    Ended {
        /// The role that ended.
        role: Role,
        /// How it ended.
        status: ExitStatus,
        /// The end of its operational log.
        last_lines: LastLines,
    },
    /// The deadline passed first; the process was killed.
    #[error("role {role} was not ready within {within:?} and was killed{last_lines}")]
    NotReady {
        /// The role that was late.
        role: Role,
        /// How long it was given.
        within: Duration,
        /// The end of its operational log.
        last_lines: LastLines,
    },
    /// The process reported something else than expected; it was killed.
    #[error(
        "role {role} wrote a ready file that is not understood: {reason}; is the executable of the same version? It wrote: {text}"
    )]
    ReadyFile {
        /// The role that was to run.
        role: Role,
        /// What is wrong with it.
        reason: String,
        /// The file's text.
        text: String,
    },
}

impl Error {
    /// The role that did not come up.
    pub fn role(&self) -> Role {
        match self {
            Error::Spawn { role, .. }
            | Error::Prepare { role, .. }
            | Error::Ended { role, .. }
            | Error::NotReady { role, .. }
            | Error::ReadyFile { role, .. } => *role,
        }
    }
}

/// The last lines of a role's standard error, oldest first. Displayed as the
/// end of a sentence: nothing when there are none, an indented list otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastLines(pub Vec<String>);

impl fmt::Display for LastLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; it wrote nothing to its log");
        }
        f.write_str("; its last log lines:")?;
        for line in &self.0 {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}
