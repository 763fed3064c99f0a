//! Texts of a path and of a query.

use transcode::{BadParameter, Builder, Unknown};

use crate::{ALL, CORNERS, canonical, canonical_wire, described, id, parsed, run, same};

fn finished(builder: &Builder) -> String {
    let mut wire = Vec::new();
    builder.write_to(&mut wire);
    canonical_wire(&described(ALL), &wire)
}

fn text(path: &str, text: &str) -> Result<String, BadParameter> {
    let path = CORNERS.schema.field_path(id(ALL), path).expect("a path");
    let mut builder = Builder::new();
    CORNERS.schema.read_text(&path, text, &mut builder)?;
    Ok(finished(&builder))
}

fn query(pairs: &[(&str, &str)], bound: &[&str], unknown: Unknown) -> Result<String, BadParameter> {
    let path = |path: &&str| CORNERS.schema.field_path(id(ALL), path).expect("a path");
    let bound: Vec<_> = bound.iter().map(path).collect();
    let mut builder = Builder::new();
    let pairs = pairs.iter().copied();
    CORNERS
        .schema
        .read_query(id(ALL), pairs, &bound, unknown, &mut builder)?;
    Ok(finished(&builder))
}

/// `a=1&b=2` without any encoding.
fn pairs(query: &str) -> Vec<(&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect()
}

#[test]
fn texts_of_every_kind() {
    let rows = [
        ("an_int32", "-5", "an_int32: -5"),
        ("anInt32", "5", "an_int32: 5"),
        (
            "an_int64",
            "-9223372036854775808",
            "an_int64: -9223372036854775808",
        ),
        ("a_uint32", "4294967295", "a_uint32: 4294967295"),
        (
            "a_uint64",
            "18446744073709551615",
            "a_uint64: 18446744073709551615",
        ),
        ("a_sint32", "-1", "a_sint32: -1"),
        ("a_sint64", "-1", "a_sint64: -1"),
        ("a_fixed32", "1", "a_fixed32: 1"),
        ("a_fixed64", "1", "a_fixed64: 1"),
        ("a_sfixed32", "-1", "a_sfixed32: -1"),
        ("a_sfixed64", "-1", "a_sfixed64: -1"),
        ("a_float", "3.4028235e38", "a_float: 3.4028235e38"),
        ("a_double", "1e-5", "a_double: 1e-5"),
        ("a_double", "NaN", "a_double: nan"),
        ("a_double", "-Infinity", "a_double: -inf"),
        ("a_bool", "true", "a_bool: true"),
        ("maybe_bool", "false", "maybe_bool: false"),
        ("a_string", "", ""),
        ("maybe_string", "", "maybe_string: ''"),
        ("a_string", "5", "a_string: '5'"),
        ("a_string", "\"quoted\"", "a_string: '\"quoted\"'"),
        ("a_string", " ä/b ", "a_string: ' ä/b '"),
        ("some_bytes", "AQI=", r"some_bytes: '\x01\x02'"),
        ("some_bytes", "-_8", r"some_bytes: '\xfb\xff'"),
        ("a_color", "RED", "a_color: RED"),
        ("a_color", "1", "a_color: RED"),
        ("an_alias", "first_again", "an_alias: FIRST"),
        ("an_inner.a", "1", "an_inner: {a: 1}"),
        ("an_inner.inner.text", "b", "an_inner: {inner: {text: 'b'}}"),
        ("int32s", "1", "int32s: 1"),
        ("strings", "a,b", "strings: 'a,b'"),
        ("one_uint32", "0", "one_uint32: 0"),
        ("one_inner.a", "1", "one_inner: {a: 1}"),
        (
            "timestamp",
            "1970-01-01T00:00:01Z",
            "timestamp: {seconds: 1}",
        ),
        (
            "duration",
            "1.5s",
            "duration: {seconds: 1 nanos: 500000000}",
        ),
        ("mask", "a,bC", "mask: {paths: ['a', 'b_c']}"),
        ("bool_value", "false", "bool_value: {}"),
        ("int64_value", "1", "int64_value: {value: 1}"),
        ("string_value", "", "string_value: {}"),
        ("string_value", "null", "string_value: {value: 'null'}"),
        ("bytes_value", "AQI", r"bytes_value: {value: '\x01\x02'}"),
        ("double_value", "NaN", "double_value: {value: nan}"),
        (
            "timestamps",
            "1970-01-01T00:00:01Z",
            "timestamps: {seconds: 1}",
        ),
        ("int64_values", "5", "int64_values: {value: 5}"),
    ];
    run(&rows, |(path, given, expected)| {
        let what = format!("{path}={given}");
        let ours = text(path, given).map_err(|error| format!("{what}\n    is refused: {error}"))?;
        same(&what, &ours, &canonical(&parsed(ALL, expected)))?;
        // And so is a query of it.
        let ours = query(&[(path, given)], &[], Unknown::Reject);
        let ours = ours.map_err(|error| format!("?{what}\n    is refused: {error}"))?;
        same(&what, &ours, &canonical(&parsed(ALL, expected)))
    });
}

