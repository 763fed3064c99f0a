//! What comes out: `--json`, `--quiet`, `pspd report`, the page in a real
//! Chromium.

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::{Ended, Program, run, until};

use super::{PSPD, folder, folder_if_any, lab, text};
use crate::page::{all_ok, browser};

/// A run of three short repetitions; its folder.
fn measured(out: &Path, options: &[&str]) -> (Ended, PathBuf) {
    let options = [&["--users", "2,4", "--repetitions", "3"], options].concat();
    let ended = lab(out, &options).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    (ended, folder(out))
}

fn report(arguments: &[&str]) -> Ended {
    Program::start(PSPD, &[&["report"], arguments].concat()).finish()
}

#[test]
fn a_run_is_printed_again_and_compared_with_another() {
    let out = tempfile::tempdir().expect("a folder");
    let (ended, folder) = measured(out.path(), &["--json"]);
    let summary: Value = serde_json::from_str(&ended.out).expect("JSON and nothing else");
    assert_eq!(summary["cells"].as_array().map(Vec::len), Some(4));

    std::fs::remove_file(folder.join("report.html")).expect("it was written");
    let again = report(&[text(&folder)]);
    assert_eq!(again.code(), Some(0), "{}", again.err);
    assert!(again.out.contains("Verdicts"), "{}", again.out);
    assert!(folder.join("report.html").exists(), "made anew");

    let itself = report(&[text(&folder), text(&folder)]);
    assert_eq!(itself.code(), Some(64), "{}", itself.err);
    let other = tempfile::tempdir().expect("a folder");
    let (_, second) = measured(other.path(), &[]);
    let compared = report(&[text(&folder), text(&second)]);
    assert_eq!(compared.code(), Some(0), "{}", compared.err);
    assert!(compared.out.contains("grpc"), "{}", compared.out);
}

#[test]
fn looking_at_a_run_does_not_disturb_it() {
    let out = tempfile::tempdir().expect("a folder");
    let options = ["--users", "2", "--chains", "rest", "--repetitions", "6"];
    let mut program = lab(out.path(), &options);
    let run = until("the first block is there", || {
        let folder = folder_if_any(out.path())?;
        let text = std::fs::read_to_string(folder.join("run.json")).ok()?;
        let run: Value = serde_json::from_str(&text).ok()?;
        (!run["blocks"].as_array()?.is_empty()).then_some(folder)
    });
    let mut looks = 0;
    while program.runs() {
        let looked = report(&[text(&run)]);
        assert_eq!(looked.code(), Some(0), "{}", looked.err);
        looks += 1;
    }
    assert!(looks > 0, "the run ended before anybody looked");
    let ended = program.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
}

#[test]
fn runs_that_cannot_be_compared_are_refused_with_the_reason() {
    let (one, other) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("one"),
    );
    let (quiet, first) = measured(one.path(), &["--quiet"]);
    assert_eq!(Path::new(quiet.out.trim()), first, "nothing but the folder");
    let (_, second) = measured(other.path(), &["--request-timeout", "5s"]);
    let refused = report(&[text(&first), text(&second)]);
    assert_eq!(refused.code(), Some(64), "{}", refused.err);
    assert!(refused.err.contains("request-timeout"), "{}", refused.err);
}

#[test]
fn a_folder_that_is_no_run_is_refused() {
    let empty = tempfile::tempdir().expect("a folder");
    let refused = report(&[text(empty.path())]);
    assert_eq!(refused.code(), Some(64), "{}", refused.err);
    assert!(refused.err.contains("run.json"), "{}", refused.err);
}

#[test]
fn the_page_opens_in_a_browser_without_a_network() {
    let Some(mut browser) = browser("report.mjs") else {
        return;
    };
    let out = tempfile::tempdir().expect("a folder");
    let (_, folder) = measured(out.path(), &[]);
    all_ok(&run(browser.env("REPORT", folder.join("report.html"))));
}
