//! What the blocks of one chain need: its address, its requests and the
//! accounts of its processes, for chains that we started and for running ones.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use system::System;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    Error,
    account::{Accounts, Pids},
    load::{Client, scenario::Scenario},
    plan::{Endpoint, Plan, Subject},
};

/// How long the first answer of a chain may take, if the request timeout is longer.
const CHECK_WITHIN: Duration = Duration::from_secs(10);

/// How long each address of a host name may take to accept a connection, before
/// the next one is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// One chain, ready for load.
#[derive(Debug)]
pub(crate) struct Target {
    /// Index into the plan's chains.
    pub(crate) chain: usize,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    authority: String,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) accounts: Accounts,
}

/// The plan's running systems: names resolved, processes opened, answers checked.
pub(crate) async fn running(plan: &Plan) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (chain, named) in plan.chains.iter().enumerate() {
        let Subject::Running(endpoint) = &named.subject else {
            continue;
        };
        let address = resolve(endpoint).await.map_err(|reason| Error::Resolve {
            chain: named.name.clone(),
            host: endpoint.authority.clone(),
            reason,
        })?;
        let target = Target {
            chain,
            name: named.name.clone(),
            address,
            authority: endpoint.authority.clone(),
            scenario: Arc::new(Scenario::published(&endpoint.authority, &endpoint.prefix)),
            accounts: open_accounts(&named.name, &endpoint.pids)?,
        };
        target.check(plan).await?;
        targets.push(target);
    }
    Ok(targets)
}

/// The plan's chains of the system that was started, answers checked.
pub(crate) async fn own(plan: &Plan, system: &System) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (chain, named) in plan.chains.iter().enumerate() {
        let Subject::Own(protocol) = &named.subject else {
            continue;
        };
        let [gateway, ..] = protocol.roles();
        let address = system.role(gateway).address();
        let authority = address.to_string();
        let pids: Pids = protocol
            .roles()
            .iter()
            .map(|role| (role.name().to_owned(), vec![system.role(*role).pid()]))
            .collect();
        let target = Target {
            chain,
            name: named.name.clone(),
            address,
            scenario: Arc::new(Scenario::published(&authority, "")),
            authority,
            accounts: open_accounts(&named.name, &pids)?,
        };
        target.check(plan).await?;
        targets.push(target);
    }
    Ok(targets)
}

impl Target {
    /// Makes each request of the scenario once; an error names the first that failed.
    async fn check(&self, plan: &Plan) -> Result<(), Error> {
        let mut client = Client::new(self.address, plan.request_timeout.min(CHECK_WITHIN));
        for request in &self.scenario.requests {
            client
                .request(&request.bytes, Instant::now())
                .await
                .map_err(|reason| Error::Unanswered {
                    chain: self.name.clone(),
                    authority: self.authority.clone(),
                    path: request.path.clone(),
                    reason: reason.to_string(),
                })?;
        }
        Ok(())
    }
}

fn open_accounts(chain: &str, pids: &Pids) -> Result<Accounts, Error> {
    Accounts::open(pids).map_err(|(pid, reason)| Error::Process {
        chain: chain.to_owned(),
        pid,
        reason,
    })
}

/// The address that takes connections: a name such as `localhost` often has two,
/// of which a server listens on one.
async fn resolve(endpoint: &Endpoint) -> io::Result<SocketAddr> {
    let host = (endpoint.host.as_str(), endpoint.port);
    let addresses: Vec<_> = lookup_host(host).await?.collect();
    let first = *addresses.first().ok_or(io::ErrorKind::NotFound)?;
    // Where none does, the check of the target says why, of the first.
    Ok(first_that_connects(&addresses).await.unwrap_or(first))
}

async fn first_that_connects(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    for address in addresses {
        let connected = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
        if let Ok(Ok(_)) = connected {
            return Some(*address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_first_address_that_takes_connections_is_used() {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let (silent, other) = (bind().await.expect("bound"), bind().await.expect("bound"));
        let nobody = silent.local_addr().expect("bound");
        let somebody = other.local_addr().expect("bound");
        drop(silent);
        let found = first_that_connects(&[nobody, somebody]).await;
        assert_eq!(found, Some(somebody));
        assert_eq!(first_that_connects(&[nobody]).await, None);
        assert_eq!(first_that_connects(&[]).await, None);
    }
}
