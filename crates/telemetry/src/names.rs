//! What routes, methods and upstreams are called. On the path of a request each is a
//! number, given out when a table of routes is made; the names are looked at when
//! somebody asks for the metrics. How many combinations are told apart is limited here:
//! beyond the limit they are counted together, under names of their own.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::growing::PLACES;

/// A route that is told apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route(pub(crate) u32);

/// A gRPC method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcId(pub(crate) u32);

/// A service that is called over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId(pub(crate) u32);

impl Route {
    /// Requests that led to no route.
    pub const UNMATCHED: Route = Route(0);
    pub(crate) const OVERFLOW: Route = Route(1);
}

impl RpcId {
    /// Calls of a method that is not there.
    pub const UNMATCHED: RpcId = RpcId(0);
    pub(crate) const OVERFLOW: RpcId = RpcId(1);
}

/// The name of what led nowhere.
pub(crate) const UNMATCHED: &str = "_unmatched";
/// The name of everything beyond the limit.
pub(crate) const OVERFLOW: &str = "_overflow";

/// How many messages go each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RpcType {
    /// One each way.
    Unary,
    /// Any number there, one back.
    ClientStream,
    /// One there, any number back.
    ServerStream,
    /// Any number each way.
    BidiStream,
    /// The method is not known.
    Unknown,
}

impl RpcType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            RpcType::Unary => "unary",
            RpcType::ClientStream => "client_stream",
            RpcType::ServerStream => "server_stream",
            RpcType::BidiStream => "bidi_stream",
            RpcType::Unknown => "unknown",
        }
    }
}

/// A gRPC method as its labels have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rpc {
    /// How many messages go each way.
    pub rpc_type: RpcType,
    /// `package.Service`.
    pub service: String,
    /// `Method`.
    pub method: String,
    /// Name of the upstream that is called; empty where none is.
    pub upstream: String,
}

impl Rpc {
    fn named(name: &str) -> Self {
        Rpc {
            rpc_type: RpcType::Unknown,
            service: name.to_owned(),
            method: name.to_owned(),
            upstream: String::new(),
        }
    }

    pub(crate) fn labels(&self) -> [&str; 3] {
        [self.rpc_type.name(), &self.service, &self.method]
    }
}

/// Numbers given to names, each once.
struct Numbers<N> {
    names: Vec<N>,
    numbers: HashMap<N, u32>,
}

impl<N: Clone + Eq + Hash> Numbers<N> {
    fn beginning_with(names: [N; 2]) -> Self {
        let mut numbers = Numbers {
            names: Vec::new(),
            numbers: HashMap::new(),
        };
        for name in names {
            numbers.of(name);
        }
        numbers
    }

    /// `None` when there are too many.
    fn of(&mut self, name: N) -> Option<u32> {
        if let Some(known) = self.numbers.get(&name) {
            return Some(*known);
        }
        if self.names.len() >= PLACES {
            return None;
        }
        let number = u32::try_from(self.names.len()).ok()?;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Some(number)
    }
}

/// A combination of labels: what it is of, the number of its name, and the rest.
pub(crate) type Combination = (&'static str, u32, u32);

struct Known {
    routes: Numbers<String>,
    rpcs: Numbers<Rpc>,
    clients: Numbers<String>,
    told_apart: HashSet<Combination>,
    beyond: u64,
}

/// The names of one process.
pub(crate) struct Names {
    known: Mutex<Known>,
    series_max: usize,
}

impl Names {
    pub(crate) fn with_most(series_max: usize) -> Self {
        let two = || [UNMATCHED.to_owned(), OVERFLOW.to_owned()];
        Names {
            known: Mutex::new(Known {
                routes: Numbers::beginning_with(two()),
                rpcs: Numbers::beginning_with([Rpc::named(UNMATCHED), Rpc::named(OVERFLOW)]),
                clients: Numbers::beginning_with(two()),
                told_apart: HashSet::new(),
                beyond: 0,
            }),
            series_max,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn route(&self, template: &str) -> Route {
        let number = self.known().routes.of(template.to_owned());
        number.map_or(Route::OVERFLOW, Route)
    }

    pub(crate) fn rpc(&self, rpc: Rpc) -> RpcId {
        self.known().rpcs.of(rpc).map_or(RpcId::OVERFLOW, RpcId)
    }

    pub(crate) fn client(&self, upstream: &str) -> ClientId {
        let number = self.known().clients.of(upstream.to_owned());
        ClientId(number.unwrap_or(Route::OVERFLOW.0))
    }

    /// The template of a route, where it has one of its own.
    pub(crate) fn route_name(&self, route: Route) -> Option<String> {
        let named = route != Route::UNMATCHED && route != Route::OVERFLOW;
        let number = named.then_some(route.0 as usize)?;
        self.known().routes.names.get(number).cloned()
    }

    /// A method, where it is known.
    pub(crate) fn rpc_of(&self, rpc: RpcId) -> Option<Rpc> {
        let named = rpc != RpcId::UNMATCHED && rpc != RpcId::OVERFLOW;
        let number = named.then_some(rpc.0 as usize)?;
        self.known().rpcs.names.get(number).cloned()
    }

    /// Whether a combination may be told apart from others: it is already, by another
    /// worker, or there is room for it.
    pub(crate) fn admits(&self, combination: Combination) -> bool {
        let mut known = self.known();
        if known.told_apart.contains(&combination) {
            return true;
        }
        let has_room = known.told_apart.len() < self.series_max;
        match has_room {
            true => known.told_apart.insert(combination),
            false => {
                known.beyond += 1;
                false
            }
        }
    }

    /// Combinations that are told apart, and times that one was not.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let known = self.known();
        (known.told_apart.len(), known.beyond)
    }

    pub(crate) fn all(&self) -> All {
        let known = self.known();
        All {
            routes: known.routes.names.clone(),
            rpcs: known.rpcs.names.clone(),
            clients: known.clients.names.clone(),
        }
    }
}

/// Every name, by its number.
pub(crate) struct All {
    pub(crate) routes: Vec<String>,
    pub(crate) rpcs: Vec<Rpc>,
    pub(crate) clients: Vec<String>,
}
