//! The system in a cluster: brought up, shown, taken down. In: kubectl and what is wanted;
//! out: lines for people as it goes, and an error that says what is missing. kubectl applies
//! and deletes; here is only what it is asked for, and in which order.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, Flavour},
    command::{self, Failure},
    kubectl::{Kubectl, Trouble},
    manifests::{Component, Image, Manifests, Selection},
    pods::{self, Obstacle, list},
};

const NAMESPACE: &str = "pspd";
/// The namespace of the component gateway-api.
const GATEWAY_NAMESPACE: &str = "pspd-gateway";
const LABEL: &str = "app.kubernetes.io/part-of";
const ADMITTED: &str = "pspd.local/ingress";
const DEPLOYMENTS: [&str; 6] = ["a", "b", "a-rest", "b-rest", "p", "p-rest"];
/// What loading an image into the nodes of a local cluster may take.
const LOAD_WITHIN: Duration = Duration::from_secs(300);
const APPLY_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long something without hope must be seen: a registry may fail once, and a kubelet asks
/// it again after ten seconds.
const HOPELESS_AFTER: Duration = Duration::from_secs(20);
/// How many warnings of the cluster are told.
const WARNINGS_MAX: usize = 6;

/// How the image comes to the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loading {
    /// By the cluster's own tool where the image has no registry; else the nodes fetch it.
    Auto,
    /// From this file.
    Archive(PathBuf),
    /// It is there, or they fetch it.
    Never,
}

/// Certificates for a role: its app, and what its Secret has.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The authority's certificate, PEM.
    pub authority: String,
    /// The app, its certificate and its key, PEM.
    pub pairs: Vec<(String, String, String)>,
}

/// Makes certificates when they are needed.
pub type Makes<'a> = &'a dyn Fn() -> Result<Secrets, String>;

/// What is to be brought up, and how.
#[derive(Debug, Clone)]
pub struct Up {
    /// The components; `None` takes an Ingress where its class is there.
    pub selection: Option<Selection>,
    /// The image; `None` is that of this version.
    pub image: Option<Image>,
    /// How it comes to the nodes.
    pub loading: Loading,
    /// How long everything may take to be ready.
    pub timeout: Duration,
    /// Whether fields that others have changed are taken back.
    pub force_conflicts: bool,
    /// Whether nothing is changed, and only told.
    pub dry_run: bool,
}

/// How the system is reached from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// Under the published hosts, at this address.
    Hosts(String),
    /// Under the published hosts; nobody has said where.
    Unknown,
    /// Through kubectl alone.
    Forwarded,
}

/// The system in one cluster.
#[derive(Debug)]
pub struct System<'a> {
    kubectl: &'a Kubectl,
    say: fn(&str),
}

