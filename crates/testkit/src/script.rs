//! Running a program that was written elsewhere to its end.

use std::process::Command;

use crate::Program;

/// Runs `command` and returns what it printed on standard output. Fails the
/// test, showing everything it printed, when it does not succeed in time.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let mut program = Program::spawn(command).working();
    program.close_stdin();
    let ended = program.finish();
    assert!(
        ended.status.success(),
        "{command:?}: {}\n{}\n{}",
        ended.status,
        ended.out,
        ended.err
    );
    ended.out
}
