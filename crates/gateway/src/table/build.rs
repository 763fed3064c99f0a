//! From services and their descriptions to the table; what cannot be served is told
//! by name, all of it at once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use describe::Description;
use http::uri::PathAndQuery;
use prost_reflect::MethodDescriptor;
use routing::{Body, Router, Rule, ServiceConfig, Template, Verb};
use telemetry::{Rpc, Telemetry};
use transcode::{FieldPath, MessageId, Schema, WriteOptions};

use super::{
    Answer, BodyPlan, Endpoint, Kind, Listed, Method, SideEffects, Table,
    endpoint::{GatherPlan, QueryDefault},
    method::is_idempotent,
};
use crate::{
    docs::{self, Docs},
    services::{self, ConfiguredRoute, Json, Services, Unannotated, UpstreamServices},
};

/// What an upstream says of itself.
pub(crate) struct Described {
    pub(crate) description: Description,
    pub(crate) schema: Arc<Schema>,
    pub(crate) service_config: ServiceConfig,
}

impl Described {
    /// Whether nothing has changed between the two.
    pub(crate) fn is_like(&self, other: &Described) -> bool {
        self.description.fingerprint() == other.description.fingerprint()
    }
}

/// Services that every server has for tools, and that are no part of its interface.
const TOOLS: [&str; 3] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "grpc.health.v1.Health",
];

/// The message that stands for bytes of any type.
const HTTP_BODY: &str = "google.api.HttpBody";

/// Builds the table of `services`, of which `described` has one for each upstream
/// that is known.
pub(crate) fn build(
    services: &Services,
    described: &[Option<Arc<Described>>],
    telemetry: &Telemetry,
) -> Result<Table, Vec<String>> {
    let mut building = Building {
        services,
        telemetry,
        problems: Vec::new(),
        left_out: Vec::new(),
        methods: HashMap::new(),
        routes: Vec::new(),
        listed: Vec::new(),
        documented: Vec::new(),
    };
    for (index, described) in described.iter().enumerate() {
        if let Some(described) = described {
            building.upstream(index, described);
        }
    }
    building.configured(described);
    building.finish(described)
}

struct Building<'s> {
    services: &'s Services,
    telemetry: &'s Telemetry,
    problems: Vec<String>,
    left_out: Vec<String>,
    methods: HashMap<String, Arc<Method>>,
    routes: Vec<(Verb, Template, String, Arc<Endpoint>)>,
    listed: Vec<Arc<Listed>>,
    documented: Vec<openapi::Operation>,
}

/// What a route adds to its rule.
struct Shaping<'s> {
    json: Json,
    configured: Option<&'s ConfiguredRoute>,
}

impl<'s> Building<'s> {
    /// The annotated methods of one upstream, and the others where that is wanted.
    fn upstream(&mut self, index: usize, described: &Described) {
        let upstream = &self.services.upstreams[index];
        self.check_names(upstream, described);
        let methods: Vec<_> = served(upstream, described).collect();
        let names = methods.iter().map(MethodDescriptor::full_name);
        for selector in described.service_config.unmatched(names) {
            self.left_out.push(format!(
                "{selector} of the service configuration fits no method"
            ));
        }
        for method in served(upstream, described) {
            let configured = self
                .services
                .routes
                .iter()
                .any(|route| route.rpc == method.full_name());
            let rules = match routing::resolve(&method, &described.service_config) {
                Ok(rules) => rules,
                Err(error) => {
                    self.problems
                        .push(format!("{}: {error}", method.full_name()));
                    continue;
                }
            };
            let known = match self.method(index, described, &method) {
                Ok(known) => known,
                Err(problem) => {
                    self.problems
                        .push(format!("{}: {problem}", method.full_name()));
                    continue;
                }
            };
            let plain = rules.is_empty() && !configured;
            let rules = match upstream.unannotated {
                Unannotated::Serve if plain => vec![routing::unannotated(&method)],
                _ => rules,
            };
            for rule in rules {
                let shaping = Shaping {
                    json: self.services.json,
                    configured: None,
                };
                self.route(&known, &method, rule, &shaping);
            }
        }
    }

    /// Makes the method known by its own path; where two upstreams serve it, that
    /// leads to the first.
    fn method(
        &mut self,
        index: usize,
        described: &Described,
        method: &MethodDescriptor,
    ) -> Result<Arc<Method>, String> {
        let schema = &described.schema;
        let path = own_path(method);
        let known = Arc::new(Method {
            upstream: index,
            rpc: self
                .telemetry
                .rpc(rpc(&self.services.upstreams[index].name, method)),
            route: self.telemetry.route(&path),
            service: Arc::clone(&self.services.upstreams[index].name),
            path: PathAndQuery::try_from(&path).map_err(|error| error.to_string())?,
            kind: Kind::of(method),
            idempotent: is_idempotent(method),
            side_effects: SideEffects::of(method),
            schema: Arc::clone(schema),
            input: message(schema, method.input().full_name())?,
            output: message(schema, method.output().full_name())?,
            details: schema
                .message("google.rpc.Status")
                .and_then(|status| schema.field_path(status, "details").ok()),
        });
        self.methods
            .entry(path)
            .or_insert_with(|| Arc::clone(&known));
        Ok(known)
    }

