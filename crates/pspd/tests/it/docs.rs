//! `docs/gateway.md` is true, as far as a program can tell: its files are a
//! configuration that is accepted and listed as it says, its commands run, its keys
//! and flags exist, no key is left out, and the statuses are those that a client
//! gets. What it says of other gateways is not checked.

mod limits;
mod security;
mod statuses;

use std::{fs, path::Path, sync::LazyLock};

use contract::Role;
use prost_reflect::DescriptorPool;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    Ended, Process, Program,
    backend::{self, Backend},
    http,
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

pub(crate) static PAGE: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md");
    fs::read_to_string(path).expect("the repository has docs/gateway.md")
});

/// The page's files in a folder of their own.
struct Files {
    folder: TempDir,
    pool: DescriptorPool,
}

impl Files {
    fn write() -> Files {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            fs::write(folder.path().join(name), content).expect("written");
        };
        write("library.proto", fence("proto", 0).as_bytes());
        write("library.yaml", fence("yaml", 0).as_bytes());
        let pool = backend::compile(&[folder.path().join("library.proto")]);
        write("library.binpb", &pool.encode_to_vec());
        Files { folder, pool }
    }

    /// What `pspd gateway check` says of a configuration beside them.
    fn check(&self, configuration: &str) -> Ended {
        let path = self.path().join("pspd.toml");
        fs::write(&path, configuration).expect("written");
        let path = path.to_str().expect("a plain path");
        Program::start(PSPD, &["gateway", "check", "--config", path]).finish()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The `nth` block of this language.
fn fence(language: &str, nth: usize) -> String {
    let begin = format!("\n```{language}\n");
    let after = PAGE.split(begin.as_str()).nth(nth + 1);
    let after = after.unwrap_or_else(|| panic!("no block {nth} of {language}"));
    let (block, _) = after.split_once("\n```").expect("an end");
    format!("{block}\n")
}

/// The rows of the table below this heading that has this first column.
fn rows(heading: &str, first: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split(&format!("\n## {heading}\n")).nth(1);
    let section = section.unwrap_or_else(|| panic!("no section {heading}"));
    let cells = |line: &'static str| -> Vec<&str> {
        let line = line.trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(str::trim).collect()
    };
    let lines = section.lines();
    let lines = lines.skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    let rows: Vec<_> = table.map(cells).collect();
    assert!(!rows.is_empty(), "no table {first} below {heading}");
    rows
}

/// What stands in backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn help(args: &[&str]) -> String {
    let ended = Program::start(PSPD, &[args, &["--help"]].concat()).finish();
    assert_eq!(ended.code(), Some(0), "{args:?}: {}", ended.err);
    ended.out
}

#[test]
fn the_example_is_accepted_and_listed_as_told() {
    let files = Files::write();
    let ended = files.check(&fence("toml", 0));
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
    let folder = format!("{}/", files.path().display());
    assert_eq!(ended.out.replace(&folder, ""), fence("text", 0));

    let ended = files.check(&fence("toml", 1));
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
    for route in ["POST   /shelves/{name}", "REPORT /shelf"] {
        assert!(ended.out.contains(route), "{}", ended.out);
    }
}

#[test]
fn every_key_is_told_and_no_other_is_accepted() {
    let files = Files::write();
    let told = fence("toml", 0) + &fence("toml", 1);
    let told: Vec<_> = told
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .collect();
    let printed = Program::start(PSPD, &["gateway", "schema"]).finish().out;
    let schema: Value = serde_json::from_str(&printed).expect("JSON");
    // What the keys of settings mean, `--help` says.
    let keys = schema["properties"]["gateway"]["properties"].as_object();
    let services = keys.expect("keys").iter().filter(|(_, schema)| {
        let items = &schema["items"];
        schema["properties"].is_object() || items["properties"].is_object()
    });
    let mut tables = 0;
    for (section, schema) in services {
        let header = match schema["items"].is_object() {
            true => format!("[[gateway.{section}]]\n"),
            false => format!("[gateway.{section}]\n"),
        };
        check_keys(
            &files,
            &told,
            &header,
            &format!("gateway.{section}"),
            schema,
            &mut tables,
        );
    }
    assert!(tables >= 7, "{tables}");
}

