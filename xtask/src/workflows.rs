//! Holds the workflows below `.github` to their published schema, to zizmor's rules about
//! what is safe there, and to the commands that this program really has. What runs them is
//! not here, so that this is what can be known of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use testkit::{Tool, need};

use crate::USAGE;

fn github() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github")
}

/// The files below `workflows`, with their texts.
fn workflows() -> Vec<(PathBuf, String)> {
    let folder = fs::read_dir(github().join("workflows")).expect("there are workflows");
    let paths = folder.map(|entry| entry.expect("it can be read").path());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a text");
        (path, text)
    };
    paths.map(read).collect()
}

fn against_schema(python: &Path, schema: &str, files: &[PathBuf]) -> Output {
    let mut check = Command::new(python);
    check.args(["-m", "check_jsonschema", "--builtin-schema", schema]);
    check.args(files).output().expect("it runs")
}

fn audited(python: &Path, place: &Path) -> Output {
    let mut audit = Command::new(python.with_file_name("zizmor"));
    audit.args(["--offline", "--no-progress", "--persona", "pedantic"]);
    audit.arg(place).output().expect("it runs")
}

fn assert_passed(said: &Output) {
    assert!(
        said.status.success(),
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
}

#[test]
fn workflows_are_as_their_schemas_say() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let files: Vec<_> = workflows().into_iter().map(|(path, _)| path).collect();
    assert!(files.len() >= 3, "{files:?}");
    assert_passed(&against_schema(&python, "vendor.github-workflows", &files));
    let updates = [github().join("dependabot.yml")];
    assert_passed(&against_schema(&python, "vendor.dependabot", &updates));

    let broken = tempfile::tempdir().expect("a folder");
    let broken = broken.path().join("broken.yml");
    for (path, text) in workflows() {
        let changed = text.replace("runs-on:", "run-on:");
        assert_ne!(changed, text, "{}", path.display());
        fs::create_dir_all(broken.parent().expect("it has one")).expect("a folder");
        fs::write(&broken, changed).expect("written");
        let files = [broken.clone()];
        let said = against_schema(&python, "vendor.github-workflows", &files);
        assert!(!said.status.success(), "{}", path.display());
    }
}

#[test]
fn workflows_are_safe_as_far_as_zizmor_sees() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    assert_passed(&audited(&python, &github()));

    // It looks, and it sees: what somebody typed would become a part of the script.
    let broken = tempfile::tempdir().expect("a folder");
    let (_, text) = workflows()
        .into_iter()
        .find(|(path, _)| path.ends_with("deploy.yml"))
        .expect("there is one");
    let changed = text.replace("./pspd k8s status", "./pspd k8s status ${{ inputs.with }}");
    assert_ne!(changed, text);
    let broken = broken.path().join("broken.yml");
    fs::write(&broken, changed).expect("written");
    let said = audited(&python, &broken);
    let report = String::from_utf8_lossy(&said.stdout);
    assert!(report.contains("template-injection"), "{report}");
}

#[test]
fn workflows_call_commands_that_exist() {
    let mut called = 0;
    for (path, text) in workflows() {
        for line in text.lines() {
            let Some((_, command)) = line.split_once("cargo xtask ") else {
                continue;
            };
            let mut words = command.split_whitespace();
            let name = words.next().expect("a command");
            let usage = USAGE
                .lines()
                .find(|line| line.contains(&format!("cargo xtask {name} ")));
            assert!(usage.is_some(), "{}: {line}", path.display());
            let usage = usage.unwrap_or_default();
            for option in words.filter(|word| word.starts_with("--")) {
                assert!(usage.contains(option), "{}: {line}", path.display());
            }
            called += 1;
        }
    }
    assert!(called >= 3, "{called}");
}
