//! Master files.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rosterd_fuzz::zone::check(input));
