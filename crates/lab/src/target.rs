//! What the blocks of one target need: its address, its requests and the
//! accounts of its processes, for chains that we started and for running
//! systems. Every target is asked each of its requests once before any load.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use accounts::{Accounts, Pids};
use describe::{Description, Limits};
use http::Method;
use load::{Call, Pace, Scenario, Sending};
use results::{OwnChain, Request, Schema, Tls};
use system::System;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    Error,
    plan::{self, Endpoint, Plan, Scheme, Subject},
};

/// How long each address of a host name may take to accept a connection, before
/// the next one is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// One target, ready for load.
#[derive(Debug)]
pub(crate) struct Target {
    /// Index into the plan's targets.
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<load::Tls>,
    authority: String,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) accounts: Accounts,
}

/// The plan's running systems: names resolved, processes opened, answers checked.
pub(crate) async fn running(plan: &Plan) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (index, planned) in plan.targets.iter().enumerate() {
        let Subject::Running(endpoint) = &planned.subject else {
            continue;
        };
        let address = resolve(endpoint).await.map_err(|reason| Error::Resolve {
            target: planned.name.clone(),
            host: endpoint.authority.clone(),
            reason,
        })?;
        let given = &plan.experiment.targets[index];
        let requests = plan.experiment.requests_of(given);
        let tls = encrypted(endpoint, given.tls.as_ref()).map_err(|reason| Error::Requests {
            target: planned.name.clone(),
            reason,
        })?;
        let scenario = match endpoint.scheme {
            Scheme::Http | Scheme::Https => {
                http_scenario(requests, &endpoint.authority, &endpoint.prefix)
            }
            Scheme::Grpc | Scheme::Grpcs => {
                let schema = given.schema.as_ref();
                let description = describe(endpoint, address, tls.as_ref(), schema).await;
                description.and_then(|description| {
                    grpc_scenario(requests, &endpoint.authority, &description)
                })
            }
        };
        let target = Target {
            index,
            name: planned.name.clone(),
            address,
            tls,
            authority: endpoint.authority.clone(),
            scenario: scenario.map_err(|reason| Error::Requests {
                target: planned.name.clone(),
                reason,
            })?,
            accounts: Accounts::open(&given.processes)?,
        };
        target.check_round_trips(plan)?;
        target.check(plan).await?;
        targets.push(target);
    }
    Ok(targets)
}

/// The plan's chains of the system that was started, answers checked.
pub(crate) async fn own(plan: &Plan, system: &System) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (index, planned) in plan.targets.iter().enumerate() {
        let Subject::Own(chain) = planned.subject else {
            continue;
        };
        let target = own_chain(plan, system, index, chain)?;
        target.check(plan).await?;
        targets.push(target);
    }
    Ok(targets)
}

fn own_chain(plan: &Plan, system: &System, index: usize, chain: OwnChain) -> Result<Target, Error> {
    let name = &plan.targets[index].name;
    let roles = plan::roles(chain);
    let address = system.role(roles[0]).address();
    let authority = address.to_string();
    let pids: Pids = roles
        .iter()
        .map(|role| (role.name().to_owned(), vec![system.role(*role).pid()]))
        .collect();
    let requests = plan.experiment.requests_of(&plan.experiment.targets[index]);
    Ok(Target {
        index,
        name: name.clone(),
        address,
        tls: None,
        scenario: http_scenario(requests, &authority, "").map_err(|reason| Error::Requests {
            target: name.clone(),
            reason,
        })?,
        authority,
        accounts: Accounts::open(&pids)?,
    })
}

impl Target {
    /// Whether its calls have the round trips that conditions are about, which is known
    /// only now that its methods are.
    fn check_round_trips(&self, plan: &Plan) -> Result<(), Error> {
        let requests = self.scenario.requests.iter();
        let conversing: Vec<_> = requests
            .filter(|request| request.converses())
            .map(load::Request::name)
            .collect();
        let refused = |reason: String| Error::Requests {
            target: self.name.clone(),
            reason,
        };
        for gate in &plan.gates {
            gate.check_conversing(&self.name, &conversing)
                .map_err(|error| refused(error.to_string()))?;
        }
        match &plan.objective {
            Some(objective) => objective
                .check_conversing(&self.name, &conversing)
                .map_err(|error| refused(error.to_string())),
            None => Ok(()),
        }
    }

    /// Makes each request of the scenario once; an error names the first that failed.
    pub(crate) async fn check(&self, plan: &Plan) -> Result<(), Error> {
        let within = plan.experiment.request_timeout;
        for request in &self.scenario.requests {
            load::try_once(self.address, self.tls.as_ref(), request, within)
                .await
                .map_err(|reason| Error::Unanswered {
                    target: self.name.clone(),
                    authority: self.authority.clone(),
                    request: request.name().to_owned(),
                    reason: reason.to_string(),
                })?;
        }
        Ok(())
    }
}

