//! Which manifests: the base, and components that are chosen by name. In: names and an
//! image; out: a folder that kustomize renders. What the manifests say is not known here.

use std::{fmt, fs, io, path::Path, str::FromStr};

use tempfile::TempDir;

/// Paths below `deploy`, and what is in the files.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));
/// The image's name in the manifests.
const NAME: &str = "pspd";

/// A part beside the base, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// NGINX Ingress, under the published hosts.
    Minikube,
    /// A Gateway and routes.
    GatewayApi,
    /// Mutual TLS, with certificates in Secrets.
    Mtls,
    /// The same, with certificates from cert-manager.
    MtlsCertManager,
    /// For Prometheus' operator and Grafana's sidecar.
    Observability,
    /// Autoscalers, disruption budgets, spreading.
    Scale,
}

impl Component {
    /// All of them, in the order in which they are applied.
    pub const ALL: [Component; 6] = [
        Component::Minikube,
        Component::GatewayApi,
        Component::Mtls,
        Component::MtlsCertManager,
        Component::Observability,
        Component::Scale,
    ];

    /// The name, which is that of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Component::Minikube => "minikube",
            Component::GatewayApi => "gateway-api",
            Component::Mtls => "mtls",
            Component::MtlsCertManager => "mtls-cert-manager",
            Component::Observability => "observability",
            Component::Scale => "scale",
        }
    }

    /// The one that this one cannot stand beside.
    fn instead_of(self) -> Option<Component> {
        match self {
            Component::GatewayApi => Some(Component::Minikube),
            Component::MtlsCertManager => Some(Component::Mtls),
            _ => None,
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Component {
    type Err = Problem;

    fn from_str(name: &str) -> Result<Self, Problem> {
        let mut all = Component::ALL.into_iter();
        all.find(|component| component.name() == name)
            .ok_or_else(|| Problem::NoComponent(name.to_owned()))
    }
}

/// Why manifests cannot be chosen or written.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no component of that name.
    #[error(
        "no component is called {0:?}; there are minikube, gateway-api, mtls, \
         mtls-cert-manager, observability and scale"
    )]
    NoComponent(String),
    /// Two components that exclude each other.
    #[error("{0} and {1} are two ways to the same; choose one")]
    Both(Component, Component),
    /// What does not name an image.
    #[error(
        "{0:?} does not name an image; give NAME:TAG, or NAME@sha256: and 64 hexadecimal digits"
    )]
    NoImage(String),
    /// A file that could not be written.
    #[error("cannot write the manifests for kustomize: {0}")]
    Write(#[from] io::Error),
}

/// The components that are wanted, sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Vec<Component>);

impl Selection {
    /// Those components.
    ///
    /// # Errors
    ///
    /// When two of them exclude each other.
    pub fn new(components: &[Component]) -> Result<Selection, Problem> {
        let mut components = components.to_vec();
        components.sort();
        components.dedup();
        for component in &components {
            if let Some(other) = component.instead_of()
                && components.contains(&other)
            {
                return Err(Problem::Both(other, *component));
            }
        }
        Ok(Selection(components))
    }

    /// Whether it is among them.
    #[must_use]
    pub fn has(&self, component: Component) -> bool {
        self.0.contains(&component)
    }
}

impl FromStr for Selection {
    type Err = Problem;

    /// Names with commas between them; none are no components.
    fn from_str(names: &str) -> Result<Self, Problem> {
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let components: Result<Vec<_>, _> = names.map(str::parse).collect();
        Selection::new(&components?)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|component| component.name()).collect();
        f.write_str(&names.join(","))
    }
}

