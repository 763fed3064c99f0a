//! What one worker counts. In: a request that begins and ends, a call that does; out:
//! nothing, until somebody reads. Counting takes no lock, hashes nothing and allocates
//! nothing, but for the first of its kind: what is counted is found by the numbers of its
//! route or method, and by a short walk over the statuses that there have been.

use std::sync::{Arc, OnceLock};

use crate::{
    buckets,
    cells::{Cell, Sizes, Times},
    gather::Gathered,
    growing::Growing,
    names::{ClientId, Names, Route, RpcId},
    table,
    traces::{Called, Client, Served, Trace, Traces},
};

/// A request's method, as far as metrics tell methods apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpMethod(u8);

const METHODS: [&str; 10] = [
    "_OTHER", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE",
];

impl HttpMethod {
    /// `GET`, which is what services are asked with.
    pub const GET: HttpMethod = HttpMethod(1);

    /// The method of this name; those that HTTP does not know are one.
    #[must_use]
    pub fn of(name: &str) -> Self {
        HttpMethod(match name {
            "GET" => 1,
            "HEAD" => 2,
            "POST" => 3,
            "PUT" => 4,
            "PATCH" => 5,
            "DELETE" => 6,
            "OPTIONS" => 7,
            "CONNECT" => 8,
            "TRACE" => 9,
            _ => 0,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        METHODS[usize::from(self.0)]
    }
}

/// Which side of a call is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It came here.
    Server,
    /// It was made from here.
    Client,
}

/// How a request to a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With this status.
    Status(u16),
    /// No connection could be had.
    Unreachable,
    /// The connection or the answer broke.
    Broken,
    /// Nobody waited for it any longer.
    GivenUp,
}

impl Outcome {
    /// A number that no status has.
    fn number(self) -> u16 {
        match self {
            Outcome::Status(status) => status,
            Outcome::Unreachable => 1,
            Outcome::Broken => 2,
            Outcome::GivenUp => 3,
        }
    }
}

/// The labels of a status, or of what took its place.
fn outcome(number: u16) -> (String, &'static str) {
    match number {
        1 => (String::new(), "unreachable"),
        2 => (String::new(), "broken"),
        3 => (String::new(), "given_up"),
        500.. => (number.to_string(), "status"),
        _ => (number.to_string(), ""),
    }
}

/// A request of a route that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Its method.
    pub method: HttpMethod,
    /// Its route.
    pub route: Route,
    /// The status that it was answered with.
    pub status: u16,
    /// From its head to the end of its answer.
    pub nanos: u64,
    /// The length of its body, where it told that.
    pub request_bytes: Option<u64>,
    /// Of the answer's body, as far as it was sent.
    pub response_bytes: u64,
    /// Whether the client left, or was cut off, before the end.
    pub aborted: bool,
}

/// The counts of one worker. Only that worker may add to them.
pub struct Worker {
    is_on: bool,
    names: Arc<Names>,
    active: [Cell; METHODS.len()],
    routes: Growing<Statuses>,
    aborted: Growing<Cell>,
    clients: Growing<Statuses>,
    servers: Growing<Arc<Calls>>,
    callers: Growing<Arc<Calls>>,
    traces: Traces,
}

/// What is counted of requests with one method and one status.
#[derive(Default)]
struct Requests {
    times: Times,
    request_bytes: Sizes,
    response_bytes: Sizes,
}

/// What is counted of one gRPC method, from one side.
#[derive(Default)]
struct Calls {
    started: Cell,
    handled: [Cell; CODES.len()],
    aborted: Cell,
    received: Cell,
    sent: Cell,
    times: Times,
}

/// As gRPC's libraries name them in metrics.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// The methods and statuses of one route, in the order of their first time.
#[derive(Default)]
struct Statuses {
    places: [OnceLock<Place>; 6],
    more: OnceLock<Box<Statuses>>,
}

