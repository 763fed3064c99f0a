//! Known answers for path variables and query parameters. What is written is read
//! back by `prost-reflect` and compared as JSON.

use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::*;

mod errors;

struct Ground {
    pool: DescriptorPool,
    schema: Schema,
    root: MessageId,
}

thread_local! {
    static GROUND: Ground = {
        let pool = crate::read::tests::pool();
        let schema = Schema::compile(&pool);
        let root = schema.message("corners.All").expect("described");
        Ground { pool, schema, root }
    };
}

impl Ground {
    fn shown(&self, out: &Builder) -> Value {
        let mut wire = Vec::new();
        out.write_to(&mut wire);
        let described = self
            .pool
            .get_message_by_name("corners.All")
            .expect("described");
        let read = DynamicMessage::decode(described, &*wire).expect("it can be read");
        serde_json::to_value(&read).expect("the message has a JSON form")
    }

    fn path(&self, path: &str) -> FieldPath {
        self.schema.field_path(self.root, path).expect("a path")
    }
}

/// A query as it is written in a URL, but not encoded.
fn pairs(query: &str) -> Vec<(&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.find('=').unwrap_or(pair.len());
            // A key in brackets may have one, too.
            let at = match pair[..at].contains('[') {
                true => pair.find("]=").map_or(at, |bracket| bracket + 1),
                false => at,
            };
            (&pair[..at], pair.get(at + 1..).unwrap_or_default())
        })
        .collect()
}

fn read(query: &str, bound: &[&str], unknown: Unknown) -> Result<Value, BadParameter> {
    GROUND.with(|ground| {
        let bound: Vec<_> = bound.iter().map(|path| ground.path(path)).collect();
        let mut out = Builder::new();
        let pairs = pairs(query);
        ground
            .schema
            .read_query(ground.root, pairs, &bound, unknown, &mut out)?;
        Ok(ground.shown(&out))
    })
}

fn check(query: &str, expected: &str) {
    let expected: Value = serde_json::from_str(expected).expect("the expectation is JSON");
    assert_eq!(read(query, &[], Unknown::Reject), Ok(expected), "{query}");
}

