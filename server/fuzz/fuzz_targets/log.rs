//! Fuzzes what `zeitnot::fuzz::log` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::log(data));
