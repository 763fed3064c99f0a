use proptest::prelude::*;

use results::Schema;

use super::{
    numbers::{DURATION_MIN, HOUR, THREADS_MAX, USERS_MAX},
    *,
};

fn against(text: &str) -> Options {
    Options {
        against: vec![text.to_owned()],
        ..Options::default()
    }
}

fn planned(text: Option<&str>, options: &Options) -> Result<Plan, Problems> {
    let path = Path::new("folder/experiment.toml");
    Plan::new(text.map(|text| File { path, text }), options)
}

#[track_caller]
fn check_refused(file: Option<&str>, options: &Options, expected: &[&str]) {
    let problems = planned(file, options)
        .expect_err("something is wrong")
        .to_string();
    let lines: Vec<_> = problems.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{problems}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(part), "{line:?} should contain {part:?}");
        assert!(line.contains("; "), "{line:?} should say what to do");
    }
}

#[track_caller]
fn check_file(file: &str, expected: &[&str]) {
    check_refused(Some(file), &Options::default(), expected);
}

#[test]
fn the_defaults_are_short_and_full_is_the_published_experiment() {
    let short = Plan::new(None, &Options::default()).expect("the defaults are valid");
    assert_eq!(short.experiment.load.users, DEFAULT_USERS);
    assert_eq!(short.experiment.repetitions, 5);
    assert_eq!(short.steps().len(), 30);
    let full = Options {
        full: true,
        ..Options::default()
    };
    let full = Plan::new(None, &full).expect("--full is valid");
    let users = [25, 50, 100, 200, 400, 800, 1600, 3200];
    assert_eq!(full.experiment.load.users, users);
    assert_eq!(full.experiment.duration, Duration::from_secs(30));
}

#[test]
fn a_seed_is_always_recorded() {
    let plan = Plan::new(None, &Options::default()).expect("valid");
    assert!(plan.experiment.seed.is_some());
    let plan = planned(Some("seed = 7"), &Options::default()).expect("valid");
    assert_eq!(plan.seed(), 7);
    let again = Plan::again(&plan.experiment).expect("it was valid before");
    assert_eq!(again.steps(), plan.steps());
}

#[test]
fn a_block_of_another_plan_is_noticed() {
    let plan = planned(Some("seed = 7"), &Options::default()).expect("valid");
    let step = plan.steps()[3];
    let ours = results::Block {
        number: step.number,
        repetition: step.repetition,
        load: plan.loads[step.load],
        target: plan.targets[step.target].name.clone(),
        ..crate::marks::tests::fine()
    };
    assert_eq!(plan.first_strange(std::slice::from_ref(&ours)), None);
    for number in [0, step.number + 1, 1_000] {
        let strange = results::Block {
            number,
            ..ours.clone()
        };
        let blocks = [ours.clone(), strange];
        let found = plan.first_strange(&blocks);
        assert_eq!(found.map(|block| block.number), Some(number));
    }
}

#[test]
fn every_problem_of_a_file_is_reported_at_once() {
    check_file(
        r#"
        repetitions = 0
        duration = "5ms"
        warm-up = "2h"
        fail-if = ["nobody.p99 > 1ms"]

        [load]
        users = [25, 0, 25]
        in-flight-max = 0
        rate-precision = 0.9

        [connections]
        count = 1
        stream-window-bytes = 1

        [generator]
        threads = 2

        [[targets]]
        name = "neither"

        [[targets]]
        name = "both"
        chain = "grpc"
        url = "http://h"
        "#,
        &[
            "users (--users) \"0\"",
            "users (--users) \"25\": it is there twice",
            "in-flight-max",
            "rate-precision",
            "duration (--duration) \"5ms\"",
            "warm-up (--warm-up) \"2h\"",
            "repetitions (--repetitions) \"0\"",
            "stream-window-bytes",
            "2 threads of the generator cannot have the same number",
            "neither chain nor url",
            "a chain and a url",
            "fail-if (--fail-if)",
        ],
    );
}

#[test]
fn paths_of_a_file_are_relative_to_its_folder() {
    let file = r#"
        targets = [{ name = "o", url = "grpc://h:1", schema = { proto = { files = ["a.proto"] } } }]
        requests = [{ name = "r", grpc = "a.B/C" }]
    "#;
    let plan = planned(Some(file), &Options::default()).expect("valid");
    let Some(Schema::Proto { files, .. }) = &plan.experiment.targets[0].schema else {
        unreachable!("the file has one");
    };
    assert!(
        files[0].is_absolute() && files[0].ends_with("folder/a.proto"),
        "{files:?}"
    );
}

#[test]
fn a_file_that_is_no_experiment_is_refused_with_the_place() {
    let error = planned(Some("\nuser = [1]"), &Options::default()).expect_err("unknown key");
    let text = error.to_string();
    assert!(
        text.contains("line 2") && text.contains("unknown field `user`"),
        "{text}"
    );
}

