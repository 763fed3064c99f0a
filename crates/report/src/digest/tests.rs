use super::*;
use crate::testing;

#[test]
fn percentiles_are_those_of_all_requests_and_not_means_of_percentiles() {
    let mut run = testing::published_run();
    // One repetition of five is ten times slower: its requests are a fifth of all,
    // so that the 95th percentile of all is among them.
    for block in &mut run.blocks {
        if block.repetition == 1 {
            let rate = block.requests_per_second;
            testing::scale(block, rate, 10.0);
        }
    }
    let digest = testing::digest(&run);
    let cell = digest
        .cell("rest", LoadPoint::Users(25))
        .expect("it has blocks");
    let slow = cell.blocks[0].routes[0].latency.expect("it has successes");
    let all = cell.routes[0]
        .times
        .latency
        .expect("all histograms are there");
    assert_eq!(all.count, 5 * testing::COMPLETED / 2);
    assert!(
        (all.p95_ms / slow.p90_ms - 1.0).abs() < 0.2,
        "{all:?} {slow:?}"
    );
    let means = cell
        .blocks
        .iter()
        .filter_map(|block| block.routes[0].latency);
    let mean = means.map(|latency| latency.mean_ms).sum::<f64>() / 5.0;
    assert!(
        (all.mean_ms - mean).abs() < 1e-9,
        "equally many in each: {all:?}"
    );
    assert_eq!(all.max_ms, slow.max_ms);
}

#[test]
fn all_requests_are_those_of_all_routes() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let cell = &digest.cells[0];
    let all = cell.times.latency.expect("all histograms are there");
    let counts = cell.routes.iter().filter_map(|route| route.times.latency);
    assert_eq!(all.count, counts.map(|latency| latency.count).sum::<u64>());
    assert_eq!(cell.times.uncorrected.expect("recorded").count, all.count);
}

#[test]
fn streams_have_first_messages_and_gaps() {
    let run = testing::open_loop_run();
    let digest = testing::digest(&run);
    let [hello, numbers] = &digest.cells[0].routes[..] else {
        unreachable!("there are two routes");
    };
    assert_eq!((hello.first_message, hello.gap), (None, None));
    assert!((numbers.first_message.expect("a stream").p50_ms - 6.0).abs() < 0.3);
    assert!((numbers.gap.expect("of several messages").p50_ms - 5.1).abs() < 0.3);
    let times = numbers.times;
    let factor = times.latency.expect("corrected").p50_ms / times.uncorrected.expect("both").p50_ms;
    assert!((factor - 4.0).abs() < 0.01, "{factor}");
    assert!(digest.has_intended_starts());
}

#[test]
fn without_its_histograms_a_cell_has_no_percentiles_unless_one_block_is_all() {
    let mut run = testing::published_run();
    let digest = Digest::new(&run, &mut |block| {
        (block.number != 1).then(|| testing::histograms(block))
    });
    let cell = &digest.cells[0];
    assert_eq!((cell.times, cell.histograms_missing), (Times::default(), 1));
    assert!(cell.average(Metric::P99).is_some());
    assert!(digest.cells[1].times.latency.is_some());
    run.blocks.truncate(1);
    let digest = Digest::new(&run, &mut |_| None);
    assert_eq!(digest.cells[0].times.latency, run.blocks[0].latency);
}

#[test]
fn averages_divide_to_the_ratios() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let load = LoadPoint::Users(400);
    let average = |target: &str| {
        let cell = digest.cell(target, load).expect("it has blocks");
        cell.average(Metric::Cpu).expect("all roles are known")
    };
    let ratio = digest
        .ratio("grpc", "rest", load, Metric::Cpu)
        .expect("five pairs");
    assert!((average("rest").mean / average("grpc").mean - ratio.estimate()).abs() < 1e-9);
    assert_eq!(average("rest").repetitions, 5);
    assert!(average("rest").margin().expect("five values") < 0.05);
}

#[test]
fn a_mean_of_few_or_with_a_zero_has_no_interval() {
    let of = |values: &[f64]| Average::of(values).map(|of| (of.mean, of.interval));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[3.0]), Some((3.0, None)));
    assert_eq!(of(&[0.0, 3.0, 6.0]), Some((3.0, None)));
    let (mean, interval) = of(&[2.0, 8.0]).expect("two values");
    assert!((mean - 4.0).abs() < 1e-9 && interval.is_none());
}

#[test]
fn only_the_published_experiment_has_published_figures() {
    let mut run = testing::published_run();
    let has = |run: &Run| {
        let digest = testing::digest(run);
        let cell = &digest.cells[0];
        (cell.published.is_some(), cell.ceiling_per_second.is_some())
    };
    assert_eq!(has(&run), (true, true));
    run.experiment.requests[1].http = Some("GET /b/numbers?count=10&delay_ms=0".into());
    assert_eq!(has(&run), (false, false));
}

#[test]
fn a_cell_counts_its_failures() {
    let run = testing::eventful_run();
    let digest = testing::digest(&run);
    let cell = digest
        .cell("grpc", LoadPoint::Users(25))
        .expect("it has blocks");
    assert_eq!(cell.failed(), 12);
    let share = cell.failed_share().expect("there were requests");
    assert!((share - 12.0 / (12.0 + 16_000.0)).abs() < 1e-9, "{share}");
}