impl<'a> System<'a> {
    /// In the cluster of kubectl's context; what happens is said line by line.
    #[must_use]
    pub fn new(kubectl: &'a Kubectl, say: fn(&str)) -> System<'a> {
        System { kubectl, say }
    }

    /// The manifests as they would be applied.
    ///
    /// # Errors
    ///
    /// When kubectl is not there or cannot render.
    pub fn render(&self, selection: &Selection, image: Option<&Image>) -> Result<String, Trouble> {
        let manifests = Manifests::write(selection, image)?;
        let chosen = manifests.chosen();
        self.kubectl.run_within(
            &["kustomize", &chosen.to_string_lossy()],
            None,
            APPLY_WITHIN,
        )
    }

    /// Brings it up and waits until everything is ready.
    ///
    /// # Errors
    ///
    /// When something is missing or in the way, or it does not become ready in time; what was
    /// applied by then stays.
    pub fn up(&self, up: &Up, certificates: Makes<'_>) -> Result<(), Trouble> {
        let cluster = Cluster::ask(self.kubectl)?;
        self.say(&format!(
            "cluster: {} ({})",
            cluster.context,
            told(&cluster)
        ));
        let selection = match &up.selection {
            Some(selection) => selection.clone(),
            None => self.fitting(&cluster)?,
        };
        self.check(&cluster, &selection)?;
        self.not_another_s()?;
        let loads = load_command(&cluster.flavour, up)?;
        if up.dry_run {
            return self.tell_plan(&selection, up, loads.as_deref());
        }
        if let Some(command) = &loads {
            self.load(command)?;
        }
        let manifests = Manifests::write(&selection, up.image.as_ref())?;
        if selection.has(Component::Mtls) {
            self.secrets(&manifests, certificates)?;
        }
        let chosen = manifests.chosen();
        let chosen = chosen.to_string_lossy();
        let mut what = vec!["--kustomize", &*chosen];
        what.extend(up.force_conflicts.then_some("--force-conflicts"));
        let applied = self.apply(&what, None)?;
        self.say(&format!("{} objects applied", applied.lines().count()));
        if selection.has(Component::Minikube) {
            self.admit_controller();
        }
        self.wait(up.timeout)?;
        for line in reached(&self.entrance(&cluster)?) {
            self.say(&line);
        }
        Ok(())
    }

    /// Says how it stands; whether everything is ready.
    ///
    /// # Errors
    ///
    /// When the cluster cannot be asked.
    pub fn status(&self) -> Result<bool, Trouble> {
        let cluster = Cluster::ask(self.kubectl)?;
        self.say(&format!(
            "cluster: {} ({})",
            cluster.context,
            told(&cluster)
        ));
        if self.namespace(NAMESPACE)?.is_none() {
            self.say("nothing is there; `pspd k8s up` brings it up");
            return Ok(false);
        }
        let (deployments, pods) = self.look()?;
        let mut ready = true;
        for app in DEPLOYMENTS {
            let deployment = deployment(&deployments, app);
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            ready &= pods::is_ready(deployment);
            self.say(&format!(
                "{:<14} {:>5}  {}",
                format!("{app}-deploy"),
                pods::counted(deployment),
                container["image"].as_str().unwrap_or("not there")
            ));
        }
        for obstacle in pods::obstacles(&deployments, &pods) {
            self.say(&obstacle.says);
        }
        if ready {
            for line in reached(&self.entrance(&cluster)?) {
                self.say(&line);
            }
        }
        Ok(ready)
    }

    /// Takes everything down and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the namespace is somebody else's, or is not gone in time.
    pub fn down(&self, timeout: Duration) -> Result<(), Trouble> {
        Cluster::ask(self.kubectl)?;
        self.not_another_s()?;
        let mut gone = false;
        for name in [NAMESPACE, GATEWAY_NAMESPACE] {
            let Some(namespace) = self.namespace(name)? else {
                continue;
            };
            if !is_ours(&namespace) {
                self.say(&format!(
                    "the namespace {name} is not of this system, and stays"
                ));
                continue;
            }
            let timeout_given = format!("--timeout={}s", timeout.as_secs());
            let within = timeout + Duration::from_secs(10);
            let delete = ["delete", "namespace", name, "--wait", &timeout_given];
            self.kubectl.run_within(&delete, None, within)?;
            self.say(&format!(
                "the namespace {name} is gone, with all that was in it"
            ));
            gone = true;
        }
        if !gone {
            self.say("nothing was there");
        }
        Ok(())
    }

    fn say(&self, line: &str) {
        (self.say)(line);
    }

    fn namespace(&self, name: &str) -> Result<Option<Value>, Trouble> {
        self.kubectl.find(&["namespace", name])
    }

    /// That a namespace of this name is not somebody else's.
    fn not_another_s(&self) -> Result<(), Trouble> {
        match self.namespace(NAMESPACE)? {
            Some(namespace) if !is_ours(&namespace) => Err(Trouble::Cluster(format!(
                "there is a namespace {NAMESPACE} that is not of this system: it has no label \
                 {LABEL}={NAMESPACE}. Look what is in it (`kubectl get all --namespace {NAMESPACE}`); \
                 if it may be used, `kubectl label namespace {NAMESPACE} {LABEL}={NAMESPACE}`"
            ))),
            _ => Ok(()),
        }
    }

    /// What a cluster can do without anything being installed in it.
    fn fitting(&self, cluster: &Cluster) -> Result<Selection, Trouble> {
        match cluster.has_nginx {
            Some(true) => {
                self.say("components: minikube, since there is an IngressClass nginx");
                Ok(Selection::new(&[Component::Minikube])?)
            }
            unless => {
                let why = match unless {
                    Some(_) => "there is no IngressClass nginx",
                    None => "you may not see whether there is an IngressClass nginx",
                };
                self.say(&format!("components: none, since {why}"));
                Ok(Selection::default())
            }
        }
    }

    /// That what the components need is there.
    fn check(&self, cluster: &Cluster, selection: &Selection) -> Result<(), Trouble> {
        if selection.has(Component::Minikube) && cluster.has_nginx == Some(false) {
            let how = match &cluster.flavour {
                Flavour::Minikube(profile) => {
                    format!("`minikube addons enable ingress --profile {profile}`")
                }
                _ => "install an Ingress controller of that class".to_owned(),
            };
            return Err(Trouble::Cluster(format!(
                "there is no IngressClass nginx: {how}, or take gateway-api, or --with '' for none"
            )));
        }
        for (component, group, what) in [
            (
                Component::GatewayApi,
                "gateway.networking.k8s.io",
                "the Gateway API (its standard channel, 1.1 or later) and a controller",
            ),
            (
                Component::MtlsCertManager,
                "cert-manager.io",
                "cert-manager, or take mtls",
            ),
            (
                Component::Observability,
                "monitoring.coreos.com",
                "Prometheus' operator",
            ),
        ] {
            if selection.has(component) && !self.serves(group)? {
                return Err(Trouble::Cluster(format!(
                    "the cluster does not know {group}, which {component} needs: install {what}"
                )));
            }
        }
        if selection.has(Component::Scale) && !self.serves("metrics.k8s.io")? {
            let how = match &cluster.flavour {
                Flavour::Minikube(profile) => {
                    format!("minikube addons enable metrics-server --profile {profile}")
                }
                _ => "install metrics-server".to_owned(),
            };
            self.say(&format!(
                "note: without metrics-server nothing scales: {how}"
            ));
        }
        Ok(())
    }

    fn serves(&self, group: &str) -> Result<bool, Trouble> {
        let all = self.kubectl.run(&["api-versions"])?;
        Ok(all
            .lines()
            .any(|line| line.split('/').next() == Some(group)))
    }

    fn tell_plan(
        &self,
        selection: &Selection,
        up: &Up,
        loads: Option<&[OsString]>,
    ) -> Result<(), Trouble> {
        let rendered = self.render(selection, up.image.as_ref())?;
        if let Some(command) = loads {
            self.say(&format!("would run: {}", shown(command)));
        }
        if selection.has(Component::Mtls) {
            self.say("would make the Secrets of mtls where they are missing");
        }
        let objects = rendered.split("\n---\n").count();
        self.say(&format!(
            "would apply {objects} objects (`pspd k8s render --with '{selection}'` prints them)"
        ));
        Ok(())
    }

    /// Applies on the server's side, always as the same manager of fields.
    fn apply(&self, what: &[&str], input: Option<&str>) -> Result<String, Trouble> {
        let apply = ["apply", "--server-side", "--field-manager=pspd"];
        self.kubectl
            .run_within(&[&apply, what].concat(), input, APPLY_WITHIN)
    }

    fn load(&self, command: &[OsString]) -> Result<(), Trouble> {
        let (program, arguments) = command.split_at(1);
        self.say(&format!("loading the image: {}", shown(command)));
        let done = command::run(&program[0], arguments, None, LOAD_WITHIN);
        done.map(drop).map_err(|failure| match failure {
            Failure::Missing => Trouble::Missing(
                program[0].to_string_lossy().into_owned(),
                "with it the image is loaded into the cluster; install it, or load the image \
                 yourself and give --no-load",
            ),
            Failure::Start(error) => failed(command, error.to_string()),
            Failure::Late(within) => Trouble::Late {
                what: shown(command),
                within,
            },
            Failure::Said(said) => failed(command, said),
        })
    }

    /// The Secrets of mtls, unless they are there.
    fn secrets(&self, manifests: &Manifests, certificates: Makes<'_>) -> Result<(), Trouble> {
        let namespace = manifests.namespace();
        self.apply(&["--filename", &namespace.to_string_lossy()], None)?;
        let there = self.kubectl.get(&["secrets", "--namespace", NAMESPACE])?;
        let there: Vec<_> = list(&there["items"])
            .iter()
            .map(|one| &one["metadata"]["name"])
            .collect();
        let missing: Vec<_> = DEPLOYMENTS
            .iter()
            .map(|app| format!("{app}-tls"))
            .filter(|name| !there.contains(&&Value::from(name.as_str())))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        if missing.len() < DEPLOYMENTS.len() {
            return Err(Trouble::Cluster(format!(
                "some Secrets of mtls are there, and {} missing; make those with the same authority \
                 (docs/kubernetes.md), or delete the others to have all made",
                missing.join(", ")
            )));
        }
        let made = certificates().map_err(Trouble::Cluster)?;
        let secrets = made.pairs.iter().map(|(app, certificate, key)| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": { "name": format!("{app}-tls"), "namespace": NAMESPACE, "labels": { (LABEL): NAMESPACE } },
                "stringData": { "tls.crt": certificate, "tls.key": key, "ca.crt": made.authority },
            })
        });
        let secrets: Vec<_> = secrets.map(|secret| secret.to_string()).collect();
        self.apply(&["--filename", "-"], Some(&secrets.join("\n---\n")))?;
        let names = made.pairs.iter().map(|(app, ..)| format!(" {app}-tls"));
        self.say(&format!(
            "certificates made, for seven days; for new ones: kubectl --namespace {NAMESPACE} delete \
             secret{}, and `pspd k8s up` again",
            names.collect::<String>()
        ));
        Ok(())
    }

    /// Lets the Ingress controller in, by a label of its namespace.
    fn admit_controller(&self) {
        let by_label = "--selector=app.kubernetes.io/name=ingress-nginx";
        let pods = self.kubectl.get(&["pods", "--all-namespaces", by_label]);
        let first = pods
            .as_ref()
            .ok()
            .and_then(|pods| pods["items"][0]["metadata"]["namespace"].as_str());
        let labelled = first.map(|namespace| {
            let label = format!("{ADMITTED}=true");
            let done = self
                .kubectl
                .run(&["label", "namespace", namespace, &label, "--overwrite"]);
            done.map(|_| namespace)
        });
        match labelled {
            Some(Ok(namespace)) => self.say(&format!(
                "the namespace {namespace} is let in ({ADMITTED}=true)"
            )),
            _ => self.say(&format!(
                "note: let your Ingress controller in, where policies are enforced: kubectl label \
                 namespace NAMESPACE {ADMITTED}=true"
            )),
        }
    }

    fn look(&self) -> Result<(Value, Value), Trouble> {
        let deployments = self
            .kubectl
            .get(&["deployments", "--namespace", NAMESPACE])?;
        let pods = self.kubectl.get(&["pods", "--namespace", NAMESPACE])?;
        Ok((deployments, pods))
    }

    fn wait(&self, timeout: Duration) -> Result<(), Trouble> {
        let started = Instant::now();
        let mut told: Vec<&str> = Vec::new();
        let mut hopeless_since: Option<Instant> = None;
        loop {
            let (deployments, pods) = self.look()?;
            let ready: Vec<_> = DEPLOYMENTS
                .into_iter()
                .filter(|app| pods::is_ready(deployment(&deployments, app)))
                .collect();
            for app in &ready {
                if !told.contains(app) {
                    told.push(app);
                    let (count, of) = (told.len(), DEPLOYMENTS.len());
                    let seconds = started.elapsed().as_secs();
                    self.say(&format!(
                        "{app}-deploy is ready ({count} of {of}, {seconds} s)"
                    ));
                }
            }
            if ready.len() == DEPLOYMENTS.len() {
                return Ok(());
            }
            let obstacles = pods::obstacles(&deployments, &pods);
            hopeless_since = match obstacles.iter().any(|one| one.hopeless) {
                true => hopeless_since.or(Some(Instant::now())),
                false => None,
            };
            let hopeless = hopeless_since.is_some_and(|since| since.elapsed() >= HOPELESS_AFTER);
            if hopeless || started.elapsed() >= timeout {
                let warnings = self.warnings();
                return Err(not_ready(&ready, &obstacles, &warnings, started.elapsed()));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// What the cluster has warned of last, such as a volume whose Secret is not there.
    fn warnings(&self) -> Vec<String> {
        let of_warnings = [
            "events",
            "--namespace",
            NAMESPACE,
            "--field-selector=type=Warning",
        ];
        // Who may not read events learns as much as they may.
        let events = self.kubectl.get(&of_warnings).unwrap_or_default();
        pods::warnings(&events, WARNINGS_MAX)
    }

    fn entrance(&self, cluster: &Cluster) -> Result<Entrance, Trouble> {
        let ingress = self
            .kubectl
            .find(&["ingress", "p-ingress", "--namespace", NAMESPACE])?;
        let (found, at) = match ingress {
            Some(ingress) => (
                true,
                first_address(&ingress["status"]["loadBalancer"]["ingress"][0]),
            ),
            None if self.namespace(GATEWAY_NAMESPACE)?.is_some() => {
                let gateway = self.kubectl.find(&[
                    "gateways.gateway.networking.k8s.io",
                    "pspd",
                    "--namespace",
                    GATEWAY_NAMESPACE,
                ])?;
                let gateway = gateway.unwrap_or_default();
                (
                    true,
                    gateway["status"]["addresses"][0]["value"]
                        .as_str()
                        .map(str::to_owned),
                )
            }
            None => (false, None),
        };
        if !found {
            return Ok(Entrance::Forwarded);
        }
        let of_minikube = || match &cluster.flavour {
            Flavour::Minikube(profile) => {
                let arguments = ["ip", "--profile", profile].map(OsString::from);
                let told = command::run(OsStr::new("minikube"), &arguments, None, APPLY_WITHIN);
                told.ok().map(|address| address.trim().to_owned())
            }
            _ => None,
        };
        Ok(of_minikube()
            .or(at)
            .map_or(Entrance::Unknown, Entrance::Hosts))
    }
}

fn first_address(entry: &Value) -> Option<String> {
    let address = entry["ip"].as_str().or(entry["hostname"].as_str());
    address.map(str::to_owned)
}

fn deployment<'v>(deployments: &'v Value, app: &str) -> &'v Value {
    let name = format!("{app}-deploy");
    let mut all = list(&deployments["items"]).iter();
    all.find(|one| one["metadata"]["name"] == name.as_str())
        .unwrap_or(&Value::Null)
}

