//! Rules as the tests read them, with nothing of the gateway's own: the annotation
//! by the reflection library, templates as plain text. Out: requests that fit.

use std::fmt;

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor, Value as Field};
use serde_json::Value;
use testkit::backend::json_of;

/// What `*` stands for in sample paths; no template has it as a literal.
const SAMPLE: &str = "zq";

/// One binding of one method.
pub(super) struct Route {
    pub(super) method: MethodDescriptor,
    pub(super) verb: String,
    template: String,
    body: String,
}

/// The bindings of a method.
pub(super) fn rules(pool: &DescriptorPool, method: &MethodDescriptor) -> Vec<Route> {
    let Some(http) = pool.get_extension_by_name("google.api.http") else {
        return Vec::new();
    };
    let options = method.options();
    if !options.has_extension(&http) {
        return Vec::new();
    }
    let value = options.get_extension(&http).into_owned();
    let Field::Message(rule) = value else {
        panic!("not a rule: {value:?}")
    };
    let rule = json_of(&rule);
    let additional = rule["additional_bindings"].as_array();
    let all = std::iter::once(&rule).chain(additional.into_iter().flatten());
    all.map(|rule| Route::of(method, rule)).collect()
}

impl Route {
    fn of(method: &MethodDescriptor, rule: &Value) -> Route {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let known = ["get", "put", "post", "delete", "patch"];
        let verb = known.into_iter().find(|verb| rule[*verb].is_string());
        let custom = &rule["custom"];
        let (verb, template) = match verb {
            Some(verb) => (verb.to_uppercase(), text(&rule[verb])),
            None => (text(&custom["kind"]), text(&custom["path"])),
        };
        Route {
            method: method.clone(),
            verb,
            template,
            body: text(&rule["body"]),
        }
    }

    /// The template with its variables' patterns in their places.
    fn pattern(&self) -> String {
        let parts = self.parts().into_iter();
        parts.map(|(_, pattern)| pattern.to_owned()).collect()
    }

    /// What two routes for the same requests have in common.
    pub(super) fn shape(&self) -> String {
        format!("{} {}", self.verb, self.pattern())
    }

    /// Whether segments follow after `**`, against the definition.
    pub(super) fn goes_on_after_the_rest(&self) -> bool {
        self.pattern().contains("**/")
    }

    /// Name of the variable, if it is one, and pattern of each part.
    fn parts(&self) -> Vec<(Option<&str>, &str)> {
        let mut parts = Vec::new();
        let mut rest = self.template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (variable, after) = after.split_once('}').expect("a whole variable");
            let (name, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
            parts.extend([(None, before), (Some(name), pattern)]);
            rest = after;
        }
        parts.push((None, rest));
        parts
    }

    /// A path that fits, and what its variables are bound to.
    pub(super) fn sample(&self) -> (String, Vec<(String, String)>) {
        let mut path = String::new();
        let mut bound = Vec::new();
        for (name, pattern) in self.parts() {
            let many = [SAMPLE; 5].join("/");
            let filled = pattern.replace("**", &many).replace('*', SAMPLE);
            match name {
                None => path += &filled,
                Some(name) => {
                    let value = other_than_text(&self.method.input(), name).unwrap_or(filled);
                    path += &value;
                    bound.push((name.to_owned(), value));
                }
            }
        }
        (path, bound)
    }

    /// JSON for the body, as little as possible.
    pub(super) fn sample_body(&self) -> &'static str {
        if self.body.is_empty() {
            return "";
        }
        let field = self.method.input().get_field_by_name(&self.body);
        match field.map(|field| (field.is_list(), field.kind())) {
            Some((true, _)) => "[]",
            None | Some((_, Kind::Message(_))) => "{}",
            Some((_, Kind::String | Kind::Bytes)) => "\"\"",
            Some((_, Kind::Bool)) => "true",
            Some(_) => "1",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.method.full_name();
        write!(f, "{} {} of {name}", self.verb, self.template)
    }
}

/// A value for a field that is no text.
fn other_than_text(input: &MessageDescriptor, path: &str) -> Option<String> {
    let mut message = input.clone();
    for name in path.split('.') {
        let field = message.get_field_by_name(name).expect("a field");
        match field.kind() {
            Kind::Message(inner) => message = inner,
            Kind::String => return None,
            Kind::Bool => return Some("true".to_owned()),
            Kind::Enum(known) => {
                let value = known.values().find(|value| value.number() != 0);
                return value.map(|value| value.name().to_owned());
            }
            _ => return Some("7".to_owned()),
        }
    }
    None
}
