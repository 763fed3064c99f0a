//! How a run ends: the exit code and the one message on standard error.

use std::{fmt, process::ExitCode};

/// Wrong usage or configuration (`EX_USAGE` of BSD's sysexits).
const USAGE: u8 = 64;

/// An error the user mends by calling differently; ends with exit code 64.
#[derive(Debug)]
pub(crate) struct Usage(Vec<String>);

impl Usage {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Usage(vec![message.into()])
    }

    /// All that is wrong with a configuration.
    pub(crate) fn problems(problems: Vec<String>) -> Self {
        Usage(problems)
    }

    /// All that is wrong.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => f.write_str(one),
            several => {
                let number = several.len();
                write!(f, "{number} settings cannot be used:")?;
                several
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for Usage {}

/// The exit code of a finished subcommand, after printing its error.
pub(crate) fn code(done: anyhow::Result<ExitCode>) -> ExitCode {
    let error = match done {
        Ok(code) => return code,
        Err(error) => error,
    };
    eprintln!("error: {error:#}");
    if error.is::<Usage>() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::FAILURE
    }
}

/// The exit code of a command line that clap did not accept, or of `--help`.
pub(crate) fn clap(error: &clap::Error) -> ExitCode {
    // A closed standard output must not turn `--help` into a panic.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}