#[test]
fn texts_that_are_no_value() {
    let rows = [
        ("an_int32", ""),
        ("an_int32", "x"),
        ("an_int32", "1.5"),
        ("an_int32", "2147483648"),
        ("an_int32", "0x10"),
        ("a_uint32", "-1"),
        ("an_int64", "9223372036854775808"),
        ("a_float", "1e39"),
        ("a_double", "1e309"),
        ("a_double", ""),
        ("a_double", "inf"),
        ("a_double", "infinity"),
        ("a_bool", "yes"),
        ("a_bool", ""),
        ("a_bool", "TRUEish"),
        ("some_bytes", "A"),
        ("some_bytes", "é"),
        ("a_color", "BLUE"),
        ("a_color", ""),
        ("a_color", "1.5"),
        ("timestamp", "yesterday"),
        ("duration", "1"),
        ("int64_value", "x"),
        ("an_inner", "{}"),
        ("any", "x"),
        ("by_string", "x"),
        ("inners", "{}"),
        ("an_inner.a", "x"),
    ];
    run(&rows, |(path, given)| match text(path, given) {
        Ok(read) => Err(format!("{path}={given}\n    is read as {read}")),
        Err(bad) if bad.value != *given || bad.name != *path || bad.expected.is_empty() => {
            Err(format!("{path}={given}\n    is {bad:?}"))
        }
        Err(_) => Ok(()),
    });
}

#[test]
fn queries() {
    let rows = [
        ("", ""),
        ("an_int32=1", "an_int32: 1"),
        ("anInt32=1&aString=b", "an_int32: 1 a_string: 'b'"),
        ("int32s=1&int32s=2", "int32s: [1, 2]"),
        (
            "int32s=1&aBool=true&int32s=2",
            "int32s: [1, 2] a_bool: true",
        ),
        ("strings=&strings=a", "strings: ['', 'a']"),
        ("an_inner.a=1&anInner.text=b", "an_inner: {a: 1 text: 'b'}"),
        (
            "an_inner.inner.inner.a=1&an_inner.a=2",
            "an_inner: {a: 2 inner: {inner: {a: 1}}}",
        ),
        (
            "by_string[a]=b&byString[c]=d",
            "by_string: {key: 'a' value: 'b'} by_string: {key: 'c' value: 'd'}",
        ),
        ("by_string[]=b", "by_string: {key: '' value: 'b'}"),
        ("by_int32[1]=2", "by_int32: {key: 1 value: 2}"),
        ("by_bool[true]=false", "by_bool: {key: true value: false}"),
        (
            "colors_by_string[a.b]=RED",
            "colors_by_string: {key: 'a.b' value: RED}",
        ),
        ("timestamp=1970-01-01T00:00:01Z", "timestamp: {seconds: 1}"),
        (
            "durations=1s&durations=2s",
            "durations: {seconds: 1} durations: {seconds: 2}",
        ),
        ("oneUint32=0", "one_uint32: 0"),
        (
            "oneInner.a=1&oneInner.text=b",
            "one_inner: {a: 1 text: 'b'}",
        ),
    ];
    run(&rows, |(text, expected)| {
        let ours = query(&pairs(text), &[], Unknown::Reject);
        let ours = ours.map_err(|error| format!("?{text}\n    is refused: {error}"))?;
        same(text, &ours, &canonical(&parsed(ALL, expected)))
    });
}

