//! What is in an image: one static program that belongs to root, small enough, and a
//! configuration that says how it is run. Reads OCI's layout, and adds a list of it for Docker.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::VERSION;
use crate::{
    machine::{run, said_by},
    release::Source,
};

/// All that a node has to fetch.
const COMPRESSED_BYTES_MAX: u64 = 15_000_000;

/// What a program of jemalloc's has in it.
const JEMALLOC: &[u8] = b"<jemalloc>";

/// Bytes.
pub(super) struct Found {
    pub(super) compressed: u64,
    pub(super) program: u64,
}

pub(super) fn check(layout: &Path, source: &Source) -> anyhow::Result<Found> {
    let index = json_of(&layout.join("index.json"))?;
    let manifest = json_of(&blob(layout, &index["manifests"][0])?)?;
    let config = json_of(&blob(layout, &manifest["config"])?)?;
    check_config(&config["config"], &source.commit)?;

    let layers = manifest["layers"].as_array().context("no layers")?;
    ensure!(layers.len() == 1, "the image has {} layers", layers.len());
    let layer = blob(layout, &layers[0])?;
    let program = check_layer(&layer)?;
    let blobs = fs::read_dir(layout.join("blobs/sha256"))?;
    let sizes = blobs.map(|blob| Ok(blob?.metadata()?.len()));
    let compressed: u64 = sizes.sum::<anyhow::Result<u64>>()?;
    ensure!(
        compressed < COMPRESSED_BYTES_MAX,
        "the image has {compressed} bytes compressed, and {COMPRESSED_BYTES_MAX} is the limit"
    );
    Ok(Found {
        compressed,
        program,
    })
}

/// Adds the list by which engines find their way that know Docker's archives alone, as
/// `docker save` writes it beside OCI's own.
pub(super) fn add_list_for_docker(layout: &Path, name: &str) -> anyhow::Result<()> {
    let path = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        format!("blobs/{}", digest.replace(':', "/"))
    };
    let index = json_of(&layout.join("index.json"))?;
    let manifest = json_of(&blob(layout, &index["manifests"][0])?)?;
    let layers = manifest["layers"].as_array().context("no layers")?;
    let list = json!([{
        "Config": path(&manifest["config"]),
        "RepoTags": [name],
        "Layers": layers.iter().map(path).collect::<Vec<_>>(),
    }]);
    fs::write(layout.join("manifest.json"), list.to_string())?;
    Ok(())
}

fn check_config(config: &Value, commit: &str) -> anyhow::Result<()> {
    let ports = config["ExposedPorts"].as_object().map(serde_json::Map::len);
    let told = json!({
        "user": config["User"],
        "entrypoint": config["Entrypoint"],
        "command": config["Cmd"],
        "ports": ports,
        "labels": config["Labels"],
        "volumes": config["Volumes"],
    });
    let title = "org.opencontainers.image.title";
    let description = "org.opencontainers.image.description";
    let licenses = "org.opencontainers.image.licenses";
    let version = "org.opencontainers.image.version";
    let revision = "org.opencontainers.image.revision";
    let expected = json!({
        "user": "65532:65532",
        "entrypoint": ["/pspd"],
        "command": ["help"],
        "ports": 11,
        "labels": {
            title: "pspd",
            description: "What do the protocol and the platform between my services cost me?",
            licenses: "MIT OR Apache-2.0",
            version: VERSION,
            revision: commit,
        },
        "volumes": null,
    });
    ensure!(
        told == expected,
        "the configuration is {told:#}, and not {expected:#}"
    );
    Ok(())
}

/// One program, as large as is returned.
fn check_layer(layer: &Path) -> anyhow::Result<u64> {
    let listed = said_by(
        Command::new("tar")
            .args(["--list", "--verbose", "--numeric-owner", "--gzip", "--file"])
            .arg(layer),
    )?;
    let words: Vec<_> = listed.split_whitespace().collect();
    let alone = matches!(
        words.as_slice(),
        ["-r-xr-xr-x", "0/0", .., "pspd" | "./pspd"]
    );
    ensure!(
        alone && listed.lines().count() == 1,
        "the image must have /pspd alone, root's, which everybody may run; it has\n{listed}"
    );
    let folder = layer.with_extension("unpacked");
    fs::create_dir_all(&folder)?;
    run(Command::new("tar")
        .args(["--extract", "--gzip", "--file"])
        .arg(layer)
        .arg("--directory")
        .arg(&folder))?;
    let program = fs::read(folder.join("pspd"))?;
    fs::remove_dir_all(&folder)?;
    ensure!(
        is_static(&program).context("/pspd is not a 64-bit little-endian ELF file")?,
        "/pspd asks for a dynamic linker, which the image does not have"
    );
    ensure!(
        program.windows(JEMALLOC.len()).any(|part| part == JEMALLOC),
        "/pspd is built without jemalloc; musl's allocator is slow with several threads"
    );
    Ok(program.len() as u64)
}

/// Whether no program header names an interpreter; none for what is no such file.
fn is_static(elf: &[u8]) -> Option<bool> {
    const INTERPRETER: u32 = 3;
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let short = |at: usize| {
        Some(usize::from(u16::from_le_bytes(
            elf.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let headers = u64::from_le_bytes(elf.get(32..40)?.try_into().ok()?);
    let headers = usize::try_from(headers).ok()?;
    let (size, count) = (short(54)?, short(56)?);
    let kind = |number: usize| {
        let at = headers.checked_add(number * size)?;
        let kind = elf.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(kind.try_into().ok()?))
    };
    let kinds: Option<Vec<u32>> = (0..count).map(kind).collect();
    Some(!kinds?.contains(&INTERPRETER))
}

fn json_of(path: &Path) -> anyhow::Result<Value> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// The file that a descriptor points to.
fn blob(layout: &Path, descriptor: &Value) -> anyhow::Result<PathBuf> {
    let digest = descriptor["digest"].as_str().context("no digest")?;
    Ok(layout.join("blobs").join(digest.replace(':', "/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with program headers of these kinds.
    fn elf(kinds: &[u32]) -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64, 0);
        elf[32] = 64;
        elf[54] = 56;
        elf[56] = u8::try_from(kinds.len()).expect("few");
        for kind in kinds {
            elf.extend(kind.to_le_bytes());
            elf.extend([0; 52]);
        }
        elf
    }

    #[test]
    fn a_program_with_an_interpreter_is_not_static() {
        assert_eq!(is_static(&elf(&[1, 2, 6])), Some(true));
        assert_eq!(is_static(&elf(&[6, 3, 1])), Some(false));
        assert_eq!(is_static(&elf(&[1, 3])[..100]), None);
        assert_eq!(is_static(b"#!/bin/sh"), None);
    }

    #[test]
    fn another_configuration_is_refused() {
        let error = check_config(&json!({"User": "0"}), "abc").expect_err("root");
        assert!(error.to_string().contains("65532:65532"), "{error}");
    }
}
