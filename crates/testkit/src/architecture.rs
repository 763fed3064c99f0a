//! Whether ARCHITECTURE.md tells the truth: every path it names in backticks
//! exists, and its list of crate edges is the one that Cargo sees. In come the
//! document's text and what `cargo metadata` printed; out comes a list of
//! contradictions, empty when there is none. What the document says in words
//! is not checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::Value;

/// A word in backticks that begins so is a path of the repository.
const FOLDERS: [&str; 6] = ["crates/", "proto/", "docs/", "xtask/", ".ci/", ".cargo/"];
/// The crate that others may use in their tests without that being an edge.
const TESTKIT: &str = "testkit";

/// From a crate to the crates of the workspace that it depends on.
pub type Edges = BTreeMap<String, BTreeSet<String>>;

/// Paths in backticks that do not exist below `root`. In a path with a star
/// the part before the star is looked for.
pub fn missing_paths(document: &str, root: &Path) -> Vec<String> {
    let named: BTreeSet<_> = outside_of_fences(document)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(char::is_whitespace))
        .collect();
    named
        .into_iter()
        .filter(|path| {
            let literal = path.split('*').next().unwrap_or_default();
            !root.join(literal).exists()
        })
        .map(|path| format!("`{path}` is named but does not exist"))
        .collect()
}

/// Where the document's edges and the real ones differ, and dependencies of
/// tests that are not allowed.
pub fn wrong_edges(document: &str, cargo_metadata: &str) -> Vec<String> {
    let told = match edges_told(document) {
        Ok(told) => told,
        Err(problem) => return vec![problem],
    };
    let (real, mut problems) = match edges_of(cargo_metadata) {
        Ok(real) => real,
        Err(problem) => return vec![problem],
    };
    for name in real.keys().filter(|name| !told.contains_key(*name)) {
        problems.push(format!("crate {name} has no line"));
    }
    for name in told.keys().filter(|name| !real.contains_key(*name)) {
        problems.push(format!("crate {name} has a line but does not exist"));
    }
    for (name, told) in &told {
        let Some(real) = real.get(name) else { continue };
        for edge in real.difference(told) {
            problems.push(format!("{name} depends on {edge}, which is not allowed"));
        }
        for edge in told.difference(real) {
            problems.push(format!("{name} does not depend on {edge}, as is told"));
        }
    }
    problems
}

/// The fenced block of which every line reads `crate -> crate, crate`.
fn edges_told(document: &str) -> Result<Edges, String> {
    let blocks = fences(document);
    let mut told = blocks
        .iter()
        .filter_map(|lines| lines.iter().map(|line| edge_line(line)).collect())
        .filter(|edges: &Edges| !edges.is_empty());
    match (told.next(), told.next()) {
        (Some(edges), None) => Ok(edges),
        (None, _) => Err("there is no block of lines such as `gateway -> contract, server`".into()),
        (Some(_), Some(_)) => Err("there are two blocks of crate edges; keep one".into()),
    }
}