fn is_ours(namespace: &Value) -> bool {
    namespace["metadata"]["labels"][LABEL] == NAMESPACE
}

fn told(cluster: &Cluster) -> String {
    let of = match &cluster.flavour {
        Flavour::Minikube(_) => "minikube, ",
        Flavour::Kind(_) => "kind, ",
        Flavour::K3d(_) => "k3d, ",
        Flavour::K3s => "k3s, ",
        Flavour::Other => "",
    };
    format!("{of}Kubernetes {}", cluster.version)
}

/// The command that brings the image to the nodes, if one is needed.
fn load_command(flavour: &Flavour, up: &Up) -> Result<Option<Vec<OsString>>, Trouble> {
    let reference = up.image.as_ref().map_or_else(
        || concat!("pspd:", env!("CARGO_PKG_VERSION")).to_owned(),
        ToString::to_string,
    );
    let archive: Option<&Path> = match &up.loading {
        Loading::Never => return Ok(None),
        Loading::Archive(path) if !path.is_file() => {
            return Err(Trouble::Cluster(format!(
                "there is no file {}; `cargo xtask image` makes one",
                path.display()
            )));
        }
        Loading::Archive(path) => Some(path),
        // One with a registry is fetched by the nodes themselves.
        Loading::Auto if reference.contains('/') => return Ok(None),
        Loading::Auto => None,
    };
    let what = archive.map_or_else(
        || OsString::from(&reference),
        |path| path.as_os_str().to_owned(),
    );
    let command: Vec<OsString> = match flavour {
        Flavour::Minikube(profile) => vec![
            "minikube".into(),
            "image".into(),
            "load".into(),
            what,
            "--profile".into(),
            profile.into(),
        ],
        Flavour::Kind(name) => {
            let kind = if archive.is_some() {
                "image-archive"
            } else {
                "docker-image"
            };
            vec![
                "kind".into(),
                "load".into(),
                kind.into(),
                what,
                "--name".into(),
                name.into(),
            ]
        }
        Flavour::K3d(name) => vec![
            "k3d".into(),
            "image".into(),
            "import".into(),
            what,
            "--cluster".into(),
            name.into(),
        ],
        Flavour::K3s if archive.is_some() => vec![
            "k3s".into(),
            "ctr".into(),
            "images".into(),
            "import".into(),
            what,
        ],
        _ if archive.is_some() => {
            return Err(Trouble::Cluster(
                "an archive cannot be loaded into this cluster; push the image to a registry of \
                 its own and name it with --image"
                    .to_owned(),
            ));
        }
        // The nodes have it, or what is said of their pods will tell that they have not.
        _ => return Ok(None),
    };
    Ok(Some(command))
}

