//! Text frames into messages, with errors that name the field.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeitnot_game::wire::ClientMsg;

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
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        let problem = e.into_inner();
        if path == "." {
            problem.to_string()
        } else {
            format!("{path}: {problem}")
        }
    })
}

fn shorten(text: &str) -> String {
    text.chars().take(20).collect()
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
    fn deep_json_is_no_danger() {
        let nest = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let ignored = format!(r#"{{"t":"ping","x":{}}}"#, nest(1_900));
        assert_eq!(parse(&ignored), Ok((None, ClientMsg::Ping)));
        let read = format!(r#"{{"t":"watch","game":{}}}"#, nest(1_900));
        assert!(parse(&read).is_err());
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let (re, msg) = parse(r#"{"t":"ping","id":-3,"more":[1,{"a":null}]}"#).unwrap();
        assert_eq!((re, msg), (Some(-3), ClientMsg::Ping));
    }
}
