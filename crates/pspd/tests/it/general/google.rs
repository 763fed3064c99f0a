//! Schemas that others wrote: APIs that Google publishes, with all their rules. Each
//! is served as it is, and each route, called with sample values made from its
//! template, has to reach its method with these values and be answered.
//!
//! A choice of them is tried; with `PSPD_TEST_GOOGLE=all` in the environment all
//! of them are, which takes long.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use contract::Role;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor, Value as Field};
use serde_json::Value;
use testkit::{
    Program, Tool,
    backend::{Backend, compile_in, json_of},
    http::Connection,
    need,
};

use super::{PSPD, configuration, upstream};

/// Small and large ones, of different teams and years.
const CHOSEN: [&str; 24] = [
    "google/api/apikeys/v2",
    "google/api/servicemanagement/v1",
    "google/bigtable/admin/v2",
    "google/cloud/aiplatform/v1",
    "google/cloud/compute/v1",
    "google/cloud/functions/v2",
    "google/cloud/kms/v1",
    "google/cloud/location",
    "google/cloud/resourcemanager/v3",
    "google/cloud/secretmanager/v1",
    "google/cloud/speech/v1",
    "google/cloud/tasks/v2",
    "google/cloud/translate/v3",
    "google/cloud/vision/v1",
    "google/container/v1",
    "google/datastore/v1",
    "google/example/library/v1",
    "google/firestore/v1",
    "google/iam/v1",
    "google/logging/v2",
    "google/longrunning",
    "google/monitoring/v3",
    "google/pubsub/v1",
    "google/spanner/v1",
];

/// APIs that are tried at the same time.
const THREADS: usize = 3;

/// What `*` stands for in the sample paths; no template has it as a literal.
const SAMPLE: &str = "zq";

/// What was tried, and what came of it.
#[derive(Debug, Default)]
struct Tally {
    apis: usize,
    services: usize,
    methods: usize,
    routes: usize,
    /// Samples that a more special route of the same API takes.
    shadowed: usize,
    /// Methods that stream their requests.
    left_out: usize,
    problems: Vec<String>,
}

/// One binding of one method.
struct Route {
    method: MethodDescriptor,
    verb: String,
    template: String,
    body: String,
}

#[test]
fn apis_of_google() {
    let Some(folder) = need(Tool::GoogleProtos) else {
        return;
    };
    let all = env::var_os("PSPD_TEST_GOOGLE").is_some_and(|value| value == "all");
    let mut apis = BTreeMap::new();
    find(&folder, &folder.join("google"), &mut apis);
    // Not APIs, but what the compilers of others are tested with.
    apis.retain(|name, _| !name.starts_with("google/protobuf"));
    if !all {
        apis.retain(|name, _| CHOSEN.contains(&name.as_str()));
        assert_eq!(apis.len(), CHOSEN.len(), "one is not there any more");
    }
    let apis = Mutex::new(apis.into_iter());
    let next = || apis.lock().expect("no panic while it is held").next();
    let try_out_all = || {
        let mut tally = Tally::default();
        while let Some((name, files)) = next() {
            try_out(&name, &files, &folder, &mut tally);
        }
        tally
    };
    let tally = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(try_out_all));
        let tallies = threads.map(|thread| thread.join().expect("its panic is above"));
        tallies.into_iter().fold(Tally::default(), Tally::and)
    });
    println!("{tally:#?}");
    assert_eq!(tally.problems, Vec::<String>::new());
    assert!(tally.routes > 1000, "too few routes were tried: {tally:?}");
}

#[test]
fn files_of_google_are_read_as_they_are() {
    let Some(folder) = need(Tool::GoogleProtos) else {
        return;
    };
    let file = folder.join("google/pubsub/v1/pubsub.proto");
    let known = format!("protos = [{file:?}]\nincludes = [{folder:?}]\n");
    let address = "127.0.0.1:9".parse().expect("an address");
    let (_folder, path) = configuration(&upstream(address, &known));
    let ended = Program::start(PSPD, &["gateway", "check", "--config", &path]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let publish = "POST   /v1/{topic=projects/*/topics/*}:publish";
    assert!(ended.out.contains(publish), "{}", ended.out);
}

impl Tally {
    fn and(mut self, other: Tally) -> Tally {
        self.apis += other.apis;
        self.services += other.services;
        self.methods += other.methods;
        self.routes += other.routes;
        self.shadowed += other.shadowed;
        self.left_out += other.left_out;
        self.problems.extend(other.problems);
        self
    }
}

/// Folders with rules, and their files.
fn find(root: &Path, folder: &Path, apis: &mut BTreeMap<String, Vec<PathBuf>>) {
    let mut files = Vec::new();
    let mut rules = false;
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(root, &path, apis);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            let text = fs::read_to_string(&path).unwrap_or_default();
            rules |= text.contains("(google.api.http)");
            files.push(path);
        }
    }
    if rules {
        files.sort();
        let name = folder.strip_prefix(root).expect("below it");
        apis.insert(name.display().to_string(), files);
    }
}

