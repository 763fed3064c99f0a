//! Puts the files of `deploy/k8s`, and those of `deploy/observability` that it uses, into the
//! program, as a list of paths and texts.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let deploy = root.join("../../deploy");
    let mut paths = Vec::new();
    for folder in ["k8s/base", "k8s/components"] {
        collect(&deploy, Path::new(folder), &mut paths)?;
    }
    for file in [
        "kustomization.yaml",
        "prometheus-rule.yaml",
        "dashboard.json",
    ] {
        paths.push(Path::new("observability").join(file));
    }
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let full = deploy.join(&path).canonicalize()?;
        println!("cargo::rerun-if-changed={}", full.display());
        // Of whatever machine the files were built on, the paths are kustomize's.
        let name = path.display().to_string().replace('\\', "/");
        let _ = writeln!(list, "    ({name:?}, include_str!({full:?})),");
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("files.rs"), list)
}

fn collect(deploy: &Path, folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", deploy.join(folder).display());
    for entry in fs::read_dir(deploy.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => collect(deploy, &path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}
