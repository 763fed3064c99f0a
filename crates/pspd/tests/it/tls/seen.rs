//! What of TLS is in the access log, in spans and in the metrics.

use std::fs;

use contract::Role;
use testkit::{Chain, collector::Collector, until};

use super::{Made, PSPD, curl, logged};
use crate::metrics::Metrics;

#[test]
fn log_and_span_tell_the_client_and_the_scheme() {
    let Some(curl) = curl() else { return };
    let made = Made::new();
    let collector = Collector::start();
    let [cert, key] = made.certificates.pair(Role::Gateway.name());
    let authority = made.certificates.authority();
    let [cert, key, authority] =
        [cert, key, authority].map(|path| path.into_os_string().into_string().expect("plain"));
    let endpoint = collector.endpoint();
    let flags = [
        ["--tls-cert", &cert],
        ["--tls-key", &key],
        ["--tls-client-ca", &authority],
        ["--traces", "grpc"],
        ["--traces-endpoint", &endpoint],
    ];
    let chain = Chain::start(PSPD, Role::Gateway, &flags.concat());
    let url = format!("https://localhost:{}/a/hello", chain.address().port());
    for version in ["--http1.1", "--http2"] {
        let lines = chain.access_log().len();
        let answer = made.curl(&curl, Some("client"), &[version, &url]);
        assert!(answer.ok, "{}", answer.err);
        let line = until("a line in the log", || {
            chain.access_log().into_iter().nth(lines)
        });
        assert_eq!(line["client_identity"], "spiffe://pspd.local/client");
        let trace_id = line["trace_id"].as_str().expect("a trace");
        let span = until("a span of the gateway", || {
            let mut spans = collector.spans().into_iter();
            spans.find(|span| span.trace_id == trace_id && span.kind == "SERVER")
        });
        assert_eq!(span.attributes["url.scheme"], "https");
    }
}

#[test]
fn metrics_tell_refusals_and_certificates() {
    let Some(curl) = curl() else { return };
    let made = Made::new();
    let service = made.start(Role::ARest, &[]);
    let admin = format!("https://localhost:{}", service.admin_address().port());
    let scraped = || {
        let scraped = made.curl(&curl, Some("client"), &[&format!("{admin}/metrics")]);
        assert!(scraped.ok, "{}", scraped.err);
        Metrics::read(&scraped.out)
    };
    let before = scraped();
    let refused =
        |reason: &str| format!("pspd_tls_handshakes_refused_total{{reason=\"{reason}\"}}");
    assert_eq!(before.get(&refused("no_certificate")), None);
    let [from, until_then, stale] = certificate(&before);
    assert!(from > 0.0 && until_then > from, "{from} {until_then}");
    assert!(stale.abs() < f64::EPSILON);

    assert!(!made.curl(&curl, None, &[&made.url(&service, "/")]).ok);
    assert!(!made.curl(&curl, None, &[&made.url(&service, "/")]).ok);
    until("two refusals", || {
        let count = scraped().get(&refused("no_certificate"));
        (count == Some(2.0)).then_some(())
    });

    let [_, key] = made.certificates.pair(Role::ARest.name());
    fs::copy(made.path().join("b.key"), key).expect("copied");
    logged(&service, &["going on with the ones before"]);
    let [_, same, stale] = certificate(&scraped());
    assert!((same - until_then).abs() < f64::EPSILON);
    assert!((stale - 1.0).abs() < f64::EPSILON);
}

/// Beginning, end and whether it is stale, of the one certificate that there is.
#[track_caller]
fn certificate(metrics: &Metrics) -> [f64; 3] {
    let about = [
        "not_before_timestamp_seconds",
        "not_after_timestamp_seconds",
        "stale",
    ];
    about.map(|what| {
        let found = metrics.labelled(&format!("pspd_tls_certificate_{what}"));
        let [(series, value)] = found[..] else {
            unreachable!("not one certificate: {found:?}");
        };
        assert!(series.contains("a-rest.crt"), "{series}");
        value
    })
}
