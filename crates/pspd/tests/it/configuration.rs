//! `pspd config`: the annotated example is the committed one, names every key, and is
//! right with all of it uncommented; `check` tells everything that is wrong at once.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use testkit::{Ended, Program};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

fn pspd(args: &[&str]) -> Ended {
    Program::start(PSPD, args).finish()
}

fn example() -> String {
    let ended = pspd(&["config", "example"]);
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
    ended.out
}

/// What `pspd config check` says of a file with this text.
fn check(text: &str) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pspd.toml");
    fs::write(&path, text).expect("written");
    pspd(&["config", "check", path.to_str().expect("a plain path")])
}

/// With every setting there, at its default.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_committed_example_is_the_programs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pspd.example.toml");
    let committed = fs::read_to_string(path).expect("the repository has docs/pspd.example.toml");
    assert!(
        committed == example(),
        "docs/pspd.example.toml is out of date; write it anew with \
         `cargo run -- config example > docs/pspd.example.toml`"
    );
}

#[test]
fn the_example_is_right_as_it_is_and_with_everything_in_it() {
    let ended = check(&example());
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(ended.out.contains("nothing is set"), "{}", ended.out);

    let all = uncommented(&example());
    let ended = check(&all);
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let sections = "[a], [b], [a-rest], [b-rest], [gateway], [gateway-rest]";
    assert!(ended.out.contains(sections), "{}", ended.out);
    assert!(ended.out.contains("pspd gateway check"), "{}", ended.out);
}

#[test]
fn no_key_is_missing_in_the_example() {
    let schema = pspd(&["gateway", "schema"]).out;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let all: toml::Table = uncommented(&example()).parse().expect("TOML");
    let text = example();
    for (role, section) in schema["properties"].as_object().expect("sections") {
        let given = all[role].as_table().expect("a section");
        let mut wanted: BTreeSet<_> = keys(section).collect();
        wanted.retain(|key| !given.contains_key(*key));
        assert_eq!(wanted, BTreeSet::new(), "[{role}]");
        named(section, &text);
    }
}

fn keys(schema: &Value) -> impl Iterator<Item = &str> {
    let keys = schema["properties"].as_object().into_iter().flatten();
    keys.map(|(key, _)| key.as_str())
}

/// Asserts that every key of every table is told of, as a setting or in words.
fn named(schema: &Value, text: &str) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let forms = [format!("{key} = "), format!("{key}]"), format!("{key}:")];
        let is_verb = ["put", "post", "delete", "patch"].contains(&key.as_str());
        assert!(
            is_verb || forms.iter().any(|form| text.contains(form)),
            "nothing is told of {key}"
        );
        named(schema, text);
        named(&schema["items"], text);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let ended = check(
        "[a]\nport = 70000\n[b-rest]\nprot = 1\n[gateway]\ncall-timeout = \"soon\"\n\
         client-rate = \"fast\"\njwt-keys = \"none.json\"\n[[gateway.upstreams]]\n\
         address = \"nowhere\"\n[gateway-rest]\na-rest = \"ftp://x\"\n",
    );
    assert_eq!(ended.code(), Some(64));
    for expected in [
        "7 settings cannot be used:",
        "port = \"70000\" (in ",
        "pspd.toml:4: b-rest.prot: no such key; did you mean port?",
        "pspd.toml:6): not a time",
        "pspd.toml:7): not a rate; give requests by time, such as 100/s",
        "none.json: No such file",
        "pspd.toml:9: upstreams[0]",
        "a-rest = \"ftp://x\"",
    ] {
        assert!(ended.err.contains(expected), "{expected} in {}", ended.err);
    }
}

#[test]
fn a_file_that_is_not_there() {
    let ended = pspd(&["config", "check", "/nowhere/pspd.toml"]);
    assert_eq!(ended.code(), Some(64));
    assert!(
        ended.err.contains("cannot read /nowhere/pspd.toml"),
        "{}",
        ended.err
    );
    assert!(!Path::new("/nowhere").exists());
}
