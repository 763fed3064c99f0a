//! The two gateways: a web page and HTTP in front, gRPC (P) or REST (P-REST)
//! behind. Four concerns stay apart: [`services`] and [`catalog`] say what is
//! served, `table` holds it ready for the path of a request, `forward` tells the
//! story of a request, `respond` decides what the client sees. See ARCHITECTURE.md
//! for the walk of a request.

pub mod access_log;
mod catalog;
mod compression;
mod config;
mod counting;
mod docs;
pub mod explain;
mod forward;
pub mod guard;
mod page;
mod respond;
mod routes;
mod server;
pub mod services;
mod status;
mod table;
pub mod upstream;

pub use catalog::{CannotServe, Catalog};
pub use compression::Coding;
pub use config::{Compression, Cors, Limits, Plan, Settings, StatusPage};
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub use forward::fuzzing;
pub use forward::{GrpcOptions, RestPlan};
pub use server::{Common, Gateway};
pub use status::Status;
pub use table::{Kind, Listed};
