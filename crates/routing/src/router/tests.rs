use std::{cmp::Reverse, collections::HashSet};

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::Decoding;

/// `GET /v1/{name}` as a route whose value is its text.
fn route(text: &str) -> (Verb, Template, String, String) {
    let (kind, path) = text.split_once(' ').expect("a method and a path");
    let verb = Verb::custom(kind).expect("a method");
    (
        verb,
        path.parse().expect("a template"),
        format!("the rule {text}"),
        text.to_owned(),
    )
}

fn router(routes: &[&str]) -> Router<String> {
    Router::build(routes.iter().map(|text| route(text)).collect()).expect("no conflict")
}

/// What is found for `GET /v1/a`: the route's text and its variables' values, or
/// the error.
fn find(router: &Router<String>, request: &str) -> String {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    match router.find(&method, path) {
        Ok(found) => {
            let mut text = found.value.clone();
            for value in &found.variables {
                text += &format!(" [{value}]");
            }
            text
        }
        Err(error) => error.to_string(),
    }
}

const NO_PATH: &str = "there is no such path";

#[track_caller]
fn check(routes: &[&str], expected: &[(&str, &str)]) {
    let router = router(routes);
    for (request, found) in expected {
        assert_eq!(find(&router, request), *found, "{request}");
    }
}

#[test]
fn what_the_definition_shows() {
    check(
        &[
            "GET /v1/{name=messages/*}",
            "PATCH /v1/messages/{message_id}",
            "GET /v1/users/{user_id}/messages/{message_id}",
            "GET /v2/messages/{message_id}/{sub.subfield}",
        ],
        &[
            (
                "GET /v1/messages/123456",
                "GET /v1/{name=messages/*} [messages/123456]",
            ),
            (
                "PATCH /v1/messages/123456",
                "PATCH /v1/messages/{message_id} [123456]",
            ),
            (
                "GET /v1/users/me/messages/123456",
                "GET /v1/users/{user_id}/messages/{message_id} [me] [123456]",
            ),
            (
                "GET /v2/messages/123456/foo",
                "GET /v2/messages/{message_id}/{sub.subfield} [123456] [foo]",
            ),
            ("GET /v1/messages", NO_PATH),
            ("GET /v1/messages/1/2", NO_PATH),
            ("GET /v1", NO_PATH),
            (
                "PUT /v1/messages/1",
                "the path is for other methods: GET, HEAD, PATCH",
            ),
        ],
    );
}

#[test]
fn values_of_one_segment_are_decoded_wholly() {
    check(
        &["GET /v1/{a}/x/{b=*}"],
        &[
            (
                "GET /v1/%2Fa%20%C3%A9/x/%3A",
                "GET /v1/{a}/x/{b=*} [/a é] [:]",
            ),
            ("GET /v1/a+b/x/%zz%", "GET /v1/{a}/x/{b=*} [a+b] [%zz%]"),
            (
                "GET /v1/a/x/%ff",
                "b is \"%ff\" in the path, which is not UTF-8 once decoded",
            ),
            (
                "GET /v1/%C3/x/%A9",
                "a is \"%C3\" in the path, which is not UTF-8 once decoded",
            ),
        ],
    );
}

#[test]
fn values_of_several_segments_keep_encoded_slashes() {
    check(
        &[
            "GET /v1/{name=shelves/*/books/*}",
            "GET /v2/{path=**}",
            "GET /v3/{n=a/**}",
        ],
        &[
            (
                "GET /v1/shelves/a%2Fb/books/c%20d",
                "GET /v1/{name=shelves/*/books/*} [shelves/a%2Fb/books/c d]",
            ),
            ("GET /v2/a/b%2fc%3A//d/", "GET /v2/{path=**} [a/b%2fc://d/]"),
            ("GET /v2/a", "GET /v2/{path=**} [a]"),
            ("GET /v2/", "GET /v2/{path=**} []"),
            ("GET /v2", "GET /v2/{path=**} []"),
            ("GET /v2x", NO_PATH),
            ("GET /v3/a", "GET /v3/{n=a/**} [a]"),
            ("GET /v3/a/", "GET /v3/{n=a/**} [a/]"),
            ("GET /v3/a/b/c", "GET /v3/{n=a/**} [a/b/c]"),
            ("GET /v3", NO_PATH),
        ],
    );
}