struct Place {
    key: u32,
    requests: Arc<Requests>,
    /// Whether they are told as those of the route, and not as those beyond the limit.
    is_own: bool,
}

impl Statuses {
    fn of(&self, key: u32, make: &mut dyn FnMut() -> Place) -> &Requests {
        let mut here = self;
        loop {
            for place in &here.places {
                let place = place.get_or_init(&mut *make);
                if place.key == key {
                    return &place.requests;
                }
            }
            here = here.more.get_or_init(Box::default);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Place> {
        let mut next = Some(self);
        let chain = std::iter::from_fn(move || {
            let here = next?;
            next = here.more.get().map(|more| &**more);
            Some(here)
        });
        chain.flat_map(|here| here.places.iter().filter_map(OnceLock::get))
    }
}

fn key(method: HttpMethod, status: u16) -> u32 {
    u32::from(method.0) << 16 | u32::from(status)
}

impl Worker {
    pub(crate) fn new(names: Arc<Names>, is_on: bool, traces: Traces) -> Self {
        Worker {
            is_on,
            names,
            active: Default::default(),
            routes: Growing::default(),
            aborted: Growing::default(),
            clients: Growing::default(),
            servers: Growing::default(),
            callers: Growing::default(),
            traces,
        }
    }

    /// What is recorded of single requests.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Records a request that came and has ended, if its `trace` is recorded.
    pub fn served(&self, trace: &mut Trace, served: &Served) {
        if let Some(recorded) = trace.take_recorded() {
            recorded.end(served, &self.names);
        }
    }

    /// Records a call that was made and has ended; `authority` is whom it asked.
    pub fn called(&self, client: &Client, called: Called<'_>, authority: &str) {
        client.end(called, authority, &self.names);
    }

    /// Whether anything is counted, and so whether a clock need be read for it.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// A request has begun, of whatever protocol.
    pub fn begin(&self, method: HttpMethod) {
        self.active[usize::from(method.0)].add(1);
    }

    /// A request has ended that had begun.
    pub fn leave(&self, method: HttpMethod) {
        self.active[usize::from(method.0)].take_one();
    }

    /// Counts a request of a route.
    pub fn ended(&self, ended: &Ended) {
        if !self.is_on {
            return;
        }
        let Ended { method, route, .. } = *ended;
        let Some(requests) = self.requests(&self.routes, "route", route.0, method, ended.status)
        else {
            return;
        };
        requests.times.record(ended.nanos);
        if let Some(bytes) = ended.request_bytes {
            requests.request_bytes.record(bytes);
        }
        requests.response_bytes.record(ended.response_bytes);
        if ended.aborted {
            self.aborted(route);
        }
    }

    #[cold]
    fn aborted(&self, route: Route) {
        let number = route.0 as usize;
        if let Some(aborted) = self.aborted.get_or_make(number, Cell::default) {
            aborted.add(1);
        }
    }

    /// Counts a request to a service.
    pub fn asked(&self, client: ClientId, method: HttpMethod, outcome: Outcome, nanos: u64) {
        if !self.is_on {
            return;
        }
        let status = outcome.number();
        let requests = self.requests(&self.clients, "client", client.0, method, status);
        if let Some(requests) = requests {
            requests.times.record(nanos);
        }
    }

    fn requests<'w>(
        &'w self,
        list: &'w Growing<Statuses>,
        of: &'static str,
        number: u32,
        method: HttpMethod,
        status: u16,
    ) -> Option<&'w Requests> {
        let key = key(method, status);
        let statuses = list.get_or_make(number as usize, Statuses::default)?;
        Some(statuses.of(key, &mut || self.place(list, (of, number, key))))
    }

