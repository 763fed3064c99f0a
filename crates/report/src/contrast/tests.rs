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
    run.blocks[1].latency = None;
    let digest = testing::digest(&run);
    for (metric, lack) in [
        (Metric::Cpu, Lack::NotAccounted),
        (Metric::P99, Lack::NothingServed),
    ] {
        let contrast = find(&digest.contrasts, 25, metric)[0];
        assert_eq!((contrast.pairs, contrast.left_out), (4, 1), "{metric:?}");
        assert_eq!(contrast.lacks, [lack]);
        assert!(contrast.ratio.is_ok());
    }
    assert_eq!(find(&digest.contrasts, 25, Metric::Memory)[0].pairs, 5);
}

/// Nothing was served in the first `repetitions` at 25 users, by `grpc`.
fn dead(repetitions: u32) -> Run {
    let mut run = testing::published_run();
    let dead = run.blocks.iter_mut().filter(|block| {
        block.load == LoadPoint::Users(25)
            && block.target == "grpc"
            && block.repetition <= repetitions
    });
    for block in dead {
        (block.completed, block.requests_per_second) = (0, 0.0);
        block.latency = None;
    }
    run
}

#[test]
fn what_served_nothing_is_not_left_out_of_a_ratio() {
    let run = dead(2);
    let digest = testing::digest(&run);
    let contrast = find(&digest.contrasts, 25, Metric::RequestsPerSecond)[0];
    let nothing = NoRatio::ServedNothing {
        targets: vec!["grpc".into()],
        blocks: 2,
        of: 5,
    };
    assert_eq!(contrast.ratio, Err(nothing));
    let other_load = find(&digest.contrasts, 400, Metric::RequestsPerSecond)[0];
    assert!(other_load.ratio.is_ok());
    // Of other figures a zero has another reason.
    let mut run = testing::published_run();
    for cost in &mut run.blocks[1].costs {
        cost.cpu_seconds = Some(0.0);
    }
    let digest = testing::digest(&run);
    let contrast = find(&digest.contrasts, 25, Metric::Cpu)[0];
    let zero = NoRatio::Zero {
        targets: vec!["rest".into()],
        blocks: 1,
        of: 5,
    };
    assert_eq!(contrast.ratio, Err(zero));
}

#[test]
fn too_many_without_the_figure_are_not_too_few_repetitions() {
    for repetitions in [3, 5] {
        let run = dead(repetitions);
        let digest = testing::digest(&run);
        let lacking = NoRatio::Lacking {
            missing: repetitions as usize,
            of: 5,
            lacks: vec![Lack::NothingServed],
        };
        for metric in [Metric::P99, Metric::Cpu, Metric::Bytes] {
            let contrast = find(&digest.contrasts, 25, metric)[0];
            assert_eq!(contrast.ratio, Err(lacking.clone()), "{metric:?}");
        }
    }
    let mut run = testing::published_run();
    for block in &mut run.blocks {
        block.connections_unseen = Some(1_000_000);
    }
    let digest = testing::digest(&run);
    let contrast = find(&digest.contrasts, 25, Metric::Bytes)[0];
    let lacking = NoRatio::Lacking {
        missing: 5,
        of: 5,
        lacks: vec![Lack::BytesUnseen],
    };
    assert_eq!(contrast.ratio, Err(lacking));
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

#[test]
fn a_search_that_held_nothing_has_no_rate_to_compare() {
    let mut run = testing::search_run();
    run.blocks[0].offered_per_second = Some(0.0);
    let digest = testing::digest(&run);
    let mut contrasts = digest.contrasts.iter();
    let of_rate = contrasts.find(|of| of.metric == Metric::RequestsPerSecond);
    let nothing = NoRatio::HeldNothing {
        targets: vec!["grpc".into()],
        blocks: 1,
        of: 3,
    };
    assert_eq!(of_rate.expect("it is compared").ratio, Err(nothing));
}
