use proptest::prelude::*;

use super::*;

fn check_timestamp(text: &str, expected: Option<(i64, i32)>) {
    let read = timestamp(text).map(|read| (read.seconds, read.nanos));
    assert_eq!(read, expected, "{text}");
}

#[test]
fn timestamps() {
    check_timestamp("1970-01-01T00:00:00Z", Some((0, 0)));
    check_timestamp("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0)));
    check_timestamp(
        "9999-12-31T23:59:59.999999999Z",
        Some((253_402_300_799, 999_999_999)),
    );
    check_timestamp("1969-12-31T23:59:59.5Z", Some((-1, 500_000_000)));
    check_timestamp("1970-01-01T08:00:01+08:00", Some((1, 0)));
    check_timestamp("1969-12-31T16:00:01-08:00", Some((1, 0)));
    check_timestamp("2024-02-29T12:00:00.000001Z", Some((1_709_208_000, 1000)));
    check_timestamp("2000-02-29T00:00:00Z", Some((951_782_400, 0)));
    check_timestamp("0000-12-31T23:59:59-00:01", Some((-62_135_596_741, 0)));
}

#[test]
fn no_timestamps() {
    for text in [
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01t00:00:00Z",
        "1970-01-01T00:00:00z",
        "1970-01-01T00:00Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567890Z",
        "1970-01-01T00:00:00+0800",
        "1970-01-01T00:00:00+08:00Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00Z ",
        " 1970-01-01T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1972-06-30T23:59:60Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
        "+970-01-01T00:00:00Z",
        "1970-01-01T00:00:00é",
    ] {
        check_timestamp(text, None);
    }
}

fn check_duration(text: &str, expected: Option<(i64, i32)>) {
    let read = duration(text).map(|read| (read.seconds, read.nanos));
    assert_eq!(read, expected, "{text}");
}

#[test]
fn durations() {
    check_duration("0s", Some((0, 0)));
    check_duration("1.5s", Some((1, 500_000_000)));
    check_duration("-1.5s", Some((-1, -500_000_000)));
    check_duration("-0.000000001s", Some((0, -1)));
    check_duration(
        "315576000000.999999999s",
        Some((315_576_000_000, 999_999_999)),
    );
    check_duration("-315576000000s", Some((-315_576_000_000, 0)));
    for text in [
        "",
        "s",
        "1",
        "1.s",
        ".5s",
        "1.5",
        "+1s",
        "--1s",
        "1e3s",
        "1 s",
        " 1s",
        "1.5.5s",
        "1.1234567890s",
        "315576000001s",
        "99999999999999999999s",
        "1.-5s",
        "é1s",
    ] {
        check_duration(text, None);
    }
}

proptest! {
    #[test]
    fn every_moment_reads_back(seconds in TIMESTAMP_SECONDS, nanos in 0..1_000_000_000_i32) {
        let moment = prost_types::Timestamp { seconds, nanos };
        check_timestamp(&moment.to_string(), Some((seconds, nanos)));
    }

    #[test]
    fn anything_is_read_or_refused(text in "\\PC*|[-+0-9:.TZs]{0,30}") {
        let _ = timestamp(&text);
        let _ = duration(&text);
        let _ = field_mask(&text, MaskNames::Either, &mut Builder::new());
    }
}
