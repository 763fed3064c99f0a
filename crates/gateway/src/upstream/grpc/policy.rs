//! Where a service is and how it is called there, as an operator says it; checked
//! elsewhere, and usable as it is.

use std::{path::PathBuf, time::Duration};

use tls::Connector;

use super::{Address, Balance, BudgetLimits, Ejection, Hedge, Retry};

/// A service's addresses and how calls are made to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where the service is; never empty.
    pub addresses: Vec<Address>,
    /// A file in the form of `/etc/hosts` that is asked for names in place of the
    /// system.
    pub hosts: Option<PathBuf>,
    /// How often names are looked up again.
    pub resolve_every: Duration,
    /// How calls are spread.
    pub balance: Balance,
    /// Calls of each worker that may wait for room.
    pub pending_max: usize,
    /// How long each of them may, once calls have waited all the time for as long.
    pub pending_time: Duration,
    /// Calls at once on one connection, if the service takes more.
    pub connection_calls_max: usize,
    /// How often a connection with calls on it is asked whether it lives.
    pub keep_alive: Option<Duration>,
    /// Whether endpoints are asked how they are.
    pub health: Health,
    /// When endpoints whose calls fail get none.
    pub ejection: Option<Ejection>,
    /// When calls are made again that may have begun.
    pub retry: Option<Retry>,
    /// When calls are made twice at once.
    pub hedge: Option<Hedge>,
    /// What bounds both.
    pub budget: BudgetLimits,
    /// What encrypts the connections.
    pub tls: Tls,
}

/// Whether connections to a service are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// As those to all services are.
    #[default]
    Inherited,
    /// They are not.
    Off,
    /// They are, with settings of their own.
    Own(Connector),
}

impl Tls {
    /// What encrypts them, where `all` holds for those that say nothing.
    pub(crate) fn or<'t>(&'t self, all: Option<&'t Connector>) -> Option<&'t Connector> {
        match self {
            Tls::Inherited => all,
            Tls::Off => None,
            Tls::Own(connector) => Some(connector),
        }
    }
}

/// Whether endpoints are asked how they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Their health service tells every change of it (`grpc.health.v1.Health/Watch`).
    Watch,
    /// They are not.
    Off,
}

impl Policy {
    /// What holds for `addresses` when nothing else is said.
    #[must_use]
    pub fn of(addresses: Vec<Address>) -> Self {
        let several = addresses.len() > 1 || addresses.iter().any(Address::is_name);
        Policy {
            addresses,
            hosts: None,
            // A new address is to have its share within five seconds.
            resolve_every: Duration::from_secs(2),
            balance: Balance::default(),
            pending_max: 1024,
            pending_time: Duration::from_millis(100),
            connection_calls_max: usize::MAX,
            keep_alive: None,
            // One endpoint gets all calls whatever it says.
            health: if several { Health::Watch } else { Health::Off },
            ejection: several.then(Ejection::default),
            retry: None,
            hedge: None,
            budget: BudgetLimits::default(),
            tls: Tls::Inherited,
        }
    }

    /// Whether there are names to look up.
    pub(super) fn looks_up(&self) -> bool {
        self.addresses.iter().any(Address::is_name)
    }

    /// The addresses as they were written.
    pub(crate) fn written_addresses(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        addresses.collect::<Vec<_>>().join(", ")
    }

    /// Whether calls may be made more than once that may have begun.
    pub(crate) fn repeats(&self) -> bool {
        self.retry.is_some() || self.hedge.is_some()
    }
}
