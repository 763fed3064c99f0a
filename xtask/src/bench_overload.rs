//! `cargo xtask bench-overload`: what becomes of a gateway that is asked for more than
//! there is. Once a service with room for few calls is the bottleneck, once the gateway's
//! own processor; the load is open (`pspd lab --rate`), at shares of the capacity up to
//! three times of it. Out comes Markdown: answers, how long they took, how many calls
//! were turned away, memory, and how soon a request is answered well once the load ends.
//! It judges nothing.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    arguments::seconds,
    folders,
    measuring::{children, lab::Lab, load_average, program, record::Record, role::Role},
};

/// Of the capacity; the last one shows what is left of the rush.
const SHARES: [f64; 6] = [0.5, 1.0, 1.5, 2.0, 3.0, 0.5];
/// Calls that the service takes on each of the gateway's two connections.
const PLACES: &str = "10";
const PLACES_IN_ALL: f64 = 20.0;
/// How long each of them takes.
const CALL_SECONDS: f64 = 0.05;
const SLOW: &str = "/b/numbers?count=1&delay_ms=50";
const FAST: &str = "/a/hello?name=pspd";
/// How long an answer after the load is waited for.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);

/// The command line after `bench-overload`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    seconds: u32,
    pspd: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            seconds: 5,
            pspd: None,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{name} needs a value"))
            };
            match *name {
                "--seconds" => options.seconds = seconds(name, value()?, 1..=600)?,
                "--pspd" => options.pspd = Some(PathBuf::from(value()?)),
                unknown => return Err(format!("`bench-overload` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let folder = folders::made(folders::target(&root).join("bench-overload"))?;
    let pspd = program::pspd(&root, options.pspd.as_deref())?;
    children::raise_descriptor_limit();
    let load = load_average();
    let bench = Bench {
        pspd: &pspd,
        folder: &folder,
        seconds: options.seconds,
    };
    let full = bench.rows(SLOW, PLACES_IN_ALL / CALL_SECONDS)?;
    let peak = bench.peak(FAST)?;
    let busy = bench.rows(FAST, peak)?;
    if let Some(row) = full.first() {
        println!("{}\n", row.record.machine.line(load.as_deref()));
    }
    println!("The service has {PLACES_IN_ALL} places, of {CALL_SECONDS} s a call.\n");
    println!("{}", table(&full)?);
    println!("The gateway's one thread is the limit: {peak:.0} a second in a closed loop.\n");
    println!("{}", table(&busy)?);
    Ok(ExitCode::SUCCESS)
}

struct Bench<'a> {
    pspd: &'a Path,
    folder: &'a Path,
    seconds: u32,
}

/// A gateway and what stands behind it.
struct Chain {
    gateway: Role,
    _services: [Role; 2],
}

/// What was measured at a share of the capacity.
struct Row {
    share: f64,
    rate: f64,
    record: Record,
    resident_mib: u64,
    recovered: Duration,
}

impl Bench<'_> {
    fn chain(&self) -> anyhow::Result<Chain> {
        let one = ["--workers", "1"];
        let a = Role::start(self.pspd, self.folder, "a", &one)?;
        let few = ["--workers", "1", "--concurrent-streams-max", PLACES];
        let b = Role::start(self.pspd, self.folder, "b", &few)?;
        let [a_at, b_at] = [&a, &b].map(|role| role.address.to_string());
        let more = [
            "--workers",
            "1",
            "--upstream-connections",
            "2",
            "--access-log",
            "off",
            "--a-addr",
            &a_at,
            "--b-addr",
            &b_at,
        ];
        Ok(Chain {
            gateway: Role::start(self.pspd, self.folder, "gateway", &more)?,
            _services: [a, b],
        })
    }

    fn block(&self, chain: &Chain, path: &str, load: [&str; 2]) -> anyhow::Result<Record> {
        let lab = Lab {
            pspd: self.pspd,
            folder: self.folder,
        };
        let target = format!("{},gateway:{}", chain.gateway.url(), chain.gateway.pid());
        let duration = format!("{}s", self.seconds);
        let times = [["--duration", &duration], ["--warm-up", "1s"], load];
        lab.block(&target, path, &times)
    }

    fn peak(&self, path: &str) -> anyhow::Result<f64> {
        let record = self.block(&self.chain()?, path, ["--users", "64"])?;
        Ok(record.block()?.requests_per_second)
    }

    /// One gateway for all shares, so that what one leaves behind is seen in the next.
    fn rows(&self, path: &str, capacity: f64) -> anyhow::Result<Vec<Row>> {
        let chain = self.chain()?;
        let rows = SHARES.map(|share| {
            let rate = (capacity * share).round();
            eprintln!("{path} at {rate} a second");
            let record = self.block(&chain, path, ["--rate", &rate.to_string()])?;
            Ok(Row {
                share,
                rate,
                record,
                recovered: recovered(chain.gateway.address, path)?,
                resident_mib: resident_mib(chain.gateway.pid())?,
            })
        });
        rows.into_iter().collect()
    }
}

/// How long it takes until a request is answered with 200.
fn recovered(address: SocketAddr, path: &str) -> anyhow::Result<Duration> {
    let since = Instant::now();
    while since.elapsed() < RECOVERED_WITHIN {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(RECOVERED_WITHIN))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: pspd\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200 ") {
            return Ok(since.elapsed());
        }
        thread::sleep(Duration::from_millis(1));
    }
    bail!("{path} was not answered well within {RECOVERED_WITHIN:?} after the load")
}

fn resident_mib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: u64 = kib.context("no VmRSS in /proc")?.parse()?;
    Ok(kib / 1024)
}

fn table(rows: &[Row]) -> anyhow::Result<String> {
    let mut text = "| load | asked a second | answered a second | p50 | p99 | turned away | other \
                    failures | memory | well again after | generator |\n\
                    |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let block = row.record.block()?;
        let latency = block.latency.as_ref();
        let ms = |time: Option<f64>| time.map_or("-".to_owned(), |ms| format!("{ms:.0} ms"));
        let busy = block.generator_busy().unwrap_or_default();
        let refused = block.failures.status;
        text += &format!(
            "| {} | {:.0} | {:.0} | {} | {} | {refused} | {} | {} MiB | {} ms | {:.0} % |\n",
            row.share,
            row.rate,
            block.requests_per_second,
            ms(latency.map(|latency| latency.p50_ms)),
            ms(latency.map(|latency| latency.p99_ms)),
            block.failures.total - refused,
            row.resident_mib,
            row.recovered.as_millis(),
            busy * 100.0,
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let options = Options::parse(&["--seconds", "3s", "--pspd", "x"]);
        let pspd = Some(PathBuf::from("x"));
        assert_eq!(options, Ok(Options { seconds: 3, pspd }));
        assert!(Options::parse(&["--rounds"]).is_err());
        assert!(Options::parse(&["--seconds", "0"]).is_err());
    }
}
