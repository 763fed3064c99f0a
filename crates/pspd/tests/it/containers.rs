//! What containers are made and started from: hadolint has nothing to say against the
//! `Dockerfile`, `compose.yaml` is as the published schema wants it, its services are as
//! closed as they can be, and what they are told is what the program reads. That they run
//! and answer is shown by `cargo xtask image --check`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use contract::Role;
use serde_json::{Value, json};
use testkit::{Program, Tool, need, run};

use crate::clients::script;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file as JSON, its anchors and merges done.
fn yaml(file: &str) -> Value {
    let mut value: yaml_serde::Value = yaml_serde::from_str(&read(file)).expect("YAML");
    value.apply_merge().expect("merges of mappings");
    serde_json::to_value(value).expect("JSON has all of it")
}

fn compose() -> Value {
    yaml("compose.yaml")
}

fn service<'a>(compose: &'a Value, name: &str) -> &'a Value {
    let service = &compose["services"][name];
    assert!(service.is_object(), "compose.yaml has no service {name}");
    service
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|text| text.as_str().expect("texts")).collect()
}

#[test]
fn hadolint_has_nothing_to_say_against_the_dockerfile() {
    let Some(hadolint) = need(Tool::Hadolint) else {
        return;
    };
    let mut hadolint = Command::new(hadolint);
    assert_eq!(run(hadolint.current_dir(root()).arg("Dockerfile")), "");
}

#[test]
fn the_dockerfile_builds_with_the_version_and_ports_of_the_program() {
    let dockerfile = read("Dockerfile");
    let has = |line: &str| dockerfile.lines().any(|found| found == line);
    assert!(has(concat!("ARG VERSION=", env!("CARGO_PKG_VERSION"))));
    let manifest = read("Cargo.toml");
    let rust = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));
    let rust = rust.expect("a rust-version").trim_matches('"');
    let images = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM rust:"));
    for image in images {
        let minor = |version: &str| version.split('.').nth(1)?.split('-').next()?.parse().ok();
        let (image, least): (Option<u32>, Option<u32>) = (minor(image), minor(rust));
        assert!(image.is_some() && image >= least, "{image:?}, {least:?}");
    }
    let exposed = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("EXPOSE "));
    let exposed: BTreeSet<&str> = exposed.flat_map(str::split_whitespace).collect();
    let mut used = BTreeSet::from(["8000".to_owned()]);
    for role in Role::ALL {
        used.insert(role.admin_port().to_string());
        // Those of REST listen on 8000 in containers.
        if !matches!(role, Role::ARest | Role::BRest) {
            used.insert(role.port().to_string());
        }
    }
    assert_eq!(exposed, used.iter().map(String::as_str).collect());
}

#[test]
fn the_compose_file_is_as_its_schema_wants_it() {
    let (Some(python), Some(schema)) = (need(Tool::Python), need(Tool::ComposeSchema)) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let check = |compose: &Value| {
        let path = folder.path().join("compose.json");
        fs::write(&path, compose.to_string()).expect("written");
        let mut check = Command::new(&python);
        run(check
            .arg(script("compose_schema.py"))
            .arg(&schema)
            .arg(path))
    };
    let mut compose = compose();
    assert_eq!(check(&compose), "ok\n");
    compose["services"]["a"]["readonly"] = json!(true);
    assert!(check(&compose).contains("readonly"));
}

#[test]
fn no_service_may_do_more_than_it_needs() {
    let compose = compose();
    for (name, service) in compose["services"].as_object().expect("services") {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        let options = texts(&service["security_opt"]);
        assert_eq!(options, ["no-new-privileges:true"], "{name}");
        for port in texts(&service["ports"]) {
            let local = port.starts_with("${PSPD_PUBLISH:-127.0.0.1}:");
            assert!(local, "{name} publishes {port} to everybody");
        }
        for volume in texts(&service["volumes"]) {
            assert!(volume.ends_with(":ro"), "{name} may write to {volume}");
        }
    }
    // Services are behind the gateways.
    for name in ["a", "b", "a-rest", "b-rest"] {
        let service = service(&compose, name);
        assert_eq!(service["networks"], json!(["inside"]), "{name}");
        assert!(service["ports"].is_null(), "{name}");
    }
    assert_eq!(compose["networks"]["inside"]["internal"], true);
}

