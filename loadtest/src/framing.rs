//! How messages of ours travel in a socket: as they are, or wrapped in another protocol's events. Pure; everything else of
//! the load tool sees the message only.

mod msgpack;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes as Text};

/// What all of our messages begin with.
const TYPE: &str = r#"{"t":""#;

/// What frames of a Colyseus room begin with.
pub(crate) const JOIN_ROOM: u8 = 10;
const ROOM_DATA: u8 = 13;
const ROOM_STATE: u8 = 14;
const ROOM_STATE_PATCH: u8 = 15;

/// One of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One text frame each.
    Plain,
    /// An event of Socket.IO 4 over Engine.IO 4, by the name of the message's type. One with an id has an acknowledgement,
    /// whose first argument is the answer.
    SocketIo,
    /// A room's message of Colyseus 0.18, by the name of the message's type, in MessagePack.
    Colyseus,
}

/// What came in.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message.
    Message(Text),
    /// Something of the protocol's own, which is answered with this.
    Answered(Message),
    /// Something of the protocol's own.
    Nothing,
}

impl Framing {
    /// A message to be sent.
    pub(crate) fn wrap(self, text: String) -> anyhow::Result<Message> {
        match self {
            Self::Plain => Ok(Message::text(text)),
            Self::SocketIo => {
                let kind = text
                    .strip_prefix(TYPE)
                    .and_then(|rest| rest.split_once('"'));
                let (kind, rest) = kind.context("a message has a type")?;
                let id = rest.strip_prefix(r#","id":"#).unwrap_or_default();
                let id = id.split(',').next().unwrap_or_default();
                Ok(Message::text(format!(r#"42{id}["{kind}",{text}]"#)))
            }
            Self::Colyseus => {
                let message: Value = serde_json::from_str(&text)?;
                let kind = message["t"].as_str().context("a message has a type")?;
                let mut bytes = vec![ROOM_DATA];
                msgpack::write(&Value::from(kind), &mut bytes);
                msgpack::write(&message, &mut bytes);
                Ok(Message::binary(bytes))
            }
        }
    }

    /// A frame that was received.
    ///
    /// # Errors
    /// The other side has closed, or says what nobody expected.
    pub(crate) fn unwrap(self, frame: Message) -> anyhow::Result<Received> {
        match (self, frame) {
            (_, Message::Close(reason)) => bail!("the server closed the socket: {reason:?}"),
            (Self::Plain, Message::Text(text)) => Ok(Received::Message(text)),
            (Self::SocketIo, Message::Text(text)) => packet(text),
            (Self::Colyseus, Message::Binary(bytes)) => of_room(&bytes),
            (Self::Colyseus, Message::Text(text)) => bail!("the server says {text}"),
            // A ping is answered by the library with the next read.
            (_, Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_)) => {
                Ok(Received::Nothing)
            }
        }
    }
}

/// A packet of Engine.IO, and in it one of Socket.IO.
fn packet(text: Text) -> anyhow::Result<Received> {
    let (start, end) = match text.as_bytes() {
        [b'2', ..] => return Ok(Received::Answered(Message::text("3"))),
        // Open, connected, nothing.
        [b'0' | b'6', ..] | [b'4', b'0', ..] => return Ok(Received::Nothing),
        // An event: its name, then what was sent with it.
        [b'4', b'2', ..] => (text.find(','), text.rfind(']')),
        // An acknowledgement: what was answered.
        [b'4', b'3', ..] => (text.find('['), text.rfind(']')),
        _ => bail!("the server says {text}"),
    };
    let (start, end) = (start.context("an argument")?, end.context("an end")?);
    ensure!(start < end, "the server says {text}");
    let message = Bytes::from(text).slice(start + 1..end);
    Ok(Received::Message(Text::try_from(message)?))
}

/// A frame of a room.
fn of_room(bytes: &[u8]) -> anyhow::Result<Received> {
    match bytes.split_first() {
        // It is answered with the same, without what it carries.
        Some((&JOIN_ROOM, _)) => Ok(Received::Answered(Message::binary(vec![JOIN_ROOM]))),
        Some((&ROOM_DATA, rest)) => {
            let (_kind, rest) = msgpack::to_json(rest)?;
            let (message, _) = msgpack::to_json(rest)?;
            Ok(Received::Message(message.into()))
        }
        Some((&(ROOM_STATE | ROOM_STATE_PATCH), _)) => Ok(Received::Nothing),
        _ => bail!("the server says {}", String::from_utf8_lossy(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_event_of_its_type_with_an_acknowledgement_if_it_has_an_id() {
        let cases = [
            (r#"{"t":"ping"}"#, r#"42["ping",{"t":"ping"}]"#),
            (
                r#"{"t":"watch","id":7,"game":"a"}"#,
                r#"427["watch",{"t":"watch","id":7,"game":"a"}]"#,
            ),
            (
                r#"{"t":"unwatch","game":"a"}"#,
                r#"42["unwatch",{"t":"unwatch","game":"a"}]"#,
            ),
        ];
        for (text, expected) in cases {
            let wrapped = Framing::SocketIo.wrap(text.to_owned()).unwrap();
            assert_eq!(wrapped, Message::text(expected));
        }
    }

    #[test]
    fn a_message_is_found_in_an_event_and_in_an_acknowledgement() {
        let cases = [
            (
                r#"42["move",{"t":"move","moves":[1,2]}]"#,
                Some(r#"{"t":"move","moves":[1,2]}"#),
            ),
            (r#"437[{"t":"ok","re":7}]"#, Some(r#"{"t":"ok","re":7}"#)),
            (r#"40{"sid":"a"}"#, None),
            ("6", None),
        ];
        for (packet, expected) in cases {
            let received = Framing::SocketIo.unwrap(Message::text(packet)).unwrap();
            match (received, expected) {
                (Received::Message(text), Some(expected)) => assert_eq!(text, expected),
                (Received::Nothing, None) => {}
                (other, _) => panic!("{packet}: {other:?}"),
            }
        }
        for bytes in [vec![JOIN_ROOM, 0, 0], vec![ROOM_STATE], Vec::new()] {
            let frame = Framing::Colyseus.unwrap(Message::binary(bytes.clone()));
            match (bytes.first(), frame) {
                (Some(&JOIN_ROOM), Ok(Received::Answered(answer))) => {
                    assert_eq!(answer, Message::binary(vec![JOIN_ROOM]));
                }
                (Some(_), Ok(Received::Nothing)) | (None, Err(_)) => {}
                (_, other) => panic!("{bytes:?}: {other:?}"),
            }
        }
        let sent = r#"{"t":"move","id":3,"uci":"e2e4"}"#;
        let sent = Framing::Colyseus.wrap(sent.to_owned()).unwrap();
        assert!(
            sent.clone().into_data().starts_with(b"\x0d\xa4move\x83"),
            "{sent:?}"
        );
        match Framing::Colyseus.unwrap(sent).unwrap() {
            Received::Message(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(message["uci"], "e2e4");
            }
            other => panic!("{other:?}"),
        }
        let pinged = Framing::SocketIo.unwrap(Message::text("2")).unwrap();
        assert!(matches!(pinged, Received::Answered(pong) if pong == Message::text("3")));
        for wrong in ["41", r#"44{"message":"no"}"#, "", "42", "43]["] {
            assert!(
                Framing::SocketIo.unwrap(Message::text(wrong)).is_err(),
                "{wrong}"
            );
        }
    }
}
