//! One line a request, written when its answer has been sent or its client has
//! gone. Each worker gathers lines in its own buffer and hands them over in
//! batches, so that a request never waits for a terminal or a pipe; when the
//! reader of the log cannot keep up, lines are dropped and counted, never
//! queued without bound.

mod line;

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use http::{Method, StatusCode, Uri};
use server::RequestId;

/// Batches that may wait for the writer.
const BATCHES_MAX: usize = 64;
/// A worker hands over its lines when it has this many bytes of them...
const BATCH_BYTES: usize = 16 * 1024;
/// ...or this often.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned text, for a terminal.
    Human,
    /// One JSON object a line.
    Json,
    /// No line at all.
    Off,
}

/// The log of one process.
#[derive(Clone)]
pub struct AccessLog {
    format: Format,
    batches: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

/// Waits for the lines written so far.
pub struct Writer(thread::JoinHandle<()>);

impl AccessLog {
    /// Starts a log that is written to `out` by a thread of its own.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        format: Format,
        mut out: impl Write + Send + 'static,
    ) -> std::io::Result<(Self, Writer)> {
        let (batches, waiting) = mpsc::sync_channel::<Vec<u8>>(BATCHES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let log = AccessLog {
            format,
            batches,
            lost: Arc::clone(&lost),
        };
        let writer = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || {
                for batch in waiting {
                    // A closed output loses the line but must not stop the gateway.
                    let _ = out.write_all(&batch).and_then(|()| out.flush());
                    let lines = lost.swap(0, Ordering::Relaxed);
                    if lines > 0 {
                        tracing::warn!(lines, "access log lines dropped; its reader is too slow");
                    }
                }
            })?;
        Ok((log, Writer(writer)))
    }

    /// A buffer for one worker. Must be called on the worker's runtime.
    pub(crate) fn for_worker(&self) -> Arc<Buffer> {
        let buffer = Arc::new(Buffer {
            log: self.clone(),
            lines: Mutex::default(),
        });
        if self.format != Format::Off {
            tokio::spawn(flush_regularly(Arc::downgrade(&buffer)));
        }
        buffer
    }
}

impl Writer {
    /// Waits until everything is written, once every [`AccessLog`] is gone, but
    /// not longer than `limit`: an output that nobody reads may block for ever.
    pub fn finish(self, limit: Duration) {
        let give_up = Instant::now() + limit;
        while !self.0.is_finished() && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The lines of one worker that have not been handed over.
pub(crate) struct Buffer {
    log: AccessLog,
    lines: Mutex<Vec<u8>>,
}

impl Buffer {
    /// Opens the entry of a request.
    pub(crate) fn begin(
        self: &Arc<Self>,
        peer: SocketAddr,
        method: &Method,
        uri: &Uri,
        id: &RequestId,
    ) -> Entry {
        Entry {
            log: Arc::clone(self),
            started: Instant::now(),
            peer,
            method: method.clone(),
            uri: uri.clone(),
            id: id.clone(),
            status: None,
            bytes: 0,
            finished: false,
            cause: None,
            grpc_status: None,
        }
    }

    fn write(&self, entry: &Entry) {
        let line = match self.log.format {
            Format::Off => return,
            Format::Human => line::human,
            Format::Json => line::json,
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        line(entry, SystemTime::now(), &mut lines);
        if lines.len() >= BATCH_BYTES {
            self.hand_over(std::mem::take(&mut *lines));
        }
    }

    fn flush(&self) {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        if !lines.is_empty() {
            self.hand_over(lines);
        }
    }

    fn hand_over(&self, lines: Vec<u8>) {
        if let Err(TrySendError::Full(lines)) = self.log.batches.try_send(lines) {
            let count = lines.iter().filter(|byte| **byte == b'\n').count();
            self.log.lost.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.flush();
    }
}

async fn flush_regularly(buffer: Weak<Buffer>) {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        match buffer.upgrade() {
            Some(buffer) => buffer.flush(),
            None => return,
        }
    }
}

/// What is known of one request; becomes a line when dropped.
pub(crate) struct Entry {
    log: Arc<Buffer>,
    started: Instant,
    peer: SocketAddr,
    method: Method,
    uri: Uri,
    id: RequestId,
    status: Option<StatusCode>,
    bytes: usize,
    finished: bool,
    cause: Option<String>,
    /// The number of the gRPC status, where the client was told one.
    grpc_status: Option<u32>,
}

impl Entry {
    /// The status that was sent, and why if it is not what was asked for.
    pub(crate) fn answered(&mut self, status: StatusCode, cause: Option<String>) {
        self.status = Some(status);
        self.cause = cause;
    }

    /// The answer ended with an error after it had begun.
    pub(crate) fn failed(&mut self, cause: String) {
        self.cause = Some(cause);
    }

    /// The answer told this gRPC status.
    pub(crate) fn ended_with(&mut self, grpc_status: u32) {
        self.grpc_status = Some(grpc_status);
    }

    /// Counts bytes of the answer.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// The answer was taken to its end.
    pub(crate) fn finished(&mut self) {
        self.finished = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        Arc::clone(&self.log).write(self);
    }
}
