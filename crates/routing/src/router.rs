//! The router: built once from every route, then asked for each request. In: a
//! method and the path of a URL, as it was sent; out: the route's value and the
//! values of the path's variables, or whether it is the path or the method that
//! nothing is for.
//!
//! Of several routes that a path fits, the one with the longest verb is taken,
//! then segment by segment from the left the one with a literal before one with
//! `*` before one with `**`, and among equal paths the one for this very method
//! before one for any. A method that the most special path lacks is looked for in
//! the others, so that each method has a table of its own.
//!
//! Segments that are empty fit no `*` and no literal, so that `/a/` is another path
//! than `/a` and `/a//b` sets no field to nothing; only `**` takes them, as they
//! are. (Envoy drops empty segments at the end, grpc-gateway lets `*` take them;
//! the definition does not say.)

mod trie;

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use http::Method;
use smallvec::SmallVec;

use crate::{
    Template, Verb, decode,
    template::{Segment, Variable},
};
use trie::{Growing, Trie};

/// Routes by method and path.
#[derive(Debug)]
pub struct Router<T> {
    routes: Vec<Route<T>>,
    /// By the templates' verbs, the longest first, the one without a verb last.
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Route<T> {
    verb: Verb,
    template: Template,
    value: T,
}

#[derive(Debug)]
struct Table {
    verb: Option<Box<str>>,
    trie: Trie,
}

/// What a request asks for.
#[derive(Debug)]
pub struct Found<'r, 'p, T> {
    /// Of the route.
    pub value: &'r T,
    /// The values of the path's variables, decoded, in the template's order.
    pub variables: Values<'p>,
}

/// Values of variables; up to four without an allocation.
pub type Values<'p> = SmallVec<[Cow<'p, str>; 4]>;

/// Why a request asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// The path fits no route.
    #[error("there is no such path")]
    Path,
    /// The path fits routes for other methods.
    #[error("the path is for other methods: {}", names(allowed))]
    Method {
        /// Those methods, sorted.
        allowed: Vec<Method>,
    },
    /// The value of a variable is not text.
    #[error("{variable} is {value:?} in the path, which is not UTF-8 once decoded")]
    BadEncoding {
        /// The field that the variable sets.
        variable: String,
        /// As it is in the path.
        value: String,
    },
}

/// Two routes for the same requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{route} is given twice, by {first} and by {second}; change the path of one of them or leave \
     it out"
)]
pub struct Conflict {
    /// Method and path of the second.
    pub route: String,
    /// Where the first is written.
    pub first: String,
    /// Where the second is.
    pub second: String,
}

impl<T> Router<T> {
    /// A router of these routes: method, path, where it is written, value.
    ///
    /// # Errors
    ///
    /// Every route whose requests another one before it takes: of the same method,
    /// with paths that differ at most in their variables.
    pub fn build(routes: Vec<(Verb, Template, String, T)>) -> Result<Self, Vec<Conflict>> {
        let mut growing: BTreeMap<_, Growing<'_>> = BTreeMap::new();
        let mut taken = HashMap::new();
        let mut conflicts = Vec::new();
        for (index, (verb, template, origin, _)) in routes.iter().enumerate() {
            let suffix = template.verb.as_deref();
            let order = (Reverse(suffix.map_or(0, str::len)), suffix);
            let leaf = growing
                .entry(order)
                .or_default()
                .insert(&template.segments, index);
            if let Some(first) = taken.insert((suffix, leaf, verb), origin) {
                conflicts.push(Conflict {
                    route: format!("{verb} {template}"),
                    first: first.clone(),
                    second: origin.clone(),
                });
                taken.insert((suffix, leaf, verb), first);
            }
        }
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        let tables = growing.into_iter().map(|((_, verb), growing)| Table {
            verb: verb.map(Box::from),
            trie: growing.finish(),
        });
        let tables = tables.collect();
        let routes = routes.into_iter().map(|(verb, template, _, value)| Route {
            verb,
            template,
            value,
        });
        Ok(Router {
            routes: routes.collect(),
            tables,
        })
    }

