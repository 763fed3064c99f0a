use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn template(text: &str) -> Template {
    Template::parse(text).expect("the text is a template")
}

fn render(text: &str, values: &mut Values) -> String {
    let mut rendered = String::new();
    template(text).render(values, &mut rendered);
    rendered
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let mut values = Values::new(1, 0);
    values.user = 3;
    values.iteration = 14;
    values.request = 159;
    assert_eq!(render(text, &mut values), expected);
}

#[test]
fn expressions_become_values() {
    check("{{user}}/{{iteration}}/{{request}}", "3/14/159");
    check("{{ user }}", "3");
    check("{{random 7 7}}", "7");
    check("{{random -7 -7}}", "-7");
    check("{{\tpick\n only }}", "only");
}

#[test]
fn json_needs_no_care() {
    check(r#"{"a":{"b":{{user}}}}"#, r#"{"a":{"b":3}}"#);
    check(
        r#"{"a":{"b":"{{pick x}}"},"c":{}}"#,
        r#"{"a":{"b":"x"},"c":{}}"#,
    );
    check("}} {", "}} {");
}

#[test]
fn a_literal_brace_pair_is_doubled() {
    check("{{{{user}}", "{{user}}");
    check("{{{{{{user}}", "{{3");
    check("{", "{");
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let error = Template::parse(text).expect_err("the text is no template");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_name_the_place_and_what_there_is() {
    let known =
        "there are: user, iteration, request, message, random LOW HIGH, pick WORD..., uuid, now_ms";
    check_refused(
        "é{{users}}",
        &format!("no expression is called \"users\" (character 2); {known}"),
    );
    check_refused(
        "{{}}",
        &format!("no expression is called \"\" (character 1); {known}"),
    );
    check_refused(
        "{{user}}{{user 1}}",
        &format!("user at character 9 takes no argument, not even \"1\"; {known}"),
    );
    check_refused(
        "{{random 1}}",
        &format!("random at character 1 needs two whole numbers, not 1 arguments; {known}"),
    );
    check_refused(
        "{{random 1 1.5}}",
        &format!(
            "random at character 1 needs whole numbers of at most 64 bits, not \"1.5\"; {known}"
        ),
    );
    check_refused(
        "{{random 2 1}}",
        &format!("random at character 1 needs the lower number first, not 2 1; {known}"),
    );
    check_refused(
        "{{pick}}",
        &format!("pick at character 1 needs at least one word; {known}"),
    );
    check_refused(
        "a {{user",
        "the `{{` at character 3 is never closed; end the expression with `}}`, \
         or write `{{{{` for a literal `{{`",
    );
}

#[test]
fn every_word_and_every_number_of_a_range_comes_up() {
    let mut values = Values::new(7, 0);
    let mut drawn =
        |text: &str| -> HashSet<String> { (0..500).map(|_| render(text, &mut values)).collect() };
    let set = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    assert_eq!(drawn("{{pick a b c}}"), set(&["a", "b", "c"]));
    assert_eq!(drawn("{{random -1 2}}"), set(&["-1", "0", "1", "2"]));
    assert_eq!(drawn("{{uuid}}").len(), 500);
}

#[test]
fn threads_draw_different_sequences_and_each_is_repeatable() {
    let draw = |seed, thread| render("{{uuid}}{{uuid}}", &mut Values::new(seed, thread));
    assert_eq!(draw(1, 1), draw(1, 1));
    assert_ne!(draw(1, 1), draw(1, 2));
    assert_ne!(draw(1, 1), draw(2, 1));
}

#[test]
fn the_time_is_that_of_the_rendering() {
    let before = now_ms();
    let rendered: u64 = render("{{now_ms}}", &mut Values::new(1, 0))
        .parse()
        .expect("a number");
    assert!((before..=now_ms()).contains(&rendered));
    assert!(
        before > 1_600_000_000_000,
        "milliseconds, not seconds: {before}"
    );
}

#[test]
fn samples_hold_every_choice() {
    let samples = template("{{random 1 9}} {{pick a b c}} {{user}}").samples();
    assert_eq!(samples, ["1 a 0", "9 b 0", "1 c 0"]);
    assert_eq!(template("text").samples(), ["text"]);
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(text in any::<String>()) {
        let _ = Template::parse(&text);
    }

    #[test]
    fn anything_made_of_the_right_pieces_is_read_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "{{", "}}", "{", "}", "user", "random", "pick", " ", "1", "-9223372036854775808",
                "9223372036854775807", "é",
            ]),
            0..20,
        ),
    ) {
        if let Ok(template) = Template::parse(&pieces.concat()) {
            template.render(&mut Values::new(0, 0), &mut String::new());
        }
    }

    #[test]
    fn text_without_expressions_is_itself(text in "([^{]|\\{[^{]){0,40}") {
        let template = Template::parse(&text).expect("constant text");
        prop_assert!(template.is_constant());
        let mut rendered = String::new();
        template.render(&mut Values::new(0, 0), &mut rendered);
        prop_assert_eq!(rendered, text);
    }

    #[test]
    fn text_with_its_braces_doubled_is_itself(text in "[{}a ]{0,40}") {
        let template = Template::parse(&text.replace("{{", "{{{{")).expect("escaped text");
        prop_assert!(template.is_constant());
        let mut rendered = String::new();
        template.render(&mut Values::new(0, 0), &mut rendered);
        prop_assert_eq!(rendered, text);
    }

    #[test]
    fn random_numbers_stay_between_their_ends(a in any::<i64>(), b in any::<i64>(), seed in any::<u64>()) {
        let (low, high) = (a.min(b), a.max(b));
        let text = format!("{{{{random {low} {high}}}}}");
        let drawn: i64 = render(&text, &mut Values::new(seed, 0)).parse().expect("a number");
        prop_assert!((low..=high).contains(&drawn));
    }

    #[test]
    fn a_uuid_says_its_version_and_variant(random in any::<u128>()) {
        let mut text = String::new();
        uuid(random, &mut text);
        let groups: Vec<_> = text.split('-').collect();
        let lengths: Vec<_> = groups.iter().map(|group| group.len()).collect();
        prop_assert_eq!(lengths, [8, 4, 4, 4, 12]);
        prop_assert!(groups.concat().chars().all(|c| c.is_ascii_hexdigit() && !c.is_uppercase()));
        prop_assert!(groups[2].starts_with('4'));
        prop_assert!(groups[3].starts_with(['8', '9', 'a', 'b']));
    }
}
