//! The ready file: how a parent learns that a role listens, and where. Written
//! whole or not at all.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use contract::Role;
use serde_json::json;

pub(super) fn write(path: &Path, role: Role, address: SocketAddr, admin: SocketAddr) -> Result<()> {
    let content = json!({
        "role": role.name(),
        "pid": std::process::id(),
        "address": address.to_string(),
        "admin": admin.to_string(),
    });
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, content.to_string())
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| {
            let path = path.display();
            format!("cannot write the ready file {path}; choose a folder that exists")
        })
}
