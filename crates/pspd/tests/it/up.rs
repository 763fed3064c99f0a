//! `pspd up`: the whole system from one command, on free ports so that it runs
//! beside anything else.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
};

use contract::Role;
use serde_json::json;
use testkit::{Program, http, low_port, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// One row of the table that is printed.
#[derive(Debug, Clone, Copy)]
struct Row {
    address: SocketAddr,
    admin: SocketAddr,
    #[cfg_attr(not(unix), allow(dead_code))]
    pid: u32,
}

/// A system that runs, and its table.
struct Up {
    program: Program,
    rows: BTreeMap<Role, Row>,
}

impl Up {
    #[track_caller]
    fn start(args: &[&str]) -> Up {
        let args = [&["up", "--free-ports"], args].concat();
        let mut program = Program::start(PSPD, &args);
        let out = until("the table of addresses", || {
            assert!(program.runs(), "it ended: {}", program.err());
            let out = program.out();
            out.contains("Ctrl-C stops everything").then_some(out)
        });
        let rows = out.lines().skip(1).map_while(row).collect();
        Up { program, rows }
    }

    fn address(&self, role: Role) -> SocketAddr {
        self.rows[&role].address
    }
}

/// A row with its role: `b  streams, gRPC  ADDRESS  http://ADDRESS  PID`.
fn row(line: &str) -> Option<(Role, Row)> {
    let role = line.split_whitespace().next()?.parse().ok()?;
    let mut words = line.split_whitespace().rev();
    let pid = words.next()?.parse().ok()?;
    let mut address = || {
        let word = words.next()?;
        word.trim_start_matches("http://").parse().ok()
    };
    let (admin, address) = (address()?, address()?);
    let row = Row {
        address,
        admin,
        pid,
    };
    Some((role, row))
}

#[track_caller]
fn check_call(gateway: SocketAddr, target: &str, key: &str, expected: serde_json::Value) {
    let answer = http::get(gateway, target).expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json()[key], expected);
}

#[track_caller]
fn check_works(up: &Up) {
    for (gateway, sign) in [(Role::Gateway, "A"), (Role::GatewayRest, "A-REST")] {
        let address = up.address(gateway);
        let greeting = json!(format!("Olá, x! [{sign}]"));
        check_call(address, "/a/hello?name=x", "message", greeting);
        check_call(address, "/b/numbers?count=2", "values", json!([1, 2]));
    }
}

#[test]
fn six_addresses_are_printed_and_answer() {
    let up = Up::start(&[]);
    assert_eq!(up.rows.keys().copied().collect::<Vec<_>>(), sorted_roles());
    for (role, row) in &up.rows {
        assert!(row.address.ip().is_loopback(), "{role}: {row:?}");
        let answer = http::get(row.admin, "/version").expect("an answer");
        assert_eq!(answer.json()["role"], json!(role.name()));
    }
    check_works(&up);
    let gateway = up.address(Role::Gateway);
    assert!(
        up.program
            .out()
            .contains(&format!("Open http://{gateway} "))
    );
    // What the roles write is printed with their names before it.
    until("a line of the gateway's access log", || {
        let out = up.program.out();
        let mut lines = out.lines();
        lines
            .any(|line| line.starts_with("gateway ") && line.contains("| {"))
            .then_some(())
    });
    until("a line of a role's log", || {
        up.program.err().contains("a-rest       | ").then_some(())
    });
}

fn sorted_roles() -> Vec<Role> {
    let mut roles = Role::ALL.to_vec();
    roles.sort();
    roles
}

#[cfg(unix)]
mod stops {
    use testkit::exists;

    use super::*;

    #[track_caller]
    fn until_all_gone(rows: &BTreeMap<Role, Row>) {
        for (role, row) in rows {
            until(&format!("{role} is gone"), || {
                (!exists(row.pid)).then_some(())
            });
        }
    }

    #[test]
    fn one_ctrl_c_stops_everything() {
        for name in ["INT", "TERM"] {
            let up = Up::start(&["--quiet"]);
            check_works(&up);
            up.program.signal(name);
            let ended = up.program.finish();
            assert_eq!(ended.code(), Some(0), "{name}: {}", ended.err);
            // Ended before `up` itself did, so there is nothing to wait for.
            for (role, row) in &up.rows {
                assert!(!exists(row.pid), "{name}: {role} was left behind");
            }
            assert!(!ended.out.contains(" | "), "quiet: {}", ended.out);
        }
    }

    #[test]
    fn nothing_is_left_when_it_is_killed() {
        let up = Up::start(&[]);
        up.program.signal("KILL");
        assert_eq!(up.program.finish().code(), None);
        until_all_gone(&up.rows);
    }