/// Query, the name that is to blame.
#[test]
fn queries_that_are_refused() {
    let rows = [
        ("unknown=1", "unknown"),
        ("=1", ""),
        ("an_int32=x", "an_int32"),
        ("anInt32=x", "anInt32"),
        ("an_int32=1&an_int32=2", "an_int32"),
        ("an_int32=1&anInt32=2", "anInt32"),
        ("an_inner=1", "an_inner"),
        ("an_inner.b=1", "an_inner.b"),
        ("an_inner.=1", "an_inner."),
        (".an_int32=1", ".an_int32"),
        ("an_int32.a=1", "an_int32.a"),
        ("inners.a=1", "inners.a"),
        ("timestamp.seconds=1", "timestamp.seconds"),
        ("int64_value.value=1", "int64_value.value"),
        ("by_string=1", "by_string"),
        ("by_string.a=1", "by_string.a"),
        ("by_string[a=1", "by_string[a"),
        ("by_string[a]b=1", "by_string[a]b"),
        ("by_string[a]=1&by_string[a]=2", "by_string[a]"),
        ("by_int32[x]=1", "by_int32[x]"),
        ("an_int32[0]=1", "an_int32[0]"),
        ("int32s[0]=1", "int32s[0]"),
        ("inners_by_string[a]=1", "inners_by_string[a]"),
        ("one_uint32=1&one_string=a", "one_string"),
        ("one_inner.a=1&one_string=a", "one_string"),
        ("any=1", "any"),
    ];
    run(&rows, |(text, name)| {
        match query(&pairs(text), &[], Unknown::Reject) {
            Ok(read) => Err(format!("?{text}\n    is read as {read}")),
            Err(bad) if bad.name != *name => Err(format!("?{text}\n    blames {:?}", bad.name)),
            Err(_) => Ok(()),
        }
    });
}

#[test]
fn what_the_path_gives_the_query_may_not() {
    let rows: [(&str, &[&str], bool); 7] = [
        ("an_int32=1", &["an_int32"], false),
        ("anInt32=1", &["an_int32"], false),
        ("an_int64=1", &["an_int32"], true),
        ("an_inner.a=1", &["an_inner"], false),
        ("an_inner.a=1", &["an_inner.a"], false),
        ("an_inner.text=b", &["an_inner.a"], true),
        ("int32s=1", &["int32s"], false),
    ];
    run(&rows, |(text, bound, allowed)| {
        let read = query(&pairs(text), bound, Unknown::Reject);
        match read.is_ok() == *allowed {
            true => Ok(()),
            false => Err(format!("?{text} beside {bound:?}: {read:?}")),
        }
    });
}

#[test]
fn parameters_that_are_not_known_are_ignored_on_demand() {
    let ours = query(
        &pairs("unknown=1&an_int32=2&an_inner.b=3&x[y]=4"),
        &[],
        Unknown::Ignore,
    );
    assert_eq!(ours, Ok(canonical(&parsed(ALL, "an_int32: 2"))));
    let bad = query(&pairs("an_int32=x"), &[], Unknown::Ignore);
    assert_eq!(bad.map_err(|bad| bad.name), Err("an_int32".to_owned()));
}

/// It would not end if each parameter were compared with all others.
#[test]
fn long_queries_take_no_time() {
    let names: Vec<_> = (0..50_000).map(|n| format!("by_string[{n}]")).collect();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "a")).collect();
    assert!(query(&pairs, &[], Unknown::Reject).is_ok());
    let pairs = vec![("int32s", "1"); 50_000];
    assert!(query(&pairs, &[], Unknown::Reject).is_ok());
    let deep = "an_inner".to_owned() + &".inner".repeat(50_000) + ".a";
    assert!(query(&[(deep.as_str(), "1")], &[], Unknown::Reject).is_err());
}
