//! Fuzzes what `zeitnot::fuzz::san` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::san(data));
