//! What the blocks of one chain need: its address, its requests and the
//! accounts of its processes, for chains that we started and for running ones.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use system::System;
use tokio::net::lookup_host;

use crate::{
    Error,
    account::{Accounts, Pids},
    load::{Client, scenario::Scenario},
    plan::{Endpoint, Plan, Subject},
};

/// How long the first answer of a chain may take, if the request timeout is longer.
const CHECK_WITHIN: Duration = Duration::from_secs(10);

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
        let address = resolve(endpoint).await.map_err(|source| Error::Resolve {
            chain: named.name.clone(),
            host: endpoint.authority.clone(),
            source,
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
    Accounts::open(pids).map_err(|(pid, source)| Error::Process {
        chain: chain.to_owned(),
        pid,
        source,
    })
}

async fn resolve(endpoint: &Endpoint) -> io::Result<SocketAddr> {
    lookup_host((endpoint.host.as_str(), endpoint.port))
        .await?
        .next()
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}
