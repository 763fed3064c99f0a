//! The two gateways: a web page and HTTP in front, gRPC (P) or REST (P-REST)
//! behind. Three concerns stay apart: [`forward`] tells the story of a route,
//! [`transcode`] turns JSON into protobuf and back without any IO, [`respond`]
//! decides what the client sees. See ARCHITECTURE.md for the walk of a request.

pub mod access_log;
mod config;
mod forward;
mod page;
mod respond;
mod routes;
mod server;
mod transcode;
pub mod upstream;

pub use config::{Cors, Limits, Settings};
pub use forward::GrpcOptions;
pub use server::{Common, Gateway};
