//! Where the repository is, and where what is built goes.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// This package is one folder below the root.
pub(crate) fn repository() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().context("xtask has no parent folder")?;
    Ok(root.to_owned())
}

/// Cargo's own.
pub(crate) fn target(root: &Path) -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// The foreign tools'; made when it is not there.
pub(crate) fn tools(root: &Path) -> anyhow::Result<PathBuf> {
    made(target(root).join("tools"))
}

/// That folder, which now exists.
pub(crate) fn made(folder: PathBuf) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
