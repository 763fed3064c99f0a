//! The configuration file of ours where it serves what Envoy serves: the annotated
//! services, described by the same descriptor set.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::backend::Backend;

/// Writes it into `folder`.
pub(super) fn configuration(
    folder: &Path,
    descriptor_set: &Path,
    backend: &Backend,
) -> anyhow::Result<PathBuf> {
    let upstream = |service: &str, address: &str| {
        format!(
            "[[gateway.upstreams]]\naddress = {address:?}\ndescriptor-set = {descriptor_set:?}\n\
             services = [{service:?}]\n\n"
        )
    };
    let text = upstream("pspd.ServiceA", &backend.a_address())
        + &upstream("pspd.ServiceB", &backend.b_address());
    let file = folder.join("pspd.toml");
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
