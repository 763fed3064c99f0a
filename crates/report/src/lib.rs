//! What a recorded experiment says: in, a [`results::Run`] and its raw
//! histograms; out, tables, verdicts in words, CSV, gates, charts, pages. It
//! reads and writes no files and measures nothing: everything is made from a
//! [`Digest`], so that no two outputs can disagree on a figure.

pub mod charts;
pub mod html;

mod compare;
mod component;
mod condition;
mod contrast;
mod csv;
mod digest;
mod figures;
mod gate;
mod json;
mod k6;
mod lack;
mod language;
mod metric;
mod objective;
mod published;
mod steps;
mod table;
mod text;
mod verdict;
mod warnings;

#[cfg(test)]
mod testing;

pub use compare::{Comparison, Difference, NotComparable, RunContrast, compare};
pub use component::Component;
pub use condition::ConditionError;
pub use contrast::{Contrast, Multiplicity, NoRatio};
pub use csv::{blocks_csv, cells_csv, contrasts_csv};
pub use digest::{Average, Cell, Digest, REPETITIONS_MIN, RouteTimes, Times};
pub use figures::{bytes, milliseconds, rate};
pub use gate::{Gate, GateError, GateReason, Trip};
pub use json::json;
pub use k6::k6_summary;
pub use lack::Lack;
pub use language::Language;
pub use metric::Metric;
pub use objective::{Objective, ObjectiveError};
pub use published::{Published, note as published_note};
pub use text::{circumstances, markdown, text};
pub use verdict::{Outcome, Verdict, Verdicts, method, multiplicity, place, verdicts};
pub use warnings::{Warning, load_name, mark_name, marks, warnings};
