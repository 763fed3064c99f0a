//! What a query has given already, so that nothing is given twice: a field that is
//! not repeated, an entry of a map, or a oneof through another of its members.

use std::hash::{Hash, Hasher};

use crate::read::{Key, distinct::Distinct};

/// Everything given so far.
#[derive(Debug)]
pub(super) struct Claims<'q>(Distinct<Claim<'q>, Given<'q>>);

/// By which parameter something was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'q> {
    /// Index of the field, in the message at the end of the way.
    pub(super) field: u16,
    /// `None` if the path or the body gave it.
    pub(super) text: Option<&'q str>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Claim<'q> {
    way: Way,
    part: Part<'q>,
}

/// What of the field or message at the end of a way.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Part<'q> {
    Field,
    Entry(Key<'q>),
    Oneof(u16),
}

impl<'q> Claims<'q> {
    #[inline]
    pub(super) fn new() -> Self {
        Claims(Distinct::new())
    }

    /// Notes what is given; if it was given already, by which parameter.
    #[inline]
    pub(super) fn add(&mut self, way: Way, part: Part<'q>, given: Given<'q>) -> Option<Given<'q>> {
        self.0.insert(Claim { way, part }, given)
    }
}

/// The way from the outermost message to a field or message: indexes of fields.
#[derive(Debug, Clone)]
pub(super) enum Way {
    Short { length: usize, steps: [u16; SHORT] },
    Long(Vec<u16>),
}

/// Steps that need no memory of their own.
const SHORT: usize = 6;

impl Way {
    pub(super) fn new() -> Self {
        Way::Short {
            length: 0,
            steps: [0; SHORT],
        }
    }

    pub(super) fn from(steps: &[u16]) -> Self {
        let mut way = Way::new();
        steps.iter().for_each(|step| way.push(*step));
        way
    }

    pub(super) fn push(&mut self, step: u16) {
        match self {
            Way::Short { length, steps } if *length < SHORT => {
                steps[*length] = step;
                *length += 1;
            }
            Way::Short { steps, .. } => {
                let mut steps = steps.to_vec();
                steps.push(step);
                *self = Way::Long(steps);
            }
            Way::Long(steps) => steps.push(step),
        }
    }

    pub(super) fn steps(&self) -> &[u16] {
        match self {
            Way::Short { length, steps } => &steps[..*length],
            Way::Long(steps) => steps,
        }
    }
}

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        self.steps() == other.steps()
    }
}

impl Eq for Way {}

impl Hash for Way {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.steps().hash(state);
    }
}
