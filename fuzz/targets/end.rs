//! Text as the trailers of a call.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::end(text));
