//! Manifests as kubectl renders them, as values.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use k8s::{Image, Manifests, Selection};
use serde_json::Value;
use testkit::{Tool, need, run};

pub(crate) fn kubectl() -> Option<PathBuf> {
    need(Tool::Kubectl)
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/k8s")
}

/// The names of the overlays.
pub(crate) fn overlays() -> Vec<String> {
    let folder = fs::read_dir(deploy().join("overlays")).expect("there are overlays");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = folder.map(|entry| name(entry.expect("readable"))).collect();
    names.sort();
    assert_eq!(names.len(), 6);
    names
}

pub(crate) fn overlay(kubectl: &Path, name: &str) -> Vec<Value> {
    kustomize(kubectl, &deploy().join("overlays").join(name))
}

pub(crate) fn render(kubectl: &Path, names: &str, image: Option<&str>) -> Vec<Value> {
    let selection: Selection = names.parse().expect("components");
    let image: Option<Image> = image.map(|image| image.parse().expect("an image"));
    let manifests = Manifests::write(&selection, image.as_ref()).expect("written");
    kustomize(kubectl, &manifests.chosen())
}

fn kustomize(kubectl: &Path, folder: &Path) -> Vec<Value> {
    let text = run(Command::new(kubectl).arg("kustomize").arg(folder));
    let documents = yaml_serde::Deserializer::from_str(&text);
    let values = documents.map(|document| {
        let value: Value = serde::Deserialize::deserialize(document).expect("YAML");
        value
    });
    values.collect()
}

/// Every way to choose components.
pub(crate) fn combinations() -> Vec<String> {
    let mut all = Vec::new();
    for entrance in ["", "minikube", "gateway-api"] {
        for mtls in ["", "mtls", "mtls-cert-manager"] {
            for observability in ["", "observability"] {
                for scale in ["", "scale"] {
                    all.push([entrance, mtls, observability, scale].join(","));
                }
            }
        }
    }
    all
}

/// Which object a document is.
pub(crate) fn id(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let metadata = &document["metadata"];
    format!(
        "{} {}/{}",
        text(&document["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}

/// For people; what is made elsewhere, and held to the truth there, is left out.
pub(crate) fn text(documents: &[Value]) -> String {
    let mut text = String::new();
    for document in documents {
        let mut document = document.clone();
        if document["kind"] == "PrometheusRule" {
            document["spec"]["groups"] = "those of rules.yaml".into();
        }
        if document["data"]["dashboard.json"].is_string() {
            document["data"]["dashboard.json"] = "that of deploy/observability".into();
        }
        text.push_str("---\n");
        text.push_str(&yaml_serde::to_string(&document).expect("plain values"));
    }
    text
}
