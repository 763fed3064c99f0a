use super::*;
use crate::testing;

/// Every line has a cell for every column; looks a cell up by line and name.
fn read(csv: &str) -> impl Fn(usize, &str) -> String + use<> {
    let lines = csv.lines().map(|line| line.split(',').map(str::to_owned));
    let lines: Vec<Vec<String>> = lines.map(Iterator::collect).collect();
    for line in &lines {
        assert_eq!(line.len(), lines[0].len(), "{csv}");
    }
    move |line, name| {
        let column = lines[0].iter().position(|column| column == name);
        lines[1 + line][column.unwrap_or_else(|| unreachable!("no column {name}"))].clone()
    }
}

#[test]
fn a_block_is_a_line() {
    let run = testing::eventful_run();
    let csv = blocks_csv(&run);
    assert_eq!(csv.lines().count(), 21);
    let cell = read(&csv);
    assert_eq!(cell(0, "users"), "25");
    assert_eq!(cell(0, "p99_ms"), "");
    assert_eq!(cell(0, "failed_timeout"), "10");
    assert_eq!(cell(0, "users_stalled"), "13");
    assert_eq!(cell(0, "cpu_us_per_request"), "");
    assert_eq!(cell(0, "marks"), "failed unserved stalled steal");
    assert_eq!(cell(1, "target"), "rest");
    assert_eq!(cell(1, "gateway_cpu_seconds"), "");
    assert_eq!(cell(1, "gateway-rest_context_switches"), "8000");
    assert_eq!(cell(1, "hello_count"), "2000");
    assert_eq!(cell(1, "numbers_gap_p50_ms"), "");
}

#[test]
fn streams_and_rates_have_their_columns() {
    let cell = read(&blocks_csv(&testing::open_loop_run()));
    assert_eq!(cell(0, "load"), "rate");
    assert_eq!(cell(0, "rate_per_second"), "200");
    assert_eq!(cell(0, "users"), "");
    assert_eq!(cell(0, "numbers_gap_p50_ms"), "5.1");
    assert_eq!(cell(0, "hello_gap_p50_ms"), "");
}

#[test]
fn messages_have_columns_where_calls_have_streams_of_them() {
    let run = testing::conversations_run();
    for csv in [blocks_csv(&run), cells_csv(&testing::digest(&run))] {
        let cell = read(&csv);
        assert_eq!(cell(0, "hello_messages_sent_per_second"), "12500");
        assert_eq!(cell(0, "hello_messages_received_per_second"), "");
        assert_eq!(cell(0, "numbers_messages_received_per_second"), "3990");
        assert_eq!(cell(0, "hello_round_trip_p50_ms"), "");
        let trip: f64 = cell(0, "numbers_round_trip_p50_ms").parse().expect("known");
        assert!((trip - 0.8).abs() < 0.01, "{trip}");
    }
    assert!(!blocks_csv(&testing::published_run()).contains("_messages_"));
}

#[test]
fn a_cell_is_a_line_and_so_is_a_contrast() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let csv = cells_csv(&digest);
    assert_eq!(csv.lines().count(), 5);
    let cell = read(&csv);
    assert_eq!(cell(1, "target"), "rest");
    assert_eq!(cell(1, "count"), "20000");
    assert_eq!(cell(1, "published_mean_ms"), "28210");
    let number = |name: &str| cell(1, name).parse::<f64>().expect("a number");
    let mean = number("block_requests_per_second");
    assert!(number("block_requests_per_second_low") < mean);
    assert!(number("block_requests_per_second_high") > mean);
    let csv = contrasts_csv(&digest);
    let cell = read(&csv);
    assert_eq!(csv.lines().count(), 1 + digest.contrasts.len());
    assert_eq!(cell(0, "metric"), "requests_per_second");
    assert_eq!(cell(0, "outcome"), "stands");
    assert_eq!(cell(2, "route"), "hello");
}

#[test]
fn marks_stand_beside_what_they_cast_doubt_on() {
    let run = testing::eventful_run();
    let digest = testing::digest(&run);
    let cell = read(&cells_csv(&digest));
    assert_eq!(cell(3, "marks"), "gen-busy steal");
    let cell = read(&contrasts_csv(&digest));
    assert_eq!(cell(0, "base_marks"), "failed unserved stalled steal");
    assert_eq!(cell(0, "other_marks"), "steal");
}

#[test]
fn what_cannot_be_known_is_empty_and_not_infinite() {
    let mut run = testing::published_run();
    for (block, size) in run
        .blocks
        .iter_mut()
        .zip([1e-300, 1e300, 1.0, 1e300, 1e-300])
    {
        block.requests_per_second = size;
    }
    let digest = testing::digest(&run);
    let mut ratios = digest
        .contrasts
        .iter()
        .filter_map(|of| of.ratio.as_ref().ok());
    assert!(ratios.any(|ratio| ratio.detectable().is_infinite()));
    let csv = contrasts_csv(&digest);
    assert!(!csv.contains("inf"), "{csv}");
}

#[test]
fn a_text_with_a_comma_is_quoted() {
    assert_eq!(quoted("a-1_b"), "a-1_b");
    assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    let mut run = testing::published_run();
    run.experiment.targets[0].name = "grpc,2".into();
    for block in run.blocks.iter_mut().filter(|block| block.target == "grpc") {
        block.target = "grpc,2".into();
    }
    let csv = blocks_csv(&run);
    assert!(csv.contains(",\"grpc,2\",users"), "{csv}");
}

#[test]
fn a_run_without_blocks_is_empty() {
    let run = testing::run(&[25], Vec::new());
    assert_eq!(blocks_csv(&run), "");
    assert_eq!(cells_csv(&testing::digest(&run)), "");
}
