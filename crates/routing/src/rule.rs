//! Rules: which requests call a method, and what of a request and an answer is
//! which part of a message. In: a method's descriptor, with its annotation as
//! bytes, so that the description need not know the annotation's own types; out:
//! the rules, or what is wrong with them and where it is written. Rules that are
//! written beside the descriptors are the service configuration's.

mod error;
pub(crate) mod wire;

use std::fmt;

use http::Method;
use prost::Message;
use prost_reflect::MethodDescriptor;

use crate::Template;
pub use error::{BadRule, BadVerb};
use wire::{HttpRule, Pattern};

/// One way to call a method over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The HTTP method.
    pub verb: Verb,
    /// The paths.
    pub template: Template,
    /// What the request's body is.
    pub body: Body,
    /// The field of the answer that is sent; all of it when there is none.
    pub response_body: Option<String>,
    /// `package.Service.Method`.
    pub rpc: String,
    /// Where the rule is written, for messages.
    pub origin: String,
}

/// Which HTTP methods a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Every method for which the path has no rule of its own.
    Any,
    /// This one. A rule for `GET` serves `HEAD` too.
    Method(Method),
}

/// What the body of a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Not a part of the message.
    None,
    /// The message.
    Whole,
    /// The field of this name.
    Field(String),
}

impl Verb {
    /// The `kind` of a custom rule: a method, or `*` for any.
    ///
    /// # Errors
    ///
    /// [`BadVerb`] when it is neither.
    pub fn custom(kind: &str) -> Result<Self, BadVerb> {
        if kind == "*" {
            return Ok(Verb::Any);
        }
        let method = Method::from_bytes(kind.as_bytes());
        method.map(Verb::Method).map_err(|_| BadVerb {
            given: kind.to_owned(),
        })
    }
}

impl fmt::Display for Verb {
    /// `GET`; `*` for any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verb::Any => f.write_str("*"),
            Verb::Method(method) => method.fmt(f),
        }
    }
}

/// The rules that the method's own option has, none when there is no option.
///
/// # Errors
///
/// [`BadRule`] for the first that is wrong.
pub fn annotated(method: &MethodDescriptor) -> Result<Vec<Rule>, BadRule> {
    let file = method.parent_file();
    let origin = format!(
        "{}, option (google.api.http) of {}",
        file.name(),
        method.full_name()
    );
    let options = method.options().encode_to_vec();
    match wire::MethodOptions::decode(&options[..]) {
        Ok(options) => {
            let rule = options
                .http
                .map(|rule| rules(rule, method.full_name(), &origin));
            Ok(rule.transpose()?.unwrap_or_default())
        }
        Err(error) => Err(BadRule::Unreadable {
            origin,
            reason: error.to_string(),
        }),
    }
}

/// The rule of a method that has none: `POST /package.Service/Method`, with the
/// message as body, as gRPC itself spells it.
#[must_use]
pub fn unannotated(method: &MethodDescriptor) -> Rule {
    Rule {
        verb: Verb::Method(Method::POST),
        template: Template::of_literals([method.parent_service().full_name(), method.name()]),
        body: Body::Whole,
        response_body: None,
        rpc: method.full_name().to_owned(),
        origin: format!("{}, which has no rule of its own", method.full_name()),
    }
}

/// The rule and its additional bindings, for the method `rpc`.
pub(crate) fn rules(rule: HttpRule, rpc: &str, origin: &str) -> Result<Vec<Rule>, BadRule> {
    let mut rule = rule;
    let additional = std::mem::take(&mut rule.additional_bindings);
    let mut rules = vec![one(rule, rpc, origin.to_owned())?];
    for (index, binding) in additional.into_iter().enumerate() {
        let origin = format!("{origin}.additional_bindings[{index}]");
        if !binding.additional_bindings.is_empty() {
            return Err(BadRule::Nested { origin });
        }
        rules.push(one(binding, rpc, origin)?);
    }
    Ok(rules)
}

fn one(rule: HttpRule, rpc: &str, origin: String) -> Result<Rule, BadRule> {
    let method = |method, path| (Ok(Verb::Method(method)), path);
    let (verb, path) = match rule.pattern {
        Some(Pattern::Get(path)) => method(Method::GET, path),
        Some(Pattern::Put(path)) => method(Method::PUT, path),
        Some(Pattern::Post(path)) => method(Method::POST, path),
        Some(Pattern::Delete(path)) => method(Method::DELETE, path),
        Some(Pattern::Patch(path)) => method(Method::PATCH, path),
        Some(Pattern::Custom(custom)) => (Verb::custom(&custom.kind), custom.path),
        None => return Err(BadRule::NoPath { origin }),
    };
    let verb = match verb {
        Ok(verb) => verb,
        Err(problem) => return Err(BadRule::Verb { origin, problem }),
    };
    let template = match path.parse() {
        Ok(template) => template,
        Err(problem) => {
            return Err(BadRule::Template {
                origin,
                path,
                problem,
            });
        }
    };
    Ok(Rule {
        verb,
        template,
        body: match &rule.body[..] {
            "" => Body::None,
            "*" => Body::Whole,
            _ => Body::Field(rule.body),
        },
        response_body: Some(rule.response_body).filter(|field| !field.is_empty()),
        rpc: rpc.to_owned(),
        origin,
    })
}

#[cfg(test)]
pub(crate) mod tests;
