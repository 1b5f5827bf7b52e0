//! What the README shows works as it stands there.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::tempdir;
use zeitnot_loadtest::deployment::Deployment;

use crate::support::binary;
use crate::support::entrance::Entrance;

const README: &str = include_str!("../../../README.md");

/// What a program printed; it ended well.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .into();
    assert!(output.status.success(), "{command:?}: {out}{err}");
    out
}

#[tokio::test]
async fn the_client_plays_a_move_for_each_side() {
    let folder = tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    fs::write(&keys, printed(Command::new(binary()).args(["keys", "new"]))).unwrap();
    let with_keys = ["--jwt-keys", keys.to_str().unwrap()];
    let deployment = Deployment::embedded_with(binary(), (&with_keys, &[])).unwrap();
    let client = README.split("```js\n").nth(1).unwrap();
    let client = client.split("```").next().unwrap();
    let script = folder.path().join("first-move.mjs");
    fs::write(&script, client).unwrap();
    let token = |user| {
        let mut command = Command::new(binary());
        let token = printed(command.args(["token", "--user", user]).args(with_keys));
        token.trim_end().to_owned()
    };
    let node = deployment.node(0);
    let out = printed(
        Command::new("node")
            .arg("--experimental-websocket")
            .arg(&script)
            .args([token("anna"), token("bo")])
            .env("ZEITNOT", format!("http://{}", node.address())),
    );
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    let game = lines[0].rsplit('/').next().unwrap();
    let entrance = Entrance::of(node);
    let (_, game) = entrance
        .try_request(&format!("/api/games/{game}"))
        .await
        .unwrap();
    assert_eq!(game["moves"], Value::from("e2e4 e7e5"));
}

#[test]
fn every_flag_that_is_told_of_exists() {
    let help = printed(Command::new(binary()).arg("--help"));
    let settings = README.split("## Settings").nth(1).unwrap();
    let rows = settings.lines().filter(|line| line.starts_with("| `--"));
    let flags = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    for flag in flags {
        assert!(help.contains(flag), "{flag}");
    }
}
