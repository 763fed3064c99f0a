//! `cargo xtask fuzz`: each target of the folder `fuzz` for a bounded time, with
//! libFuzzer. In: how long, and which; out: a line a target, or the input that
//! broke a property and how to run it again. A stable compiler does: it has the pass
//! that coverage needs, and memory errors, which a sanitizer would look for and only
//! a nightly compiler has, are none of safe Rust's. What was found to be worth
//! keeping stays below `target/fuzz`, for the next run to begin with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

use anyhow::{Context, ensure};

use crate::{
    arguments::seconds,
    folders,
    machine::{Machine, on_path, run as run_quietly, said_by},
};

const TARGETS: [&str; 9] = [
    "json",
    "wire",
    "query",
    "split",
    "route",
    "envelopes",
    "base64",
    "head",
    "end",
];

/// What makes code count where it has been; libFuzzer steers by it.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The command line after `fuzz`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    /// Of each target.
    seconds: u32,
    targets: Vec<&'static str>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            seconds: 60,
            targets: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--no-install" => options.may_install = false,
                "--seconds" => {
                    let value = arguments.next().ok_or("--seconds needs a value")?;
                    options.seconds = seconds(argument, value, 1..=86_400)?;
                }
                name => match TARGETS.iter().find(|target| **target == name) {
                    Some(target) => options.targets.push(target),
                    None => {
                        let known = TARGETS.join(", ");
                        return Err(format!("`fuzz` has no target {name:?}; it has {known}"));
                    }
                },
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.into();
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let folder = folders::made(folders::target(&root).join("fuzz"))?;
    // libFuzzer comes as C++ source.
    if on_path("c++").is_none() {
        Machine::new(options.may_install).install_packages(&["g++"])?;
    }
    let programs = build(&root, &folder)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut failed = false;
    for some in options.targets.chunks(cores) {
        let started = some
            .iter()
            .map(|name| Run::start(name, &root, &folder, &programs, options.seconds));
        let started: anyhow::Result<Vec<_>> = started.collect();
        for run in started? {
            let report = run.finish()?;
            println!("{}", report.text);
            failed |= report.failed;
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The folder of the programs.
fn build(root: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let version = said_by(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc -vV names no host")?;
    eprintln!("building the fuzz targets");
    // With a target given, build scripts and macros are built without the flags.
    run_quietly(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--locked", "--release", "--bins", "--target", host])
            .arg("--manifest-path")
            .arg(root.join("fuzz/Cargo.toml"))
            .env("CARGO_TARGET_DIR", folder)
            .env("RUSTFLAGS", COVERAGE),
    )?;
    Ok(folder.join(host).join("release"))
}

/// A target that is running.
struct Run {
    name: &'static str,
    program: PathBuf,
    log: PathBuf,
    child: Child,
}

struct Report {
    text: String,
    failed: bool,
}

impl Run {
    fn start(
        name: &'static str,
        root: &Path,
        folder: &Path,
        programs: &Path,
        seconds: u32,
    ) -> anyhow::Result<Run> {
        let program = programs.join(name);
        let inputs = folders::made(folder.join("inputs").join(name))?;
        let broken = folders::made(folder.join("broken"))?;
        let log = folder.join(format!("{name}.log"));
        let mut command = Command::new(&program);
        command
            .arg(inputs)
            .arg(root.join("fuzz/seeds").join(name))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/{name}-", broken.display()))
            // Longer inputs are slower and say no more; one that takes seconds is a bug.
            .args(["-max_len=4096", "-timeout=10", "-print_final_stats=1"])
            // The input says more than a backtrace.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                fs::File::create(&log)
                    .with_context(|| format!("cannot write {}", log.display()))?,
            );
        let words = root.join(format!("fuzz/{name}.dict"));
        if words.is_file() {
            command.arg(format!("-dict={}", words.display()));
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Run {
            name,
            program,
            log,
            child,
        })
    }

    fn finish(mut self) -> anyhow::Result<Report> {
        let status = self.child.wait().context("cannot wait for a fuzz target")?;
        let log =
            fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        let log = String::from_utf8_lossy(&log);
        if status.success() {
            let text = summary(self.name, &log);
            ensure!(
                !text.is_empty(),
                "{} has no figures in {}",
                self.name,
                self.log.display()
            );
            return Ok(Report {
                text,
                failed: false,
            });
        }
        let told = log
            .lines()
            .skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR"));
        let told: Vec<_> = told.take(12).collect();
        let input = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "));
        let input = input.map_or("the input that its log names", |(_, path)| path);
        let text = format!(
            "{} FAILED ({status})\n{}\nagain: {} {input}\nall it said: {}",
            self.name,
            told.join("\n"),
            self.program.display(),
            self.log.display(),
        );
        Ok(Report { text, failed: true })
    }
}

/// What libFuzzer says at its end, in one line; empty when it does not.
fn summary(name: &str, log: &str) -> String {
    let figure = |key: &str| {
        log.lines()
            .rev()
            .find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    let last = log
        .lines()
        .rev()
        .find(|line| line.contains("\tDONE "))
        .unwrap_or_default();
    let after = |key: &str| {
        last.split_whitespace()
            .skip_while(|word| *word != key)
            .nth(1)
            .unwrap_or("?")
    };
    let (Some(inputs), Some(rate)) = (
        figure("stat::number_of_executed_units:"),
        figure("stat::average_exec_per_sec:"),
    ) else {
        return String::new();
    };
    let (places, kept) = (after("cov:"), after("corp:"));
    format!("{name}: {inputs} inputs, {rate} a second, {places} places reached, kept {kept}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named() {
        let options = Options::parse(&["wire", "--seconds", "5s"]).expect("valid");
        assert_eq!(options.targets, ["wire"]);
        assert_eq!(options.seconds, 5);
        assert_eq!(Options::parse(&[]).expect("valid").targets, TARGETS);
        assert!(
            Options::parse(&["lists"])
                .expect_err("unknown")
                .contains("json, wire")
        );
        assert!(Options::parse(&["--seconds"]).is_err());
        assert!(Options::parse(&["--seconds", "0"]).is_err());
    }

    #[test]
    fn figures_are_found() {
        let log = "INFO: seed corpus\n#7 NEW cov: 10 ft: 11 corp: 2/9b\n\
            #900\tDONE   cov: 123 ft: 456 corp: 78/9Kb lim: 43 exec/s: 90 rss: 50Mb\n\
            stat::number_of_executed_units: 900\nstat::average_exec_per_sec:     90\n";
        let expected = "wire: 900 inputs, 90 a second, 123 places reached, kept 78/9Kb";
        assert_eq!(summary("wire", log), expected);
        assert_eq!(summary("wire", "cut off"), "");
    }
}
