//! Text as the parameters of a query.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::query(text));