#[track_caller]
fn check_decoding(template: &str, decoding: Decoding, path: &str, expected: &str) {
    let template: Template = template.parse().expect("a template");
    let verb = Verb::Method(Method::GET);
    let route = (verb, template.decoded(decoding), String::new(), ());
    let router = Router::build(vec![route]).expect("no conflict");
    let found = router.find(&Method::GET, path).expect("the path fits");
    assert_eq!(found.variables[0], expected, "{path}");
}

#[test]
fn more_or_less_can_be_decoded() {
    use Decoding::{Everything, ExceptReserved};
    check_decoding(
        "/{n=*/**}",
        Everything,
        "/a%2Fb/c%2Fd/e%2fg",
        "a%2Fb/c/d/e/g",
    );
    check_decoding("/{n=**}", Everything, "/a%2Fb/c%2Fd", "a/b/c/d");
    check_decoding("/x/{n=**}", Everything, "/x", "");
    check_decoding("/{n=*/*}", Everything, "/a%2Fb/c%3A", "a%2Fb/c:");
    check_decoding("/{n=*/*}", ExceptReserved, "/a%2Fb/%20%3A", "a%2Fb/ %3A");
    check_decoding("/{n}", ExceptReserved, "/a%2Fb%3A", "a/b:");
}

#[test]
fn literals_are_compared_once_decoded() {
    let routes = ["GET /caf\u{e9}/a%2Fb", "GET /x@y", "GET /a%3Ab", "GET /%2A"];
    check(
        &routes,
        &[
            ("GET /caf%c3%A9/a%2fb", routes[0]),
            ("GET /caf\u{e9}/%61%2Fb", routes[0]),
            ("GET /caf%C3%A9/a/b", NO_PATH),
            ("GET /x@y", routes[1]),
            ("GET /x%40y", routes[1]),
            ("GET /X@y", NO_PATH),
            ("GET /a:b", routes[2]),
            ("GET /a%3ab", routes[2]),
            ("GET /*", routes[3]),
            ("GET /%2a", routes[3]),
            ("GET /a", NO_PATH),
        ],
    );
}

#[test]
fn verbs() {
    check(
        &[
            "POST /v1/{name=jobs/*}:cancel",
            "GET /v1/{name=jobs/*}",
            "POST /v1/jobs:batch",
            "POST /v1/{name=**}:undo",
            "GET /v1/{name=**}:a:b",
            "GET /v1/{name=**}:b",
        ],
        &[
            (
                "POST /v1/jobs/1:cancel",
                "POST /v1/{name=jobs/*}:cancel [jobs/1]",
            ),
            (
                "POST /v1/jobs/1:canc%65l",
                "POST /v1/{name=jobs/*}:cancel [jobs/1]",
            ),
            (
                "POST /v1/jobs/1:2:cancel",
                "POST /v1/{name=jobs/*}:cancel [jobs/1:2]",
            ),
            // Without a route for the verb, the colon belongs to the segment.
            (
                "GET /v1/jobs/1:other",
                "GET /v1/{name=jobs/*} [jobs/1:other]",
            ),
            ("GET /v1/jobs/1:", "GET /v1/{name=jobs/*} [jobs/1:]"),
            ("GET /v1/jobs/:", "GET /v1/{name=jobs/*} [jobs/:]"),
            // Nor with one for another method.
            (
                "GET /v1/jobs/1:cancel",
                "GET /v1/{name=jobs/*} [jobs/1:cancel]",
            ),
            (
                "GET /v1/jobs/1%3Acancel",
                "GET /v1/{name=jobs/*} [jobs/1:cancel]",
            ),
            // An empty segment has no verb either.
            (
                "GET /v1/jobs/:cancel",
                "GET /v1/{name=jobs/*} [jobs/:cancel]",
            ),
            (
                "POST /v1/jobs/:cancel",
                "the path is for other methods: GET, HEAD",
            ),
            ("POST /v1/jobs:batch", "POST /v1/jobs:batch"),
            ("POST /v1/jobs:cancel", NO_PATH),
            ("POST /v1:undo", "POST /v1/{name=**}:undo []"),
            ("POST /v1/:undo", "POST /v1/{name=**}:undo []"),
            ("POST /v1/a/b:undo", "POST /v1/{name=**}:undo [a/b]"),
            ("POST /v1/a:undo/b", NO_PATH),
            ("GET /v1/x:a:b", "GET /v1/{name=**}:a:b [x]"),
            ("GET /v1/x:c:b", "GET /v1/{name=**}:b [x:c]"),
            ("GET /v1/x:a%3Ab", "GET /v1/{name=**}:a:b [x]"),
            (
                "PUT /v1/jobs/1:cancel",
                "the path is for other methods: GET, HEAD, POST",
            ),
        ],
    );
}

