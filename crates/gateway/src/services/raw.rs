//! The sections of a configuration file as they are typed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use transcode::{Defaults, Enums, Names, Unknown};

use super::{
    ErrorStyle, Gather, Json, Unannotated,
    resilience::{RawBudget, RawEjection, RawHedge, RawRetry},
};
use crate::upstream::grpc::{Balance, Health};

/// `[[upstreams]]`, `[[routes]]`, `[json]`, `[metadata]` and `errors`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Raw {
    pub(super) upstreams: Vec<RawUpstream>,
    pub(super) routes: Vec<RawRoute>,
    pub(super) json: RawJson,
    pub(super) metadata: RawMetadata,
    pub(super) errors: Option<ErrorStyle>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawUpstream {
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
    /// In place of `address` where there are several of the same kind.
    pub(super) addresses: Option<Vec<String>>,
    /// A file in the form of `/etc/hosts` that is asked for names in place of the
    /// system.
    pub(super) hosts: Option<PathBuf>,
    /// How often names are looked up again.
    pub(super) resolve_every: Option<String>,
    /// How calls are spread.
    pub(super) balance: Option<Balance>,
    /// Calls of each worker that may wait for room.
    pub(super) pending_max: Option<u32>,
    /// How often a connection with calls on it is asked by HTTP/2 whether it lives, or
    /// `off`.
    pub(super) keep_alive: Option<String>,
    /// Whether the health service of each endpoint is watched.
    pub(super) health: Option<Health>,
    /// When an endpoint whose calls fail gets none.
    pub(super) ejection: Option<RawEjection>,
    /// When calls are made again that may have begun.
    pub(super) retry: Option<RawRetry>,
    /// When calls are made twice at once.
    pub(super) hedge: Option<RawHedge>,
    /// What bounds both.
    pub(super) retry_budget: Option<RawBudget>,
    #[serde(default)]
    pub(super) protos: Vec<PathBuf>,
    #[serde(default)]
    pub(super) includes: Vec<PathBuf>,
    pub(super) descriptor_set: Option<PathBuf>,
    pub(super) services: Option<Vec<String>>,
    pub(super) service_config: Option<PathBuf>,
    pub(super) unannotated: Option<Unannotated>,
    pub(super) compression: Option<RawCompression>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawCompression {
    Off,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RawRoute {
    pub(super) rpc: String,
    pub(super) get: Option<String>,
    pub(super) put: Option<String>,
    pub(super) post: Option<String>,
    pub(super) delete: Option<String>,
    pub(super) patch: Option<String>,
    pub(super) custom: Option<RawCustom>,
    pub(super) body: Option<String>,
    pub(super) response_body: Option<String>,
    #[serde(default)]
    pub(super) constants: BTreeMap<String, serde_json::Value>,
    pub(super) gather: Option<Gather>,
    #[serde(default)]
    pub(super) query_defaults: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) json: RawJson,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCustom {
    pub(super) kind: String,
    pub(super) path: String,
}

/// In the file for all routes, in a route for that one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawJson {
    defaults: Option<RawDefaults>,
    names: Option<RawNames>,
    enums: Option<RawEnums>,
    unknown_fields: Option<RawUnknown>,
    unknown_query: Option<RawUnknown>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawDefaults {
    Omit,
    Write,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawNames {
    Json,
    Original,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawEnums {
    Names,
    Numbers,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawUnknown {
    Reject,
    Ignore,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawMetadata {
    pub(super) forward: Option<Vec<String>>,
    pub(super) backward: Option<Vec<String>>,
}

impl Raw {
    /// The same with paths that start from `folder`.
    pub(super) fn relative_to(mut self, folder: &Path) -> Self {
        for upstream in &mut self.upstreams {
            let paths = upstream
                .protos
                .iter_mut()
                .chain(&mut upstream.includes)
                .chain(&mut upstream.descriptor_set)
                .chain(&mut upstream.hosts)
                .chain(&mut upstream.service_config);
            for path in paths {
                *path = folder.join(&*path);
            }
        }
        self
    }
}

impl RawJson {
    /// `base` with what is said here.
    pub(super) fn over(self, base: Json) -> Json {
        let mut json = base;
        if let Some(defaults) = self.defaults {
            json.write.defaults = match defaults {
                RawDefaults::Omit => Defaults::Omit,
                RawDefaults::Write => Defaults::Write,
            };
        }
        if let Some(names) = self.names {
            json.write.names = match names {
                RawNames::Json => Names::Json,
                RawNames::Original => Names::Original,
            };
        }
        if let Some(enums) = self.enums {
            json.write.enums = match enums {
                RawEnums::Names => Enums::Names,
                RawEnums::Numbers => Enums::Numbers,
            };
        }
        let unknown = |raw| match raw {
            RawUnknown::Reject => Unknown::Reject,
            RawUnknown::Ignore => Unknown::Ignore,
        };
        if let Some(raw) = self.unknown_fields {
            json.read.unknown = unknown(raw);
        }
        if let Some(raw) = self.unknown_query {
            json.unknown_query = unknown(raw);
        }
        json
    }
}
