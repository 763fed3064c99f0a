//! Reads `NAME=URL[,ROLE:PID]...`: a running system, and the processes whose
//! costs are to be accounted for.

use http::Uri;

use super::{Chain, Protocol, Subject};
use crate::account::{GENERATOR, Pids};

const FORM: &str = "the form is NAME=URL[,ROLE:PID]..., \
                    for example original=http://127.0.0.1:8080,gateway:123,b:124";
/// Keeps the tables within a terminal.
const NAME_CHARS_MAX: usize = 16;

/// Where a running system is reached, and what it consists of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As it goes into the Host header.
    pub(crate) authority: String,
    /// Put before the routes; empty or starting with a slash.
    pub(crate) prefix: String,
    pub(crate) pids: Pids,
}

/// Why an `--against` is not accepted.
pub(super) struct Wrong {
    pub(super) reason: String,
    pub(super) fix: String,
}

impl Wrong {
    fn new(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Wrong {
            reason: reason.into(),
            fix: fix.into(),
        }
    }
}

pub(super) fn read(text: &str) -> Result<Chain, Wrong> {
    let (name, rest) = text
        .split_once('=')
        .ok_or_else(|| Wrong::new("it has no =", FORM))?;
    check_name("name", name)?;
    if Protocol::ALL.iter().any(|own| own.name() == name) {
        let reason = format!("{name} is the name of a chain of our own");
        return Err(Wrong::new(reason, "choose another"));
    }
    let mut parts = rest.split(',');
    let mut endpoint = read_url(parts.next().unwrap_or_default())?;
    for part in parts {
        let (role, pid) = read_process(part)?;
        endpoint.pids.entry(role).or_default().push(pid);
    }
    if !endpoint.pids.is_empty() && !cfg!(target_os = "linux") {
        return Err(Wrong::new(
            "the accounts of processes are known on Linux alone",
            "leave the process ids out",
        ));
    }
    Ok(Chain {
        name: name.to_owned(),
        subject: Subject::Running(endpoint),
    })
}

fn check_name(what: &str, name: &str) -> Result<(), Wrong> {
    let fix = format!("use 1 to {NAME_CHARS_MAX} letters, digits, - or _, for example original");
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(allowed) {
        return Err(Wrong::new(format!("{name:?} is no valid {what}"), fix));
    }
    Ok(())
}

fn read_url(text: &str) -> Result<Endpoint, Wrong> {
    let wrong = |reason: &str| {
        Wrong::new(
            format!("the URL {text:?} {reason}"),
            "give it like http://127.0.0.1:8080",
        )
    };
    let uri: Uri = text.parse().map_err(|_| wrong("is not valid"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(wrong("is https, which is not measured yet")),
        _ => return Err(wrong("does not begin with http://")),
    }
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
        Some("") => 80,
        _ => authority
            .port_u16()
            .filter(|port| *port > 0)
            .ok_or_else(|| wrong("has no valid port"))?,
    };
    Ok(Endpoint {
        host: host.to_owned(),
        port,
        authority: authority.to_string(),
        prefix: uri.path().trim_end_matches('/').to_owned(),
        pids: Pids::new(),
    })
}

fn read_process(text: &str) -> Result<(String, u32), Wrong> {
    let (role, pid) = text
        .split_once(':')
        .ok_or_else(|| Wrong::new(format!("{text:?} is no ROLE:PID"), FORM))?;
    check_name("role", role)?;
    if role == GENERATOR {
        let reason = format!("{GENERATOR} is the load generator's own account");
        return Err(Wrong::new(reason, "choose another name for the role"));
    }
    match pid.parse::<u32>() {
        Ok(pid) if pid > 0 && i32::try_from(pid).is_ok() => Ok((role.to_owned(), pid)),
        _ => Err(Wrong::new(
            format!("{pid:?} is no process id"),
            "give the number that ps shows",
        )),
    }
}
