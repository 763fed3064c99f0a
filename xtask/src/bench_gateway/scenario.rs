//! What is asked of the gateways, by how many at a time.

use super::{answers::Says, contestant::Contestant};

/// One request, repeated by everybody as soon as it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// As `--only` has it.
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    /// The media type that is asked for.
    pub(super) accept: Option<&'static str>,
    pub(super) says: Says,
    /// Each with one request at a time.
    pub(super) connections: u32,
    /// Enough for all connections to open.
    pub(super) warm_up_seconds: u32,
    who: Who,
}

#[derive(Debug, PartialEq, Eq)]
enum Who {
    Everybody,
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
    connections: 64,
    warm_up_seconds: 1,
    who: Who::Everybody,
};

/// In the order they are run.
pub(super) const ALL: [Scenario; 6] = [
    USUAL,
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
        name: "wide",
        path: "/b/numbers?count=10&delay_ms=5",
        says: Says::Numbers(10),
        connections: 3200,
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
];

impl Scenario {
    pub(super) fn is_for(&self, contestant: Contestant) -> bool {
        self.who == Who::Everybody || contestant.is_ours()
    }
}
