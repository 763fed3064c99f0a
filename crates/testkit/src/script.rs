//! Running a program that was written elsewhere to its end.

use std::{
    io::Read,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// For a program that drives a browser or a load.
const WITHIN: Duration = Duration::from_secs(180);

/// Runs `command` and returns what it printed on standard output. Fails the
/// test, showing everything it printed, when it does not succeed in time.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let deadline = Instant::now() + WITHIN;
    let status = loop {
        match child.try_wait().expect("a child of this process") {
            Some(status) => break Some(status),
            None if Instant::now() >= deadline => {
                child.kill().expect("it runs");
                child.wait().expect("it was killed");
                break None;
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let stdout = stdout.join().expect("the reader does not panic");
    let stderr = stderr.join().expect("the reader does not panic");
    match status {
        Some(status) if status.success() => stdout,
        Some(status) => panic!("{command:?}: {status}\n{stdout}\n{stderr}"),
        None => panic!("{command:?}: not done within {WITHIN:?}\n{stdout}\n{stderr}"),
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is shown all the same.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
