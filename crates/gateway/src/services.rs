//! Which gRPC services the gateway serves and how: upstreams with the source of
//! their description, routes beyond the ones that the descriptions annotate, the
//! shape of JSON, and which headers become metadata. In: the sections of a
//! configuration file; out: values that are usable as they are, or every problem
//! at once.

mod raw;
mod resilience;
mod validate;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::HeaderName;
use routing::{Body, Template, Verb};
use transcode::{ReadOptions, Unknown, WriteOptions};

use crate::{
    compression::Coding,
    upstream::grpc::{Address, Policy},
};

pub use raw::Raw;
pub(crate) use validate::RESERVED;

/// What the gateway serves.
#[derive(Debug, Clone)]
pub struct Services {
    /// The gRPC servers behind it; never empty.
    pub upstreams: Vec<UpstreamServices>,
    /// Routes that the configuration adds.
    pub routes: Vec<ConfiguredRoute>,
    /// How JSON looks where a route does not say otherwise.
    pub json: Json,
    /// Which headers are passed on.
    pub headers: HeaderRules,
    /// How errors look.
    pub errors: ErrorStyle,
    /// Whether routes are documented.
    pub docs: Docs,
    /// Whether methods are called by their own paths.
    pub grpc: OwnPaths,
    /// Whether the laboratory's page is at `/`.
    pub page: bool,
    /// Bytes that the JSON of one answer, or of one message of a stream, may have.
    pub answer_bytes_max: usize,
}

/// One gRPC server and what of it is served.
#[derive(Debug, Clone)]
pub struct UpstreamServices {
    /// As messages and the log call it.
    pub name: Arc<str>,
    /// Where it is, and how it is called there.
    pub policy: Policy,
    /// Where its services are described.
    pub source: Source,
    /// Full names of the services that are served; `None` for all.
    pub services: Option<Vec<String>>,
    /// A service configuration whose HTTP rules replace annotations.
    pub service_config: Option<PathBuf>,
    /// What becomes of methods without a rule.
    pub unannotated: Unannotated,
    /// How messages to it are compressed; with none, it is not told that compressed
    /// answers would be read.
    pub compression: Option<Coding>,
}

/// Where services are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The server's own reflection, asked again when the server changes.
    Reflection,
    /// `.proto` files and the folders of what they import.
    Protos {
        /// The files.
        files: Vec<PathBuf>,
        /// Where imports are looked for.
        includes: Vec<PathBuf>,
    },
    /// A file with a `google.protobuf.FileDescriptorSet`.
    DescriptorSet(PathBuf),
    /// The laboratory's own services.
    BuiltIn,
}

/// What becomes of methods that no rule gives a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unannotated {
    /// `POST /pkg.Service/Method`, with the request message as body.
    Serve,
    /// Nothing.
    Refuse,
}

/// Whether methods are called by their own paths in gRPC, gRPC-Web and Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnPaths {
    /// They are, beside the routes.
    #[default]
    Serve,
    /// They are not; there are only the routes.
    Refuse,
}

/// The shape of JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json {
    /// Answers.
    pub write: WriteOptions,
    /// Request bodies.
    pub read: ReadOptions,
    /// Query parameters that are no field.
    pub unknown_query: Unknown,
}

/// How errors look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorStyle {
    /// `google.rpc.Status` as JSON: `code`, `message`, `details`.
    #[default]
    Status,
    /// `{"error": ...}` as the published routes have it, with the fields of
    /// `google.rpc.Status` beside it.
    Published,
}

/// Whether `/openapi.json` and `/docs` say what is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Docs {
    /// They do.
    #[default]
    Serve,
    /// They are not there; the paths are the services'.
    Refuse,
}

/// Which headers pass the gateway, beside those it always handles itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRules {
    /// Request headers that become metadata of the same name.
    pub forward: Vec<HeaderName>,
    /// Metadata of the answer that become headers of the same name; others get
    /// the prefix `grpc-metadata-`.
    pub backward: Vec<HeaderName>,
}

/// One route of the configuration.
#[derive(Debug, Clone)]
pub struct ConfiguredRoute {
    /// `package.Service.Method`.
    pub rpc: String,
    /// HTTP method.
    pub verb: Verb,
    /// Path.
    pub template: Template,
    /// What the request's body is.
    pub body: Body,
    /// The field of the answer that is sent; all of it otherwise.
    pub response_body: Option<String>,
    /// Members that every answer has before its own.
    pub constants: BTreeMap<String, serde_json::Value>,
    /// How a stream that is gathered looks; an array of its messages otherwise.
    pub gather: Option<Gather>,
    /// Values of parameters that are missing or empty.
    pub query_defaults: BTreeMap<String, String>,
    /// The shape of JSON on this route.
    pub json: Json,
    /// Where in the configuration it is, for messages.
    pub origin: String,
}

/// A stream's field, gathered into an array.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    /// The field of each message.
    pub field: String,
    /// The name of the array.
    #[serde(rename = "as")]
    pub name: String,
}

/// What an answer may have unless an operator says otherwise.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Services {
    /// The two published routes, in front of services A and B.
    ///
    /// # Errors
    ///
    /// None, unless the built-in text is wrong, which a test excludes.
    pub fn built_in(a: Address, b: Address) -> Result<Self, Vec<String>> {
        let raw = toml::from_str(include_str!("builtin.toml"));
        let raw: Raw = raw.map_err(|error| vec![error.to_string()])?;
        validate::services(raw, Some([a, b]))
    }

    /// Everything that the servers at `addresses` describe of themselves.
    #[must_use]
    pub fn reflected(addresses: Vec<Address>) -> Self {
        let upstreams = addresses.into_iter().map(|address| UpstreamServices {
            name: address.to_string().into(),
            policy: Policy::of(vec![address]),
            source: Source::Reflection,
            services: None,
            service_config: None,
            unannotated: Unannotated::Serve,
            compression: None,
        });
        Services {
            upstreams: upstreams.collect(),
            routes: Vec::new(),
            json: Json::default(),
            headers: HeaderRules::default(),
            errors: ErrorStyle::Status,
            docs: Docs::Serve,
            grpc: OwnPaths::Serve,
            page: false,
            answer_bytes_max: ANSWER_BYTES_MAX,
        }
    }

    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.upstreams.iter().flat_map(|upstream| {
            let described: &[PathBuf] = match &upstream.source {
                Source::Protos { files, .. } => files,
                Source::DescriptorSet(file) => std::slice::from_ref(file),
                Source::Reflection | Source::BuiltIn => &[],
            };
            let described = described.iter().chain(&upstream.service_config);
            described.map(PathBuf::as_path)
        })
    }

    /// What a configuration file says. Paths in it are relative to `folder`.
    ///
    /// # Errors
    ///
    /// Every problem, each with its place and what would be right.
    pub fn of_file(raw: Raw, folder: &Path) -> Result<Self, Vec<String>> {
        validate::services(raw.relative_to(folder), None)
    }
}

impl Default for HeaderRules {
    /// `authorization`, `tracestate`, `baggage` and `accept-language` go on;
    /// nothing comes back under its own name.
    fn default() -> Self {
        HeaderRules {
            forward: [
                HeaderName::from_static("authorization"),
                HeaderName::from_static("tracestate"),
                HeaderName::from_static("baggage"),
                HeaderName::from_static("accept-language"),
            ]
            .into(),
            backward: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
