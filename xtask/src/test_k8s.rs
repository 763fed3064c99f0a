//! `cargo xtask test-k8s --context NAME`: the system on a cluster that is there, for what
//! cannot be shown without one. It needs Kubernetes 1.30 or later, kubectl, the rights to
//! create and fill the namespace `pspd`, which must not be there, room for nine small pods,
//! and nodes that have or can fetch the image; no Ingress, no metrics, no extension. It brings
//! the system up with `pspd k8s up`, asks the published routes through `kubectl port-forward`,
//! scales and restarts the services under load and counts what was lost and how even the
//! shares are, and takes everything down again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, bail, ensure};

use crate::machine::{run as run_command, said_by};

/// How many ask at once.
const CLIENTS: usize = 8;
/// How long the shares of pods are counted.
const COUNTED: Duration = Duration::from_secs(20);
/// After this a new pod has its share.
const SETTLED: Duration = Duration::from_secs(5);

/// The command line after `test-k8s`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    context: String,
    pspd: PathBuf,
    /// Arguments of `pspd k8s up`.
    up: Vec<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let (mut context, mut pspd, mut up) =
            (None, PathBuf::from("target/release/pspd"), Vec::new());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value
                    .map(|value| (*value).to_owned())
                    .ok_or(format!("{argument} needs a value"))
            };
            match *argument {
                "--context" => context = Some(value()?),
                "--pspd" => pspd = value()?.into(),
                "--image" | "--archive" => up.extend([(*argument).to_owned(), value()?]),
                "--no-load" => up.push((*argument).to_owned()),
                unknown => return Err(format!("`test-k8s` has no argument {unknown:?}")),
            }
        }
        let context = context.ok_or(
            "test-k8s changes a cluster: say which with --context, of `kubectl config get-contexts`",
        )?;
        Ok(Options { context, pspd, up })
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    ensure!(
        options.pspd.is_file(),
        "there is no {}; `cargo build --release`, or give --pspd FILE",
        options.pspd.display()
    );
    let there = options.namespace()?;
    ensure!(
        there.is_empty(),
        "the namespace pspd is there already; this test makes its own"
    );
    let tested = test(options);
    if tested.is_err() {
        let state = options.kubectl(&["--namespace", "pspd", "get", "pods,events"]);
        eprintln!("{}", state.unwrap_or_default());
    }
    let down = options.pspd(&["down"]);
    tested?;
    down?;
    let left = options.namespace()?;
    ensure!(left.is_empty(), "the namespace pspd is still there");
    println!("the system came up, lost nothing and is gone");
    Ok(ExitCode::SUCCESS)
}

fn test(options: &Options) -> anyhow::Result<()> {
    let mut up = vec!["up", "--with", ""];
    up.extend(options.up.iter().map(String::as_str));
    options.pspd(&up)?;
    options.pspd(&["status"])?;

    let gateway = Forwarded::to(options, "service/p-svc", 8080)?;
    let rest = Forwarded::to(options, "service/p-rest-svc", 8081)?;
    for (port, route, part) in [
        (gateway.port, "/a/hello?name=Ana", "Olá, Ana! [A]"),
        (gateway.port, "/b/numbers?count=3", "[1,2,3]"),
        (rest.port, "/a/hello?name=Ana", "Olá, Ana! [A-REST]"),
        (rest.port, "/b/numbers?count=3", "[1,2,3]"),
    ] {
        let answer = ask(port, route)?;
        ensure!(answer.contains(part), "{route} was answered {answer}");
    }
    println!("the published routes answer");

    let load = Load::start(gateway.port);
    options.kubectl(&[
        "--namespace",
        "pspd",
        "scale",
        "deployment/b-deploy",
        "--replicas=3",
    ])?;
    options.rolled_out("b-deploy")?;
    thread::sleep(SETTLED);
    let before = shares(options)?;
    thread::sleep(COUNTED);
    let calls: Vec<f64> = shares(options)?
        .iter()
        .zip(&before)
        .map(|(now, then)| now - then)
        .collect();
    let (least, most) = (
        calls.iter().copied().fold(f64::INFINITY, f64::min),
        calls.iter().copied().fold(0.0, f64::max),
    );
    println!(
        "calls of each of three pods in {} s: {calls:?}",
        COUNTED.as_secs()
    );
    ensure!(
        calls.len() == 3 && least * 1.5 > most,
        "the shares are not even"
    );
    for deployment in ["a-deploy", "b-deploy"] {
        let name = format!("deployment/{deployment}");
        options.kubectl(&["--namespace", "pspd", "rollout", "restart", &name])?;
        options.rolled_out(deployment)?;
    }
    let (answered, lost) = load.end();
    println!("{answered} requests while pods came and went, {lost} lost");
    ensure!(answered > 100 && lost == 0, "requests were lost");
    Ok(())
}

