//! Fingerprints of descriptions: whether a source says the same as it did before.
//! In: the bytes that were read; out: a number to compare with another. It tells
//! change from no change, and is no defence against somebody who wants two
//! descriptions to look the same: who describes a service may say what he likes.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Of the bytes that a description was read from. Equal when they were; an edit
/// that changes no meaning, such as to a comment in a `.proto` file, changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(read: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        read.hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
