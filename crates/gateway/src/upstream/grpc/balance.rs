//! Which of several endpoints takes the next call. In: for each whether it can take
//! one, how well it stands and how busy it is; out: an index. Pure, and without
//! memory but the count of turns that the caller keeps.
//!
//! All endpoints are looked at. Looking at two drawn at random, as is usual where the
//! load of the others is known late or costs something to ask for, finds a worse one:
//! here it is the worker's own count, always true and a few nanoseconds away.

/// How calls are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// The one with the fewest calls in flight, in turn among equals: what is slow, or
    /// answers nothing, gets fewer.
    #[default]
    LeastLoaded,
    /// One after the other, whatever they have to do.
    RoundRobin,
}

/// An endpoint that can take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// How well it stands; only those of the lowest rank there is are taken.
    pub(super) rank: u8,
    /// Calls in flight.
    pub(super) load: usize,
}

impl Balance {
    /// The index of the one that is taken of `candidates`; `None` when none can.
    pub(super) fn choose(
        self,
        turn: usize,
        candidates: impl ExactSizeIterator<Item = Option<Candidate>> + Clone,
    ) -> Option<usize> {
        let count = candidates.len();
        let able = candidates
            .enumerate()
            .filter_map(|(index, candidate)| candidate.map(|candidate| (index, candidate)));
        match self {
            Balance::LeastLoaded => {
                let first = turn.checked_rem(count)?;
                able.min_by_key(|(index, candidate)| {
                    let distance = (index + count - first) % count;
                    (candidate.rank, candidate.load, distance)
                })
                .map(|(index, _)| index)
            }
            Balance::RoundRobin => {
                let rank = able.clone().map(|(_, candidate)| candidate.rank).min()?;
                let mut best = able.filter(|(_, candidate)| candidate.rank == rank);
                // By the count of those that can: the one after a gap gets no more.
                let place = turn.checked_rem(best.clone().count())?;
                best.nth(place).map(|(index, _)| index)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates() -> impl Strategy<Value = Vec<Option<Candidate>>> {
        let one = (0u8..3, 0usize..5).prop_map(|(rank, load)| Candidate { rank, load });
        prop::collection::vec(prop::option::of(one), 0..9)
    }

    proptest! {
        #[test]
        fn one_of_the_best_is_taken_whenever_there_is_one(all in candidates(), turn: usize) {
            let best = all.iter().flatten().map(|candidate| candidate.rank).min();
            let least = all.iter().flatten().filter(|one| Some(one.rank) == best);
            let least = least.map(|candidate| candidate.load).min();
            for balance in [Balance::LeastLoaded, Balance::RoundRobin] {
                let taken = balance.choose(turn, all.iter().copied());
                let taken = taken.map(|index| all[index].expect("one that can"));
                prop_assert_eq!(taken.map(|taken| taken.rank), best);
                if balance == Balance::LeastLoaded {
                    prop_assert_eq!(taken.map(|taken| taken.load), least);
                }
            }
        }

        #[test]
        fn equals_take_turns(all in candidates(), begin in 0usize..1_000_000, rounds in 1usize..4) {
            let equal: Vec<_> = all
                .iter()
                .map(|one| one.map(|_| Candidate { rank: 1, load: 7 }))
                .collect();
            let able = equal.iter().flatten().count();
            let mut taken = vec![0; equal.len()];
            for turn in 0..able * rounds {
                let index = Balance::RoundRobin.choose(begin + turn, equal.iter().copied());
                taken[index.expect("one that can")] += 1;
            }
            for (taken, one) in taken.iter().zip(&equal) {
                let expected = if one.is_some() { rounds } else { 0 };
                // A run of turns may begin in the midst of a round.
                prop_assert_eq!(*taken, expected);
            }
        }
    }
}