impl Options {
    fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut kubectl = Command::new("kubectl");
        said_by(kubectl.args(["--context", &self.context]).args(arguments))
    }

    /// The namespace, if it is there.
    fn namespace(&self) -> anyhow::Result<String> {
        self.kubectl(&[
            "get",
            "namespace",
            "pspd",
            "--ignore-not-found",
            "--output=name",
        ])
    }

    fn pspd(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut pspd = Command::new(&self.pspd);
        run_command(
            pspd.arg("k8s")
                .args(arguments)
                .args(["--context", &self.context]),
        )
    }

    fn rolled_out(&self, deployment: &str) -> anyhow::Result<()> {
        let name = format!("deployment/{deployment}");
        self.kubectl(&[
            "--namespace",
            "pspd",
            "rollout",
            "status",
            &name,
            "--timeout=300s",
        ])?;
        Ok(())
    }
}

/// A port of this machine that leads to a pod.
struct Forwarded {
    child: Child,
    port: u16,
}

impl Forwarded {
    fn to(options: &Options, what: &str, port: u16) -> anyhow::Result<Forwarded> {
        let mut child = Command::new("kubectl")
            .args(["--context", &options.context, "--namespace", "pspd"])
            .args(["port-forward", what, &format!(":{port}")])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start kubectl port-forward")?;
        let mut line = String::new();
        let out = child.stdout.take().context("its output")?;
        BufReader::new(out).read_line(&mut line)?;
        match local_port(&line) {
            Some(port) => Ok(Forwarded { child, port }),
            None => bail!("kubectl port-forward {what} said {line:?}"),
        }
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of `Forwarding from 127.0.0.1:40123 -> 8080`.
fn local_port(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("Forwarding from 127.0.0.1:")?;
    rest.split(' ').next()?.parse().ok()
}

/// The body of a 200.
fn ask(port: u16, route: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!("GET {route} HTTP/1.1\r\nhost: pspd.local\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{route}: {answer}");
    Ok(body.to_owned())
}

/// Clients that ask one request after another until they are told to end.
struct Load {
    ending: Arc<AtomicBool>,
    counts: Arc<[AtomicU64; 2]>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(port: u16) -> Load {
        let (ending, counts) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new([0, 0].map(AtomicU64::new)),
        );
        let client = |_| {
            let (ending, counts) = (Arc::clone(&ending), Arc::clone(&counts));
            thread::spawn(move || {
                while !ending.load(Ordering::Relaxed) {
                    let answer = ask(port, "/b/numbers?count=10&delay_ms=5");
                    if let Err(error) = &answer {
                        eprintln!("lost: {error:#}");
                    }
                    counts[usize::from(answer.is_err())].fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Load {
            ending,
            counts,
            clients,
        }
    }

    /// How many were answered, and how many lost.
    fn end(self) -> (u64, u64) {
        self.ending.store(true, Ordering::Relaxed);
        for client in self.clients {
            let _ = client.join();
        }
        let [answered, lost] = &*self.counts;
        (
            answered.load(Ordering::Relaxed),
            lost.load(Ordering::Relaxed),
        )
    }
}

/// The calls that each pod of service B has answered.
fn shares(options: &Options) -> anyhow::Result<Vec<f64>> {
    let pods = options.kubectl(&[
        "--namespace",
        "pspd",
        "get",
        "pods",
        "--selector=app=b",
        "--output=name",
    ])?;
    let mut shares = Vec::new();
    for pod in pods.lines() {
        let metrics = Forwarded::to(options, pod, 9102)?;
        shares.push(calls(&ask(metrics.port, "/metrics")?));
    }
    Ok(shares)
}

/// The calls of StreamNumbers in a text of metrics.
fn calls(metrics: &str) -> f64 {
    let own = metrics.lines().filter(|line| {
        line.starts_with("grpc_server_handled_total{") && line.contains("\"StreamNumbers\"")
    });
    own.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_to_be_named() {
        let refused = Options::parse(&["--no-load"]).expect_err("no context");
        assert!(refused.contains("--context"), "{refused}");
        assert!(Options::parse(&["--context"]).is_err());
        let options =
            Options::parse(&["--context", "c", "--image", "x:1", "--no-load"]).expect("all of it");
        assert_eq!(options.up, ["--image", "x:1", "--no-load"]);
    }

    #[test]
    fn what_kubectl_and_roles_print_is_read() {
        assert_eq!(
            local_port("Forwarding from 127.0.0.1:40123 -> 8080\n"),
            Some(40123)
        );
        assert_eq!(local_port("error: no pods"), None);
        let metrics = "# TYPE grpc_server_handled_total counter\n\
             grpc_server_handled_total{grpc_method=\"StreamNumbers\",grpc_code=\"OK\"} 40\n\
             grpc_server_handled_total{grpc_method=\"StreamNumbers\",grpc_code=\"Canceled\"} 2\n\
             grpc_server_handled_total{grpc_method=\"Chat\",grpc_code=\"OK\"} 9\n";
        assert!((calls(metrics) - 42.0).abs() < 0.1);
    }
}
