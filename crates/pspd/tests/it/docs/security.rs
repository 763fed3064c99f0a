//! `SECURITY.md` names tests that exist.

use std::{fs, path::Path};

#[test]
fn every_test_that_is_named_exists() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let page = fs::read_to_string(format!("{root}/SECURITY.md")).expect("SECURITY.md");
    let spans = page.split('`').skip(1).step_by(2);
    let named: Vec<_> = spans.filter(|span| span.contains("::")).collect();
    assert!(named.len() > 20, "{named:?}");
    for test in named {
        let (module, name) = test.rsplit_once("::").expect("a path");
        let path = module.replace("::", "/");
        let it = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
        let files = [it.join(format!("{path}.rs")), it.join(&path).join("mod.rs")];
        let texts = files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok());
        let text: String = texts.collect();
        assert!(text.contains(&format!("fn {name}(")), "there is no {test}");
    }
}