    /// What is counted for the first time here: apart from others if there is room.
    #[cold]
    fn place(&self, list: &Growing<Statuses>, combination: (&'static str, u32, u32)) -> Place {
        let (of, number, key) = combination;
        let beyond = Route::OVERFLOW.0;
        // What is beyond the limit has as many series as there are statuses.
        let is_own = number == beyond || self.names.admits(combination);
        let requests = match is_own {
            true => Arc::default(),
            false => {
                let status = u16::try_from(key & 0xffff).unwrap_or_default();
                let key = crate::worker::key(HttpMethod(0), status);
                let others = list.get_or_make(beyond as usize, Statuses::default);
                let shared = others
                    .map(|others| others.shared(key, &mut || self.place(list, (of, beyond, key))));
                shared.unwrap_or_default()
            }
        };
        Place {
            key,
            requests,
            is_own,
        }
    }

    /// A call of `rpc` has begun.
    pub fn call_started(&self, side: Side, rpc: RpcId) {
        if let Some(calls) = self.calls(side, rpc) {
            calls.started.add(1);
        }
    }

    /// It has ended with the gRPC status of this number.
    pub fn call_ended(&self, side: Side, rpc: RpcId, code: u32, nanos: u64) {
        if let Some(calls) = self.calls(side, rpc) {
            // What is no status is `Unknown`, as it is for clients.
            let code = usize::try_from(code)
                .ok()
                .filter(|code| *code < CODES.len());
            calls.handled[code.unwrap_or(2)].add(1);
            calls.times.record(nanos);
        }
    }

    /// Its client has left, or was cut off, before its end.
    pub fn call_aborted(&self, side: Side, rpc: RpcId) {
        if let Some(calls) = self.calls(side, rpc) {
            calls.aborted.add(1);
        }
    }

    /// Messages of a call have come.
    pub fn received(&self, side: Side, rpc: RpcId, messages: u64) {
        if let Some(calls) = self.calls(side, rpc) {
            calls.received.add(messages);
        }
    }

    /// Messages of a call have gone out.
    pub fn sent(&self, side: Side, rpc: RpcId, messages: u64) {
        if let Some(calls) = self.calls(side, rpc) {
            calls.sent.add(messages);
        }
    }

    fn calls(&self, side: Side, rpc: RpcId) -> Option<&Calls> {
        if !self.is_on {
            return None;
        }
        let (list, of) = match side {
            Side::Server => (&self.servers, "server"),
            Side::Client => (&self.callers, "caller"),
        };
        let number = rpc.0 as usize;
        let calls = list.get(number);
        let calls = calls.or_else(|| list.get_or_make(number, || self.new_calls(list, of, rpc)));
        calls.map(|calls| &**calls)
    }

    #[cold]
    fn new_calls(&self, list: &Growing<Arc<Calls>>, of: &'static str, rpc: RpcId) -> Arc<Calls> {
        if rpc == RpcId::OVERFLOW || self.names.admits((of, rpc.0, 0)) {
            return Arc::default();
        }
        let beyond = list.get_or_make(RpcId::OVERFLOW.0 as usize, Arc::default);
        beyond.cloned().unwrap_or_default()
    }

    /// Tells the counts; `names` are those of the numbers.
    pub(crate) fn tell(&self, names: &crate::names::All, to: &mut Gathered) {
        for (method, active) in METHODS.iter().zip(&self.active) {
            #[allow(clippy::cast_possible_wrap, clippy::cast_precision_loss)]
            let active = active.get() as i64 as f64;
            if *method == "GET" || active != 0.0 {
                to.add(&table::HTTP_SERVER_ACTIVE, &[method], active);
            }
        }
        for (number, statuses) in self.routes.iter() {
            let Some(route) = names.routes.get(number) else {
                continue;
            };
            let own = statuses.iter().filter(|place| place.is_own);
            own.for_each(|place| place.tell_route(route, to));
        }
        for (number, aborted) in self.aborted.iter() {
            if let Some(route) = names.routes.get(number) {
                to.count(&table::HTTP_SERVER_ABORTED, &[route], aborted.get());
            }
        }
        for (number, statuses) in self.clients.iter() {
            let Some(upstream) = names.clients.get(number) else {
                continue;
            };
            let own = statuses.iter().filter(|place| place.is_own);
            own.for_each(|place| place.tell_client(upstream, to));
        }
        self.tell_calls(names, to);
    }

    fn tell_calls(&self, names: &crate::names::All, to: &mut Gathered) {
        let beyond = RpcId::OVERFLOW.0 as usize;
        for (list, side) in [(&self.servers, Side::Server), (&self.callers, Side::Client)] {
            let others = list.get(beyond);
            for (number, calls) in list.iter() {
                let is_beyond = others.is_some_and(|others| Arc::ptr_eq(others, calls));
                if is_beyond && number != beyond {
                    continue;
                }
                if let Some(rpc) = names.rpcs.get(number) {
                    calls.tell(side, rpc, to);
                }
            }
        }
    }
}

impl Statuses {
    /// The place's requests, for others to count with.
    fn shared(&self, key: u32, make: &mut dyn FnMut() -> Place) -> Arc<Requests> {
        self.of(key, make);
        let place = self.iter().find(|place| place.key == key);
        place
            .map(|place| Arc::clone(&place.requests))
            .unwrap_or_default()
    }
}

impl Place {
    fn labels(&self) -> (&'static str, u16) {
        let method = u8::try_from(self.key >> 16).unwrap_or_default();
        let status = u16::try_from(self.key & 0xffff).unwrap_or_default();
        (HttpMethod(method).name(), status)
    }

