//! SIGHUP: the configuration is read anew, by every role, without a connection lost.

use std::{fs, path::Path};

use contract::Role;
use tempfile::TempDir;
use testkit::{Process, http::Connection, signal, until};

use super::PSPD;

/// A role with a configuration of its own.
struct Configured {
    process: Process,
    folder: TempDir,
    role: Role,
}

impl Configured {
    #[track_caller]
    fn start(role: Role, settings: &str) -> Configured {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), role, settings);
        let path = folder.path().join("pspd.toml");
        let path = path.to_str().expect("a plain path");
        Configured {
            process: Process::start(PSPD, role, &["--config", path, "--log-format", "json"]),
            folder,
            role,
        }
    }

    fn change(&self, settings: &str) {
        write(self.folder.path(), self.role, settings);
    }

    fn hang_up(&self) {
        signal(self.process.pid(), "HUP");
    }

    /// Waits until the log has `text` `times` times.
    #[track_caller]
    fn says(&self, text: &str, times: usize) {
        until(text, || {
            let lines = self.process.last_lines();
            let said = lines.iter().filter(|line| line.contains(text)).count();
            (said >= times).then_some(())
        });
    }
}

fn write(folder: &Path, role: Role, settings: &str) {
    let (new, path) = (folder.join("new"), folder.join("pspd.toml"));
    fs::write(&new, format!("[{role}]\n{settings}")).expect("written");
    fs::rename(new, path).expect("renamed");
}

#[test]
fn every_role_reads_its_configuration_again_and_changes_the_level_of_its_log() {
    for role in Role::ALL {
        let configured = Configured::start(role, "");
        configured.hang_up();
        configured.says("SIGHUP; reading the configuration anew", 1);
        configured.says("the changed configuration is in force", 1);

        configured.change("log = \"error\"\n");
        configured.says("the changed configuration is in force", 2);
        // Errors are said still, and nothing else is.
        configured.change("log = \"loud\"\n");
        configured.hang_up();
        configured.says("going on with the one before", 1);
        configured.change("log = \"info\"\nworkers = 1\n");
        configured.says("this setting holds until the role is started again", 1);
        let lines = configured.process.last_lines().join("\n");
        assert_eq!(lines.matches("SIGHUP").count(), 1, "{role}: {lines}");
    }
}

#[test]
fn what_is_wrong_is_refused_whole() {
    for role in Role::ALL {
        let configured = Configured::start(role, "");
        configured.change("log = \"error\"\ndrain-timeout = \"soon\"\nprot = 1\n");
        configured.hang_up();
        configured.says("prot: no such key; did you mean port?", 1);
        configured.says("drain-timeout = \\\"soon\\\"", 1);
        configured.says("going on with the one before", 1);
        // The level is as it was.
        configured.change("");
        configured.says("the changed configuration is in force", 1);
    }
}

#[test]
fn gateway_p_rest_takes_up_limits_and_services_and_keeps_its_connections() {
    let a = Process::start(PSPD, Role::ARest, &[]);
    let nobody = "a-rest = \"http://127.0.0.1:1\"\n";
    let configured = Configured::start(Role::GatewayRest, nobody);
    let mut connection = Connection::open(configured.process.address()).expect("connected");
    let mut ask = |target: &str| {
        let sent = connection.send_request("GET", target, &[], b"");
        sent.expect("sent");
        connection.read_response("GET").expect("an answer").status()
    };
    assert_eq!(ask("/a/hello"), 503);
    let upstream = format!("a-rest = \"http://{}\"\n", a.address());
    configured.change(&upstream);
    configured.hang_up();
    until("the service", || (ask("/a/hello") == 200).then_some(()));
    configured.change(&format!("{upstream}values-max = 3\n"));
    configured.hang_up();
    until("the limit", || {
        (ask("/b/numbers?count=4") == 413).then_some(())
    });
    assert_eq!(ask("/a/hello"), 200);
}

#[test]
fn a_role_without_a_file_goes_on() {
    let process = Process::start(PSPD, Role::A, &["--log-format", "json"]);
    signal(process.pid(), "HUP");
    until("another reading", || {
        let lines = process.last_lines().join("\n");
        lines
            .contains("the changed configuration is in force")
            .then_some(())
    });
    assert_eq!(process.ended(), None);
}
