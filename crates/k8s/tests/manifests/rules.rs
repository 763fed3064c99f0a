//! Rules of our own for manifests.

use serde_json::{Value, json};

/// A rule and what is wrong by it.
pub(crate) type Broken = (&'static str, String);

struct Rule {
    name: &'static str,
    check: fn(&[Value]) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "published names",
        check: published_names,
    },
    Rule {
        name: "restricted namespace",
        check: restricted_namespace,
    },
    Rule {
        name: "restricted pods",
        check: restricted_pods,
    },
    Rule {
        name: "no tokens",
        check: no_tokens,
    },
    Rule {
        name: "probes",
        check: probes,
    },
    Rule {
        name: "resources",
        check: resources,
    },
    Rule {
        name: "drain within grace",
        check: drain_within_grace,
    },
    Rule {
        name: "rollout without a gap",
        check: rollout_without_a_gap,
    },
    Rule {
        name: "client-side balancing",
        check: client_side_balancing,
    },
    Rule {
        name: "connection age",
        check: connection_age,
    },
    Rule {
        name: "Services select one Deployment",
        check: services_select_one,
    },
    Rule {
        name: "default deny",
        check: default_deny,
    },
    Rule {
        name: "image",
        check: image,
    },
    Rule {
        name: "routes lead to Services",
        check: routes_lead_to_services,
    },
    Rule {
        name: "autoscalers",
        check: autoscalers,
    },
    Rule {
        name: "disruption budgets",
        check: disruption_budgets,
    },
    Rule {
        name: "spreading",
        check: spreading,
    },
    Rule {
        name: "mutual TLS",
        check: mutual_tls,
    },
    Rule {
        name: "monitoring",
        check: monitoring,
    },
];

pub(crate) fn names() -> Vec<&'static str> {
    RULES.iter().map(|rule| rule.name).collect()
}

/// Everything that is wrong.
pub(crate) fn broken(documents: &[Value]) -> Vec<Broken> {
    let all = RULES.iter().flat_map(|rule| {
        let found = (rule.check)(documents).into_iter();
        found.map(|what| (rule.name, what))
    });
    all.collect()
}

/// A Deployment's app and what is known of its role.
struct Known {
    app: &'static str,
    role: &'static str,
    port: u16,
    admin: u16,
    services: &'static [&'static str],
}

const KNOWN: [Known; 6] = [
    Known {
        app: "a",
        role: "a",
        port: 50051,
        admin: 9101,
        services: &[],
    },
    Known {
        app: "b",
        role: "b",
        port: 50052,
        admin: 9102,
        services: &[],
    },
    Known {
        app: "a-rest",
        role: "a-rest",
        port: 8000,
        admin: 9111,
        services: &[],
    },
    Known {
        app: "b-rest",
        role: "b-rest",
        port: 8000,
        admin: 9112,
        services: &[],
    },
    Known {
        app: "p",
        role: "gateway",
        port: 8080,
        admin: 9180,
        services: &["a", "b"],
    },
    Known {
        app: "p-rest",
        role: "gateway-rest",
        port: 8081,
        admin: 9181,
        services: &["a-rest", "b-rest"],
    },
];

fn of_kind<'a>(documents: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    documents.iter().filter(move |one| one["kind"] == kind)
}

fn named<'a>(documents: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    let mut all = documents.iter();
    all.find(|one| one["kind"] == kind && one["metadata"]["name"] == name)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every Deployment with its pods, the container, and what is known of it.
fn deployments(documents: &[Value]) -> Vec<(&'static Known, &Value, &Value)> {
    let known = KNOWN.iter().filter_map(|known| {
        let deployment = named(documents, "Deployment", &format!("{}-deploy", known.app))?;
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        Some((known, deployment, container))
    });
    known.collect()
}

fn pods(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]
}

fn variable<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let mut all = list(&container["env"]).iter();
    all.find(|one| one["name"] == name)?["value"].as_str()
}

/// Whether pods with those labels are selected.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object();
    wanted.is_some_and(|wanted| {
        !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
    })
}

/// Says what does not hold.
fn unless(holds: bool, problems: &mut Vec<String>, what: impl FnOnce() -> String) {
    if !holds {
        problems.push(what());
    }
}

