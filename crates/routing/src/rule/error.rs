//! Why a rule cannot be used. Each error says where the rule is written.

use crate::BadTemplate;

/// Why there is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// The text or the bytes that hold it are broken.
    #[error("{origin}: {reason}")]
    Unreadable {
        /// Where it is written.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It has neither a path nor a method.
    #[error("{origin} has no path; give one of get, put, post, delete, patch, custom")]
    NoPath {
        /// Where it is written.
        origin: String,
    },
    /// It has more than one path.
    #[error(
        "{origin} has both {first} and {second}; keep one, and move the other to \
         additional_bindings"
    )]
    SeveralPaths {
        /// Where it is written.
        origin: String,
        /// A key that gives a path.
        first: &'static str,
        /// Another.
        second: &'static str,
    },
    /// Its path is no template.
    #[error("{origin}: {path:?} is no path template: {problem}")]
    Template {
        /// Where it is written.
        origin: String,
        /// The path as given.
        path: String,
        /// What is wrong with it.
        problem: BadTemplate,
    },
    /// Its HTTP method is none.
    #[error("{origin}: custom.kind {problem}")]
    Verb {
        /// Where it is written.
        origin: String,
        /// What is wrong with it.
        problem: BadVerb,
    },
    /// An additional binding has additional bindings.
    #[error("{origin} has additional_bindings of its own; put them beside it")]
    Nested {
        /// Where it is written.
        origin: String,
    },
    /// It does not say which methods it is for.
    #[error(
        "{origin}: selector {selector:?} is none; write package.Service.Method, or package.* \
         for all below, several separated by commas"
    )]
    Selector {
        /// Where it is written.
        origin: String,
        /// The selector as given.
        selector: String,
    },
    /// An additional binding says which methods it is for.
    #[error("{origin} has a selector; leave it out, its rule's own holds")]
    SelectorTwice {
        /// Where it is written.
        origin: String,
    },
}

/// Why a text is no HTTP method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no HTTP method; write a name such as HEAD, or * for any")]
pub struct BadVerb {
    /// The text.
    pub given: String,
}
