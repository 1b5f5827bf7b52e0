//! Fuzzes what `zeitnot::fuzz::frame` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::frame(data));
