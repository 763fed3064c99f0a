//! Path templates and the router.

use http::Method;
use routing::{NotFound, Router, Template, Verb};

/// The first line is a path, each other a template. A template is what it says of
/// itself, and a router of them all finds what the routers of one find.
pub fn route(text: &str) {
    let mut lines = text.split('\n');
    let path = lines.next().unwrap_or_default();
    let templates: Vec<Template> = lines.take(8).filter_map(|line| line.parse().ok()).collect();
    for template in &templates {
        let shown = template.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(template), "{shown}");
    }
    let routes = |templates: &mut dyn Iterator<Item = (usize, &Template)>| {
        let route = |(index, template): (usize, &Template)| {
            (
                Verb::Method(Method::GET),
                template.clone(),
                format!("line {index}"),
                index,
            )
        };
        Router::build(templates.map(route).collect())
    };
    let Ok(all) = routes(&mut templates.iter().enumerate()) else {
        return;
    };
    let reversed = routes(&mut templates.iter().enumerate().rev()).expect("no conflict either way");
    let alone = templates
        .iter()
        .enumerate()
        .map(|route| routes(&mut std::iter::once(route)).expect("one has no conflict"));
    let alone: Vec<_> = alone.collect();

    match all.find(&Method::GET, path) {
        Ok(found) => {
            let template = &templates[*found.value];
            assert_eq!(found.variables.len(), template.variables().len());
            for value in &found.variables {
                assert!(
                    path.contains('%') || path.contains(value.as_ref()),
                    "{value:?}"
                );
            }
            let single = alone[*found.value]
                .find(&Method::GET, path)
                .expect("it fits alone");
            assert_eq!(single.variables, found.variables);
            let other = reversed.find(&Method::GET, path).expect("in any order");
            assert_eq!(
                (other.value, other.variables),
                (found.value, found.variables)
            );
        }
        Err(NotFound::Path) => {
            for single in &alone {
                assert_eq!(single.find(&Method::GET, path).err(), Some(NotFound::Path));
            }
        }
        Err(NotFound::BadEncoding { value, .. }) => {
            assert!(path.contains(&value) && value.contains('%'), "{value:?}");
        }
        Err(NotFound::Method { allowed }) => unreachable!("all are for GET, not {allowed:?}"),
    }
    let post = all.find(&Method::POST, path);
    assert!(
        matches!(post, Err(NotFound::Path | NotFound::Method { .. })),
        "{post:?}"
    );
}