#[test]
fn the_most_special_path_with_the_method_is_taken() {
    check(
        &[
            "GET /v1/{a}/x",
            "GET /v1/b/{c}",
            "GET /v1/{rest=**}",
            "POST /v1/b/x",
            "GET /v1/b/c/{d}",
            "GET /v1/{a}/c/e",
        ],
        &[
            ("GET /v1/b/x", "GET /v1/b/{c} [x]"),
            ("POST /v1/b/x", "POST /v1/b/x"),
            ("GET /v1/q/x", "GET /v1/{a}/x [q]"),
            ("GET /v1/q/y", "GET /v1/{rest=**} [q/y]"),
            ("GET /v1/b/c/e", "GET /v1/b/c/{d} [e]"),
            ("GET /v1/b/c/e/f", "GET /v1/{rest=**} [b/c/e/f]"),
            ("GET /v1/r/c/e", "GET /v1/{a}/c/e [r]"),
            (
                "DELETE /v1/b/x",
                "the path is for other methods: GET, HEAD, POST",
            ),
        ],
    );
}

#[test]
fn empty_segments_and_slashes_at_the_end() {
    check(
        &["GET /", "GET /a/{b}", "GET /a/{b}/c", "GET /d"],
        &[
            ("GET /", "GET /"),
            ("GET //", NO_PATH),
            ("GET /a/", NO_PATH),
            ("GET /a//", NO_PATH),
            ("GET /a//c", NO_PATH),
            ("GET /a/b/", NO_PATH),
            ("GET //a/b", NO_PATH),
            ("GET /d/", NO_PATH),
            ("GET ", NO_PATH),
            ("GET *", NO_PATH),
            ("GET d", NO_PATH),
            ("GET d/", NO_PATH),
            ("GET d/:x", NO_PATH),
            ("GET :", NO_PATH),
        ],
    );
}

#[test]
fn methods() {
    check(
        &[
            "GET /a", "HEAD /b", "GET /b", "* /b", "* /c", "LIST /d", "POST /a", "GET /e", "* /e",
        ],
        &[
            ("HEAD /a", "GET /a"),
            ("HEAD /b", "HEAD /b"),
            ("GET /b", "GET /b"),
            ("PUT /b", "* /b"),
            ("HEAD /c", "* /c"),
            ("HEAD /e", "GET /e"),
            ("WHATEVER /c", "* /c"),
            ("LIST /d", "LIST /d"),
            ("list /d", "the path is for other methods: LIST"),
            (
                "OPTIONS /a",
                "the path is for other methods: GET, HEAD, POST",
            ),
        ],
    );
}

#[test]
fn conflicts_are_told_all_at_once() {
    let routes = [
        "GET /v1/{name}",
        "GET /v1/*",
        "POST /v1/{name}",
        "GET /v1/{other=*}",
        "GET /v1/{name}:go",
        "* /v1/{name}",
        "GET /v1/{name=a/**}",
        "GET /v1/%61/**",
        "GET /v1/a/*",
        "GET /v1/{x}:go",
    ];
    let routes = routes.iter().map(|text| route(text)).collect();
    let conflicts = Router::build(routes).expect_err("conflicts");
    let conflicts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    let end = "; change the path of one of them or leave it out";
    assert_eq!(
        conflicts,
        [
            format!(
                "GET /v1/* is given twice, by the rule GET /v1/{{name}} and by the rule GET /v1/*{end}"
            ),
            format!(
                "GET /v1/{{other}} is given twice, by the rule GET /v1/{{name}} and by the rule GET /v1/{{other=*}}{end}"
            ),
            format!(
                "GET /v1/a/** is given twice, by the rule GET /v1/{{name=a/**}} and by the rule GET /v1/%61/**{end}"
            ),
            format!(
                "GET /v1/{{x}}:go is given twice, by the rule GET /v1/{{name}}:go and by the rule GET /v1/{{x}}:go{end}"
            ),
        ]
    );
}

