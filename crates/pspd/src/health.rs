//! `pspd health`: asks the roles on this machine, at their administration endpoints,
//! whether they can do their work. For health checks of containers that have no other
//! program in them, and for people. It ends with 0 when all that answer are ready.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use contract::Role;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tls::{Client, Connector, RawClient, Speaks, Stream};
use tokio::{net::TcpStream, task::JoinSet};

use crate::exit::Usage;

/// Bytes of an answer; one that names a hundred endpoints has some thirty thousand.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);
const ADMIN_PORT: &str = "admin-port";

pub(crate) fn command() -> Command {
    let file = |name: &'static str, help| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(help)
    };
    Command::new("health")
        .about("Ask the roles on this machine whether they are ready")
        .after_help(
            "Without a role and a port, the published administration port of every role is \
             asked: one must answer, and all that answer must be ready. Exit codes: 0 ready, \
             1 not ready or no answer.",
        )
        .arg(
            Arg::new("role")
                .value_name("ROLE")
                .value_parser(|name: &str| name.parse::<Role>())
                .help("Ask this role alone"),
        )
        .arg(
            Arg::new(ADMIN_PORT)
                .long(ADMIN_PORT)
                .value_name("PORT")
                .value_parser(clap::value_parser!(u16).range(1..))
                .help("Ask at this port alone [env: PSPD_ADMIN_PORT]"),
        )
        .arg(Arg::new("host").long("host").value_name("IP").help(
            "Where the administration endpoints listen; `all` is this machine \
                     [env: PSPD_ADMIN_HOST] [default: 127.0.0.1]",
        ))
        .arg(
            Arg::new("live")
                .long("live")
                .action(ArgAction::SetTrue)
                .help("Ask only whether they live (/livez in place of /readyz)"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_name("TIME")
                .default_value("3s")
                .help("How long all of it may take"),
        )
        .arg(file(
            "tls-ca",
            "PEM file with the authorities of endpoints that speak TLS (--admin-tls)",
        ))
        .arg(file("tls-cert", "PEM file with the certificate to show them").requires("tls-ca"))
        .arg(file("tls-key", "PEM file with the key of that certificate").requires("tls-ca"))
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let asking = Arc::new(Asking::of(matches)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let answers = runtime.block_on(all(&asking));
    for (place, answer) in &answers {
        println!("{}: {}", place.name, answer.told());
    }
    let answered = answers
        .iter()
        .any(|(_, answer)| !matches!(answer, Answer::Nobody));
    let well = answers
        .iter()
        .all(|(_, answer)| matches!(answer, Answer::Well | Answer::Nobody));
    if !answered {
        eprintln!(
            "error: nobody answers at {}; start a role with `pspd serve` or `pspd up`, or give \
             --admin-port",
            asking.host
        );
    }
    Ok(match answered && well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Asks all places at once. Where nobody listens is left out, unless it was the only one.
async fn all(asking: &Arc<Asking>) -> Vec<(Place, Answer)> {
    let mut asked = JoinSet::new();
    for place in asking.places.clone() {
        let asking = Arc::clone(asking);
        asked.spawn(async move {
            let answer = asking.ask_in_time(place.port).await;
            (place, answer)
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(place, _)| place.port);
    if answers.len() > 1 {
        answers.retain(|(_, answer)| !matches!(answer, Answer::Nobody));
    }
    answers
}

/// Who is asked, what, and how.
struct Asking {
    host: IpAddr,
    places: Vec<Place>,
    path: &'static str,
    timeout: Duration,
    tls: Option<Connector>,
}

#[derive(Clone)]
struct Place {
    /// The role, or the port where the role is not known.
    name: String,
    port: u16,
}

/// What became of a question.
enum Answer {
    Well,
    /// Nothing listens there.
    Nobody,
    /// Why not.
    Unwell(String),
}

impl Asking {
    fn of(matches: &ArgMatches) -> anyhow::Result<Asking> {
        let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
        let file = |name: &str| matches.get_one::<PathBuf>(name).cloned();
        let timeout = humantime::parse_duration(&text("timeout")).ok();
        let timeout = timeout.filter(|time| !time.is_zero() && *time <= TIMEOUT_MAX);
        let timeout = timeout.ok_or_else(|| {
            let given = text("timeout");
            Usage::new(format!(
                "--timeout {given}: give a time such as 3s, at most 1h"
            ))
        })?;
        let raw = RawClient {
            ca: file("tls-ca"),
            cert: file("tls-cert"),
            key: file("tls-key"),
            ..RawClient::default()
        };
        let tls = Client::checked("--tls-", raw)
            .and_then(|client| client.as_ref().map(Connector::open).transpose())
            .map_err(Usage::problems)?;
        Ok(Asking {
            host: host(matches.get_one("host").cloned())?,
            places: places(
                matches.get_one("role").copied(),
                port(matches.get_one(ADMIN_PORT).copied())?,
            ),
            path: match matches.get_flag("live") {
                true => "/livez",
                false => "/readyz",
            },
            timeout,
            tls,
        })
    }

    async fn ask_in_time(&self, port: u16) -> Answer {
        let answer = tokio::time::timeout(self.timeout, self.ask(port)).await;
        answer.unwrap_or_else(|_| {
            let waited = humantime::format_duration(self.timeout);
            Answer::Unwell(format!("no answer within {waited}"))
        })
    }

    async fn ask(&self, port: u16) -> Answer {
        match self.answer(SocketAddr::new(self.host, port)).await {
            Ok((StatusCode::OK, _)) => Answer::Well,
            Ok((status, body)) => Answer::Unwell(format!("{} {}", status.as_u16(), body.trim())),
            Err(error) => match error.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => Answer::Nobody,
                _ => Answer::Unwell(format!("{error:#}")),
            },
        }
    }

    async fn answer(&self, address: SocketAddr) -> anyhow::Result<(StatusCode, String)> {
        let stream = TcpStream::connect(address).await?;
        let stream = match &self.tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let host = address.ip().to_string();
                tls.connect(&host, stream, Speaks::Http1).await?
            }
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::get(self.path)
            .header(header::HOST, address.to_string())
            .body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        connection.abort();
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Answer {
    fn told(&self) -> &str {
        match self {
            Answer::Well => "ok",
            Answer::Nobody => "nobody answers",
            Answer::Unwell(why) => why,
        }
    }
}

fn places(role: Option<Role>, port: Option<u16>) -> Vec<Place> {
    let of = |role: Role| Place {
        name: role.name().to_owned(),
        port: port.unwrap_or(role.admin_port()),
    };
    match (role, port) {
        (Some(role), _) => vec![of(role)],
        (None, Some(port)) => vec![Place {
            name: format!("port {port}"),
            port,
        }],
        (None, None) => Role::ALL.map(of).into(),
    }
}

/// The port that was asked for, or that the roles here are told to listen on.
fn port(given: Option<u16>) -> Result<Option<u16>, Usage> {
    let told = variable("PSPD_ADMIN_PORT");
    match (given, told) {
        (Some(port), _) => Ok(Some(port)),
        (None, None) => Ok(None),
        (None, Some(text)) => match text.parse() {
            Ok(0) | Err(_) => Err(Usage::new(format!(
                "PSPD_ADMIN_PORT = {text:?}: not a port to ask at; give 1 to 65535"
            ))),
            Ok(port) => Ok(Some(port)),
        },
    }
}

/// Where roles are reached that listen at the address given, or told by the environment.
fn host(given: Option<String>) -> Result<IpAddr, Usage> {
    let text = given.or_else(|| variable("PSPD_ADMIN_HOST"));
    match text.as_deref() {
        None | Some("all") => Ok(Ipv4Addr::LOCALHOST.into()),
        Some(text) => match text.parse() {
            Ok(IpAddr::V4(every)) if every.is_unspecified() => Ok(Ipv4Addr::LOCALHOST.into()),
            Ok(IpAddr::V6(every)) if every.is_unspecified() => Ok(Ipv6Addr::LOCALHOST.into()),
            Ok(address) => Ok(address),
            Err(_) => Err(Usage::new(format!(
                "--host {text}: not an IP address; give one such as 127.0.0.1, or `all`"
            ))),
        },
    }
}

/// What the environment says, if anything.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}