fn try_out(name: &str, files: &[PathBuf], folder: &Path, tally: &mut Tally) {
    let pool = match compile_in(files, &[folder.to_owned()]) {
        Ok(pool) => pool,
        Err(error) => {
            tally.problems.push(format!("{name}: {error}"));
            return;
        }
    };
    let mut routes = Vec::new();
    let here: Vec<_> = files
        .iter()
        .filter_map(|file| file.strip_prefix(folder).ok())
        .collect();
    for service in pool.services() {
        if !here.contains(&Path::new(service.parent_file().name())) {
            continue;
        }
        tally.services += 1;
        for method in service.methods() {
            tally.methods += 1;
            match method.is_client_streaming() {
                true => tally.left_out += 1,
                false => routes.extend(rules(&pool, &method)),
            }
        }
    }
    tally.apis += 1;
    tally.routes += routes.len();

    let backend = Backend::start(pool);
    let names = routes
        .iter()
        .map(|route| route.method.parent_service().full_name().to_owned());
    let names: BTreeSet<_> = names.collect();
    let set = tempfile::NamedTempFile::new().expect("a file");
    fs::write(set.path(), backend.pool().encode_to_vec()).expect("written");
    let known = format!(
        "descriptor-set = {:?}\nunannotated = \"refuse\"\nservices = {:?}\n",
        set.path(),
        names.iter().collect::<Vec<_>>()
    );
    let (_folder, path) = configuration(&upstream(backend.address(), &known));
    let ended = Program::start(PSPD, &["gateway", "check", "--config", &path]).finish();
    let last = ended.out.lines().last().unwrap_or_default();
    if last != format!("{} routes", routes.len()) {
        let told = ended.err.trim_end();
        tally.problems.push(format!(
            "{name}: not {} routes, but {last:?}: {told}",
            routes.len()
        ));
        return;
    }
    let gateway = testkit::Process::start(PSPD, Role::Gateway, &["--config", &path]);
    let mut connection = Connection::open(gateway.address()).expect("connected");
    for route in &routes {
        match called(&mut connection, &backend, route) {
            Ok(rpc) if rpc == route.method.full_name() => {}
            Ok(rpc) if takes_it(&routes, &rpc, route) => tally.shadowed += 1,
            Ok(rpc) => tally
                .problems
                .push(format!("{name}: {} reached {rpc}", route.told())),
            Err(problem) => tally
                .problems
                .push(format!("{name}: {}: {problem}", route.told())),
        }
    }
}

