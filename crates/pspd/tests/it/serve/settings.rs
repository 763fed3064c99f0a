//! Where a setting comes from: flag, environment, file, default.

use std::fs;

use contract::Role;
use serde_json::json;
use testkit::{Program, Whole, http};

use super::{File, PSPD, Served, on_loopback};

#[test]
fn the_ready_file_tells_who_and_where() {
    let served = Served::start("a", &["--port", "0"]);
    assert_eq!(served.ready["role"], json!("a"));
    assert_eq!(served.ready["pid"], json!(served.program.pid()));
    assert_ne!(served.address().port(), 0);
    let answer = http::get(served.admin_address(), "/livez").expect("the administration answers");
    assert_eq!(answer.text(), "ok");
    let fields = served.ready.as_object().expect("an object");
    assert_eq!(fields.len(), 4, "{fields:?}");
}

#[test]
fn a_ready_file_that_cannot_be_written_ends_the_role() {
    let mut args = on_loopback("a");
    args.extend(["--port", "0", "--ready-file", "/no/such/folder/ready.json"]);
    let ended = Program::start(PSPD, &args).finish();
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    let wanted = "/no/such/folder/ready.json; choose a folder that exists";
    assert!(ended.err.contains(wanted), "{}", ended.err);
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default() {
    // Below the ports that outgoing connections take.
    let file = File::with("[b-rest]\nport = 23101\n[b]\nport = 23199\n");
    let check = |args: &[&str], variables: &[(&str, &str)], port| {
        let served = Served::start_with("b-rest", args, variables);
        assert_eq!(served.address().port(), port, "{args:?} {variables:?}");
    };
    let in_file = ["--config", file.name()];
    check(&in_file, &[], 23101);
    check(&[], &[("PSPD_CONFIG", file.name())], 23101);
    check(&in_file, &[("PORT", "23102")], 23102);
    check(&in_file, &[("PORT", "")], 23101);
    check(
        &["--config", file.name(), "--port", "23103"],
        &[("PORT", "23102")],
        23103,
    );
    // Nothing given: the published port, or the complaint that it is taken.
    let folder = tempfile::tempdir().expect("a folder");
    let ready_file = folder.path().join("ready.json");
    let mut args = on_loopback("b-rest");
    args.extend(["--ready-file", ready_file.to_str().expect("a plain path")]);
    let mut program = Program::start(PSPD, &args);
    let said = testkit::until("an address", || {
        let ready = fs::read_to_string(&ready_file).ok();
        ready.or_else(|| (!program.runs()).then(|| program.err()))
    });
    assert!(said.contains("127.0.0.1:50062"), "{said}");
}

#[test]
fn the_published_variables_wire_the_gateways() {
    let whole = Whole::start(PSPD);
    let check = |gateway: Role, names: [&str; 2], services: [String; 2], hello: &str| {
        let variables = [
            ("PORT", "0"),
            (names[0], services[0].as_str()),
            (names[1], services[1].as_str()),
        ];
        let served = Served::start_with(gateway.name(), &[], &variables);
        let answer = http::get(served.address(), "/a/hello?name=x").expect("an answer");
        assert_eq!(answer.json()["message"], json!(hello));
        let answer = http::get(served.address(), "/b/numbers?count=2").expect("an answer");
        assert_eq!(answer.json()["values"], json!([1, 2]));
    };
    check(
        Role::Gateway,
        ["A_ADDR", "B_ADDR"],
        [Role::A, Role::B].map(|role| whole.address(role).to_string()),
        "Olá, x! [A]",
    );
    check(
        Role::GatewayRest,
        ["A_REST", "B_REST"],
        [Role::ARest, Role::BRest].map(|role| format!("http://{}", whole.address(role))),
        "Olá, x! [A-REST]",
    );
}

#[test]
fn every_role_has_help_and_says_its_defaults() {
    for role in Role::ALL {
        let ended = Program::start(PSPD, &["serve", role.name(), "--help"]).finish();
        assert_eq!(ended.code(), Some(0), "{role}");
        // Lines are folded to fit.
        let words: Vec<_> = ended.out.split_whitespace().collect();
        let port = format!("[env: PORT] [default: {}]", role.port());
        assert!(words.join(" ").contains(&port), "{role}: {}", ended.out);
        assert_eq!(ended.err, "", "{role}");
    }
}