    /// Services that are asked for by name must exist.
    fn check_names(&mut self, upstream: &UpstreamServices, described: &Described) {
        for name in upstream.services.iter().flatten() {
            let pool = described.description.pool();
            if pool.get_service_by_name(name).is_none() {
                let known: Vec<_> = pool
                    .services()
                    .map(|service| service.full_name().to_owned())
                    .collect();
                self.problems.push(format!(
                    "upstream {}: there is no service {name:?}; it has {}",
                    upstream.name,
                    known.join(", ")
                ));
            }
        }
    }

    /// The routes of the configuration.
    fn configured(&mut self, described: &[Option<Arc<Described>>]) {
        let services = self.services;
        for route in &services.routes {
            let found = described.iter().enumerate().find_map(|(index, described)| {
                let described = described.as_deref()?;
                let upstream = &services.upstreams[index];
                let method =
                    served(upstream, described).find(|method| method.full_name() == route.rpc)?;
                Some(method)
            });
            let Some(method) = found else {
                if described.iter().all(Option::is_some) {
                    self.problems.push(self.no_method(route, described));
                }
                continue;
            };
            // Where it is not known, the reason has been told.
            let Some(known) = self.methods.get(&own_path(&method)).map(Arc::clone) else {
                continue;
            };
            let rule = Rule {
                verb: route.verb.clone(),
                template: route.template.clone(),
                body: route.body.clone(),
                response_body: route.response_body.clone(),
                rpc: route.rpc.clone(),
                origin: route.origin.clone(),
            };
            let shaping = Shaping {
                json: route.json,
                configured: Some(route),
            };
            self.route(&known, &method, rule, &shaping);
        }
    }

    fn no_method(&self, route: &ConfiguredRoute, described: &[Option<Arc<Described>>]) -> String {
        let why = described
            .iter()
            .flatten()
            .find_map(|described| described.description.method(&route.rpc).err());
        match why {
            Some(why) => format!("{}: {why}", route.origin),
            None => format!("{}: no upstream serves {}", route.origin, route.rpc),
        }
    }

    fn route(
        &mut self,
        known: &Arc<Method>,
        method: &MethodDescriptor,
        rule: Rule,
        shaping: &Shaping<'_>,
    ) {
        let listed = Arc::new(Listed {
            verb: rule.verb.to_string(),
            path: rule.template.to_string(),
            rpc: rule.rpc.clone(),
            kind: known.kind,
            upstream: Arc::clone(&known.service),
            origin: rule.origin.clone(),
        });
        match self.endpoint(known, method, &rule, shaping, &listed) {
            Ok(endpoint) => {
                self.listed.push(listed);
                if self.services.docs == services::Docs::Serve {
                    let documented =
                        docs::operation(&rule, method, shaping.json, shaping.configured);
                    self.documented.push(documented);
                }
                let origin = format!("{} (upstream {})", rule.origin, known.service);
                self.routes
                    .push((rule.verb, rule.template, origin, Arc::new(endpoint)));
            }
            Err(problem) => self.problems.push(format!("{}: {problem}", rule.origin)),
        }
    }

    fn endpoint(
        &self,
        known: &Arc<Method>,
        method: &MethodDescriptor,
        rule: &Rule,
        shaping: &Shaping<'_>,
        listed: &Arc<Listed>,
    ) -> Result<Endpoint, String> {
        let Method {
            schema,
            input,
            output,
            ..
        } = &**known;
        let (input, output) = (*input, *output);
        let variables = rule
            .template
            .variables()
            .map(|name| single(schema, input, name));
        let variables = variables.collect::<Result<Vec<_>, _>>()?;
        let body = match &rule.body {
            Body::None => BodyPlan::None,
            Body::Whole if method.input().full_name() == HTTP_BODY => BodyPlan::Raw(None),
            Body::Whole => BodyPlan::Whole,
            Body::Field(name) => {
                let path = path(schema, input, name)?;
                let holds = schema.message_at(&path);
                match holds.is_some() && holds == schema.message(HTTP_BODY) {
                    true if !schema.is_repeated(&path) => BodyPlan::Raw(Some(path)),
                    _ => BodyPlan::Field(path),
                }
            }
        };
        let mut bound = variables.clone();
        if let BodyPlan::Field(path) | BodyPlan::Raw(Some(path)) = &body {
            bound.push(path.clone());
        }
        let configured = shaping.configured;
        let gather = configured.and_then(|route| route.gather.as_ref());
        if gather.is_some() && !known.kind.answers_many() {
            return Err(format!(
                "gather is for streams, and {} answers once",
                method.full_name()
            ));
        }
        let gather = gather.map(|gather| {
            let field = path(schema, output, &gather.field)?;
            Ok::<_, String>(GatherPlan {
                field,
                key: member_key(&gather.name).into(),
            })
        });
        let answer = match &rule.response_body {
            Some(name) => Answer::Field(path(schema, output, name)?),
            None if method.output().full_name() == HTTP_BODY => Answer::HttpBody,
            None => Answer::Message,
        };
        if let Some(name) = configured.and_then(|route| taken(schema, output, route)) {
            return Err(format!(
                "constants: the answer has a field {name:?} of its own"
            ));
        }
        Ok(Endpoint {
            listed: Arc::clone(listed),
            route: self.telemetry.route(&listed.path),
            method: Arc::clone(known),
            variables,
            variable_names: rule.template.variables().map(ToOwned::to_owned).collect(),
            body,
            bound,
            query_defaults: match configured {
                Some(route) => query_defaults(method, &route.query_defaults)?,
                None => Vec::new(),
            },
            unknown_query: shaping.json.unknown_query,
            read: shaping.json.read,
            write: WriteOptions {
                bytes_max: Some(self.services.answer_bytes_max),
                ..shaping.json.write
            },
            answer,
            constants: configured.map_or_else(Vec::new, constants).into(),
            gather: gather.transpose()?,
            errors: self.services.errors,
        })
    }

