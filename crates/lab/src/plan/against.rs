//! Reads where a running system is: `NAME=URL[,ROLE:PID]...` of the command line
//! and the URL of a file's target.

use std::collections::BTreeMap;

use accounts::GENERATOR;
use http::Uri;
use results::{OwnChain, Target};

const FORM: &str = "the form is NAME=URL[,ROLE:PID]..., \
                    for example original=http://127.0.0.1:8080,gateway:123,b:124";
/// Keeps the tables within a terminal.
pub(crate) const NAME_CHARS_MAX: usize = 16;

/// Where a running system is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) scheme: Scheme,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As it goes into the Host header.
    pub(crate) authority: String,
    /// Put before the routes; empty or starting with a slash.
    pub(crate) prefix: String,
}

/// The protocol that a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Grpc,
    Grpcs,
}

impl Scheme {
    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Scheme::Https | Scheme::Grpcs)
    }

    fn is_grpc(self) -> bool {
        self.inside() == Scheme::Grpc
    }

    /// What is spoken within TLS, or without it.
    pub(crate) fn inside(self) -> Scheme {
        match self {
            Scheme::Http | Scheme::Https => Scheme::Http,
            Scheme::Grpc | Scheme::Grpcs => Scheme::Grpc,
        }
    }
}

/// Why a text is not accepted.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) reason: String,
    pub(crate) fix: String,
}

impl Wrong {
    pub(crate) fn new(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Wrong {
            reason: reason.into(),
            fix: fix.into(),
        }
    }
}

/// A target of the command line.
pub(crate) fn read(text: &str) -> Result<Target, Wrong> {
    let (name, rest) = text
        .split_once('=')
        .ok_or_else(|| Wrong::new("it has no =", FORM))?;
    check_name("name", name)?;
    if OwnChain::ALL.iter().any(|own| own.name() == name) {
        let reason = format!("{name} is the name of a chain of our own");
        return Err(Wrong::new(reason, "choose another"));
    }
    let mut parts = rest.split(',');
    let url = parts.next().unwrap_or_default();
    read_url(url)?;
    let mut processes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for part in parts {
        let (role, pid) = read_process(part)?;
        processes.entry(role).or_default().push(pid);
    }
    Ok(Target {
        name: name.to_owned(),
        chain: None,
        url: Some(url.to_owned()),
        tls: None,
        processes,
        schema: None,
        requests: Vec::new(),
    })
}

/// Roles and process ids, of a file or of the command line.
pub(crate) fn check_processes(processes: &BTreeMap<String, Vec<u32>>) -> Result<(), Wrong> {
    if !processes.is_empty() && !cfg!(target_os = "linux") {
        return Err(Wrong::new(
            "the accounts of processes are known on Linux alone",
            "leave the process ids out",
        ));
    }
    for (role, pids) in processes {
        check_role(role)?;
        for pid in pids {
            check_pid(*pid)?;
        }
    }
    Ok(())
}

/// A name that fits tables, files and gates.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Wrong> {
    let fix = format!("use 1 to {NAME_CHARS_MAX} letters, digits, - or _, for example original");
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(allowed) {
        return Err(Wrong::new(format!("{name:?} is no valid {what}"), fix));
    }
    Ok(())
}

/// The URL of a running system.
pub(crate) fn read_url(text: &str) -> Result<Endpoint, Wrong> {
    let wrong = |reason: &str| {
        Wrong::new(
            format!("the URL {text:?} {reason}"),
            "give it like http://127.0.0.1:8080 or grpc://127.0.0.1:50051",
        )
    };
    let uri: Uri = text.parse().map_err(|_| wrong("is not valid"))?;
    let scheme = match uri.scheme_str() {
        Some("http") => Scheme::Http,
        Some("grpc") => Scheme::Grpc,
        Some("https") => Scheme::Https,
        Some("grpcs") => Scheme::Grpcs,
        _ => {
            return Err(wrong(
                "does not begin with http://, https://, grpc:// or grpcs://",
            ));
        }
    };
    let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("holds a user name"));
    }
    if uri.query().is_some() {
        return Err(wrong("has a query"));
    }
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if host.is_empty() {
        return Err(wrong("names no host"));
    }
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") if scheme == Scheme::Http => 80,
        Some("") if scheme == Scheme::Https => 443,
        Some("") => return Err(wrong("has no port, and gRPC has no usual one")),
        _ => authority
            .port_u16()
            .filter(|port| *port > 0)
            .ok_or_else(|| wrong("has no valid port"))?,
    };
    let prefix = uri.path().trim_end_matches('/');
    if scheme.is_grpc() && !prefix.is_empty() {
        return Err(wrong("has a path, which gRPC does not know"));
    }
    Ok(Endpoint {
        scheme,
        host: host.to_owned(),
        port,
        authority: authority.to_string(),
        prefix: prefix.to_owned(),
    })
}

fn read_process(text: &str) -> Result<(String, u32), Wrong> {
    let (role, pid) = text
        .split_once(':')
        .ok_or_else(|| Wrong::new(format!("{text:?} is no ROLE:PID"), FORM))?;
    check_role(role)?;
    let number = pid.parse::<u32>().unwrap_or(0);
    check_pid(number)
        .map_err(|wrong| Wrong::new(format!("{pid:?} is no process id"), wrong.fix))?;
    Ok((role.to_owned(), number))
}

fn check_role(role: &str) -> Result<(), Wrong> {
    check_name("role", role)?;
    if role == GENERATOR {
        let reason = format!("{GENERATOR} is the load generator's own account");
        return Err(Wrong::new(reason, "choose another name for the role"));
    }
    Ok(())
}

fn check_pid(pid: u32) -> Result<(), Wrong> {
    match pid > 0 && i32::try_from(pid).is_ok() {
        true => Ok(()),
        false => Err(Wrong::new(
            format!("{pid} is no process id"),
            "give the number that ps shows",
        )),
    }
}