#[test]
fn many_routes_and_long_paths_are_handled_at_once() {
    // Quadratic anywhere, these take minutes.
    let count = 50_000;
    let siblings = (0..count).map(|index| format!("GET /v1/shelf{}/{{book}}", count - index));
    let verbs = (0..200).map(|index| format!("POST /v1/{{name}}:verb{index}"));
    let texts: Vec<_> = siblings.chain(verbs).collect();
    let router = router(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        find(&router, "GET /v1/shelf777/b"),
        "GET /v1/shelf777/{book} [b]"
    );
    assert_eq!(
        find(&router, "POST /v1/a:verb199"),
        "POST /v1/{name}:verb199 [a]"
    );
    for unit in [":", "/", "/a", "%", "%2F", ":verb1"] {
        let long = format!("GET /v1/{}", unit.repeat(1_000_000));
        assert!(!find(&router, &long).starts_with("GET"), "{unit}");
    }
    let same =
        (0..count).map(|index| (Verb::custom(&format!("M{index}")).expect("a method"), "/a"));
    let same =
        same.map(|(verb, path)| (verb, path.parse().expect("a template"), String::new(), ()));
    assert!(Router::build(same.collect()).is_ok());
}

#[test]
fn no_routes() {
    check(&[], &[("GET /", NO_PATH), ("GET /a:b", NO_PATH)]);
}

// A matcher that tries every template on its own, as the definition reads.

/// `path` as the template's segments see it, if it ends in the template's verb.
fn parts<'p>(template: &Template, path: &'p str) -> Option<Vec<&'p str>> {
    let last = path.rfind('/')?;
    let path = match &template.verb {
        None => path,
        Some(verb) => {
            let mut colons = path[last..]
                .match_indices(':')
                .map(|(colon, _)| last + colon);
            let colon = colons.find(|colon| decoded(&path[colon + 1..]) == verb.as_bytes())?;
            &path[..colon]
        }
    };
    match path {
        "/" => Some(Vec::new()),
        _ => Some(path.strip_prefix('/')?.split('/').collect()),
    }
}

fn fits(segments: &[Segment], parts: &[&str]) -> bool {
    match (segments, parts) {
        ([], []) | ([Segment::Rest], _) => true,
        ([Segment::One, segments @ ..], [part, parts @ ..]) => {
            !part.is_empty() && fits(segments, parts)
        }
        ([Segment::Literal(text), segments @ ..], [part, parts @ ..]) => {
            decoded(part) == text.as_bytes() && fits(segments, parts)
        }
        _ => false,
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

fn naive(
    routes: &[(Verb, Template)],
    method: &Method,
    path: &str,
) -> Result<(usize, Vec<String>), NotFound> {
    let fitting = routes
        .iter()
        .enumerate()
        .filter_map(|(index, (verb, template))| {
            let parts = parts(template, path)?;
            fits(&template.segments, &parts).then_some((index, verb, template, parts))
        });
    let fitting: Vec<_> = fitting.collect();
    let usable = fitting.iter().filter_map(|(index, verb, template, parts)| {
        let rank = match verb {
            Verb::Method(own) if own == method => 0,
            Verb::Method(own) if own == Method::GET && method == Method::HEAD => 1,
            Verb::Method(_) => return None,
            Verb::Any => 2,
        };
        let ranks = template.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::One => 1,
            Segment::Rest => 2,
        });
        let ranks: Vec<_> = ranks.collect();
        let verb = template.verb.as_ref().map_or(0, String::len);
        Some(((Reverse(verb), ranks, rank), *index, *template, parts))
    });
    let best = usable.min_by(|(a, ..), (b, ..)| a.cmp(b));
    let Some((_, index, template, parts)) = best else {
        let mut allowed: Vec<_> = fitting
            .iter()
            .flat_map(|(_, verb, ..)| match verb {
                Verb::Method(method) if method == Method::GET => vec![Method::GET, Method::HEAD],
                Verb::Method(method) => vec![method.clone()],
                Verb::Any => vec![],
            })
            .collect();
        allowed.sort_by_key(Method::to_string);
        allowed.dedup();
        return Err(match allowed.is_empty() {
            true => NotFound::Path,
            false => NotFound::Method { allowed },
        });
    };
    let value = |variable: &Variable| {
        let taken = &template.segments[variable.segments.clone()];
        let range = match taken.last() {
            Some(Segment::Rest) => variable.segments.start..parts.len(),
            _ => variable.segments.clone(),
        };
        let raw = parts[range].join("/");
        let kept = match taken {
            [Segment::One | Segment::Literal(_)] => raw.clone(),
            _ => raw.replace("%2F", "%252F").replace("%2f", "%252f"),
        };
        String::from_utf8(decoded(&kept)).map_err(|_| NotFound::BadEncoding {
            variable: variable.field.clone(),
            value: raw,
        })
    };
    let values: Result<_, _> = template.variables.iter().map(value).collect();
    Ok((index, values?))
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => select(vec!["a", "b", "a:b", "/"]).prop_map(|text| Segment::Literal(text.to_owned())),
        2 => Just(Segment::One),
    ]
}

