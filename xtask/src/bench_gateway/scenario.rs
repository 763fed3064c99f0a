//! What is asked of the gateways, and how often.

use super::{answers::Says, contestant::Contestant};

/// One request, repeated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// As `--only` has it.
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// The media type that is asked for.
    pub(super) accept: Option<&'static str>,
    pub(super) says: Says,
    pub(super) load: Load,
    /// Enough for all connections to open.
    pub(super) warm_up_seconds: u32,
    who: Who,
    pub(super) routes: Routes,
}

/// What ours is told to serve. Envoy and the original serve the same always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Routes {
    /// What it serves when nothing is configured.
    Published,
    /// The annotated services, as Envoy serves them, and in its form of answers.
    Annotated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// So many connections, each with one request at a time, as fast as it goes.
    Closed { connections: u32 },
    /// So many requests a second, whatever the answers take: every gateway has the
    /// same to do, and none is so busy that it saves wake-ups and system calls by
    /// finding many requests at once.
    Open { per_second: u32 },
}

/// Connections of an open load at most.
const OPEN_CONNECTIONS: u32 = 64;

#[derive(Debug, PartialEq, Eq)]
enum Who {
    Everybody,
    /// The original has no such route.
    OursAndEnvoy,
    /// The others have no such answers, or give them to every request.
    Ours,
}

/// Asked of every gateway before it is measured, and while it starts.
pub(super) const HELLO: &str = "/a/hello?name=pspd";

const USUAL: Scenario = Scenario {
    name: "hello",
    path: HELLO,
    accept: None,
    says: Says::Greeting,
    load: Load::Closed { connections: 64 },
    warm_up_seconds: 1,
    who: Who::Everybody,
    routes: Routes::Published,
};

/// In the order they are run.
pub(super) const ALL: [Scenario; 9] = [
    USUAL,
    Scenario {
        name: "paced",
        load: Load::Open { per_second: 2000 },
        ..USUAL
    },
    Scenario {
        name: "numbers-10",
        path: "/b/numbers?count=10",
        says: Says::Numbers(10),
        ..USUAL
    },
    Scenario {
        name: "numbers-1000",
        path: "/b/numbers?count=1000",
        says: Says::Numbers(1000),
        ..USUAL
    },
    Scenario {
        name: "array-1000",
        path: "/b/array?count=1000",
        says: Says::Numbers(1000),
        who: Who::OursAndEnvoy,
        routes: Routes::Annotated,
        ..USUAL
    },
    Scenario {
        name: "wide",
        path: "/b/numbers?count=10&delay_ms=5",
        says: Says::Numbers(10),
        load: Load::Closed { connections: 3200 },
        warm_up_seconds: 3,
        ..USUAL
    },
    Scenario {
        name: "ndjson",
        path: "/b/numbers?count=1000",
        accept: Some("application/x-ndjson"),
        says: Says::Numbers(1000),
        who: Who::Ours,
        ..USUAL
    },
    Scenario {
        name: "sse",
        path: "/b/numbers?count=1000",
        accept: Some("text/event-stream"),
        says: Says::Numbers(1000),
        who: Who::Ours,
        ..USUAL
    },
    Scenario {
        name: "sse-paced",
        path: "/b/numbers?count=100&delay_ms=10",
        accept: Some("text/event-stream"),
        says: Says::Numbers(100),
        warm_up_seconds: 2,
        who: Who::Ours,
        ..USUAL
    },
];

impl Scenario {
    /// Messages of an answer, where they are sent one by one.
    pub(super) fn messages(&self) -> Option<u32> {
        match (self.accept, self.says) {
            (Some(_), Says::Numbers(count)) => Some(count),
            _ => None,
        }
    }

    pub(super) fn is_for(&self, contestant: Contestant) -> bool {
        match self.who {
            Who::Everybody => true,
            Who::OursAndEnvoy => contestant != Contestant::Original,
            Who::Ours => contestant.is_ours(),
        }
    }
}

impl Load {
    /// As `pspd lab` is told of it.
    pub(super) fn flags(self) -> Vec<[String; 2]> {
        let flag = |name: &str, value: u32| [name.to_owned(), value.to_string()];
        match self {
            Load::Closed { connections } => vec![flag("--users", connections)],
            Load::Open { per_second } => vec![
                flag("--rate", per_second),
                flag("--in-flight-max", OPEN_CONNECTIONS),
            ],
        }
    }
}
