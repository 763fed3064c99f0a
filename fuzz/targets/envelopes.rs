//! Bytes as messages in Connect's envelopes or in gRPC's framing.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::envelopes(bytes));
