//! Every role runs as an unprivileged user, without a capability, on a file system that
//! is read-only, as a container with `restricted` security has it.

use std::{net::SocketAddr, process::Command};

use contract::Role;
use testkit::{Program, Tool, http, low_port, need, until};

use super::PSPD;

/// A mount namespace of its own, whose root is read-only; then nobody, who can gain
/// nothing. What stands behind takes the place of the shell.
const CONFINED: &str = "\
mount -o remount,bind,ro / && \
exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
--no-new-privs \"$@\"";

#[test]
fn every_role_runs_without_privileges_on_a_read_only_file_system() {
    // Who may make network namespaces may make those of mounts.
    if need(Tool::NetworkNamespaces).is_none() {
        return;
    }
    let confined = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            CONFINED,
            "sh",
        ]);
        command.args(args);
        command
    };
    let mut touch = confined(&["touch", "/tmp/pspd-confined"]);
    let touched = touch.output().expect("unshare can be run");
    let why = String::from_utf8_lossy(&touched.stderr);
    assert!(why.contains("Read-only file system"), "{why}");

    for role in Role::ALL {
        let (port, admin_port) = (low_port().to_string(), low_port().to_string());
        let address = SocketAddr::from(([127, 0, 0, 1], admin_port.parse().expect("a port")));
        let program = Program::spawn(&mut confined(&[
            PSPD,
            "serve",
            role.name(),
            "--port",
            &port,
            "--admin-port",
            &admin_port,
        ]));
        until("a sign of life", || {
            let alive = http::get(address, "/livez").ok()?;
            (alive.status() == 200).then_some(())
        });
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid()));
        let status = status.expect("it runs");
        for line in [
            "Uid:\t65534\t65534",
            "CapEff:\t0000000000000000",
            "NoNewPrivs:\t1",
        ] {
            assert!(status.contains(line), "{role}: {line} in {status}");
        }
        program.signal("TERM");
        let ended = program.finish();
        assert_eq!(ended.code(), Some(0), "{role}: {}", ended.err);
    }
}
