//! What only proto2 has: extensions, required fields, defaults of one's own, closed
//! enums, groups.

use transcode::{Defaults, WriteOptions};

use crate::{
    CORNERS, check_reads, check_reads_or_rejects, check_rejects, check_writes, check_writes_with,
    id,
};

const OLD: &str = "corners.Old";

#[test]
fn fields_of_proto2() {
    check_reads(
        OLD,
        &[
            (r#"{"number": 0, "text": ""}"#, "number: 0 text: ''"),
            (r#"{"number": 42}"#, "number: 42"),
            ("{}", ""),
            (
                r#"{"unpacked": [1, 2], "packed": [3, 4]}"#,
                "unpacked: [1, 2] packed: [3, 4]",
            ),
            (r#"{"closed": "ELEVEN"}"#, "closed: ELEVEN"),
            (r#"{"closed": 10}"#, "closed: TEN"),
            (r#"{"closeds": ["TEN", 11]}"#, "closeds: [TEN, ELEVEN]"),
        ],
    );
    check_reads_or_rejects(OLD, &[(r#"{"closed": 99}"#, "closed: 99")]);
    check_rejects(OLD, &[(r#"{"closed": "TWELVE"}"#, "closed")]);
    check_writes(
        OLD,
        &[
            ("number: 0 text: ''", r#"{"number":0,"text":""}"#),
            ("number: 42", r#"{"number":42}"#),
            (
                "unpacked: [1] packed: [2]",
                r#"{"unpacked":[1],"packed":[2]}"#,
            ),
            ("closed: TEN", r#"{"closed":"TEN"}"#),
            ("", "{}"),
        ],
    );
    let options = WriteOptions {
        defaults: Defaults::Write,
        ..WriteOptions::default()
    };
    check_writes_with(
        OLD,
        &options,
        &[(
            "[corners.many]: 'a'",
            r#"{"unpacked":[],"packed":[],"closeds":[],"[corners.many]":["a"]}"#,
        )],
    );
}

#[test]
fn extensions_have_their_full_name_in_brackets() {
    check_reads(
        OLD,
        &[
            (r#"{"[corners.more]": 5}"#, "[corners.more]: 5"),
            (r#"{"\u005bcorners.more]": 5}"#, "[corners.more]: 5"),
            (
                r#"{"[corners.many]": ["a", "b"]}"#,
                "[corners.many]: ['a', 'b']",
            ),
            (
                r#"{"[corners.deep]": {"[corners.more]": 1}}"#,
                "[corners.deep] {[corners.more]: 1}",
            ),
            (r#"{"[corners.more]": null}"#, ""),
        ],
    );
    check_rejects(
        OLD,
        &[
            (r#"{"more": 5}"#, "more"),
            (r#"{"[more]": 5}"#, "[more]"),
            (r#"{"corners.more": 5}"#, "corners.more"),
            (r#"{"[corners.less]": 5}"#, "[corners.less]"),
            (r#"{"[corners.more]": "x"}"#, "[corners.more]"),
        ],
    );
    check_writes(
        OLD,
        &[
            ("[corners.more]: 0", r#"{"[corners.more]":0}"#),
            (
                "number: 1 [corners.many]: ['a']",
                r#"{"number":1,"[corners.many]":["a"]}"#,
            ),
            (
                "[corners.deep] {[corners.more]: 1}",
                r#"{"[corners.deep]":{"[corners.more]":1}}"#,
            ),
        ],
    );
}

/// Groups have no JSON of their own, so that what holds one is not served.
#[test]
fn groups_are_refused_by_name() {
    for message in ["corners.WithGroup", "corners.HoldsGroup"] {
        let refused = CORNERS.schema.check(id(message)).expect_err("a group");
        assert_eq!(refused.message, "corners.WithGroup");
    }
    for message in CORNERS.pool.all_messages() {
        let name = message.full_name();
        if name.starts_with("corners.") && !name.contains("Group") {
            assert_eq!(CORNERS.schema.check(id(name)), Ok(()), "{name}");
        }
    }
}
