//! Every frame of the wire has an example that is read and written again the same, and no kind lacks one.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeitnot_game::wire::{ClientFrame, ErrorCode, ServerMsg};

const CLIENT: &str = include_str!("../data/wire/client.jsonl");
const SERVER: &str = include_str!("../data/wire/server.jsonl");
const MANUAL: &str = include_str!("../../../../PROTOCOL.md");

const CLIENT_KINDS: &str = "watch unwatch move resign abort berserk draw takeback rematch give_time claim flag say lobby \
                            unlobby seek unseek auth ping";
const SERVER_KINDS: &str = "hello pong game move draw takeback rematch time end ratings presence crowd chat game_start \
                            challenge challenge_declined challenge_canceled seeks status draining ok error";

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The kinds among the examples, each of which survived the way both ways, field by field.
fn kinds<T: DeserializeOwned + Serialize>(examples: &str) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for line in examples.lines() {
        let frame: T = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let written = serde_json::to_value(&frame).unwrap();
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!(written, read);
        kinds.insert(read["t"].as_str().unwrap().to_owned());
    }
    kinds
}

#[test]
fn clients_messages_have_examples() {
    assert_eq!(kinds::<ClientFrame>(CLIENT), words(CLIENT_KINDS));
}

#[test]
fn the_servers_messages_have_examples() {
    assert_eq!(kinds::<ServerMsg>(SERVER), words(SERVER_KINDS));
}

/// The lines of all blocks in the manual that are written in `language`.
fn blocks(language: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = MANUAL.split(&fence).skip(1);
    let bodies = blocks.map(|rest| rest.split("```").next().unwrap());
    bodies.collect()
}

#[test]
fn the_manual_shows_every_kind_of_frame_as_it_is() {
    assert_eq!(
        kinds::<ClientFrame>(&blocks("json client")),
        words(CLIENT_KINDS)
    );
    assert_eq!(
        kinds::<ServerMsg>(&blocks("json server")),
        words(SERVER_KINDS)
    );
}

#[test]
fn the_manual_has_every_code_of_an_error() {
    let table = MANUAL.split("| code | HTTP | |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let codes: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    for code in &codes {
        let code = serde_json::from_value::<ErrorCode>(Value::from(*code));
        code.unwrap_or_else(|e| panic!("{e}"));
    }
    // The error for an unknown code lists all of them.
    let unknown = serde_json::from_value::<ErrorCode>(Value::from("?")).unwrap_err();
    let known: BTreeSet<String> = unknown
        .to_string()
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(
        codes
            .iter()
            .map(|code| (*code).to_owned())
            .collect::<BTreeSet<_>>(),
        known
    );
}

#[test]
fn unknown_fields_are_ignored() {
    let json = r#"{"t":"watch","game":"q7ZwA0bX","since":3,"deep":{"a":[1]}}"#;
    let frame: ClientFrame = serde_json::from_str(json).unwrap();
    assert_eq!(
        serde_json::to_string(&frame).unwrap(),
        r#"{"t":"watch","game":"q7ZwA0bX"}"#
    );
}

#[test]
fn malformed_messages_are_refused() {
    let cases = [
        "",
        "[]",
        "{}",
        r#"{"t":"dance"}"#,
        r#"{"t":"watch"}"#,
        r#"{"t":"watch","game":"q7ZwA0b"}"#,
        r#"{"t":"watch","game":"q7ZwA0b%"}"#,
        r#"{"t":"watch","game":17}"#,
        r#"{"t":"move","game":"q7ZwA0bX","uci":"e9e4","ply":1}"#,
        r#"{"t":"move","game":"q7ZwA0bX","uci":"0000","ply":1}"#,
        r#"{"t":"move","game":"q7ZwA0bX","uci":"e2e4","ply":-1}"#,
        r#"{"t":"move","game":"q7ZwA0bX","uci":"e2e4","ply":1.5}"#,
        r#"{"t":"draw","game":"q7ZwA0bX","do":"beg"}"#,
    ];
    for json in cases {
        assert!(serde_json::from_str::<ClientFrame>(json).is_err(), "{json}");
    }
}
