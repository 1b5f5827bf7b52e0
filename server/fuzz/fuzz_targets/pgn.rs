//! Fuzzes what `zeitnot::fuzz::pgn` says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| zeitnot::fuzz::pgn(data));
