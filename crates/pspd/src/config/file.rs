//! The configuration file: TOML, one section a role, the keys of the flags.
//! One file may serve all roles; whatever it holds that no role knows is an
//! error, whichever role reads it.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use contract::Role;
use gateway::services::Raw;

use super::settings;
use crate::exit::Usage;

/// What a file says to one role.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The settings.
    pub(super) texts: BTreeMap<String, String>,
    /// Which services the gateway serves, if the file says so.
    pub(super) services: Option<Raw>,
}

/// Keys of the gateway that are no settings but say what it serves.
const SERVICES: [&str; 5] = ["upstreams", "routes", "json", "metadata", "errors"];

/// What the section of `role` says. Problems anywhere in the file are added to
/// `problems`.
pub(super) fn read(path: &Path, role: Role, problems: &mut Vec<String>) -> anyhow::Result<Section> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage::new(format!("cannot read {}: {error}", path.display())))?;
    sections(&text, role, problems)
        .map_err(|error| Usage::new(error.to_string()))
        .with_context(|| format!("{} is not a configuration file", path.display()))
}

fn sections(
    text: &str,
    role: Role,
    problems: &mut Vec<String>,
) -> Result<Section, toml::de::Error> {
    let document: toml::Table = text.parse()?;
    let mut read = Section::default();
    for (section, content) in document {
        let owner: Role = match section.parse() {
            Ok(owner) => owner,
            Err(error) => {
                problems.push(format!("section [{section}]: {error}"));
                continue;
            }
        };
        let toml::Value::Table(content) = content else {
            problems.push(format!("{section}: not a section; write [{section}]"));
            continue;
        };
        let known = settings::of(owner);
        let (services, content): (toml::Table, toml::Table) = content
            .into_iter()
            .partition(|(key, _)| owner == Role::Gateway && SERVICES.contains(&key.as_str()));
        if !services.is_empty() {
            match services.try_into::<Raw>() {
                Ok(raw) if owner == role => read.services = Some(raw),
                Ok(_) => {}
                Err(error) => problems.push(format!("[{section}] {}", error.message())),
            }
        }
        for (key, value) in content {
            if !known.iter().any(|setting| setting.key == key) {
                let keys: Vec<_> = known.iter().map(|setting| setting.key).collect();
                let mut keys = keys.join(", ");
                if owner == Role::Gateway {
                    keys += ", and the sections ";
                    keys += &SERVICES.join(", ");
                }
                problems.push(format!(
                    "[{section}] {key}: no such key; the keys are {keys}"
                ));
                continue;
            }
            match scalar(&value) {
                Some(text) if owner == role => {
                    read.texts.insert(key, text);
                }
                Some(_) => {}
                None => problems.push(format!(
                    "[{section}] {key}: give a text, a number or a list of texts"
                )),
            }
        }
    }
    Ok(read)
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
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

    #[test]
    fn only_the_roles_own_section_counts() {
        let mut problems = Vec::new();
        let text = "[a]\nport = 1\n[gateway]\nport = 2\ncors = [\"http://x\", \"http://y\"]\n";
        let values = sections(text, Role::Gateway, &mut problems).expect("TOML");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(values.texts["port"], "2");
        assert_eq!(values.texts["cors"], "http://x,http://y");
    }

    #[test]
    fn everything_unknown_is_reported() {
        let mut problems = Vec::new();
        let text = "colour = 1\n[c]\nport = 1\n[a]\nprot = 1\nport = 1.5\n";
        sections(text, Role::Gateway, &mut problems).expect("TOML");
        assert_eq!(problems.len(), 4, "{problems:#?}");
    }
}
