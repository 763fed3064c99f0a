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

use http::{Method, StatusCode, Uri, request::Parts};
use server::{Encrypted, RequestId};
use telemetry::{
    Ended, HttpMethod, Route, RpcId, Side, Trace, Worker,
    traces::{self, Context, RpcSystem, Served},
};

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
    lost_in_all: Arc<AtomicU64>,
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
            lost_in_all: Arc::default(),
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

    /// Lines that were dropped since the start.
    pub(crate) fn lost_in_all(&self) -> &Arc<AtomicU64> {
        &self.lost_in_all
    }

    /// A buffer for the worker that counts with `worker`. Must be called on its runtime.
    pub(crate) fn for_worker(&self, worker: Arc<Worker>) -> Arc<Buffer> {
        let buffer = Arc::new(Buffer {
            log: self.clone(),
            lines: Mutex::default(),
            worker,
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

/// The lines of one worker that have not been handed over, and what it counts with.
pub(crate) struct Buffer {
    log: AccessLog,
    lines: Mutex<Vec<u8>>,
    worker: Arc<Worker>,
}

impl Buffer {
    /// Opens the entry of a request.
    pub(crate) fn begin(self: &Arc<Self>, peer: SocketAddr, head: &Parts, id: &RequestId) -> Entry {
        let http_method = HttpMethod::of(head.method.as_str());
        self.worker.begin(http_method);
        Entry {
            log: Arc::clone(self),
            started: Instant::now(),
            peer,
            identity: identity(head),
            method: head.method.clone(),
            uri: head.uri.clone(),
            id: id.clone(),
            status: None,
            bytes: 0,
            finished: false,
            cause: None,
            grpc_status: None,
            http_method,
            asked: Asked::Route(Route::UNMATCHED),
            request_bytes: None,
            system: RpcSystem::Grpc,
            trace: self.trace(head),
        }
    }

    /// Our trace, or the caller's where it has only to be told in the log.
    fn trace(&self, head: &Parts) -> Trace {
        let traces = self.worker.traces();
        if traces.is_on() {
            return traces.begin(head.into());
        }
        match self.log.format {
            Format::Json => Trace::of_caller(&head.headers),
            Format::Human | Format::Off => Trace::default(),
        }
    }

    fn write(&self, entry: &Entry, took: Duration) {
        let line = match self.log.format {
            Format::Off => return,
            Format::Human => line::human,
            Format::Json => line::json,
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        line(entry, took, SystemTime::now(), &mut lines);
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
            self.log
                .lost_in_all
                .fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.flush();
    }
}

fn identity(head: &Parts) -> Option<Arc<str>> {
    head.extensions.get::<Encrypted>()?.identity.clone()
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

/// What a request asks for, as metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Route(Route),
    /// It calls this method by its own path.
    Call(RpcId),
    /// The same, with one message each way in a body without framing.
    PlainCall(RpcId),
}

/// What is known of one request; becomes a line, and is counted, when dropped.
pub(crate) struct Entry {
    log: Arc<Buffer>,
    started: Instant,
    peer: SocketAddr,
    /// Who the client is by its certificate.
    identity: Option<Arc<str>>,
    method: Method,
    uri: Uri,
    id: RequestId,
    status: Option<StatusCode>,
    bytes: usize,
    finished: bool,
    cause: Option<String>,
    /// The number of the gRPC status, where the client was told one.
    grpc_status: Option<u32>,
    http_method: HttpMethod,
    asked: Asked,
    request_bytes: Option<u64>,
    system: RpcSystem,
    trace: Trace,
}

impl Entry {
    /// What calls for the request are made under; `None` with traces off.
    pub(crate) fn trace(&self) -> Option<Context> {
        self.trace.context()
    }

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

    /// It is of this route.
    pub(crate) fn asks_for(&mut self, route: Route) {
        self.asked = Asked::Route(route);
    }

    /// It calls some method by its own path, in this protocol.
    pub(crate) fn is_call(&mut self, system: RpcSystem) {
        self.system = system;
        self.asked = Asked::Call(RpcId::UNMATCHED);
    }

    /// It calls this method by its own path.
    pub(crate) fn calls(&mut self, rpc: RpcId) {
        self.asked = Asked::Call(rpc);
        self.log.worker.call_started(Side::Server, rpc);
    }

    /// The one message of the call came and its answer goes without gRPC's framing.
    pub(crate) fn is_plain(&mut self) {
        if let Asked::Call(rpc) = self.asked {
            self.asked = Asked::PlainCall(rpc);
            self.log.worker.received(Side::Server, rpc, 1);
        }
    }

    /// The length of its body, where it is told.
    pub(crate) fn brings(&mut self, bytes: Option<u64>) {
        self.request_bytes = bytes;
    }

    /// The answer was taken to its end.
    pub(crate) fn finished(&mut self) {
        self.finished = true;
    }
}

/// What stands for a status when the client left before there was one (the
/// number that nginx made customary).
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The numbers of gRPC's statuses for calls that ended without one.
const CANCELLED: u32 = 1;
const UNKNOWN: u32 = 2;

impl Entry {
    /// The status, or what stands for it.
    fn status(&self) -> u16 {
        self.status
            .map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16())
    }

    /// The number of the gRPC status of a call, or of what stands for it.
    fn code(&self) -> u32 {
        let without = if self.finished { UNKNOWN } else { CANCELLED };
        self.grpc_status.unwrap_or(without)
    }

    fn record(&mut self, worker: &Worker) {
        let asked = match self.asked {
            Asked::Route(route) => traces::Asked::Route(route),
            Asked::Call(rpc) | Asked::PlainCall(rpc) => traces::Asked::Call {
                rpc,
                system: self.system,
                code: self.code(),
            },
        };
        let is_answered = self.status.is_some_and(|status| status.is_success());
        let served = Served {
            asked,
            status: self.status.map(|status| status.as_u16()),
            client: self.peer.ip(),
            broke: is_answered && self.cause.is_some(),
            aborted: !self.finished,
        };
        worker.served(&mut self.trace, &served);
    }

    fn count(&self, worker: &Worker, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let aborted = !self.finished;
        match self.asked {
            Asked::Route(route) => worker.ended(&Ended {
                method: self.http_method,
                route,
                status: self.status(),
                nanos,
                request_bytes: self.request_bytes,
                response_bytes: self.bytes as u64,
                aborted,
            }),
            Asked::Call(rpc) | Asked::PlainCall(rpc) => {
                if rpc == RpcId::UNMATCHED {
                    worker.call_started(Side::Server, rpc);
                }
                let code = self.code();
                worker.call_ended(Side::Server, rpc, code, nanos);
                if aborted {
                    worker.call_aborted(Side::Server, rpc);
                } else if code == 0 && matches!(self.asked, Asked::PlainCall(_)) {
                    worker.sent(Side::Server, rpc, 1);
                }
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let log = Arc::clone(&self.log);
        log.worker.leave(self.http_method);
        if log.worker.is_on() || log.log.format != Format::Off {
            let took = self.started.elapsed();
            self.count(&log.worker, took);
            log.write(self, took);
        }
        if self.trace.is_recorded() {
            self.record(&log.worker);
        }
    }
}
