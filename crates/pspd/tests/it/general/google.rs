//! Schemas that others wrote: APIs that Google publishes, with all their rules. Each
//! is served as it is, and each route, called with sample values made from its
//! template, has to reach its method with these values and be answered.
//!
//! A choice of them is tried; with `PSPD_TEST_GOOGLE=all` in the environment all
//! of them are, which takes some minutes. A few have rules that the definition of
//! rules does not allow, or that collide: they have to be refused with the reason.

mod route;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use contract::Role;
use prost_reflect::DescriptorPool;
use serde_json::Value;
use testkit::{
    Ended, Process, Program, Tool,
    backend::{Backend, compile_in},
    http::Connection,
    need,
};

use self::route::{Route, rules};
use super::{PSPD, configuration, upstream};

/// Small and large ones, of different teams and years.
const CHOSEN: [&str; 25] = [
    "google/api/apikeys/v2",
    "google/api/servicemanagement/v1",
    "google/bigtable/admin/v2",
    "google/cloud/aiplatform/v1",
    "google/cloud/bigquery/storage/v1",
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

/// What was tried, and what came of it.
#[derive(Debug, Default)]
struct Tally {
    apis: usize,
    services: usize,
    methods: usize,
    /// Those that are served, each of which was called.
    routes: usize,
    /// Methods that take a stream.
    streaming: usize,
    /// APIs whose rules break the rules, and how.
    refused: Vec<String>,
    problems: Vec<String>,
}

#[test]
fn apis_of_google() {
    let Some(folder) = need(Tool::GoogleProtos) else {
        return;
    };
    let apis = Mutex::new(chosen(&folder).into_iter());
    let next = || apis.lock().expect("no panic while it is held").next();
    let try_out_all = || {
        let mut tally = Tally::default();
        while let Some((name, files)) = next() {
            tally.try_out(&name, &files, &folder);
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
    assert!(tally.routes > 2000, "too few routes were tried: {tally:?}");
}

#[test]
fn files_of_google_are_read_as_they_are() {
    let Some(folder) = need(Tool::GoogleProtos) else {
        return;
    };
    let file = folder.join("google/pubsub/v1/pubsub.proto");
    let ended = check(&format!("protos = [{file:?}]\nincludes = [{folder:?}]\n"));
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let publish = "POST   /v1/{topic=projects/*/topics/*}:publish";
    assert!(ended.out.contains(publish), "{}", ended.out);
}

/// The APIs that are tried, by name, with their files.
pub(super) fn chosen(folder: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let all = env::var_os("PSPD_TEST_GOOGLE").is_some_and(|value| value == "all");
    let mut apis = BTreeMap::new();
    find(folder, &folder.join("google"), &mut apis);
    // Not APIs, but what the compilers of others are tested with.
    apis.retain(|name, _| !name.starts_with("google/protobuf"));
    if !all {
        apis.retain(|name, _| CHOSEN.contains(&name.as_str()));
        assert_eq!(apis.len(), CHOSEN.len(), "one is not there any more");
    }
    apis
}

/// Folders with rules, and their files.
fn find(root: &Path, folder: &Path, apis: &mut BTreeMap<String, Vec<PathBuf>>) {
    let mut files = Vec::new();
    let mut has_rules = false;
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(root, &path, apis);
        } else if path.extension().is_some_and(|kind| kind == "proto") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            has_rules |= text.contains("(google.api.http)");
            files.push(path);
        }
    }
    if has_rules {
        files.sort();
        let name = folder.strip_prefix(root).expect("below it");
        apis.insert(name.display().to_string(), files);
    }
}

impl Tally {
    fn try_out(&mut self, name: &str, files: &[PathBuf], folder: &Path) {
        self.apis += 1;
        let pool = match compile_in(files, &[folder.to_owned()]) {
            Ok(pool) => pool,
            Err(error) => return self.problems.push(format!("{name}: {error}")),
        };
        let routes = self.routes_of(&pool, files, folder);
        let set = tempfile::NamedTempFile::new().expect("a file");
        fs::write(set.path(), pool.encode_to_vec()).expect("written");
        let services = routes
            .iter()
            .map(|route| route.method.parent_service().full_name().to_owned());
        let services: BTreeSet<_> = services.collect();
        let known = format!(
            "descriptor-set = {:?}\nunannotated = \"refuse\"\nservices = {:?}\n",
            set.path(),
            services.iter().collect::<Vec<_>>()
        );
        let ended = check(&known);
        if let Some(reason) = against_the_rules(&routes) {
            match ended.code() == Some(64) && ended.err.contains(reason) {
                true => self.refused.push(format!("{name}: {reason}")),
                false => self.problems.push(format!("{name}: not refused: {reason}")),
            }
            return;
        }
        if ended.out.lines().last() != Some(&format!("{} routes", routes.len())) {
            let told = ended.err.trim_end();
            let expected = routes.len();
            return self
                .problems
                .push(format!("{name}: not {expected} routes: {told}"));
        }
        self.routes += routes.len();
        self.call_each(name, &routes, &known, pool);
    }

