//! Writes `docs/metrics.md`, and the dashboard and rules in `deploy/observability`, from
//! the table of metrics. What makes them also tests them, and is run with leave to write.

use std::process::{Command, ExitCode};

use crate::machine::run as run_command;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let mut made = Command::new(env!("CARGO"));
    made.args(["test", "--package", "telemetry", "--test", "observability"])
        .env("UPDATE", "1");
    run_command(&mut made)?;
    println!(
        "written: docs/metrics.md, deploy/observability/rules.yaml, prometheus-rule.yaml and dashboard.json"
    );
    Ok(ExitCode::SUCCESS)
}
