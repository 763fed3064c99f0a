//! The record of an experiment: what was asked for ([`Experiment`], which is also
//! the format of experiment files), what came of it ([`Run`], the content of
//! `run.json`), and the folder that holds both, with the raw histograms. It
//! measures nothing and words nothing: figures come from `lab`, texts are made
//! by `report`. Field names and units are a public format; see
//! `docs/run-json.md`.

mod block;
mod duration_text;
mod experiment;
mod folder;
mod run;
mod timeline;

pub use block::{
    Block, Failures, GeneratorThread, Latency, LoadPoint, Mark, MarkKind, Messages, Missed, Probe,
    Route, Second, Stream,
};
pub use experiment::{
    Arrivals, ConnectionCount, Connections, Experiment, Generator, Load, OwnChain, OwnSystem,
    PerUser, ReadError, Request, Restart, Reuse, Schema, Target, Tls,
};
pub use folder::{Folder, FolderError, Histograms};
pub use run::{Run, SCHEMA_VERSION, Session, State};
