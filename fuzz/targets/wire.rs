//! Bytes as a message on the wire.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::wire(bytes));
