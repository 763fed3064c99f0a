//! A list that one worker adds to while others read it, without a lock on either side:
//! what has been added stays where it is. Segments double, so that a place is found by
//! its number alone.

use std::sync::OnceLock;

const FIRST: usize = 32;
const SEGMENTS: usize = 16;

/// Places by number, each empty until it is asked for.
pub(crate) struct Growing<T> {
    segments: [OnceLock<Box<[OnceLock<T>]>>; SEGMENTS],
}

impl<T> Default for Growing<T> {
    fn default() -> Self {
        Growing {
            segments: [const { OnceLock::new() }; SEGMENTS],
        }
    }
}

/// Numbers below this have a place.
pub(crate) const PLACES: usize = FIRST * ((1 << SEGMENTS) - 1);

fn place(number: usize) -> (usize, usize) {
    let from = number + FIRST;
    let segment = (from / FIRST).ilog2() as usize;
    (segment, from - (FIRST << segment))
}

impl<T> Growing<T> {
    pub(crate) fn get(&self, number: usize) -> Option<&T> {
        let (segment, at) = place(number);
        self.segments.get(segment)?.get()?.get(at)?.get()
    }

    /// What is at the place, made if there is nothing yet. `None` beyond [`PLACES`].
    pub(crate) fn get_or_make(&self, number: usize, make: impl FnOnce() -> T) -> Option<&T> {
        let (segment, at) = place(number);
        let places = self.segments.get(segment)?.get_or_init(|| {
            let empty = std::iter::repeat_with(OnceLock::new);
            empty.take(FIRST << segment).collect()
        });
        Some(places.get(at)?.get_or_init(make))
    }

    /// What is there, with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let segments = self.segments.iter().enumerate();
        let filled = segments.filter_map(|(index, segment)| Some((index, segment.get()?)));
        filled.flat_map(|(index, places)| {
            let first = (FIRST << index) - FIRST;
            let places = places.iter().enumerate();
            places.filter_map(move |(at, place)| Some((first + at, place.get()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_somewhere_is_found_there(mut numbers in prop::collection::vec(0usize..5000, 0..60)) {
            let list = Growing::default();
            for number in &numbers {
                prop_assert_eq!(list.get_or_make(*number, || *number), Some(number));
                prop_assert_eq!(list.get(*number), Some(number));
            }
            numbers.sort_unstable();
            numbers.dedup();
            let there: Vec<_> = list.iter().map(|(at, value)| (at, *value)).collect();
            let expected: Vec<_> = numbers.iter().map(|number| (*number, *number)).collect();
            prop_assert_eq!(there, expected);
        }
    }

    #[test]
    fn the_last_place() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(
            place(PLACES - 1),
            (SEGMENTS - 1, (FIRST << (SEGMENTS - 1)) - 1)
        );
        assert!(Growing::<u8>::default().get(PLACES).is_none());
    }
}
