//! What the load is put on: roles of `pspd serve`.

use std::path::Path;

use crate::measuring::role::Role;

/// A system that answers at `url`.
pub(super) struct Target {
    pub(super) url: String,
    // Dropped in this order: who calls goes before who is called.
    _roles: Vec<Role>,
}

impl Target {
    /// A-REST alone: as little work for each request as there is.
    pub(super) fn greeting(pspd: &Path, folder: &Path) -> anyhow::Result<Target> {
        let role = Role::start(pspd, folder, "a-rest", &[])?;
        Ok(Target {
            url: role.url(),
            _roles: vec![role],
        })
    }

    /// The REST chain: its answers take the time that the request asks for.
    pub(super) fn rest_chain(pspd: &Path, folder: &Path) -> anyhow::Result<Target> {
        let a = Role::start(pspd, folder, "a-rest", &[])?;
        let b = Role::start(pspd, folder, "b-rest", &[])?;
        let (a_url, b_url) = (a.url(), b.url());
        let upstream = [
            "--a-rest",
            &a_url,
            "--b-rest",
            &b_url,
            "--access-log",
            "off",
        ];
        let gateway = Role::start(pspd, folder, "gateway-rest", &upstream)?;
        Ok(Target {
            url: gateway.url(),
            _roles: vec![gateway, a, b],
        })
    }
}
