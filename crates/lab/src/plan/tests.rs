use proptest::prelude::*;

use super::*;
use crate::account::Pids;

fn arguments() -> Arguments {
    Arguments::default()
}

fn against(text: &str) -> Arguments {
    Arguments {
        against: vec![text.to_owned()],
        ..arguments()
    }
}

fn check_refused(arguments: &Arguments, expected: &[&str]) {
    let problems = Plan::new(arguments)
        .expect_err("something is wrong")
        .to_string();
    let lines: Vec<_> = problems.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{problems}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(part), "{line:?} should contain {part:?}");
        assert!(line.contains("; "), "{line:?} should say what to do");
    }
}

#[test]
fn the_defaults_take_about_a_minute_and_full_is_the_published_experiment() {
    let short = Plan::new(&arguments()).expect("the defaults are valid");
    assert_eq!(short.users, [25, 100, 400]);
    assert_eq!(short.duration, Duration::from_secs(5));
    assert_eq!(short.warm_up, Duration::from_secs(1));
    assert_eq!(short.request_timeout, Duration::from_secs(60));
    assert_eq!(short.out, PathBuf::from("results"));
    let full = Plan::new(&Arguments {
        full: true,
        ..arguments()
    })
    .expect("--full is valid");
    assert_eq!(full.users, [25, 50, 100, 200, 400, 800, 1600, 3200]);
    assert_eq!(full.duration, Duration::from_secs(30));
}

#[test]
fn the_chain_that_goes_first_changes_at_each_step() {
    let plan = Plan::new(&against("original=http://localhost")).expect("valid");
    let order: Vec<_> = plan
        .steps()
        .iter()
        .map(|step| format!("{} {}", step.users, plan.chains[step.chain].name))
        .collect();
    assert_eq!(
        order,
        [
            "25 grpc",
            "25 rest",
            "25 original",
            "100 original",
            "100 rest",
            "100 grpc",
            "400 grpc",
            "400 rest",
            "400 original",
        ]
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let wrong = Arguments {
        users: Some("25,x,0,25".into()),
        duration: Some("5".into()),
        warm_up: Some("2h".into()),
        request_timeout: Some("soon".into()),
        generator_threads: Some("0".into()),
        chains: Some("grpc,soap,grpc".into()),
        against: vec!["a".into()],
        out: Some(PathBuf::new()),
        full: false,
    };
    check_refused(
        &wrong,
        &[
            "--users \"25,x,0,25\": \"x\" is no count",
            "0 is out of range",
            "25 is there twice",
            "no chain \"soap\"",
            "grpc is there twice",
            "--against \"a\": it has no =",
            "--duration \"5\"",
            "--warm-up \"2h\": it is out of range",
            "--request-timeout \"soon\"",
            "--generator-threads \"0\"",
            "--out \"\"",
        ],
    );
}

#[test]
fn nothing_to_measure_is_a_problem() {
    let none = Arguments {
        chains: Some("none".into()),
        ..arguments()
    };
    check_refused(&none, &["nothing is left to measure"]);
    let other = Arguments {
        chains: Some("none".into()),
        ..against("o=http://localhost:1")
    };
    let plan = Plan::new(&other).expect("there is one chain");
    assert_eq!(plan.chains.len(), 1);
    assert!(!plan.needs_system());
}

#[test]
fn against_names_a_system_and_its_processes() {
    let text = "original=http://[::1]:8080/pspd/,gateway:12,b:13,b:14";
    if !cfg!(target_os = "linux") {
        check_refused(&against(text), &["Linux alone"]);
        return;
    }
    let plan = Plan::new(&against(text)).expect("valid");
    let Subject::Running(endpoint) = &plan.chains[2].subject else {
        unreachable!("the third chain is the one of --against");
    };
    assert_eq!(endpoint.host, "::1");
    assert_eq!(endpoint.port, 8080);
    assert_eq!(endpoint.authority, "[::1]:8080");
    assert_eq!(endpoint.prefix, "/pspd");
    let pids = Pids::from([("gateway".into(), vec![12]), ("b".into(), vec![13, 14])]);
    assert_eq!(endpoint.pids, pids);
}

#[test]
fn a_wrong_against_says_what_is_wrong() {
    for (text, expected) in [
        ("=http://h", "no valid name"),
        ("a b=http://h", "no valid name"),
        ("../x=http://h", "no valid name"),
        ("a-name-of-17-char=http://h", "no valid name"),
        ("rest=http://h", "chain of our own"),
        ("o=", "not valid"),
        ("o=h:80", "does not begin with http://"),
        ("o=https://h", "https"),
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
        check_refused(&against(text), &[expected]);
    }
    let twice = Arguments {
        against: vec!["o=http://h".into(), "o=http://i".into()],
        ..arguments()
    };
    check_refused(&twice, &["the name o is taken"]);
}

/// Anything at all, and what comes close to being right.
fn text(almost: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![".*", almost]
}

fn any_arguments() -> impl Strategy<Value = Arguments> {
    use proptest::option::of;
    let duration = || {
        of(text(
            "[0-9]{0,25}(\\.[0-9]{1,3})?(ns|ms|s|m|h|d|y| )?[0-9]{0,3}s?",
        ))
    };
    let against = text(
        "[a-z-]{0,4}=(https?|x)?:?/{0,3}(u@)?\\[?[a-z0-9.:]{0,6}\\]?(:[0-9]{0,6})?(/[a-z?]{0,3})?(,[a-z]{0,3}:?-?[0-9]{0,12}){0,2}",
    );
    (
        any::<bool>(),
        of(text("[0-9, -]{0,20}")),
        [duration(), duration(), duration()],
        of(text("-?[0-9]{0,12}")),
        of(text("(grpc|rest|none|both|,| ){0,4}")),
        proptest::collection::vec(against, 0..3),
        of(any::<PathBuf>()),
    )
        .prop_map(|(full, users, durations, threads, chains, against, out)| {
            let [duration, warm_up, request_timeout] = durations;
            Arguments {
                full,
                users,
                duration,
                warm_up,
                request_timeout,
                generator_threads: threads,
                chains,
                against,
                out,
            }
        })
}

proptest! {
    #[test]
    fn whatever_is_typed_is_a_plan_within_the_limits_or_problems(arguments in any_arguments()) {
        match Plan::new(&arguments) {
            Ok(plan) => {
                prop_assert!(plan.users.iter().all(|users| (1..=USERS_MAX).contains(users)));
                prop_assert!(!plan.steps().is_empty());
                prop_assert!((DURATION_MIN..=HOUR).contains(&plan.duration));
                prop_assert!((1..=THREADS_MAX).contains(&plan.threads));
                prop_assert!(!plan.out.as_os_str().is_empty());
            }
            Err(problems) => prop_assert!(problems.to_string().starts_with("--")),
        }
    }
}
