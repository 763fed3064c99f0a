//! A configuration that changes while the gateway serves: taken up without a failed
//! request, or refused with every problem told and nothing changed.

use std::{fs, path::Path};

use contract::Role;
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    Process, Program,
    backend::{Backend, Gate, Reply, Step, compile},
    http::{self, Connection, Response},
    until,
};

use super::{PSPD, SCHEMA, data, load::Load, message, method};

/// A gateway with a configuration of its own, in a folder where that can be changed.
struct Changing {
    gateway: Process,
    folder: TempDir,
}

impl Changing {
    #[track_caller]
    fn start(text: &str, args: &[&str]) -> Changing {
        let folder = folder_with(&[("pspd.toml", text)]);
        Changing::start_in(folder, args)
    }

    #[track_caller]
    fn start_in(folder: TempDir, args: &[&str]) -> Changing {
        let path = folder.path().join("pspd.toml");
        let path = path.to_str().expect("a plain path");
        let all = [&["--config", path], args].concat();
        Changing {
            gateway: Process::start(PSPD, Role::Gateway, &all),
            folder,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// In one step, as editors do: half a file is another matter.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let (new, path) = (self.path().join("new"), self.path().join(name));
        fs::write(&new, content).expect("written");
        fs::rename(new, path).expect("renamed");
    }

    /// Writes the configuration anew.
    fn change(&self, text: &str) {
        self.write("pspd.toml", text);
    }

    #[track_caller]
    fn get(&self, target: &str) -> Response {
        http::get(self.gateway.address(), target).expect("an answer")
    }

    /// Waits until `target` is answered so.
    #[track_caller]
    fn until(&self, target: &str, is_so: impl Fn(&Response) -> bool) {
        until(target, || is_so(&self.get(target)).then_some(()));
    }

    #[track_caller]
    fn until_status(&self, target: &str, status: u16) {
        self.until(target, |answer| answer.status() == status);
    }

    /// The messages of the log at this level.
    fn logged(&self, level: &str) -> Vec<Value> {
        let lines = self.gateway.last_lines();
        let entries = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries.filter(|entry| entry["level"] == level).collect()
    }

    /// Waits until something is refused, and says why. Nothing else was logged as an
    /// error.
    #[track_caller]
    fn refused(&self) -> Vec<String> {
        let mut told = until("a refusal", || {
            let told = self.logged("ERROR");
            let told: Vec<_> = told.iter().map(|entry| text(&entry["message"])).collect();
            told.last()?.contains("cannot be used").then_some(told)
        });
        told.pop();
        told
    }

    /// What `pspd gateway check` says of the same file.
    fn check(&self) -> String {
        let path = self.path().join("pspd.toml");
        let path = path.to_str().expect("a plain path");
        let ended = Program::start(PSPD, &["gateway", "check", "--config", path]).finish();
        assert_eq!(ended.code(), Some(64), "{}", ended.out);
        ended.err
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("written");
    }
    folder
}

/// One upstream, described by the files beside these tests.
fn upstream(backend: &Backend) -> String {
    super::upstream(
        backend.address(),
        &super::protos(&["library.proto", "desk.proto"]),
    )
}

fn route(path: &str) -> String {
    let rpc = method("GetShelf");
    format!("[[gateway.routes]]\nrpc = \"{rpc}\"\nget = \"{path}\"\n")
}

/// A library whose shelves have this theme.
fn library(theme: &'static str) -> Backend {
    let backend = Backend::start(SCHEMA.clone());
    backend.answer(&method("GetShelf"), move |_| {
        Reply::message(message("Shelf", json!({"theme": theme, "bookCount": 3})))
    });
    backend
}

/// Streams of events that wait for the test before all but their first.
struct Watching {
    connections: Vec<Connection>,
    gate: Gate,
}

impl Watching {
    /// Begins so many, and waits for their first event.
    #[track_caller]
    fn begin(changing: &Changing, backend: &Backend, number: usize) -> Watching {
        let gate = Gate::default();
        let waits = gate.clone();
        backend.answer(&method("WatchShelf"), move |_| {
            let event = |text: &str| Step::Message(message("Event", json!({"text": text})));
            let wait = || Step::Wait(waits.clone());
            Reply::steps([event("a"), wait(), event("b"), wait(), event("c")])
        });
        let connections = (0..number).map(|_| {
            let mut connection = Connection::open(changing.gateway.address()).expect("connected");
            let accept = [("Accept", "application/x-ndjson")];
            let sent = connection.send_request("GET", "/v1/shelves/7:watch", &accept, b"");
            sent.expect("sent");
            connection
        });
        let connections = connections.collect();
        until("the streams", || {
            let called = backend.received();
            let watching = called
                .iter()
                .filter(|call| call.method == method("WatchShelf"));
            (watching.count() == number).then_some(())
        });
        Watching { connections, gate }
    }

