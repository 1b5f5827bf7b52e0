//! Text frames into messages, with errors that name the field.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeitnot_game::wire::ClientMsg;

use crate::limits::MAX_QUOTED;

/// A frame that is no message, and what is known of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadMessage {
    /// Its `id`, if that could be read.
    pub(super) re: Option<i64>,
    /// What is wrong, for people.
    pub(super) problem: String,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    t: Value,
    id: Option<i64>,
}

/// Reads a frame: its `id` and the message.
pub(super) fn parse(text: &str) -> Result<(Option<i64>, ClientMsg), BadMessage> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|problem| BadMessage {
        re: None,
        problem: problem.to_string(),
    })?;
    let re = envelope.id;
    let Some(t) = envelope.t.as_str() else {
        let problem = "t: missing, or no text".to_owned();
        return Err(BadMessage { re, problem });
    };
    let msg = match t {
        "watch" => fields(text).map(ClientMsg::Watch),
        "unwatch" => fields(text).map(ClientMsg::Unwatch),
        "move" => fields(text).map(ClientMsg::Move),
        "resign" => fields(text).map(ClientMsg::Resign),
        "abort" => fields(text).map(ClientMsg::Abort),
        "berserk" => fields(text).map(ClientMsg::Berserk),
        "draw" => fields(text).map(ClientMsg::Draw),
        "takeback" => fields(text).map(ClientMsg::Takeback),
        "rematch" => fields(text).map(ClientMsg::Rematch),
        "claim" => fields(text).map(ClientMsg::Claim),
        "say" => fields(text).map(ClientMsg::Say),
        "give_time" => fields(text).map(ClientMsg::GiveTime),
        "flag" => fields(text).map(ClientMsg::Flag),
        "seek" => fields(text).map(ClientMsg::Seek),
        "unseek" => fields(text).map(ClientMsg::Unseek),
        "lobby" => Ok(ClientMsg::Lobby),
        "unlobby" => Ok(ClientMsg::Unlobby),
        "auth" => fields(text).map(ClientMsg::Auth),
        "ping" => Ok(ClientMsg::Ping),
        unknown => Err(format!("t: there is no message `{}`", shorten(unknown))),
    };
    msg.map(|msg| (re, msg))
        .map_err(|problem| BadMessage { re, problem })
}

fn fields<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // Where each field stands is only looked at when one is wrong: that is as much work again.
    serde_json::from_str(text).or_else(|_| named_fields(text))
}

/// The same with an error that names the field.
fn named_fields<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        let problem = quoting_little(&e.into_inner().to_string());
        if path == "." {
            problem
        } else {
            format!("{path}: {problem}")
        }
    })
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

/// An error quotes what it could not read, which may be long, or a secret in the wrong field.
fn quoting_little(problem: &str) -> String {
    let words = problem.split(' ').map(|word| {
        if word.chars().count() > 2 * MAX_QUOTED {
            shorten(word) + "…"
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("", None, "EOF"),
            ("[1]", None, "expected"),
            (r#"{"t":7,"id":4}"#, Some(4), "t: missing"),
            (r#"{"id":4}"#, Some(4), "t: missing"),
            (r#"{"t":"watch","id":"x"}"#, None, "expected i64"),
            (r#"{"t":"dance","id":4}"#, Some(4), "no message `dance`"),
            (r#"{"t":"watch","id":4}"#, Some(4), "missing field `game`"),
            (
                r#"{"t":"watch","id":4,"game":"x"}"#,
                Some(4),
                "game: a game id is 8 letters or digits",
            ),
            (
                r#"{"t":"move","id":4,"game":"q7ZwA0bX","uci":"e9","ply":0}"#,
                Some(4),
                "uci: a move is written like",
            ),
            (
                r#"{"t":"move","id":4,"game":"q7ZwA0bX","uci":"e2e4","ply":"0"}"#,
                Some(4),
                "ply: invalid type",
            ),
            (
                r#"{"t":"move","id":4,"game":"q7ZwA0bX","uci":"e2e4","ply":70000}"#,
                Some(4),
                "ply: invalid value",
            ),
            (
                r#"{"t":"draw","id":4,"game":"q7ZwA0bX","do":"beg"}"#,
                Some(4),
                "do: unknown variant",
            ),
        ];
        for (text, re, problem) in cases {
            let bad = parse(text).unwrap_err();
            assert_eq!(bad.re, re, "{text}");
            assert!(bad.problem.contains(problem), "{text}: {}", bad.problem);
        }
    }

    #[test]
    fn little_is_quoted() {
        let secret = "s".repeat(3000);
        for text in [
            format!(r#"{{"t":"{secret}"}}"#),
            format!(r#"{{"t":"say","game":"q7ZwA0bX","room":"{secret}","text":"x"}}"#),
            format!(r#"{{"t":"watch","game":"{secret}"}}"#),
            format!(r#"{{"t":"move","game":"q7ZwA0bX","uci":"e2e4","ply":"{secret}"}}"#),
            format!(r#"{{"t":"seek","days":{}}}"#, "9".repeat(300)),
        ] {
            let problem = parse(&text).unwrap_err().problem;
            assert!(problem.chars().count() < 200, "{problem}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_out_of_range_is_refused() {
        let cases = [
            r#"{"t":"ping","t":"lobby"}"#,
            r#"{"t":"ping","id":1,"id":2}"#,
            r#"{"t":"watch","game":"q7ZwA0bX","game":"zzzzzzzz"}"#,
            r#"{"t":"move","game":"q7ZwA0bX","uci":"e2e4","uci":"d2d4","ply":0}"#,
            r#"{"t":"ping","id":1e999}"#,
            r#"{"t":"ping","id":9223372036854775808}"#,
            r#"{"t":"move","game":"q7ZwA0bX","uci":"e2e4","ply":0,"think":-1}"#,
            r#"{"t":"move","game":"q7ZwA0bX","uci":"e2e4","ply":0,"think":1e999}"#,
            r#"{"t":"seek","clock":{"limit":60,"limit":90,"increment":0}}"#,
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_json_is_no_danger() {
        let nest = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let ignored = format!(r#"{{"t":"ping","x":{}}}"#, nest(1_900));
        assert_eq!(parse(&ignored), Ok((None, ClientMsg::Ping)));
        for depth in [1_900, 100_000] {
            let read = format!(r#"{{"t":"watch","game":{}}}"#, nest(depth));
            assert!(parse(&read).is_err());
            assert!(parse(&nest(depth)).is_err());
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let (re, msg) = parse(r#"{"t":"ping","id":-3,"more":[1,{"a":null}]}"#).unwrap();
        assert_eq!((re, msg), (Some(-3), ClientMsg::Ping));
    }
}
