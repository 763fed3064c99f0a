//! Runs the system of `compose.yaml` from an image: podman and runc, as root, on a private
//! network in a network namespace made for it. Asks both gateways for the published routes,
//! stops one while it answers, and sees that nothing is left behind.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::{
    CONTAINERS_CONF,
    compose::{self, Service},
};
use crate::machine::{Machine, is_root, run, said_by};

/// For what takes a second.
const IN_TIME: Duration = Duration::from_secs(30);
const NETWORK: &str = "pspd";
/// Of the network; it is seen in the namespace alone. Containers get the addresses from
/// `.10` on, in the order in which they start.
const ADDRESSES: &str = "10.77.0";

/// What is needed beside buildah.
const PROGRAMS: [(&str, &str); 8] = [
    ("podman", "podman"),
    ("runc", "runc"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("nsenter", "util-linux"),
    ("curl", "curl"),
    ("/usr/lib/podman/netavark", "netavark"),
    ("/usr/lib/podman/aardvark-dns", "aardvark-dns"),
];

pub(super) fn check(archive: &Path, repository: &Path, machine: &Machine) -> anyhow::Result<()> {
    ensure!(is_root(), "containers of this check need root");
    machine.need_programs(&PROGRAMS)?;
    let services = compose::services(repository)?;
    let mut engine = Engine::start()?;
    run(engine.podman(&["load", "--quiet", "--input"]).arg(archive))?;
    let subnet = format!("{ADDRESSES}.0/24");
    run(&mut engine.podman(&["network", "create", "--subnet", &subnet, NETWORK]))?;

    let mut times = Vec::new();
    for service in &services {
        times.push(engine.run(service)?);
    }
    times.sort();
    println!(
        "{} containers run; each is healthy {} ms after `podman run` (median), the slowest {} ms",
        times.len(),
        times[times.len() / 2].as_millis(),
        times[times.len() - 1].as_millis()
    );
    engine.check_routes()?;
    engine.check_stop("gateway")?;
    for service in &services {
        engine.stop(&service.name)?;
    }
    println!("both gateways answer; stopped by SIGTERM, an answer under way came to its end");
    engine.check_removed()
}

/// podman with storage of its own, in a network namespace of its own.
struct Engine {
    folder: PathBuf,
    namespace: String,
    containers: Vec<String>,
}

impl Engine {
    fn start() -> anyhow::Result<Engine> {
        let name = format!("pspd-image-{}", std::process::id());
        // Sockets are made below it, whose paths must be short.
        let folder = env::temp_dir().join(&name);
        fs::create_dir_all(&folder)?;
        let conf = format!("{CONTAINERS_CONF}[network]\nnetwork_backend = \"netavark\"\n");
        fs::write(folder.join("containers.conf"), conf)?;
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let engine = Engine {
            folder,
            namespace: name,
            containers: Vec::new(),
        };
        run(engine.inside("ip").args(["link", "set", "lo", "up"]))?;
        Ok(engine)
    }

    /// A command in the namespace. `ip netns exec` would hide the control groups.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.namespace))
            .arg(program);
        command
    }

    fn podman(&self, arguments: &[&str]) -> Command {
        let mut podman = self.inside("podman");
        podman.env("CONTAINERS_CONF", self.folder.join("containers.conf"));
        podman.args(["--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        podman.args(["--storage-driver", "vfs", "--events-backend", "file"]);
        let folders = [
            ("--root", "storage"),
            ("--runroot", "run"),
            ("--tmpdir", "tmp"),
            ("--network-config-dir", "networks"),
        ];
        for (flag, folder) in folders {
            podman.arg(flag).arg(self.folder.join(folder));
        }
        podman.args(arguments);
        podman
    }

    /// Starts a service as compose would, and returns how long it took to be healthy.
    fn run(&mut self, service: &Service) -> anyhow::Result<Duration> {
        let address = format!("{ADDRESSES}.{}", 10 + self.containers.len());
        let mut podman = self.podman(&["run", "--detach", "--pull", "never"]);
        podman.args([
            "--name",
            &service.name,
            "--network",
            NETWORK,
            "--ip",
            &address,
        ]);
        if service.read_only {
            podman.args(["--read-only", "--read-only-tmpfs=false"]);
        }
        for capability in &service.cap_drop {
            podman.args(["--cap-drop", capability]);
        }
        for option in &service.security_opt {
            podman.args(["--security-opt", &option.replace(":true", "")]);
        }
        for (name, value) in &service.environment {
            podman.args(["--env", &format!("{name}={value}")]);
        }
        self.containers.push(service.name.clone());
        let started = Instant::now();
        run(podman.arg(&service.image).args(&service.command))?;
        let healthy = || {
            let mut exec = self.podman(&["exec", &service.name]);
            run(exec.args(service.health()?))
        };
        while let Err(error) = healthy() {
            if started.elapsed() > IN_TIME {
                let log = said_by(&mut self.podman(&["logs", &service.name]));
                bail!("{}: {error:#}\n{}", service.name, log.unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(started.elapsed())
    }

    /// curl of a path at a gateway.
    fn curl(&self, gateway: &str, port: u16, path: &str) -> anyhow::Result<Command> {
        let number = self.containers.iter().position(|name| name == gateway);
        let number = number.with_context(|| format!("compose.yaml has no {gateway}"))?;
        let mut curl = self.inside("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--fail",
            "--no-buffer",
            "--noproxy",
            "*",
        ])
        .args(["--max-time", "30"])
        .arg(format!("http://{ADDRESSES}.{}:{port}{path}", 10 + number));
        Ok(curl)
    }

    fn check_routes(&self) -> anyhow::Result<()> {
        let (hello, numbers) = ("/a/hello?name=Ana", "/b/numbers?count=3&delay_ms=5");
        let published = [
            (
                "gateway",
                8080,
                hello,
                json!({"from": "A", "message": "Olá, Ana! [A]"}),
            ),
            (
                "gateway",
                8080,
                numbers,
                json!({"from": "B", "values": [1, 2, 3]}),
            ),
            (
                "gateway-rest",
                8081,
                hello,
                json!({"message": "Olá, Ana! [A-REST]"}),
            ),
            ("gateway-rest", 8081, numbers, json!({"values": [1, 2, 3]})),
        ];
        for (gateway, port, path, expected) in published {
            let said = said_by(&mut self.curl(gateway, port, path)?)?;
            let answer: Value = serde_json::from_str(&said)
                .with_context(|| format!("{gateway} answered {path} with {said:?}"))?;
            ensure!(
                answer == expected,
                "{gateway} answered {path} with {answer}, and not {expected}"
            );
        }
        Ok(())
    }

    /// Stops gateway P after the first of ten numbers that it passes on; all must come.
    fn check_stop(&self, gateway: &str) -> anyhow::Result<()> {
        let mut curl = self.curl(gateway, 8080, "/b/numbers?count=10&delay_ms=100")?;
        let mut curl = curl
            .args(["--header", "accept: application/x-ndjson"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(curl.stdout.take().context("no output")?).lines();
        lines.next().context("no first number")??;
        let stopped = self.stop(gateway);
        let rest = lines.count();
        let ended = curl.wait()?;
        stopped?;
        ensure!(
            ended.success() && rest == 9,
            "after the stop {rest} of 9 numbers came, and curl ended with {ended}"
        );
        Ok(())
    }

    /// Stops a container that must end by itself, well.
    fn stop(&self, name: &str) -> anyhow::Result<()> {
        run(&mut self.podman(&["stop", "--time", "20", name]))?;
        let asked = [
            "inspect",
            "--format",
            "{{.State.Status}} {{.State.ExitCode}}",
            name,
        ];
        let state = said_by(&mut self.podman(&asked))?;
        ensure!(
            state.trim() == "exited 0",
            "stopped by SIGTERM, {name} is {}",
            state.trim()
        );
        Ok(())
    }

    /// Takes everything away and sees that it is gone.
    fn check_removed(&mut self) -> anyhow::Result<()> {
        let mut made = vec![
            self.folder.clone(),
            Path::new("/run/netns").join(&self.namespace),
        ];
        for name in &self.containers {
            let asked = [
                "inspect",
                "--format",
                "{{.NetworkSettings.SandboxKey}}",
                name,
            ];
            let namespace = said_by(&mut self.podman(&asked))?;
            made.extend(
                Some(namespace.trim())
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from),
            );
        }
        self.remove()?;
        for path in &made {
            ensure!(!path.exists(), "{} was left behind", path.display());
        }
        let folder = self.folder.display().to_string();
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        ensure!(
            !mounts.contains(&folder),
            "something is mounted in {folder}"
        );
        let started = Instant::now();
        while let Some(process) = process_with(&folder) {
            if started.elapsed() > IN_TIME {
                bail!("a process was left behind: {process}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        println!("nothing was left behind");
        Ok(())
    }

    fn remove(&mut self) -> anyhow::Result<()> {
        for name in std::mem::take(&mut self.containers) {
            run(&mut self.podman(&["rm", "--force", "--time", "0", &name]))?;
        }
        run(&mut self.podman(&["network", "rm", "--force", NETWORK]))?;
        run(Command::new("ip").args(["netns", "delete", &self.namespace]))?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

/// When a check has failed; what goes wrong here would hide why.
impl Drop for Engine {
    fn drop(&mut self) {
        if self.folder.exists() {
            let _ = self.remove();
        }
    }
}

/// The command line of a process that was told of a folder.
fn process_with(folder: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?;
    let lines = processes.filter_map(|process| {
        let line = fs::read(process.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.into_iter().find(|line| line.contains(folder))
}
