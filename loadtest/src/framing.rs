//! How messages of ours travel in a socket: as they are, or wrapped in another protocol's events. Pure; everything else of
//! the load tool sees the message only.

use anyhow::{Context as _, bail, ensure};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes as Text};

/// What all of our messages begin with.
const TYPE: &str = r#"{"t":""#;

/// One of the ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One text frame each.
    Plain,
    /// An event of Socket.IO 4 over Engine.IO 4, by the name of the message's type. One with an id has an acknowledgement,
    /// whose first argument is the answer.
    SocketIo,
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
