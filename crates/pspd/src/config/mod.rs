//! How a role is configured: a flag wins over an environment variable, that
//! over the file, that over the default. Every value is first text with its
//! origin; [`Values`] turns texts into checked types and reports everything
//! that is wrong at once, each with its key, value, origin and remedy.

pub(crate) mod command;
mod encryption;
mod example;
mod file;
mod parse;
mod role;
pub(crate) mod schema;
mod settings;
mod shape;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches};
use contract::Role;

pub(crate) use parse::LogFormat;
pub(crate) use role::{Common, RoleConfig, Work};

use crate::exit::Usage;
use settings::Setting;

/// Names the configuration file.
const CONFIG: &str = "config";
const CONFIG_ENV: &str = "PSPD_CONFIG";

/// The flags of one role.
pub(crate) fn args(role: Role) -> Vec<Arg> {
    let file = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .help(format!(
            "TOML file with a section [{role}] [env: {CONFIG_ENV}]"
        ));
    settings::of(role)
        .iter()
        .map(Setting::arg)
        .chain([file])
        .collect()
}

/// What is not text must not pass for absent; no setting accepts U+FFFD.
fn environment(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// The configuration file, if there is to be one.
pub(crate) fn path(matches: &ArgMatches) -> Option<PathBuf> {
    let named = matches.get_one::<String>(CONFIG).cloned();
    named.or_else(|| environment(CONFIG_ENV)).map(PathBuf::from)
}

/// The configuration of `role`, all layers applied.
///
/// # Errors
///
/// Everything that is wrong with it.
pub(crate) fn load(role: Role, matches: &ArgMatches) -> Result<RoleConfig, Usage> {
    let path = path(matches);
    let mut problems = Vec::new();
    let in_file = match &path {
        Some(path) => file::read(path, role, &mut problems)?,
        None => file::Section::default(),
    };
    let given = |setting: &Setting| {
        if let Some(value) = matches.get_one::<String>(setting.key) {
            Some(Given::new(value, Origin::Flag))
        } else {
            let value = environment(&setting.env)?;
            Some(Given::new(value, Origin::Environment(setting.env.clone())))
        }
    };
    let mut values = Values::of(role, in_file, path.as_deref(), problems, given);
    let told = values
        .given
        .iter()
        .map(|(key, Given { text, origin })| format!("{key} = {text:?} ({origin})"));
    let told = told.collect();
    let config = role::read(role, &mut values);
    values.finish()?;
    let config = config.ok_or_else(|| Usage::new("the configuration is incomplete"))?;
    Ok(RoleConfig { told, ..config })
}

/// A value as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    text: String,
    origin: Origin,
}

impl Given {
    fn new(text: impl Into<String>, origin: Origin) -> Self {
        Given {
            text: text.into(),
            origin,
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Flag,
    Environment(String),
    /// With the line.
    File(PathBuf, usize),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("on the command line"),
            Origin::Environment(name) => write!(f, "in the environment variable {name}"),
            Origin::File(path, line) => write!(f, "in {}:{line}", path.display()),
            Origin::Default => f.write_str("the default"),
        }
    }
}

/// The texts of a role's settings, taken out as checked types.
struct Values {
    given: BTreeMap<&'static str, Given>,
    /// Which services the gateway serves, and the file that says so.
    services: Option<(gateway::services::Raw, PathBuf)>,
    /// Where everything in that file's section is, such as `routes[1]`.
    lines: BTreeMap<String, usize>,
    problems: Vec<String>,
    taken: BTreeSet<&'static str>,
    /// Files that settings name.
    files: BTreeSet<PathBuf>,
}

impl Values {
    /// What holds for `role`: what is `given`, else what the file says, else the default.
    fn of(
        role: Role,
        in_file: file::Section,
        path: Option<&Path>,
        problems: Vec<String>,
        given: impl Fn(&Setting) -> Option<Given>,
    ) -> Self {
        let from_file = |key: &str| {
            let ((value, line), path) = in_file.texts.get(key).zip(path)?;
            Some(Given::new(value, Origin::File(path.to_owned(), *line)))
        };
        let given = settings::of(role).into_iter().map(|setting| {
            let given = given(&setting).or_else(|| from_file(setting.key));
            let default = || Given::new(&setting.default, Origin::Default);
            (setting.key, given.unwrap_or_else(default))
        });
        Values {
            given: given.collect(),
            services: in_file.services.zip(path.map(ToOwned::to_owned)),
            lines: in_file.lines,
            problems,
            taken: BTreeSet::new(),
            files: BTreeSet::new(),
        }
    }

    /// The value of `key` as `parse` reads it. `None`, and a problem noted, when
    /// it cannot be read.
    fn take<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (key, Given { text, origin }) = self.given.get_key_value(key)?;
        self.taken.insert(key);
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problems
                    .push(format!("{key} = {text:?} ({origin}): {reason}"));
                None
            }
        }
    }

    /// The content of the file that `key` names, as `parse` reads it; nothing when it
    /// names none. A path in the configuration file starts from that file's folder.
    /// `None`, and a problem noted, when the file cannot be read or is not right.
    fn take_file<T>(
        &mut self,
        key: &str,
        parse: impl Fn(String) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let path = self.take_path(key)?;
        let Some(path) = path else {
            return Some(None);
        };
        self.files.insert(path.clone());
        let shown = path.display();
        let read = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {shown}: {error}"))
            .and_then(|text| parse(text).map_err(|reason| format!("{shown}: {reason}")));
        self.take(key, |_| read.as_ref().map(drop).map_err(Clone::clone))?;
        read.ok().map(Some)
    }

    /// The path that `key` names; nothing when it names none.
    fn take_path(&mut self, key: &str) -> Option<Option<PathBuf>> {
        let folder = match &self.given.get(key)?.origin {
            Origin::File(path, _) => path.parent().map(ToOwned::to_owned),
            _ => None,
        };
        self.take(key, |text| {
            let named = (!text.is_empty()).then(|| folder.clone().unwrap_or_default().join(text));
            Ok(named)
        })
    }

    /// What was taken so far, as it was given.
    fn taken(&self) -> BTreeMap<&'static str, String> {
        let taken = self
            .given
            .iter()
            .filter(|(key, _)| self.taken.contains(*key));
        taken
            .map(|(key, given)| (*key, given.text.clone()))
            .collect()
    }

    fn finish(self) -> Result<(), Usage> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Usage::problems(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests;