fn edge_line(line: &str) -> Option<(String, BTreeSet<String>)> {
    let (from, to) = line.split_once("->")?;
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let to: BTreeSet<_> = match to.trim() {
        "" => BTreeSet::new(),
        to => to.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    let from = from.trim();
    (is_name(from) && to.iter().all(|name| is_name(name))).then(|| (from.to_owned(), to))
}

/// The real edges, and what is wrong with the dependencies of tests.
fn edges_of(cargo_metadata: &str) -> Result<(Edges, Vec<String>), String> {
    let metadata: Value = serde_json::from_str(cargo_metadata)
        .map_err(|error| format!("cargo metadata printed no JSON: {error}"))?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata printed no packages")?;
    let mut edges = Edges::new();
    let mut problems = Vec::new();
    for package in packages {
        let name = text(package, "name");
        let to = edges.entry(name.clone()).or_default();
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        for dependency in dependencies.filter(|dependency| dependency["path"].is_string()) {
            let on = text(dependency, "name");
            if text(dependency, "kind") != "dev" {
                to.insert(on);
            } else if on != TESTKIT {
                problems.push(format!(
                    "the tests of {name} depend on {on}; of this workspace only {TESTKIT} is allowed"
                ));
            }
        }
    }
    Ok((edges, problems))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

fn outside_of_fences(document: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    document.lines().filter(move |line| {
        inside ^= is_fence(line);
        !inside && !is_fence(line)
    })
}

/// The lines of each fenced block, empty ones left out.
fn fences(document: &str) -> Vec<Vec<&str>> {
    let mut blocks = Vec::new();
    let mut open = None;
    for line in document.lines() {
        match (&mut open, is_fence(line)) {
            (None, true) => open = Some(Vec::new()),
            (Some(_), true) => blocks.extend(open.take()),
            (Some(lines), false) if !line.trim().is_empty() => lines.push(line),
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
A request enters at `crates/up.rs`; see `docs/` and `crates/*/lib.rs`, not `cargo doc`.

```text
a request -> `crates/nowhere.rs`
```

```
gateway -> contract, server
server ->
contract ->
```
";

    fn metadata(dependencies_of_gateway: &[(&str, &str)]) -> String {
        let path = |(on, kind): &(&str, &str)| {
            let kind = Some(*kind).filter(|kind| !kind.is_empty());
            serde_json::json!({"name": on, "kind": kind, "path": "/crates"})
        };
        let gateway: Vec<_> = dependencies_of_gateway.iter().map(path).collect();
        serde_json::json!({"packages": [
            {"name": "gateway", "dependencies": gateway},
            {"name": "server", "dependencies": [{"name": "http", "kind": null}]},
            {"name": "contract", "dependencies": []},
        ]})
        .to_string()
    }

    #[track_caller]
    fn check(document: &str, dependencies_of_gateway: &[(&str, &str)], expected: &[&str]) {
        let problems = wrong_edges(document, &metadata(dependencies_of_gateway));
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_true_list_of_edges_passes() {
        let real = [("contract", ""), ("server", ""), ("testkit", "dev")];
        check(DOCUMENT, &real, &[]);
        check(DOCUMENT, &[("contract", "build"), ("server", "")], &[]);
    }

    #[test]
    fn an_edge_that_is_not_told_or_not_there_is_found() {
        check(
            DOCUMENT,
            &[("contract", ""), ("lab", "")],
            &[
                "gateway depends on lab, which is not allowed",
                "gateway does not depend on server, as is told",
            ],
        );
    }

    #[test]
    fn tests_may_use_the_testkit_alone() {
        check(
            DOCUMENT,
            &[("contract", ""), ("server", ""), ("services", "dev")],
            &["the tests of gateway depend on services; of this workspace only testkit is allowed"],
        );
    }

    #[test]
    fn crates_that_are_missing_or_too_many_are_found() {
        let real = [("contract", ""), ("server", "")];
        let fewer = DOCUMENT.replace("contract ->\n", "");
        check(&fewer, &real, &["crate contract has no line"]);
        let more = DOCUMENT.replace("contract ->\n", "contract ->\nlab ->\n");
        check(&more, &real, &["crate lab has a line but does not exist"]);
    }

    #[test]
    fn a_document_without_edges_or_with_two_lists_is_refused() {
        let none = wrong_edges("no block", &metadata(&[]));
        assert!(none[0].starts_with("there is no block"), "{none:?}");
        let two = wrong_edges(&DOCUMENT.repeat(2), &metadata(&[]));
        assert!(two[0].starts_with("there are two blocks"), "{two:?}");
    }

    #[test]
    fn paths_that_do_not_exist_are_found() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(
            missing_paths(DOCUMENT, root.path()),
            [
                "`crates/*/lib.rs` is named but does not exist",
                "`crates/up.rs` is named but does not exist",
                "`docs/` is named but does not exist",
            ]
        );
        for folder in ["crates", "docs"] {
            std::fs::create_dir(root.path().join(folder)).expect("made");
        }
        std::fs::write(root.path().join("crates/up.rs"), "").expect("written");
        assert_eq!(missing_paths(DOCUMENT, root.path()), [""; 0]);
    }
}