    fn finish(mut self, described: &[Option<Arc<Described>>]) -> Result<Table, Vec<String>> {
        let router = match Router::build(self.routes) {
            Ok(router) => router,
            Err(conflicts) => {
                self.problems
                    .extend(conflicts.iter().map(ToString::to_string));
                return Err(self.problems);
            }
        };
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let upstreams = self.services.upstreams.iter().zip(described);
        Ok(Table {
            router,
            methods: self.methods,
            pools: described
                .iter()
                .flatten()
                .map(|described| described.description.pool().clone())
                .collect(),
            routes: self.listed,
            undescribed: upstreams
                .filter(|(_, described)| described.is_none())
                .map(|(upstream, _)| Arc::clone(&upstream.name))
                .collect(),
            left_out: self.left_out,
            docs: Arc::new(Docs::of(self.services, self.documented)),
        })
    }
}

/// The methods that are served: those of the services named, or of all but tools.
fn served<'d>(
    upstream: &'d UpstreamServices,
    described: &'d Described,
) -> impl Iterator<Item = MethodDescriptor> + 'd {
    described.description.methods().filter(|method| {
        let service = method.parent_service().full_name().to_owned();
        match &upstream.services {
            Some(named) => named.contains(&service),
            None => !TOOLS.contains(&service.as_str()),
        }
    })
}

/// As metrics know a method.
fn rpc(upstream: &str, method: &MethodDescriptor) -> Rpc {
    Rpc {
        rpc_type: Kind::of(method).rpc_type(),
        service: method.parent_service().full_name().to_owned(),
        method: method.name().to_owned(),
        upstream: upstream.to_owned(),
    }
}

/// `/package.Service/Method`.
fn own_path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn message(schema: &Schema, full_name: &str) -> Result<MessageId, String> {
    let id = schema
        .message(full_name)
        .ok_or_else(|| format!("the description lacks {full_name}"))?;
    schema.check(id).map_err(|refused| refused.to_string())?;
    Ok(id)
}

fn path(schema: &Schema, root: MessageId, name: &str) -> Result<FieldPath, String> {
    schema
        .field_path(root, name)
        .map_err(|unknown| unknown.to_string())
}

fn single(schema: &Schema, root: MessageId, name: &str) -> Result<FieldPath, String> {
    let path = path(schema, root, name)?;
    match schema.is_repeated(&path) {
        true => Err(format!(
            "{name} is repeated, and a path has one value for it"
        )),
        false => Ok(path),
    }
}

/// A constant that would hide a field.
fn taken<'r>(schema: &Schema, output: MessageId, route: &'r ConfiguredRoute) -> Option<&'r String> {
    let mut names = route.constants.keys();
    names.find(|name| route.gather.is_none() && schema.field_path(output, name).is_ok())
}

fn query_defaults(
    method: &MethodDescriptor,
    given: &BTreeMap<String, String>,
) -> Result<Vec<QueryDefault>, String> {
    let default = |(name, value): (&String, &String)| {
        let field = method.input().get_field_by_name(name).ok_or_else(|| {
            format!(
                "query-defaults: {} has no field {name:?}",
                method.input().full_name()
            )
        })?;
        Ok(QueryDefault {
            names: [name.clone(), field.json_name().to_owned()],
            value: value.clone(),
        })
    };
    given.iter().map(default).collect()
}

/// The constants of a route as members, without braces.
fn constants(route: &ConfiguredRoute) -> Vec<u8> {
    let mut members = Vec::new();
    for (name, value) in &route.constants {
        if !members.is_empty() {
            members.push(b',');
        }
        members.extend(member_key(name));
        members.extend(value.to_string().into_bytes());
    }
    members
}

fn member_key(name: &str) -> Vec<u8> {
    let mut key = serde_json::Value::from(name).to_string().into_bytes();
    key.push(b':');
    key
}
