//! The statistics behind the verdicts of an experiment. In: positive numbers, one
//! metric of one or two systems at one load; out: estimates with intervals,
//! p-values, what the design could have seen, a check by Little's law, and the
//! order in which to measure. No text, no files, no clock; nothing is random but
//! by a given seed.
//!
//! The experiment these are made for runs in randomised complete blocks: for every
//! load and repetition each system is measured once, in an order drawn for that
//! block ([`order::shuffled`]). What makes a block slow or fast makes it so for all
//! systems, and [`Ratio::paired`] takes it out by looking at ratios within blocks
//! only.
//!
//! ```
//! use stats::{Confidence, Ratio, Verdict};
//!
//! let grpc = [101.0, 97.0, 106.0, 99.0, 102.0]; // CPU-us a request, a block each
//! let rest = [133.0, 129.0, 134.0, 132.0, 139.0];
//! let ratio = Ratio::paired(&grpc, &rest, Confidence::P95)?;
//! assert!((ratio.estimate() - 1.32).abs() < 0.01);
//! assert!(matches!(Verdict::from(Ok(ratio)), Verdict::Differs { .. }));
//! # Ok::<(), stats::Unusable>(())
//! ```
#![doc = include_str!("../COVERAGE.md")]

mod confidence;
mod interval;
pub mod little;
mod logs;
mod mean;
mod multiplicity;
pub mod order;
mod ratio;
mod student;
mod unusable;
mod verdict;

pub use confidence::Confidence;
pub use mean::Mean;
pub use multiplicity::holm;
pub use ratio::{Design, REPETITIONS_MAX, Ratio};
pub use unusable::{Series, Unusable};
pub use verdict::Verdict;
