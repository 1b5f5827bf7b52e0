//! Why the server ends a socket, and the code that tells the client what to do then.

use axum::extract::ws::{CloseFrame, Utf8Bytes, close_code};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::metrics::CloseKind;
use crate::replica::Leaving;

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The line broke, or the client did not say why it closed: nobody to tell.
    Gone,
    /// The client left on purpose.
    Left,
    /// A binary frame.
    Binary,
    /// A frame that breaks the WebSocket protocol.
    Garbled,
    /// A text that is no UTF-8.
    NotUtf8,
    /// A frame over the limit.
    TooLarge,
    /// Too many messages were refused by the rate limits.
    RateLimited,
    /// The node is going away.
    Restart,
    /// The client reads more slowly than its games go on.
    TooSlow,
    /// The client has read nothing for as long as one write may take, or so little that nothing more can wait for it.
    Stuck,
    /// This node does not reach the store, and another one may.
    CutOff,
    /// The token is good no longer.
    Expired,
    /// Nothing was heard from the client for too long.
    Silent,
}

impl Close {
    /// Why a client says that it closes.
    pub(super) fn by_client(frame: Option<&CloseFrame>) -> Self {
        match frame.map(|frame| frame.code) {
            Some(close_code::NORMAL | close_code::AWAY) => Self::Left,
            _ => Self::Gone,
        }
    }

    /// Why nothing could be written.
    pub(super) fn while_writing(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref() {
            // Answers to its own pings have filled it.
            Some(tungstenite::Error::WriteBufferFull(_)) => Self::Stuck,
            _ => Self::Gone,
        }
    }

    /// How a seat is left with it.
    pub(super) const fn leaving(self) -> Leaving {
        match self {
            Self::Left => Leaving::OnPurpose,
            _ => Leaving::Lost,
        }
    }

    /// What is counted.
    pub(super) const fn kind(self) -> CloseKind {
        match self {
            Self::Gone | Self::Left => CloseKind::Gone,
            Self::Binary => CloseKind::Binary,
            Self::Garbled | Self::NotUtf8 => CloseKind::Garbled,
            Self::TooLarge => CloseKind::TooLarge,
            Self::RateLimited => CloseKind::RateLimited,
            Self::Restart => CloseKind::Restart,
            Self::TooSlow | Self::Stuck => CloseKind::TooSlow,
            Self::CutOff => CloseKind::CutOff,
            Self::Expired => CloseKind::Expired,
            Self::Silent => CloseKind::Silent,
        }
    }

    /// The frame to send; none where nobody would read it.
    pub(super) fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone | Self::Left | Self::Stuck => return None,
            Self::Binary => (1003, "only text is understood"),
            Self::Garbled => (1002, "this breaks the WebSocket protocol"),
            Self::NotUtf8 => (1007, "a text is not UTF-8"),
            Self::TooLarge => (1009, "frame too large"),
            Self::RateLimited => (1008, "too many messages: wait, then connect again"),
            Self::Restart => (1012, "restarting: connect again"),
            Self::TooSlow => (1013, "too slow: connect again"),
            Self::CutOff => (1013, "the store does not answer here: connect again"),
            Self::Expired => (4401, "the token has expired"),
            Self::Silent => (4408, "no sign of life"),
        };
        Some(CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        })
    }
}

impl From<axum::Error> for Close {
    fn from(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref() {
            // The line broke.
            Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                Self::Gone
            }
            Some(tungstenite::Error::Capacity(_)) => Self::TooLarge,
            Some(tungstenite::Error::Protocol(_)) => Self::Garbled,
            Some(tungstenite::Error::Utf8(_)) => Self::NotUtf8,
            _ => Self::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn who_lets_no_more_be_written_reads_too_little() {
        let full = tungstenite::Error::WriteBufferFull(Box::new(tungstenite::Message::text("")));
        let of = |error| Close::while_writing(axum::Error::new(error));
        assert_eq!(of(full), Close::Stuck);
        assert_eq!(of(tungstenite::Error::ConnectionClosed), Close::Gone);
    }

    #[test]
    fn the_manual_has_every_code() {
        let reasons = [
            Close::Gone,
            Close::Left,
            Close::Binary,
            Close::Garbled,
            Close::NotUtf8,
            Close::TooLarge,
            Close::RateLimited,
            Close::Restart,
            Close::TooSlow,
            Close::Stuck,
            Close::CutOff,
            Close::Expired,
            Close::Silent,
        ];
        let frames = reasons.into_iter().filter_map(Close::frame);
        let codes: BTreeSet<u16> = frames.map(|frame| frame.code).collect();
        let manual = include_str!("../../../PROTOCOL.md");
        let table = manual.split("| code | why |").nth(1).unwrap();
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let told: BTreeSet<u16> = rows.map(|row| row[2..6].parse().unwrap()).collect();
        assert_eq!(told, codes);
    }

    #[test]
    fn a_client_leaves_on_purpose_with_two_codes() {
        for (code, leaving) in [
            (Some(1000), Leaving::OnPurpose),
            (Some(1001), Leaving::OnPurpose),
            (Some(1002), Leaving::Lost),
            (Some(4000), Leaving::Lost),
            (None, Leaving::Lost),
        ] {
            let frame = code.map(|code| CloseFrame {
                code,
                reason: Utf8Bytes::default(),
            });
            assert_eq!(
                Close::by_client(frame.as_ref()).leaving(),
                leaving,
                "{code:?}"
            );
        }
    }
}
