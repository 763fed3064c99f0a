use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Experiment {
    Experiment::from_toml(text).expect("valid")
}

#[test]
fn an_empty_file_is_the_published_loop_on_both_chains() {
    let experiment = read("");
    assert_eq!(experiment, Experiment::default());
    let routes = experiment.routes(&experiment.targets[0]);
    assert_eq!(routes, ["hello", "numbers"]);
}

#[test]
fn everything_can_be_said_in_a_file() {
    let experiment = read(
        r#"
        title = "mine"
        seed = 1
        repetitions = 3
        duration = "30s"
        warm-up = "500ms"
        request-timeout = "10s"
        fail-if = ["mine.p99 > 20ms"]

        [load]
        rates = [100, 200.5]
        arrivals = "constant"
        in-flight-max = 64

        [connections]
        count = 4
        streams-max = 16
        reuse = "new-each-request"

        [generator]
        threads = 2
        cpus = [0, 1]

        [system]
        restart = "never"

        [[targets]]
        name = "mine"
        url = "grpc://127.0.0.1:50051"
        processes = { a = [12, 13] }
        schema = { proto = { files = ["services.proto"] } }

        [[targets.requests]]
        name = "hello"
        grpc = "pspd.ServiceA/SayHello"
        body = '{"name": "{{user}}"}'
        headers = { x-key = "k" }
        "#,
    );
    assert_eq!(experiment.load.rates, [100.0, 200.5]);
    assert_eq!(experiment.connections.count, ConnectionCount::Shared(4));
    let target = &experiment.targets[0];
    assert_eq!(target.processes["a"], [12, 13]);
    assert_eq!(experiment.routes(target), ["hello"]);
    let again = read(&experiment.to_toml().expect("can be written"));
    assert_eq!(again, experiment);
}

#[test]
fn what_is_not_known_is_named_with_its_place() {
    for (text, expected) in [
        ("repetition = 3", "unknown field `repetition`"),
        ("[load]\nuser = [1]", "line 2"),
        (
            "[connections]\ncount = \"many\"",
            "\"per-user\" or a whole number",
        ),
        ("duration = \"5\"", "time unit needed"),
        ("[load]\narrivals = \"uniform\"", "`constant`"),
    ] {
        let error = Experiment::from_toml(text).expect_err("wrong").to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_default_can_be_written_and_read_back() {
    let text = Experiment::default().to_toml().expect("can be written");
    assert_eq!(read(&text), Experiment::default());
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in ".{0,200}") {
        let _ = Experiment::from_toml(&text);
    }
}
