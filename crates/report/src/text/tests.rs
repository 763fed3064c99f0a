use results::State;

use super::*;
use crate::testing;

fn check(run: &results::Run) -> String {
    let text = text(&testing::digest(run));
    let tables = text
        .split("Verdicts")
        .next()
        .expect("there is a first part");
    for line in tables.lines() {
        let columns = line.chars().count();
        assert!(columns <= 120, "{columns} columns: {line}");
    }
    text
}

#[test]
fn a_published_run_reads_as_intended() {
    insta::assert_snapshot!(check(&testing::published_run()));
}

#[test]
fn an_open_loop_has_the_uncorrected_figures_beside_the_corrected() {
    insta::assert_snapshot!(check(&testing::open_loop_run()));
}

#[test]
fn messages_stand_where_calls_have_streams_of_them() {
    let text = check(&testing::conversations_run());
    let heading = "Streams: messages a second and their round trips";
    let (_, table) = text.split_once(heading).expect("they are there");
    let rows = table.lines().skip(2).take(3);
    let rows: Vec<Vec<_>> = rows.map(|row| row.split_whitespace().collect()).collect();
    let head = "users target route sent/s received/s trip p50 trip p99 trip max";
    assert_eq!(rows[0].join(" "), head);
    assert_eq!(rows[1].join(" "), "25 grpc hello 12500 - n/a n/a n/a");
    let numbers = rows[2].join(" ");
    assert!(
        numbers.starts_with("25 grpc numbers 4000 3990 0.80 ms"),
        "{numbers}"
    );
    assert!(!check(&testing::published_run()).contains(heading));
}

#[test]
fn an_eventful_run_reads_as_intended() {
    insta::assert_snapshot!(check(&testing::eventful_run()));
}

#[test]
fn markdown_tables_are_tables() {
    let run = testing::eventful_run();
    insta::assert_snapshot!(markdown(&testing::digest(&run)));
}

#[test]
fn a_search_shows_the_rate_that_held() {
    let run = testing::search_run();
    let text = check(&run);
    assert!(
        text.contains("Search for the highest rate with p99<500ms"),
        "{text}"
    );
    assert!(
        text.contains("grpc             1  238.0/s  210.0/s     330 ms  arrivals waited"),
        "{text}"
    );
    assert!(text.contains("raise --in-flight-max"), "{text}");
    assert!(text.contains("search  grpc    201.0/s"), "{text}");
}

#[test]
fn the_median_of_several_routes_together_is_left_out() {
    let row = |run: &results::Run| {
        let text = check(run);
        let row = text.lines().find(|line| line.contains("800.7"));
        row.expect("grpc at 25 users").to_owned()
    };
    let mut run = testing::published_run();
    assert!(!row(&run).contains("4.90 ms"), "{}", row(&run));
    assert!(check(&run).contains("p50 is left out"));
    run.experiment.requests.truncate(1);
    assert!(row(&run).contains("1.21 ms"), "{}", row(&run));
    assert!(!check(&run).contains("p50 is left out"));
}

#[test]
fn a_run_without_blocks_is_still_a_report() {
    let mut run = testing::published_run();
    run.blocks.clear();
    run.state = State::Failed;
    let text = check(&run);
    assert!(text.contains("Stopped early: 0 of 20 blocks"), "{text}");
    assert!(!text.contains("req/s"), "{text}");
}

#[test]
fn a_run_that_started_no_roles_says_nothing_of_their_logs() {
    let mut run = testing::published_run();
    assert!(check(&run).contains("access log"));
    run.role_arguments.clear();
    assert!(!check(&run).contains("access log"));
}

#[test]
fn both_languages_tell_the_circumstances() {
    let run = testing::eventful_run();
    let digest = testing::digest(&run);
    let both = Language::ALL.map(|language| circumstances(&digest, language));
    insta::assert_snapshot!(both.join("\n\n"));
}
