//! The manifests, as kubectl renders them, in every combination of components: held to the
//! types of the Kubernetes API, to its published schemas and those of the extensions, to
//! rules of our own, and to the edges that the documentation draws. Each rule is seen to fail.

mod breaches;
mod edges;
mod rendered;
mod rules;
mod schemas;

use std::path::Path;

use rendered::{combinations, kubectl, render};
use serde_json::Value;

/// What each overlay makes; of what the base makes too, only what is different.
#[test]
fn overlays_are_as_they_were() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    let base = rendered::overlay(&kubectl, "../base");
    insta::assert_snapshot!("base", rendered::text(&base));
    for name in rendered::overlays() {
        let overlay = rendered::overlay(&kubectl, &name);
        let gone: Vec<_> = base
            .iter()
            .filter(|old| {
                overlay
                    .iter()
                    .all(|new| rendered::id(new) != rendered::id(old))
            })
            .map(rendered::id)
            .collect();
        assert!(gone.is_empty(), "{name} takes away {gone:?}");
        let changed: Vec<_> = overlay
            .into_iter()
            .filter(|document| !base.contains(document))
            .collect();
        insta::assert_snapshot!(name, rendered::text(&changed));
    }
}

/// An overlay is what the command makes of the components of its name.
#[test]
fn overlays_are_what_the_command_renders() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    for name in rendered::overlays() {
        let names = match name.as_str() {
            "minikube" | "gateway-api" => name.clone(),
            other => format!("minikube,{other}"),
        };
        assert_eq!(
            rendered::overlay(&kubectl, &name),
            render(&kubectl, &names, None)
        );
    }
}

#[test]
fn the_image_is_the_one_that_was_asked_for() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    let image = format!("host:5000/team/pspd@sha256:{}", "ab".repeat(32));
    let documents = render(&kubectl, "minikube", Some(&image));
    let mut seen = 0;
    for document in documents
        .iter()
        .filter(|document| document["kind"] == "Deployment")
    {
        let container = &document["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image);
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[test]
fn every_combination_keeps_every_rule() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    let mut seen = 0;
    for names in combinations() {
        let documents = render(&kubectl, &names, None);
        let broken = rules::broken(&documents);
        assert!(broken.is_empty(), "with {names:?}: {broken:#?}");
        seen += 1;
    }
    assert_eq!(seen, 36);
}

#[test]
fn every_rule_sees_when_it_is_broken() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    let with = |names| render(&kubectl, names, None);
    let all = with("minikube,mtls,observability,scale");
    let gateway = with("gateway-api,observability,scale");
    for breach in breaches::all() {
        let mut documents = match breach.beside_a_gateway {
            true => gateway.clone(),
            false => all.clone(),
        };
        (breach.breaks)(&mut documents);
        let broken = rules::broken(&documents);
        let seen = broken.iter().any(|(rule, _)| *rule == breach.rule);
        assert!(
            seen,
            "{}: {} was not seen; {broken:?}",
            breach.rule, breach.what
        );
    }
    let rules = rules::names();
    let without: Vec<_> = rules
        .iter()
        .filter(|rule| breaches::all().iter().all(|breach| breach.rule != **rule))
        .collect();
    assert!(without.is_empty(), "no breach of {without:?}");
}

#[test]
fn the_edges_are_those_of_the_documentation() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    for names in [
        "",
        "minikube",
        "gateway-api",
        "observability",
        "gateway-api,mtls",
    ] {
        let found = edges::allowed(&render(&kubectl, names, None));
        assert_eq!(found, edges::documented(names), "with {names:?}");
    }
}

#[test]
fn what_is_rendered_is_what_the_api_knows() {
    let Some(kubectl) = kubectl() else {
        return;
    };
    for names in combinations() {
        for document in render(&kubectl, &names, None) {
            schemas::round_trip(&document);
        }
    }
}

/// Every document of every combination, each once.
fn all_documents(kubectl: &Path) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for names in combinations() {
        for document in render(kubectl, &names, None) {
            if !all.contains(&document) {
                all.push(document);
            }
        }
    }
    all
}

#[test]
fn published_schemas_are_kept() {
    let (Some(kubectl), Some(validator)) = (kubectl(), schemas::Validator::new()) else {
        return;
    };
    let mut documents = all_documents(&kubectl);
    documents.retain(|document| !schemas::is_an_extension(document));
    for version in ["1.30", "1.33", "1.37"] {
        let said = validator.validate(version, &documents);
        assert!(said.is_ok(), "Kubernetes {version}: {said:?}");
    }
    let deployment = documents.iter_mut().find(|one| one["kind"] == "Deployment");
    deployment.expect("there is one")["spec"]["replica"] = 1.into();
    assert!(validator.validate("1.33", &documents).is_err());
}

#[test]
fn schemas_of_the_extensions_are_kept() {
    let (Some(kubectl), Some(models)) = (kubectl(), schemas::Models::new()) else {
        return;
    };
    let mut documents = all_documents(&kubectl);
    documents.retain(schemas::is_an_extension);
    let said = models.validate(&documents);
    assert_eq!(said, Ok(documents.len()));
    for document in &documents {
        let id = rendered::id(document);
        let mut broken = document.clone();
        broken["spec"] = "nonsense".into();
        assert!(models.validate(&[broken]).is_err(), "{id}");
    }
}
