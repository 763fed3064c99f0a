//! What an operator sets for either gateway, validated elsewhere: every value
//! here is usable as it is.

use std::time::Duration;

use crate::{Coding, GrpcOptions, guard::Guard, services::Services};

/// The most that one request, or all of them together, may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's line and headers; beyond it 431.
    pub header_bytes_max: usize,
    /// Values gathered into one JSON answer; beyond it 413.
    pub values_max: usize,
    /// How long a call whose answer is gathered may take; beyond it 504.
    pub call_timeout: Duration,
    /// Calls in flight at once; beyond it 503.
    pub in_flight_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes_max: 16 * 1024,
            values_max: 100_000,
            call_timeout: Duration::from_secs(30),
            in_flight_max: 10_000,
        }
    }
}

/// Which pages of other origins may call the gateway from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// Every origin.
    Any,
    /// None: no CORS header is sent.
    Off,
    /// These origins, such as `https://example.org`.
    Origins(Vec<String>),
}

/// Which answers are compressed for clients that ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compression {
    /// The codings that are offered, the one liked best first; none to compress nothing.
    pub codings: Vec<Coding>,
    /// Bytes of a whole answer below which it goes out as it is.
    pub bytes_min: usize,
}

/// Whether everybody may see how the gateway goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPage {
    /// They may.
    Serve,
    /// They may not.
    Refuse,
}

/// Everything that both gateways share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Limits on requests.
    pub limits: Limits,
    /// Cross-origin policy.
    pub cors: Cors,
    /// Compressed answers.
    pub compression: Compression,
    /// Who may call, and how often.
    pub guard: Guard,
    /// Whether there is a status page where there is a page.
    pub status: StatusPage,
}

/// Everything of gateway P that may change while it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is served.
    pub services: Services,
    /// How calls are made.
    pub options: GrpcOptions,
    /// Limits and policies.
    pub settings: Settings,
}
