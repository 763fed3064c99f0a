//! How each rule could be broken: changes of manifests that keep all of them.

use serde_json::{Value, json};

/// A change after which a rule is broken.
pub(crate) struct Breach {
    pub(crate) rule: &'static str,
    pub(crate) what: &'static str,
    pub(crate) beside_a_gateway: bool,
    pub(crate) breaks: fn(&mut Vec<Value>),
}

/// The first document of that kind and name.
fn edit<'a>(documents: &'a mut [Value], kind: &str, name: &str) -> &'a mut Value {
    let mut all = documents.iter_mut();
    let found = all.find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    found.expect("it is there before it is broken")
}

fn gateway(documents: &mut [Value]) -> &mut Value {
    &mut edit(documents, "Deployment", "p-deploy")["spec"]["template"]["spec"]
}

fn container(documents: &mut [Value]) -> &mut Value {
    &mut gateway(documents)["containers"][0]
}

fn set(documents: &mut [Value], name: &str, value: &str) {
    let env = container(documents)["env"]
        .as_array_mut()
        .expect("it has some");
    env.retain(|one| one["name"] != name);
    env.push(json!({ "name": name, "value": value }));
}

fn remove(documents: &mut Vec<Value>, kind: &str, name: &str) {
    let before = documents.len();
    documents.retain(|one| one["kind"] != kind || one["metadata"]["name"] != name);
    assert_ne!(documents.len(), before, "there is a {kind} {name}");
}

