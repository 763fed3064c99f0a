//! A template as OpenAPI can hold it. Its path parameters cannot have a slash in them,
//! so that a variable of several segments is one parameter for each `*`, called after
//! the literal before it: `/v1/{name=shelves/*/books/*}` is
//! `/v1/shelves/{shelf}/books/{book}`. `**` is one parameter as well, whose description
//! says what it holds, since there is no other way.

use routing::{Template, Text};

/// The path of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// In place of each parameter `{}`: two of the same are one path to OpenAPI.
    pub(crate) shape: String,
    /// In their order.
    pub(crate) parameters: Vec<Parameter>,
}

/// One parameter of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// The variable that it is, or is a part of.
    pub(crate) variable: Option<Variable>,
    /// Whether it is `**`.
    pub(crate) is_rest: bool,
}

/// A variable that a parameter belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field that it sets.
    pub(crate) field: String,
    /// Its pattern: `shelves/*`. `*` if the parameter is all of it.
    pub(crate) pattern: String,
}

impl Path {
    pub(crate) fn of(template: &Template) -> Self {
        let fields: Vec<_> = template.variables().collect();
        let pieces: Vec<_> = template.pieces().collect();
        let mut shape = String::new();
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut before = None;
        for piece in &pieces {
            shape.push('/');
            if let Text::Literal(literal) = piece.text {
                shape += &piece.text.to_string();
                before = Some((literal, piece.variable));
                continue;
            }
            shape += "{}";
            let variable = piece.variable.map(|index| Variable {
                field: fields[index].to_owned(),
                pattern: pattern(&pieces, index),
            });
            // A literal outside of the variable says nothing of what is in it.
            let literal = before.take().filter(|(_, own)| *own == piece.variable);
            let name = match (literal, &variable) {
                (Some((literal, _)), _) => singular(literal),
                // A dot in a name is more than many tools can take.
                (None, Some(Variable { field, .. })) => field.replace('.', "_"),
                (None, None) => "segment".to_owned(),
            };
            parameters.push(Parameter {
                name: unique(&name, &parameters),
                variable,
                is_rest: piece.text == Text::Rest,
            });
        }
        if pieces.is_empty() {
            shape.push('/');
        }
        if let Some(verb) = template.verb() {
            shape.push(':');
            shape += &verb;
        }
        Path { shape, parameters }
    }

    /// With the names of its parameters in it.
    pub(crate) fn text(&self) -> String {
        let mut parts = self.shape.split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (parameter, part) in self.parameters.iter().zip(parts) {
            text += &format!("{{{}}}{part}", parameter.name);
        }
        text
    }
}

/// The pattern of the variable `index`.
fn pattern(pieces: &[routing::Piece<'_>], index: usize) -> String {
    let own = pieces.iter().filter(|piece| piece.variable == Some(index));
    let texts = own.map(|piece| piece.text.to_string());
    texts.collect::<Vec<_>>().join("/")
}

/// One of those that `collection` names.
fn singular(collection: &str) -> String {
    let endings = [
        ("ies", "y"),
        ("shelves", "shelf"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ss", "ss"),
        ("s", ""),
    ];
    let one = endings.iter().find_map(|(ending, one)| {
        let stem = collection.strip_suffix(ending)?;
        let is_word = !(stem.is_empty() && one.is_empty());
        is_word.then(|| format!("{stem}{one}"))
    });
    let one = one.unwrap_or_else(|| collection.to_owned());
    // Braces and slashes have a meaning in a path.
    one.replace(['{', '}', '/', '?', '#'], "_")
}

/// The name, or with a number if a parameter has it.
fn unique(name: &str, taken: &[Parameter]) -> String {
    let is_free = |name: &str| taken.iter().all(|parameter| parameter.name != name);
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| is_free(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: &str) {
        let template: Template = template.parse().expect("a template");
        assert_eq!(Path::of(&template).text(), expected);
    }

    #[test]
    fn paths() {
        check("/", "/");
        check("/v1/books", "/v1/books");
        check("/v1/books/{book_id}", "/v1/books/{book_id}");
        check(
            "/v1/{name=shelves/*/books/*}:move",
            "/v1/shelves/{shelf}/books/{book}:move",
        );
        check("/v1/{book.name=policies/*}", "/v1/policies/{policy}");
        check("/v1/{book.name}", "/v1/{book_name}");
        check("/v1/{name=a/*/a/*}", "/v1/a/{a}/a/{a_2}");
        check("/v1/{path=**}", "/v1/{path}");
        check("/v1/{name=loans/**}:cancel", "/v1/loans/{loan}:cancel");
        check("/v1/{name=*/*}", "/v1/{name}/{name_2}");
        check("/*/s/*", "/{segment}/s/{s}");
        check("/%7Ba%7D/*", "/%7Ba%7D/{_a_}");
    }
}
