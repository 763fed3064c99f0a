//! Records the commit that the program is built from, where git knows it, so
//! that results can say what was measured.

use std::{path::Path, process::Command};

fn main() {
    let git = Path::new("../../.git");
    println!("cargo:rerun-if-changed=build.rs");
    for file in ["HEAD", "index"].map(|name| git.join(name)) {
        if file.exists() {
            println!("cargo:rerun-if-changed={}", file.display());
        }
    }
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .output();
    if let Ok(output) = described
        && output.status.success()
    {
        let commit = String::from_utf8_lossy(&output.stdout);
        println!("cargo:rustc-env=PSPD_GIT_COMMIT={}", commit.trim());
    }
}