fn published_names(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut there = |kind: &str, name: String| {
        let one = named(documents, kind, &name);
        let placed = one.is_some_and(|one| one["metadata"]["namespace"] == "pspd");
        unless(placed, &mut problems, || {
            format!("there is no {kind} {name} in pspd")
        });
    };
    for known in &KNOWN {
        there("Deployment", format!("{}-deploy", known.app));
        there("Service", format!("{}-svc", known.app));
    }
    for known in &KNOWN {
        let service = named(documents, "Service", &format!("{}-svc", known.app));
        let ports = service.map_or(&[][..], |one| list(&one["spec"]["ports"]));
        let first = ports.first().map(|one| &one["port"]);
        let is_headless = service.is_some_and(|one| one["spec"]["clusterIP"] == "None");
        unless(
            first == Some(&known.port.into()) && !is_headless,
            &mut problems,
            || format!("{}-svc is not a ClusterIP at {}", known.app, known.port),
        );
    }
    problems
}

fn restricted_namespace(documents: &[Value]) -> Vec<String> {
    let namespace = named(documents, "Namespace", "pspd");
    let enforced = namespace.is_some_and(|one| {
        one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    });
    let mut problems = Vec::new();
    unless(enforced, &mut problems, || {
        "pod security is not enforced".to_owned()
    });
    problems
}

fn restricted_pods(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, deployment, container) in deployments(documents) {
        let (pods, own) = (pods(deployment), &container["securityContext"]);
        let kinds = list(&pods["volumes"])
            .iter()
            .all(|volume| volume["secret"].is_object());
        let host = ["hostNetwork", "hostPID", "hostIPC"];
        for (holds, what) in [
            (
                pods["securityContext"]["runAsNonRoot"] == true,
                "may run as root",
            ),
            (
                pods["securityContext"]["runAsUser"].as_u64() > Some(0),
                "has no user",
            ),
            (
                pods["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault",
                "has no seccomp",
            ),
            (
                own["allowPrivilegeEscalation"] == false,
                "may gain privileges",
            ),
            (own["readOnlyRootFilesystem"] == true, "may write"),
            (
                own["capabilities"] == json!({ "drop": ["ALL"] }),
                "keeps capabilities",
            ),
            (own["privileged"].is_null(), "is privileged"),
            (
                host.iter().all(|key| pods[*key].is_null()),
                "is in the host's namespaces",
            ),
            (kinds, "has volumes other than Secrets"),
            (
                list(&pods["containers"]).len() == 1 && pods["initContainers"].is_null(),
                "has other containers",
            ),
        ] {
            unless(holds, &mut problems, || format!("{} {what}", known.app));
        }
    }
    problems
}

fn no_tokens(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, deployment, _) in deployments(documents) {
        let account = named(documents, "ServiceAccount", known.app);
        let without = account.is_some_and(|one| one["automountServiceAccountToken"] == false);
        let pods = pods(deployment);
        unless(
            without
                && pods["serviceAccountName"] == known.app
                && pods["automountServiceAccountToken"] == false,
            &mut problems,
            || format!("{} has no account of its own without a token", known.app),
        );
    }
    problems
}

fn probes(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, _, container) in deployments(documents) {
        let ready = match known.services {
            [] => "readiness",
            _ => "liveness",
        };
        for (probe, service) in [
            ("startupProbe", "readiness"),
            ("readinessProbe", ready),
            ("livenessProbe", "liveness"),
        ] {
            let asks = json!({ "port": known.admin, "service": service });
            unless(container[probe]["grpc"] == asks, &mut problems, || {
                format!("{}: {probe} does not ask for {asks}", known.app)
            });
        }
        let number = |probe: &str, key: &str| container[probe][key].as_u64().unwrap_or(1);
        let patience =
            number("startupProbe", "failureThreshold") * number("startupProbe", "periodSeconds");
        let wanted = if known.services.is_empty() { 30 } else { 1800 };
        unless(patience >= wanted, &mut problems, || {
            format!("{} has {patience} s to start", known.app)
        });
        unless(
            variable(container, "PSPD_ADMIN_HOST") == Some("all"),
            &mut problems,
            || format!("{}: no kubelet reaches the administration port", known.app),
        );
        let told = list(&container["ports"])
            .iter()
            .any(|one| one["containerPort"] == known.admin);
        unless(told, &mut problems, || {
            format!("{} does not name its administration port", known.app)
        });
    }
    problems
}