    /// The routes of the services in these files.
    fn routes_of(&mut self, pool: &DescriptorPool, files: &[PathBuf], folder: &Path) -> Vec<Route> {
        let here = |name: &str| files.contains(&folder.join(name));
        let mut routes = Vec::new();
        for service in pool.services() {
            if !here(service.parent_file().name()) {
                continue;
            }
            self.services += 1;
            for method in service.methods() {
                self.methods += 1;
                self.streaming += usize::from(method.is_client_streaming());
                routes.extend(rules(pool, &method));
            }
        }
        routes
    }

    fn call_each(&mut self, name: &str, routes: &[Route], known: &str, pool: DescriptorPool) {
        let backend = Backend::start(pool);
        let (_folder, path) = configuration(&upstream(backend.address(), known));
        let gateway = Process::start(PSPD, Role::Gateway, &["--config", &path]);
        let mut connection = Connection::open(gateway.address()).expect("connected");
        for route in routes {
            if let Err(problem) = call(&mut connection, &backend, route) {
                self.problems.push(format!("{name}: {route}: {problem}"));
            }
        }
    }

    fn and(mut self, other: Tally) -> Tally {
        self.apis += other.apis;
        self.services += other.services;
        self.methods += other.methods;
        self.routes += other.routes;
        self.streaming += other.streaming;
        self.refused.extend(other.refused);
        self.problems.extend(other.problems);
        self
    }
}

/// `pspd gateway check` with this description; nobody needs to be there.
fn check(known: &str) -> Ended {
    let address = "127.0.0.1:9".parse().expect("an address");
    let (_folder, path) = configuration(&upstream(address, known));
    Program::start(PSPD, &["gateway", "check", "--config", &path]).finish()
}

/// What the gateway has to say against these routes, if it has.
fn against_the_rules(routes: &[Route]) -> Option<&'static str> {
    if routes.iter().any(Route::goes_on_after_the_rest) {
        return Some("`**` takes all that is left");
    }
    let shapes: BTreeSet<_> = routes.iter().map(Route::shape).collect();
    (shapes.len() < routes.len()).then_some("is given twice")
}

/// Calls a route with sample values, and compares what comes and what is answered.
fn call(connection: &mut Connection, backend: &Backend, route: &Route) -> Result<(), String> {
    let (path, bound) = route.sample();
    let streams = route.method.is_client_streaming();
    let body = match route.sample_body() {
        body if streams && !body.is_empty() => format!("[{body}]"),
        body => body.to_owned(),
    };
    let sent = connection.send_request(&route.verb, &path, &[], body.as_bytes());
    sent.map_err(|error| error.to_string())?;
    let answer = connection.read_response(&route.verb);
    let answer = answer.map_err(|error| error.to_string())?;
    if streams && body.is_empty() && answer.status() == 426 {
        return Ok(());
    }
    if answer.status() != 200 {
        return Err(format!("{path}: {} {}", answer.status(), answer.text()));
    }
    let calls = backend.take_received();
    let [call] = &calls[..] else {
        return Err(format!("{path}: {} calls", calls.len()));
    };
    if call.method != route.method.full_name() {
        return Err(format!("{path}: reached {}", call.method));
    }
    let message = call.json();
    for (name, value) in bound {
        let names = name.split('.');
        let got = names.fold(&message, |message, name| &message[name]);
        let text = got.as_str().map_or_else(|| got.to_string(), str::to_owned);
        if text != value {
            return Err(format!("{path}: {name} is {text:?} and not {value:?}"));
        }
    }
    let raw = route.method.output().full_name() == "google.api.HttpBody";
    match serde_json::from_slice::<Value>(&answer.body) {
        Err(error) if !raw => Err(format!("{path}: {error} in {}", answer.text())),
        _ => Ok(()),
    }
}
