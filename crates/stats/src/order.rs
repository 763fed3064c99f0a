//! The order of runs within a block. In: a seed and a stream; out: a permutation,
//! the same on every machine and with every version of this crate. Drawn, so that
//! a machine that gets slower while it is measured does not favour whoever comes
//! first (Fisher 1935, *The Design of Experiments*, chapter 4).

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The numbers from 0 to `n - 1` in drawn order; every order is equally likely.
/// Use the experiment's seed and a stream of its own for each block.
///
/// All of it is spelled out here, since `rand` may change how it shuffles, how it
/// bounds numbers and how it widens a seed with any minor version. The generator is
/// ChaCha with 8 rounds; its key is the seed in eight little-endian bytes, then
/// zeros; the stream is its nonce. Fisher and Yates' shuffle, from the end
/// (Durstenfeld 1964, *Communications of the ACM* 7(7)): for i from n - 1 down to
/// 1, position i changes places with a position drawn from 0 to i.
#[must_use]
pub fn shuffled(n: usize, seed: u64, stream: u64) -> Vec<usize> {
    shuffle(n, &mut generator(seed, stream))
}

/// The orders of so many successive blocks: the first, third, fifth and so on are
/// drawn, and each one between is the reverse of the one before. Use a stream of its
/// own for each load. More blocks do not change those before them, and the first is
/// [`shuffled`]'s of the same seed and stream.
///
/// A machine that gets slower steadily then favours nobody by more than one block's
/// worth. Orders drawn for each block alone can fall alike, with two systems and
/// five blocks in one experiment of sixteen, and drift that exceeds the noise then
/// passes for a difference: see "order balanced" in the crate's table of coverage.
#[must_use]
pub fn balanced(n: usize, blocks: usize, seed: u64, stream: u64) -> Vec<Vec<usize>> {
    let mut random = generator(seed, stream);
    let mut orders: Vec<Vec<usize>> = Vec::with_capacity(blocks);
    for block in 0..blocks {
        let order = if block % 2 == 0 {
            shuffle(n, &mut random)
        } else {
            orders[block - 1].iter().rev().copied().collect()
        };
        orders.push(order);
    }
    orders
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(stream);
    random
}

fn shuffle(n: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, below(i as u64 + 1, random) as usize);
    }
    order
}

/// From 0 to `bound - 1`. The highest numbers, which make no whole multiple of the
/// bound, are drawn again: a mere remainder would favour small results.
fn below(bound: u64, random: &mut ChaCha8Rng) -> u64 {
    let excess = (u64::MAX % bound + 1) % bound;
    loop {
        let drawn = random.next_u64();
        if drawn <= u64::MAX - excess {
            return drawn % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The expected orders come from another implementation of ChaCha and of the
    /// shuffle, in Python, after the description above. They must never change: a
    /// seed in a report has to give the same experiment again.
    #[test]
    fn a_seed_gives_the_same_order_for_ever() {
        assert_eq!(shuffled(8, 42, 0), [3, 6, 0, 4, 5, 2, 1, 7]);
        assert_eq!(shuffled(8, 42, 1), [7, 5, 2, 1, 4, 0, 3, 6]);
        assert_eq!(shuffled(8, 43, 0), [7, 1, 2, 3, 4, 0, 5, 6]);
        assert_eq!(
            shuffled(12, u64::MAX, u64::MAX),
            [8, 9, 1, 4, 3, 11, 5, 7, 0, 2, 10, 6]
        );
        let first: Vec<usize> = (0..16).map(|block| shuffled(2, 42, block)[0]).collect();
        assert_eq!(first, [0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1]);
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut counts: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
        for block in 0..6_000 {
            *counts.entry(shuffled(3, 1, block)).or_default() += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1,000 each; the standard deviation is 29.
        for (order, count) in counts {
            assert!((880..=1_120).contains(&count), "{order:?}: {count}");
        }
    }

    #[test]
    fn balanced_orders_stay_the_same_too() {
        // From the same implementation in Python.
        let expected = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1], [2, 1, 0]];
        assert_eq!(balanced(3, 5, 42, 0), expected);
    }

    proptest! {
        #[test]
        fn balanced_orders_favour_nobody(n in 1usize..8, blocks in 0usize..12, seed: u64) {
            let orders = balanced(n, blocks, seed, 3);
            prop_assert_eq!(orders.len(), blocks);
            for both in orders.chunks_exact(2) {
                for target in 0..n {
                    let positions = both.iter().flat_map(|order| order.iter().position(|&t| t == target));
                    prop_assert_eq!(positions.sum::<usize>(), n - 1);
                }
            }
            prop_assert_eq!(&orders[..blocks / 2], balanced(n, blocks / 2, seed, 3));
            prop_assert!(orders.first().is_none_or(|first| *first == shuffled(n, seed, 3)));
        }

        #[test]
        fn nothing_is_lost_or_doubled(n in 0usize..60, seed: u64, stream: u64) {
            let mut order = shuffled(n, seed, stream);
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }

        #[test]
        fn a_bound_is_kept(bound in 1u64.., seed: [u8; 32]) {
            prop_assert!(below(bound, &mut ChaCha8Rng::from_seed(seed)) < bound);
        }
    }
}
