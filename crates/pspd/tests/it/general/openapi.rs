//! The gateway's OpenAPI documents, judged by programs that others wrote:
//! openapi-spec-validator reads them, for our own services and for Google's, and
//! schemathesis makes requests of them, right ones and wrong ones, and compares what a
//! running gateway answers with what the document says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use contract::Role;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Ended, Program, Tool, Whole, http, need, run};

use super::{Library, PSPD, configuration, google, protos, upstream};
use crate::clients::script;

/// Requests of one kind for each operation.
const EXAMPLES: &str = "20";
/// APIs of Google whose rules can be served, of those that are tried.
const GOOGLE_MIN: usize = 20;

#[test]
fn documents_of_the_services_are_valid() {
    let Some(python) = need(Tool::OpenApi) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let address = "127.0.0.1:9".parse().expect("an address");
    let ours = upstream(address, &protos(&["library.proto", "desk.proto"]));
    let full = "[gateway.json]\nnames = \"original\"\nenums = \"numbers\"\ndefaults = \"write\"\n\
                unknown-fields = \"ignore\"\n[gateway]\nerrors = \"published\"\n";
    let documents = [
        save(&folder, "built-in", &document(&[])),
        save(&folder, "library", &document_of(&ours)),
        save(&folder, "full", &document_of(&(full.to_owned() + &ours))),
    ];
    validate(&python, &documents);
}

#[test]
fn documents_of_google_are_valid() {
    let (Some(python), Some(protos)) = (need(Tool::OpenApi), need(Tool::GoogleProtos)) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let address = "127.0.0.1:9".parse().expect("an address");
    let mut documents = Vec::new();
    for (name, files) in google::chosen(&protos) {
        let known =
            format!("protos = {files:?}\nincludes = [{protos:?}]\nunannotated = \"refuse\"\n");
        let (_folder, path) = configuration(&upstream(address, &known));
        // Thousands of routes take a while without optimisation, and nothing is waited
        // for that might not come.
        let mut command = Command::new(PSPD);
        command.args(["gateway", "openapi", "--config", &path]);
        let ended = command.output().expect("it runs");
        // Those whose rules break the rules are refused, as another test says.
        if ended.status.code() != Some(64) {
            let path = folder.path().join(name.replace('/', "-") + ".json");
            fs::write(&path, ended.stdout).expect("written");
            documents.push(path);
        }
    }
    assert!(documents.len() >= GOOGLE_MIN, "{documents:?}");
    validate(&python, &documents);
}

#[test]
fn a_library_answers_as_its_document_says() {
    let Some(python) = need(Tool::OpenApi) else {
        return;
    };
    let library = Library::start();
    let gateway = format!("http://{}", library.address());
    run(&mut tested(&python, &gateway));
}

#[test]
fn the_laboratory_answers_as_its_document_says() {
    let Some(python) = need(Tool::OpenApi) else {
        return;
    };
    let whole = Whole::start(PSPD);
    let gateway = format!("http://{}", whole.address(Role::Gateway));
    run(&mut tested(&python, &gateway));
}

#[test]
fn the_printed_document_is_the_served_one() {
    let library = Library::start();
    let served = library.get("/openapi.json");
    assert_eq!(served.status(), 200);
    let known = protos(&["library.proto", "desk.proto"]);
    let printed = document_of(&upstream(library.backend.address(), &known));
    let printed: Value = serde_json::from_str(&printed.out).expect("JSON");
    assert_eq!(served.json(), printed);
    // By reflection there is the same to know, but for the comments.
    let address = library.backend.address().to_string();
    let reflected = document(&["--upstream", &address]);
    let reflected: Value = serde_json::from_str(&reflected.out).expect("JSON");
    assert_eq!(printed["paths"], reflected["paths"]);
}

#[test]
fn documentation_can_be_refused() {
    let library = Library::start_with("[gateway]\ndocs = \"refuse\"\n", &[]);
    for path in ["/openapi.json", "/docs", "/docs.js", "/docs.css"] {
        assert_eq!(library.get(path).status(), 404, "{path}");
    }
    let known = protos(&["library.proto", "desk.proto"]);
    let off = "[gateway]\ndocs = \"refuse\"\n".to_owned();
    let ended = document_of(&(off + &upstream(library.backend.address(), &known)));
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
}

#[test]
fn a_server_that_is_not_there_has_no_document() {
    let ended = document(&["--upstream", "127.0.0.1:9"]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.out.is_empty(), "{}", ended.out);
    assert!(ended.err.contains("127.0.0.1:9"), "{}", ended.err);
}

#[test]
fn the_document_changes_with_the_services() {
    let library = Library::start();
    let first = library.get("/openapi.json");
    let tag = first.header("etag").expect("a tag").to_owned();
    let known = |given: &str| {
        let answer = library.request("GET", "/openapi.json", &[("if-none-match", given)], "");
        answer.status()
    };
    assert_eq!(known(&tag), 304);
    assert_eq!(known(&format!("\"other\", W/{tag}")), 304);
    assert_eq!(known("*"), 304);
    assert_eq!(known("\"other\""), 200);
    let answer = http::request(library.address(), "POST", "/openapi.json", &[], b"");
    assert_eq!(answer.expect("an answer").status(), 405);
}

/// `pspd gateway openapi` with these arguments.
fn document(args: &[&str]) -> Ended {
    let mut all = vec!["gateway", "openapi"];
    all.extend(args);
    Program::start(PSPD, &all).finish()
}

fn document_of(text: &str) -> Ended {
    let (_folder, path) = configuration(text);
    document(&["--config", &path])
}

/// Writes a printed document into a file.
#[track_caller]
fn save(folder: &TempDir, name: &str, printed: &Ended) -> PathBuf {
    assert_eq!(printed.code(), Some(0), "{name}: {}", printed.err);
    let path = folder.path().join(format!("{name}.json"));
    fs::write(&path, &printed.out).expect("written");
    path
}

fn validate(python: &Path, documents: &[PathBuf]) {
    let printed = run(Command::new(python)
        .arg(script("openapi_validate.py"))
        .args(documents));
    let valid = printed.lines().filter(|line| line.starts_with("ok "));
    assert_eq!(valid.count(), documents.len(), "{printed}");
}

/// Schemathesis with the same requests every time, as many as a test has time for.
fn tested(python: &Path, gateway: &str) -> Command {
    let config = script("openapi_schemathesis.toml");
    let mut command = Command::new(python);
    command
        .env("SCHEMATHESIS_HOOKS", "openapi_hooks")
        .env("PYTHONPATH", config.parent().expect("a folder"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(&config)
        .arg("run")
        .arg(format!("{gateway}/openapi.json"))
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples"])
        .args([EXAMPLES, "--generation-deterministic", "--no-color"])
        .args(["--continue-on-failure", "--request-timeout", "20"])
        .current_dir(std::env::temp_dir());
    command
}
