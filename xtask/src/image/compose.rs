//! `compose.yaml`, as far as podman is to do what it says: the services that run our image,
//! in an order in which each comes after those that it depends on. What it says beside that
//! is held against the published schema by the tests of crate `pspd`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::VERSION;

#[derive(Deserialize)]
struct File {
    services: BTreeMap<String, Service>,
}

/// A service that compose would start.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Service {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) image: String,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) read_only: bool,
    pub(super) cap_drop: Vec<String>,
    pub(super) security_opt: Vec<String>,
    depends_on: BTreeMap<String, Dependency>,
    healthcheck: HealthCheck,
}

#[derive(Deserialize)]
struct Dependency {
    condition: String,
}

#[derive(Deserialize, Default)]
struct HealthCheck {
    test: Vec<String>,
}

impl Service {
    /// The command that ends with 0 in a healthy container.
    pub(super) fn health(&self) -> anyhow::Result<&[String]> {
        match self.healthcheck.test.as_slice() {
            [kind, command @ ..] if kind == "CMD" => Ok(command),
            other => bail!("the health check of {} is {other:?}", self.name),
        }
    }
}

/// The services of our image, in an order to start them in.
pub(super) fn services(repository: &Path) -> anyhow::Result<Vec<Service>> {
    let path = repository.join("compose.yaml");
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<Service>> {
    let mut value: yaml_serde::Value = yaml_serde::from_str(text)?;
    value.apply_merge()?;
    let file: File = yaml_serde::from_value(value)?;
    let ours = format!("pspd:{VERSION}");
    let mut waiting: Vec<Service> = Vec::new();
    for (name, service) in file.services {
        if service.image == ours {
            waiting.push(Service { name, ..service });
        }
    }
    let mut ordered: Vec<Service> = Vec::new();
    while !waiting.is_empty() {
        let started = |name: &String| ordered.iter().any(|service| service.name == *name);
        let ready = |service: &Service| {
            let healthy = |needed: &Dependency| needed.condition == "service_healthy";
            let mut needed = service.depends_on.iter();
            needed.all(|(name, how)| started(name) && healthy(how))
        };
        let Some(next) = waiting.iter().position(ready) else {
            let names: Vec<_> = waiting.iter().map(|service| &service.name).collect();
            bail!("{names:?} wait for what never comes, or not for its health");
        };
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(services: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
        let services = services.iter().map(|(name, needs)| {
            format!("  {name}:\n    image: pspd:{VERSION}\n    depends_on: {needs}\n")
        });
        let text = format!("services:\n{}", services.collect::<String>());
        let services = parse(&text)?;
        Ok(services.into_iter().map(|service| service.name).collect())
    }

    #[test]
    fn a_service_comes_after_those_it_depends_on() {
        let needs = "{z: {condition: service_healthy}}";
        assert_eq!(names(&[("a", needs), ("z", "{}")]).expect("ok"), ["z", "a"]);
        assert!(names(&[("a", needs)]).is_err());
        let started = "{z: {condition: service_started}}";
        assert!(names(&[("a", started), ("z", "{}")]).is_err());
    }
}