/// Asserts that every key of a table is told, those of tables in it too, and that a key
/// that none of them has is refused there.
fn check_keys(
    files: &Files,
    told: &[&str],
    header: &str,
    place: &str,
    schema: &Value,
    tables: &mut usize,
) {
    let of_items = &schema["items"]["properties"];
    let keys = of_items
        .as_object()
        .or_else(|| schema["properties"].as_object());
    let Some(keys) = keys else { return };
    *tables += 1;
    let ended = files.check(&format!("{header}no-such-key = 1\n"));
    assert_eq!(ended.code(), Some(64), "{place}: {}", ended.out);
    assert!(
        ended.err.contains(".no-such-key: no such key"),
        "{}",
        ended.err
    );
    for (key, schema) in keys {
        assert!(
            told.contains(&&**key),
            "{place}: nothing is told of {key:?}"
        );
        let (place, mut header) = (format!("{place}.{key}"), header.to_owned());
        header += &format!("[{place}]\n");
        check_keys(files, told, &header, &place, schema, tables);
    }
}

#[test]
fn every_flag_in_it_exists() {
    let help =
        help(&["serve", "gateway"]) + &help(&["gateway", "explain"]) + &help(&["gateway", "check"]);
    let known: Vec<_> = flags(&help).collect();
    // Those with an underscore are protoc's.
    let named: Vec<_> = flags(&PAGE).filter(|flag| !flag.contains('_')).collect();
    assert!(named.len() > 10, "{named:?}");
    for flag in named {
        assert!(known.contains(&flag), "there is no {flag}");
    }
}

fn flags(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    words.filter(|word| word.starts_with("--") && !word.trim_matches('-').is_empty())
}

#[test]
fn what_is_spelled_for_others_is_accepted() {
    let files = Files::write();
    let known = help(&["serve", "gateway"]);
    let known: Vec<_> = flags(&known).collect();
    let mut accepted = 0;
    for row in rows("Coming from Envoy or grpc-gateway", "what") {
        assert_eq!(row.len(), 4, "{row:?}");
        let here = row[3];
        let mut proved = here.starts_with("Always") || here.starts_with("Not there");
        for span in spans(here) {
            if span.starts_with("--") {
                assert!(known.contains(&span), "{row:?}: there is no {span}");
            } else if let Some(command) = span.strip_prefix("pspd ") {
                help(&command.split(' ').collect::<Vec<_>>());
            } else if span.contains(" = ") {
                accept(&files, span);
                accepted += 1;
            } else {
                continue;
            }
            proved = true;
        }
        assert!(proved, "{row:?}: say a key, a flag, Always or Not there");
    }
    assert!(accepted > 15, "{accepted}");
}

/// Asserts that an assignment is accepted in one of the sections.
#[track_caller]
fn accept(files: &Files, assignment: &str) {
    let key = assignment.split(' ').next().unwrap_or_default();
    let source = match key {
        "protos" | "descriptor-set" => "",
        _ => "protos = [\"library.proto\"]\n",
    };
    let address = match key {
        "address" | "addresses" => "",
        _ => "address = \"library:9000\"\n",
    };
    let path = match key {
        "get" => "",
        _ => "get = \"/other\"\n",
    };
    let upstream = format!("[[gateway.upstreams]]\n{source}{address}");
    let rpc = "rpc = \"library.v1.Library.ListBooks\"";
    let places = [
        format!("[gateway]\n{assignment}\n{upstream}"),
        format!("{upstream}{assignment}\n"),
        format!("{upstream}[[gateway.routes]]\n{rpc}\n{path}{assignment}\n"),
    ];
    let mut refusals = String::new();
    for place in places {
        let ended = files.check(&place);
        if ended.code() == Some(0) {
            return;
        }
        refusals += &ended.err;
    }
    panic!("{assignment} is accepted nowhere:\n{refusals}");
}

#[test]
fn its_commands_run() {
    let files = Files::write();
    let backend = Backend::start(files.pool.clone());
    let address = backend.address().to_string();
    let page = PAGE.replace("localhost:9000", &address);
    let lines = page.lines();
    let commands: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("$ pspd "))
        .collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in commands {
        // Every other piece was between apostrophes.
        let args = command
            .split('\'')
            .enumerate()
            .flat_map(|(index, piece)| match index % 2 {
                0 => piece.split_whitespace().collect(),
                _ => vec![piece],
            });
        let args: Vec<_> = args.collect();
        if let ["serve", "gateway", flags @ ..] = &args[..] {
            let gateway = Process::start(PSPD, Role::Gateway, flags);
            let answer = http::get(gateway.address(), "/v1/shelves/7").expect("an answer");
            assert_eq!(answer.text(), r#"{"name":"shelves/7"}"#);
        } else {
            let ended = Program::start(PSPD, &args).finish();
            assert_eq!(
                ended.code(),
                Some(0),
                "{command}: {}{}",
                ended.out,
                ended.err
            );
        }
    }
}
