//! Connections of DNS over HTTPS.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rosterd_fuzz::https::check(input));
