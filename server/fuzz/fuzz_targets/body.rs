//! Fuzzes what `zeitnot::fuzz::body` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::body(data));
