//! The sections of a configuration file as they are typed. The comments on keys are
//! what an editor shows of them: they go into the file's JSON Schema.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::transform_subschemas};
use serde::Deserialize;
use serde_json::Value;
use transcode::{Defaults, Enums, Names, Unknown};

use super::{
    Docs, ErrorStyle, Gather, Json, OwnPaths, Unannotated,
    resilience::{RawBudget, RawEjection, RawHedge, RawRetry},
};
use crate::upstream::grpc::{Balance, Health};

/// `[[upstreams]]`, `[[routes]]`, `[json]`, `[metadata]`, `errors`, `docs` and `grpc`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Raw {
    /// The gRPC servers behind the gateway.
    pub(super) upstreams: Vec<RawUpstream>,
    /// Routes beside those of the descriptions.
    pub(super) routes: Vec<RawRoute>,
    /// How JSON looks on every route that does not say otherwise.
    pub(super) json: RawJson,
    /// Which headers are passed on.
    pub(super) metadata: RawMetadata,
    /// How errors look.
    #[schemars(extend("default" = "status"))]
    pub(super) errors: Option<ErrorStyle>,
    /// Whether `/openapi.json` and `/docs` say what is served.
    #[schemars(extend("default" = "serve"))]
    pub(super) docs: Option<Docs>,
    /// Whether methods are called by their own paths, in gRPC, gRPC-Web and Connect.
    #[schemars(extend("default" = "serve"))]
    pub(super) grpc: Option<OwnPaths>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("not" = {"required": ["protos", "descriptor-set"]}))]
pub(super) struct RawUpstream {
    /// What messages and the log call it. By default its address.
    pub(super) name: Option<String>,
    /// Where it is: `host:port`.
    #[schemars(regex(pattern = ADDRESS))]
    pub(super) address: Option<String>,
    /// In place of `address` where there are several of the same kind.
    #[schemars(inner(regex(pattern = ADDRESS)), length(min = 1))]
    pub(super) addresses: Option<Vec<String>>,
    /// A file in the form of `/etc/hosts` that is asked for names in place of the
    /// system.
    pub(super) hosts: Option<PathBuf>,
    /// How often names are looked up again.
    #[schemars(regex(pattern = TIME), extend("default" = "5s"))]
    pub(super) resolve_every: Option<String>,
    /// How calls are spread.
    pub(super) balance: Option<Balance>,
    /// Calls of each worker that may wait for room.
    pub(super) pending_max: Option<u32>,
    /// How long each of them may, once calls have waited all the time for as long.
    #[schemars(regex(pattern = TIME), extend("default" = "100ms"))]
    pub(super) pending_time: Option<String>,
    /// Calls at once on one connection. By default what the service allows.
    #[schemars(range(min = 1))]
    pub(super) connection_calls_max: Option<u32>,
    /// How often a connection with calls on it is asked by HTTP/2 whether it lives, or
    /// `off`.
    #[schemars(regex(pattern = TIME_OR_OFF), extend("default" = "off"))]
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
    /// Whether and how connections to it are encrypted, where not as the settings say.
    pub(super) tls: Option<RawTls>,
    /// Files that describe its services, compiled here. Paths start from the folder of
    /// the configuration.
    #[serde(default)]
    pub(super) protos: Vec<PathBuf>,
    /// Folders in which imports are looked for. By default those of the files.
    #[serde(default)]
    pub(super) includes: Vec<PathBuf>,
    /// A file made by `protoc --include_imports --descriptor_set_out`, in place of
    /// `protos`. Without either, the server is asked by reflection.
    pub(super) descriptor_set: Option<PathBuf>,
    /// Full names of the services that are served. By default all but reflection and
    /// health.
    pub(super) services: Option<Vec<String>>,
    /// A service configuration (`google.api.Service`), YAML or JSON, whose HTTP rules
    /// replace annotations.
    pub(super) service_config: Option<PathBuf>,
    /// What becomes of methods without a rule.
    #[schemars(extend("default" = "serve"))]
    pub(super) unannotated: Option<Unannotated>,
    /// How messages to it are compressed.
    #[schemars(extend("default" = "off"))]
    pub(super) compression: Option<RawCompression>,
}

