use proptest::{collection::vec, option, prelude::*};

use super::*;

/// That `text` parses and is printed as `shortest`.
#[track_caller]
fn check(text: &str, variables: &[&str], shortest: &str) {
    let template: Template = text.parse().expect(text);
    assert!(template.variables().eq(variables.iter().copied()), "{text}");
    assert_eq!(template.to_string(), shortest, "{text}");
    assert_eq!(shortest.parse(), Ok(template), "{text}");
}

#[test]
fn the_whole_grammar() {
    for (text, variables) in [
        ("/", &[][..]),
        ("/v1", &[]),
        ("/v1/shelves", &[]),
        ("/v1/*", &[]),
        ("/v1/*/books/**", &[]),
        ("/**", &[]),
        ("/v1/{shelf}", &["shelf"]),
        ("/v1/{shelf.name}/{book.id_2}", &["shelf.name", "book.id_2"]),
        ("/v1/{name=shelves/*}", &["name"]),
        ("/v1/{name=shelves/*/books/**}", &["name"]),
        ("/v1/{name=**}:cancel", &["name"]),
        ("/v1/{name=shelves}", &["name"]),
        ("/v1/{_=*/*}/x/{a._b=**}", &["_", "a._b"]),
        ("/v1:watch", &[]),
        ("/v1/*:watch", &[]),
        ("/v1/a=b,c;d@e!$&'()+~.-_", &[]),
    ] {
        check(text, variables, text);
    }
}

#[test]
fn several_spellings_of_one() {
    check("/v1/{name=*}", &["name"], "/v1/{name}");
    check("/%61/b%20c", &[], "/a/b%20c");
    check("/caf\u{e9}", &[], "/caf%C3%A9");
    check("/a%2fb/%2A/%7b", &[], "/a%2Fb/%2A/%7B");
    check("/a:b/c", &[], "/a%3Ab/c");
    check("/{n=a:b}", &["n"], "/{n=a%3Ab}");
    check("/a%3Ab", &[], "/a%3Ab");
    check("/a:b:c", &[], "/a:b%3Ac");
    check("/{n}:%62", &["n"], "/{n}:b");
}

#[track_caller]
fn check_refused(text: &str, position: usize, expected: &str, found: &str) {
    let error = text.parse::<Template>().expect_err(text);
    assert_eq!(
        (error.position, &error.expected[..], &error.found[..]),
        (position, expected, found),
        "{text}"
    );
}

#[test]
fn what_is_wrong_and_where() {
    let path = "text, `*`, `**` or a variable in braces";
    let braces = "text, `*` or `**`";
    let whole = "`/`, a verb or the end, since wildcards and variables take whole segments";
    let slash = "`/`, which every path begins with";
    let name = "the name of a field";
    check_refused("", 1, slash, "the end");
    check_refused("v1/a", 1, slash, "'v'");
    check_refused("//", 2, path, "'/'");
    check_refused("/v1/", 5, path, "the end");
    check_refused("/v1//a", 5, path, "'/'");
    check_refused("/:a", 2, path, "':'");
    check_refused("/v1:", 5, "the text of a verb", "the end");
    check_refused("/v1:a*", 6, "the end, which a verb is before", "'*'");
    check_refused("/{a}:b/c", 7, "the end, which a verb is before", "'/'");
    check_refused("/{", 3, name, "the end");
    check_refused("/{}", 3, name, "'}'");
    check_refused("/{1}", 3, name, "'1'");
    check_refused("/{a.}", 5, name, "'}'");
    check_refused("/{a-b}", 4, "`=` or `}`", "'-'");
    check_refused("/{a", 4, "`=` or `}`", "the end");
    check_refused("/{a=}", 5, braces, "'}'");
    check_refused("/{a=b/}", 7, braces, "'}'");
    check_refused("/{a=b", 6, "`/` or `}`", "the end");
    check_refused("/{a=*:b}", 6, "`/` or `}`", "':'");
    check_refused(
        "/{a=b/{c}}",
        7,
        "text, `*` or `**`, since variables hold no variables",
        "'{'",
    );
    check_refused(
        "/\u{e9}/{a}/{a}",
        9,
        "the name of another field, since each is set once",
        "'a'",
    );
    check_refused("/a{b}", 3, whole, "'{'");
    check_refused("/{b}a", 5, whole, "'a'");
    check_refused("/a*", 3, whole, "'*'");
    check_refused("/*a", 3, whole, "'a'");
    check_refused("/***", 4, whole, "'*'");
    check_refused("/a}", 3, whole, "'}'");
    let last = "a verb or the end, since `**` takes all that is left";
    check_refused("/**/a", 4, last, "'/'");
    check_refused("/{a=**}/b", 8, last, "'/'");
    check_refused(
        "/{a=**/b}",
        7,
        "`}`, since `**` takes all that is left",
        "'/'",
    );
    let query = "%3F for this character, which no path has";
    check_refused("/a?b", 3, query, "'?'");
    check_refused(
        "/a b",
        3,
        "%20 for this character, which no path has",
        "' '",
    );
    check_refused("/a%", 4, "a hexadecimal digit after `%`", "the end");
    check_refused("/a%4g", 5, "a hexadecimal digit after `%`", "'g'");
    check_refused("/%ff", 2, "text that is UTF-8 once decoded", "'%'");
}

