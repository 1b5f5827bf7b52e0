//! The chaos checker on the built server: every kind of fault once, and no promise is broken.

use std::path::Path;
use std::process::Command;

const TOOL: &str = env!("CARGO_BIN_EXE_zeitnot-loadtest");

fn run(args: &[&str]) {
    let server = Path::new(TOOL).with_file_name("zeitnot");
    let advice = "build the server first: cargo build --package zeitnot";
    assert!(server.is_file(), "{advice}");
    let run = Command::new(TOOL).arg("chaos").args(args).output().unwrap();
    let said = [run.stdout, run.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(run.status.success(), "{}: {said}", run.status);
    assert!(said.contains("every promise was kept"), "{said}");
}

#[test]
fn nodes_over_redis_keep_their_promises_whatever_fails() {
    run(&["--store", "redis", "--games", "12", "--seconds", "1"]);
}

#[test]
fn a_node_alone_keeps_its_promises_whatever_fails() {
    run(&["--store", "embedded", "--games", "12", "--seconds", "1"]);
}
