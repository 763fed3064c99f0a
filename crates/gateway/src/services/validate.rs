//! From what was typed to what is usable; every problem is reported, not the first.

use http::{HeaderName, Method};
use routing::{Body, Template, Verb};

use super::{
    ANSWER_BYTES_MAX, ConfiguredRoute, HeaderRules, Json, Services, Source, Unannotated,
    UpstreamServices,
    raw::{Raw, RawCompression, RawMetadata, RawRoute, RawUpstream},
    resilience,
};
use crate::{compression::Coding, upstream::grpc::Address};

/// Takes the addresses of `built_in` where the text gives none, and then describes
/// the services as the laboratory's own.
pub(super) fn services(raw: Raw, built_in: Option<[Address; 2]>) -> Result<Services, Vec<String>> {
    let mut problems = Vec::new();
    let json = raw.json.over(Json::default());
    let page = built_in.is_some();
    let mut known = built_in.into_iter().flatten();
    let upstreams: Vec<_> = (0..)
        .zip(raw.upstreams)
        .filter_map(|(index, raw)| upstream(index, raw, known.next(), &mut problems))
        .collect();
    if upstreams.is_empty() && problems.is_empty() {
        problems.push(
            "no upstream is given; write [[gateway.upstreams]] with address = \"host:port\""
                .to_owned(),
        );
    }
    for (index, upstream) in upstreams.iter().enumerate() {
        if upstreams[..index]
            .iter()
            .any(|other| other.name == upstream.name)
        {
            problems.push(format!(
                "upstreams[{index}]: the name {:?} is taken; give each its own",
                upstream.name
            ));
        }
    }
    let routes = (0..)
        .zip(raw.routes)
        .filter_map(|(index, raw)| route(index, raw, json, &mut problems))
        .collect();
    let headers = headers(raw.metadata, &mut problems);
    if problems.is_empty() {
        Ok(Services {
            upstreams,
            routes,
            json,
            headers,
            errors: raw.errors.unwrap_or_default(),
            docs: raw.docs.unwrap_or_default(),
            grpc: raw.grpc.unwrap_or_default(),
            page,
            answer_bytes_max: ANSWER_BYTES_MAX,
        })
    } else {
        Err(problems)
    }
}

fn upstream(
    index: usize,
    raw: RawUpstream,
    built_in: Option<Address>,
    problems: &mut Vec<String>,
) -> Option<UpstreamServices> {
    let place = format!("upstreams[{index}]");
    let source = source(&place, &raw, built_in.is_some(), problems);
    let policy = resilience::policy(&place, &raw, built_in, problems)?;
    let name = raw.name.unwrap_or_else(|| policy.addresses[0].to_string());
    Some(UpstreamServices {
        name: name.into(),
        policy,
        source: source?,
        services: raw.services,
        service_config: raw.service_config,
        unannotated: raw.unannotated.unwrap_or(Unannotated::Serve),
        compression: match raw.compression {
            None | Some(RawCompression::Off) => None,
            Some(RawCompression::Gzip) => Some(Coding::Gzip),
            Some(RawCompression::Zstd) => Some(Coding::Zstd),
        },
    })
}

fn source(
    place: &str,
    raw: &RawUpstream,
    built_in: bool,
    problems: &mut Vec<String>,
) -> Option<Source> {
    if !raw.includes.is_empty() && raw.protos.is_empty() {
        problems.push(format!(
            "{place}: includes are for protos, of which there are none"
        ));
    }
    match (&raw.protos[..], &raw.descriptor_set) {
        ([], None) if built_in => Some(Source::BuiltIn),
        ([], None) => Some(Source::Reflection),
        ([], Some(path)) => Some(Source::DescriptorSet(path.clone())),
        (files, None) => Some(Source::Protos {
            files: files.to_vec(),
            includes: raw.includes.clone(),
        }),
        (_, Some(_)) => {
            problems.push(format!("{place}: give protos or descriptor-set, not both"));
            None
        }
    }
}

fn route(
    index: usize,
    raw: RawRoute,
    base: Json,
    problems: &mut Vec<String>,
) -> Option<ConfiguredRoute> {
    let place = format!("routes[{index}] ({})", raw.rpc);
    let mut given = Vec::new();
    let named = [
        (Method::GET, &raw.get),
        (Method::PUT, &raw.put),
        (Method::POST, &raw.post),
        (Method::DELETE, &raw.delete),
        (Method::PATCH, &raw.patch),
    ];
    for (method, path) in named {
        given.extend(path.clone().map(|path| (Verb::Method(method), path)));
    }
    if let Some(custom) = &raw.custom {
        match Verb::custom(&custom.kind) {
            Ok(verb) => given.push((verb, custom.path.clone())),
            Err(error) => problems.push(format!("{place}: custom: {error}")),
        }
    }
    let (verb, path) = match <[_; 1]>::try_from(given) {
        Ok([one]) => one,
        Err(_) => {
            problems.push(format!(
                "{place}: give exactly one of get, put, post, delete, patch, custom"
            ));
            return None;
        }
    };
    if raw.gather.is_some() && raw.response_body.is_some() {
        problems.push(format!("{place}: give gather or response-body, not both"));
    }
    if !raw.constants.is_empty() && raw.response_body.is_some() {
        problems.push(format!(
            "{place}: give constants or response-body, not both"
        ));
    }
    let template: Template = match path.parse() {
        Ok(template) => template,
        Err(error) => {
            problems.push(format!("{place}: {path:?}: {error}"));
            return None;
        }
    };
    Some(ConfiguredRoute {
        rpc: raw.rpc.trim_start_matches('/').replace('/', "."),
        verb,
        template,
        body: match raw.body.as_deref() {
            None | Some("") => Body::None,
            Some("*") => Body::Whole,
            Some(field) => Body::Field(field.to_owned()),
        },
        response_body: raw.response_body,
        constants: raw.constants,
        gather: raw.gather,
        query_defaults: raw.query_defaults,
        json: raw.json.over(base),
        origin: format!("routes[{index}] of the configuration"),
    })
}

/// Headers that are the protocols' own and never passed on as they are.
pub(crate) const RESERVED: [&str; 16] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "traceparent",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
    "accept",
    "accept-encoding",
];

fn headers(raw: RawMetadata, problems: &mut Vec<String>) -> HeaderRules {
    let mut names = |key: &str, given: Option<Vec<String>>, default: Vec<HeaderName>| {
        let Some(given) = given else { return default };
        let name = |text: &String| match HeaderName::try_from(text.as_str()) {
            Ok(name) if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") => {
                problems.push(format!(
                    "metadata.{key}: {text:?} belongs to the protocol and is handled by the \
                     gateway; leave it out"
                ));
                None
            }
            Ok(name) => Some(name),
            Err(_) => {
                problems.push(format!("metadata.{key}: {text:?} is no name of a header"));
                None
            }
        };
        given.iter().filter_map(name).collect()
    };
    let default = HeaderRules::default();
    HeaderRules {
        forward: names("forward", raw.forward, default.forward),
        backward: names("backward", raw.backward, default.backward),
    }
}
