//! Looks whether every port can be had before anything is started: nothing is
//! worse to clean up than half a system. A role could still lose the race for
//! its port; its own error then says so.

use std::{
    net::{IpAddr, Ipv4Addr},
    thread,
};

use contract::Role;
use server::listener::{self, BindError, Host};

use super::plan::Plan;

/// Ports from here on may be taken by outgoing connections; advice stays below.
const ADVICE_BELOW: u16 = 32_768;

/// A port that a role is to listen on.
struct Wanted {
    role: Role,
    /// The flag that chooses another.
    flag: &'static str,
    host: Host,
    port: u16,
}

/// Binds every chosen port at once and lets go of them again. The error names
/// each port that cannot be had, its role, and the flag that chooses another.
pub(super) fn look_first(plan: &Plan) -> anyhow::Result<()> {
    let host = Host::Address(plan.host);
    // A host that is wrong is one problem, not six.
    drop(listener::bind(host, 0)?);

    let own = wanted(&plan.ports, "--port", host);
    let loopback = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let admin = wanted(&plan.admin_ports, "--admin-port", loopback);
    let wanted: Vec<_> = own.chain(admin).collect();
    // Together, because each may wait for a short use of its port to end.
    let bound: Vec<_> = thread::scope(|scope| {
        let binds: Vec<_> = wanted
            .iter()
            .map(|wanted| scope.spawn(|| listener::bind(wanted.host, wanted.port)))
            .collect();
        binds.into_iter().map(|bind| bind.join()).collect()
    });
    let problems: Vec<_> = wanted
        .iter()
        .zip(&bound)
        .filter_map(|(wanted, bound)| match bound {
            Ok(Err(error)) => Some(wanted.explain(error)),
            // A probe that panicked says nothing about its port.
            Ok(Ok(_)) | Err(_) => None,
        })
        .collect();
    anyhow::ensure!(
        problems.is_empty(),
        "nothing was started:\n{}\n  or let --free-ports choose",
        problems.join("\n")
    );
    Ok(())
}

fn wanted(
    ports: &std::collections::BTreeMap<Role, u16>,
    flag: &'static str,
    host: Host,
) -> impl Iterator<Item = Wanted> {
    ports
        .iter()
        .filter(|(_, port)| **port != 0)
        .map(move |(role, port)| Wanted {
            role: *role,
            flag,
            host,
            port: *port,
        })
}

impl Wanted {
    fn explain(&self, error: &BindError) -> String {
        let Wanted { role, flag, .. } = self;
        let other = self.other_port();
        format!("  role {role}: {error} ({flag} {role}={other})")
    }

    /// A port that is free now and out of the way of outgoing connections; 0
    /// (any free one) when the obvious candidates are taken.
    fn other_port(&self) -> u16 {
        let near = 6_000 + self.port % 1_000;
        (near..ADVICE_BELOW)
            .step_by(1_000)
            .find(|port| listener::bind(self.host, *port).is_ok())
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::TcpListener};

    use super::*;

    fn plan(ports: BTreeMap<Role, u16>, admin_ports: BTreeMap<Role, u16>) -> Plan {
        Plan {
            host: Ipv4Addr::LOCALHOST.into(),
            ports,
            admin_ports,
            config: None,
            mtls: None,
            quiet: true,
        }
    }

    fn occupied() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        (listener, port)
    }

    #[test]
    fn every_port_in_use_is_named_with_its_role_and_a_way_out() {
        let (_first, own) = occupied();
        let (_second, admin) = occupied();
        let plan = plan([(Role::B, own)].into(), [(Role::Gateway, admin)].into());
        let error = look_first(&plan).expect_err("both are taken").to_string();
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 4, "{error}");
        assert_eq!(lines[0], "nothing was started:");
        assert!(lines[1].starts_with("  role b: "), "{error}");
        assert!(lines[1].contains(&format!("port {own};")), "{error}");
        assert!(lines[1].contains("already listens"), "{error}");
        assert!(lines[1].contains("--port b="), "{error}");
        assert!(lines[2].starts_with("  role gateway: "), "{error}");
        assert!(lines[2].contains(&format!("port {admin};")), "{error}");
        assert!(lines[2].contains("--admin-port gateway="), "{error}");
        assert_eq!(lines[3], "  or let --free-ports choose");
    }

    #[test]
    fn ports_that_are_free_are_let_go_again() {
        let (listener, port) = occupied();
        drop(listener);
        let plan = plan([(Role::B, port)].into(), BTreeMap::new());
        for _ in 0..2 {
            look_first(&plan).expect("free");
        }
    }

    #[test]
    fn a_host_of_another_machine_is_one_problem() {
        let plan = Plan {
            // Reserved for documentation, so no machine has it.
            host: Ipv4Addr::new(192, 0, 2, 1).into(),
            ..plan(
                Role::ALL.map(|role| (role, role.port())).into(),
                BTreeMap::new(),
            )
        };
        let error = look_first(&plan).expect_err("not ours").to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains("192.0.2.1"), "{error}");
    }
}
