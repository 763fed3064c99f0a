//! A real Prometheus scrapes every role; its promtool finds nothing to say against what
//! they tell, and the rules that are shipped do what their tests say.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use serde_json::Value;
use testkit::{Process, Program, Tool, http, need, run, until};

use super::{Grpc, Rest, get, scrape};
use crate::rpc::call::{Caller, HELLO};

fn shipped(file: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/observability");
    PathBuf::from(folder).join(file)
}

/// Every role, with some requests behind it.
struct Used {
    grpc: Grpc,
    rest: Rest,
}

impl Used {
    fn start() -> Used {
        let (grpc, rest) = (Grpc::start(&[]), Rest::start(&[]));
        for gateway in [&grpc.gateway, &rest.gateway] {
            for _ in 0..20 {
                assert_eq!(get(gateway, "/a/hello"), 200);
            }
            assert_eq!(get(gateway, "/b/numbers?count=3"), 200);
            assert_eq!(get(gateway, "/nowhere"), 404);
        }
        let caller = Caller::connect(grpc.gateway.address());
        for _ in 0..7 {
            assert_eq!(caller.answer(caller.ask(HELLO, &[])).status(), "0");
        }
        Used { grpc, rest }
    }

    fn roles(&self) -> [(&'static str, &Process); 6] {
        let (grpc, rest) = (&self.grpc, &self.rest);
        [
            ("pspd-gateway", &grpc.gateway),
            ("pspd-a", &grpc.a),
            ("pspd-b", &grpc.b),
            ("pspd-gateway-rest", &rest.gateway),
            ("pspd-a-rest", &rest.a),
            ("pspd-b-rest", &rest.b),
        ]
    }
}

#[test]
fn promtool_has_nothing_to_say_against_any_role() {
    let Some(promtool) = need(Tool::Promtool) else {
        return;
    };
    let used = Used::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, process) in used.roles() {
        let path = folder.path().join(name);
        fs::write(&path, scrape(process.admin_address())).expect("written");
        let text = fs::File::open(&path).expect("there");
        let checked = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(text)
            .output()
            .expect("it runs");
        let said = [checked.stdout, checked.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            checked.status.success() && said.is_empty(),
            "{name}: {said}"
        );
    }
}

#[test]
fn the_shipped_rules_do_what_their_tests_say() {
    let Some(promtool) = need(Tool::Promtool) else {
        return;
    };
    let promtool = |args: &[&str], file: &str| {
        let mut promtool = Command::new(&promtool);
        let folder = shipped("");
        run(promtool.current_dir(folder).args(args).arg(file))
    };
    promtool(&["check", "config"], "prometheus.yml");
    assert!(promtool(&["check", "rules"], "rules.yaml").contains("SUCCESS"));
    assert!(promtool(&["test", "rules"], "rules.test.yaml").contains("SUCCESS"));
}

/// Prometheus, and the port that it answers on.
struct Scraping {
    _program: Program,
    address: SocketAddr,
}

impl Scraping {
    fn start(prometheus: PathBuf, used: &Used, folder: &std::path::Path) -> Scraping {
        let jobs = used.roles().map(|(name, process)| {
            let target = process.admin_address();
            format!("  - job_name: {name}\n    static_configs: [{{ targets: [\"{target}\"] }}]\n")
        });
        let config = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }}\n\
             rule_files: [{:?}]\nscrape_configs:\n{}",
            shipped("rules.yaml"),
            jobs.concat()
        );
        let path = folder.join("prometheus.yml");
        fs::write(&path, config).expect("written");
        let program = Program::start(
            prometheus,
            &[
                &format!("--config.file={}", path.display()),
                &format!("--storage.tsdb.path={}", folder.join("data").display()),
                "--web.listen-address=127.0.0.1:0",
                "--log.format=logfmt",
            ],
        );
        let address = until("Prometheus to listen", || {
            let log = program.err();
            let line = log.lines().find(|line| line.contains("Listening on"))?;
            let (_, address) = line.split_once("address=")?;
            address.split_whitespace().next()?.parse().ok()
        });
        Scraping {
            _program: program,
            address,
        }
    }

    /// The answers to a question, by job.
    fn ask(&self, question: &str) -> Vec<(String, String)> {
        let encoded: String = question
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let target = format!("/api/v1/query?query={encoded}");
        let Ok(answer) = http::get(self.address, &target) else {
            return Vec::new();
        };
        if answer.status() != 200 {
            return Vec::new();
        }
        let json: Value = answer.json();
        let found = json["data"]["result"].as_array().cloned();
        let found = found.unwrap_or_default().into_iter().map(|series| {
            let job = series["metric"]["job"].as_str().unwrap_or_default();
            let value = series["value"][1].as_str().unwrap_or_default();
            (job.to_owned(), value.to_owned())
        });
        found.collect()
    }

    #[track_caller]
    fn expect(&self, question: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(job, value)| ((*job).to_owned(), (*value).to_owned()))
            .collect();
        until(question, || {
            let mut found = self.ask(question);
            found.sort();
            (found == expected).then_some(())
        });
    }
}

#[test]
fn prometheus_scrapes_every_role_and_knows_what_was_asked() {
    let Some(prometheus) = need(Tool::Prometheus) else {
        return;
    };
    let used = Used::start();
    let folder = tempfile::tempdir().expect("a folder");
    let scraping = Scraping::start(prometheus, &used, folder.path());
    scraping.expect("count(up == 1)", &[("", "6")]);
    scraping.expect(
        "sum by (job) (http_server_request_duration_seconds_count{http_route=\"/a/hello\", \
         http_response_status_code=\"200\"})",
        &[
            ("pspd-a-rest", "20"),
            ("pspd-gateway", "20"),
            ("pspd-gateway-rest", "20"),
        ],
    );
    scraping.expect(
        "sum by (job) (http_server_request_duration_seconds_count{http_route=\"_unmatched\"})",
        &[("pspd-gateway", "1"), ("pspd-gateway-rest", "1")],
    );
    scraping.expect(
        "sum by (job) (grpc_server_handled_total{grpc_method=\"SayHello\", grpc_code=\"OK\"})",
        &[("pspd-a", "27"), ("pspd-gateway", "7")],
    );
    scraping.expect(
        "sum by (job) (grpc_client_msg_received_total{grpc_method=\"StreamNumbers\"})",
        &[("pspd-gateway", "3")],
    );
    scraping.expect("sum(http_server_active_requests)", &[("", "0")]);
    scraping.expect("sum(pspd_upstream_up)", &[("", "4")]);
    // Buckets that Prometheus can compute with.
    let median = "histogram_quantile(0.5, sum by (le) \
                  (http_server_request_duration_seconds_bucket{job=\"pspd-gateway\"})) > bool 0";
    scraping.expect(median, &[("", "1")]);
    // The rules are evaluated, and everything is well.
    until("a rate of failures", || {
        assert_eq!(get(&used.grpc.gateway, "/a/hello"), 200);
        let failed = scraping.ask("job:pspd_failed_requests:ratio_rate5m{job=\"pspd-gateway\"}");
        (failed == [("pspd-gateway".to_owned(), "0".to_owned())]).then_some(())
    });
    assert_eq!(scraping.ask("ALERTS{alertstate=\"firing\"}"), []);
}
