//! `docs/limits.md` names every limit among the settings, with its default and its roles.

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use testkit::Program;

use super::PSPD;

/// What a key of a limit has in it.
const LIMITS: [&str; 5] = ["-max", "-timeout", "-rate", "-burst", "-age"];

/// As the page calls them.
const ROLES: [(&str, &str); 6] = [
    ("a", "A"),
    ("b", "B"),
    ("a-rest", "A-REST"),
    ("b-rest", "B-REST"),
    ("gateway", "P"),
    ("gateway-rest", "P-REST"),
];

/// Defaults of each limit with the roles that have them, in the page's words.
fn limits() -> BTreeMap<String, (String, String)> {
    let schema = Program::start(PSPD, &["gateway", "schema"]).finish().out;
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let mut limits: BTreeMap<String, Vec<(String, Vec<&str>)>> = BTreeMap::new();
    for (role, name) in ROLES {
        let keys = schema["properties"][role]["properties"].as_object();
        for (key, schema) in keys.expect("keys") {
            let is_setting = schema["description"]
                .as_str()
                .is_some_and(|text| text.contains("Flag --"));
            if !is_setting || !LIMITS.iter().any(|limit| key.contains(limit)) {
                continue;
            }
            let default = schema["default"].to_string().replace('"', "");
            let defaults = limits.entry(key.clone()).or_default();
            match defaults.iter_mut().find(|(known, _)| *known == default) {
                Some((_, roles)) => roles.push(name),
                None => defaults.push((default, vec![name])),
            }
        }
    }
    let in_words = |(key, defaults): (String, Vec<(String, Vec<&str>)>)| {
        let roles: Vec<_> = defaults
            .iter()
            .flat_map(|(_, roles)| roles.clone())
            .collect();
        let default = match &defaults[..] {
            [(default, _)] => default.clone(),
            several => {
                let each = several.iter();
                let each = each.map(|(default, roles)| format!("{default} ({})", roles.join(", ")));
                each.collect::<Vec<_>>().join(", ")
            }
        };
        let roles = match roles.len() {
            6 => "all".to_owned(),
            _ => roles.join(", "),
        };
        (key, (default, roles))
    };
    limits.into_iter().map(in_words).collect()
}

#[test]
fn every_limit_is_told_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/limits.md");
    let page = fs::read_to_string(path).expect("the repository has docs/limits.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split(" | ").collect();
            let key = cells[0].trim_end_matches('`').to_owned();
            (key, (cells[1].to_owned(), cells[2].to_owned()))
        })
        .collect();
    assert_eq!(told, limits());
}