fn resources(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, _, container) in deployments(documents) {
        let resources = &container["resources"];
        let has = |kind: &str, what: &str| resources[kind][what].is_string();
        for (holds, what) in [
            (has("requests", "cpu"), "requests no processor time"),
            (has("requests", "memory"), "requests no memory"),
            (has("limits", "memory"), "has no limit of memory"),
            (!has("limits", "cpu"), "is stopped in the midst of its work"),
        ] {
            unless(holds, &mut problems, || format!("{} {what}", known.app));
        }
        let workers = list(&container["env"])
            .iter()
            .find(|one| one["name"] == "PSPD_WORKERS");
        let follows = workers
            .is_some_and(|one| one["valueFrom"]["resourceFieldRef"]["resource"] == "requests.cpu");
        unless(follows, &mut problems, || {
            format!("{}: threads do not follow the request", known.app)
        });
    }
    problems
}

/// What a role may take beyond its drain, by docs/operations.md: `drain-idle-grace` and the
/// second in which what is late is ended.
const AFTER_DRAIN_SECONDS: u64 = 2;

fn drain_within_grace(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, deployment, container) in deployments(documents) {
        let sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            .as_u64()
            .unwrap_or(0);
        let drain = variable(container, "PSPD_DRAIN_TIMEOUT")
            .and_then(seconds)
            .unwrap_or(0);
        let grace = pods(deployment)["terminationGracePeriodSeconds"]
            .as_u64()
            .unwrap_or(30);
        unless(sleep >= 5, &mut problems, || {
            format!("{} stops while requests come", known.app)
        });
        unless(drain >= 10, &mut problems, || {
            format!("{} drains for {drain} s", known.app)
        });
        unless(
            sleep + drain + AFTER_DRAIN_SECONDS < grace,
            &mut problems,
            || {
                format!(
                    "{} is killed after {grace} s, and needs {sleep} + {drain}",
                    known.app
                )
            },
        );
    }
    problems
}

fn seconds(time: &str) -> Option<u64> {
    match time.strip_suffix('m') {
        Some(minutes) => minutes.parse::<u64>().ok().map(|minutes| minutes * 60),
        None => time.strip_suffix('s')?.parse().ok(),
    }
}

fn rollout_without_a_gap(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, deployment, _) in deployments(documents) {
        let wanted = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } });
        unless(
            deployment["spec"]["strategy"] == wanted,
            &mut problems,
            || format!("{} goes before another has come", known.app),
        );
    }
    problems
}

fn client_side_balancing(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let gateway = deployments(documents)
        .into_iter()
        .find(|(known, ..)| known.app == "p");
    let Some((_, _, container)) = gateway else {
        return vec!["there is no gateway P".to_owned()];
    };
    for (name, app) in [("A_ADDR", "a"), ("B_ADDR", "b")] {
        let address = variable(container, name).and_then(|address| address.split_once(':'));
        let service = address.and_then(|(host, _)| named(documents, "Service", host));
        let holds = service.is_some_and(|service| {
            let spec = &service["spec"];
            let port = &list(&spec["ports"])[0];
            let number = address.map_or(String::new(), |(_, port)| port.to_owned());
            // Without an address of its own, what is asked for is the pods' own port.
            spec["clusterIP"] == "None"
                && spec["selector"]["app"] == app
                && port["port"].as_u64() == number.parse().ok()
                && port["targetPort"] == "grpc"
        });
        unless(holds, &mut problems, || {
            format!("{name} does not name the pods of {app}")
        });
    }
    problems
}

fn connection_age(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (known, _, container) in deployments(documents) {
        let age = variable(container, "PSPD_CONNECTION_AGE_MAX").and_then(seconds);
        unless(
            age.is_some_and(|age| (30..=600).contains(&age)),
            &mut problems,
            || format!("{} keeps connections for ever", known.app),
        );
    }
    problems
}

