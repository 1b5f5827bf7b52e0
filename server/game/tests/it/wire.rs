//! Every frame of the wire has an example that is read and written again the same, and no kind lacks one.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeitnot_game::wire::{ClientFrame, ServerMsg};

const CLIENT: &str = include_str!("../data/wire/client.jsonl");
const SERVER: &str = include_str!("../data/wire/server.jsonl");

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
    let kinds = kinds::<ClientFrame>(CLIENT);
    let expected = "watch unwatch move resign abort berserk draw takeback rematch give_time claim flag say lobby \
                    unlobby seek unseek auth ping";
    assert_eq!(
        kinds,
        expected.split_whitespace().map(str::to_owned).collect()
    );
}

#[test]
fn the_servers_messages_have_examples() {
    let kinds = kinds::<ServerMsg>(SERVER);
    let expected = "hello pong game move draw takeback rematch time end ratings presence crowd chat game_start \
                    challenge challenge_declined challenge_canceled seeks status draining ok error";
    assert_eq!(
        kinds,
        expected.split_whitespace().map(str::to_owned).collect()
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
