//! The routes that are the gateways' own: their pages and what tells that they are
//! well. Everything else is the table's, or the REST chain's two.

use http::Method;
use telemetry::{Route, Telemetry};

use crate::{respond::Problem, table::Table};

/// The methods of every route of the gateways' own.
pub(crate) const ALLOWED: &str = "GET, HEAD, OPTIONS";
/// More routes than this are not listed in an error.
const LISTED_MAX: usize = 32;

/// A route that every gateway answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    Page,
    PageStyle,
    PageScript,
    Healthz,
    Readyz,
    OpenApi,
    Docs,
    DocsStyle,
    DocsScript,
    Status,
    StatusStyle,
    StatusScript,
    StatusJson,
}

/// A route of the REST chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    Hello,
    Numbers,
}

/// What requests are called in metrics that a browser asks before others.
const PREFLIGHT: &str = "_preflight";

/// The numbers that metrics know the gateways' own routes by, and the REST chain's.
pub(crate) struct Counted {
    own: Vec<(Own, Route)>,
    rest: Vec<(Rest, Route)>,
    pub(crate) preflight: Route,
}

impl Counted {
    pub(crate) fn of(telemetry: &Telemetry) -> Self {
        let own = HEALTH.iter().chain(&PAGE).chain(&DOCS).chain(&STATUS);
        let own = own.map(|(path, own)| (*own, telemetry.route(path)));
        let rest = REST.iter();
        Counted {
            own: own.collect(),
            rest: rest
                .map(|(path, rest)| (*rest, telemetry.route(path)))
                .collect(),
            preflight: telemetry.route(PREFLIGHT),
        }
    }

    pub(crate) fn own(&self, own: Own) -> Route {
        number(&self.own, own)
    }

    pub(crate) fn rest(&self, rest: Rest) -> Route {
        number(&self.rest, rest)
    }
}

fn number<T: PartialEq>(numbers: &[(T, Route)], route: T) -> Route {
    let found = numbers.iter().find(|(known, _)| *known == route);
    found.map_or(Route::UNMATCHED, |(_, number)| *number)
}

/// Which of the gateways' own routes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// The laboratory's page, health and documentation.
    All,
    /// The laboratory's page, and health.
    Laboratory,
    /// Health and documentation: other paths belong to the services.
    Documented,
    /// Health alone.
    Health,
}

const HEALTH: [(&str, Own); 2] = [("/healthz", Own::Healthz), ("/readyz", Own::Readyz)];
const PAGE: [(&str, Own); 3] = [
    ("/", Own::Page),
    ("/page.css", Own::PageStyle),
    ("/page.js", Own::PageScript),
];
const DOCS: [(&str, Own); 4] = [
    ("/openapi.json", Own::OpenApi),
    ("/docs", Own::Docs),
    ("/docs.css", Own::DocsStyle),
    ("/docs.js", Own::DocsScript),
];
const STATUS: [(&str, Own); 4] = [
    ("/status", Own::Status),
    ("/status.css", Own::StatusStyle),
    ("/status.js", Own::StatusScript),
    ("/status.json", Own::StatusJson),
];
const REST: [(&str, Rest); 2] = [("/a/hello", Rest::Hello), ("/b/numbers", Rest::Numbers)];

impl Pages {
    /// The same where the status page is among them, as it is where there is a page.
    pub(crate) fn find_with_status(
        self,
        method: &Method,
        path: &str,
    ) -> Result<Option<Own>, Problem> {
        let has_page = matches!(self, Pages::All | Pages::Laboratory);
        match STATUS.iter().find(|(known, _)| has_page && *known == path) {
            Some((_, own)) => get_only(method, *own).map(Some),
            None => self.find(method, path),
        }
    }

    /// Whether documentation is among them.
    pub(crate) fn has_docs(self) -> bool {
        matches!(self, Pages::All | Pages::Documented)
    }

    fn paths(self) -> impl Iterator<Item = (&'static str, Own)> {
        let page: &[_] = match self {
            Pages::All | Pages::Laboratory => &PAGE,
            Pages::Documented | Pages::Health => &[],
        };
        let docs: &[_] = match self {
            Pages::All | Pages::Documented => &DOCS,
            Pages::Laboratory | Pages::Health => &[],
        };
        HEALTH.iter().chain(page).chain(docs).copied()
    }

    /// The route at `path`, if it is one of these and `method` may be used on it.
    pub(crate) fn find(self, method: &Method, path: &str) -> Result<Option<Own>, Problem> {
        match self.paths().find(|(known, _)| *known == path) {
            None => Ok(None),
            Some((_, own)) => get_only(method, own).map(Some),
        }
    }
}

/// The route of the REST chain at `path`.
pub(crate) fn rest(method: &Method, path: &str) -> Result<Rest, Problem> {
    match REST.iter().find(|(known, _)| *known == path) {
        Some((_, route)) => get_only(method, *route),
        None => Err(Problem::NoRoute {
            path: path.to_owned(),
            routes: with_own(
                REST.iter().map(|(path, _)| format!("GET {path}")),
                Pages::Laboratory,
            ),
        }),
    }
}

/// Every route, as an error message lists them; none when they are too many.
pub(crate) fn listed(table: &Table, pages: Pages) -> Vec<String> {
    if table.routes().len() > LISTED_MAX {
        return Vec::new();
    }
    let routes = table.routes().iter();
    with_own(
        routes.map(|route| format!("{} {}", route.verb, route.path)),
        pages,
    )
}

/// The `allow` header for a path that has these methods.
pub(crate) fn allowed(methods: &[Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") && !names.contains(&"HEAD") {
        names.push("HEAD");
    }
    if !names.contains(&"OPTIONS") {
        names.push("OPTIONS");
    }
    names.join(", ")
}

fn with_own(routes: impl Iterator<Item = String>, pages: Pages) -> Vec<String> {
    routes
        .chain(pages.paths().map(|(path, _)| format!("GET {path}")))
        .collect()
}

fn get_only<T>(method: &Method, route: T) -> Result<T, Problem> {
    match *method {
        Method::GET | Method::HEAD => Ok(route),
        _ => Err(Problem::MethodNotAllowed {
            method: method.clone(),
            allowed: ALLOWED.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_and_methods() {
        let find = |method, path| Pages::All.find(&method, path);
        assert_eq!(find(Method::HEAD, "/"), Ok(Some(Own::Page)));
        assert_eq!(find(Method::GET, "/a/hello"), Ok(None));
        assert_eq!(Pages::Health.find(&Method::GET, "/"), Ok(None));
        assert_eq!(Pages::Health.find(&Method::GET, "/docs"), Ok(None));
        let documented = Pages::Documented.find(&Method::GET, "/docs");
        assert_eq!(documented, Ok(Some(Own::Docs)));
        assert!(matches!(
            find(Method::POST, "/healthz"),
            Err(Problem::MethodNotAllowed { .. })
        ));
    }

    #[test]
    fn the_rest_chain() {
        assert_eq!(rest(&Method::GET, "/a/hello"), Ok(Rest::Hello));
        for path in ["/a", "/a/hello/", "//", "/A/HELLO", ""] {
            let found = rest(&Method::GET, path);
            assert!(matches!(found, Err(Problem::NoRoute { .. })), "{path}");
        }
    }

    #[test]
    fn the_allow_header() {
        assert_eq!(allowed(&[Method::GET]), "GET, HEAD, OPTIONS");
        assert_eq!(allowed(&[Method::POST, Method::PUT]), "POST, PUT, OPTIONS");
    }
}