fn services_select_one(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for service in of_kind(documents, "Service") {
        let name = text(&service["metadata"]["name"]);
        let selected: Vec<_> = of_kind(documents, "Deployment")
            .filter(|one| {
                selects(
                    &service["spec"]["selector"],
                    &one["spec"]["template"]["metadata"]["labels"],
                )
            })
            .collect();
        let [deployment] = selected[..] else {
            problems.push(format!("{name} selects {} Deployments", selected.len()));
            continue;
        };
        let ports = list(&pods(deployment)["containers"][0]["ports"]);
        for port in list(&service["spec"]["ports"]) {
            let known = ports.iter().any(|one| one["name"] == port["targetPort"]);
            unless(known, &mut problems, || {
                format!("{name}: no port is called {}", port["targetPort"])
            });
        }
    }
    for (known, deployment, container) in deployments(documents) {
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        let own = selects(&deployment["spec"]["selector"]["matchLabels"], labels);
        unless(own, &mut problems, || {
            format!("{} does not select its own pods", known.app)
        });
        let number = list(&container["ports"])
            .iter()
            .any(|one| one["containerPort"] == known.port);
        unless(number, &mut problems, || {
            format!("{} is not at {}", known.app, known.port)
        });
        let arguments = json!(["serve", known.role]);
        unless(container["args"] == arguments, &mut problems, || {
            format!("{} is not {arguments}", known.app)
        });
    }
    problems
}

fn default_deny(documents: &[Value]) -> Vec<String> {
    let wanted = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] });
    let mut policies = of_kind(documents, "NetworkPolicy");
    let mut problems = Vec::new();
    unless(
        policies.any(|one| one["spec"] == wanted),
        &mut problems,
        || "nothing is denied".to_owned(),
    );
    for policy in of_kind(documents, "NetworkPolicy") {
        let rules = list(&policy["spec"]["ingress"])
            .iter()
            .map(|rule| (&rule["from"], &rule["ports"]));
        let egress = list(&policy["spec"]["egress"])
            .iter()
            .map(|rule| (&rule["to"], &rule["ports"]));
        for (peers, ports) in rules.chain(egress) {
            let narrow = !list(peers).is_empty() && !list(ports).is_empty();
            unless(narrow, &mut problems, || {
                format!("{} allows everything", policy["metadata"]["name"])
            });
        }
    }
    problems
}

fn image(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let wanted = concat!("pspd:", env!("CARGO_PKG_VERSION"));
    for (known, _, container) in deployments(documents) {
        let holds = container["image"] == wanted && container["imagePullPolicy"] == "IfNotPresent";
        unless(holds, &mut problems, || {
            format!("{} does not run {wanted}, as it is on the node", known.app)
        });
    }
    problems
}

fn routes_lead_to_services(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut reached = Vec::new();
    let mut leads = |name: &Value, port: &Value, from: String| {
        let service = named(documents, "Service", text(name));
        let ports = service.map_or(&[][..], |one| list(&one["spec"]["ports"]));
        let there = ports
            .iter()
            .any(|one| one["port"] == *port || one["name"] == *port);
        unless(there, &mut problems, || {
            format!("{from} leads to {name} {port}, which is not there")
        });
        reached.push((from, text(name).to_owned()));
    };
    for ingress in of_kind(documents, "Ingress") {
        for rule in list(&ingress["spec"]["rules"]) {
            for path in list(&rule["http"]["paths"]) {
                let backend = &path["backend"]["service"];
                let port = &backend["port"];
                let port = if port["name"].is_string() {
                    &port["name"]
                } else {
                    &port["number"]
                };
                leads(&backend["name"], port, text(&rule["host"]).to_owned());
            }
        }
    }
    for route in documents
        .iter()
        .filter(|one| text(&one["kind"]).ends_with("Route"))
    {
        for rule in list(&route["spec"]["rules"]) {
            for backend in list(&rule["backendRefs"]) {
                let host = text(&route["spec"]["hostnames"][0]).to_owned();
                leads(&backend["name"], &backend["port"], host);
            }
        }
    }
    for route in documents
        .iter()
        .filter(|one| text(&one["kind"]).ends_with("Route"))
    {
        let parent = &route["spec"]["parentRefs"][0];
        let gateway = named(documents, "Gateway", text(&parent["name"]));
        let placed = gateway.is_some_and(|one| one["metadata"]["namespace"] == parent["namespace"]);
        unless(placed, &mut problems, || {
            "a route has no Gateway".to_owned()
        });
    }
    if !reached.is_empty() {
        for (host, service) in [("pspd.local", "p-svc"), ("pspd-rest.local", "p-rest-svc")] {
            let wanted = (host.to_owned(), service.to_owned());
            unless(reached.contains(&wanted), &mut problems, || {
                format!("{host} is not {service}")
            });
        }
    }
    problems
}

