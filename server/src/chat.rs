//! Lines of chat, on their way between a socket, the store and the followers of a game. Text is only ever shown, never
//! read.

use zeitnot_game::color::Color;
use zeitnot_game::setup::Player;
use zeitnot_game::wire::{Author, ChatLine, Room};

use crate::limits::{CHAT_LINES, MAX_CHAT_KEY, MAX_CHAT_TEXT};
use crate::store::{Line, Said};
use crate::text::plain;

/// A line that a user wants to say.
#[derive(Debug, Clone)]
pub struct Say {
    /// Who says it, with the name to show.
    pub author: Player,
    /// Where.
    pub room: Room,
    /// What: plain text, already cleaned.
    pub text: String,
    /// The author's own mark for this line; empty: none.
    pub key: String,
}

/// Why a line is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLine {
    /// Nothing to see, or too much.
    #[error("text: a line has 1 to {MAX_CHAT_TEXT} characters")]
    Text,
    /// A mark of another shape.
    #[error("key: a key has up to {MAX_CHAT_KEY} letters, digits, - or _")]
    Key,
}

/// A line as it is said.
///
/// # Errors
/// Nothing is left of it, or too much.
pub fn clean(text: &str) -> Result<String, InvalidLine> {
    let text = plain(text);
    let is_fit = (1..=MAX_CHAT_TEXT).contains(&text.chars().count());
    is_fit.then_some(text).ok_or(InvalidLine::Text)
}

/// A client's mark for its line.
///
/// # Errors
/// It is too long, or not one word.
pub fn key(key: Option<&str>) -> Result<String, InvalidLine> {
    let key = key.unwrap_or_default();
    let is_fit = key.len() <= MAX_CHAT_KEY
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    is_fit.then(|| key.to_owned()).ok_or(InvalidLine::Key)
}

const fn room_name(room: Room) -> &'static str {
    match room {
        Room::Players => "players",
        Room::Spectators => "spectators",
    }
}

/// A line as the store has it.
pub(crate) fn line(say: &Say) -> Line {
    Line {
        room: room_name(say.room).to_owned(),
        author: say.author.to_string(),
        key: say.key.clone(),
        text: say.text.clone(),
    }
}

/// A line as followers get it; nothing if another build wrote it in a shape that this one does not know.
pub(crate) fn shown(said: &Said) -> Option<ChatLine> {
    let room = [Room::Players, Room::Spectators]
        .into_iter()
        .find(|&room| room_name(room) == said.line.room)?;
    let author: Player = said.line.author.parse().ok()?;
    Some(ChatLine {
        room,
        n: said.n,
        user: Author {
            id: author.id,
            name: author.name.into(),
        },
        text: said.line.text.clone(),
    })
}

/// Whether a follower reads a room: seats read the players', others the spectators', and after the end seats read both.
pub(crate) const fn may_read(seat: Option<Color>, room: Room, is_over: bool) -> bool {
    match room {
        Room::Players => seat.is_some(),
        Room::Spectators => seat.is_none() || is_over,
    }
}

/// The last lines of a game's rooms, in their order.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<ChatLine>);

impl Lines {
    /// Whether the line is new; the oldest one of its room makes place for it. Lines may come out of order, since those
    /// that were missed are read.
    pub(crate) fn keep(&mut self, line: ChatLine) -> bool {
        let Self(lines) = self;
        let room = line.room;
        let mut known = lines.iter().filter(|other| other.room == room);
        if known.any(|other| other.n == line.n) {
            return false;
        }
        let is_later = |other: &ChatLine| other.room == room && other.n > line.n;
        let place = lines.iter().position(is_later);
        lines.insert(place.unwrap_or(lines.len()), line);
        if lines.iter().filter(|other| other.room == room).count() > CHAT_LINES
            && let Some(oldest) = lines.iter().position(|other| other.room == room)
        {
            lines.remove(oldest);
        }
        true
    }

    /// Those that a seat may read, or a spectator.
    pub(crate) fn readable(&self, seat: Option<Color>, is_over: bool) -> Vec<ChatLine> {
        let may_read = |line: &&ChatLine| may_read(seat, line.room, is_over);
        self.0.iter().filter(may_read).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_plain_text_of_some_length() {
        assert_eq!(
            clean("  good \n\t luck\u{202e}!\u{0}").as_deref(),
            Ok("good luck!")
        );
        assert_eq!(
            clean("<b>&amp;").as_deref(),
            Ok("<b>&amp;"),
            "shown as it is"
        );
        for text in ["", " \n ", "\u{200b}\u{2060}"] {
            assert_eq!(clean(text), Err(InvalidLine::Text), "{text:?}");
        }
        assert!(clean(&"ü".repeat(140)).is_ok());
        let composed = clean(&"u\u{308}".repeat(140));
        assert_eq!(composed, Ok("ü".repeat(140)), "counted as shown");
        assert_eq!(clean(&"ü".repeat(141)), Err(InvalidLine::Text));
    }

    #[test]
    fn keys_are_short_words() {
        assert_eq!(key(None).as_deref(), Ok(""));
        assert_eq!(key(Some("a-B_9")).as_deref(), Ok("a-B_9"));
        for text in ["a b", "ü", "12345678901234567"] {
            assert_eq!(key(Some(text)), Err(InvalidLine::Key), "{text}");
        }
    }

    #[test]
    fn a_line_survives_the_store() {
        let say = Say {
            author: Player {
                id: "bo".parse().unwrap(),
                name: "Bo B".into(),
            },
            room: Room::Spectators,
            text: "what a move".into(),
            key: "k1".into(),
        };
        let said = Said {
            n: 7,
            line: line(&say),
        };
        let shown = shown(&said).unwrap();
        assert_eq!(
            (shown.n, shown.room, shown.text.as_str()),
            (7, Room::Spectators, "what a move")
        );
        assert_eq!(shown.user.name, "Bo B");
    }
}
