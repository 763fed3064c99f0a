//! One block of `pspd lab`: one request repeated against one running target, and
//! the record of it.

use std::{ffi::OsStr, fs, path::Path, process::Command};

use anyhow::Context;

use super::{children, record::Record};

/// The program, and where its results go.
pub(crate) struct Lab<'a> {
    pub(crate) pspd: &'a Path,
    pub(crate) folder: &'a Path,
}

impl Lab<'_> {
    /// Runs a block. `target` is a URL, and `ROLE:PID` after a comma for each
    /// process that is to be in the accounts.
    pub(crate) fn block<Text: AsRef<OsStr>>(
        &self,
        target: &str,
        path: &str,
        options: &[[Text; 2]],
    ) -> anyhow::Result<Record> {
        let ended = children::run(
            Command::new(self.pspd)
                .args(["lab", "--quiet", "--repetitions", "1"])
                .args(["--against", &format!("t={target}")])
                .args(["--request", &format!("GET {path}")])
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
