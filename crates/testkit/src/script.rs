//! Running a program that was written elsewhere to its end.

use std::{process::Command, time::Duration};

use crate::Program;

/// For a program that drives a browser or a load.
const WITHIN: Duration = Duration::from_secs(180);

/// Runs `command` and returns what it printed on standard output. Fails the
/// test, showing everything it printed, when it does not succeed in time.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let mut program = Program::spawn(command);
    program.close_stdin();
    let ended = program.finish_within(WITHIN);
    assert!(
        ended.status.success(),
        "{command:?}: {}\n{}\n{}",
        ended.status,
        ended.out,
        ended.err
    );
    ended.out
}