/// `[upstreams.tls]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawTls {
    /// Whether connections are encrypted.
    #[serde(rename = "use")]
    #[schemars(extend("default" = "on"))]
    pub(super) used: Option<RawUse>,
    /// A PEM file with the authorities that sign its certificates.
    pub(super) ca: Option<PathBuf>,
    /// The certificate to show to it, PEM.
    pub(super) cert: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub(super) key: Option<PathBuf>,
    /// Identities that it may have: DNS names, `*.suffix`, SPIFFE IDs, `spiffe://domain/*`.
    /// Without any it must have the name that it is called by.
    pub(super) allow: Option<Vec<String>>,
    /// The name that it must have in place of the one that it is called by.
    pub(super) server_name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawUse {
    /// They are.
    On,
    /// They are not.
    Off,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawCompression {
    /// They are not.
    Off,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = [
    {"required": ["get"]}, {"required": ["put"]}, {"required": ["post"]},
    {"required": ["delete"]}, {"required": ["patch"]}, {"required": ["custom"]},
]))]
#[schemars(extend("not" = {
    "required": ["response-body"],
    "anyOf": [{"required": ["gather"]}, {"required": ["constants"]}],
}))]
pub(super) struct RawRoute {
    /// The method that is called: `package.Service.Method`.
    pub(super) rpc: String,
    /// The path that `GET` has, such as `/v1/{name=shelves/*}`. Every route has exactly
    /// one of `get`, `put`, `post`, `delete`, `patch` and `custom`.
    #[schemars(regex(pattern = PATH))]
    pub(super) get: Option<String>,
    /// The path that `PUT` has.
    #[schemars(regex(pattern = PATH))]
    pub(super) put: Option<String>,
    /// The path that `POST` has.
    #[schemars(regex(pattern = PATH))]
    pub(super) post: Option<String>,
    /// The path that `DELETE` has.
    #[schemars(regex(pattern = PATH))]
    pub(super) delete: Option<String>,
    /// The path that `PATCH` has.
    #[schemars(regex(pattern = PATH))]
    pub(super) patch: Option<String>,
    /// A path with any other verb.
    pub(super) custom: Option<RawCustom>,
    /// What the request's body is: `*` for the whole message, or a field of it. By
    /// default there is none.
    pub(super) body: Option<String>,
    /// The field of the answer that is sent. By default all of it.
    pub(super) response_body: Option<String>,
    /// Members that every answer has before its own.
    #[serde(default)]
    pub(super) constants: BTreeMap<String, Value>,
    /// Of a stream that is sent as one answer: a field of its messages, in an array.
    pub(super) gather: Option<Gather>,
    /// Values of parameters that are missing or empty.
    #[serde(default)]
    pub(super) query_defaults: BTreeMap<String, String>,
    /// How JSON looks on this route, where it is not as on all.
    #[serde(default)]
    pub(super) json: RawJson,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCustom {
    /// The verb, such as `REPORT`; `*` for every verb.
    pub(super) kind: String,
    /// The path.
    #[schemars(regex(pattern = PATH))]
    pub(super) path: String,
}

/// In the file for all routes, in a route for that one.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawJson {
    /// Whether fields at their default are written.
    #[schemars(extend("default" = "omit"))]
    defaults: Option<RawDefaults>,
    /// What fields are called.
    #[schemars(extend("default" = "json"))]
    names: Option<RawNames>,
    /// How enums are written; both ways are read.
    #[schemars(extend("default" = "names"))]
    enums: Option<RawEnums>,
    /// What becomes of members of a body that are no field.
    #[schemars(extend("default" = "reject"))]
    unknown_fields: Option<RawUnknown>,
    /// What becomes of parameters that are no field.
    #[schemars(extend("default" = "reject"))]
    unknown_query: Option<RawUnknown>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawDefaults {
    /// They are left out.
    Omit,
    /// They are written.
    Write,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawNames {
    /// `pageSize`.
    Json,
    /// As in the `.proto`: `page_size`.
    Original,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawEnums {
    /// By name, where the description has one.
    Names,
    /// As numbers.
    Numbers,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawUnknown {
    /// They are an error.
    Reject,
    /// They are passed over.
    Ignore,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RawMetadata {
    /// Request headers that become metadata of the same name. By default
    /// `authorization`, `tracestate`, `baggage` and `accept-language`.
    pub(super) forward: Option<Vec<String>>,
    /// Metadata of the answer that become headers of the same name; others get the
    /// prefix `grpc-metadata-`.
    pub(super) backward: Option<Vec<String>>,
}

/// What an address looks like; [`Address`](crate::upstream::grpc::Address) knows more.
const ADDRESS: &str = r"^[^\s@/]+:[0-9]+$";
/// What a time looks like.
pub(super) const TIME: &str = r"^([0-9]+ ?[a-z]+ ?)+$";
const TIME_OR_OFF: &str = r"^(off|([0-9]+ ?[a-z]+ ?)+)$";
/// What a template begins with; [`Template`](routing::Template) knows the rest.
const PATH: &str = "^/";

impl Raw {
    /// What such sections may look like, without references to other parts.
    #[must_use]
    pub fn schema() -> Schema {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<Raw>();
        without_null(&mut schema);
        schema
    }

    /// The same with paths that start from `folder`.
    pub(super) fn relative_to(mut self, folder: &Path) -> Self {
        for upstream in &mut self.upstreams {
            let paths = upstream
                .protos
                .iter_mut()
                .chain(&mut upstream.includes)
                .chain(&mut upstream.descriptor_set)
                .chain(&mut upstream.hosts)
                .chain(&mut upstream.service_config)
                .chain(upstream.tls.iter_mut().flat_map(RawTls::paths));
            for path in paths {
                *path = folder.join(&*path);
            }
        }
        self
    }
}

impl RawTls {
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let RawTls { ca, cert, key, .. } = self;
        ca.iter_mut().chain(cert).chain(key)
    }
}

/// TOML has no null: a key that has no value is left out.
fn without_null(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    let one = alternatives.and_then(|alternatives| match &alternatives[..] {
        [one, null] if null["type"] == "null" => one.as_object().cloned(),
        _ => None,
    });
    if let Some(one) = one {
        schema.remove("anyOf");
        for (key, value) in one {
            // What is said of a key is more than what is said of its type.
            schema.ensure_object().entry(key).or_insert(value);
        }
    }
    transform_subschemas(&mut without_null, schema);
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