    fn tell_route(&self, route: &str, to: &mut Gathered) {
        let (method, status) = self.labels();
        let status = status.to_string();
        let Requests {
            times,
            request_bytes,
            response_bytes,
        } = &*self.requests;
        let labels = [method, route, &status];
        let (counts, sum) = (times.counts(), times.sum());
        to.spread(
            &table::HTTP_SERVER_DURATION,
            &labels,
            &buckets::SECONDS,
            &counts,
            sum,
        );
        for (metric, sizes) in [
            (&table::HTTP_SERVER_REQUEST_SIZE, request_bytes),
            (&table::HTTP_SERVER_RESPONSE_SIZE, response_bytes),
        ] {
            let (counts, sum) = (sizes.counts(), sizes.sum());
            to.spread(metric, &[method, route], &buckets::BYTES, &counts, sum);
        }
    }

    fn tell_client(&self, upstream: &str, to: &mut Gathered) {
        let (method, status) = self.labels();
        let (status, error) = outcome(status);
        let labels = [upstream, method, &status, error];
        let times = &self.requests.times;
        let (counts, sum) = (times.counts(), times.sum());
        to.spread(
            &table::HTTP_CLIENT_DURATION,
            &labels,
            &buckets::SECONDS,
            &counts,
            sum,
        );
    }
}

impl Calls {
    fn tell(&self, side: Side, rpc: &crate::names::Rpc, to: &mut Gathered) {
        let [rpc_type, service, method] = rpc.labels();
        let table = match side {
            Side::Server => &table::GRPC_SERVER,
            Side::Client => &table::GRPC_CLIENT,
        };
        let labels = match side {
            Side::Server => vec![rpc_type, service, method],
            Side::Client => vec![&rpc.upstream, rpc_type, service, method],
        };
        to.count(table.started, &labels, self.started.get());
        to.count(table.received, &labels, self.received.get());
        to.count(table.sent, &labels, self.sent.get());
        to.count(table.aborted, &labels, self.aborted.get());
        let (counts, sum) = (self.times.counts(), self.times.sum());
        to.spread(table.handling, &labels, &buckets::SECONDS, &counts, sum);
        for (code, handled) in CODES.iter().zip(&self.handled) {
            // One that goes well is told before it has, so that a rate has its beginning.
            if handled.get() > 0 || *code == "OK" {
                let labels = [&labels[..], &[code]].concat();
                to.count(table.handled, &labels, handled.get());
            }
        }
    }
}

#[cfg(test)]
mod tests;