/// Every way to break a rule that is tried.
pub(crate) fn all() -> Vec<Breach> {
    let breach = |rule, what, breaks| Breach {
        rule,
        what,
        breaks,
        beside_a_gateway: false,
    };
    let direct = |rule, what, breaks| Breach {
        rule,
        what,
        breaks,
        beside_a_gateway: true,
    };
    vec![
        breach("published names", "a Deployment renamed", |d| {
            edit(d, "Deployment", "p-deploy")["metadata"]["name"] = "p".into()
        }),
        breach("published names", "another port", |d| {
            edit(d, "Service", "a-svc")["spec"]["ports"][0]["port"] = 80.into()
        }),
        breach("published names", "another namespace", |d| {
            edit(d, "Service", "b-svc")["metadata"]["namespace"] = "default".into()
        }),
        breach("restricted namespace", "baseline", |d| {
            edit(d, "Namespace", "pspd")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] =
                "baseline".into()
        }),
        breach("restricted pods", "root", |d| {
            gateway(d)["securityContext"]["runAsNonRoot"] = false.into()
        }),
        breach("restricted pods", "seccomp", |d| {
            gateway(d)["securityContext"]["seccompProfile"]["type"] = "Unconfined".into()
        }),
        breach("restricted pods", "the user 0", |d| {
            gateway(d)["securityContext"]["runAsUser"] = 0.into()
        }),
        breach("restricted pods", "escalation", |d| {
            container(d)["securityContext"]["allowPrivilegeEscalation"] = true.into()
        }),
        breach("restricted pods", "a root that is written", |d| {
            container(d)["securityContext"]["readOnlyRootFilesystem"] = false.into()
        }),
        breach("restricted pods", "a capability", |d| {
            container(d)["securityContext"]["capabilities"]["add"] = json!(["NET_ADMIN"])
        }),
        breach("restricted pods", "privileged", |d| {
            container(d)["securityContext"]["privileged"] = true.into()
        }),
        breach("restricted pods", "the host's network", |d| {
            gateway(d)["hostNetwork"] = true.into()
        }),
        breach("restricted pods", "a folder of the host", |d| {
            gateway(d)["volumes"] = json!([{ "name": "v", "hostPath": { "path": "/" } }])
        }),
        breach("restricted pods", "a second container", |d| {
            gateway(d)["initContainers"] = json!([{ "name": "x" }])
        }),
        breach("no tokens", "a token in the pod", |d| {
            gateway(d)["automountServiceAccountToken"] = true.into()
        }),
        breach("no tokens", "a token of the account", |d| {
            edit(d, "ServiceAccount", "p")["automountServiceAccountToken"] = true.into()
        }),
        breach("no tokens", "the default account", |d| {
            gateway(d)["serviceAccountName"] = "default".into()
        }),
        breach("probes", "readiness by its services", |d| {
            container(d)["readinessProbe"]["grpc"]["service"] = "readiness".into()
        }),
        breach("probes", "another port", |d| {
            container(d)["livenessProbe"]["grpc"]["port"] = 9101.into()
        }),
        breach("probes", "HTTP", |d| {
            container(d)["startupProbe"] = json!({ "httpGet": { "path": "/", "port": 8080 } })
        }),
        breach("probes", "an impatient start", |d| {
            container(d)["startupProbe"]["failureThreshold"] = 3.into()
        }),
        breach("probes", "an endpoint on loopback", |d| {
            set(d, "PSPD_ADMIN_HOST", "127.0.0.1")
        }),
        breach("resources", "a limit of processor time", |d| {
            container(d)["resources"]["limits"]["cpu"] = "1".into()
        }),
        breach("resources", "no limit of memory", |d| {
            container(d)["resources"]["limits"] = json!({})
        }),
        breach("resources", "no requests", |d| {
            container(d)["resources"]["requests"] = json!({})
        }),
        breach("resources", "a number of threads", |d| {
            set(d, "PSPD_WORKERS", "8")
        }),
        breach("drain within grace", "a longer drain", |d| {
            set(d, "PSPD_DRAIN_TIMEOUT", "40s")
        }),
        breach("drain within grace", "no preStop", |d| {
            container(d)["lifecycle"] = json!({})
        }),
        breach("drain within grace", "a shorter grace", |d| {
            gateway(d)["terminationGracePeriodSeconds"] = 41.into()
        }),
        breach("rollout without a gap", "one less", |d| {
            edit(d, "Deployment", "p-deploy")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] =
                1.into()
        }),
        breach("client-side balancing", "the ClusterIP", |d| {
            set(d, "A_ADDR", "a-svc:50051")
        }),
        breach(
            "client-side balancing",
            "a headless Service that is not",
            |d| edit(d, "Service", "b-headless")["spec"]["clusterIP"] = Value::Null,
        ),
        breach("connection age", "none", |d| {
            set(d, "PSPD_CONNECTION_AGE_MAX", "off")
        }),
        breach("Services select one Deployment", "none", |d| {
            edit(d, "Service", "p-svc")["spec"]["selector"]["app"] = "q".into()
        }),
        breach("Services select one Deployment", "all", |d| {
            edit(d, "Service", "p-svc")["spec"]["selector"] =
                json!({ "app.kubernetes.io/part-of": "pspd" })
        }),
        breach(
            "Services select one Deployment",
            "a port of another name",
            |d| edit(d, "Service", "p-svc")["spec"]["ports"][0]["targetPort"] = "web".into(),
        ),
        breach("Services select one Deployment", "another role", |d| {
            container(d)["args"] = json!(["serve", "gateway-rest"])
        }),
        breach("default deny", "without it", |d| {
            remove(d, "NetworkPolicy", "default-deny")
        }),
        breach("default deny", "from everywhere", |d| {
            edit(d, "NetworkPolicy", "p")["spec"]["ingress"][0]["from"] = json!([])
        }),
        breach("default deny", "to every port", |d| {
            edit(d, "NetworkPolicy", "p")["spec"]["egress"][0]["ports"] = Value::Null
        }),
        breach("image", "whatever is latest", |d| {
            container(d)["image"] = "pspd:latest".into()
        }),
        breach("image", "always pulled", |d| {
            container(d)["imagePullPolicy"] = "Always".into()
        }),
        breach(
            "routes lead to Services",
            "a Service that is not there",
            |d| {
                edit(d, "Ingress", "p-ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]
                    ["service"]["name"] = "p".into()
            },
        ),
        breach("routes lead to Services", "another host", |d| {
            edit(d, "Ingress", "p-ingress")["spec"]["rules"][0]["host"] = "example.com".into()
        }),
        direct("routes lead to Services", "another port", |d| {
            edit(d, "GRPCRoute", "services")["spec"]["rules"][1]["backendRefs"][0]["port"] =
                1.into()
        }),
        direct("routes lead to Services", "no Gateway", |d| {
            remove(d, "Gateway", "pspd")
        }),
        breach("autoscalers", "a number beside one", |d| {
            edit(d, "Deployment", "p-deploy")["spec"]["replicas"] = 1.into()
        }),
        breach("autoscalers", "from one", |d| {
            edit(d, "HorizontalPodAutoscaler", "p")["spec"]["minReplicas"] = 1.into()
        }),
        breach("autoscalers", "by processor time alone", |d| {
            edit(d, "HorizontalPodAutoscaler", "p")["spec"]["metrics"]
                .as_array_mut()
                .expect("some")
                .pop();
        }),
        breach("autoscalers", "one less", |d| {
            remove(d, "HorizontalPodAutoscaler", "a")
        }),
        breach("disruption budgets", "one less", |d| {
            remove(d, "PodDisruptionBudget", "a")
        }),
        breach("disruption budgets", "none may go", |d| {
            edit(d, "PodDisruptionBudget", "a")["spec"]["maxUnavailable"] = 0.into()
        }),
        breach("spreading", "over one node", |d| {
            gateway(d)["topologySpreadConstraints"]
                .as_array_mut()
                .expect("some")
                .remove(0);
        }),
        breach("spreading", "all roles together", |d| {
            gateway(d)["topologySpreadConstraints"][0]["matchLabelKeys"] =
                json!(["pod-template-hash"])
        }),
        breach("mutual TLS", "whoever has a certificate", |d| {
            set(d, "PSPD_UPSTREAM_TLS_ALLOW", "*")
        }),
        breach("mutual TLS", "one without", |d| {
            container(d)["volumeMounts"] = json!([])
        }),
        breach("mutual TLS", "another's Secret", |d| {
            gateway(d)["volumes"][0]["secret"]["secretName"] = "a-tls".into()
        }),
        breach("mutual TLS", "probes with certificates", |d| {
            set(d, "PSPD_ADMIN_TLS", "on")
        }),
        breach("monitoring", "a headless Service as well", |d| {
            edit(d, "Service", "a-headless")["metadata"]["labels"]["pspd.local/job"] =
                "pspd-services".into()
        }),
        breach("monitoring", "another job", |d| {
            edit(d, "Service", "p-svc")["metadata"]["labels"]["pspd.local/job"] = "p".into()
        }),
        breach("monitoring", "no rules", |d| {
            remove(d, "PrometheusRule", "pspd")
        }),
        breach("monitoring", "a dashboard without its label", |d| {
            edit(d, "ConfigMap", "pspd-dashboard")["metadata"]["labels"] = json!({})
        }),
    ]
}
