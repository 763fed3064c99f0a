//! What stands behind every gateway: services A and B of ours, the same processes
//! for all gateways of a round.

use std::path::Path;

use crate::measuring::role::Role;

pub(super) struct Backend {
    a: Role,
    b: Role,
}

impl Backend {
    pub(super) fn start(pspd: &Path, folder: &Path) -> anyhow::Result<Backend> {
        Ok(Backend {
            a: Role::start(pspd, folder, "a", &[])?,
            b: Role::start(pspd, folder, "b", &[])?,
        })
    }

    pub(super) fn a_port(&self) -> u16 {
        self.a.address.port()
    }

    pub(super) fn b_port(&self) -> u16 {
        self.b.address.port()
    }

    /// As gateways are told of it.
    pub(super) fn a_address(&self) -> String {
        self.a.address.to_string()
    }

    /// As gateways are told of it.
    pub(super) fn b_address(&self) -> String {
        self.b.address.to_string()
    }
}
