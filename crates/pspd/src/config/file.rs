//! The configuration file: TOML, one section a role, the keys of the flags.
//! One file may serve all roles; whatever it holds that no role knows is an
//! error, whichever role reads it.

use std::{collections::BTreeMap, path::Path};

use contract::Role;
use gateway::services::Raw;
use toml::de::DeTable;

use super::{schema, shape};
use crate::exit::Usage;

/// What a file says to one role.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The settings, each with its line.
    pub(super) texts: BTreeMap<String, (String, usize)>,
    /// Which services the gateway serves, if the file says so.
    pub(super) services: Option<Raw>,
    /// Where what it says of services is, such as `routes[1]`, with its line.
    pub(super) lines: BTreeMap<String, usize>,
}

impl Section {
    /// Whether it says nothing, or is not there.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Mistakes in the notation that are told; those after them are often no more than
/// their consequence.
const SYNTAX_ERRORS_MAX: usize = 5;

/// What the section of `role` says. Problems anywhere in the file are added to
/// `problems`.
pub(super) fn read(path: &Path, role: Role, problems: &mut Vec<String>) -> Result<Section, Usage> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage::new(format!("cannot read {}: {error}", path.display())))?;
    section(&text, path, role, problems)
}

fn section(
    text: &str,
    path: &Path,
    role: Role,
    problems: &mut Vec<String>,
) -> Result<Section, Usage> {
    let (document, mistakes) = DeTable::parse_recoverable(text);
    if !mistakes.is_empty() {
        let mistakes = mistakes.iter().take(SYNTAX_ERRORS_MAX);
        let told = mistakes.map(|mistake| {
            let before = text.get(..mistake.span().unwrap_or_default().start);
            let line = before.unwrap_or(text).matches('\n').count() + 1;
            let message = mistake.message().replace('\n', ", ");
            format!("{}:{line}: this is no TOML: {message}", path.display())
        });
        return Err(Usage::problems(told.collect()));
    }
    let found = shape::check(text, document.get_ref(), &schema::of_file());
    problems.extend(found.problems.iter().map(|misfit| misfit.told(path)));

    let mut section = Section::default();
    let own = format!("{}.", role.name());
    for (place, line) in &found.lines {
        if let Some(place) = place.strip_prefix(&own) {
            section.lines.insert(place.to_owned(), *line);
        }
    }
    // What the notation allows was read above already.
    let mut document: toml::Table = text.parse().unwrap_or_default();
    let Some(toml::Value::Table(content)) = document.remove(role.name()) else {
        return Ok(section);
    };
    let of_services = match role {
        Role::Gateway => schema::of_services(),
        _ => serde_json::Map::new(),
    };
    let (services, settings): (toml::Table, toml::Table) = content
        .into_iter()
        .partition(|(key, _)| of_services.contains_key(key));
    for (key, value) in settings {
        let place = format!("{own}{key}");
        if found.problems.iter().any(|misfit| misfit.place == place) {
            continue;
        }
        let line = section.lines.get(&key).copied().unwrap_or_default();
        if let Some(text) = scalar(&value) {
            section.texts.insert(key, (text, line));
        }
    }
    let is_misfit = found.problems.iter().any(|misfit| {
        let place = misfit.place.strip_prefix(&own);
        let key = place.and_then(|place| place.split(['.', '[']).next());
        key.is_some_and(|key| of_services.contains_key(key))
    });
    if !services.is_empty() && !is_misfit {
        match services.try_into() {
            Ok(raw) => section.services = Some(raw),
            Err(error) => {
                problems.push(format!("{}: [{role}] {}", path.display(), error.message()))
            }
        }
    }
    Ok(section)
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Section, Vec<String>) {
        let mut problems = Vec::new();
        let read = section(text, Path::new("x.toml"), Role::Gateway, &mut problems);
        (read.expect("TOML"), problems)
    }

    #[test]
    fn only_the_roles_own_section_counts() {
        let text = "[a]\nport = 1\n[gateway]\nport = 2\ncors = [\"http://x\", \"http://y\"]\n";
        let (section, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(section.texts["port"], ("2".to_owned(), 4));
        assert_eq!(section.texts["cors"].0, "http://x,http://y");
    }

    #[test]
    fn everything_that_does_not_fit_is_told_with_its_line_and_what_would() {
        let text = r#"colour = 1
[c]
port = 1
[a]
prot = 1
port = 1.5
workers = ["1"]
[gateway]
log-format = "loud"
cors = ["any", 1]
errors = 3
[[gateway.upstreams]]
adress = "a:1"
services = "all"
unannotated = "sevre"
[[gateway.upstreams]]
address = "b:1"
protos = [1, "x.proto", true]
[gateway.json]
"odd key" = 1
names = 2021-01-01
[[gateway.routes]]
get = "/x"
gather = { field = "x" }
query-defaults = { n = 5, m = "5" }
constants = { anything = [1, { goes = "here" }] }
"#;
        let (section, problems) = read(text);
        assert!(section.services.is_none());
        let expected = [
            "1: colour: no such section; there are ",
            "2: c: no such section; there are a, a-rest, b, b-rest, gateway, gateway-rest",
            "5: a.prot: no such key; did you mean port?",
            "6: a.port = 1.5: give a whole number or a text in quotes",
            "7: a.workers = [\"1\"]: give a whole number or a text in quotes",
            "9: gateway.log-format = \"loud\": give \"auto\", \"human\", \"json\"",
            "10: gateway.cors[1] = 1: give a text in quotes",
            "11: gateway.errors = 3: give \"status\", \"published\"",
            "13: gateway.upstreams[0].adress: no such key; did you mean address?",
            "14: gateway.upstreams[0].services = \"all\": give a list in brackets",
            "15: gateway.upstreams[0].unannotated = \"sevre\": give \"serve\", \"refuse\"",
            "18: gateway.upstreams[1].protos[0] = 1: give a text in quotes",
            "18: gateway.upstreams[1].protos[2] = true: give a text in quotes",
            "20: gateway.json.\"odd key\": no such key; there are defaults, enums, names, ",
            "21: gateway.json.names = 2021-01-01: give \"json\", \"original\"",
            "22: gateway.routes[0].rpc is missing",
            "24: gateway.routes[0].gather.as is missing",
            "25: gateway.routes[0].query-defaults.n = 5: give a text in quotes",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(
                problem.starts_with(&format!("x.toml:{expected}")),
                "{problem}"
            );
        }
    }

    proptest::proptest! {
        /// What has the right shape can be read, and no text is a surprise.
        #[test]
        fn whatever_has_the_right_shape_can_be_read(
            lines in proptest::collection::vec((KEY, VALUE), 0..8),
            text in ".{0,200}",
        ) {
            let lines = lines.iter().map(|(key, value)| match key.starts_with('[') {
                true => format!("{key}\n"),
                false => format!("{key} = {value}\n"),
            });
            for text in [format!("[gateway]\n{}", lines.collect::<String>()), text] {
                let mut problems = Vec::new();
                let _ = section(&text, Path::new("x.toml"), Role::Gateway, &mut problems);
                let unread = problems.iter().find(|problem| problem.starts_with("x.toml: "));
                proptest::prop_assert_eq!(unread, None, "{}", text);
            }
        }
    }

    const KEY: &str = r"\[\[gateway\.(upstreams|routes)\]\]|\[gateway\.(json|metadata|routes\.json|routes\.custom)\]|address|protos|rpc|get|constants|query-defaults|gather|errors|names|forward|kind|path|port|unannotated";
    const VALUE: &str = r#""(a:1|/x|status|published|json|serve|)"|1|1\.5|true|1979-05-27|\[\]|\["a", "b"\]|\[1\]|\{\}|\{ a = "b" \}|\{ field = "x", as = "y" \}|\{ a = inf, b = 1979-05-27 \}"#;

    #[test]
    fn mistakes_in_the_notation_are_told_together() {
        let mut problems = Vec::new();
        let text = "[a]\nport = \n[b]\nhost = 'x\n";
        let error = section(text, Path::new("x.toml"), Role::A, &mut problems);
        let told = error.expect_err("no TOML").to_string();
        assert!(told.contains("x.toml:2: this is no TOML: "), "{told}");
        assert!(told.contains("x.toml:4: this is no TOML: "), "{told}");
    }
}
