//! What a gateway counts: the handle that a worker counts with, the messages of a call
//! that goes by, and the figures that all workers of a gateway share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use telemetry::{
    Frames, Gathered, RpcId, Side, Source, Telemetry, Worker, table, traces::Messages,
};

use crate::{
    access_log::AccessLog,
    respond::{Problem, UpstreamFailure},
    upstream::grpc::Busy,
};

/// What one worker counts with.
#[derive(Clone)]
pub(crate) struct Counting {
    pub(crate) telemetry: Telemetry,
    pub(crate) worker: Arc<Worker>,
}

impl Counting {
    /// Must be made by the worker that counts.
    pub(crate) fn of(telemetry: &Telemetry) -> Self {
        Counting {
            worker: telemetry.worker(),
            telemetry: telemetry.clone(),
        }
    }
}

/// Counts the messages of one direction of one call, from one side.
pub(crate) struct Passing {
    worker: Arc<Worker>,
    rpc: RpcId,
    frames: Frames,
    /// Those of the call's span, where it is recorded.
    recorded: Option<Arc<Messages>>,
}

impl Passing {
    /// Of the call that has this place.
    pub(crate) fn of(busy: &Busy, rpc: RpcId) -> Self {
        Passing {
            recorded: busy.messages().cloned(),
            ..Passing::beside(busy.worker(), rpc)
        }
    }

    /// Of one side of a call, without those of its other side.
    pub(crate) fn beside(worker: &Arc<Worker>, rpc: RpcId) -> Self {
        Passing {
            worker: Arc::clone(worker),
            rpc,
            frames: Frames::default(),
            recorded: None,
        }
    }

    /// These bytes were received of a client.
    pub(crate) fn of_client(&mut self, bytes: &[u8]) {
        let messages = self.frames.count(bytes);
        self.worker.received(Side::Server, self.rpc, messages);
    }

    /// These bytes were sent to an upstream.
    pub(crate) fn for_upstream(&mut self, bytes: &[u8]) {
        let messages = self.frames.count(bytes);
        self.worker.sent(Side::Client, self.rpc, messages);
        if let Some(recorded) = &self.recorded {
            recorded.sent(messages);
        }
    }

    /// These bytes of an upstream's answer are the client's.
    pub(crate) fn through(&mut self, bytes: &[u8]) {
        let messages = self.frames.count(bytes);
        self.worker.received(Side::Client, self.rpc, messages);
        if let Some(recorded) = &self.recorded {
            recorded.received(messages);
        }
        self.worker.sent(Side::Server, self.rpc, messages);
    }

    /// These bytes of the gateway's own answer are the client's.
    pub(crate) fn of_own(&mut self, bytes: &[u8]) {
        let messages = self.frames.count(bytes);
        self.worker.sent(Side::Server, self.rpc, messages);
    }
}

/// What all workers of a gateway share: how many calls there are, and what was refused.
#[derive(Default)]
pub(crate) struct Load {
    /// Calls in flight.
    pub(crate) in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
    over_in_flight_max: AtomicU64,
    upstream_full: AtomicU64,
    too_often: AtomicU64,
    /// Lines of the access log that were dropped.
    lines_lost: Arc<AtomicU64>,
}

impl Load {
    pub(crate) fn of(log: &AccessLog) -> Self {
        Load {
            lines_lost: Arc::clone(log.lost_in_all()),
            ..Load::default()
        }
    }

    /// Takes a place in flight, where there is one.
    pub(crate) fn enter(&self, in_flight_max: usize) -> bool {
        self.in_flight_max.store(in_flight_max, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed) < in_flight_max
    }

    /// Counts a request that is not answered as asked.
    pub(crate) fn refused(&self, problem: &Problem) {
        let count = match problem {
            Problem::Overloaded { .. } => &self.over_in_flight_max,
            Problem::TooOften { .. } => &self.too_often,
            Problem::Upstream {
                failure: UpstreamFailure::Full { .. },
                ..
            } => &self.upstream_full,
            _ => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Source for Load {
    fn tell(&self, to: &mut Gathered) {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        to.count(&table::CALLS_IN_FLIGHT, &[], in_flight as u64);
        let most = self.in_flight_max.load(Ordering::Relaxed);
        to.count(&table::CALLS_IN_FLIGHT_MAX, &[], most as u64);
        for (reason, count) in [
            ("in_flight_max", &self.over_in_flight_max),
            ("upstream_full", &self.upstream_full),
            ("client_rate", &self.too_often),
        ] {
            to.count(&table::SHED, &[reason], count.load(Ordering::Relaxed));
        }
        let lost = self.lines_lost.load(Ordering::Relaxed);
        to.count(&table::LOG_LINES_LOST, &[], lost);
    }
}
