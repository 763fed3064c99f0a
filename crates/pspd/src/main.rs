//! The `pspd` command: reads the command line and hands over to one of its
//! subcommands. Exit codes: 0 done, 1 failed while running, 2 a condition of
//! `--fail-if` holds, 64 wrong usage or configuration.

mod certs;
mod config;
mod exit;
mod gateway;
mod health;
mod k8s;
mod lab;
mod report;
mod serve;
mod up;

use std::process::ExitCode;

use clap::Command;

/// Many small things that live as long as a request are what a gateway allocates; see
/// docs/decisions/0019-allocator.md.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let matches = match cli().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return exit::clap(&error),
    };
    let done = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some(("up", matches)) => up::run(matches),
        Some(("config", matches)) => config::command::run(matches),
        Some(("certs", matches)) => certs::run(matches),
        Some(("gateway", matches)) => gateway::run(matches),
        Some(("health", matches)) => health::run(matches),
        Some(("k8s", matches)) => k8s::run(matches),
        Some(("lab", matches)) => lab::run(matches),
        Some(("report", matches)) => report::run(matches),
        _ => Err(exit::Usage::new("no command given; see `pspd --help`").into()),
    };
    exit::code(done)
}

fn cli() -> Command {
    Command::new("pspd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("What do the protocol and the platform between my services cost me?")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(up::command())
        .subcommand(config::command::command())
        .subcommand(certs::command())
        .subcommand(gateway::command())
        .subcommand(health::command())
        .subcommand(k8s::command())
        .subcommand(lab::command())
        .subcommand(report::command())
}
