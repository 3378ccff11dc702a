//! Bodies of the Kubernetes API in Protocol Buffers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rosterd_fuzz::protobuf::check(input));
