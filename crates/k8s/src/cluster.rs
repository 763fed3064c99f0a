//! Which cluster this is: what made it, its version, what it offers. In: kubectl; out: what
//! the rest has to know to load an image and to say where the system is reached.

use serde_json::Value;

use crate::kubectl::{Kubectl, Trouble};

/// The oldest that the manifests are written for.
const OLDEST: (u64, u64) = (1, 30);

/// What made a cluster, and by which name it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flavour {
    /// minikube, and the profile.
    Minikube(String),
    /// kind, and the cluster.
    Kind(String),
    /// k3d, and the cluster.
    K3d(String),
    /// k3s on this machine or elsewhere.
    K3s,
    /// Any other.
    Other,
}

/// A cluster that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The context of kubectl.
    pub context: String,
    /// What made it.
    pub flavour: Flavour,
    /// Such as `v1.33.1`.
    pub version: String,
    /// Whether there is an IngressClass `nginx`; `None` for those who may not know.
    pub has_nginx: Option<bool>,
}

impl Cluster {
    /// Asks it.
    ///
    /// # Errors
    ///
    /// When there is no context, the cluster does not answer or is too old.
    pub fn ask(kubectl: &Kubectl) -> Result<Cluster, Trouble> {
        let context = kubectl.context()?;
        let text = kubectl.run(&["version", "--output=json", "--request-timeout=15s"])?;
        let told: Value = serde_json::from_str(&text)
            .map_err(|error| Trouble::Nonsense("kubectl version".to_owned(), error))?;
        let version = told["serverVersion"]["gitVersion"]
            .as_str()
            .unwrap_or_default();
        let old = |whose: &str, version: &str| {
            let (major, minor) = OLDEST;
            Trouble::Cluster(format!(
                "{whose} {version}; {major}.{minor} or later is needed"
            ))
        };
        if numbers(version).is_none_or(|numbers| numbers < OLDEST) {
            return Err(old("the cluster is Kubernetes", version));
        }
        let client = told["clientVersion"]["gitVersion"]
            .as_str()
            .unwrap_or_default();
        if numbers(client).is_none_or(|numbers| numbers < OLDEST) {
            return Err(old("this kubectl is", client));
        }
        // Who may not see nodes is told apart by names alone.
        let nodes = kubectl.get(&["nodes"]).unwrap_or_default();
        // Classes belong to the whole cluster, and may be hidden as well.
        let class = kubectl.find(&["ingressclass", "nginx"]);
        Ok(Cluster {
            flavour: flavour(&context, version, &nodes["items"][0]),
            version: version.to_owned(),
            has_nginx: class.ok().map(|class| class.is_some()),
            context,
        })
    }
}

/// The first two numbers of a version such as `v1.33.1+k3s1`.
fn numbers(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.strip_prefix('v')?.split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn flavour(context: &str, version: &str, node: &Value) -> Flavour {
    let labels = &node["metadata"]["labels"];
    if let Some(profile) = labels["minikube.k8s.io/name"].as_str() {
        return Flavour::Minikube(profile.to_owned());
    }
    let provider = node["spec"]["providerID"].as_str().unwrap_or_default();
    // kind://docker/CLUSTER/NODE
    if let Some(rest) = provider.strip_prefix("kind://")
        && let Some(name) = rest.split('/').nth(1)
    {
        return Flavour::Kind(name.to_owned());
    }
    if let Some(name) = context.strip_prefix("kind-") {
        return Flavour::Kind(name.to_owned());
    }
    if let Some(name) = context.strip_prefix("k3d-") {
        return Flavour::K3d(name.to_owned());
    }
    match context {
        "minikube" => Flavour::Minikube(context.to_owned()),
        _ if version.contains("+k3s") => Flavour::K3s,
        _ => Flavour::Other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clusters_are_told_apart() {
        let node = |labels: Value, provider: &str| json!({ "metadata": { "labels": labels }, "spec": { "providerID": provider } });
        let plain = node(json!({}), "");
        for (context, version, node, expected) in [
            (
                "work",
                "v1.33.1",
                node(json!({ "minikube.k8s.io/name": "lab" }), ""),
                Flavour::Minikube("lab".into()),
            ),
            (
                "minikube",
                "v1.33.1",
                Value::Null,
                Flavour::Minikube("minikube".into()),
            ),
            (
                "work",
                "v1.33.1",
                node(json!({}), "kind://docker/two/two-worker"),
                Flavour::Kind("two".into()),
            ),
            (
                "kind-one",
                "v1.33.1",
                Value::Null,
                Flavour::Kind("one".into()),
            ),
            (
                "k3d-x",
                "v1.33.1+k3s1",
                plain.clone(),
                Flavour::K3d("x".into()),
            ),
            ("default", "v1.33.1+k3s1", plain.clone(), Flavour::K3s),
            ("arn:aws:eks", "v1.33.1-eks", plain, Flavour::Other),
        ] {
            assert_eq!(flavour(context, version, &node), expected, "{context}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert_eq!(numbers("v1.33.1+k3s1"), Some((1, 33)));
        assert_eq!(numbers("v1.9.0"), Some((1, 9)));
        assert!(numbers("v1.9.0").is_some_and(|old| old < OLDEST));
        for nonsense in ["", "1.33", "v1", "vx.y"] {
            assert_eq!(numbers(nonsense), None, "{nonsense}");
        }
    }
}
