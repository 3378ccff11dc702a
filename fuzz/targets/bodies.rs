//! Bodies of the Kubernetes API's lists and watches.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rosterd_fuzz::bodies::check(input));
