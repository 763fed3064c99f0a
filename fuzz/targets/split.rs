//! Bytes as a stream of JSON values, cut where they say.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::split(bytes));