#[test]
fn one_kind_of_load_is_measured_at_a_time() {
    check_file(
        "[load]\nusers = [1]\nrates = [1.0]",
        &["three kinds of load"],
    );
    check_file(
        "[load]\nrates = [1.0]\npace = \"1s\"",
        &["only users of a closed loop"],
    );
    check_file("[load]\nrates = [0.0]", &["it is no rate"]);
    check_file("[load]\nslo = \"fast\"", &["slo (--slo)"]);
    let open = planned(Some("[load]\nrates = [10]"), &Options::default()).expect("valid");
    assert_eq!(open.loads, [LoadPoint::Rate(10.0)]);
    let search = planned(Some("[load]\nslo = \"p99<50ms\""), &Options::default()).expect("valid");
    assert_eq!(search.loads, [LoadPoint::Search]);
    assert!(search.objective.is_some());
}

#[test]
fn requests_must_fit_their_target() {
    let target = "[[targets]]\nname = \"o\"\nurl = ";
    check_file(
        &format!("{target}\"grpc://h:1\""),
        &["takes no HTTP request", "takes no HTTP request"],
    );
    let call = "[[requests]]\nname = \"c\"\ngrpc = \"a.B/C\"\n";
    check_file(
        &format!("{call}{target}\"http://h\""),
        &["takes no gRPC call"],
    );
    planned(
        Some(&format!("{call}{target}\"grpc://h:1\"")),
        &Options::default(),
    )
    .expect("valid");
    for (request, expected) in [
        ("http = \"GET\"", "no method and path"),
        ("http = \"GET a\"", "does not begin with /"),
        ("http = \"G@T /\"", "no HTTP method"),
        ("http = \"GET /{{nobody}}\"", "nobody"),
        ("", "not exactly one of http and grpc"),
        (
            "http = \"GET /\"\ngrpc = \"a.B/C\"",
            "not exactly one of http and grpc",
        ),
    ] {
        let file = format!("[[requests]]\nname = \"r\"\n{request}\n{target}\"http://h\"");
        check_file(&file, &[expected]);
    }
    let twice = "[[requests]]\nname = \"r\"\nhttp = \"GET /\"\n".repeat(2);
    check_file(
        &format!("{twice}{target}\"http://h\""),
        &["the name is there twice"],
    );
}

#[test]
fn nothing_to_measure_is_a_problem() {
    let none = Options {
        chains: Some("none".into()),
        ..Options::default()
    };
    check_refused(None, &none, &["nothing is left to measure"]);
    let other = Options {
        chains: Some("none".into()),
        ..against("o=http://localhost:1")
    };
    let plan = Plan::new(None, &other).expect("there is one target");
    assert_eq!(plan.targets.len(), 1);
    assert!(!plan.needs_system());
}

#[test]
fn against_names_a_system_and_its_processes() {
    let text = "original=http://[::1]:8080/pspd/,gateway:12,b:13,b:14";
    if !cfg!(target_os = "linux") {
        check_refused(None, &against(text), &["Linux alone"]);
        return;
    }
    let plan = Plan::new(None, &against(text)).expect("valid");
    let Subject::Running(endpoint) = &plan.targets[2].subject else {
        unreachable!("the third target is the one of --against");
    };
    assert_eq!(endpoint.host, "::1");
    assert_eq!(endpoint.port, 8080);
    assert_eq!(endpoint.authority, "[::1]:8080");
    assert_eq!(endpoint.prefix, "/pspd");
    let processes = &plan.experiment.targets[2].processes;
    assert_eq!(
        (&processes["gateway"][..], &processes["b"][..]),
        (&[12][..], &[13, 14][..])
    );
}

#[test]
fn a_wrong_against_says_what_is_wrong() {
    for (text, expected) in [
        ("a", "it has no ="),
        ("=http://h", "no valid name"),
        ("a b=http://h", "no valid name"),
        ("../x=http://h", "no valid name"),
        ("a-name-of-17-char=http://h", "no valid name"),
        ("rest=http://h", "chain of our own"),
        ("o=", "not valid"),
        ("o=h:80", "does not begin with http://"),
        ("o=https://h", "TLS"),
        ("o=grpc://h", "no usual one"),
        ("o=grpc://h:1/x", "a path"),
        ("o=http://u:p@h", "user name"),
        ("o=http://h:99999", "valid port"),
        ("o=http://h:", "valid port"),
        ("o=http://h:0", "valid port"),
        ("o=http://h/?x=1", "query"),
        ("o=http://h,gateway", "no ROLE:PID"),
        ("o=http://h,gateway:x", "no process id"),
        ("o=http://h,gateway:0", "no process id"),
        ("o=http://h,generator:1", "load generator"),
    ] {
        check_refused(None, &against(text), &[expected]);
    }
    let twice = Options {
        against: vec!["o=http://h".into(), "o=http://i".into()],
        ..Options::default()
    };
    check_refused(None, &twice, &["the name is taken"]);
}

