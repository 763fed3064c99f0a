use super::*;

fn values(given: &[(&'static str, &str)]) -> Values {
    let given = given
        .iter()
        .map(|(key, text)| (*key, Given::new(*text, Origin::Flag)));
    Values {
        given: given.collect(),
        services: None,
        lines: BTreeMap::new(),
        problems: Vec::new(),
        taken: BTreeSet::new(),
        files: BTreeSet::new(),
    }
}

#[test]
fn the_defaults_of_every_role_are_valid() {
    for role in Role::ALL {
        let settings = settings::of(role);
        let given: Vec<_> = settings
            .iter()
            .map(|setting| (setting.key, setting.default.as_str()))
            .collect();
        let mut values = values(&given);
        let config = role::read(role, &mut values);
        assert_eq!(values.problems, Vec::<String>::new(), "{role}");
        let config = config.expect("every value was there");
        assert_eq!(config.common.port, role.port());
        assert_eq!(config.common.admin_port, role.admin_port());
    }
}

#[test]
fn keys_and_variables_are_unique() {
    for role in Role::ALL {
        let settings = settings::of(role);
        let mut keys: Vec<_> = settings.iter().map(|s| s.key).collect();
        let mut variables: Vec<_> = settings.iter().map(|s| &s.env).collect();
        keys.sort_unstable();
        keys.dedup();
        variables.sort_unstable();
        variables.dedup();
        assert_eq!(keys.len(), settings.len(), "{role}");
        assert_eq!(variables.len(), settings.len(), "{role}");
    }
}

#[test]
fn every_wrong_value_is_reported_at_once() {
    let mut given = values(&[
        ("host", "here"),
        ("port", "70000"),
        ("admin-host", "127.0.0.1"),
        ("admin-port", "1"),
        ("log", "loud"),
        ("log-format", "human"),
        ("workers", "0"),
        ("connections-max", "0"),
        ("write-timeout", "0s"),
        ("drain-timeout", "10"),
        ("header-timeout", "1s"),
        ("cors", "example.org"),
        ("access-log", "xml"),
        ("header-bytes-max", "1000000"),
        ("values-max", "-1"),
        ("call-timeout", "2d"),
        ("stream-timeout", "1h"),
        ("in-flight-max", "1"),
        ("a-addr", "localhost"),
        ("b-addr", "localhost:1"),
        ("upstream-connections", "2"),
        ("connect-timeout", "1s"),
        ("answer-bytes-max", "many"),
    ]);
    assert!(role::read(Role::Gateway, &mut given).is_none());
    let wrong: Vec<_> = given
        .problems
        .iter()
        .map(|problem| problem.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(
        wrong,
        [
            "host",
            "port",
            "log",
            "workers",
            "connections-max",
            "write-timeout",
            "drain-timeout",
            "header-bytes-max",
            "values-max",
            "call-timeout",
            "cors",
            "access-log",
            "answer-bytes-max",
            "a-addr",
        ]
    );
    let message = given.finish().expect_err("there were problems").to_string();
    assert!(
        message.starts_with("14 settings cannot be used:"),
        "{message}"
    );
    assert!(
        message.contains("port = \"70000\" (on the command line): not a port number"),
        "{message}"
    );
}

#[test]
fn what_cannot_change_while_a_gateway_runs() {
    let settings = settings::of(Role::Gateway);
    let given: Vec<_> = settings
        .iter()
        .map(|setting| (setting.key, setting.default.as_str()))
        .collect();
    let config = role::read(Role::Gateway, &mut values(&given)).expect("defaults are right");
    let fixed: Vec<_> = config.fixed.into_keys().collect();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md");
    let page = std::fs::read_to_string(page).expect("the repository has docs/gateway.md");
    let told = page
        .split("**What holds until the gateway is restarted**")
        .nth(1);
    let told = told.and_then(|rest| rest.split('.').next());
    let told = told.unwrap_or_default().split('`').skip(1).step_by(2);
    assert_eq!(told.collect::<Vec<_>>(), fixed);
    assert_eq!(
        fixed,
        [
            "access-log",
            "admin-host",
            "admin-port",
            "admin-tls",
            "concurrent-streams-max",
            "connection-age-grace",
            "connection-age-max",
            "connections-max",
            "drain-delay",
            "drain-idle-grace",
            "drain-timeout",
            "handover",
            "header-timeout",
            "host",
            "http2-idle-timeout",
            "http2-write-timeout",
            "log-format",
            "metrics",
            "metrics-series-max",
            "port",
            "tls-cert",
            "tls-client-allow",
            "tls-client-ca",
            "tls-handshake-timeout",
            "tls-handshakes-max",
            "tls-key",
            "tls-min-version",
            "traces",
            "traces-caller",
            "traces-endpoint",
            "traces-sample",
            "traces-spans-max",
            "workers",
            "write-timeout",
        ]
    );
}
