use proptest::{collection::vec, prelude::*};

use super::*;

fn trie(templates: &[Vec<Segment>]) -> Trie {
    let mut growing = Growing::default();
    for (index, segments) in templates.iter().enumerate() {
        growing.insert(segments, index);
    }
    growing.finish()
}

/// The visits that a whole lookup of `path` takes, which may not be more than a
/// node each, and one for each `**`.
#[track_caller]
fn check(templates: &[Vec<Segment>], path: &str) -> usize {
    let trie = trie(templates);
    let with_rest = trie.nodes.iter().filter(|node| !node.rest.is_empty());
    let visits_max = trie.nodes.len() + with_rest.count();
    let mut leaves = trie.leaves(path);
    let visits = std::iter::from_fn(|| leaves.step()).count();
    assert!(
        visits <= visits_max,
        "{visits} visits of {visits_max} at {path}"
    );
    let levels = path.matches('/').count() + 1;
    assert!(
        visits <= 2 * levels * templates.len().max(1),
        "{visits} visits of {levels} levels"
    );
    visits
}

/// Every way to write `depth` segments with `a` and `*`.
fn all(depth: u32) -> Vec<Vec<Segment>> {
    let literal = || Segment::Literal("a".to_owned());
    let segment = |choice: u32, at: u32| match choice >> at & 1 {
        0 => literal(),
        _ => Segment::One,
    };
    (0..1 << depth)
        .map(|choice| (0..depth).map(|at| segment(choice, at)).collect())
        .collect()
}

#[test]
fn no_path_costs_more_than_the_templates_have_nodes() {
    let mut templates = all(10);
    // Every node is tried, and again for each level there is a `**`.
    assert_eq!(check(&templates, &"/a".repeat(11)), 2047);
    for index in 0..templates.len() {
        let mut deeper = templates[index].clone();
        deeper.push(Segment::Rest);
        templates.push(deeper);
    }
    assert_eq!(check(&templates, &"/a".repeat(1000)), 2047 + 1024);
    assert_eq!(check(&templates, &"/b".repeat(1000)), 11 + 1);
    assert_eq!(check(&templates, &"/".repeat(1000)), 1);
}

#[test]
fn the_most_special_comes_first() {
    let literal = |text: &str| Segment::Literal(text.to_owned());
    let templates = [
        vec![Segment::Rest],
        vec![Segment::One, Segment::One],
        vec![literal("a"), Segment::Rest],
        vec![Segment::One, literal("b")],
        vec![literal("a"), literal("c")],
        vec![literal("a"), Segment::One],
        vec![literal("a"), literal("b")],
        vec![Segment::One],
    ];
    let trie = trie(&templates);
    let order = |path| -> Vec<usize> { trie.leaves(path).flatten().copied().collect() };
    assert_eq!(order("/a/b"), [6, 5, 2, 3, 1, 0]);
    assert_eq!(order("/a"), [2, 7, 0]);
    assert_eq!(order("/a/"), [2, 0]);
    assert_eq!(order("/"), [0]);
    assert_eq!(order("/a//b"), [2, 0]);
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        2 => "[ab]".prop_map(Segment::Literal),
        1 => Just(Segment::One),
    ]
}

proptest! {
    #[test]
    fn the_bound_holds_for_any_templates(
        templates in vec((vec(segment(), 0..8), any::<bool>()), 0..40),
        path in "(/[abc]?){0,9}",
    ) {
        let templates: Vec<_> = templates.into_iter().map(|(mut segments, has_rest)| {
            segments.extend(has_rest.then_some(Segment::Rest));
            segments
        }).collect();
        check(&templates, &path);
    }
}
