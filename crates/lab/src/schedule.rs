//! The order of the blocks. In: how many loads, targets and repetitions there
//! are, and a seed; out: the steps. Pure.
//!
//! A randomised complete block design: in each repetition every load is taken
//! once, and at each load every target is measured once, next to the others in
//! time and in an order drawn at random, which every second repetition takes
//! backwards. What makes the machine slower for a while so meets all targets of
//! a comparison alike, or is spread over them by chance and ends in the interval;
//! a machine that gets slower steadily favours nobody. A fixed alternation would
//! favour a target whenever a disturbance has the same period. Loads keep their order within a
//! repetition: a lighter load after a heavier one would be measured with the
//! memory that the heavier one left behind.

use std::hash::{BuildHasher, RandomState};

/// How many of what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design {
    pub(crate) repetitions: u32,
    pub(crate) loads: usize,
    pub(crate) targets: usize,
    pub(crate) seed: u64,
}

/// One block to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// From 1, in the order of the whole run.
    pub(crate) number: u32,
    /// From 1.
    pub(crate) repetition: u32,
    /// Index into the plan's loads.
    pub(crate) load: usize,
    /// Index into the plan's targets.
    pub(crate) target: usize,
}

/// All blocks in their order; the same for the same seed, for ever.
pub(crate) fn steps(design: &Design) -> Vec<Step> {
    // One stream of random numbers a load, so that more loads change no order.
    let orders: Vec<Vec<Vec<usize>>> = (0..design.loads)
        .map(|load| {
            let repetitions = design.repetitions as usize;
            stats::order::balanced(design.targets, repetitions, design.seed, load as u64)
        })
        .collect();
    let mut steps = Vec::new();
    for repetition in 1..=design.repetitions {
        for (load, orders) in orders.iter().enumerate() {
            for target in orders[repetition as usize - 1].iter().copied() {
                steps.push(Step {
                    number: steps.len() as u32 + 1,
                    repetition,
                    load,
                    target,
                });
            }
        }
    }
    steps
}

/// A seed for a run that was given none. Small enough to be typed again.
pub(crate) fn random_seed() -> u64 {
    // The standard library's hash keys are random for each process.
    RandomState::new().hash_one(()) >> 40
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DESIGN: Design = Design {
        repetitions: 4,
        loads: 3,
        targets: 2,
        seed: 1,
    };

    #[test]
    fn the_order_is_that_of_the_seed() {
        let order = |seed| {
            let steps = steps(&Design { seed, ..DESIGN });
            steps.iter().map(|step| step.target).collect::<Vec<_>>()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn both_orders_of_two_targets_occur() {
        let steps = steps(&Design {
            repetitions: 50,
            ..DESIGN
        });
        let firsts = steps.chunks(2).filter(|pair| pair[0].target == 0).count();
        assert!((45..=105).contains(&firsts), "{firsts} of 150");
    }

    #[test]
    fn loads_keep_their_order_within_a_repetition() {
        for repetition in steps(&DESIGN).chunks(6) {
            let loads: Vec<_> = repetition.iter().map(|step| step.load).collect();
            assert_eq!(loads, [0, 0, 1, 1, 2, 2]);
        }
    }

    proptest! {
        #[test]
        fn every_target_is_measured_once_at_each_load_of_each_repetition(
            repetitions in 1u32..5, loads in 1usize..5, targets in 1usize..5, seed: u64,
        ) {
            let steps = steps(&Design { repetitions, loads, targets, seed });
            let mut seen: Vec<_> = steps
                .iter()
                .map(|step| (step.repetition, step.load, step.target))
                .collect();
            seen.sort_unstable();
            let count = seen.len();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
            prop_assert_eq!(count, repetitions as usize * loads * targets);
            let numbers: Vec<_> = steps.iter().map(|step| step.number).collect();
            prop_assert_eq!(numbers, (1..=count as u32).collect::<Vec<_>>());
        }
    }
}
