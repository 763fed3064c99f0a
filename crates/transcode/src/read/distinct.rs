//! Which keys have been there already, among keys that strangers choose. A handful
//! is compared one by one, without memory of its own; more go into a hash table, so
//! that the time stays in proportion to their number.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

const FEW: usize = 8;

/// Keys, each with something noted about it.
#[derive(Debug)]
pub(crate) struct Distinct<K, V = ()> {
    few: [Option<(K, V)>; FEW],
    many: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Copy> Distinct<K, V> {
    #[inline]
    pub(crate) fn new() -> Self {
        Distinct {
            few: [const { None }; FEW],
            many: HashMap::new(),
        }
    }

    /// Adds a key, unless it is there: then what was noted with it.
    #[inline]
    pub(crate) fn insert(&mut self, key: K, note: V) -> Option<V> {
        if self.many.is_empty() {
            for place in &mut self.few {
                match place {
                    Some((known, noted)) if *known == key => return Some(*noted),
                    Some(_) => {}
                    None => {
                        *place = Some((key, note));
                        return None;
                    }
                }
            }
            self.many
                .extend(self.few.iter_mut().filter_map(Option::take));
        }
        match self.many.entry(key) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(place) => {
                place.insert(note);
                None
            }
        }
    }
}

/// Small numbers that have been there already: indexes of fields and of oneofs.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    low: u64,
    /// For numbers from 64 on.
    high: Vec<u64>,
}

impl Seen {
    /// Adds a number; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        let word = match number / 64 {
            0 => &mut self.low,
            beyond => {
                if self.high.len() < beyond {
                    self.high.resize(beyond, 0);
                }
                &mut self.high[beyond - 1]
            }
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_told_apart(keys: Vec<u8>) {
            let mut distinct = Distinct::new();
            for (index, key) in keys.iter().enumerate() {
                let first = keys.iter().position(|known| known == key);
                let expected = first.filter(|first| *first < index);
                prop_assert_eq!(distinct.insert(*key, index), expected);
            }
        }

        #[test]
        fn numbers_are_told_apart(numbers in prop::collection::vec(0_usize..300, 0..100)) {
            let mut seen = Seen::default();
            let mut expected = HashSet::new();
            for number in numbers {
                prop_assert_eq!(seen.insert(number), expected.insert(number));
            }
        }
    }
}