fn autoscalers(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut count = 0;
    for scaler in of_kind(documents, "HorizontalPodAutoscaler") {
        count += 1;
        let target = &scaler["spec"]["scaleTargetRef"];
        let deployment = named(documents, text(&target["kind"]), text(&target["name"]));
        let leaves = deployment.is_some_and(|one| one["spec"]["replicas"].is_null());
        unless(leaves, &mut problems, || {
            format!("{} has a number of its own", target["name"])
        });
        let spec = &scaler["spec"];
        let least = spec["minReplicas"].as_u64() >= Some(2);
        unless(
            least && spec["maxReplicas"].as_u64() > spec["minReplicas"].as_u64(),
            &mut problems,
            || format!("{} does not scale from two", target["name"]),
        );
        let metrics = list(&spec["metrics"]);
        let by_cpu = metrics.iter().any(|one| one["resource"]["name"] == "cpu");
        let by_requests = metrics
            .iter()
            .any(|one| one["pods"]["metric"]["name"] == "http_server_active_requests");
        let is_gateway = text(&target["name"]).starts_with("p-");
        unless(by_cpu && by_requests == is_gateway, &mut problems, || {
            format!("{} does not scale by what it should", target["name"])
        });
    }
    unless(count == 0 || count == KNOWN.len(), &mut problems, || {
        format!("{count} autoscalers")
    });
    if count == 0 {
        for (known, deployment, _) in deployments(documents) {
            unless(deployment["spec"]["replicas"] == 1, &mut problems, || {
                format!("{} is not one", known.app)
            });
        }
    }
    problems
}

fn disruption_budgets(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let budgets: Vec<_> = of_kind(documents, "PodDisruptionBudget").collect();
    if named(documents, "HorizontalPodAutoscaler", "p").is_none() {
        return problems;
    }
    for (known, deployment, _) in deployments(documents) {
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        let own: Vec<_> = budgets
            .iter()
            .filter(|one| selects(&one["spec"]["selector"]["matchLabels"], labels))
            .collect();
        let holds = own.len() == 1 && own[0]["spec"]["maxUnavailable"] == 1;
        unless(holds, &mut problems, || {
            format!("{} has no budget of one pod", known.app)
        });
    }
    problems
}

fn spreading(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    if named(documents, "HorizontalPodAutoscaler", "p").is_none() {
        return problems;
    }
    for (known, deployment, _) in deployments(documents) {
        let constraints = list(&pods(deployment)["topologySpreadConstraints"]);
        let over = |key: &str| {
            constraints.iter().any(|one| {
                let labels = &deployment["spec"]["template"]["metadata"]["labels"];
                one["topologyKey"] == key
                    && selects(&one["labelSelector"]["matchLabels"], labels)
                    && list(&one["matchLabelKeys"]).contains(&"app".into())
            })
        };
        let holds = over("kubernetes.io/hostname") && over("topology.kubernetes.io/zone");
        unless(holds, &mut problems, || {
            format!("{} is not spread", known.app)
        });
    }
    problems
}

