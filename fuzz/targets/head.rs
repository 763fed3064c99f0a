//! Text as the head of a call in gRPC, gRPC-Web or Connect.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::head(text));
