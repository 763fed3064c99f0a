//! Templates by their segments. A lookup goes down the tree and back up again
//! where a branch ends without a route for the method.
//!
//! It is a tree, so that a node is reached by one way and at one place of the
//! path: a lookup visits each node at most once. A visit looks at the bytes of one
//! segment, once for `*` and for its literals at most as often as there are any,
//! since halving k of them takes no more than k steps. With n bytes in the path
//! and t templates, of which each adds at most one node to each level, that is n
//! times t at most, however the templates and the path are made.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use super::segment_end;
use crate::{decode, template::Segment};

#[derive(Debug)]
pub(super) struct Trie {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// What follows, sorted by the text.
    literals: Vec<(Box<str>, usize)>,
    one: Option<usize>,
    /// The routes that end here.
    here: Vec<usize>,
    /// Those that end here with `**`.
    rest: Vec<usize>,
}

/// The templates with the same segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Leaf {
    node: usize,
    is_rest: bool,
}

/// A trie that templates are added to.
#[derive(Debug)]
pub(super) struct Growing<'t> {
    nodes: Vec<Node>,
    literals: HashMap<(usize, &'t str), usize>,
}

impl Default for Growing<'_> {
    fn default() -> Self {
        Growing {
            nodes: vec![Node::default()],
            literals: HashMap::new(),
        }
    }
}

impl<'t> Growing<'t> {
    pub(super) fn insert(&mut self, segments: &'t [Segment], route: usize) -> Leaf {
        let mut node = 0;
        for segment in segments {
            node = match segment {
                Segment::Literal(text) => {
                    let next = self.nodes.len();
                    let known = *self.literals.entry((node, text)).or_insert(next);
                    if known == next {
                        self.nodes[node].literals.push((text.as_str().into(), next));
                        self.nodes.push(Node::default());
                    }
                    known
                }
                Segment::One => {
                    let next = self.nodes.len();
                    let known = *self.nodes[node].one.get_or_insert(next);
                    if known == next {
                        self.nodes.push(Node::default());
                    }
                    known
                }
                Segment::Rest => {
                    self.nodes[node].rest.push(route);
                    return Leaf {
                        node,
                        is_rest: true,
                    };
                }
            };
        }
        self.nodes[node].here.push(route);
        Leaf {
            node,
            is_rest: false,
        }
    }

    pub(super) fn finish(self) -> Trie {
        let mut nodes = self.nodes;
        for node in &mut nodes {
            node.literals.sort_unstable();
        }
        Trie { nodes }
    }
}

impl Trie {
    /// The routes whose templates `path` fits, those with the same segments
    /// together, the most special first.
    pub(super) fn leaves<'t, 'p>(&'t self, path: &'p str) -> Leaves<'t, 'p> {
        Leaves {
            nodes: &self.nodes,
            path,
            steps: smallvec![Step {
                node: 0,
                at: 0,
                is_rest: false
            }],
        }
    }
}

/// A lookup under way.
pub(super) struct Leaves<'t, 'p> {
    nodes: &'t [Node],
    path: &'p str,
    /// What is still to be tried, the next last.
    steps: SmallVec<[Step; 12]>,
}

#[derive(Clone, Copy)]
struct Step {
    node: usize,
    /// Where in the path the segments after this node begin.
    at: usize,
    /// Whether to look for `**` only.
    is_rest: bool,
}

impl<'t> Leaves<'t, '_> {
    /// Visits one node; the routes that the path fits there, if any. `None` when
    /// every node was visited.
    fn step(&mut self) -> Option<&'t [usize]> {
        let Step {
            node: index,
            at,
            is_rest,
        } = self.steps.pop()?;
        let node = self.nodes.get(index)?;
        if is_rest {
            return Some(&node.rest);
        }
        if !node.rest.is_empty() {
            self.steps.push(Step {
                node: index,
                at,
                is_rest: true,
            });
        }
        let rest = &self.path[at..];
        if rest.is_empty() || (index == 0 && rest == "/") {
            return Some(&node.here);
        }
        let end = segment_end(self.path, at);
        let segment = &self.path[at + 1..end];
        if !segment.is_empty() {
            let mut next = |node| {
                self.steps.push(Step {
                    node,
                    at: end,
                    is_rest: false,
                })
            };
            node.one.into_iter().for_each(&mut next);
            let literals = &node.literals;
            let same = literals.binary_search_by(|(text, _)| decode::compare(text, segment));
            same.into_iter().for_each(|index| next(literals[index].1));
        }
        Some(&[])
    }
}

impl<'t> Iterator for Leaves<'t, '_> {
    type Item = &'t [usize];

    fn next(&mut self) -> Option<&'t [usize]> {
        loop {
            match self.step()? {
                [] => {}
                leaf => return Some(leaf),
            }
        }
    }
}

#[cfg(test)]
mod tests;