    #[test]
    fn a_role_that_dies_is_reported_and_its_command_brings_it_back() {
        // Nobody else takes them while it is away.
        let [port, admin] = [(); 2].map(|()| format!("b={}", low_port()));
        let up = Up::start(&["--quiet", "--port", &port, "--admin-port", &admin]);
        let killed = up.rows[&Role::B];
        testkit::signal(killed.pid, "KILL");
        let news = until("the news of it", || {
            let err = up.program.err();
            err.contains("start it again with").then_some(err)
        });
        assert!(news.contains("role b has ended (signal: 9"), "{news}");
        assert!(news.contains("5 still run"), "{news}");
        let gateway = up.address(Role::Gateway);
        check_call(gateway, "/a/hello?name=x", "from", json!("A"));
        let answer = http::get(gateway, "/b/numbers").expect("an answer");
        assert!([502, 503].contains(&answer.status()), "{}", answer.text());

        let (_, command) = news
            .split_once("start it again with: ")
            .expect("the command");
        let command = command.lines().next().expect("a line");
        let args: Vec<_> = command.split_whitespace().skip(1).collect();
        assert_eq!(args[..2], ["serve", "b"], "{command}");
        let again = Program::start(PSPD, &args);
        until("it is used again", || {
            let answer = http::get(gateway, "/b/numbers?count=2").expect("an answer");
            (answer.status() == 200).then_some(())
        });
        let answer = http::get(killed.admin, "/version").expect("on the same ports");
        assert_eq!(answer.json()["role"], json!("b"));
        again.signal("TERM");
        assert_eq!(again.finish().code(), Some(0));
        up.program.signal("INT");
        assert_eq!(up.program.finish().code(), Some(0));
    }

    #[test]
    fn it_ends_when_every_role_has() {
        let up = Up::start(&["--quiet"]);
        for row in up.rows.values() {
            testkit::signal(row.pid, "KILL");
        }
        let ended = up.program.finish();
        assert_eq!(ended.code(), Some(1), "{}", ended.err);
        assert!(ended.err.contains("every role has ended"), "{}", ended.err);
    }
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = holder.local_addr().expect("bound").port();
    for (flag, given) in [
        ("--port", format!("b={port}")),
        ("--admin-port", format!("gateway={port}")),
    ] {
        let ended = Program::start(PSPD, &["up", "--free-ports", flag, &given]).finish();
        assert_eq!(ended.code(), Some(1), "{}", ended.err);
        assert_eq!(ended.out, "");
        let role = given.split('=').next().expect("a role");
        for wanted in [
            "nothing was started",
            &format!("role {role}: "),
            &format!("another process already listens on port {port}"),
            &format!("({flag} {role}="),
            "--free-ports",
        ] {
            assert!(ended.err.contains(wanted), "{wanted:?}: {}", ended.err);
        }
        // The advice can be taken.
        let (_, advice) = ended
            .err
            .split_once(&format!("({flag} {role}="))
            .expect("advice");
        let other = advice.split(')').next().expect("a port");
        assert!(other.parse::<u16>().is_ok_and(|other| other != port));
    }
}

#[test]
fn ports_that_are_chosen_are_taken() {
    let (of_gateway, of_b) = (low_port(), low_port());
    let [port, admin] = [format!("gateway={of_gateway}"), format!("b={of_b}")];
    let up = Up::start(&["--port", &port, "--admin-port", &admin]);
    assert_eq!(up.address(Role::Gateway).port(), of_gateway);
    assert_eq!(up.rows[&Role::B].admin.port(), of_b);
    check_works(&up);
}

#[test]
fn a_command_line_that_cannot_be_used_says_everything_at_once() {
    let check = |args: &[&str], wanted: &[&str]| {
        let ended = Program::start(PSPD, &[&["up"], args].concat()).finish();
        assert_eq!(ended.code(), Some(64), "{}", ended.err);
        assert_eq!(ended.out, "");
        for wanted in wanted {
            assert!(ended.err.contains(wanted), "{wanted:?}: {}", ended.err);
        }
    };
    check(&["--ports", "1"], &["--ports"]);
    check(&["b"], &["'b'"]);
    check(
        &["--host", "here", "--port", "c=1", "--admin-port", "a=x"],
        &["--host here", "no role is called \"c\"", "\"x\" is no port"],
    );
    check(
        &["--port", "a=23303", "--port", "b=23303"],
        &["port 23303 is given to role a and role b"],
    );
    let help = Program::start(PSPD, &["up", "--help"]).finish();
    assert_eq!(help.code(), Some(0));
    assert!(help.out.contains("--free-ports"), "{}", help.out);
}

#[cfg(unix)]
#[test]
fn a_reader_that_stopped_reading_does_not_keep_it_from_stopping() {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    let mut up = Command::new(PSPD)
        .args(["up", "--free-ports"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(up.stdout.take().expect("a pipe"));
    let gateway = loop {
        let mut line = String::new();
        out.read_line(&mut line).expect("the table");
        if let Some((Role::Gateway, gateway)) = row(&line) {
            break gateway.address;
        }
    };
    // More log lines than the pipe holds, and nobody reads on.
    let mut connection = http::Connection::open(gateway).expect("it listens");
    for _ in 0..1_000 {
        connection
            .send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("sent");
        connection.read_response("GET").expect("answered");
    }
    testkit::signal(up.id(), "INT");
    let status = until("the end", || up.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn one_file_configures_every_role() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "[gateway]\nvalues-max = 3\n").expect("written");
    let up = Up::start(&["--config", file.path().to_str().expect("a plain path")]);
    let answer = http::get(up.address(Role::Gateway), "/b/numbers?count=4");
    assert_eq!(answer.expect("an answer").status(), 413);
}
