//! The `pspd` that is measured: a release build made now, or the one named.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use crate::{folders, machine};

/// `named`, or a fresh build.
pub(crate) fn pspd(root: &Path, named: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named {
        Some(file) => existing(file),
        None => build(root),
    }
}

/// The file's whole path, which does not depend on the folder that it is run in.
pub(crate) fn existing(file: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(file).with_context(|| format!("there is no program {}", file.display()))
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    eprintln!("building pspd");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    machine::run(
        Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package", "pspd"])
            .current_dir(root),
    )?;
    Ok(folders::target(root).join("release/pspd"))
}