    /// Lets them end, and asserts that nothing of them is missing.
    #[track_caller]
    fn finish(self) {
        self.gate.let_through(2 * self.connections.len());
        for mut connection in self.connections {
            let answer = connection.read_response("GET").expect("a whole answer");
            let expected = "{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"c\"}\n";
            assert_eq!((answer.status(), &*answer.text()), (200, expected));
        }
    }
}

#[test]
fn everything_is_taken_up_under_load_without_a_failed_request() {
    let (before, after) = (library("before"), library("after"));
    let changing = Changing::start(&upstream(&before), &[]);
    let load = Load::on(changing.gateway.address(), 8, "/v1/shelves/7", |answer| {
        answer.status() == 200 && answer.json()["theme"].is_string()
    });
    load.go_on(100);
    let watching = Watching::begin(&changing, &before, 8);

    // A route more, and another in its place.
    changing.change(&(upstream(&before) + &route("/one/{name=**}")));
    changing.until_status("/one/x", 200);
    changing.change(&(upstream(&before) + &route("/two/{name=**}")));
    changing.until_status("/two/x", 200);
    changing.until_status("/one/x", 404);

    // How JSON looks, of all routes.
    let json = "[gateway.json]\nnames = \"original\"\n";
    changing.change(&(upstream(&before) + json));
    changing.until("/v1/shelves/7", |answer| answer.json()["book_count"] == "3");

    // Limits and policies.
    let settings = "[gateway]\nheader-bytes-max = 1000\ncors = \"http://a.example\"\n";
    let long = format!("/v1/shelves/{}", "7".repeat(2000));
    assert_eq!(changing.get(&long).status(), 200);
    changing.change(&(settings.to_owned() + &upstream(&before)));
    changing.until_status(&long, 431);
    let origin = "access-control-allow-origin";
    changing.until("/v1/shelves/7", |answer| answer.header(origin).is_none());

    // Where the server is. The old one is let go when its last call is over.
    changing.change(&upstream(&after));
    changing.until("/v1/shelves/7", |answer| answer.json()["theme"] == "after");
    assert_eq!(changing.get(&long).status(), 200);
    load.go_on(500);
    assert!(before.connections() > 0);
    watching.finish();
    until("the connections to go", || {
        (before.connections() == 0).then_some(())
    });
    assert_eq!(before.cancelled(), Vec::<String>::new());

    // How it is connected to.
    let text = format!("[gateway]\nupstream-connections = 1\n{}", upstream(&after));
    let each = after.connections();
    changing.change(&text);
    until("fewer connections", || {
        (after.connections() < each).then_some(())
    });
    load.go_on(500);
    assert_eq!(load.stop(), Vec::<String>::new());
    assert_eq!(changing.logged("ERROR"), Vec::<Value>::new());
}

/// One server after the other is replaced: a new one is added, then the old one is
/// taken out, and stopped once nothing is connected to it.
#[test]
fn servers_are_replaced_one_by_one_without_a_failed_request() {
    let upstream = |servers: &[&Backend]| {
        let addresses: Vec<_> = servers
            .iter()
            .map(|one| one.address().to_string())
            .collect();
        let protos = super::protos(&["library.proto"]);
        format!("[[gateway.upstreams]]\nname = \"library\"\naddresses = {addresses:?}\n{protos}")
    };
    let mut servers = vec![library("0"), library("1")];
    let named = |servers: &[Backend]| upstream(&servers.iter().collect::<Vec<_>>());
    let changing = Changing::start(&named(&servers), &[]);
    let load = Load::on(changing.gateway.address(), 8, "/v1/shelves/7", |answer| {
        answer.status() == 200
    });
    load.go_on(100);
    for theme in ["2", "3", "4"] {
        servers.push(library(theme));
        changing.change(&named(&servers));
        changing.until("/v1/shelves/7", |answer| answer.json()["theme"] == theme);
        let old = servers.remove(0);
        changing.change(&named(&servers));
        until("the old one to be left", || {
            (old.connections() == 0).then_some(())
        });
        drop(old);
        load.go_on(100);
    }
    assert_eq!(load.stop(), Vec::<String>::new());
    assert_eq!(changing.logged("ERROR"), Vec::<Value>::new());
}

#[test]
fn connections_to_what_stays_are_kept() {
    let (stays, goes) = (library("stays"), library("goes"));
    let other = |backend: &Backend| {
        let protos = super::protos(&["other.proto"]);
        super::upstream(backend.address(), &protos).replace("backend", "other")
    };
    let changing = Changing::start(&(upstream(&stays) + &other(&goes)), &["--workers", "1"]);
    until("all connections", || {
        // Two of the worker's and two of the administration's.
        (stays.connections() == 4 && goes.connections() == 4).then_some(())
    });
    let watching = Watching::begin(&changing, &stays, 1);
    changing.change(&(upstream(&stays) + &route("/one/{name=**}")));
    changing.until_status("/one/x", 200);
    until("the other's end", || {
        (goes.connections() == 0).then_some(())
    });
    // New ones would be there beside those of the stream.
    assert_eq!(stays.connections(), 4);
    watching.finish();
}

#[test]
fn what_cannot_be_served_changes_nothing_and_is_told_as_by_check() {
    let backend = library("x");
    let right = upstream(&backend) + &route("/one/{name=**}");
    let changing = Changing::start(&right, &[]);
    let load = Load::on(changing.gateway.address(), 4, "/one/x", |answer| {
        answer.status() == 200
    });

    // Of each kind of mistake: the notation, the shape, values, what they mean together.
    let mistakes = [
        (1, "[gateway\n".to_owned() + &right),
        (3, format!("{right}gett = 1\nbody = 7\n[gateway.jsn]\n")),
        (
            2,
            format!("[gateway]\ncors = \"x\"\nlog = \"loud\"\n{right}"),
        ),
        (
            2,
            right
                .replace("/one/{", "one{")
                .replace("127.0.0.1:", "nowhere"),
        ),
        (1, right.clone() + &route("/one/{name=**}")),
        (1, right.replace("library.proto", "no-such.proto")),
    ];
    for (number, wrong) in mistakes {
        let changing = Changing::start(&right, &[]);
        changing.change(&wrong);
        let told = changing.refused();
        assert_eq!(told.len(), number, "{wrong}\n{told:#?}");
        let checked = changing.check();
        for problem in told {
            assert!(
                checked.contains(&problem),
                "{problem}\nis not in\n{checked}"
            );
        }
        assert_eq!(changing.get("/one/x").status(), 200);
        // And mended.
        changing.change(&(right.clone() + &route("/two/{name=**}")));
        changing.until_status("/two/x", 200);
    }

    // A file that is empty, or gone for a while.
    changing.change("");
    let told = changing.refused();
    assert!(told[0].ends_with(" is empty"), "{told:?}");
    fs::remove_file(changing.path().join("pspd.toml")).expect("removed");
    until("the other refusal", || {
        let told = changing.refused();
        told.iter()
            .any(|told| told.starts_with("cannot read "))
            .then_some(())
    });
    changing.change(&(right + &route("/two/{name=**}")));
    changing.until_status("/two/x", 200);
    assert_eq!(load.stop(), Vec::<String>::new());
}

#[test]
fn what_cannot_change_is_named_and_the_rest_taken_up() {
    let backend = library("x");
    let right = upstream(&backend);
    let changing = Changing::start(&right, &[]);
    let fixed = "[gateway]\nport = 1\nworkers = 7\naccess-log = \"json\"\nvalues-max = 5\n";
    changing.change(&(fixed.to_owned() + &right + &route("/one/{name=**}")));
    changing.until_status("/one/x", 200);
    let warned = until("the warnings", || {
        let warned = changing.logged("WARN");
        let keys: Vec<_> = warned.iter().map(|entry| text(&entry["key"])).collect();
        (keys.len() >= 2).then_some(keys)
    });
    // The port is given on the command line, as every test's is.
    assert_eq!(warned, ["access-log", "workers"]);
}

#[test]
fn flags_win_over_the_file_that_changes() {
    let backend = library("x");
    let right = upstream(&backend);
    let flags = ["--header-bytes-max", "500"];
    let changing = Changing::start(&right, &flags);
    let long = format!("/v1/shelves/{}", "7".repeat(1000));
    assert_eq!(changing.get(&long).status(), 431);
    let settings = "[gateway]\nheader-bytes-max = 5000\n";
    changing.change(&(settings.to_owned() + &right + &route("/one/{name=**}")));
    changing.until_status("/one/x", 200);
    assert_eq!(changing.get(&long).status(), 431);
}

const NOTES: &str = r#"syntax = "proto3";
package notes.v1;
import "note.proto";
service Notes { rpc Read(Note) returns (Note); }
"#;

/// Notes, described by files in the folder; what is asked is answered.
fn notes(source: &str, files: &[(&str, &str)]) -> (Backend, Changing) {
    let backend = Backend::start(compile(&[data("notes_after.proto")]));
    let address = backend.address();
    let text = format!("[[gateway.upstreams]]\naddress = \"{address}\"\n{source}\n");
    let folder = folder_with(&[files, &[("pspd.toml", &text)]].concat());
    let changing = Changing::start_in(folder, &[]);
    (backend, changing)
}

/// What a message of `note.proto` with this field is answered with.
fn read(changing: &Changing, field: &str) -> (u16, Value) {
    let body = json!({field: "t"}).to_string();
    let target = "/notes.v1.Notes/Read";
    let address = changing.gateway.address();
    let answer = http::request(address, "POST", target, &[], body.as_bytes()).expect("an answer");
    (answer.status(), answer.json())
}

#[track_caller]
fn until_read(changing: &Changing, field: &str) {
    until(field, || {
        let (status, answer) = read(changing, field);
        (status == 200 && answer == json!({field: "t"})).then_some(())
    });
}

fn note(field: &str) -> String {
    format!("syntax = \"proto3\";\npackage notes.v1;\nmessage Note {{ string {field} = 1; }}\n")
}

#[test]
fn a_proto_file_and_what_it_imports_are_followed() {
    let files = [("notes.proto", NOTES), ("note.proto", &note("first"))];
    let (_backend, changing) = notes("protos = [\"notes.proto\"]", &files);
    until_read(&changing, "first");
    let load = Load::on(changing.gateway.address(), 4, "/healthz", |answer| {
        answer.status() == 200
    });
    // What is imported.
    changing.write("note.proto", note("second"));
    until_read(&changing, "second");
    assert_eq!(read(&changing, "first").0, 400);
    // The file itself, with what is not there yet.
    changing.write("notes.proto", NOTES.replace("note.proto", "other.proto"));
    let told = changing.refused();
    assert!(told.concat().contains("other.proto"), "{told:?}");
    until_read(&changing, "second");
    // It comes, but not as it should be; then it does.
    changing.write("other.proto", note("third").replace("string", "sting"));
    let told = until("another refusal", || {
        let told = changing.refused();
        told.concat().contains("sting").then_some(told)
    });
    assert_eq!(read(&changing, "second").0, 200, "{told:?}");
    changing.write("other.proto", note("third"));
    until_read(&changing, "third");
    assert_eq!(load.stop(), Vec::<String>::new());
}

#[test]
fn a_descriptor_set_and_a_service_configuration_are_followed() {
    let set = |name: &str| -> DescriptorPool { compile(&[data(name)]) };
    let rule = |path: &str| {
        format!(
            "type: google.api.Service\nhttp:\n  rules:\n  - selector: notes.v1.Notes.Read\n    \
             get: {path}\n"
        )
    };
    let source = "descriptor-set = \"set.binpb\"\nservice-config = \"rules.yaml\"";
    let folder = folder_with(&[("rules.yaml", &rule("/one/{name}"))]);
    let backend = Backend::start(set("notes_after.proto"));
    let address = backend.address();
    let text = format!("[[gateway.upstreams]]\naddress = \"{address}\"\n{source}\n");
    fs::write(folder.path().join("pspd.toml"), text).expect("written");
    let before = set("notes_before.proto").encode_to_vec();
    fs::write(folder.path().join("set.binpb"), before).expect("written");
    let changing = Changing::start_in(folder, &[]);
    assert_eq!(changing.get("/one/a").status(), 200);
    changing.write("rules.yaml", rule("/two/{name}"));
    changing.until_status("/two/a", 200);
    assert_eq!(changing.get("/one/a").status(), 404);
    changing.write("set.binpb", set("notes_after.proto").encode_to_vec());
    // There is a method more, for another verb.
    changing.until_status("/v1/notes/a", 405);
}

/// As Kubernetes lays out a ConfigMap, and changes it: all files at once, by a symlink
/// two levels up.
#[cfg(unix)]
#[test]
fn a_config_map_is_followed() {
    use std::os::unix::fs::symlink;

    let backend = Backend::start(compile(&[data("notes_after.proto")]));
    let address = backend.address();
    let text =
        format!("[[gateway.upstreams]]\naddress = \"{address}\"\nprotos = [\"notes.proto\"]\n");
    let folder = tempfile::tempdir().expect("a folder");
    let version = |folder: &Path, field: &str| {
        fs::create_dir(folder).expect("a folder");
        let note = note(field);
        for (name, text) in [
            ("pspd.toml", &*text),
            ("notes.proto", NOTES),
            ("note.proto", &note),
        ] {
            fs::write(folder.join(name), text).expect("written");
        }
    };
    version(&folder.path().join("..1"), "first");
    symlink("..1", folder.path().join("..data")).expect("a symlink");
    for name in ["pspd.toml", "notes.proto", "note.proto"] {
        symlink(Path::new("..data").join(name), folder.path().join(name)).expect("a symlink");
    }
    let changing = Changing::start_in(folder, &[]);
    let folder = changing.path();
    until_read(&changing, "first");
    for (before, after, field) in [("..1", "..2", "second"), ("..2", "..3", "third")] {
        version(&folder.join(after), field);
        symlink(after, folder.join("..data_tmp")).expect("a symlink");
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).expect("renamed");
        fs::remove_dir_all(folder.join(before)).expect("removed");
        until_read(&changing, field);
    }
    assert_eq!(changing.logged("ERROR"), Vec::<Value>::new());
}

