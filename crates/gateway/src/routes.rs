//! Which route a request asks for. Paths and methods only; parameters are the
//! route's own matter.

use http::Method;

use crate::respond::Problem;

/// The methods every route answers.
pub(crate) const ALLOWED: &str = "GET, HEAD, OPTIONS";

/// A route of the gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Page,
    PageStyle,
    PageScript,
    Healthz,
    Readyz,
    Hello,
    Numbers,
}

const TABLE: [(&str, Route); 7] = [
    ("/a/hello", Route::Hello),
    ("/b/numbers", Route::Numbers),
    ("/healthz", Route::Healthz),
    ("/readyz", Route::Readyz),
    ("/", Route::Page),
    ("/page.css", Route::PageStyle),
    ("/page.js", Route::PageScript),
];

/// The route at `path`, if `method` may be used on it.
pub(crate) fn find(method: &Method, path: &str) -> Result<Route, Problem> {
    let found = TABLE.iter().find(|(known, _)| *known == path);
    let Some((_, route)) = found else {
        return Err(Problem::NoRoute {
            path: path.to_owned(),
        });
    };
    match *method {
        Method::GET | Method::HEAD => Ok(*route),
        _ => Err(Problem::MethodNotAllowed {
            method: method.clone(),
        }),
    }
}

/// Every route, as an error message lists them.
pub(crate) fn known() -> impl Iterator<Item = String> {
    TABLE.iter().map(|(path, _)| format!("GET {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods() {
        assert_eq!(find(&Method::GET, "/a/hello").ok(), Some(Route::Hello));
        assert_eq!(find(&Method::HEAD, "/").ok(), Some(Route::Page));
        assert!(matches!(
            find(&Method::POST, "/a/hello"),
            Err(Problem::MethodNotAllowed { .. })
        ));
        for path in ["/a", "/a/hello/", "//", "/A/HELLO", ""] {
            assert!(
                matches!(find(&Method::GET, path), Err(Problem::NoRoute { .. })),
                "{path}"
            );
        }
    }
}