prop_compose! {
    fn template()(
        segments in vec((segment(), any::<bool>()), 0..4),
        rest in option::of(any::<bool>()),
        wide in any::<bool>(),
        verb in option::of(select(vec!["b", "b:b", "c"])),
    ) -> Template {
        let mut template = Template::of_literals([]);
        let segments = segments.into_iter().chain(rest.map(|bound| (Segment::Rest, bound)));
        for (index, (segment, is_bound)) in segments.enumerate() {
            template.segments.push(segment);
            let field = format!("f{index}");
            match template.variables.last_mut() {
                Some(last) if wide && is_bound => last.segments.end = index + 1,
                _ if is_bound => template.variables.push(Variable { field, segments: index..index + 1 }),
                _ => {}
            }
        }
        template.verb = verb.filter(|_| !template.segments.is_empty()).map(str::to_owned);
        template
    }
}

fn verb() -> impl Strategy<Value = Verb> {
    select(vec!["GET", "GET", "HEAD", "PUT", "*"])
        .prop_map(|kind| Verb::custom(kind).expect("a method"))
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(vec![
        "", "a", "b", "x", "a:b", "%61", "%2F", "a%2fb", "%3A", "a%3Ab", "%ff", "%", "a:b:b",
        "b:c", ":b", "b:", "a:%62", ":",
    ]);
    vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_router_finds_what_the_definition_says(
        routes in vec((verb(), template()), 1..12),
        requests in vec((select(vec!["GET", "HEAD", "PUT", "POST"]), path()), 1..12),
    ) {
        let mut known = HashSet::new();
        let routes: Vec<_> = routes.into_iter().filter(|(verb, template)| {
            let erased = Template { variables: Vec::new(), ..template.clone() };
            known.insert((verb.clone(), erased.to_string()))
        }).collect();
        let built = routes.iter().enumerate().map(|(index, (verb, template))| {
            (verb.clone(), template.clone(), index.to_string(), index)
        });
        let router = Router::build(built.collect()).expect("no conflict");
        for (method, path) in requests {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = router.find(&method, &path).map(|found| {
                let values = found.variables.iter().map(|value| value.to_string());
                (*found.value, values.collect::<Vec<_>>())
            });
            prop_assert_eq!(found, naive(&routes, &method, &path), "{} {}", method, path);
        }
    }

    #[test]
    fn any_path_is_found_or_refused(path in any::<String>(), tail in "(/|:|%|[ab]|é){0,12}") {
        let router = router(&["GET /{a}:b", "GET /a/{b=**}", "GET /{c=a/*}/b", "GET /"]);
        let _ = router.find(&Method::GET, &path);
        let _ = router.find(&Method::GET, &format!("/{tail}"));
    }
}
