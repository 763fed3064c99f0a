//! One block of `pspd lab`: one request or call repeated against one running target,
//! and the record of it.

use std::{ffi::OsStr, fs, path::Path, process::Command};

use anyhow::Context;

use super::{children, record::Record};

/// The program, and where its results go.
pub(crate) struct Lab<'a> {
    pub(crate) pspd: &'a Path,
    pub(crate) folder: &'a Path,
}

impl Lab<'_> {
    /// Runs a block of `GET path`. `target` is a URL, and `ROLE:PID` after a comma for
    /// each process that is to be in the accounts.
    pub(crate) fn block<Text: AsRef<OsStr>>(
        &self,
        target: &str,
        path: &str,
        options: &[[Text; 2]],
    ) -> anyhow::Result<Record> {
        self.block_of(target, ["--request", &format!("GET {path}")], options)
    }

    /// Runs a block of what the flag `asked` says.
    pub(crate) fn block_of<Text: AsRef<OsStr>>(
        &self,
        target: &str,
        asked: [&str; 2],
        options: &[[Text; 2]],
    ) -> anyhow::Result<Record> {
        let ended = children::run(
            Command::new(self.pspd)
                .args(["lab", "--quiet", "--repetitions", "1"])
                .args(["--against", &format!("t={target}")])
                .args(asked)
                .arg("--out")
                .arg(self.folder.join("results"))
                .args(options.iter().flatten()),
        )?;
        let file = Path::new(ended.stdout.trim()).join("run.json");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Record::parse(&text)
    }
}
