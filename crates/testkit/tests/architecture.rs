//! ARCHITECTURE.md names only paths that exist and exactly the crate edges
//! that Cargo sees.

use std::{env, fs, path::Path, process::Command};

use testkit::architecture::{missing_paths, wrong_edges};

#[test]
fn the_architecture_page_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("ARCHITECTURE.md"))
        .expect("the repository has an ARCHITECTURE.md");
    let metadata = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{metadata:?}");
    let metadata = String::from_utf8_lossy(&metadata.stdout);

    let mut problems = missing_paths(&document, &root);
    problems.extend(wrong_edges(&document, &metadata));
    assert!(
        problems.is_empty(),
        "ARCHITECTURE.md is not true; correct it, or the code:\n{}",
        problems.join("\n")
    );
}
