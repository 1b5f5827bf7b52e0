//! Fuzzes what `zeitnot::fuzz::fen` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::fen(data));
