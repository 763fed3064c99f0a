//! `pspd k8s`, with the real kubectl, against a stand-in for the API server; and what the
//! manifests say of settings and probes, by real roles.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use k8s::{Manifests, Selection};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Ended, Program, Tool, http, need, run, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const IMAGE: &str = concat!("pspd:", env!("CARGO_PKG_VERSION"));

/// A cluster that is none, and a machine that has kubectl and whatever else is put there.
struct Cluster {
    _server: Program,
    port: u16,
    folder: TempDir,
}

impl Cluster {
    /// `None` when the tools are not there.
    fn start(options: &[&str]) -> Option<Cluster> {
        let (python, kubectl) = (need(Tool::Python)?, need(Tool::Kubectl)?);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/api_server.py");
        let server = Program::start(python, &[&[script], options].concat());
        let port = until("the stand-in to listen", || {
            server.out().trim().parse().ok()
        });
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        symlink(kubectl, folder.path().join("bin/kubectl")).expect("a link");
        let cluster = Cluster {
            _server: server,
            port,
            folder,
        };
        cluster.configure(port, "work");
        Some(cluster)
    }

    fn configure(&self, port: u16, context: &str) {
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": context,
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
            "users": [{ "name": "u", "user": {} }],
            "contexts": [{ "name": "work", "context": { "cluster": "c", "user": "u" } }],
        });
        fs::write(self.folder.path().join("config"), config.to_string()).expect("written");
    }

    /// A program that notes how it is called, and says this.
    fn has_program(&self, name: &str, says: &str) {
        use std::os::unix::fs::PermissionsExt;

        let path = self.folder.path().join("bin").join(name);
        let log = self.folder.path().join("called");
        let script = format!(
            "#!/bin/sh\necho {name} \"$@\" >>{}\n{says}\n",
            log.display()
        );
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    fn called(&self) -> String {
        fs::read_to_string(self.folder.path().join("called")).unwrap_or_default()
    }

    fn k8s(&self, args: &[&str]) -> Ended {
        let folder = self.folder.path().display().to_string();
        let (path, config) = (format!("{folder}/bin"), format!("{folder}/config"));
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", &folder),
            ("KUBECONFIG", &config),
        ];
        Program::start_with(PSPD, &[&["k8s"], args].concat(), &variables)
            .working()
            .finish()
    }

    fn get(&self, path: &str) -> Option<Value> {
        let address = format!("127.0.0.1:{}", self.port)
            .parse()
            .expect("an address");
        let answer = http::get(address, path).expect("an answer");
        (answer.status() == 200).then(|| answer.json())
    }

    fn changes(&self) -> Vec<Value> {
        let changes = self.get("/_changes").expect("always there");
        changes.as_array().cloned().expect("a list")
    }
}