fn http_scenario(
    requests: &[Request],
    authority: &str,
    prefix: &str,
) -> Result<Arc<Scenario>, String> {
    let requests = requests.iter().map(|request| {
        let http = request.http.as_deref().unwrap_or_default();
        http_request(request, http, authority, prefix)
            .map_err(|reason| format!("request {}: {reason}", request.name))
    });
    let requests = requests.collect::<Result<_, _>>()?;
    Ok(Arc::new(Scenario { requests }))
}

/// `METHOD /PATH`, below `prefix`.
pub(crate) fn http_request(
    request: &Request,
    http: &str,
    authority: &str,
    prefix: &str,
) -> Result<load::Request, String> {
    let (method, path) = http
        .split_once(' ')
        .ok_or_else(|| format!("{http:?} is no method and path"))?;
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| format!("{method:?} is no HTTP method"))?;
    let path = path.trim();
    if !path.starts_with('/') {
        return Err(format!("the path {path:?} does not begin with /"));
    }
    let headers: Vec<_> = request.headers.clone().into_iter().collect();
    load::Request::http(
        &request.name,
        authority,
        method.as_str(),
        &format!("{prefix}{path}"),
        &headers,
        request.body.as_deref(),
    )
    .map_err(|error| error.to_string())
}

/// A host as it stands before a port.
fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

/// What encrypts connections to an endpoint, its files read.
fn encrypted(endpoint: &Endpoint, files: Option<&Tls>) -> Result<Option<load::Tls>, String> {
    let Some(files) = files.filter(|_| endpoint.scheme.is_encrypted()) else {
        return Ok(None);
    };
    let client = tls::RawClient {
        ca: Some(files.ca.clone()),
        cert: files.cert.clone(),
        key: files.key.clone(),
        ..tls::RawClient::default()
    };
    let checked = tls::Client::checked("tls.", client);
    let opened = checked.and_then(|client| client.as_ref().map(tls::Connector::open).transpose());
    let connector = opened.map_err(|problems| problems.join("; "))?;
    let host = endpoint.host.clone();
    Ok(connector.map(|connector| load::Tls { connector, host }))
}

async fn describe(
    endpoint: &Endpoint,
    address: SocketAddr,
    tls: Option<&load::Tls>,
    schema: Option<&Schema>,
) -> Result<Description, String> {
    let described = match schema {
        None => {
            // A certificate is of a name, which is looked up again for it.
            let at = match tls {
                Some(_) => format!("{}:{}", bracketed(&endpoint.host), endpoint.port),
                None => address.to_string(),
            };
            let tls = tls.map(|tls| &tls.connector);
            Description::from_reflection(&at, tls, &Limits::default()).await
        }
        Some(Schema::Proto { files, include }) => Description::from_protos(files, include),
        Some(Schema::DescriptorSet(path)) => {
            let bytes = std::fs::read(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Description::from_descriptor_set(&bytes)
        }
    };
    described.map_err(|error| error.to_string())
}

fn grpc_scenario(
    requests: &[Request],
    authority: &str,
    description: &Description,
) -> Result<Arc<Scenario>, String> {
    let requests = requests.iter().map(|request| {
        let path = request.grpc.as_deref().unwrap_or_default();
        let method = description
            .method(path)
            .map_err(|error| error.to_string())?;
        let metadata: Vec<_> = request.headers.clone().into_iter().collect();
        let message = request.body.as_deref().unwrap_or("{}");
        let call = Call::new(authority, &method, message, &metadata)
            .map_err(|error| error.to_string())
            .and_then(|call| streaming(call, request))
            .map_err(|error| format!("call {}: {error}", request.name))?;
        Ok::<_, String>(load::Request::grpc(&request.name, call))
    });
    let requests = requests.collect::<Result<_, _>>()?;
    Ok(Arc::new(Scenario { requests }))
}

/// The call with as many messages as the request says, at its pace.
fn streaming(call: Call, request: &Request) -> Result<Call, String> {
    let is_said = request.messages.is_some() || request.every.is_some();
    if call.sends().is_none() && !is_said {
        return Ok(call);
    }
    let pace = match request.every {
        None if call.streams() => Pace::WhenAnswered,
        None | Some(Duration::ZERO) => Pace::AtOnce,
        Some(every) => Pace::Every(every),
    };
    let sending = Sending::new(request.messages.unwrap_or(1), pace);
    let sending = sending.map_err(|error| error.to_string())?;
    call.sending(sending).map_err(|error| error.to_string())
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
