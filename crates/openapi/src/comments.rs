//! What the `.proto` files say about themselves, as far as their descriptors kept it.
//! In: a descriptor's file and the path of the descriptor in it; out: the comment
//! before it and the one after it, without the slashes.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use prost_reflect::FileDescriptor;

/// The comments of all files that were asked for, each read once.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    files: RefCell<HashMap<(usize, String), Rc<ByPath>>>,
}

type ByPath = HashMap<Vec<i32>, String>;

impl Comments {
    /// The comment at `path` of `file`, which is of the pool `source`.
    pub(crate) fn at(&self, source: usize, file: &FileDescriptor, path: &[i32]) -> Option<String> {
        let key = (source, file.name().to_owned());
        let mut files = self.files.borrow_mut();
        let comments = files.entry(key).or_insert_with(|| Rc::new(of(file)));
        comments.get(path).cloned()
    }
}

fn of(file: &FileDescriptor) -> ByPath {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let locations = info.into_iter().flat_map(|info| &info.location);
    let comments = locations.filter_map(|location| {
        let both = [location.leading_comments(), location.trailing_comments()];
        let texts = both.map(plain).into_iter().filter(|text| !text.is_empty());
        let text = texts.collect::<Vec<_>>().join("\n\n");
        (!text.is_empty()).then(|| (location.path.clone(), text))
    });
    comments.collect()
}

/// Without the space that comes after the slashes, and without what is around it.
fn plain(comment: &str) -> String {
    let lines = comment.lines().map(|line| {
        let line = line.strip_prefix(' ').unwrap_or(line);
        line.trim_end()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The first paragraph in one line, and what comes after it.
pub(crate) fn split(comment: &str) -> (String, String) {
    let (first, rest) = comment.split_once("\n\n").unwrap_or((comment, ""));
    let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
    (first, rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_leave_a_space() {
        assert_eq!(
            plain(" One.\n Two.\n\n   - three\n"),
            "One.\nTwo.\n\n  - three"
        );
        assert_eq!(
            split("One\n two.\n\nThree."),
            ("One two.".to_owned(), "Three.".to_owned())
        );
    }
}
