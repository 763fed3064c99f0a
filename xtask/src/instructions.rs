//! `cargo xtask instructions`: how many instructions the transcoder needs for each
//! of its benchmarks, counted by callgrind, against the counts in
//! `crates/transcode/benches/instructions.txt`. Counts repeat where times do not, so
//! that a change of some percent is seen on a busy machine too; but they are those of
//! one compiler, and instructions are not time. With `--bless` the file is written
//! anew. A library does the same with a runner to install that must match it, and
//! keeps its baselines where no commit holds them.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail, ensure};

use crate::{
    folders,
    machine::{Machine, on_path, said_by},
};

const BASELINE: &str = "crates/transcode/benches/instructions.txt";
/// What names that hash differently in each run may change, and more.
const TOLERANCE_PERCENT: u64 = 3;

type Counts = BTreeMap<String, u64>;

/// The command line after `instructions`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    write: Baseline,
}

/// What happens to the file of counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Baseline {
    Compare,
    Bless,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            write: Baseline::Compare,
        };
        for argument in arguments {
            match *argument {
                "--no-install" => options.may_install = false,
                "--bless" => options.write = Baseline::Bless,
                unknown => return Err(format!("`instructions` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    if on_path("valgrind").is_none() {
        Machine::new(options.may_install).install_packages(&["valgrind"])?;
    }
    let program = build(&root)?;
    let cases = said_by(&mut Command::new(&program))?;
    let counted = cases
        .lines()
        .map(|case| Ok((case.to_owned(), count(&program, case)?)));
    let counted: Counts = counted.collect::<anyhow::Result<_>>()?;
    ensure!(!counted.is_empty(), "{} has no cases", program.display());

    let compiler = said_by(Command::new("rustc").arg("--version"))?;
    let file = root.join(BASELINE);
    if options.write == Baseline::Bless {
        fs::write(&file, written(&counted, compiler.trim()))
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("{} cases written to {BASELINE}", counted.len());
        return Ok(ExitCode::SUCCESS);
    }
    let baseline =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let problems = compared(&read(&baseline)?, &counted);
    if problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let with = baseline
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("# ");
    println!(
        "error: {}\nThe counts were made with {with}; this is {}. If the change is meant, or the \
         compiler's, write them anew with `cargo xtask instructions --bless`.",
        problems.join("\n"),
        compiler.trim()
    );
    Ok(ExitCode::FAILURE)
}

/// The benchmark's program.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let messages = said_by(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["bench", "--quiet", "--no-run", "--message-format", "json"])
            .args(["--package", "transcode", "--bench", "instructions"])
            .current_dir(root),
    )?;
    let mut built = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    built
        .next_back()
        .context("cargo names no program that it built")
}

/// Instructions of one case.
fn count(program: &Path, case: &str) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=instructions::measured*")
        .arg(program)
        .arg(case)
        .stdin(Stdio::null())
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if count > 0 && output.status.success() => Ok(count),
        _ => bail!(
            "callgrind counted nothing for {case} ({}): {said}",
            output.status
        ),
    }
}

fn written(counts: &Counts, compiler: &str) -> String {
    let lines = counts
        .iter()
        .map(|(case, count)| format!("{case} {count}\n"));
    format!("# {compiler}\n{}", lines.collect::<String>())
}

fn read(text: &str) -> anyhow::Result<Counts> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let count = |line: &str| {
        let (case, count) = line.split_once(' ')?;
        Some((case.to_owned(), count.parse().ok()?))
    };
    lines
        .map(|line| count(line).with_context(|| format!("{line:?} in {BASELINE} is no count")))
        .collect()
}

/// Prints every case; returns those that need more than before, or are not compared.
fn compared(before: &Counts, now: &Counts) -> Vec<String> {
    let mut problems = Vec::new();
    for (case, &count) in now {
        let Some(&earlier) = before.get(case) else {
            problems.push(format!("{case} is new: {count}"));
            continue;
        };
        // Counts are far below what a double holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let percent = (count as f64 / earlier as f64 - 1.0) * 100.0;
        println!("{case:<32} {count:>10}  {percent:>+6.2} %");
        if count * 100 > earlier * (100 + TOLERANCE_PERCENT) {
            problems.push(format!(
                "{case} needs {count} instructions, {percent:.1} % more than {earlier}"
            ));
        } else if count * 100 < earlier * (100 - TOLERANCE_PERCENT) {
            println!("    fewer than {earlier}: write them anew with --bless");
        }
    }
    let gone = before.keys().filter(|case| !now.contains_key(*case));
    problems.extend(gone.map(|case| format!("{case} is gone")));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Counts {
        counts
            .iter()
            .map(|(case, count)| ((*case).to_owned(), *count))
            .collect()
    }

    #[test]
    fn more_is_a_problem_and_less_is_none() {
        let before = counts(&[("a", 1000), ("b", 1000), ("gone", 1)]);
        assert!(compared(&before, &counts(&[("a", 1030), ("b", 500), ("gone", 1)])).is_empty());
        let problems = compared(&before, &counts(&[("a", 1031), ("b", 1000), ("new", 5)]));
        let expected = [
            "a needs 1031 instructions, 3.1 % more than 1000",
            "new is new: 5",
            "gone is gone",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let counted = counts(&[("wire-to-json/hello", 123), ("x", 4)]);
        let text = written(&counted, "rustc 1.95.0");
        assert!(text.starts_with("# rustc 1.95.0\n"), "{text}");
        assert_eq!(read(&text).expect("valid"), counted);
        assert!(read("x y").is_err());
    }

    #[test]
    fn arguments() {
        let options = Options::parse(&["--bless", "--no-install"]).expect("valid");
        assert_eq!(options.write, Baseline::Bless);
        assert!(Options::parse(&["--blessed"]).is_err());
    }
}
