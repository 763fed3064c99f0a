//! Runs a program that is installed, within a time. In: arguments, and what it reads; out:
//! what it printed, or how it failed. One that takes too long is killed.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long what a program printed is waited for once it has ended: a program of its own that
/// goes on may still hold its output open.
const PRINTED_WITHIN: Duration = Duration::from_secs(1);
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
    match status.success() {
        true => Ok(out.text()),
        false => Err(Failure::Said(err.text().trim().to_owned())),
    }
}

/// What a program prints, as far as it has come.
struct Printed {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Told, or closed, at the end of it.
    ended: Receiver<()>,
}

impl Printed {
    fn text(self) -> String {
        let _ = self.ended.recv_timeout(PRINTED_WITHIN);
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn read(from: Option<impl Read + Send + 'static>) -> Printed {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (end, ended) = mpsc::channel();
    let kept = Arc::clone(&bytes);
    thread::spawn(move || {
        // Its end is that of the thread.
        let _end = end;
        let mut from = from.map(|from| from.take(PRINTED_BYTES_MAX));
        let mut piece = [0; 16 * 1024];
        while let Some(from) = &mut from {
            match from.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend(piece.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
    Printed { bytes, ended }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, within: Duration) -> Result<String, Failure> {
        let arguments = ["-c", script].map(OsString::from);
        run(OsStr::new("sh"), &arguments, Some("given"), within)
    }

    #[test]
    fn programs_are_told_apart_by_how_they_end() {
        let within = Duration::from_secs(20);
        assert_eq!(shell("cat", within).expect("it ends well"), "given");
        let said = shell("echo no >&2; exit 3", within);
        assert!(matches!(said, Err(Failure::Said(said)) if said == "no"));
        let late = shell("exec sleep 20", Duration::from_millis(50));
        assert!(matches!(late, Err(Failure::Late(_))));
        let missing = run(OsStr::new("no-such-program"), &[], None, within);
        assert!(matches!(missing, Err(Failure::Missing)));
    }

    #[test]
    fn one_that_leaves_another_behind_has_ended() {
        let started = Instant::now();
        let said = shell("echo done; sleep 15 &", Duration::from_secs(20));
        assert_eq!(said.expect("it ended"), "done\n");
        assert!(started.elapsed() < Duration::from_secs(15));
    }
}