fn mutual_tls(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let with = |container: &Value| {
        list(&container["volumeMounts"])
            .iter()
            .any(|one| one["name"] == "tls")
    };
    let all = deployments(documents);
    let count = all
        .iter()
        .filter(|(_, _, container)| with(container))
        .count();
    unless(count == 0 || count == all.len(), &mut problems, || {
        format!("{count} with TLS")
    });
    if count == 0 {
        return problems;
    }
    let id = |role: &str| format!("spiffe://pspd.local/{role}");
    for (known, deployment, container) in all {
        let secret = format!("{}-tls", known.app);
        let volume = list(&pods(deployment)["volumes"])
            .iter()
            .any(|one| one["secret"]["secretName"] == secret);
        unless(volume, &mut problems, || {
            format!("{} has no Secret {secret}", known.app)
        });
        let prefix = if known.services.is_empty() {
            "PSPD_TLS"
        } else {
            "PSPD_UPSTREAM_TLS"
        };
        let (authority, allow) = match known.services {
            [] => ("CLIENT_CA", "CLIENT_ALLOW"),
            _ => ("CA", "ALLOW"),
        };
        let peers = match known.services {
            [] => {
                let caller = KNOWN.iter().find(|one| one.services.contains(&known.app));
                id(caller.map_or("nobody", |one| one.role))
            }
            services => services
                .iter()
                .map(|one| id(one))
                .collect::<Vec<_>>()
                .join(","),
        };
        for (name, wanted) in [
            ("CERT", "/tls/tls.crt"),
            ("KEY", "/tls/tls.key"),
            (authority, "/tls/ca.crt"),
            (allow, &peers),
        ] {
            let name = format!("{prefix}_{name}");
            unless(
                variable(container, &name) == Some(wanted),
                &mut problems,
                || format!("{}: {name} is not {wanted}", known.app),
            );
        }
        unless(
            variable(container, "PSPD_ADMIN_TLS").is_none(),
            &mut problems,
            || format!("{}: no kubelet has a certificate", known.app),
        );
        for name in ["A_REST", "B_REST"] {
            let secured = variable(container, name).is_none_or(|url| url.starts_with("https://"));
            unless(secured, &mut problems, || {
                format!("{}: {name} is in the clear", known.app)
            });
        }
        if let Some(certificate) = named(documents, "Certificate", known.app) {
            let spec = &certificate["spec"];
            let holds = spec["secretName"] == secret && spec["uris"] == json!([id(known.role)]);
            unless(holds, &mut problems, || {
                format!("the certificate of {} is another's", known.app)
            });
        }
    }
    let direct = documents.iter().any(|one| one["kind"] == "GRPCRoute");
    unless(!direct, &mut problems, || {
        "a GRPCRoute has no certificate".to_owned()
    });
    problems
}

fn monitoring(documents: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let monitors: Vec<_> = of_kind(documents, "ServiceMonitor").collect();
    let [monitor] = monitors[..] else {
        unless(monitors.is_empty(), &mut problems, || {
            "several monitors".to_owned()
        });
        return problems;
    };
    let spec = &monitor["spec"];
    let key = text(&spec["selector"]["matchExpressions"][0]["key"]);
    let port = &spec["endpoints"][0]["port"];
    unless(spec["jobLabel"] == key, &mut problems, || {
        "jobs are not known by their label".to_owned()
    });
    let selected: Vec<_> = of_kind(documents, "Service")
        .filter(|one| one["metadata"]["labels"][key].is_string())
        .collect();
    unless(selected.len() == KNOWN.len(), &mut problems, || {
        format!("{} Services are scraped", selected.len())
    });
    for service in selected {
        let job = text(&service["metadata"]["labels"][key]);
        let scraped = list(&service["spec"]["ports"])
            .iter()
            .any(|one| one["name"] == *port);
        unless(scraped && job.starts_with("pspd-"), &mut problems, || {
            format!(
                "{} is not scraped as the rules know it",
                service["metadata"]["name"]
            )
        });
    }
    let dashboard = named(documents, "ConfigMap", "pspd-dashboard");
    let shown = dashboard.is_some_and(|one| one["metadata"]["labels"]["grafana_dashboard"] == "1");
    unless(shown, &mut problems, || "no dashboard is found".to_owned());
    let rules = named(documents, "PrometheusRule", "pspd");
    unless(rules.is_some(), &mut problems, || {
        "there are no rules".to_owned()
    });
    problems
}
