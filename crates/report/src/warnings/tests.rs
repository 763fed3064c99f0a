use results::{Connections, Mark, Run};

use super::*;
use crate::testing;

fn texts(run: &Run) -> String {
    let digest = testing::digest(run);
    let texts = Language::ALL.map(|language| {
        let warnings = warnings(&digest, language);
        let lines: Vec<String> = warnings.iter().map(Warning::text).collect();
        lines.join("\n")
    });
    texts.join("\n\n")
}

#[test]
fn a_quiet_run_has_no_warnings() {
    assert_eq!(texts(&testing::published_run()).trim(), "");
    assert_eq!(texts(&testing::open_loop_run()).trim(), "");
}

#[test]
fn every_kind_has_words_in_both_languages() {
    let mut run = testing::published_run();
    let values = |kind| match kind {
        MarkKind::GeneratorLate => (7.5, 2.0),
        MarkKind::LittlesLaw => (-0.125, 0.05),
        MarkKind::NotSustained => (0.91, 0.95),
        MarkKind::NoLocalPort | MarkKind::UsersStalled | MarkKind::UsersUnserved => (3.0, 0.0),
        MarkKind::Failures => (4.0, 0.0),
        MarkKind::PeakNotReset => (1.0, 0.0),
        MarkKind::SearchEndedByGenerator => (1520.0, 0.0),
        MarkKind::SearchEndedAtMaximum => (2000.0, 0.0),
        _ => (0.97, 0.5),
    };
    let block = &mut run.blocks[3];
    for kind in ALL {
        let (value, limit) = values(kind);
        block.marks.push(Mark { kind, value, limit });
    }
    block.failures.total = 4;
    block.failures.status = 4;
    insta::assert_snapshot!(texts(&run));
}

#[test]
fn cells_are_named_as_shortly_as_can_be() {
    let run = testing::eventful_run();
    let digest = testing::digest(&run);
    let of = |kind| cells(&digest, kind, Language::English);
    assert_eq!(of(MarkKind::Steal), "all blocks");
    assert_eq!(
        of(MarkKind::GeneratorBusy),
        "400 users, rest (3 of 5 repetitions)"
    );
    assert_eq!(
        of(MarkKind::Failures),
        "25 users, grpc (1 of 5 repetitions)"
    );
    let mut run = run.clone();
    let blocks = run.blocks.iter_mut();
    for block in blocks.filter(|block| block.target == "grpc" && block.repetition > 1) {
        block.marks.retain(|mark| mark.kind != MarkKind::Steal);
    }
    let digest = testing::digest(&run);
    assert_eq!(
        cells(&digest, MarkKind::Steal, Language::Portuguese),
        "grpc com 25 (1 de 5 repetições), 400 (1 de 5 repetições) usuários; rest com 25, 400 usuários"
    );
}

#[test]
fn more_threads_are_not_advised_for_a_full_machine() {
    let mut run = testing::published_run();
    let late = |kind| Mark {
        kind,
        value: 5.0,
        limit: 2.0,
    };
    run.blocks[0].marks.push(late(MarkKind::GeneratorLate));
    assert!(texts(&run).contains("more --generator-threads"));
    run.blocks[0].marks.push(late(MarkKind::MachineFull));
    assert!(!texts(&run).contains("more --generator-threads"));
}

#[test]
fn the_run_itself_is_warned_of() {
    let mut run = testing::eventful_run();
    run.blocks.retain(|block| block.repetition < 3);
    for block in &mut run.blocks {
        block.marks.clear();
    }
    run.experiment.connections.reuse = results::Reuse::NewEachRequest;
    insta::assert_snapshot!(texts(&run));
}

#[test]
fn a_run_that_goes_on_is_not_blamed_for_what_is_to_come() {
    let mut run = testing::published_run();
    run.blocks.truncate(4);
    assert!(texts(&run).contains("fewer than 3"));
    run.state = results::State::Running;
    run.experiment.repetitions = 5;
    assert_eq!(texts(&run).trim(), "");
}

/// A running gRPC system under the load of `users`.
fn grpc_run(connections: Connections, received: u64) -> Run {
    let mut run = testing::published_run();
    let target = &mut run.experiment.targets[0];
    target.chain = None;
    target.url = Some("grpc://127.0.0.1:50051".into());
    run.experiment.connections = connections;
    for block in &mut run.blocks {
        block.generator_bytes_received = received * block.completed;
    }
    run
}

#[test]
fn the_traps_of_shared_connections_are_pointed_out() {
    let shared = |count, streams_max| Connections {
        count: results::ConnectionCount::Shared(count),
        streams_max,
        ..Connections::default()
    };
    let check = |connections: Connections, expected: &[&str]| {
        let text = texts(&grpc_run(connections, 100));
        for words in ["streams-max is", "share"] {
            assert_eq!(
                text.contains(words),
                expected.contains(&words),
                "{words}: {text}"
            );
        }
    };
    check(Connections::default(), &[]);
    check(shared(4, 100), &[]);
    check(shared(3, 100), &["share"]);
    check(shared(4, 101), &["streams-max is"]);
    let mut own = testing::published_run();
    own.experiment.connections = shared(1, 100);
    assert!(!texts(&own).contains("share"), "HTTP/1.1 has no streams");
}

#[test]
fn default_windows_are_a_trap_for_large_answers_only() {
    let wide = Connections {
        stream_window_bytes: 1 << 20,
        connection_window_bytes: 1 << 20,
        ..Connections::default()
    };
    let narrow = Connections::default();
    assert!(!texts(&grpc_run(narrow.clone(), 65_536)).contains("grpc: answers"));
    assert!(texts(&grpc_run(narrow, 65_537)).contains("grpc: answers"));
    assert!(!texts(&grpc_run(wide, 65_537)).contains("grpc: answers"));
}

#[test]
fn sessions_of_several_programs_are_told() {
    let mut run = testing::eventful_run();
    let differ = "differ in more than time";
    assert!(!texts(&run).contains(differ));
    run.sessions[1].pspd_commit = None;
    let text = texts(&run);
    assert!(
        text.contains("pspd 0.1.0 (abc123) and 0.1.0 (unknown)"),
        "{text}"
    );
    assert!(!text.contains("kernels"), "{text}");
    run.sessions[1].kernel = Some("6.2".into());
    let text = texts(&run);
    assert!(text.contains("núcleos 6.1 e 6.2"), "{text}");
}

#[test]
fn too_few_iterations_under_way_may_be_what_ended_a_search() {
    let mut run = testing::search_run();
    let words = "raise --in-flight-max and see";
    assert!(texts(&run).contains(words));
    for probe in run.blocks.iter_mut().flat_map(|block| &mut block.probes) {
        probe.missed = probe.missed.map(|_| results::Missed::Objective);
    }
    assert!(!texts(&run).contains(words));
}