/// As editors save: into a file beside it, which takes its place.
#[test]
fn a_file_that_is_replaced_is_followed() {
    let backend = library("x");
    let changing = Changing::start(&upstream(&backend), &[]);
    for path in ["/one/{name=**}", "/two/{name=**}"] {
        changing.write("pspd.toml~", upstream(&backend) + &route(path));
        let (from, to) = (
            changing.path().join("pspd.toml~"),
            changing.path().join("pspd.toml"),
        );
        fs::rename(from, to).expect("renamed");
        changing.until_status(&path.replace("{name=**}", "x"), 200);
    }
    assert_eq!(changing.logged("ERROR"), Vec::<Value>::new());
}

/// Servers that describe themselves: the one that stays is not asked again, the one
/// that comes is asked before it is used.
#[test]
fn a_server_with_reflection_takes_the_place_of_another() {
    let (before, after) = (library("before"), library("after"));
    let reflected = |backend: &Backend| {
        format!(
            "[[gateway.upstreams]]\naddress = \"{}\"\n",
            backend.address()
        )
    };
    let changing = Changing::start(&reflected(&before), &[]);
    let load = Load::on(changing.gateway.address(), 4, "/v1/shelves/7", |answer| {
        answer.status() == 200
    });
    changing.change(&reflected(&after));
    changing.until("/v1/shelves/7", |answer| answer.json()["theme"] == "after");
    load.go_on(100);
    assert_eq!(load.stop(), Vec::<String>::new());
    until("the connections to go", || {
        (before.connections() == 0).then_some(())
    });
}
