//! Text as path templates and a path.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::route(text));
