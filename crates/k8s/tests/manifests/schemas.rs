//! What others say that manifests look like: the types of the Kubernetes API, its published
//! schemas, and those of the extensions that are used.

use std::{fs, path::PathBuf, process::Command};

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, Namespace, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Tool, need};

use crate::rendered::id;

/// Whether it is defined by somebody else than Kubernetes.
pub(crate) fn is_an_extension(document: &Value) -> bool {
    let version = document["apiVersion"].as_str().unwrap_or_default();
    [
        "gateway.networking.k8s.io/",
        "cert-manager.io/",
        "monitoring.coreos.com/",
    ]
    .iter()
    .any(|group| version.starts_with(group))
}

/// As the API's own types read it, nothing is lost.
#[track_caller]
pub(crate) fn round_trip(document: &Value) {
    fn as_type<T: DeserializeOwned + Serialize>(document: &Value) {
        let typed: T = serde_json::from_value(document.clone())
            .unwrap_or_else(|error| unreadable(document, &error));
        let back = serde_json::to_value(typed).expect("it was a value");
        assert_eq!(&back, document, "{}", id(document));
    }
    if is_an_extension(document) {
        return;
    }
    match document["kind"].as_str().unwrap_or_default() {
        "ConfigMap" => as_type::<ConfigMap>(document),
        "Deployment" => as_type::<Deployment>(document),
        "HorizontalPodAutoscaler" => as_type::<HorizontalPodAutoscaler>(document),
        "Ingress" => as_type::<Ingress>(document),
        "Namespace" => as_type::<Namespace>(document),
        "NetworkPolicy" => as_type::<NetworkPolicy>(document),
        "PodDisruptionBudget" => as_type::<PodDisruptionBudget>(document),
        "Service" => as_type::<Service>(document),
        "ServiceAccount" => as_type::<ServiceAccount>(document),
        other => unreadable(document, &format!("a {other} is not known to this test")),
    }
}

#[allow(clippy::panic, reason = "a panic is how a test fails")]
fn unreadable<T>(document: &Value, why: &dyn std::fmt::Display) -> T {
    panic!("{}: {why}", id(document))
}

fn written(documents: &[Value]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("documents.yaml");
    let texts = documents.iter().map(Value::to_string);
    fs::write(&path, texts.collect::<Vec<_>>().join("\n---\n")).expect("written");
    (folder, path)
}

/// kubernetes-validate: the API's published schemas, without unknown fields.
pub(crate) struct Validator {
    python: PathBuf,
}

impl Validator {
    pub(crate) fn new() -> Option<Validator> {
        need(Tool::Python).map(|python| Validator { python })
    }

    pub(crate) fn validate(&self, version: &str, documents: &[Value]) -> Result<(), String> {
        let (_folder, path) = written(documents);
        let said = Command::new(&self.python)
            .args([
                "-m",
                "kubernetes_validate",
                "--strict",
                "--quiet",
                "-k",
                version,
            ])
            .arg(path)
            .output()
            .expect("it runs");
        let mut text = String::from_utf8_lossy(&said.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&said.stderr));
        match said.status.success() && !text.contains("WARN") {
            true => Ok(()),
            false => Err(text),
        }
    }
}

/// The packages @kubernetes-models: schemas of the extensions.
pub(crate) struct Models {
    modules: PathBuf,
}

impl Models {
    pub(crate) fn new() -> Option<Models> {
        need(Tool::NodeModules).map(|modules| Models { modules })
    }

    /// How many were looked at.
    pub(crate) fn validate(&self, documents: &[Value]) -> Result<usize, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("documents.json");
        fs::write(&path, Value::from(documents.to_vec()).to_string()).expect("written");
        let said = Command::new("node")
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/manifests/models.mjs"
            ))
            .arg(&self.modules)
            .arg(path)
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        match said.status.success() {
            true => text.trim().parse().map_err(|_| text),
            false => Err(text + &String::from_utf8_lossy(&said.stderr)),
        }
    }
}
