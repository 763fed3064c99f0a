//! The administration endpoint of a role: is the process alive, can it do its
//! work, which version is it, what does it count; over HTTP, and of health over gRPC as well.
//! On loopback by default, apart from the port that clients use.

mod health;

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;
use telemetry::Telemetry;
use tonic_health::pb::health_server::HealthServer;
use tower_service::Service;

use crate::{
    Body, Handler, Stop,
    answer::{json, protect_page, text, with_type},
};

/// The answer to "can this role do its work?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether every check passed.
    pub ready: bool,
    /// Each thing the role depends on.
    pub checks: Vec<Check>,
}

/// One thing a role depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, such as `a`.
    pub name: String,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What is wrong with it; `None` when it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Where it is besides, when it is in several places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// One place of something a role depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Where it is.
    pub address: String,
    /// Why it is not used; `None` when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Readiness {
    /// Ready when no check has a problem.
    #[must_use]
    pub fn of(checks: Vec<Check>) -> Self {
        Readiness {
            ready: checks.iter().all(|check| check.problem.is_none()),
            checks,
        }
    }

    /// What `role` says that is on its way out.
    #[must_use]
    pub fn leaving(role: &str) -> Self {
        Readiness::of(vec![Check {
            name: role.to_owned(),
            address: None,
            problem: Some("is stopping".to_owned()),
            endpoints: Vec::new(),
        }])
    }

    /// The same without addresses and causes, for those who are not operators.
    #[must_use]
    pub fn public(self) -> Self {
        let checks = self.checks.into_iter().map(|check| Check {
            name: check.name,
            address: None,
            problem: check.problem.map(|_| "does not answer".to_owned()),
            endpoints: Vec::new(),
        });
        Readiness::of(checks.collect())
    }

    /// 200 with the checks when ready, 503 with them otherwise.
    #[must_use]
    pub fn response(&self) -> Response<Body> {
        let status = if self.ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        json(status, self)
    }
}

/// A readiness check that is asked each time somebody wants to know.
pub type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Readiness> + Send>> + Send + Sync>;

const ROUTES: [(&str, &str); 3] = [
    ("/livez", "whether the process is alive"),
    (
        "/readyz",
        "whether it can do its work, and what is in the way",
    ),
    ("/version", "role and version"),
];
const METRICS: (&str, &str) = ("/metrics", "what it counts, for Prometheus");

/// Serves `/livez`, `/readyz`, `/version`, `/metrics`, and a page that lists them.
#[derive(Clone)]
pub struct Admin {
    role: &'static str,
    version: &'static str,
    probe: Probe,
    telemetry: Telemetry,
    stop: Stop,
}

impl Admin {
    /// The endpoint of `role`, not ready once that leaves.
    pub fn new(
        role: &'static str,
        version: &'static str,
        probe: Probe,
        telemetry: Telemetry,
        stop: Stop,
    ) -> Self {
        Admin {
            role,
            version,
            probe,
            telemetry,
            stop,
        }
    }

    /// Every route, and what it shows.
    fn routes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let metrics = self.telemetry.is_on().then_some(METRICS);
        ROUTES.into_iter().chain(metrics)
    }

    fn page(&self) -> Response<Body> {
        let Admin { role, version, .. } = self;
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>{role}: administration</title><h1>{role} {version}</h1><ul>"
        );
        for (path, shows) in self.routes() {
            html += &format!("<li><a href=\"{path}\">{path}</a>: {shows}");
        }
        html += "</ul></html>\n";
        page("text/html; charset=utf-8", html.into())
    }

    fn metrics(&self) -> Response<Body> {
        let text = self.telemetry.gather().text();
        page("text/plain; version=0.0.4; charset=utf-8", text.into())
    }

    async fn readiness(&self) -> Readiness {
        if self.stop.is_leaving() {
            return Readiness::leaving(self.role);
        }
        (self.probe)().await
    }
}

impl Handler for Admin {
    type Body = tonic::body::Body;

    async fn handle(&self, _peer: SocketAddr, request: Request<Incoming>) -> Response<Self::Body> {
        if request.uri().path().starts_with(health::PATH) {
            let health = HealthServer::new(self.clone());
            let mut health = health.max_decoding_message_size(health::QUESTION_BYTES_MAX);
            let Ok(response) = health.call(request).await;
            return response;
        }
        self.over_http(request).await.map(tonic::body::Body::new)
    }
}

impl Admin {
    /// What is there for HTTP.
    async fn over_http(&self, request: Request<Incoming>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let error = serde_json::json!({ "error": "only GET is served here" });
            let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &error);
            response
                .headers_mut()
                .insert(header::ALLOW, http::HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = request.uri().path();
        match path {
            "/" => self.page(),
            "/metrics" if self.telemetry.is_on() => self.metrics(),
            "/livez" => text(StatusCode::OK, "ok"),
            "/readyz" => self.readiness().await.response(),
            "/version" => json(
                StatusCode::OK,
                &serde_json::json!({ "role": self.role, "version": self.version }),
            ),
            path => {
                let routes: Vec<_> = self.routes().map(|(path, _)| path).collect();
                let routes = routes.join(", ");
                let error = format!("no route {path}; the routes are {routes}");
                json(
                    StatusCode::NOT_FOUND,
                    &serde_json::json!({ "error": error }),
                )
            }
        }
    }
}

/// An answer that a browser may show, and keeps for nobody.
fn page(media_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = with_type(StatusCode::OK, media_type, body);
    protect_page(response.headers_mut());
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}
