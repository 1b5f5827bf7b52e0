//! Steps up to the knee: where they end, and what they refuse.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{TOOL, number, run, server};

#[test]
fn steps_go_up_to_where_they_are_told_to_end() {
    let args = [
        "steps",
        "--from",
        "10",
        "--to",
        "20",
        "--factor",
        "200",
        "--limit",
        "60000",
        "--rest",
        "0",
        "--seconds",
        "1",
        "--nodes",
        "1",
    ];
    let runs = run(&args);
    assert_eq!(runs.len(), 2);
    assert!(number(&runs[0], "last step within the limit") >= 10.0);
}

#[test]
fn steps_before_one_that_cannot_be_taken_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("findings.json");
    let args = "--from 10 --to 1000 --factor 1000 --rest 0 --limit 60000 --seconds 1 --nodes 1";
    let steps = format!("ulimit -n 550; exec \"$0\" steps {args} --json \"$1\"");
    server();
    let output = Command::new("sh")
        .args(["-c", &steps, TOOL])
        .arg(&json)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("100 moves/s: 100 sockets are more"), "{said}");
    let runs: Vec<Value> = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(number(&runs[0], "last step within the limit"), 10.0);
}

#[test]
fn steps_that_cannot_be_are_refused_before_anything_starts() {
    let refused = |args: &[&str]| {
        let output = Command::new(TOOL).args(args).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for scenario in ["steps", "compare"] {
        let said = refused(&[scenario, "--from", "900", "--to", "100"]);
        assert!(said.contains("there is no step"), "{said}");
    }
    let said = refused(&["compare", "--seconds", "60"]);
    assert!(said.contains("does not last for 62 s"), "{said}");
}