/// The bindings of a method, read by another library than the gateway's.
fn rules(pool: &DescriptorPool, method: &MethodDescriptor) -> Vec<Route> {
    let Some(http) = pool.get_extension_by_name("google.api.http") else {
        return Vec::new();
    };
    let options = method.options();
    if !options.has_extension(&http) {
        return Vec::new();
    }
    let value = options.get_extension(&http).into_owned();
    let Field::Message(rule) = value else {
        panic!("not a rule: {value:?}")
    };
    let rule = json_of(&rule);
    let additional = rule["additional_bindings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    std::iter::once(&rule)
        .chain(&additional)
        .map(|rule| route(method, rule))
        .collect()
}

fn route(method: &MethodDescriptor, rule: &Value) -> Route {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verb = ["get", "put", "post", "delete", "patch"]
        .into_iter()
        .find(|verb| rule[*verb].is_string());
    let (verb, template) = match verb {
        Some(verb) => (verb.to_uppercase(), text(&rule[verb])),
        None => (text(&rule["custom"]["kind"]), text(&rule["custom"]["path"])),
    };
    Route {
        method: method.clone(),
        verb,
        template,
        body: text(&rule["body"]),
    }
}

impl Route {
    fn told(&self) -> String {
        format!(
            "{} {} of {}",
            self.verb,
            self.template,
            self.method.full_name()
        )
    }

    /// A path that fits, and what its variables are bound to.
    fn sample(&self) -> (String, Vec<(String, String)>) {
        let mut path = String::new();
        let mut bound = Vec::new();
        let mut rest = self.template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (variable, after) = after.split_once('}').expect("a whole variable");
            let (name, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
            let value = match other_than_text(&self.method.input(), name) {
                Some(value) => value,
                None => filled(pattern),
            };
            path += &filled(before);
            path += &value;
            bound.push((name.to_owned(), value));
            rest = after;
        }
        path += &filled(rest);
        (path, bound)
    }

    /// JSON for the body, as little as possible.
    fn sample_body(&self) -> String {
        if self.body.is_empty() {
            return String::new();
        }
        let field = self.method.input().get_field_by_name(&self.body);
        let kind = field.map(|field| (field.is_list(), field.kind()));
        match kind {
            None => "{}",
            Some((true, _)) => "[]",
            Some((_, Kind::Message(_))) => "{}",
            Some((_, Kind::String | Kind::Bytes)) => "\"\"",
            Some((_, Kind::Bool)) => "true",
            Some(_) => "1",
        }
        .to_owned()
    }
}

/// The pattern with something in the place of each wildcard.
fn filled(pattern: &str) -> String {
    let many = format!("{SAMPLE}/{SAMPLE}/{SAMPLE}/{SAMPLE}/{SAMPLE}");
    pattern.replace("**", &many).replace('*', SAMPLE)
}

/// A value for a field that is no text.
fn other_than_text(input: &MessageDescriptor, path: &str) -> Option<String> {
    let mut message = input.clone();
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let field = message.get_field_by_name(name).expect("a field");
        match field.kind() {
            Kind::Message(inner) if names.peek().is_some() => message = inner,
            Kind::String => return None,
            Kind::Bool => return Some("true".to_owned()),
            Kind::Enum(known) => {
                let value = known.values().find(|value| value.number() != 0);
                return value.map(|value| value.name().to_owned());
            }
            _ => return Some("7".to_owned()),
        }
    }
    None
}

/// Calls a route and says which method was reached.
fn called(connection: &mut Connection, backend: &Backend, route: &Route) -> Result<String, String> {
    let (path, bound) = route.sample();
    let sent = connection.send_request(&route.verb, &path, &[], route.sample_body().as_bytes());
    sent.map_err(|error| error.to_string())?;
    let answer = connection
        .read_response(&route.verb)
        .map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("{path}: {} {}", answer.status(), answer.text()));
    }
    let [call] = &backend.take_received()[..] else {
        return Err(format!("{path}: not one call"));
    };
    if call.method != route.method.full_name() {
        return Ok(call.method.clone());
    }
    let message = call.json();
    for (name, value) in bound {
        let got = name
            .split('.')
            .fold(&message, |message, name| &message[name]);
        let text = got.as_str().map_or_else(|| got.to_string(), str::to_owned);
        if text != value {
            return Err(format!("{path}: {name} is {text:?} and not {value:?}"));
        }
    }
    let raw = route.method.output().full_name() == "google.api.HttpBody";
    match serde_json::from_slice::<Value>(&answer.body) {
        Err(error) if !raw => Err(format!("{path}: {error} in {}", answer.text())),
        _ => Ok(call.method.clone()),
    }
}

/// Whether a route of `rpc` fits the sample of `route` as well.
fn takes_it(routes: &[Route], rpc: &str, route: &Route) -> bool {
    let (path, _) = route.sample();
    let of_it = routes
        .iter()
        .filter(|other| other.method.full_name() == rpc && other.verb == route.verb);
    of_it.into_iter().any(|other| fits(&other.template, &path))
}

fn fits(template: &str, path: &str) -> bool {
    let mut pattern = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (variable, after) = after.split_once('}').expect("a whole variable");
        let (_, inner) = variable.split_once('=').unwrap_or((variable, "*"));
        pattern += before;
        pattern += inner;
        rest = after;
    }
    pattern += rest;
    let (pattern, verb) = split_verb(&pattern);
    let (path, path_verb) = split_verb(path);
    if verb != path_verb {
        return false;
    }
    let segments: Vec<_> = path.split('/').collect();
    let mut at = 0;
    for part in pattern.split('/') {
        match (part, segments.get(at)) {
            ("**", _) => return true,
            (_, None) => return false,
            ("*", Some(_)) => at += 1,
            (literal, Some(segment)) if literal == *segment => at += 1,
            _ => return false,
        }
    }
    at == segments.len()
}

fn split_verb(path: &str) -> (&str, &str) {
    let last = path.rfind('/').unwrap_or_default();
    match path[last..].find(':') {
        Some(at) => (&path[..last + at], &path[last + at..]),
        None => (path, ""),
    }
}
