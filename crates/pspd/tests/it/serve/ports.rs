//! A port that somebody holds is an error that says so, never a second
//! listener beside the first.

use testkit::{Program, http};

use super::{PSPD, Served};

#[test]
fn a_second_process_on_a_port_is_refused_and_the_first_goes_on() {
    let first = Served::start("a-rest", &["--port", "0"]);
    let port = first.address().port().to_string();
    for host in ["127.0.0.1", "all", "0.0.0.0"] {
        let args = ["serve", "a-rest", "--host", host, "--port", &port];
        let ended = Program::start(PSPD, &[&args[..], &["--admin-port", "0"]].concat()).finish();
        assert_eq!(ended.code(), Some(1), "{host}: {}", ended.err);
        for wanted in [
            "a-rest cannot start (--port)",
            &format!("already listens on port {port}"),
            "choose another port",
        ] {
            assert!(ended.err.contains(wanted), "{host}: {}", ended.err);
        }
    }
    let answer = http::get(first.address(), "/a/hello?name=x").expect("the first still answers");
    assert_eq!(answer.status(), 200);
}

#[test]
fn an_administration_port_in_use_names_its_own_flag() {
    let first = Served::start("a", &["--port", "0"]);
    let port = first.admin_address().port().to_string();
    let args = ["serve", "b", "--host", "127.0.0.1", "--port", "0"];
    let ended = Program::start(PSPD, &[&args[..], &["--admin-port", &port]].concat()).finish();
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    for wanted in ["b cannot start (--admin-port)", &format!("port {port};")] {
        assert!(ended.err.contains(wanted), "{}", ended.err);
    }
}

#[test]
fn an_address_of_another_machine_is_refused() {
    // Reserved for documentation, so no machine has it.
    let args = ["serve", "a", "--host", "192.0.2.1", "--port", "0"];
    let ended = Program::start(PSPD, &args).finish();
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    assert!(ended.err.contains("192.0.2.1"), "{}", ended.err);
    assert!(
        ended.err.contains("not one of this machine"),
        "{}",
        ended.err
    );
}
