//! The thread that sends spans to a collector, in batches, through OpenTelemetry's own
//! exporters (OTLP over gRPC or HTTP). What cannot be sent in time is dropped and
//! counted. The SDK's batch processor is not used: it tells nobody how many spans it
//! dropped, and it needs somebody else's runtime for gRPC.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Endpoint, Inner, Queue, Sampling, Scheme, Traces, resource};

/// Spans of one export at most.
const BATCH_MAX: usize = 512;
/// How long the first span of a batch waits for others.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// How long an export may take with all its attempts.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is said that spans are lost.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// How spans travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP as protobuf over HTTP/1.1.
    Http,
}

/// What an operator decides of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How spans travel.
    pub transport: Transport,
    /// Where to; `None` is what `OTEL_EXPORTER_OTLP_ENDPOINT` says, else the usual port of
    /// this machine.
    pub endpoint: Option<Endpoint>,
    /// Which requests are recorded.
    pub sampling: Sampling,
    /// Spans that may wait to be sent.
    pub spans_max: usize,
}

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum CannotExport {
    /// The library refuses what it was given.
    #[error(
        "cannot send traces: {0}; see --traces-endpoint and the variables OTEL_EXPORTER_OTLP_*"
    )]
    Refused(#[from] ExporterBuildError),
    /// No thread or runtime could be had.
    #[error("cannot start the thread that sends traces: {0}")]
    NoThread(#[from] io::Error),
}

/// The thread that sends.
pub struct Exporter {
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
    queue: Arc<Queue>,
}

impl Exporter {
    /// Starts it for `role`, whose port is asked by this scheme. The traces are off once it is gone.
    ///
    /// # Errors
    ///
    /// When the endpoint cannot be one, or no thread can be had.
    pub fn start(
        settings: &Settings,
        role: &str,
        version: &'static str,
        scheme: Scheme,
    ) -> Result<(Traces, Self), CannotExport> {
        let (queue, spans) = Queue::with_room_for(settings.spans_max);
        let queue = Arc::new(queue);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut exporter = {
            let _entered = runtime.enter();
            build(settings)?
        };
        exporter.set_resource(&resource::of(role, version));
        let (stop, stopped) = oneshot::channel();
        let sending = Sending {
            exporter,
            spans,
            queue: Arc::clone(&queue),
            said: None,
            lost: 0,
        };
        let thread = thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || runtime.block_on(sending.run(stopped)))?;
        let traces = Traces::of(Inner {
            sampling: settings.sampling,
            queue: Arc::clone(&queue),
            scheme,
        });
        let exporter = Exporter {
            stop,
            thread,
            queue,
        };
        Ok((traces, exporter))
    }

    /// Sends what waits, but not longer than `limit`: a collector may be gone.
    pub fn finish(self, limit: Duration) {
        let give_up = Instant::now() + limit;
        // A thread that is gone has nothing to stop.
        let _ = self.stop.send(());
        while !self.thread.is_finished() && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(5));
        }
        let lost = self.queue.lost();
        if !self.thread.is_finished() || lost > 0 {
            tracing::warn!(lost, "stopped before all spans had reached the collector");
        }
    }
}

fn build(settings: &Settings) -> Result<SpanExporter, ExporterBuildError> {
    let endpoint = settings.endpoint.as_ref().map(ToString::to_string);
    match settings.transport {
        Transport::Grpc => {
            let builder = SpanExporter::builder()
                .with_tonic()
                .with_timeout(EXPORT_TIMEOUT);
            match endpoint {
                None => builder.build(),
                Some(endpoint) => builder.with_endpoint(endpoint).build(),
            }
        }
        Transport::Http => {
            let builder = SpanExporter::builder()
                .with_http()
                .with_timeout(EXPORT_TIMEOUT);
            match endpoint {
                None => builder.build(),
                Some(endpoint) => {
                    // As the variable of the same meaning has it.
                    let whole = format!("{endpoint}/v1/traces");
                    builder.with_endpoint(whole).build()
                }
            }
        }
    }
}

struct Sending {
    exporter: SpanExporter,
    spans: mpsc::Receiver<SpanData>,
    queue: Arc<Queue>,
    said: Option<Instant>,
    lost: u64,
}

impl Sending {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut is_stopping = false;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                _ = &mut stopped, if !is_stopping => {
                    is_stopping = true;
                    // What is pushed from now on is dropped.
                    self.spans.close();
                }
                () = gather(&mut self.spans, &mut batch) => if batch.is_empty() {
                    return;
                }
            }
            if !batch.is_empty() {
                self.send(batch).await;
            }
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len() as u64;
        // The exporter keeps the time between attempts, not that of one that hangs.
        let exported = timeout(EXPORT_TIMEOUT, self.exporter.export(batch)).await;
        let error = match exported {
            Ok(Ok(())) => {
                self.queue.exported.fetch_add(spans, Ordering::Relaxed);
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the collector did not answer in time".to_owned()),
        };
        if error.is_some() {
            self.queue.failed.fetch_add(spans, Ordering::Relaxed);
        }
        self.say(error.as_deref());
    }

    /// Says now and then that spans are lost.
    fn say(&mut self, error: Option<&str>) {
        let lost = self.queue.lost();
        let is_due = self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY);
        if lost > self.lost && is_due {
            let error = error.unwrap_or("more are made than can be sent");
            tracing::warn!(spans = lost - self.lost, error, "spans lost");
            self.said = Some(Instant::now());
            self.lost = lost;
        }
    }
}

/// Waits for a span, then a while for more.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    spans.recv_many(batch, BATCH_MAX).await;
    let more = async {
        while !batch.is_empty() && batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            if spans.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    // What has come until then is enough.
    let _ = timeout(BATCH_DELAY, more).await;
}
