//! `cargo xtask bench`: what a request costs the load generator of `pspd lab`,
//! beside wrk and k6. Target, route, connections and duration are the same for
//! all; they take turns, in another order each round, and each round has targets
//! started for it. Out comes Markdown. It judges nothing but whether figures are
//! close: what must not get worse is for the tests to say.

mod generators;
mod k6;
mod tables;
mod targets;
mod wrk;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;

use crate::{
    arguments::{seconds, whole},
    folders,
    machine::Machine,
    measuring::{children, load_average, program, record::Record},
    tools::{self, Workshop},
};
use generators::{Generator, Job, Programs};
use tables::{Paced, Round};
use targets::Target;

/// Users of the paced scenario, each of whom asks once a second.
const PACED_USERS: u32 = 10_000;

/// wrk and k6 count from their first request on, when connections are opened and
/// everything is cold. In shorter runs these requests make up the last percent.
const SECONDS: u32 = 10;

/// The command line after `bench`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    rounds: usize,
    seconds: u32,
    connections: u32,
    pspd: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            rounds: 5,
            seconds: SECONDS,
            connections: 64,
            pspd: None,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{name} needs a value"))
            };
            match *name {
                "--no-install" => options.may_install = false,
                "--rounds" => options.rounds = whole(name, value()?, 1..=100)? as usize,
                "--duration" => options.seconds = seconds(name, value()?, 1..=600)?,
                "--connections" => options.connections = whole(name, value()?, 1..=1000)?,
                "--pspd" => options.pspd = Some(PathBuf::from(value()?)),
                unknown => return Err(format!("`bench` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let programs = programs(&root, options)?;
    let folder = folders::made(folders::target(&root).join("bench"))?;
    children::raise_descriptor_limit();
    let bench = Bench {
        programs: &programs,
        folder: &folder,
        options,
    };
    let mut raw = Vec::new();
    let mut delayed = Vec::new();
    let mut paced = Vec::new();
    let mut last = None;
    let load = load_average();
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        raw.push(bench.round(round, Target::greeting, "/a/hello?name=pspd")?);
        let numbers = "/b/numbers?count=10&delay_ms=5";
        delayed.push(bench.round(round, Target::rest_chain, numbers)?);
        let record = bench.paced()?;
        paced.push(Paced::of(&record)?);
        last = Some(record);
    }
    let last = last.context("there was no round")?;
    let versions = programs.versions()?;
    println!(
        "{}",
        tables::head(&last, load.as_deref(), &versions, options)
    );
    println!("{}", tables::raw(&raw));
    println!("{}", tables::agreement(&delayed));
    println!("{}", tables::paced(PACED_USERS, &paced));
    Ok(ExitCode::SUCCESS)
}

/// Builds and installs what is to be run.
fn programs(root: &Path, options: &Options) -> anyhow::Result<Programs> {
    let machine = Machine::new(options.may_install);
    let tools = folders::tools(root)?;
    let workshop = Workshop {
        folder: &tools,
        machine: &machine,
    };
    let wrk = tools::wrk(&machine).context("wrk")?;
    let k6 = tools::k6(&workshop).context("k6")?;
    let pspd = program::pspd(root, options.pspd.as_deref())?;
    Ok(Programs {
        wrk,
        k6,
        pspd,
        k6_script: root.join("xtask/src/bench/k6.js"),
    })
}

/// What stays the same from one measurement to the next.
struct Bench<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    options: &'a Options,
}

impl Bench<'_> {
    /// Every generator once, on a target of their own.
    fn round(
        &self,
        round: usize,
        start: fn(&Path, &Path) -> anyhow::Result<Target>,
        path: &str,
    ) -> anyhow::Result<Round> {
        let target = start(&self.programs.pspd, self.folder)?;
        let job = Job {
            base: &target.url,
            path,
            connections: self.options.connections,
            seconds: self.options.seconds,
            folder: self.folder,
        };
        let mut order = Generator::ALL;
        order.rotate_left(round % Generator::ALL.len());
        let mut readings = Vec::new();
        for generator in order {
            let reading = self.programs.measure(generator, &job);
            let reading = reading.with_context(|| format!("{generator} on {path}"))?;
            eprintln!("  {path} {generator}: {reading}");
            readings.push((generator, reading));
        }
        Ok(Round { readings })
    }

    /// Users who ask once a second, as many as one core has to serve.
    fn paced(&self) -> anyhow::Result<Record> {
        let target = Target::greeting(&self.programs.pspd, self.folder)?;
        let users = PACED_USERS.to_string();
        let seconds = format!("{}s", self.options.seconds);
        let record = self.programs.lab(
            &target.url,
            "/a/hello?name=pspd",
            self.folder,
            &[
                ["--users", &users],
                ["--pace", "1s"],
                ["--generator-threads", "1"],
                ["--warm-up", "3s"],
                ["--duration", &seconds],
            ],
        )?;
        let rate = record.block()?.requests_per_second;
        eprintln!("  {users} users, each once a second: {rate:.1}/s");
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_limits() {
        let defaults = Options::parse(&[]).expect("valid");
        assert_eq!((defaults.rounds, defaults.seconds), (5, 10));
        let arguments = [
            "--rounds",
            "3",
            "--duration",
            "7s",
            "--pspd",
            "p",
            "--connections",
            "1",
        ];
        let options = Options::parse(&arguments).expect("valid");
        let expected = Options {
            may_install: true,
            rounds: 3,
            seconds: 7,
            connections: 1,
            pspd: Some(PathBuf::from("p")),
        };
        assert_eq!(options, expected);
        for wrong in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--duration", "5m"],
            &["--connections", "many"],
            &["--round", "1"],
        ] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
