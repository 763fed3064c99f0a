//! A collector that is slow, gone or just started again: requests are answered, what
//! cannot be sent is dropped and counted, and a stop sends what waits.

use contract::Role;
use testkit::{IN_TIME, Process, Program, collector::Collector, http, until};

use super::{TRACE_ID, TRACEPARENT, Traced, flags, metric, spans, start};

#[track_caller]
fn get(gateway: &Process, target: &str) {
    let answer = http::request(gateway.address(), "GET", target, &[TRACEPARENT], b"");
    assert_eq!(answer.expect("an answer").status(), 200, "{target}");
}

fn lost(gateway: &Process, outcome: &str) -> f64 {
    metric(
        gateway,
        &format!("pspd_traces_spans_total{{outcome=\"{outcome}\"}}"),
    )
}

#[test]
fn a_silent_collector_costs_spans_and_nothing_else() {
    let collector = Collector::start();
    collector.fall_silent();
    let mut flags = flags(&collector, "grpc");
    flags.extend(["--traces-spans-max", "5"].map(ToOwned::to_owned));
    let mut gateway = start(Role::Gateway, &flags);
    get(&gateway, "/healthz");
    until("an export", || (collector.exports() > 0).then_some(()));
    for _ in 0..20 {
        get(&gateway, "/healthz");
    }
    until("spans are dropped", || {
        (lost(&gateway, "dropped") >= 15.0).then_some(())
    });
    assert_eq!(metric(&gateway, "pspd_traces_spans_waiting"), 5.0);
    gateway.ask_to_stop();
    assert!(gateway.wait().success());
}

#[test]
fn so_does_one_that_is_not_there() {
    let port = testkit::low_port();
    for transport in ["grpc", "http"] {
        let endpoint = format!("http://127.0.0.1:{port}");
        let flags = ["--traces", transport, "--traces-endpoint", &endpoint];
        let mut gateway = Process::start(super::PSPD, Role::Gateway, &flags);
        get(&gateway, "/healthz");
        until("spans fail", || {
            (lost(&gateway, "failed") >= 1.0).then_some(())
        });
        get(&gateway, "/healthz");
        gateway.ask_to_stop();
        assert!(gateway.wait().success());
    }
}

#[test]
fn a_stop_sends_what_waits() {
    for transport in ["grpc", "http"] {
        let traced = Traced::start(Role::Gateway, transport, &[]);
        let Traced {
            collector,
            mut gateway,
            ..
        } = traced;
        get(&gateway, "/a/hello");
        // Before a batch is due.
        gateway.stop(IN_TIME);
        let sent = collector.of_trace(TRACE_ID);
        let own = sent.iter().filter(|span| span.service == "pspd-gateway");
        assert_eq!(own.count(), 2, "{sent:#?}");
    }
}

#[test]
fn what_is_sent_is_counted() {
    let traced = Traced::start(Role::Gateway, "http", &[]);
    get(&traced.gateway, "/a/hello");
    spans(&traced.collector, TRACE_ID, 3);
    until("two spans", || {
        (lost(&traced.gateway, "exported") >= 2.0).then_some(())
    });
    assert_eq!(lost(&traced.gateway, "failed"), 0.0);
}

/// What is said of flags that cannot be.
#[track_caller]
fn check_refused(flags: &[&str], expected: &str) {
    let args: Vec<_> = ["serve", "a"].iter().chain(flags).copied().collect();
    let ended = Program::start(super::PSPD, &args).finish();
    assert_eq!(ended.code(), Some(64), "{flags:?}: {}", ended.err);
    assert!(ended.err.contains(expected), "{flags:?}: {}", ended.err);
}

#[test]
fn what_cannot_be_is_refused() {
    check_refused(&["--traces", "on"], "give off, grpc or http");
    check_refused(&["--traces-sample", "1.5"], "give a number from 0 to 1");
    check_refused(&["--traces-endpoint", "https://x:1"], "not an http:// URL");
    check_refused(&["--traces-caller", "trust"], "give obey, join or ignore");
}
