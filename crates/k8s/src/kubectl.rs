//! kubectl, as it is installed. In: arguments; out: what it printed, or why it could not, in
//! words that say what to do.

use std::{
    ffi::{OsStr, OsString},
    time::Duration,
};

use serde_json::Value;

use crate::command::{self, Failure};

/// What one question to the API server may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// kubectl's own limit for that, a little shorter, so that it can say what it waited for.
const REQUEST_TIMEOUT: &str = "--request-timeout=15s";

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A program is not installed.
    #[error("{0} is not on the path; {1}")]
    Missing(String, &'static str),
    /// It did not end in time.
    #[error("{what} did not end within {} s", within.as_secs())]
    Late {
        /// What was run.
        what: String,
        /// The limit.
        within: Duration,
    },
    /// It failed, and this is what it said and what can be done.
    #[error("{what} failed: {said}{advice}")]
    Failed {
        /// What was run.
        what: String,
        /// What it said.
        said: String,
        /// What to do, with a line break before it, or nothing.
        advice: String,
    },
    /// Something that the cluster lacks, or that is in the way.
    #[error("{0}")]
    Cluster(String),
    /// The manifests could not be written.
    #[error(transparent)]
    Manifests(#[from] crate::Problem),
    /// What kubectl printed was not what was asked for.
    #[error("{0} printed no JSON: {1}")]
    Nonsense(String, serde_json::Error),
}

impl Trouble {
    /// Whether what was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Trouble::Failed { said, .. } if said.contains("NotFound") || said.contains("not found") || said.contains("doesn't have a resource type"))
    }
}

/// kubectl, and the context that it is used with.
#[derive(Debug, Clone)]
pub struct Kubectl {
    context: Option<String>,
}

impl Kubectl {
    /// With that context, or with the current one.
    #[must_use]
    pub fn new(context: Option<String>) -> Kubectl {
        Kubectl { context }
    }

    /// The context.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn context(&self) -> Result<String, Trouble> {
        match &self.context {
            Some(context) => Ok(context.clone()),
            None => Ok(self.run(&["config", "current-context"])?.trim().to_owned()),
        }
    }

    /// Runs it for something that is done at once.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, Trouble> {
        self.run_within(arguments, None, ANSWER_WITHIN)
    }

    /// Asks for objects.
    pub(crate) fn get(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        let mut all = vec!["get", REQUEST_TIMEOUT, "--output=json"];
        all.extend(arguments);
        let text = self.run(&all)?;
        serde_json::from_str(&text).map_err(|error| Trouble::Nonsense(told(&all), error))
    }

    /// The same, where it may well not be there.
    pub(crate) fn find(&self, arguments: &[&str]) -> Result<Option<Value>, Trouble> {
        match self.get(arguments) {
            Ok(value) => Ok(Some(value)),
            Err(trouble) if trouble.is_not_found() => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Runs it for something that takes a while, or reads.
    pub(crate) fn run_within(
        &self,
        arguments: &[&str],
        input: Option<&str>,
        within: Duration,
    ) -> Result<String, Trouble> {
        let mut all: Vec<OsString> = Vec::new();
        if let Some(context) = &self.context {
            all.push(format!("--context={context}").into());
        }
        all.extend(arguments.iter().map(Into::into));
        let done = command::run(OsStr::new("kubectl"), &all, input, within);
        done.map_err(|failure| explained(told(arguments), failure))
    }
}

fn told(arguments: &[&str]) -> String {
    let plain = arguments.iter().filter(|one| **one != REQUEST_TIMEOUT);
    format!("kubectl {}", plain.copied().collect::<Vec<_>>().join(" "))
}

fn explained(what: String, failure: Failure) -> Trouble {
    match failure {
        Failure::Missing => Trouble::Missing(
            "kubectl".to_owned(),
            "install it (https://kubernetes.io/docs/tasks/tools), 1.30 or later",
        ),
        Failure::Start(error) => Trouble::Failed {
            what,
            said: error.to_string(),
            advice: String::new(),
        },
        Failure::Late(within) => Trouble::Late { what, within },
        Failure::Said(said) => {
            let advice = advice(&said).map(|advice| format!("\n{advice}"));
            Trouble::Failed {
                what,
                said,
                advice: advice.unwrap_or_default(),
            }
        }
    }
}

/// What can be done about what kubectl said.
fn advice(said: &str) -> Option<&'static str> {
    let known: [(&[&str], &str); 8] = [
        (
            &[
                "current-context is not set",
                "no configuration has been provided",
                "context \"\" ",
            ],
            "No cluster is chosen: start one (`minikube start`, `kind create cluster`), or choose one \
             of `kubectl config get-contexts` with --context or `kubectl config use-context`.",
        ),
        (
            &[
                "context was not found",
                "does not exist",
                "no context exists",
            ],
            "`kubectl config get-contexts` lists those that there are.",
        ),
        (
            &[
                "connection refused",
                "was refused",
                "Unable to connect",
                "i/o timeout",
                "no route to host",
                "no such host",
                "context deadline exceeded",
                "Client.Timeout",
            ],
            "The cluster does not answer: is it running (`minikube status`, `docker ps`), and is this \
             the right context (`kubectl config current-context`)?",
        ),
        (
            &[
                "no matches for kind \"Gateway\"",
                "no matches for kind \"HTTPRoute\"",
                "no matches for kind \"GRPCRoute\"",
            ],
            "The cluster does not have the Gateway API; install its standard channel, 1.1 or later, \
             and a controller, or leave out gateway-api.",
        ),
        (
            &[
                "no matches for kind \"ServiceMonitor\"",
                "no matches for kind \"PrometheusRule\"",
            ],
            "The cluster does not have Prometheus' operator; install it, or leave out observability.",
        ),
        (
            &[
                "no matches for kind \"Certificate\"",
                "no matches for kind \"Issuer\"",
            ],
            "The cluster does not have cert-manager; install it, or take mtls in place of \
             mtls-cert-manager.",
        ),
        (
            &[
                "Forbidden",
                "forbidden",
                "Unauthorized",
                "must be logged in",
            ],
            "Your user may not do that: `kubectl auth whoami` says who you are, and an administrator \
             what you may do. Needed are all rights in the namespace pspd, and to create it.",
        ),
        (
            &["conflict"],
            "Somebody else has changed these fields since; --force-conflicts takes them back.",
        ),
    ];
    let found = known
        .iter()
        .find(|(signs, _)| signs.iter().any(|sign| said.contains(sign)));
    found.map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says_is_explained() {
        for (said, says) in [
            ("error: current-context is not set", "minikube start"),
            ("error: context \"x\" does not exist", "get-contexts"),
            (
                "The connection to the server 127.0.0.1:1 was refused: connection refused",
                "is it running",
            ),
            (
                "no matches for kind \"HTTPRoute\" in version",
                "Gateway API",
            ),
            (
                "no matches for kind \"ServiceMonitor\" in version",
                "operator",
            ),
            ("no matches for kind \"Issuer\" in version", "cert-manager"),
            (
                "Error from server (Forbidden): namespaces is forbidden",
                "all rights",
            ),
            (
                "Apply failed with 1 conflict: conflict with \"x\"",
                "--force-conflicts",
            ),
        ] {
            assert!(
                advice(said).is_some_and(|advice| advice.contains(says)),
                "{said}"
            );
        }
        assert_eq!(advice("something else"), None);
    }
}
