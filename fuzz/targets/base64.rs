//! Bytes as the text form of gRPC-Web.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::base64(bytes));