#[test]
fn an_error_says_what_would_be_right() {
    let error = "/v1/{name=shelves/*:x}"
        .parse::<Template>()
        .expect_err("a verb in braces");
    assert_eq!(
        error.to_string(),
        "character 20 of the path is wrong: expected `/` or `}`, found ':'"
    );
}

#[test]
fn long_templates_are_read_at_once() {
    // Each character is read once; otherwise this takes minutes.
    let many: String = (0..100_000)
        .map(|index| format!("/a:b/{{f{index}}}"))
        .collect();
    let template: Template = many.parse().expect("a template");
    assert_eq!(template.segments.len(), 200_000);
    let colons = format!("/{}", ":".repeat(1_000_000));
    assert!(colons.parse::<Template>().is_err());
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]", 1 => "[ -~\u{e9}]{1,4}"]
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        3 => literal().prop_map(Segment::Literal),
        2 => Just(Segment::One),
    ]
}

prop_compose! {
    /// Any template, without a look at its text.
    fn template()(
        parts in vec((vec(segment(), 1..4), any::<bool>()), 1..4),
        rest in option::of(any::<bool>()),
        verb in option::weighted(0.3, literal()),
    ) -> Template {
        let mut template = Template { verb, ..Template::of_literals([]) };
        for (segments, is_variable) in parts {
            let start = template.segments.len();
            template.segments.extend(segments);
            if is_variable {
                let segments = start..template.segments.len();
                template.variables.push(Variable { field: format!("f{start}"), segments });
            }
        }
        if let Some(is_variable) = rest {
            let start = template.segments.len();
            template.segments.push(Segment::Rest);
            if is_variable {
                let segments = start..start + 1;
                template.variables.push(Variable { field: "rest".to_owned(), segments });
            }
        }
        template
    }
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(template in template()) {
        prop_assert_eq!(template.to_string().parse(), Ok(template));
    }

    #[test]
    fn any_text_parses_or_is_refused(text in "/?[a-b/*{}=:.%4\u{e9} ?]{0,12}") {
        match text.parse::<Template>() {
            Ok(template) => prop_assert_eq!(template.to_string().parse(), Ok(template)),
            Err(error) => prop_assert!(error.position <= text.chars().count() + 1),
        }
    }

    #[test]
    fn any_string_at_all_parses_or_is_refused(text in any::<String>()) {
        let _ = text.parse::<Template>();
    }
}

#[test]
fn pieces() {
    let template: Template = "/v1/{name=a%2Fb/*}/**:go%20on".parse().expect("a template");
    let pieces = template
        .pieces()
        .map(|piece| (piece.text.to_string(), piece.variable));
    let expected = [
        ("v1", None),
        ("a%2Fb", Some(0)),
        ("*", Some(0)),
        ("**", None),
    ];
    assert_eq!(
        pieces.collect::<Vec<_>>(),
        expected.map(|(text, variable)| (text.to_owned(), variable))
    );
    assert_eq!(template.verb().as_deref(), Some("go%20on"));
}
