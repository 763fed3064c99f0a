//! `cargo xtask bench-gateway`: what a request costs gateway P, beside Envoy with
//! its JSON transcoder and, where it is at hand, the original gateway. The services
//! behind them are the same processes, the load comes from `pspd lab`, and the
//! gateways take turns, in another order each round, each started anew for every
//! measurement. Out comes Markdown, with ratios to Envoy taken within a round. It
//! judges nothing: what must not get worse is for the tests to say.

mod answers;
mod backend;
mod contestant;
mod envoy;
mod gateway;
mod http;
mod memory;
mod ours;
mod passed;
mod reading;
mod scenario;
mod sockets;
mod starts;
mod tables;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};

use crate::{
    arguments::{seconds, whole},
    folders,
    machine::{Machine, on_path},
    measuring::{children, lab::Lab, load_average, program, record::Record},
    tools::{self, Workshop},
};
use backend::Backend;
use contestant::{Contestant, Original, Programs, processors};
use gateway::Gateway;
use memory::Memory;
use reading::{Reading, Round};
use scenario::{Routes, Scenario};

/// `--only` takes it as well as the name of a scenario.
const START: &str = "start";
/// The same.
const WEBSOCKET: &str = "websocket";
/// The same.
const PASSED: &str = "passed";

/// The command line after `bench-gateway`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    rounds: usize,
    seconds: u32,
    pspd: Option<PathBuf>,
    envoy: Option<PathBuf>,
    original: Option<PathBuf>,
    /// Names of scenarios, or none for all.
    only: Vec<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            rounds: 5,
            seconds: 3,
            pspd: None,
            envoy: None,
            original: None,
            only: Vec::new(),
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
                "--seconds" => options.seconds = seconds(name, value()?, 1..=600)?,
                "--pspd" => options.pspd = Some(PathBuf::from(value()?)),
                "--envoy" => options.envoy = Some(PathBuf::from(value()?)),
                "--original" => options.original = Some(PathBuf::from(value()?)),
                "--only" => options.only.push(known(value()?)?),
                unknown => return Err(format!("`bench-gateway` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// The name of a scenario.
fn known(name: &str) -> Result<String, String> {
    let scenarios = scenario::ALL.iter().map(|scenario| scenario.name);
    let names: Vec<&str> = scenarios.chain([WEBSOCKET, PASSED, START]).collect();
    match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(format!(
            "--only {name:?} is no scenario; there are {}",
            names.join(", ")
        )),
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let folder = folders::made(folders::target(&root).join("bench-gateway"))?;
    let programs = programs(&root, &folder, options)?;
    let versions = programs.versions()?;
    children::raise_descriptor_limit();
    let bench = Bench {
        programs: &programs,
        folder: &folder,
        contestants: Contestant::all(processors(), programs.original.is_some()),
        options,
    };
    let scenarios = scenario::ALL.iter();
    let scenarios: Vec<&Scenario> = scenarios.filter(|one| options.wants(one.name)).collect();
    let load = load_average();

    bench.check(&scenarios)?;
    let starts = match options.wants(START) {
        true => starts::measure(&bench)?,
        false => Vec::new(),
    };
    let (rounds, last) = bench.rounds(&scenarios)?;
    let echoes = match options.wants(WEBSOCKET) {
        true => sockets::measure(&bench)?,
        false => Vec::new(),
    };

    let passed = match options.wants(PASSED) {
        true => passed::measure(&bench, &root)?,
        false => Vec::new(),
    };

    let head = tables::head(last.as_ref(), load.as_deref(), &versions, options);
    println!("{head}");
    for (scenario, rounds) in scenarios.iter().zip(&rounds) {
        println!("{}", tables::scenario(scenario, rounds));
    }
    if !echoes.is_empty() {
        println!("{}", tables::sockets(&echoes));
    }
    if !passed.is_empty() {
        println!("{}", tables::passed(&passed));
    }
    if !starts.is_empty() {
        println!("{}", tables::starts(&starts));
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds, installs and writes what is to be run.
fn programs(root: &Path, folder: &Path, options: &Options) -> anyhow::Result<Programs> {
    let machine = Machine::new(options.may_install);
    let tools = folders::tools(root)?;
    let workshop = Workshop {
        folder: &tools,
        machine: &machine,
    };
    let envoy = match &options.envoy {
        Some(file) => program::existing(file)?,
        None => tools::envoy(&workshop).context("Envoy (name another with --envoy)")?,
    };
    let original = options.original.as_deref().map(original).transpose()?;
    Ok(Programs {
        envoy,
        original,
        descriptor_set: envoy::descriptor_set(root, folder)?,
        pspd: program::pspd(root, options.pspd.as_deref())?,
    })
}

fn original(folder: &Path) -> anyhow::Result<Original> {
    let server_js = program::existing(&folder.join("server.js"))?;
    ensure!(
        folder.join("node_modules").is_dir(),
        "{} has no node_modules; run `npm install` there",
        folder.display()
    );
    let node = on_path("node").context("node is not on the path; install Node.js 18 or later")?;
    Ok(Original { node, server_js })
}

/// What stays the same from one measurement to the next.
struct Bench<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    contestants: Vec<Contestant>,
    options: &'a Options,
}

impl Bench<'_> {
    /// Makes sure that every gateway says what the services said.
    fn check(&self, scenarios: &[&Scenario]) -> anyhow::Result<()> {
        if scenarios.is_empty() {
            return Ok(());
        }
        let backend = Backend::start(&self.programs.pspd, self.folder)?;
        for contestant in self.contestants.iter().copied() {
            for scenario in scenarios.iter().filter(|one| one.is_for(contestant)) {
                let mut gateway = self.gateway(contestant, scenario.routes, &backend)?;
                gateway.answered(scenario.path)?;
                let answer = http::get(gateway.address, scenario.path, scenario.accept)?;
                let said = scenario.says.check(&answer.body);
                said.with_context(|| format!("{contestant} on {}", scenario.name))?;
            }
        }
        eprintln!("all gateways say the same");
        Ok(())
    }

    /// The rounds of each scenario, and a record for what it says of the machine.
    fn rounds(&self, scenarios: &[&Scenario]) -> anyhow::Result<(Vec<Vec<Round>>, Option<Record>)> {
        let mut rounds: Vec<Vec<Round>> = scenarios.iter().map(|_| Vec::new()).collect();
        let mut last = None;
        if scenarios.is_empty() {
            return Ok((rounds, last));
        }
        for number in 0..self.options.rounds {
            eprintln!("round {} of {}", number + 1, self.options.rounds);
            let backend = Backend::start(&self.programs.pspd, self.folder)?;
            for (scenario, rounds) in scenarios.iter().zip(&mut rounds) {
                let mut round = Round::default();
                for contestant in turns(&self.contestants, number) {
                    if !scenario.is_for(contestant) {
                        continue;
                    }
                    let measured = self.measure(scenario, contestant, &backend);
                    last = round.add(scenario, contestant, measured).or(last);
                }
                rounds.push(round);
            }
        }
        Ok((rounds, last))
    }

    fn gateway(
        &self,
        contestant: Contestant,
        routes: Routes,
        backend: &Backend,
    ) -> anyhow::Result<Gateway> {
        Gateway::start(contestant, routes, self.programs, backend, self.folder)
    }

    /// One gateway, from its start to its end.
    fn measure(
        &self,
        scenario: &Scenario,
        contestant: Contestant,
        backend: &Backend,
    ) -> anyhow::Result<(Reading, Record)> {
        let mut gateway = self.gateway(contestant, scenario.routes, backend)?;
        gateway.answered(scenario.path)?;
        let lab = Lab {
            pspd: &self.programs.pspd,
            folder: self.folder,
        };
        let target = format!(
            "http://{},{}:{}",
            gateway.address,
            reading::GATEWAY,
            gateway.pid()
        );
        let mut flags = scenario.load.flags();
        let mut flag = |name: &str, value: String| flags.push([name.to_owned(), value]);
        flag("--warm-up", format!("{}s", scenario.warm_up_seconds));
        flag("--duration", format!("{}s", self.options.seconds));
        if let Some(accept) = scenario.accept {
            flag("--header", format!("Accept: {accept}"));
        }
        let record = lab.block(&target, scenario.path, &flags)?;
        let memory = Memory::of(gateway.pid());
        Ok((Reading::of(record.block()?, memory)?, record))
    }
}

/// Everybody once. Who goes first changes from one round to the next, and so does
/// who follows whom.
fn turns(contestants: &[Contestant], round: usize) -> Vec<Contestant> {
    let mut order = contestants.to_vec();
    if !order.is_empty() {
        order.rotate_left(round / 2 % contestants.len());
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_defaults_and_limits() {
        let defaults = Options::parse(&[]).expect("valid");
        assert_eq!((defaults.rounds, defaults.seconds), (5, 3));
        assert!(defaults.wants("hello") && defaults.wants(START));
        let arguments = [
            "--no-install",
            "--rounds",
            "3",
            "--seconds",
            "7s",
            "--pspd",
            "p",
            "--envoy",
            "e",
            "--original",
            "o",
            "--only",
            "wide",
            "--only",
            "start",
        ];
        let options = Options::parse(&arguments).expect("valid");
        let expected = Options {
            may_install: false,
            rounds: 3,
            seconds: 7,
            pspd: Some(PathBuf::from("p")),
            envoy: Some(PathBuf::from("e")),
            original: Some(PathBuf::from("o")),
            only: vec!["wide".to_owned(), "start".to_owned()],
        };
        assert_eq!(options, expected);
        assert!(!options.wants("hello") && options.wants("wide"));
        for wrong in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["--seconds", "5m"],
            &["--round", "1"],
        ] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_those_there_are() {
        let error = Options::parse(&["--only", "helo"]).expect_err("unknown");
        assert!(error.contains("\"helo\""), "{error}");
        assert!(error.contains("hello, paced, numbers-10"), "{error}");
        assert!(error.ends_with("websocket, passed, start"), "{error}");
    }

    #[test]
    fn everybody_has_a_turn_in_every_round_and_orders_differ() {
        let all = Contestant::all(2, false);
        let orders: Vec<_> = (0..8).map(|round| turns(&all, round)).collect();
        for (number, order) in orders.iter().enumerate() {
            assert_eq!(order.len(), all.len());
            assert!(all.iter().all(|one| order.contains(one)), "{order:?}");
            assert!(!orders[..number].contains(order), "{order:?} again");
        }
        assert!(turns(&[], 3).is_empty());
    }
}