#[test]
fn the_same_chain_twice_is_a_trial_of_the_method_itself() {
    let file = r#"
        targets = [{ name = "one", chain = "grpc" }, { name = "two", chain = "grpc" }]
    "#;
    let plan = planned(Some(file), &Options::default()).expect("valid");
    assert_eq!(plan.targets[0].subject, plan.targets[1].subject);
}

#[test]
fn processors_that_do_not_exist_are_refused() {
    let far = Options {
        generator_cpus: Some("100000".into()),
        ..Options::default()
    };
    check_refused(None, &far, &["cpus (--generator-cpus)"]);
}

#[test]
fn so_many_blocks_are_refused_before_they_are_laid_out() {
    check_file(
        "repetitions = 1000\n[load]\nrates = [1, 2, 3, 4, 5, 6, 7, 8]",
        &["16000 blocks"],
    );
}

/// Anything at all, and what comes close to being right.
fn text(almost: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![".*", almost]
}

fn any_options() -> impl Strategy<Value = Options> {
    use proptest::option::of;
    let duration = || {
        of(text(
            "[0-9]{0,25}(\\.[0-9]{1,3})?(ns|ms|s|m|h|d|y| )?[0-9]{0,3}s?",
        ))
    };
    let against = text(
        "[a-z-]{0,4}=(http|grpc|x)?:?/{0,3}(u@)?\\[?[a-z0-9.:]{0,6}\\]?(:[0-9]{0,6})?(/[a-z?]{0,3})?(,[a-z]{0,3}:?-?[0-9]{0,12}){0,2}",
    );
    let request = || text("([a-z]{0,3}=)?(GET|POST|x)? ?/?[a-z{}?= ]{0,10}");
    (
        any::<bool>(),
        of(text("[0-9, -]{0,20}")),
        of(text("[0-9,. -]{0,20}")),
        [duration(), duration(), duration(), duration()],
        [
            of(text("-?[0-9]{0,12}")),
            of(text("-?[0-9]{0,12}")),
            of(text("-?[0-9]{0,12}")),
        ],
        of(text("(grpc|rest|none|both|,| ){0,4}")),
        proptest::collection::vec(against, 0..3),
        proptest::collection::vec(request(), 0..3),
        proptest::collection::vec(request(), 0..3),
    )
        .prop_map(
            |(full, users, rate, durations, numbers, chains, against, requests, calls)| {
                let [duration, warm_up, request_timeout, pace] = durations;
                let [generator_threads, connections, seed] = numbers;
                Options {
                    full,
                    users,
                    rate,
                    duration,
                    warm_up,
                    request_timeout,
                    pace,
                    generator_threads,
                    connections,
                    seed,
                    chains,
                    against,
                    requests,
                    calls,
                    ..Options::default()
                }
            },
        )
}

proptest! {
    #[test]
    fn whatever_is_typed_is_a_plan_within_the_limits_or_problems(options in any_options()) {
        match Plan::new(None, &options) {
            Ok(plan) => {
                prop_assert!((1..=USERS_MAX).contains(&plan.users_max()));
                prop_assert!(!plan.steps().is_empty());
                let experiment = &plan.experiment;
                prop_assert!((DURATION_MIN..=HOUR).contains(&experiment.duration));
                prop_assert!((1..=THREADS_MAX).contains(&experiment.generator.threads));
                prop_assert!(plan.preview().contains("As a file"));
                let again = Experiment::from_toml(&experiment.to_toml().expect("plain values"));
                prop_assert_eq!(&again.expect("it was written by this program"), experiment);
            }
            Err(problems) => prop_assert!(!problems.to_string().is_empty()),
        }
    }
}

#[test]
fn messages_of_a_call_are_few_enough_and_due_in_time() {
    let requests = |rest: &str| {
        format!(
            "request-timeout = \"10s\"\n[[targets]]\nname = \"x\"\nurl = \"grpc://h:1\"\n\
             [[requests]]\nname = \"r\"\ngrpc = \"p.S/M\"\n{rest}"
        )
    };
    for (rest, expected) in [
        (
            "messages = 0",
            "0 messages a call (for target x); give 1 to 1000000",
        ),
        ("messages = 1000001", "1000001 messages a call"),
        (
            "messages = 3\nevery = \"5s\"",
            "its last message is due 10s after the first, and calls end after 10s",
        ),
    ] {
        check_file(&requests(rest), &[expected]);
    }
    for rest in [
        "",
        "messages = 1000000",
        "messages = 2\nevery = \"5s\"",
        "messages = 9\nevery = \"0s\"",
    ] {
        let text = requests(rest);
        planned(Some(&text), &Options::default()).expect("valid");
    }
    let http = "[[requests]]\nname = \"r\"\nhttp = \"GET /\"\nmessages = 2";
    let text = format!("[[targets]]\nname = \"x\"\nurl = \"http://h:1\"\n{http}");
    check_file(&text, &["an HTTP request sends one body"]);
}
