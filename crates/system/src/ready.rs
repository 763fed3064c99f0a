//! The file by which a role says that it listens, and where.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use serde::Deserialize;

/// How often the file is looked for. A role is up after some milliseconds, and
/// looking costs one system call.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a role reports; more fields than these are allowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Ready {
    pub(crate) role: String,
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// The text of the file, once it is there. The role renames it into place, so
/// it is never seen half-written.
pub(crate) async fn appeared(file: &Path) -> String {
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Ready {
    /// Reads what `role` wrote, or says what is wrong with it.
    pub(crate) fn parse(text: &str, role: &str) -> Result<Ready, String> {
        let ready: Ready = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if ready.role != role {
            return Err(format!("it is of role {:?}", ready.role));
        }
        Ok(Ready {
            address: reachable(ready.address),
            admin: reachable(ready.admin),
            ..ready
        })
    }
}

/// The address to connect to for a listener that may be on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        let text = r#"{"role":"a","pid":7,"address":"0.0.0.0:5","admin":"[::]:6","later":true}"#;
        let ready = Ready::parse(text, "a").expect("understood");
        assert_eq!(ready.pid, 7);
        assert_eq!(ready.address.to_string(), "127.0.0.1:5");
        assert_eq!(ready.admin.to_string(), "[::1]:6");
    }

    #[test]
    fn another_role_or_no_json_is_refused_with_the_reason() {
        let text = r#"{"role":"b","pid":7,"address":"127.0.0.1:5","admin":"127.0.0.1:6"}"#;
        assert_eq!(
            Ready::parse(text, "a"),
            Err("it is of role \"b\"".to_owned())
        );
        let reason = Ready::parse("up!", "a").expect_err("not JSON");
        assert!(reason.contains("expected value"), "{reason}");
    }
}
