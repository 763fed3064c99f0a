//! The real binary with any command line and environment, for what
//! [`crate::Process`] leaves out: runs that fail, signals, what is printed.
//! Settings that the environment of the test itself holds do not reach it.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{IN_TIME, until};

/// For a program that does a lot of work, on a machine that is busy: a load, a browser.
const WORK_WITHIN: Duration = Duration::from_secs(180);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// How long its end is waited for.
    within: Duration,
    out: Collected,
    err: Collected,
}

/// How a program ended, and all that it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ended {
    /// The exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl Program {
    /// Starts it with these arguments, without any of its variables.
    #[track_caller]
    pub fn start(executable: impl AsRef<Path>, args: &[&str]) -> Program {
        Program::start_with(executable, args, &[])
    }

    /// Starts it with these arguments and variables. Fails the test when the
    /// operating system does not start it.
    #[track_caller]
    pub fn start_with(
        executable: impl AsRef<Path>,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Program {
        let mut command = Command::new(executable.as_ref());
        for setting in system::inherited_settings() {
            command.env_remove(setting);
        }
        Program::spawn(command.args(args).envs(variables.iter().copied()))
    }

    /// Starts any command.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Program {
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => panic!("cannot start {command:?}: {error}"),
        };
        let out = Collected::from(child.stdout.take());
        let err = Collected::from(child.stderr.take());
        Program {
            child,
            within: IN_TIME,
            out,
            err,
        }
    }

    /// The same for one that does a lot of work until its end.
    #[must_use]
    pub fn working(mut self) -> Program {
        self.within = WORK_WITHIN;
        self
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed to standard output so far.
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// What it has printed to standard error so far.
    pub fn err(&self) -> String {
        self.err.text()
    }

    /// Ends its standard input.
    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// Sends a signal, such as `TERM`.
    #[cfg(unix)]
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end. Fails the test when it does not come in time.
    #[track_caller]
    pub fn finish(mut self) -> Ended {
        let limit = self.within;
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "the program did not end within {limit:?}; it printed:\n{}{}",
                self.out(),
                self.err()
            );
            thread::sleep(Duration::from_millis(5));
        };
        Ended {
            status,
            out: self.out.whole(),
            err: self.err.whole(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only for a program that has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, such as `KILL`, to a process that the test started.
#[cfg(unix)]
#[track_caller]
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .expect("there is a `kill`");
    assert!(sent.success(), "cannot send SIG{name} to {pid}");
}

/// Whether a process of that id exists.
#[cfg(unix)]
pub fn exists(pid: u32) -> bool {
    Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("there is a `kill`")
        .success()
}

/// The output of a program, read by a thread so that it never blocks.
#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(pipe: Option<impl Read + Send + 'static>) -> Collected {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let into = Arc::clone(&bytes);
        let reader = pipe.map(|mut pipe| {
            thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(read @ 1..) = pipe.read(&mut piece) {
                    let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                    bytes.extend_from_slice(&piece[..read]);
                }
            })
        });
        Collected { bytes, reader }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Everything until the pipe ends, which it does with the last process
    /// that holds it.
    fn whole(&mut self) -> String {
        until("the end of the program's output", || {
            let ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            ended.then_some(())
        });
        self.text()
    }
}
