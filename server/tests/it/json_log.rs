//! Logs for machines: every line is one JSON object, and says which node, and which game or user it is about.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::support::entrance::Entrance;
use crate::support::table::Table;

#[tokio::test]
async fn every_line_is_json_and_has_its_ids_as_fields() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_zeitnot"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--internal-listen",
            "127.0.0.1:0",
        ])
        .args(["--log", "json", "--node-name", "n-7"])
        .current_dir(dir.path())
        .env_clear()
        .env("RUST_LOG", "zeitnot=debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    let mut stderr = process.stderr.take().unwrap();
    let reader = thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let address = first.trim().strip_prefix("listening on http://").unwrap();
    let entrance = Entrance::at(address);
    let table = Table::sit_down([&entrance; 3], &json!({})).await;
    let (game, user) = (table.game, table.seats[0].hello()["user"]["id"].clone());
    drop(table);
    let pid = process.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let log = reader.join().unwrap();

    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    for line in &lines {
        assert_eq!(line["node"], "n-7", "{line}");
        for field in ["timestamp", "level", "message"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
    }
    let about = |field: &str, id: &Value| lines.iter().any(|line| line[field] == *id);
    assert!(about("game.id", &json!(game)), "{log}");
    assert!(about("user.id", &user), "{log}");
    assert!(!log.contains("eyJ"), "no token is in it: {log}");
}
