use results::LoadPoint;

use super::*;

fn applied(options: &Options) -> Experiment {
    let mut problems = Problems::default();
    let experiment = options.apply(Experiment::default(), &mut problems);
    problems
        .none_or(experiment)
        .expect("every text means something")
}

#[track_caller]
fn check_refused(options: &Options, expected: &str) {
    let mut problems = Problems::default();
    options.apply(Experiment::default(), &mut problems);
    let text = problems.none_or(()).expect_err("wrong").to_string();
    assert!(text.contains(expected), "{text}");
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_load_of_the_command_line_replaces_that_of_the_file() {
    let file = Experiment::from_toml("[load]\nusers = [7]").expect("valid");
    let options = Options {
        rate: some("100, 200"),
        arrivals: some("constant"),
        in_flight_max: some("8"),
        ..Options::default()
    };
    let load = options.apply(file, &mut Problems::default()).load;
    assert_eq!(
        load.points(),
        [LoadPoint::Rate(100.0), LoadPoint::Rate(200.0)]
    );
    assert_eq!((load.arrivals, load.in_flight_max), (Arrivals::Constant, 8));
}

#[test]
fn what_no_flag_names_stays_as_the_file_has_it() {
    let file = Experiment::from_toml("repetitions = 9\n[connections]\ncount = 3").expect("valid");
    let experiment = Options::default().apply(file.clone(), &mut Problems::default());
    assert_eq!(experiment, file);
}

#[test]
fn ones_own_service_is_measured_alone() {
    let options = Options {
        against: vec!["mine=grpc://127.0.0.1:1".into()],
        calls: vec!["a.B/C {\"x\": 1}".into()],
        headers: vec!["x-key: k".into()],
        proto: vec!["a.proto".into()],
        ..Options::default()
    };
    let experiment = applied(&options);
    assert_eq!(experiment.targets.len(), 1);
    let target = &experiment.targets[0];
    assert!(matches!(&target.schema, Some(Schema::Proto { files, .. }) if files.len() == 1));
    let request = &experiment.requests[0];
    assert_eq!(request.name, "C");
    assert_eq!(request.headers["x-key"], "k");
}

#[test]
fn chains_named_beside_ones_own_requests_are_measured_too() {
    let options = Options {
        chains: some("rest"),
        requests: vec!["GET /a/hello".into()],
        ..Options::default()
    };
    let names: Vec<_> = applied(&options)
        .targets
        .into_iter()
        .map(|target| target.name)
        .collect();
    assert_eq!(names, ["rest"]);
}

#[test]
fn connections_are_shared_or_each_users_own() {
    let of = |text: &str| {
        let options = Options {
            connections: some(text),
            ..Options::default()
        };
        applied(&options).connections.count
    };
    assert_eq!(of("8"), ConnectionCount::Shared(8));
    assert_eq!(of("per-user"), ConnectionCount::Each(PerUser::PerUser));
}

#[test]
fn what_means_nothing_is_a_problem_with_its_flag() {
    let base = Options::default;
    check_refused(
        &Options {
            users: some("25,x"),
            ..base()
        },
        "--users \"25,x\": \"x\"",
    );
    check_refused(
        &Options {
            duration: some("5"),
            ..base()
        },
        "--duration \"5\"",
    );
    check_refused(
        &Options {
            seed: some("-1"),
            ..base()
        },
        "--seed \"-1\"",
    );
    check_refused(
        &Options {
            arrivals: some("often"),
            ..base()
        },
        "--arrivals \"often\"",
    );
    check_refused(
        &Options {
            connections: some("many"),
            ..base()
        },
        "--connections \"many\"",
    );
    check_refused(
        &Options {
            chains: some("grpc,soap"),
            ..base()
        },
        "no chain \"soap\"",
    );
    let no_colon = Options {
        requests: vec!["GET /".into()],
        headers: vec!["x".into()],
        ..base()
    };
    check_refused(&no_colon, "--header \"x\": it has no colon");
    let both = Options {
        proto: vec!["a".into()],
        descriptor_set: Some("b".into()),
        ..base()
    };
    check_refused(&both, "--descriptor-set");
}

#[test]
fn a_flag_that_has_nothing_to_apply_to_is_a_problem() {
    let base = Options::default;
    let idle = |options: Options, expected: &str| check_refused(&options, expected);
    idle(
        Options {
            headers: vec!["a: b".into()],
            ..base()
        },
        "--header",
    );
    idle(
        Options {
            body: some("x"),
            ..base()
        },
        "--body",
    );
    idle(
        Options {
            proto: vec!["a.proto".into()],
            ..base()
        },
        "no target speaks gRPC",
    );
    idle(
        Options {
            include: vec!["a".into()],
            ..base()
        },
        "--include",
    );
}

#[test]
fn requests_of_the_command_line_go_before_those_of_a_target() {
    let file = r#"
        targets = [{ name = "o", url = "http://h", requests = [{ name = "r", http = "GET /r" }] }]
    "#;
    let file = Experiment::from_toml(file).expect("valid");
    let options = Options {
        requests: vec!["GET /s".into()],
        ..Options::default()
    };
    let experiment = options.apply(file, &mut Problems::default());
    assert_eq!(experiment.routes(&experiment.targets[0]), ["s"]);
}
