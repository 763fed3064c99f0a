//! The tests that called themselves skipped, as lines `skipped NAME: reason`
//! in a file that they share.

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use anyhow::Context;

/// The original system is not part of this repository, so that its absence is
/// never a failure.
const MAY_BE_MISSING: &str = "PSPD_ORIGINAL";

/// The file in which tests record that they were skipped.
pub(crate) struct Skipped {
    file: PathBuf,
}

impl Skipped {
    /// An empty record.
    pub(crate) fn start(file: PathBuf) -> anyhow::Result<Skipped> {
        fs::write(&file, "").with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Skipped { file })
    }

    pub(crate) fn file(&self) -> &PathBuf {
        &self.file
    }

    /// Every line once, in order.
    pub(crate) fn read(&self) -> io::Result<BTreeSet<String>> {
        let text = fs::read_to_string(&self.file)?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The lines that make a run fail where everything can be installed.
pub(crate) fn not_allowed(lines: &BTreeSet<String>) -> Vec<&str> {
    lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains(MAY_BE_MISSING))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_original_system_may_be_missing() {
        let lines = [
            "skipped golden: needs the original system, and PSPD_ORIGINAL is not set",
            "skipped page: needs Chromium, and PSPD_TEST_CHROMIUM is not set",
        ];
        let lines = lines.map(str::to_owned).into();
        let expected = ["skipped page: needs Chromium, and PSPD_TEST_CHROMIUM is not set"];
        assert_eq!(not_allowed(&lines), expected);
    }
}