    /// What `method` of `path` asks for; `path` begins with a slash, has no query
    /// and is not decoded yet. `HEAD` asks for what `GET` does, unless it has a
    /// route of its own at the same path.
    ///
    /// It allocates only for values that are decoded and for paths with more than
    /// a handful of variables, and looks at each byte of the path at most once for
    /// each route.
    ///
    /// # Errors
    ///
    /// [`NotFound`].
    pub fn find<'p>(&self, method: &Method, path: &'p str) -> Result<Found<'_, 'p, T>, NotFound> {
        let found = self.readings(path).find_map(|(trie, path)| {
            let mut leaves = trie.leaves(path);
            leaves.find_map(|leaf| Some((self.choose(leaf, method)?, path)))
        });
        let Some((route, path)) = found else {
            return Err(self.not_found(path));
        };
        Ok(Found {
            value: &route.value,
            variables: values(&route.template, path)?,
        })
    }

    /// How the path can be read: with each verb that it ends in, then without.
    fn readings<'p>(&self, path: &'p str) -> impl Iterator<Item = (&Trie, &'p str)> {
        let last = path.rfind('/').map(|slash| slash + 1);
        let tables = last.into_iter().flat_map(move |last| {
            let has_verb = path[last..].contains(':');
            let tables = self.tables.iter();
            tables.filter_map(move |table| match &table.verb {
                None => Some((&table.trie, path)),
                Some(verb) if has_verb => Some((&table.trie, without_verb(path, last, verb)?)),
                Some(_) => None,
            })
        });
        tables.filter(|(_, path)| path.starts_with('/'))
    }

    /// The route among those of one path that is for this method.
    fn choose(&self, leaf: &[usize], method: &Method) -> Option<&Route<T>> {
        let mut second = None;
        let mut third = None;
        for route in leaf.iter().filter_map(|&route| self.routes.get(route)) {
            match &route.verb {
                Verb::Method(own) if own == method => return Some(route),
                Verb::Method(own) if own == Method::GET && method == Method::HEAD => {
                    second = Some(route);
                }
                Verb::Method(_) => {}
                Verb::Any => third = Some(route),
            }
        }
        second.or(third)
    }

    fn not_found(&self, path: &str) -> NotFound {
        let leaves = self
            .readings(path)
            .flat_map(|(trie, path)| trie.leaves(path));
        let routes = leaves.flatten().filter_map(|&route| self.routes.get(route));
        let mut allowed: Vec<Method> = Vec::new();
        for route in routes {
            if let Verb::Method(method) = &route.verb {
                allowed.push(method.clone());
                allowed.extend((method == Method::GET).then_some(Method::HEAD));
            }
        }
        allowed.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        allowed.dedup();
        match allowed.is_empty() {
            true => NotFound::Path,
            false => NotFound::Method { allowed },
        }
    }
}

/// `path`, whose last segment begins at `last`, without the verb at its end, if it
/// has this one there.
fn without_verb<'p>(path: &'p str, last: usize, verb: &str) -> Option<&'p str> {
    // It begins at the last colon, or at one more before that for each of its own.
    let colons = path[last..]
        .rmatch_indices(':')
        .take(1 + verb.matches(':').count());
    let mut starts = colons.map(|(colon, _)| last + colon);
    let start = starts.find(|start| decode::compare(verb, &path[start + 1..]).is_eq())?;
    Some(&path[..start])
}

/// The values of the variables in `path`, which fits the template.
fn values<'p>(template: &Template, path: &'p str) -> Result<Values<'p>, NotFound> {
    let mut cursor = Cursor {
        path,
        at: 0,
        index: 0,
    };
    let value = |variable: &Variable| {
        let Variable { field, segments } = variable;
        let start = cursor.skip_to(segments.start);
        // Where `**` begins, if it is a part of the variable.
        let (open, end) = match template.segments[segments.clone()] {
            [.., Segment::Rest] => (cursor.skip_to(segments.end - 1), path.len()),
            _ => {
                let end = cursor.skip_to(segments.end);
                (end, end)
            }
        };
        // The slash before the first segment is no part of the value.
        let raw = path.get(start + 1..end).unwrap_or_default();
        let decoded = match template.is_single(variable) {
            true => decode::wholly(raw),
            false => {
                let open = open.saturating_sub(start + 1).min(raw.len());
                decode::segments(raw, open, template.decoding)
            }
        };
        decoded.ok_or_else(|| NotFound::BadEncoding {
            variable: field.clone(),
            value: raw.to_owned(),
        })
    };
    template.variables.iter().map(value).collect()
}

/// Walks along the segments of a path, once.
struct Cursor<'p> {
    path: &'p str,
    /// Where the segment `index` begins, with its slash; the path's end when there
    /// is none.
    at: usize,
    index: usize,
}

impl Cursor<'_> {
    /// Where the segment `index` begins.
    fn skip_to(&mut self, index: usize) -> usize {
        while self.index < index {
            self.at = segment_end(self.path, self.at);
            self.index += 1;
        }
        self.at
    }
}

/// Where the segment ends whose slash is at `at`.
fn segment_end(path: &str, at: usize) -> usize {
    let rest = path.get(at + 1..).unwrap_or_default();
    rest.find('/').map_or(path.len(), |slash| at + 1 + slash)
}

fn names(methods: &[Method]) -> String {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