/// The names of variables that a role says it reads.
fn variables(role: Role) -> BTreeSet<String> {
    let help = Program::start(PSPD, &["serve", role.name(), "--help"]).finish();
    let words = help.out.split_whitespace();
    let words = words.map(|word| word.trim_end_matches(']').to_owned());
    words.collect()
}

#[test]
fn every_role_is_a_service_that_is_told_what_it_reads() {
    let compose = compose();
    for role in Role::ALL {
        let service = service(&compose, role.name());
        let image = concat!("pspd:", env!("CARGO_PKG_VERSION"));
        assert_eq!(service["image"], image, "{role}");
        assert_eq!(service["command"], json!(["serve", role.name()]), "{role}");
        let check = json!(["CMD", "/pspd", "health"]);
        assert_eq!(service["healthcheck"]["test"], check, "{role}");
        let read = variables(role);
        let told = service["environment"].as_object().expect("variables");
        for (name, value) in told {
            assert!(read.contains(name), "{role} does not read {name}");
            assert!(value.is_string(), "{role}: {name} is no text");
        }
        // Prometheus is elsewhere.
        assert_eq!(told["PSPD_ADMIN_HOST"], "all", "{role}");
        for needed in role.services().into_iter().flatten() {
            let condition = &service["depends_on"][needed.name()]["condition"];
            assert_eq!(*condition, "service_healthy", "{role} on {needed}");
            let places: Vec<&str> = told.values().filter_map(Value::as_str).collect();
            let port = match needed {
                Role::ARest | Role::BRest => 8000,
                _ => needed.port(),
            };
            let place = format!("{needed}:{port}");
            let url = format!("http://{place}");
            let known = places.contains(&place.as_str()) || places.contains(&url.as_str());
            assert!(known, "{role} does not know {place}: {places:?}");
        }
    }
}

/// The folder that a service sees: every file mounted where compose mounts it.
fn mounted(service: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for volume in texts(&service["volumes"]) {
        let parts: Vec<&str> = volume.split(':').collect();
        let [from, to, "ro"] = parts[..] else {
            panic!("{volume}")
        };
        let to = folder.path().join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("below a folder")).expect("made");
        fs::write(&to, read(from)).expect("written");
    }
    folder
}

#[test]
fn prometheus_asks_every_role_and_finds_its_rules() {
    let compose = compose();
    let prometheus = service(&compose, "prometheus");
    let folder = mounted(prometheus);
    let config = "etc/prometheus/prometheus.yml";
    let flag = format!("--config.file=/{config}");
    assert!(texts(&prometheus["command"]).contains(&flag.as_str()));
    let text = fs::read_to_string(folder.path().join(config)).expect("it is mounted");
    for role in Role::ALL {
        let target = format!("\"{role}:{}\"", role.admin_port());
        assert!(text.contains(&target), "{target} is not asked");
    }
    let Some(promtool) = need(Tool::Promtool) else {
        return;
    };
    let mut promtool = Command::new(promtool);
    promtool
        .args(["check", "config"])
        .arg(folder.path().join(config));
    let said = run(&mut promtool);
    assert!(said.contains("1 rule files found"), "{said}");
}

#[test]
fn grafana_finds_prometheus_and_the_dashboard() {
    let compose = compose();
    let grafana = service(&compose, "grafana");
    let folder = mounted(grafana);
    let sources = yaml("deploy/compose/grafana/datasources.yaml");
    let source = &sources["datasources"][0];
    assert_eq!(source["type"], "prometheus");
    assert_eq!(source["url"], "http://prometheus:9090");
    let providers = yaml("deploy/compose/grafana/dashboards.yaml");
    let path = providers["providers"][0]["options"]["path"].as_str();
    let path = path.expect("a path").trim_start_matches('/');
    let dashboards = fs::read_dir(folder.path().join(path)).expect("it is mounted");
    assert_eq!(dashboards.count(), 1);
    let home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str();
    let home = folder
        .path()
        .join(home.expect("a dashboard").trim_start_matches('/'));
    let text = fs::read_to_string(home).expect("it is mounted");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    assert!(dashboard["panels"].is_array());
    for profile in ["prometheus", "grafana"] {
        let profiles = &service(&compose, profile)["profiles"];
        assert_eq!(*profiles, json!(["observability"]), "{profile}");
    }
}
