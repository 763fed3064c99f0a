//! Wrong usage and configuration: exit code 64, and one message that names
//! every value that cannot be used, where it comes from and what to do.

use testkit::{Ended, Program};

use super::{File, PSPD, on_loopback};

#[track_caller]
fn check(args: &[&str], variables: &[(&str, &str)], wanted: &[&str]) {
    let ended = Program::start_with(PSPD, args, variables).finish();
    check_ended(&ended, wanted);
}

#[track_caller]
fn check_ended(ended: &Ended, wanted: &[&str]) {
    assert_eq!(ended.code(), Some(64), "{}", ended.err);
    assert_eq!(ended.out, "");
    for wanted in wanted {
        assert!(
            ended.err.contains(wanted),
            "{wanted:?} is not said:\n{}",
            ended.err
        );
    }
}

#[test]
fn a_command_line_that_is_not_understood() {
    check(&[], &[], &["Usage"]);
    check(&["serve"], &[], &["Usage"]);
    check(&["server"], &[], &["server", "serve"]);
    check(&["serve", "c"], &[], &["'c'"]);
    check(&["serve", "a", "--prot", "1"], &[], &["--prot", "--port"]);
    check(&["serve", "a", "--port"], &[], &["--port"]);
    // A setting of another role is none of this one.
    check(&["serve", "a", "--cors", "off"], &[], &["--cors"]);
    check(
        &["serve", "a", "--port", "1", "--port", "2"],
        &[],
        &["--port"],
    );
}

#[test]
fn every_flag_that_cannot_be_used_is_named_at_once() {
    check(
        &[
            "serve",
            "gateway",
            "--port",
            "70000",
            "--host",
            "here",
            "--a-addr",
            "localhost",
            "--call-timeout",
            "30",
            "--cors",
            "example.org",
        ],
        &[],
        &[
            "5 settings cannot be used",
            "port = \"70000\" (on the command line)",
            "from 0 to 65535",
            "host = \"here\"",
            "such as 127.0.0.1",
            "a-addr = \"localhost\"",
            "localhost:50051",
            "call-timeout = \"30\"",
            "such as 500ms",
            "cors = \"example.org\"",
            "https://example.org",
        ],
    );
}

#[test]
fn a_variable_that_cannot_be_used_is_named() {
    check(
        &["serve", "gateway-rest"],
        &[("PORT", "abc"), ("A_REST", "ftp://a")],
        &[
            "2 settings cannot be used",
            "port = \"abc\" (in the environment variable PORT)",
            "a-rest = \"ftp://a\" (in the environment variable A_REST)",
            "http://localhost:50061",
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_refused_and_not_passed_over() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

    let output = Command::new(PSPD)
        .args(["serve", "b", "--host", "127.0.0.1"])
        .args(["--admin-port", "0", "--ready-file", "/no/such/folder/x"])
        .env("PORT", OsStr::from_bytes(b"5005\xff"))
        .output()
        .expect("it runs");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{err}");
    assert!(err.contains("PORT"), "{err}");
}

#[test]
fn a_file_that_cannot_be_used_is_explained() {
    let refused = |text: &str, wanted: &[&str]| {
        let file = File::with(text);
        let mut args = on_loopback("gateway");
        args.extend(["--config", file.name()]);
        check(&args, &[], wanted);
    };
    refused("\nport = [", &["pspd.toml:2: this is no TOML: "]);
    refused("[gateway\nport = 1", &["pspd.toml:1: this is no TOML: "]);
    refused(
        "colour = 1\n[c]\nport = 1\n[a]\nprot = 1\n[gateway]\nport = true\nvalues-max = \"many\"\n",
        &[
            "settings cannot be used",
            "pspd.toml:1: colour: no such section",
            "pspd.toml:2: c: no such section",
            "pspd.toml:5: a.prot: no such key; did you mean port?",
            "pspd.toml:7: gateway.port = true: give a whole number or a text in quotes",
            "values-max = \"many\" (in ",
            "pspd.toml:8): give a whole number",
        ],
    );
    check(
        &["serve", "a", "--config", "/no/such/file.toml"],
        &[],
        &["cannot read /no/such/file.toml"],
    );
}

#[test]
fn all_sources_are_judged_together() {
    let file = File::with("[b-rest]\ncount-max = 0\n");
    check(
        &[
            "serve",
            "b-rest",
            "--config",
            file.name(),
            "--workers",
            "none",
        ],
        &[("PSPD_DELAY_MS_MAX", "-1")],
        &[
            "3 settings cannot be used",
            "count-max = \"0\"",
            "workers = \"none\"",
            "delay-ms-max = \"-1\"",
        ],
    );
}
