use results::Run;

use super::*;
use crate::{charts::Bar, testing};

fn of(run: &Run) -> Vec<Figure> {
    figures(&testing::digest(run), Language::English)
}

fn names(figures: &[Figure]) -> Vec<&'static str> {
    figures.iter().map(|figure| figure.name).collect()
}

fn series(figure: &Figure) -> Vec<(&str, usize)> {
    match &figure.chart.body {
        Body::Lines(lines) => {
            let series = lines.series.iter();
            series
                .map(|of| (of.name.as_str(), of.points.len()))
                .collect()
        }
        Body::Bars(_) => unreachable!("{} has bars", figure.name),
    }
}

fn bars(figure: &Figure) -> Vec<&Bar> {
    match &figure.chart.body {
        Body::Bars(bars) => bars.groups.iter().flat_map(|group| &group.bars).collect(),
        Body::Lines(_) => unreachable!("{} has lines", figure.name),
    }
}

#[test]
fn a_closed_loop_stands_beside_what_is_published() {
    let figures = of(&testing::published_run());
    assert_eq!(
        names(&figures),
        [
            "latency-mean",
            "latency-p99",
            "throughput",
            "cpu-by-component",
            "memory-by-component",
        ]
    );
    assert_eq!(
        series(&figures[2]),
        [
            ("grpc", 2),
            ("rest", 2),
            ("published gRPC (original)", 2),
            ("published REST (original)", 2),
            ("ceiling: 50 ms of delays", 2),
        ]
    );
    assert_eq!(series(&figures[1]), [("grpc", 2), ("rest", 2)]);
}

#[test]
fn what_is_published_is_drawn_in_milliseconds() {
    let figures = of(&testing::published_run());
    let Body::Lines(lines) = &figures[0].chart.body else {
        unreachable!("two loads make lines")
    };
    let points: Vec<_> = lines.series[2]
        .points
        .iter()
        .map(|of| (of.x, of.y))
        .collect();
    assert_eq!(points, [(25.0, 76.13), (400.0, 1070.0)]);
}

#[test]
fn the_roles_of_both_chains_share_their_parts() {
    let figures = of(&testing::published_run());
    let Body::Bars(Bars { parts, .. }) = &figures[3].chart.body else {
        unreachable!("costs are bars")
    };
    assert_eq!(parts, &["gateway", "a", "b"]);
    let rest = bars(&figures[3])[1];
    assert_eq!(rest.name, "rest");
    assert!(rest.amounts.iter().all(Option::is_some), "{rest:?}");
}

#[test]
fn one_load_is_drawn_as_bars_without_a_rate_that_was_given() {
    let figures = of(&testing::open_loop_run());
    assert_eq!(
        names(&figures),
        [
            "latency-mean",
            "latency-p99",
            "cpu-by-component",
            "memory-by-component"
        ]
    );
    assert_eq!(figures[0].chart.title, "Mean latency, 200/s");
    assert_eq!(bars(&figures[0]).len(), 2);
}

#[test]
fn a_search_shows_the_rates_that_it_found() {
    let mut run = testing::open_loop_run();
    run.experiment.load.rates.clear();
    run.experiment.load.slo = Some("p99<50ms".to_owned());
    for block in &mut run.blocks {
        block.load = LoadPoint::Search;
        block.offered_per_second = Some(300.0 + f64::from(block.repetition));
    }
    let figures = of(&run);
    assert_eq!(names(&figures)[0], "highest-rate");
    let grpc = bars(&figures[0])[0];
    let rate = grpc.amounts[0].expect("a rate");
    let (low, high) = grpc.interval.expect("three repetitions");
    assert!(
        low < rate && rate < high && (301.0..303.0).contains(&rate),
        "{rate}"
    );
}

#[test]
fn figures_of_a_saturated_generator_are_marked() {
    let run = testing::eventful_run();
    let digest = testing::digest(&run);
    let marked = |language| {
        let figures = figures(&digest, language);
        let marked = |figure: &Figure| figure.note.contains('!');
        (
            bars(&figures[3])
                .iter()
                .map(|bar| bar.doubt)
                .collect::<Vec<_>>(),
            figures.iter().all(marked),
        )
    };
    // 25 users: requests failed on grpc; 400: the generator was busy on rest.
    let doubts = vec![Doubt::Marked, Doubt::None, Doubt::None, Doubt::Marked];
    assert_eq!(marked(Language::English), (doubts.clone(), true));
    assert_eq!(marked(Language::Portuguese), (doubts, true));
}

#[test]
fn a_run_without_blocks_has_no_charts() {
    let mut run = testing::published_run();
    run.blocks.clear();
    assert_eq!(of(&run), []);
}
