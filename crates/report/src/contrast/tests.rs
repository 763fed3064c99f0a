use super::*;
use crate::testing;

fn find<'a, 'b>(
    contrasts: &'b [Contrast<'a>],
    users: u32,
    metric: Metric,
) -> Vec<&'b Contrast<'a>> {
    let of = |contrast: &&Contrast<'_>| {
        (contrast.load, contrast.metric) == (LoadPoint::Users(users), metric)
    };
    contrasts.iter().filter(of).collect()
}

#[test]
fn blocks_are_paired_by_repetition_whatever_their_order() {
    let mut run = testing::published_run();
    let digest = testing::digest(&run);
    let expected = find(&digest.contrasts, 400, Metric::Cpu)[0].clone();
    let ratio = expected.ratio.expect("five pairs");
    assert!((ratio.estimate() - 1.3 / 1.1).abs() < 0.02, "{ratio:?}");
    assert_eq!(expected.pairs, 5);
    let mut shuffled = run.clone();
    shuffled.blocks.reverse();
    let digest = testing::digest(&shuffled);
    assert_eq!(
        find(&digest.contrasts, 400, Metric::Cpu)[0].ratio,
        Ok(ratio)
    );
    // A block without its partner is no pair, and not one left out either.
    run.blocks
        .retain(|block| (block.target.as_str(), block.repetition) != ("grpc", 2));
    let digest = testing::digest(&run);
    let contrast = find(&digest.contrasts, 400, Metric::Cpu)[0];
    assert_eq!((contrast.pairs, contrast.left_out), (4, 0));
}

#[test]
fn a_block_without_the_figure_leaves_its_pair_out() {
    let mut run = testing::published_run();
    run.blocks[0].costs[0].cpu_seconds = None;
    run.blocks[0].requests_per_second = 0.0;
    run.blocks[0].completed = 0;
    let digest = testing::digest(&run);
    for metric in [Metric::Cpu, Metric::RequestsPerSecond] {
        let contrast = find(&digest.contrasts, 25, metric)[0];
        assert_eq!((contrast.pairs, contrast.left_out), (4, 1), "{metric:?}");
    }
    assert_eq!(find(&digest.contrasts, 25, Metric::MeanLatency)[0].pairs, 5);
}

#[test]
fn the_median_is_compared_by_route_where_there_are_several() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let routes: Vec<_> = find(&digest.contrasts, 25, Metric::P50)
        .iter()
        .map(|contrast| contrast.route)
        .collect();
    assert_eq!(routes, [Some("hello"), Some("numbers")]);
    let mut one = run.clone();
    one.experiment.requests.truncate(1);
    let digest = testing::digest(&one);
    let routes: Vec<_> = find(&digest.contrasts, 25, Metric::P50)
        .iter()
        .map(|contrast| contrast.route)
        .collect();
    assert_eq!(routes, [None]);
}

#[test]
fn what_the_load_decides_is_not_compared() {
    let run = testing::open_loop_run();
    let digest = testing::digest(&run);
    assert!(!digest.contrasts.is_empty());
    let rates = digest.contrasts.iter();
    assert!(
        rates
            .clone()
            .all(|of| of.metric != Metric::RequestsPerSecond)
    );
    assert!(rates.clone().any(|of| of.metric == Metric::P99));
    assert!(Metric::RequestsPerSecond.is_compared_at(LoadPoint::Search));
    assert!(!Metric::P99.is_compared_at(LoadPoint::Search));
}

#[test]
fn holm_looks_at_all_intervals_together() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let of = digest.multiplicity;
    // Two loads, one pair, eight metrics of which the median has two routes; CPU
    // and memory are the same factor in every repetition, and so not counted.
    assert_eq!((digest.contrasts.len(), of.intervals), (18, 14));
    assert!((of.by_chance - 0.7).abs() < 1e-12);
    assert!(of.stand <= of.differ && of.stand > 0, "{of:?}");
    for contrast in &digest.contrasts {
        let ratio = contrast.ratio.as_ref().expect("five pairs");
        assert!(ratio.differs() || !contrast.stands);
    }
}

#[test]
fn two_repetitions_are_too_few() {
    let mut run = testing::published_run();
    run.blocks.retain(|block| block.repetition <= 2);
    let digest = testing::digest(&run);
    let few = Err(NoRatio::TooFewPairs { pairs: 2 });
    assert!(
        digest
            .contrasts
            .iter()
            .all(|contrast| contrast.ratio == few)
    );
    assert_eq!(digest.multiplicity.intervals, 0);
}