/// What differs from run to run is left out.
fn steady(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(", ") {
        Some((head, tail)) if tail.ends_with(" s)") => format!("{head})"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_system_comes_up_is_shown_and_goes_on_minikube() {
    let options = ["--minikube", "lab", "--nginx"];
    let Some(cluster) = Cluster::start(&options) else {
        return;
    };
    cluster.has_program("minikube", "if [ \"$1\" = ip ]; then echo 192.0.2.1; fi");
    let up = cluster.k8s(&["up"]);
    assert_eq!(up.code(), Some(0), "{}{}", up.out, up.err);
    let expected = format!(
        "cluster: work (minikube, Kubernetes v1.33.1)\n\
         components: minikube, since there is an IngressClass nginx\n\
         loading the image: minikube image load {IMAGE} --profile lab\n\
         31 objects applied\n\
         the namespace ingress-nginx is let in (pspd.local/ingress=true)\n\
         a-deploy is ready (1 of 6)\n\
         b-deploy is ready (2 of 6)\n\
         a-rest-deploy is ready (3 of 6)\n\
         b-rest-deploy is ready (4 of 6)\n\
         p-deploy is ready (5 of 6)\n\
         p-rest-deploy is ready (6 of 6)\n\
         http://pspd.local       gateway P, over gRPC\n\
         http://pspd-rest.local  gateway P-REST\n\
         with this line in /etc/hosts:\n\
         192.0.2.1 pspd.local pspd-rest.local"
    );
    assert_eq!(steady(&up.out), expected);
    assert_eq!(
        cluster.called(),
        format!("minikube image load {IMAGE} --profile lab\nminikube ip --profile lab\n")
    );
    let admitted = cluster
        .get("/api/v1/namespaces/ingress-nginx")
        .expect("it is there");
    assert_eq!(admitted["metadata"]["labels"]["pspd.local/ingress"], "true");

    let status = cluster.k8s(&["status"]);
    assert_eq!(status.code(), Some(0), "{}{}", status.out, status.err);
    assert!(
        status
            .out
            .contains(&format!("p-rest-deploy    1/1  {IMAGE}\n")),
        "{}",
        status.out
    );
    assert!(
        status.out.contains("192.0.2.1 pspd.local"),
        "{}",
        status.out
    );

    // Once more is no mistake.
    let again = cluster.k8s(&["up", "--no-load"]);
    assert_eq!(again.code(), Some(0), "{}{}", again.out, again.err);

    let down = cluster.k8s(&["down"]);
    assert_eq!(down.code(), Some(0), "{}{}", down.out, down.err);
    assert_eq!(
        down.out,
        "the namespace pspd is gone, with all that was in it\n"
    );
    assert_eq!(cluster.get("/api/v1/namespaces/pspd"), None);
    let status = cluster.k8s(&["status"]);
    assert_eq!(status.code(), Some(1));
    assert!(
        status
            .out
            .ends_with("nothing is there; `pspd k8s up` brings it up\n"),
        "{}",
        status.out
    );
    assert_eq!(cluster.k8s(&["down"]).out, "nothing was there\n");
}

#[test]
fn a_plain_cluster_is_reached_by_forwarding() {
    let Some(cluster) = Cluster::start(&["--provider", "kind://docker/two/node"]) else {
        return;
    };
    cluster.has_program("kind", "");
    let up = cluster.k8s(&["up", "--image", "mine:7"]);
    assert_eq!(up.code(), Some(0), "{}{}", up.out, up.err);
    assert!(up.out.contains("components: none"), "{}", up.out);
    assert!(
        up.out.contains("port-forward service/p-svc 8080:8080"),
        "{}",
        up.out
    );
    assert_eq!(
        cluster.called(),
        "kind load docker-image mine:7 --name two\n"
    );
    let gateway = cluster
        .get("/apis/apps/v1/namespaces/pspd/deployments/p-deploy")
        .expect("applied");
    assert_eq!(
        gateway["spec"]["template"]["spec"]["containers"][0]["image"],
        "mine:7"
    );
}

#[test]
fn a_gateway_says_where_it_is() {
    let Some(cluster) = Cluster::start(&["--extensions", "gateway.networking.k8s.io"]) else {
        return;
    };
    let up = cluster.k8s(&["up", "--with", "gateway-api,scale"]);
    assert_eq!(up.code(), Some(0), "{}{}", up.out, up.err);
    assert!(up.out.contains("192.0.2.8 pspd.local"), "{}", up.out);
    assert!(
        up.out.contains("without metrics-server nothing scales"),
        "{}",
        up.out
    );
    let down = cluster.k8s(&["down", "--timeout", "30s"]);
    assert!(
        down.out.contains("the namespace pspd-gateway is gone"),
        "{}{}",
        down.out,
        down.err
    );
}

#[test]
fn certificates_are_made_once_and_not_by_halves() {
    let Some(cluster) = Cluster::start(&["--nginx"]) else {
        return;
    };
    let up = |cluster: &Cluster| cluster.k8s(&["up", "--with", "mtls"]);
    let first = up(&cluster);
    assert_eq!(first.code(), Some(0), "{}{}", first.out, first.err);
    assert!(first.out.contains("certificates made"), "{}", first.out);
    let secret = "/api/v1/namespaces/pspd/secrets/a-tls";
    let made = cluster.get(secret).expect("made")["data"].clone();
    for key in ["tls.crt", "tls.key", "ca.crt"] {
        assert!(
            made[key]
                .as_str()
                .is_some_and(|text| text.starts_with("-----BEGIN")),
            "{key}"
        );
    }
    let second = up(&cluster);
    assert!(!second.out.contains("certificates made"), "{}", second.out);
    assert_eq!(cluster.get(secret).expect("there")["data"], made);

    let address = format!("127.0.0.1:{}", cluster.port);
    let address = address.parse().expect("an address");
    http::request(address, "DELETE", secret, &[], b"").expect("deleted");
    let third = up(&cluster);
    assert_eq!(third.code(), Some(1));
    assert!(third.err.contains("and a-tls missing"), "{}", third.err);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(cluster) = Cluster::start(&["--minikube", "lab", "--nginx"]) else {
        return;
    };
    cluster.has_program("minikube", "exit 1");
    let ended = cluster.k8s(&["up", "--dry-run", "--with", "minikube,mtls"]);
    assert_eq!(ended.code(), Some(0), "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("would run: minikube image load"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("would apply 31 objects"),
        "{}",
        ended.out
    );
    assert_eq!(cluster.changes(), Vec::<Value>::new());
    assert_eq!(cluster.called(), "");
}

#[test]
fn what_is_missing_or_in_the_way_is_said() {
    let kind = ["--provider", "kind://docker/two/node"];
    for (options, args, says) in [
        (
            &["--version", "v1.29.4"][..],
            &["up"][..],
            "Kubernetes v1.29.4; 1.30 or later is needed",
        ),
        (
            &[],
            &["up", "--with", "minikube"],
            "there is no IngressClass nginx: install an Ingress controller",
        ),
        (
            &["--minikube", "lab"],
            &["up", "--with", "minikube"],
            "minikube addons enable ingress --profile lab",
        ),
        (
            &[],
            &["up", "--with", "gateway-api"],
            "install the Gateway API",
        ),
        (
            &[],
            &["up", "--with", "mtls-cert-manager"],
            "install cert-manager, or take mtls",
        ),
        (
            &[],
            &["up", "--with", "observability"],
            "install Prometheus' operator",
        ),
        (
            &["--foreign"],
            &["up"],
            "a namespace pspd that is not of this system",
        ),
        (
            &["--foreign"],
            &["down"],
            "a namespace pspd that is not of this system",
        ),
        (&["--forbid", "deployments"], &["up"], "an administrator"),
        (
            &["--conflict"],
            &["up"],
            "--force-conflicts takes them back",
        ),
        (
            &["--pods", "image"],
            &["up", "--timeout", "1s"],
            "cannot fetch it: load it",
        ),
        (
            &["--pods", "mount"],
            &["up", "--timeout", "1s"],
            "-deploy-0: FailedMount: secret \"a-tls\" not found",
        ),
        (
            &["--forbid", "ingressclasses"],
            &[
                "up",
                "--with",
                "minikube",
                "--image",
                "x:1",
                "--archive",
                "/nowhere.tar",
            ],
            "there is no file",
        ),
        (
            &["--pods", "crash"],
            &["up", "--timeout", "1s"],
            "logs deployment/a-deploy --previous",
        ),
        (
            &["--pods", "room"],
            &["up", "--timeout", "1s"],
            "no node has room for it: 0/1 nodes",
        ),
        (
            &["--pods", "slow"],
            &["up", "--timeout", "1s"],
            "get pods,events",
        ),
        (&kind, &["up"], "kind is not on the path"),
        (
            &[],
            &["up", "--archive", "/nowhere.tar"],
            "there is no file /nowhere.tar",
        ),
        (&[], &["up", "--context", "nowhere"], "get-contexts` lists"),
    ] {
        let Some(cluster) = Cluster::start(options) else {
            return;
        };
        let ended = cluster.k8s(args);
        assert_eq!(
            ended.code(),
            Some(1),
            "{options:?} {args:?}: {}{}",
            ended.out,
            ended.err
        );
        assert!(
            ended.err.contains(says),
            "{options:?} {args:?}: {}",
            ended.err
        );
    }
}

/// A registry may fail once; an image that is still not there after a while never will be.
#[test]
fn what_has_no_hope_is_not_waited_for_to_the_end() {
    let Some(cluster) = Cluster::start(&["--pods", "secret"]) else {
        return;
    };
    let ended = cluster.k8s(&["up", "--timeout", "1h"]);
    assert_eq!(ended.code(), Some(1));
    assert!(
        ended.err.contains("secret \"a-tls\" not found"),
        "{}",
        ended.err
    );
}

#[test]
fn who_may_not_see_classes_is_told_so() {
    let Some(cluster) = Cluster::start(&["--forbid", "ingressclasses"]) else {
        return;
    };
    let ended = cluster.k8s(&["up"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("you may not see whether"),
        "{}",
        ended.out
    );
}

#[test]
fn conflicts_are_taken_back_when_that_is_asked_for() {
    let Some(cluster) = Cluster::start(&["--conflict"]) else {
        return;
    };
    let ended = cluster.k8s(&["up", "--force-conflicts"]);
    assert_eq!(ended.code(), Some(0), "{}{}", ended.out, ended.err);
}

#[test]
fn a_cluster_that_is_not_there_is_said() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    cluster.configure(cluster.port, "");
    let ended = cluster.k8s(&["up"]);
    assert!(ended.err.contains("minikube start"), "{}", ended.err);
    cluster.configure(1, "work");
    let ended = cluster.k8s(&["status"]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.err.contains("is it running"), "{}", ended.err);
    fs::remove_file(cluster.folder.path().join("bin/kubectl")).expect("removed");
    let ended = cluster.k8s(&["render"]);
    assert_eq!(ended.code(), Some(1));
    assert!(
        ended.err.contains("kubectl is not on the path; install it"),
        "{}",
        ended.err
    );
}

#[test]
fn mistakes_on_the_command_line_are_told() {
    for (args, says) in [
        (
            &["k8s", "up", "--with", "ingress"][..],
            "no component is called \"ingress\"",
        ),
        (
            &["k8s", "up", "--with", "mtls,mtls-cert-manager"],
            "choose one",
        ),
        (&["k8s", "up", "--image", "pspd"], "give NAME:TAG"),
        (&["k8s", "up", "--timeout", "0s"], "from 1s to 1h"),
        (
            &["k8s", "up", "--no-load", "--archive", "x"],
            "cannot be used with",
        ),
        (&["k8s", "apply"], "unrecognized subcommand"),
    ] {
        let ended = Program::start(PSPD, args).finish();
        assert_eq!(ended.code(), Some(64), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
    }
}

/// The Deployments of these components.
fn deployments(names: &str) -> Option<Vec<Value>> {
    let kubectl = need(Tool::Kubectl)?;
    let selection: Selection = names.parse().expect("components");
    let manifests = Manifests::write(&selection, None).expect("written");
    let mut render = std::process::Command::new(kubectl);
    let text = run(render.arg("kustomize").arg(manifests.chosen()));
    let documents = yaml_serde::Deserializer::from_str(&text);
    let values = documents.map(|one| serde::Deserialize::deserialize(one).expect("YAML"));
    let mut values: Vec<Value> = values.collect();
    values.retain(|one| one["kind"] == "Deployment");
    assert_eq!(values.len(), 6);
    Some(values)
}

/// Every role starts with exactly what its Deployment says, and answers its probes, without
/// TLS there, whatever its own port speaks.
#[test]
fn roles_start_as_their_deployments_say_and_answer_their_probes() {
    let certs = tempfile::tempdir().expect("a folder");
    let certs = certs.path().join("certs");
    let made = Program::start(PSPD, &["certs", &certs.display().to_string()]).finish();
    assert_eq!(made.code(), Some(0), "{}", made.err);
    for names in ["", "mtls"] {
        let Some(deployments) = deployments(names) else {
            return;
        };
        for deployment in deployments {
            start_and_probe(&deployment, &certs, names == "mtls");
        }
    }
}

fn start_and_probe(deployment: &Value, certs: &std::path::Path, with_tls: bool) {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let words = container["args"].as_array().expect("arguments");
    let mut args: Vec<_> = words
        .iter()
        .map(|word| word.as_str().expect("a word"))
        .collect();
    let role = args[1];
    let place = |text: &str| -> String {
        let file = |end: &str| certs.join(end).display().to_string();
        match text {
            "/tls/ca.crt" => file("ca.crt"),
            "/tls/tls.crt" => file(&format!("{role}.crt")),
            "/tls/tls.key" => file(&format!("{role}.key")),
            other => other.to_owned(),
        }
    };
    let env = container["env"].as_array().expect("variables").iter();
    let env: Vec<(&str, String)> = env
        .map(|one| {
            let name = one["name"].as_str().expect("a name");
            // The processors that are requested, which is one.
            (
                name,
                one["value"].as_str().map_or_else(|| "1".to_owned(), place),
            )
        })
        .collect();
    assert_eq!(
        env.iter().any(|(name, _)| name.contains("TLS")),
        with_tls,
        "{role}"
    );
    let variables: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let ready: PathBuf = folder.path().join("ready.json");
    let file = ready.display().to_string();
    args.extend(["--port", "0", "--admin-port", "0", "--ready-file", &file]);
    let mut running = Program::start_with(PSPD, &args, &variables);
    let told: Value = until("the role to listen", || {
        assert!(running.runs(), "{role}: {}", running.err());
        serde_json::from_slice(&fs::read(&ready).ok()?).ok()
    });
    let admin = told["admin"].as_str().expect("an address");
    let port = admin.rsplit(':').next().expect("a port");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let service = container[probe]["grpc"]["service"]
            .as_str()
            .expect("a service");
        let mut ask = vec!["health", "--admin-port", port];
        ask.extend((service == "liveness").then_some("--live"));
        // A gateway that has not seen its services has not started.
        let expected = match (probe, role.starts_with("gateway")) {
            ("startupProbe", true) => 1,
            _ => 0,
        };
        let ended = Program::start(PSPD, &ask).finish();
        assert_eq!(
            ended.code(),
            Some(expected),
            "{role} {probe}: {}",
            ended.out
        );
    }
    running.signal("TERM");
    assert_eq!(running.finish().code(), Some(0), "{role}");
}
