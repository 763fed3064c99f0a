//! What is allowed, and what must not be.

use proptest::prelude::*;

use super::*;

fn of(dns: &[&str], uris: &[&str]) -> Identities {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Identities {
        dns: owned(dns),
        uris: owned(uris),
    }
}

fn allowed(allowed: &str, identities: &Identities) -> bool {
    identities.are_among(&[allowed.parse().expect("an identity")])
}

#[test]
fn dns_names() {
    for (pattern, name, is_allowed) in [
        ("a.example.org", "a.example.org", true),
        ("A.Example.org", "a.eXample.org", true),
        ("a.example.org", "b.a.example.org", false),
        ("example.org", "a.example.org", false),
        ("*.example.org", "a.example.org", true),
        ("*.example.org", "b.a.example.org", true),
        ("*.example.org", "example.org", false),
        ("*.example.org", ".example.org", false),
        ("*.example.org", "badexample.org", false),
        ("*.example.org", "*.example.org", false),
        ("*.example.org", "a..example.org", false),
        ("*.example.org", "a.example.org.evil.net", false),
        ("localhost", "localhost", true),
    ] {
        assert_eq!(
            allowed(pattern, &of(&[name], &[])),
            is_allowed,
            "{pattern} {name}"
        );
    }
}

#[test]
fn spiffe_ids() {
    for (pattern, id, is_allowed) in [
        ("spiffe://d/a", "spiffe://d/a", true),
        ("spiffe://d/a", "spiffe://d/A", false),
        ("spiffe://d/a", "spiffe://d/a/b", false),
        ("spiffe://d/a", "spiffe://e/a", false),
        ("spiffe://d/a/*", "spiffe://d/a/b", true),
        ("spiffe://d/a/*", "spiffe://d/a/b/c", true),
        ("spiffe://d/a/*", "spiffe://d/a", false),
        ("spiffe://d/a/*", "spiffe://d/ab", false),
        ("spiffe://d/a/*", "spiffe://d/a/../b", false),
        ("spiffe://d/a/*", "spiffe://d/a/", false),
        ("spiffe://d/a/*", "spiffe://d/a/%2e%2e/b", false),
        ("spiffe://d/*", "spiffe://d/a", true),
        ("spiffe://d/*", "spiffe://d.evil/a", false),
        ("spiffe://d/*", "SPIFFE://d/a", false),
    ] {
        assert_eq!(
            allowed(pattern, &of(&[], &[id])),
            is_allowed,
            "{pattern} {id}"
        );
    }
}

#[test]
fn one_kind_never_passes_for_the_other() {
    assert!(!allowed("d", &of(&[], &["spiffe://d"])));
    assert!(!allowed("spiffe://d/a", &of(&["spiffe://d/a"], &[])));
}

#[test]
fn with_two_uris_there_is_no_spiffe_id() {
    let two = of(&["a"], &["spiffe://d/a", "spiffe://d/b"]);
    assert!(!allowed("spiffe://d/a", &two));
    assert!(allowed("a", &two));
    assert_eq!(two.first(), Some("a"));
}

#[test]
fn what_is_no_identity() {
    for text in [
        "",
        "*",
        "*.",
        ".",
        "a..b",
        "a.*.b",
        "*a.b",
        "127.0.0.1",
        "::1",
        "a b",
        "https://a",
        "spiffe://",
        "spiffe:///a",
        "spiffe://D/a",
        "spiffe://d/",
        "spiffe://d//a",
        "spiffe://d/a/..",
        "spiffe://d/a*",
        "spiffe://d/*/a",
        "spiffe://d/a?x",
        "spiffe://*/a",
        "-a.b",
        "a-.b",
    ] {
        assert_eq!(text.parse::<Identity>(), Err(BadIdentity), "{text}");
    }
}

#[test]
fn a_message_lists_some_and_escapes() {
    let many: Vec<_> = (0..10).map(|number| format!("n{number}")).collect();
    let many = Identities {
        dns: many,
        uris: vec!["x\ny".to_owned()],
    };
    let text = many.to_string();
    assert!(
        text.starts_with("x\\ny, n0") && text.ends_with("and 3 more"),
        "{text}"
    );
    assert_eq!(Identities::default().to_string(), "no name");
}

proptest! {
    #[test]
    fn reading_never_fails_otherwise_and_is_stable(text in "(spiffe://)?[a-zA-Z0-9*./_ -]{0,40}") {
        if let Ok(identity) = text.parse::<Identity>() {
            prop_assert_eq!(identity.to_string().parse::<Identity>(), Ok(identity));
        }
    }

    #[test]
    fn an_exact_identity_allows_itself_and_nothing_longer(
        name in "[a-z0-9]{1,8}(\\.[a-z][a-z0-9]{0,8}){1,3}",
        more in "[a-z]{1,5}",
    ) {
        let name_of = |name: &str| of(&[name], &[]);
        prop_assert!(allowed(&name, &name_of(&name)));
        prop_assert!(!allowed(&name, &name_of(&format!("{name}{more}"))), "suffix");
        prop_assert!(!allowed(&name, &name_of(&format!("{more}{name}"))), "prefix");
        prop_assert!(!allowed(&name, &name_of(&format!("{more}.{name}"))), "below");
        let below = format!("*.{name}");
        let one_below = format!("{more}.{name}");
        prop_assert!(allowed(&below, &name_of(&one_below)));
        prop_assert!(!allowed(&below, &name_of(&name)));
    }

    #[test]
    fn a_group_allows_only_what_begins_with_it(
        above in "[a-z]{1,4}(/[a-zA-Z0-9]{1,4}){0,2}",
        id in "[a-z]{1,4}(/[a-zA-Z0-9.]{0,4}){0,4}",
    ) {
        let (above, id) = (format!("spiffe://{above}"), format!("spiffe://{id}"));
        if allowed(&format!("{above}/*"), &of(&[], &[&id])) {
            let beginning = format!("{above}/");
            prop_assert!(id.starts_with(&beginning));
            prop_assert!(!id.split('/').any(|part| part == ".." || part == "."));
        }
    }

    #[test]
    fn names_of_any_kind_are_survived(names in prop::collection::vec(".*", 0..4)) {
        let identities = Identities { dns: names.clone(), uris: names };
        let _ = identities.to_string();
        let allowed = ["*.a".parse().expect("ok"), "spiffe://a/*".parse().expect("ok")];
        let _ = identities.are_among(&allowed);
    }
}
