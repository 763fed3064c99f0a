//! The system on Kubernetes: the manifests of `deploy/k8s`, rendered by the kustomize of
//! kubectl, and brought up, shown and taken down by kubectl. No orchestrator of its own.

mod cluster;
mod command;
mod kubectl;
mod manifests;
mod pods;
mod system;

pub use cluster::{Cluster, Flavour};
pub use kubectl::{Kubectl, Trouble};
pub use manifests::{Component, Image, Manifests, Problem, Selection};
pub use system::{Entrance, Loading, Makes, Secrets, System, Up};
