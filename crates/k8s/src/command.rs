//! Runs a program that is installed, within a time. In: arguments, and what it reads; out:
//! what it printed, or how it failed. One that takes too long is killed.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    process::{Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Bytes kept of what a program prints; a namespace of a thousand pods is below it.
const PRINTED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How a program failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not there.
    Missing,
    /// It could not be started.
    Start(io::Error),
    /// It did not end in time.
    Late(Duration),
    /// What it said on standard error.
    Said(String),
}

/// Runs it, and returns its standard output.
pub(crate) fn run(
    program: &OsStr,
    arguments: &[OsString],
    input: Option<&str>,
    within: Duration,
) -> Result<String, Failure> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(match input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Missing,
        _ => Failure::Start(error),
    })?;
    let out = read(child.stdout.take());
    let err = read(child.stderr.take());
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input.map(str::to_owned)) {
        // It may end without having read all; how it ends says more.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let deadline = Instant::now() + within;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::Late(within));
            }
            Err(error) => return Err(Failure::Start(error)),
        }
    };
    let (out, err) = (out.join(), err.join());
    match status.success() {
        true => Ok(out.unwrap_or_default()),
        false => Err(Failure::Said(err.unwrap_or_default().trim().to_owned())),
    }
}

fn read(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            let _ = from.take(PRINTED_BYTES_MAX).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