#[test]
fn numbers() {
    check("", "{}");
    check("an_int32=12&a_sint32=-3", r#"{"anInt32":12,"aSint32":-3}"#);
    check("anInt32=+12", r#"{"anInt32":12}"#);
    check("anInt32= 12", r#"{"anInt32":12}"#);
    check("anInt32=\t-012 ", r#"{"anInt32":-12}"#);
    check(
        "aUint64=18446744073709551615",
        r#"{"aUint64":"18446744073709551615"}"#,
    );
    check(
        "anInt64=-9223372036854775808",
        r#"{"anInt64":"-9223372036854775808"}"#,
    );
    check(
        "aFixed32=7&anSfixed64=-7",
        r#"{"aFixed32":7,"anSfixed64":"-7"}"#,
    );
    check(
        "aDouble=1.5&aFloat=-25e-2",
        r#"{"aDouble":1.5,"aFloat":-0.25}"#,
    );
    check("aDouble= 1.5&aFloat=+2", r#"{"aDouble":1.5,"aFloat":2.0}"#);
    check(
        "aDouble=NaN&aFloat=-Infinity",
        r#"{"aDouble":"NaN","aFloat":"-Infinity"}"#,
    );
}

#[test]
fn other_scalars() {
    check("a_bool=true&aString=", r#"{"aBool":true}"#);
    check(
        "aString= a &other name=b",
        r#"{"aString":" a ","other name":"b"}"#,
    );
    check("renamed=b", r#"{"other name":"b"}"#);
    check("maybe=0&aBool=false", r#"{"maybe":0}"#);
    check("some_bytes=AQI", r#"{"someBytes":"AQI="}"#);
    check("some_bytes=-_8=", r#"{"someBytes":"+/8="}"#);
    check("mood=SAD", r#"{"mood":"SAD"}"#);
    check("mood=-2", r#"{"mood":"SAD"}"#);
    check("mood=MERRY", r#"{"mood":"GLAD"}"#);
    check("mood=99", r#"{"mood":99}"#);
}

#[test]
fn nested_fields() {
    check(
        "inner.anInt32=1&inner.a_bool=true",
        r#"{"inner":{"anInt32":1,"aBool":true}}"#,
    );
    check(
        "inner.inner.inner.inner.inner.inner.inner.maybe=0&inner.maybe=1",
        r#"{"inner":{"maybe":1,"inner":{"inner":{"inner":{"inner":{"inner":{"inner":{"maybe":0}}}}}}}}"#,
    );
    check(
        "chosenMessage.anInt32=1&chosenMessage.maybe=2",
        r#"{"chosenMessage":{"anInt32":1,"maybe":2}}"#,
    );
}

#[test]
fn lists_and_maps() {
    check(
        "numbers=1&aBool=true&numbers=2&looseNumbers=3",
        r#"{"numbers":[1,2],"looseNumbers":[3],"aBool":true}"#,
    );
    check("texts=b&texts=a&texts=", r#"{"texts":["b","a",""]}"#);
    check("moods=SAD&moods=1", r#"{"moods":["SAD","GLAD"]}"#);
    check(
        "inner.numbers=1&inner.numbers=2",
        r#"{"inner":{"numbers":[1,2]}}"#,
    );
    check(
        "times=1970-01-01T00:00:00Z&times=1970-01-01T00:00:01Z",
        r#"{"times":["1970-01-01T00:00:00Z","1970-01-01T00:00:01Z"]}"#,
    );
    check("wrappedNumbers=0", r#"{"wrappedNumbers":[0]}"#);
    check("values=1&values=[null]", r#"{"values":[1.0,[null]]}"#);
    check("labels[a]=b&labels[]=c", r#"{"labels":{"a":"b","":"c"}}"#);
    check(
        "labels[a.b]=1&labels[x[y]]=2&labels[k=v]=3",
        r#"{"labels":{"a.b":"1","x[y]":"2","k=v":"3"}}"#,
    );
    check("inner.labels[é]=1", r#"{"inner":{"labels":{"é":"1"}}}"#);
    check(
        "moodsById[-1]=SAD&moods_by_id[2]=0",
        r#"{"moodsById":{"-1":"SAD","2":"CALM"}}"#,
    );
    check(
        "weights[5]=0.5&sizes[a]=3",
        r#"{"weights":{"5":0.5},"sizes":{"a":3}}"#,
    );
}

#[test]
fn well_known_types() {
    check(
        "time=2024-05-31T12:30:00Z",
        r#"{"time":"2024-05-31T12:30:00Z"}"#,
    );
    check("length=-1.5s", r#"{"length":"-1.500s"}"#);
    check("mask=aB.c,d_e", r#"{"mask":"aB.c,dE"}"#);
    check(
        "wrappedInt32= 5&wrappedString=&wrappedBytes=AQI",
        r#"{"wrappedInt32":5,"wrappedString":"","wrappedBytes":"AQI="}"#,
    );
    check(
        r#"value={"a":[1]}&list=[true]&object={}"#,
        r#"{"value":{"a":[1.0]},"list":[true],"object":{}}"#,
    );
    check("value=null&null=NULL_VALUE", r#"{"value":null}"#);
}

#[test]
fn what_is_bound_may_have_neighbours() {
    let read = |query| read(query, &["an_int32", "inner.labels"], Unknown::Reject);
    assert!(read("aSint32=1&inner.maybe=1").is_ok());
    assert!(read("inner.inner.labels[a]=1").is_ok());
    assert!(read("anInt32=1").is_err());
}

#[test]
fn unknown_parameters_are_ignored_if_so_wanted() {
    for query in [
        "missing=1",
        "inner.missing=1",
        "an_int32.x=1",
        "labels.a=1",
        "labels[a=1",
        "labels[a]x=1",
        "numbers[]=1",
        "children.an_int32=1",
        "=1",
        ".=1",
        "inner.=1",
        "inner..maybe=1",
        "[x]=1",
        "inner[x]=1",
        "wrapped_int32.value=1",
        "time.seconds=1",
        "any.type_url=x",
        "labels[é",
    ] {
        let expected = serde_json::json!({"aBool": true});
        let query = format!("{query}&aBool=true");
        assert_eq!(read(&query, &[], Unknown::Ignore), Ok(expected), "{query}");
        assert!(read(&query, &[], Unknown::Reject).is_err(), "{query}");
    }
    // What is known is still checked.
    assert!(read("anInt32=x", &[], Unknown::Ignore).is_err());
    assert!(read("mood=UNKNOWN", &[], Unknown::Ignore).is_err());
}

#[test]
fn extensions_are_named_in_brackets() {
    GROUND.with(|ground| {
        let root = ground.schema.message("extended.Base").expect("described");
        let read = |name| {
            let mut out = Builder::new();
            let read =
                ground
                    .schema
                    .read_query(root, [(name, "5")], &[], Unknown::Reject, &mut out);
            read.map(|()| out.len())
        };
        assert_eq!(read("[extended.size]"), Ok(3));
        assert_eq!(read("[extended.deep].name"), Ok(6));
        for name in [
            "[extended.none]",
            "[extended.size",
            "[extended.size]x",
            "[extended.size]é",
            "[extended.deep]é",
            "[extended.deep]xname",
        ] {
            assert!(read(name).is_err(), "{name}");
        }
    });
}

#[test]
fn path_variables() {
    let read = |path: &str, text: &str| {
        GROUND.with(|ground| {
            let mut out = Builder::new();
            ground
                .schema
                .read_text(&ground.path(path), text, &mut out)?;
            Ok::<_, BadParameter>(ground.shown(&out).to_string())
        })
    };
    let check = |path: &str, text: &str, expected: &str| {
        assert_eq!(read(path, text), Ok(expected.to_owned()), "{path} {text}");
    };
    check("a_string", "a/b", r#"{"aString":"a/b"}"#);
    check(
        "inner.inner.an_int64",
        "5",
        r#"{"inner":{"inner":{"anInt64":"5"}}}"#,
    );
    check("inner.mood", "GLAD", r#"{"inner":{"mood":"GLAD"}}"#);
    check("wrapped_string", "x", r#"{"wrappedString":"x"}"#);
    check(
        "time",
        "1970-01-01T00:00:00Z",
        r#"{"time":"1970-01-01T00:00:00Z"}"#,
    );
    let bad = read("inner.anInt32", "x").expect_err("no number");
    assert_eq!(bad.name, "inner.an_int32");
    assert_eq!(bad.value, "x");
    assert_eq!(
        bad.expected,
        "a whole number from -2147483648 to 2147483647"
    );
    assert!(read("inner", "x").is_err());
    assert!(read("labels", "x").is_err());
}

#[test]
fn parts_from_everywhere_make_one_message() {
    GROUND.with(|ground| {
        let mut out = Builder::new();
        let schema = &ground.schema;
        let text = schema.read_text(&ground.path("inner.a_string"), "a", &mut out);
        text.expect("a string");
        let pairs = [("inner.numbers", "1"), ("inner.labels[x]", "y")];
        let query = schema.read_query(ground.root, pairs, &[], Unknown::Reject, &mut out);
        query.expect("a query");
        let json = br#"{"numbers":[2],"maybe":0}"#;
        let body = schema.read_field(&ground.path("inner"), json, Default::default(), &mut out);
        body.expect("a body");
        let expected = serde_json::json!({
            "inner": {"aString": "a", "numbers": [1, 2], "labels": {"x": "y"}, "maybe": 0}
        });
        assert_eq!(ground.shown(&out), expected);
    });
}

proptest! {
    #[test]
    fn every_number_reads_back(number: i64, small: u32, real: f64) {
        check(&format!("anInt64={number}&aUint32={small}"), &if (number, small) == (0, 0) {
            "{}".to_owned()
        } else if number == 0 {
            format!(r#"{{"aUint32":{small}}}"#)
        } else if small == 0 {
            format!(r#"{{"anInt64":"{number}"}}"#)
        } else {
            format!(r#"{{"anInt64":"{number}","aUint32":{small}}}"#)
        });
        if real.is_finite() {
            let read = read(&format!("wrappedDouble={real:e}"), &[], Unknown::Reject);
            prop_assert_eq!(read, Ok(serde_json::json!({"wrappedDouble": real})));
        }
    }

    /// No parameter whatever makes it panic.
    #[test]
    fn anything_is_read_or_refused(
        pairs in prop::collection::vec(
            (
                "(inner|chosen_message|labels|moodsById|time|value|numbers|a_bool|\\PC{0,3})([.\\[][a-z_0-9é\\]]{0,8}\\]?){0,3}",
                "\\PC{0,8}|[-+0-9.eE ]{0,6}|true|null|SAD",
            ),
            0..20,
        ),
        ignore: bool,
    ) {
        let unknown = if ignore { Unknown::Ignore } else { Unknown::Reject };
        GROUND.with(|ground| {
            let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let bound = [ground.path("inner.a_bool"), ground.path("chosen_message")];
            let mut out = Builder::new();
            let read = ground.schema.read_query(ground.root, pairs, &bound, unknown, &mut out);
            if read.is_ok() {
                ground.shown(&out);
            }
        });
    }
}
