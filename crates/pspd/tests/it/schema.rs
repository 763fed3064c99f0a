//! The JSON Schema of the configuration file: the committed copy is the program's own,
//! every key is explained in it, and a validator that was written elsewhere accepts
//! with it what the program accepts and refuses what the program refuses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use testkit::{Ended, Program, Tool, need, run};

use crate::{clients::script, docs::PAGE};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// What the program prints.
fn schema() -> Value {
    let ended = Program::start(PSPD, &["gateway", "schema"]).finish();
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
    serde_json::from_str(&ended.out).expect("JSON")
}

#[test]
fn the_committed_schema_is_the_programs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pspd.schema.json");
    let text = fs::read_to_string(path).expect("the repository has docs/pspd.schema.json");
    let committed: Value = serde_json::from_str(&text).expect("JSON");
    assert!(
        committed == schema(),
        "docs/pspd.schema.json is out of date; write it anew with \
         `cargo run -- gateway schema > docs/pspd.schema.json`"
    );
}

#[test]
fn every_key_is_explained() {
    let mut keys = 0;
    each_key(&schema(), &mut |key, schema| {
        keys += 1;
        let description = schema["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.'), "{key}: {schema}");
    });
    assert!(keys > 100, "{keys}");
}

/// Every key that a file may have, with its schema.
fn each_key(schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        visit(key, schema);
        each_key(schema, visit);
        each_key(&schema["items"], visit);
    }
}

/// A file of a configuration, and whether it can be used.
enum Case {
    Right(String),
    Wrong(String),
}

/// The examples of the documentation.
fn examples() -> Vec<Case> {
    let blocks = PAGE.split("\n```toml\n").skip(1);
    let blocks: Vec<_> = blocks
        .filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| Case::Right(block.to_owned()))
        .collect();
    assert!(blocks.len() >= 2, "{}", blocks.len());
    blocks
}

/// Values in every way that they can be spelled.
fn spellings() -> Case {
    let lists = "cors = [\"http://a\", \"https://b:1\"]\nupstream = [\"[::1]:1\", \"a-b.c:2\"]";
    let text = format!(
        "[gateway]\nport = \"8080\"\nhost = \"::1\"\nadmin-host = \"all\"\nworkers = \"auto\"\n\
         log = \"INFO\"\nlog-format = \"json\"\naccess-log = \"off\"\ncall-timeout = \"1m 30s\"\n\
         stream-timeout = \"2 hours\"\nkeep-alive = \"1500ms\"\nin-flight-max = 5\n{lists}\n\
         [gateway-rest]\ncors = \"http://a, http://b\"\na-rest = \"http://a/base\"\nworkers = 4\n\
         [b]\ndelay-ms-max = 0\nport = 0\n"
    );
    Case::Right(text)
}

/// Something wrong each, in every part of a file.
fn mistakes() -> Vec<Case> {
    let upstream = "[[gateway.upstreams]]\naddress = \"a:1\"\ndescriptor-set = \"x\"\n";
    let route = format!("{upstream}[[gateway.routes]]\nrpc = \"a.B.C\"\n");
    [
        "colour = 1",
        "[c]\nport = 1",
        "gateway = 1",
        "[a]\nprot = 1",
        "[gateway]\nport = 70000",
        "[gateway]\nport = -1",
        "[gateway]\nport = 1.5",
        "[gateway]\nport = \"http\"",
        "[gateway]\nhost = \"here\"",
        "[gateway]\nworkers = 0",
        "[gateway]\nworkers = true",
        "[gateway]\nconnections-max = 0",
        "[gateway]\ncall-timeout = 5",
        "[gateway]\ncall-timeout = \"5\"",
        "[gateway]\ncall-timeout = \"five seconds\"",
        "[gateway]\nlog = \"loud\"",
        "[gateway]\nlog-format = \"xml\"",
        "[gateway]\naccess-log = \"xml\"",
        "[gateway]\ncors = [\"example.org\"]",
        "[gateway]\ncors = \"everybody\"",
        "[gateway]\na-addr = \"localhost\"",
        "[gateway]\nupstream = \"a:1,b\"",
        "[gateway-rest]\na-rest = \"localhost:1\"",
        "[b]\ndelay-ms-max = -1",
        "[gateway]\nerrors = \"none\"",
        "[gateway.upstreams]\naddress = \"a:1\"",
        "[[gateway.upstreams]]\naddress = \"nowhere\"",
        "[[gateway.upstreams]]\naddress = \"a:1\"\nprotos = \"x.proto\"",
        "[[gateway.upstreams]]\naddress = \"a:1\"\nunannotated = \"maybe\"",
        "[[gateway.upstreams]]\naddress = \"a:1\"\ndescriptor-set = \"x\"\nprotos = [\"x\"]",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(
        [
            "",
            "get = \"shelves\"",
            "get = \"/a\"\npost = \"/b\"",
            "get = \"/a\"\nbodi = \"*\"",
            "get = \"/a\"\ngather = { field = \"x\" }",
            "get = \"/a\"\ngather = { field = \"x\", as = \"y\" }\nresponse-body = \"x\"",
            "get = \"/a\"\nconstants = { a = 1 }\nresponse-body = \"x\"",
            "get = \"/a\"\nquery-defaults = { n = 5 }",
            "get = \"/a\"\njson = { enums = \"both\" }",
            "custom = { kind = \"REPORT\" }",
            "get = \"/a\"\n[gateway.json]\nname = \"json\"",
            "get = \"/a\"\n[gateway.metadata]\nforward = \"authorization\"",
        ]
        .map(|rest| format!("{route}{rest}")),
    )
    .chain([format!("{upstream}[[gateway.routes]]\nget = \"/a\"")])
    .map(Case::Wrong)
    .collect()
}

/// What the role whose section comes first says of a file.
fn check(text: &str, path: &Path) -> Ended {
    let path = path.to_str().expect("a plain path");
    let command = match text.split([']', '.']).next() {
        Some("[b") => ["serve", "b"],
        Some("[gateway-rest") => ["serve", "gateway-rest"],
        _ => ["gateway", "check"],
    };
    Program::start(PSPD, &[&command[..], &["--config", path]].concat()).finish()
}

#[test]
fn a_validator_accepts_and_refuses_what_the_program_does() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    let schema = write("schema.json", &schema().to_string());
    let cases = examples()
        .into_iter()
        .chain([spellings()])
        .chain(mistakes());
    let cases: Vec<_> = cases.collect();
    let mut validate = Command::new(python);
    validate.arg(script("schema.py")).arg(schema);
    let mut paths = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let (Case::Right(text) | Case::Wrong(text)) = case;
        paths.push(write(&format!("{index}.toml"), text));
    }
    let said = run(validate.args(&paths));
    assert_eq!(said.lines().count(), cases.len(), "{said}");
    for ((case, said), path) in cases.iter().zip(said.lines()).zip(&paths) {
        match case {
            Case::Right(text) => {
                assert_eq!(said, "ok", "{text}");
                // The page's examples need its other files; no server is there to be asked.
                let ended = check(text, path);
                let is_usable =
                    ended.code() != Some(64) || ended.err.starts_with("error: upstream ");
                assert!(is_usable, "{text}\n{}", ended.err);
            }
            Case::Wrong(text) => {
                assert_ne!(said, "ok", "the schema accepts\n{text}");
                let ended = check(text, path);
                assert_eq!(ended.code(), Some(64), "the program accepts\n{text}");
                let place = format!("{}:", path.display());
                assert!(ended.err.contains(&place), "{text}\n{}", ended.err);
            }
        }
    }
}
