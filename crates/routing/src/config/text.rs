//! The text of a service configuration, as YAML or JSON: keys in snake_case or in
//! lowerCamelCase, as protobuf's JSON has both. Keys beside `http` are other
//! tools' business; unknown ones within it are mistakes.

use serde::Deserialize;

use crate::{
    BadRule,
    rule::wire::{CustomHttpPattern, HttpRule, Pattern},
};

/// What a `google.api.Service` says its type is, if it does.
const TYPE: &str = "google.api.Service";

#[derive(Debug, Default, Deserialize)]
pub(super) struct RawService {
    r#type: Option<String>,
    pub(super) http: Option<RawHttp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHttp {
    pub(super) rules: Option<Vec<RawRule>>,
    #[serde(default, alias = "fullyDecodeReservedExpansion")]
    pub(super) fully_decode_reserved_expansion: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRule {
    selector: String,
    get: Option<String>,
    put: Option<String>,
    post: Option<String>,
    delete: Option<String>,
    patch: Option<String>,
    custom: Option<CustomHttpPattern>,
    body: String,
    #[serde(alias = "responseBody")]
    response_body: String,
    #[serde(alias = "additionalBindings")]
    additional_bindings: Vec<RawRule>,
}

pub(super) fn yaml(text: &str) -> Result<RawService, String> {
    let service = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
    of_its_type(service)
}

pub(super) fn json(text: &str) -> Result<RawService, String> {
    let service = serde_json::from_str(text).map_err(|error| error.to_string())?;
    of_its_type(service)
}

fn of_its_type(service: RawService) -> Result<RawService, String> {
    match service.r#type.as_deref() {
        None | Some(TYPE) => Ok(service),
        Some(other) => Err(format!(
            "its type is {other:?}, and only {TYPE} has HTTP rules"
        )),
    }
}

impl RawRule {
    /// The rule as its annotation would have it.
    pub(super) fn checked(self, origin: &str) -> Result<HttpRule, BadRule> {
        let additional = self.additional_bindings.into_iter().enumerate();
        let additional_bindings = additional.map(|(index, binding)| {
            let origin = format!("{origin}.additional_bindings[{index}]");
            match binding {
                RawRule {
                    additional_bindings,
                    ..
                } if !additional_bindings.is_empty() => Err(BadRule::Nested { origin }),
                RawRule { selector, .. } if !selector.is_empty() => {
                    Err(BadRule::SelectorTwice { origin })
                }
                binding => binding.checked(&origin),
            }
        });
        let mut patterns = [
            ("get", self.get.map(Pattern::Get)),
            ("put", self.put.map(Pattern::Put)),
            ("post", self.post.map(Pattern::Post)),
            ("delete", self.delete.map(Pattern::Delete)),
            ("patch", self.patch.map(Pattern::Patch)),
            ("custom", self.custom.map(Pattern::Custom)),
        ]
        .into_iter()
        .filter_map(|(key, pattern)| Some((key, pattern?)));
        let first = patterns.next();
        if let (Some((first, _)), Some((second, _))) = (&first, patterns.next()) {
            return Err(BadRule::SeveralPaths {
                origin: origin.to_owned(),
                first,
                second,
            });
        }
        Ok(HttpRule {
            selector: self.selector,
            pattern: first.map(|(_, pattern)| pattern),
            body: self.body,
            response_body: self.response_body,
            additional_bindings: additional_bindings.collect::<Result<_, _>>()?,
        })
    }
}