/// Which image the pods run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl FromStr for Image {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let refused = || Problem::NoImage(text.to_owned());
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        let plain = |text: &str, more: &str| {
            let usual = |byte: u8| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte);
            text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(usual)
        };
        let named = plain(name, "._-/:") && !name.contains("//") && !name.ends_with(['/', ':']);
        let tagged = tag.is_none_or(|tag| plain(tag, "._-") && tag.len() <= 128);
        let digested = digest.is_none_or(|digest| {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !(named && tagged && digested) || tag.is_none() && digest.is_none() {
            return Err(refused());
        }
        Ok(Image {
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The manifests in a folder of their own, which goes with this.
#[derive(Debug)]
pub struct Manifests {
    folder: TempDir,
}

impl Manifests {
    /// Writes what kustomize needs for them, with that image or the one that the manifests
    /// name themselves.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(selection: &Selection, image: Option<&Image>) -> Result<Manifests, Problem> {
        let folder = tempfile::Builder::new().prefix("pspd-k8s-").tempdir()?;
        for (path, text) in FILES {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            fs::write(path, text)?;
        }
        let manifests = Manifests { folder };
        fs::create_dir(manifests.folder.path().join("k8s/chosen"))?;
        fs::write(
            manifests
                .folder
                .path()
                .join("k8s/chosen/kustomization.yaml"),
            kustomization(selection, image),
        )?;
        Ok(manifests)
    }

    /// What to give to `kubectl kustomize` or `kubectl apply -k`.
    #[must_use]
    pub fn chosen(&self) -> std::path::PathBuf {
        self.folder.path().join("k8s/chosen")
    }

    /// The folder of the namespace alone, which has to be there before Secrets can be.
    #[must_use]
    pub fn namespace(&self) -> std::path::PathBuf {
        self.folder.path().join("k8s/base/namespace.yaml")
    }

    /// Where other files can be put that go with this.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// JSON is YAML as well, and nothing has to be escaped by hand.
fn kustomization(selection: &Selection, image: Option<&Image>) -> String {
    let components = selection.0.iter();
    let components = components.map(|component| format!("../components/{component}"));
    let images = image.map(|image| {
        let mut entry = serde_json::json!({ "name": NAME, "newName": image.name });
        if let Some(tag) = &image.tag {
            entry["newTag"] = tag.clone().into();
        }
        if let Some(digest) = &image.digest {
            entry["digest"] = digest.clone().into();
        }
        entry
    });
    serde_json::json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../base"],
        "components": components.collect::<Vec<_>>(),
        "images": images.into_iter().collect::<Vec<_>>(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn components_come_in_their_order_and_once() {
        let selection: Selection = "scale, minikube,scale".parse().expect("known");
        assert_eq!(selection.to_string(), "minikube,scale");
        assert!(selection.has(Component::Scale) && !selection.has(Component::Mtls));
        assert_eq!("".parse::<Selection>().expect("none"), Selection::default());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (names, says) in [
            ("ingress", "there are minikube, gateway-api"),
            (
                "gateway-api,minikube",
                "minikube and gateway-api are two ways",
            ),
            ("mtls,mtls-cert-manager", "choose one"),
        ] {
            let refused = names.parse::<Selection>().expect_err(names).to_string();
            assert!(refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn images_are_read() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in [
            "pspd:0.1.0".to_owned(),
            "localhost:5000/team/pspd:v1".to_owned(),
            format!("pspd@{digest}"),
            format!("host/pspd:1@{digest}"),
        ] {
            assert_eq!(text.parse::<Image>().expect(&text).to_string(), text);
        }
        for text in [
            "",
            "pspd",
            "pspd:",
            ":1",
            "a b:1",
            "pspd@sha256:12",
            "-x:1",
            "a:1\nb",
            "a//b:1",
        ] {
            assert!(text.parse::<Image>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_an_image_is_written_as_it_was(text in "\\PC{0,40}|[a-z:/@.0-9-]{0,40}") {
            if let Ok(image) = text.parse::<Image>() {
                prop_assert_eq!(image.to_string(), text);
            }
        }
    }

    #[test]
    fn a_folder_goes_with_what_made_it() {
        let manifests = Manifests::write(&Selection::default(), None).expect("written");
        let folder = manifests.folder().to_owned();
        assert!(folder.join("k8s/base/a.yaml").is_file());
        assert!(folder.join("observability/dashboard.json").is_file());
        drop(manifests);
        assert!(!folder.exists());
    }
}
