//! Fuzzes what `zeitnot::fuzz::token` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::token(data));
