use std::path::Path;

use super::*;
use crate::upstream::grpc;

fn read(text: &str) -> Result<Services, Vec<String>> {
    let raw: Raw = toml::from_str(text).expect("the keys are known");
    Services::of_file(raw, Path::new("/etc/pspd"))
}

fn problems(text: &str) -> String {
    read(text).expect_err("it is wrong").join("\n")
}

#[test]
fn paths_start_from_the_files_folder() {
    let services = read(
        r#"
        [[upstreams]]
        address = "shop:9000"
        protos = ["shop.proto"]
        service-config = "/abs/shop.yaml"
        "#,
    )
    .expect("it is right");
    let upstream = &services.upstreams[0];
    assert_eq!(&*upstream.name, "shop:9000");
    assert_eq!(
        upstream.source,
        Source::Protos {
            files: vec!["/etc/pspd/shop.proto".into()],
            includes: Vec::new(),
        }
    );
    assert_eq!(
        upstream.service_config.as_deref(),
        Some(Path::new("/abs/shop.yaml"))
    );
}

#[test]
fn a_route_takes_what_the_file_says_of_json_and_changes_it() {
    let services = read(
        r#"
        [[upstreams]]
        address = "shop:9000"
        [json]
        defaults = "write"
        names = "original"
        [[routes]]
        rpc = "/shop.v1.Shop/Get"
        get = "/shop/{name}"
        json = { defaults = "omit" }
        "#,
    )
    .expect("it is right");
    let route = &services.routes[0];
    assert_eq!(route.rpc, "shop.v1.Shop.Get");
    assert_eq!(route.json.write.defaults, transcode::Defaults::Omit);
    assert_eq!(route.json.write.names, transcode::Names::Original);
}

#[test]
fn every_problem_is_reported() {
    let said = problems(
        r#"
        [[upstreams]]
        address = "nowhere"
        [[upstreams]]
        [[upstreams]]
        address = "a:1"
        protos = ["x.proto"]
        descriptor-set = "x.bin"
        [[routes]]
        rpc = "a.B.C"
        [[routes]]
        rpc = "a.B.C"
        get = "no slash"
        [metadata]
        forward = ["content-type", "not a name"]
        "#,
    );
    for expected in [
        "upstreams[0]: address = \"nowhere\" is not HOST:PORT",
        "upstreams[1]: address is missing",
        "upstreams[2]: give protos or descriptor-set",
        "routes[0] (a.B.C): give exactly one of get",
        "routes[1] (a.B.C): \"no slash\"",
        "\"content-type\" belongs to the protocol",
        "\"not a name\" is no name of a header",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
}

#[test]
fn without_upstreams_nothing_is_served() {
    assert!(problems("").contains("no upstream is given"));
}

#[test]
fn the_built_in_routes() {
    let address = |text: &str| text.parse().expect("an address");
    let services = Services::built_in(address("a:1"), address("b:2")).expect("it is right");
    let known: Vec<_> = services
        .upstreams
        .iter()
        .map(|upstream| {
            (
                upstream.name.to_string(),
                upstream.policy.addresses[0].to_string(),
            )
        })
        .collect();
    let expected = [("A", "a:1"), ("B", "b:2")];
    assert_eq!(
        known,
        expected.map(|(name, at)| (name.to_owned(), at.to_owned()))
    );
    assert!(
        services
            .upstreams
            .iter()
            .all(|upstream| upstream.source == Source::BuiltIn)
    );
    assert!(services.page);
}

#[test]
fn what_is_said_of_several_addresses() {
    let services = read(
        r#"
        [[upstreams]]
        addresses = ["a:1", "b:1"]
        [upstreams.ejection]
        share-max = 0
        [[upstreams]]
        address = "10.0.0.1:1"
        balance = "round-robin"
        keep-alive = "30s"
        hosts = "hosts"
        [upstreams.retry]
        methods = ["a.B.C", "/a.B/D"]
        "#,
    )
    .expect("it is right");
    let [several, one] = &services.upstreams[..] else {
        unreachable!("two upstreams");
    };
    assert_eq!(&*several.name, "a:1");
    assert_eq!(several.policy.health, grpc::Health::Watch);
    assert_eq!(several.policy.ejection, None);
    let expected = grpc::Policy::of(vec!["10.0.0.1:1".parse().expect("an address")]);
    assert_eq!(
        (one.policy.health, &one.policy.ejection),
        (grpc::Health::Off, &None)
    );
    assert_eq!(one.policy.resolve_every, expected.resolve_every);
    assert_eq!(
        one.policy.hosts.as_deref(),
        Some(Path::new("/etc/pspd/hosts"))
    );
    let retry = one.policy.retry.as_ref().expect("retries");
    let paths = ["/a.B/C", "/a.B/D"].map(str::to_owned);
    assert_eq!(retry.methods, grpc::Methods::Named(paths.into()));
    assert_eq!(
        (retry.attempts, retry.codes),
        (3, grpc::Codes::unavailable())
    );
}

#[test]
fn every_problem_of_resilience_is_reported() {
    let said = problems(
        r#"
        [[upstreams]]
        address = "a:1"
        addresses = ["b:1"]
        [[upstreams]]
        name = "x"
        addresses = ["b:1", "b:1"]
        resolve-every = "1ms"
        keep-alive = "often"
        pending-max = 1000000
        pending-time = "0s"
        connection-calls-max = 0
        ejection = { consecutive = 0 }
        retry = { attempts = 1, codes = ["OK"], methods = ["thing"], back-off-max = "1ms" }
        hedge = { after = "1ms" }
        retry-budget = { tokens = 0, ratio = 7.0 }
        [[upstreams]]
        addresses = []
        "#,
    );
    for expected in [
        "upstreams[0]: give address or addresses, not both",
        "upstreams[1]: addresses has \"b:1\" twice",
        "upstreams[1]: resolve-every = \"1ms\" is shorter than 100ms",
        "upstreams[1]: keep-alive = \"often\" is no time",
        "upstreams[1]: pending-max = 1000000 is above 100000",
        "upstreams[1]: pending-time = \"0s\" is shorter than 1ms",
        "upstreams[1]: connection-calls-max = 0",
        "upstreams[1]: ejection: consecutive = 0",
        "upstreams[1]: retry.attempts = 1; give a number from 2 to 5",
        "upstreams[1]: retry.codes: \"OK\" is no code of an error",
        "upstreams[1]: retry.methods: \"thing\" is no method",
        "upstreams[1]: retry.back-off-max = \"1ms\" is shorter than 50ms",
        "upstreams[1]: give retry or hedge, not both",
        "upstreams[1]: retry-budget.tokens = 0",
        "upstreams[1]: retry-budget.ratio = 7",
        "upstreams[2]: addresses has 0 of them",
    ] {
        assert!(said.contains(expected), "{expected}\nin\n{said}");
    }
}
