//! HTTP rules beside the descriptors: a `google.api.Service` as YAML or JSON, of
//! which only the section `http` is read. In: its text; out: [`ServiceConfig`],
//! with which [`resolve`] gives a method its rules. Of several rules for one
//! method the last in the text holds, and it replaces the method's annotation.

mod text;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use prost_reflect::MethodDescriptor;

use crate::{BadRule, Decoding, Rule, rule};
use text::{RawHttp, RawRule};

/// The HTTP rules of a service configuration.
#[derive(Debug, Clone, Default)]
pub struct ServiceConfig {
    /// What each rule of the text gives a method: itself and its additional
    /// bindings, with no method named yet.
    rules: Vec<Vec<Rule>>,
    /// The last rule for each method that a selector names.
    named: HashMap<String, usize>,
    /// Selectors that end in `*`, without it, and their rules.
    below: Vec<(String, usize)>,
}

/// The rules of a method: those of the configuration if it has any for it, those
/// of its annotation otherwise. None when it has neither.
///
/// # Errors
///
/// [`BadRule`] when it is the annotation's and that is wrong.
pub fn resolve(method: &MethodDescriptor, config: &ServiceConfig) -> Result<Vec<Rule>, BadRule> {
    let rpc = method.full_name();
    match config.rules(rpc) {
        Some(rules) => Ok(rules
            .iter()
            .map(|rule| Rule {
                rpc: rpc.to_owned(),
                ..rule.clone()
            })
            .collect()),
        None => rule::annotated(method),
    }
}

impl ServiceConfig {
    /// Reads `text`, which is of `file`: JSON if that ends in `.json`, YAML
    /// otherwise.
    ///
    /// # Errors
    ///
    /// Every rule that is wrong; or why the text cannot be read.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<BadRule>> {
        let unreadable = |reason| {
            vec![BadRule::Unreadable {
                origin: file.to_owned(),
                reason,
            }]
        };
        let is_json = Path::new(file)
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        let raw = match is_json {
            true => text::json(text),
            false => text::yaml(text),
        };
        let raw = raw.map_err(unreadable)?;
        let RawHttp {
            rules,
            fully_decode_reserved_expansion,
        } = raw.http.unwrap_or_default();
        let decoding = match fully_decode_reserved_expansion {
            true => Decoding::Everything,
            false => Decoding::default(),
        };
        let mut config = ServiceConfig::default();
        let mut problems = Vec::new();
        for (index, raw) in rules.unwrap_or_default().into_iter().enumerate() {
            let origin = format!("{file}, http.rules[{index}]");
            if let Err(problem) = config.add(raw, &origin, decoding) {
                problems.push(problem);
            }
        }
        match problems.is_empty() {
            true => Ok(config),
            false => Err(problems),
        }
    }

    /// The selectors that match none of the methods `rpcs`, with the place of their
    /// rules: a name that is spelled wrongly, or of another service.
    pub fn unmatched<'r>(&self, rpcs: impl IntoIterator<Item = &'r str>) -> Vec<String> {
        let rpcs: HashSet<&str> = rpcs.into_iter().collect();
        let named = self
            .named
            .iter()
            .filter(|(name, _)| !rpcs.contains(&name[..]));
        let named = named.map(|(name, rule)| (*rule, name.clone()));
        let below = self
            .below
            .iter()
            .filter(|(prefix, _)| !rpcs.iter().any(|rpc| rpc.starts_with(&prefix[..])));
        let below = below.map(|(prefix, rule)| (*rule, format!("{prefix}*")));
        let mut unmatched: Vec<_> = named.chain(below).collect();
        unmatched.sort_unstable();
        let place = |rule: usize| self.rules[rule].first().map_or("", |rule| &rule.origin);
        unmatched
            .into_iter()
            .map(|(rule, selector)| format!("{}: selector {selector:?}", place(rule)))
            .collect()
    }

    /// The rules for `rpc`, if any.
    fn rules(&self, rpc: &str) -> Option<&[Rule]> {
        let named = self.named.get(rpc).copied();
        let mut below = self.below.iter().rev();
        let below = below.find(|(prefix, _)| rpc.starts_with(&prefix[..]));
        let last = named.max(below.map(|(_, rule)| *rule))?;
        self.rules.get(last).map(Vec::as_slice)
    }

    fn add(&mut self, raw: RawRule, origin: &str, decoding: Decoding) -> Result<(), BadRule> {
        let raw = raw.checked(origin)?;
        let selector = raw.selector.clone();
        let mut rules = rule::rules(raw, "", origin)?;
        for rule in &mut rules {
            rule.template.decoding = decoding;
        }
        let index = self.rules.len();
        for pattern in selector.split(',').map(str::trim) {
            let names = pattern.strip_suffix('*').unwrap_or(pattern);
            let is_below = names.len() < pattern.len();
            let whole = match is_below {
                true => names.is_empty() || names.strip_suffix('.').is_some_and(is_name),
                false => is_name(names),
            };
            match (whole, is_below) {
                (false, _) => {
                    let origin = origin.to_owned();
                    return Err(BadRule::Selector { origin, selector });
                }
                (true, true) => self.below.push((names.to_owned(), index)),
                (true, false) => {
                    self.named.insert(names.to_owned(), index);
                }
            }
        }
        self.rules.push(rules);
        Ok(())
    }
}

/// Whether it is `package.Service.Method`, or a part of such a name.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split('.').all(is_part)
}

#[cfg(test)]
mod tests;
