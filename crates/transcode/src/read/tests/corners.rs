//! Single values, lists and maps.

use super::*;

#[test]
fn whole_numbers() {
    check_same(r#"{"anInt32":-2147483648,"aSint32":-5,"anSfixed32":2147483647}"#);
    check_same(r#"{"aUint32":4294967295,"aFixed32":4294967295}"#);
    check_same(
        r#"{"anInt64":"-9223372036854775808","aSint64":"-1","anSfixed64":"9223372036854775807"}"#,
    );
    check_same(r#"{"aUint64":"18446744073709551615","aFixed64":"18446744073709551615"}"#);
    check(
        r#"{"anInt64":9223372036854775807}"#,
        r#"{"anInt64":"9223372036854775807"}"#,
    );
    check(
        r#"{"anInt64":9007199254740993}"#,
        r#"{"anInt64":"9007199254740993"}"#,
    );
    // The second opinion rounds this one.
    let exact = read(r#"{"anInt64":9007199254740993.0}"#, Unknown::Reject);
    assert_eq!(
        exact.map(|read| shown(&read)),
        Ok(serde_json::json!({"anInt64": "9007199254740993"}))
    );
    check(r#"{"anInt32":"2147483647"}"#, r#"{"anInt32":2147483647}"#);
    check(r#"{"anInt32":1.0}"#, r#"{"anInt32":1}"#);
    check(r#"{"anInt32":1e5}"#, r#"{"anInt32":100000}"#);
    check(
        r#"{"anInt32":-2.147483648e9}"#,
        r#"{"anInt32":-2147483648}"#,
    );
    check(r#"{"anInt32":"1e5"}"#, r#"{"anInt32":100000}"#);
    check(r#"{"aUint32":"\u0034.0"}"#, r#"{"aUint32":4}"#);
    check(r#"{"anInt32":0,"aUint32":-0}"#, "{}");
}

#[test]
fn no_whole_numbers() {
    let int32 = "a whole number from -2147483648 to 2147483647";
    for value in [
        "2147483648",
        "-2147483649",
        "0.5",
        "1e400",
        "1e1000000000",
        "1e-1000000000",
        "true",
        "{}",
        "[1]",
        r#""""#,
        r#"" 1""#,
        r#""1 ""#,
        r#""12abc""#,
        r#""+1""#,
        r#""01""#,
        r#""0x1""#,
        r#""1.""#,
        r#""NaN""#,
        r#""0.5""#,
        r#""١""#,
    ] {
        refused(&format!(r#"{{"anInt32":{value}}}"#), "anInt32", int32);
    }
    refused(
        r#"{"aUint32":-1}"#,
        "aUint32",
        "a whole number from 0 to 4294967295",
    );
    refused(
        r#"{"aFixed64":18446744073709551616}"#,
        "aFixed64",
        "from 0 to 18446744073709551615",
    );
    refused(
        r#"{"anInt64":"9223372036854775808"}"#,
        "anInt64",
        "to 9223372036854775807",
    );
    refused(
        r#"{"anInt64":9.223372036854775808e18}"#,
        "anInt64",
        "to 9223372036854775807",
    );
}

#[test]
fn floating_point() {
    check_same(r#"{"aDouble":1.5,"aFloat":-0.25}"#);
    check_same(r#"{"aDouble":"NaN","aFloat":"NaN"}"#);
    check_same(r#"{"aDouble":"Infinity","aFloat":"-Infinity"}"#);
    check(r#"{"aDouble":"-1.5e-3"}"#, r#"{"aDouble":-0.0015}"#);
    check(r#"{"aDouble":7}"#, r#"{"aDouble":7.0}"#);
    check(
        r#"{"aDouble":1.7976931348623157e308}"#,
        r#"{"aDouble":1.7976931348623157e308}"#,
    );
    check(r#"{"aDouble":1e-400}"#, "{}");
    check(
        r#"{"aFloat":3.4028235e38}"#,
        r#"{"aFloat":3.4028234663852886e38}"#,
    );
    for value in [
        "1e400",
        "-1e400",
        r#""1e400""#,
        r#""inf""#,
        r#""nan""#,
        r#""infinity""#,
        r#"" 1""#,
        r#"".5""#,
        r#""+1""#,
        r#""""#,
        "true",
        "{}",
    ] {
        refused(
            &format!(r#"{{"aDouble":{value}}}"#),
            "aDouble",
            "a number up to 1.797",
        );
    }
    for value in ["3.5e38", "-3.5e38", "1e300", r#""3.5e38""#] {
        refused(
            &format!(r#"{{"aFloat":{value}}}"#),
            "aFloat",
            "a number up to 3.4028235e38",
        );
    }
}

#[test]
fn bools_strings_and_bytes() {
    check(
        r#"{"aBool":true,"aString":"","someBytes":""}"#,
        r#"{"aBool":true}"#,
    );
    check(
        r#"{"aString":"\u00e9\ud83d\ude00\n\u0000"}"#,
        "{\"aString\":\"é😀\\n\\u0000\"}",
    );
    check_same(r#"{"someBytes":"AQI="}"#);
    for text in ["-_8", "-_8=", "+/8", "+/8=", "+/9", "-_9="] {
        check(
            &format!(r#"{{"someBytes":"{text}"}}"#),
            r#"{"someBytes":"+/8="}"#,
        );
    }
    // One byte and bits that belong to none.
    check(r#"{"someBytes":"-_"}"#, r#"{"someBytes":"+w=="}"#);
    for value in ["1", "0", r#""true""#, "[]", "{}"] {
        refused(&format!(r#"{{"aBool":{value}}}"#), "aBool", "true or false");
    }
    for value in ["1", "true", "[]", "{}"] {
        refused(&format!(r#"{{"aString":{value}}}"#), "aString", "a string");
    }
    for value in [
        "1",
        r#""a""#,
        r#""ab*d""#,
        r#""ab cd""#,
        r#""AQI=A""#,
        r#""+_8=""#,
        r#""====""#,
    ] {
        refused(
            &format!(r#"{{"someBytes":{value}}}"#),
            "someBytes",
            "base64",
        );
    }
}

#[test]
fn enums() {
    check_same(r#"{"mood":"SAD"}"#);
    check(r#"{"mood":"MERRY"}"#, r#"{"mood":"GLAD"}"#);
    check(r#"{"mood":-2}"#, r#"{"mood":"SAD"}"#);
    check(r#"{"mood":1.0}"#, r#"{"mood":"GLAD"}"#);
    check_same(r#"{"mood":77}"#);
    for value in [
        r#""sad""#,
        r#""UNKNOWN""#,
        r#""1""#,
        "1.5",
        "2147483648",
        "true",
        "{}",
    ] {
        refused(
            &format!(r#"{{"mood":{value}}}"#),
            "mood",
            "one of SAD, CALM, GLAD, or its number",
        );
    }
}

#[test]
fn unknown_names_are_ignored_if_so_wanted() {
    let ignored = |json: &str, expected: &str| {
        let message = read(json, Unknown::Ignore);
        let message = message.unwrap_or_else(|error| unexpected(json, &error));
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(shown(&message), expected, "{json}");
    };
    ignored(
        r#"{"missing":[{"a":"\u00e9"},null],"aBool":true}"#,
        r#"{"aBool":true}"#,
    );
    ignored(r#"{"inner":{"missing":1}}"#, r#"{"inner":{}}"#);
    ignored(r#"{"mood":"UNKNOWN"}"#, "{}");
    ignored(
        r#"{"moods":["SAD","UNKNOWN","GLAD"]}"#,
        r#"{"moods":["SAD","GLAD"]}"#,
    );
    ignored(
        r#"{"moodsById":{"1":"UNKNOWN","2":"SAD"}}"#,
        r#"{"moodsById":{"2":"SAD"}}"#,
    );
    ignored(
        r#"{"any":{"@type":"x/corners.Small","sise":1}}"#,
        r#"{"any":{"@type":"x/corners.Small"}}"#,
    );
    ignored(
        r#"{"any":{"a":1,"@type":"x/google.protobuf.Duration","value":"1s","b":2}}"#,
        r#"{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#,
    );
    // What is malformed is so in a place that nobody looks at, too.
    for json in [
        r#"{"missing":[1,]}"#,
        r#"{"mood":1.5}"#,
        r#"{"missing":"\ud800"}"#,
    ] {
        assert!(read(json, Unknown::Ignore).is_err(), "{json}");
    }
}

#[test]
fn lists() {
    check_same(r#"{"numbers":[1,-2,3],"looseNumbers":[4,5],"doubles":[0.5,"NaN"]}"#);
    check_same(r#"{"texts":["a",""],"moods":["SAD",9],"blobs":["AQI=",""]}"#);
    check_same(r#"{"children":[{},{"anInt32":1}]}"#);
    check(r#"{"numbers":[],"texts":[]}"#, "{}");
    check(r#"{"numbers":null,"texts":null,"children":null}"#, "{}");
    refused(r#"{"numbers":1}"#, "numbers", "a list");
    refused(r#"{"numbers":{"0":1}}"#, "numbers", "a list");
    refused(r#"{"numbers":[1,"x"]}"#, "numbers[1]", "a whole number");
    refused(r#"{"numbers":[null]}"#, "numbers[0]", "a whole number");
    refused(r#"{"texts":["a",null]}"#, "texts[1]", "a string");
    refused(r#"{"children":[null]}"#, "children[0]", "an object");
    refused(r#"{"moods":[null]}"#, "moods[0]", "one of");
    refused(r#"{"times":[null]}"#, "times[0]", "a time");
    refused(
        r#"{"wrappedNumbers":[1,null]}"#,
        "wrappedNumbers[1]",
        "a whole number",
    );
}

#[test]
fn maps() {
    check_same(r#"{"labels":{"a":"b","":"","é":"c"},"moodsById":{"-1":"SAD","0":"CALM"}}"#);
    check_same(
        r#"{"byFlag":{"true":{"aBool":true},"false":{}},"weights":{"18446744073709551615":0.5}}"#,
    );
    check_same(r#"{"blobsById":{"-9223372036854775808":"AQI="},"sizes":{"a":0}}"#);
    check(r#"{"weights":{"\u0031e1":1}}"#, r#"{"weights":{"10":1.0}}"#);
    check(
        r#"{"byFlag":{"tru\u0065":{}}}"#,
        r#"{"byFlag":{"true":{}}}"#,
    );
    check(r#"{"labels":null,"byFlag":{}}"#, "{}");
    refused(r#"{"labels":[]}"#, "labels", "an object");
    refused(r#"{"labels":{"a":null}}"#, r#"labels["a"]"#, "a string");
    refused(
        r#"{"byFlag":{"true":null}}"#,
        r#"byFlag["true"]"#,
        "an object",
    );
    refused(r#"{"sizes":{"a":null}}"#, r#"sizes["a"]"#, "a whole number");
    refused(
        r#"{"byFlag":{"1":{}}}"#,
        r#"byFlag["1"]"#,
        "a key that is true or false",
    );
    for key in ["", " 1", "a", "1.5", "+1", "4294967296"] {
        let path = format!(r#"moodsById["{key}"]"#);
        refused(
            &format!(r#"{{"moodsById":{{"{key}":1}}}}"#),
            &path,
            "a key that is a whole number",
        );
    }
    let twice = "one value; it was given more than once";
    refused(
        r#"{"labels":{"a":"b","\u0061":"c"}}"#,
        r#"labels["a"]"#,
        twice,
    );
    refused(
        r#"{"moodsById":{"10":1,"1e1":1}}"#,
        r#"moodsById["1e1"]"#,
        twice,
    );
    let many: Vec<_> = (0..1000).map(|n| format!(r#""k{n}":"""#)).collect();
    assert!(
        read(
            &format!(r#"{{"labels":{{{}}}}}"#, many.join(",")),
            Unknown::Reject
        )
        .is_ok()
    );
    let again = format!(r#"{{"labels":{{{},"k7":""}}}}"#, many.join(","));
    refused(&again, r#"labels["k7"]"#, twice);
}