fn shown(command: &[OsString]) -> String {
    let words = command
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn failed(command: &[OsString], said: String) -> Trouble {
    Trouble::Failed {
        what: shown(command),
        said,
        advice:
            "\nIs the image there (`docker build -t pspd:0.1.0 .`)? Or load it yourself, and give \
                 --no-load."
                .to_owned(),
    }
}

fn not_ready(
    ready: &[&str],
    obstacles: &[Obstacle],
    warnings: &[String],
    after: Duration,
) -> Trouble {
    let missing: Vec<_> = DEPLOYMENTS
        .iter()
        .filter(|app| !ready.contains(app))
        .copied()
        .collect();
    let mut text = format!(
        "not ready after {} s: {}",
        after.as_secs(),
        missing.join(", ")
    );
    for line in obstacles.iter().map(|one| &one.says).chain(warnings) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if obstacles.is_empty() && warnings.is_empty() {
        text.push_str(
            "\n  `kubectl --namespace pspd get pods,events` says more; --timeout waits longer",
        );
    }
    Trouble::Cluster(text)
}

/// Lines that say how to reach it.
fn reached(entrance: &Entrance) -> Vec<String> {
    let hosts = || {
        vec![
            "http://pspd.local       gateway P, over gRPC".to_owned(),
            "http://pspd-rest.local  gateway P-REST".to_owned(),
        ]
    };
    match entrance {
        Entrance::Hosts(address) => {
            let mut lines = hosts();
            lines.push("with this line in /etc/hosts:".to_owned());
            lines.push(format!("{address} pspd.local pspd-rest.local"));
            lines
        }
        Entrance::Unknown => {
            let mut lines = hosts();
            lines.push(
                "once these names lead to your Ingress or Gateway, which has no address yet"
                    .to_owned(),
            );
            lines
        }
        Entrance::Forwarded => vec![
            "nothing leads in from outside; from this machine:".to_owned(),
            "kubectl --namespace pspd port-forward service/p-svc 8080:8080            # http://localhost:8080".to_owned(),
            "kubectl --namespace pspd port-forward service/p-rest-svc 8081:8081       # http://localhost:8081".to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(image: Option<&str>, loading: Loading) -> Up {
        Up {
            selection: None,
            image: image.map(|image| image.parse().expect("an image")),
            loading,
            timeout: Duration::from_secs(1),
            force_conflicts: false,
            dry_run: false,
        }
    }

    #[test]
    fn each_kind_of_cluster_has_its_way_to_load_an_image() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_owned();
        let archive = || Loading::Archive(path.clone());
        let of = |flavour: &Flavour, up: &Up| {
            let command = load_command(flavour, up).expect("possible");
            command.map(|command| shown(&command))
        };
        let minikube = Flavour::Minikube("lab".into());
        let own = concat!("pspd:", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            of(&minikube, &up(None, Loading::Auto)),
            Some(format!("minikube image load {own} --profile lab"))
        );
        assert_eq!(of(&minikube, &up(None, Loading::Never)), None);
        assert_eq!(of(&minikube, &up(Some("host/pspd:1"), Loading::Auto)), None);
        let kind = Flavour::Kind("one".into());
        assert_eq!(
            of(&kind, &up(Some("mine:1"), Loading::Auto)),
            Some("kind load docker-image mine:1 --name one".into())
        );
        assert_eq!(
            of(&kind, &up(None, archive())),
            Some(format!(
                "kind load image-archive {} --name one",
                path.display()
            ))
        );
        assert_eq!(
            of(&Flavour::K3d("x".into()), &up(None, Loading::Auto)),
            Some(format!("k3d image import {own} --cluster x"))
        );
        assert_eq!(
            of(&Flavour::K3s, &up(None, archive())),
            Some(format!("k3s ctr images import {}", path.display()))
        );
        assert_eq!(of(&Flavour::K3s, &up(None, Loading::Auto)), None);
        assert!(load_command(&Flavour::Other, &up(None, archive())).is_err());
        let nowhere = Loading::Archive("/nowhere.tar".into());
        let refused = load_command(&minikube, &up(None, nowhere)).expect_err("no file");
        assert!(
            refused.to_string().contains("cargo xtask image"),
            "{refused}"
        );
    }
}
