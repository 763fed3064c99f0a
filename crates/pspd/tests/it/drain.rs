//! Roles that leave, one after the other or by handing their ports over, under the load
//! of clients that count what they lose; how the steps of a stop look from outside; and
//! what is told to those who are still there at its end.

pub(crate) mod clients;
mod endings;
mod handover;
pub(crate) mod rolling;
mod steps;

use std::net::SocketAddr;

use contract::Role;
use system::Launch;
use testkit::{IN_TIME, Process};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// A role at this address, with these further arguments.
fn launch_at(role: Role, address: SocketAddr, args: &[&str]) -> Launch {
    Launch {
        port: address.port(),
        args: args.iter().map(Into::into).collect(),
        ready_within: IN_TIME,
        ..Launch::new(PSPD, role)
    }
}

#[track_caller]
fn started(launch: &Launch) -> Process {
    Process::launch(launch).expect("the role comes up")
}

fn free_address() -> SocketAddr {
    ([127, 0, 0, 1], testkit::low_port()).into()
}
