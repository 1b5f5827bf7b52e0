//! The chaos checker on the built server: with every kind of fault once no promise is broken, and where one must break it is
//! found. The games stay in a file each, which `make test` has replayed by other rules.

use std::path::Path;
use std::process::{Command, Output};

const TOOL: &str = env!("CARGO_BIN_EXE_zeitnot-loadtest");

fn run(args: &[&str]) -> (Output, String) {
    let server = Path::new(TOOL).with_file_name("zeitnot");
    let advice = "build the server first: cargo build --package zeitnot";
    assert!(server.is_file(), "{advice}");
    let run = Command::new(TOOL).arg("chaos").args(args).output().unwrap();
    let said = [&run.stdout[..], &run.stderr[..]].concat();
    (run, String::from_utf8_lossy(&said).into_owned())
}

/// Twelve games at a time, with each fault that the store can have.
fn keeps_its_promises(store: &str) {
    let sample = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{store}.jsonl"));
    let sample = sample.to_str().unwrap();
    let args = ["--games", "12", "--seconds", "1", "--sample", sample];
    let (run, said) = run(&[&["--store", store], &args[..]].concat());
    assert!(run.status.success(), "{}: {said}", run.status);
    assert!(said.contains("every promise was kept"), "{said}");
}

#[test]
fn nodes_over_redis_keep_their_promises_whatever_fails() {
    keeps_its_promises("redis");
}

#[test]
fn a_node_alone_keeps_its_promises_whatever_fails() {
    keeps_its_promises("embedded");
}

/// All others of this kind are in `make chaos-checked`, since they need a server that is broken on purpose. With few games: when
/// its log is full, at 4 MB, the store waits for the disk all the same.
#[test]
fn a_store_that_does_not_wait_for_the_disk_is_found() {
    let args = ["--faults", "power-cut", "--games", "6", "--seconds", "1"];
    let (run, said) = run(&[&["--store", "embedded", "--relaxed"], &args[..]].concat());
    assert!(!run.status.success(), "{said}");
    assert!(said.contains("\nI1 "), "{said}");
    assert!(said.contains(" is broken in game "), "{said}");
}
