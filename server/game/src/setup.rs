//! How a game was set up: entry 1 of its log.
//!
//! ```text
//! game1 standard 180+2 casual white:guest-k2x9w0q4ab:Anna black:guest-0aab12cd34:Bo%20B created:1795348800000 1795348799990 aZ4k9
//! game1 chess960 3d rated fen:bqnbrknr/…_w_KQkq_-_0_1 first:20000 white:anna:Anna black:bo:Bo created:… 1795348799990 aZ4k9
//! ```
//!
//! The store adds the unix time, the moment of its play clock from which the game's moments count, and the tag.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::clock::TimeControl;
use crate::color::{ByColor, Color};
use crate::entry::{parse_number, split_stamp};
use crate::id::{Tag, UserId};
use crate::rules::Position;
use crate::time::{Millis, PlayTime, UnixMillis};
use crate::variant::Variant;

/// The first word of every set-up: the kind and its format's version.
const KIND: &str = "game1";

/// A user in a seat, as he was when the game began.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Player {
    /// Who it is.
    pub id: UserId,
    /// The name to show.
    pub name: Box<str>,
}

/// What two players agree on before they sit down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The rules.
    pub variant: Variant,
    /// The position to start from.
    pub start: Position,
    /// The time that the players have.
    pub time_control: TimeControl,
    /// Whether it counts for ratings.
    pub rated: bool,
    /// With a clock: how long each side has for its first move.
    pub first_move: Millis,
    /// The base from which the wait for a player who left is computed.
    pub claim_after: Millis,
}

/// Everything that is fixed before the first move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// What was agreed on.
    pub terms: Terms,
    /// Who plays.
    pub players: ByColor<Player>,
}

/// The wait for a first move where nobody set another one.
pub const DEFAULT_FIRST_MOVE: Millis = Millis::from_secs(30);

/// The base of the wait for a player who left where nobody set another one.
pub const DEFAULT_CLAIM_AFTER: Millis = Millis::from_secs(40);

impl Setup {
    /// The seat of a user, if it has one.
    #[must_use]
    pub fn seat_of(&self, user: &UserId) -> Option<Color> {
        Color::ALL
            .into_iter()
            .find(|&color| self.players[color].id == *user)
    }
}

/// Entry 1 of a log: the set-up with what the store added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstEntry {
    /// What was asked for.
    pub setup: Setup,
    /// When, for people.
    pub created: UnixMillis,
    /// When, on the store's play clock: the zero of the game's own scale.
    pub origin: PlayTime,
    /// The tag of its append.
    pub tag: Tag,
}

/// The line is no set-up that this build can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a set-up that this build can read")]
pub struct InvalidSetup;

impl fmt::Display for Player {
    /// `id:name`, the name escaped to one word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, Escaped(&self.name))
    }
}

impl FromStr for Player {
    type Err = InvalidSetup;

    fn from_str(text: &str) -> Result<Self, InvalidSetup> {
        let (id, name) = text.split_once(':').ok_or(InvalidSetup)?;
        Ok(Self {
            id: id.parse().map_err(|_| InvalidSetup)?,
            name: unescape(name).ok_or(InvalidSetup)?.into(),
        })
    }
}

impl fmt::Display for Terms {
    /// The first words of entry 1: the players follow.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KIND} {} ", self.variant)?;
        match self.time_control {
            TimeControl::Clock { limit, increment } => {
                write!(f, "{}+{}", limit.0 / 1000, increment.0 / 1000)?;
            }
            TimeControl::Correspondence { days } => write!(f, "{days}d")?,
            TimeControl::Unlimited => f.write_char('-')?,
        }
        f.write_str(if self.rated { " rated" } else { " casual" })?;
        if self.start != Position::start(self.variant) {
            write!(f, " fen:{}", self.start.fen().replace(' ', "_"))?;
        }
        if self.first_move != DEFAULT_FIRST_MOVE {
            write!(f, " first:{}", self.first_move.0)?;
        }
        if self.claim_after != DEFAULT_CLAIM_AFTER {
            write!(f, " claim:{}", self.claim_after.0)?;
        }
        Ok(())
    }
}

impl FromStr for Terms {
    type Err = InvalidSetup;

    fn from_str(text: &str) -> Result<Self, InvalidSetup> {
        let (terms, _) = parse_terms(text).ok_or(InvalidSetup)?;
        Ok(terms)
    }
}

impl fmt::Display for Setup {
    /// The body of entry 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { terms, players } = self;
        write!(f, "{terms} white:{} black:{}", players.white, players.black)
    }
}

impl FromStr for FirstEntry {
    type Err = InvalidSetup;

    fn from_str(line: &str) -> Result<Self, InvalidSetup> {
        let (body, origin, tag) = split_stamp(line).ok_or(InvalidSetup)?;
        let (setup, created) = parse_body(body).ok_or(InvalidSetup)?;
        Ok(Self {
            setup,
            created,
            origin: PlayTime(origin),
            tag,
        })
    }
}

fn parse_body(body: &str) -> Option<(Setup, UnixMillis)> {
    let (terms, others) = parse_terms(body)?;
    let (mut white, mut black, mut created) = (None, None, None);
    for (key, value) in others {
        match key {
            "white" => white = Some(value.parse().ok()?),
            "black" => black = Some(value.parse().ok()?),
            "created" => created = Some(UnixMillis(parse_number(value)?)),
            _ => {}
        }
    }
    let players = ByColor {
        white: white?,
        black: black?,
    };
    Some((Setup { terms, players }, created?))
}

/// The terms, and the parts that are not about them.
fn parse_terms(text: &str) -> Option<(Terms, Vec<(&str, &str)>)> {
    let mut words = text.split(' ');
    if words.next()? != KIND {
        return None;
    }
    let variant: Variant = words.next()?.parse().ok()?;
    let time_control = parse_time_control(words.next()?)?;
    let rated = match words.next()? {
        "rated" => true,
        "casual" => false,
        _ => return None,
    };
    let (mut start, mut others) = (None, Vec::new());
    let (mut first_move, mut claim_after) = (DEFAULT_FIRST_MOVE, DEFAULT_CLAIM_AFTER);
    for (key, value) in words.filter_map(|word| word.split_once(':')) {
        match key {
            "fen" => {
                start = Some(Position::from_fen(variant, &value.replace('_', " ")).ok()?);
            }
            "first" => first_move = Millis(parse_number(value)?),
            "claim" => claim_after = Millis(parse_number(value)?),
            _ => others.push((key, value)),
        }
    }
    let terms = Terms {
        variant,
        start: start.unwrap_or_else(|| Position::start(variant)),
        time_control,
        rated,
        first_move,
        claim_after,
    };
    Some((terms, others))
}

fn parse_time_control(word: &str) -> Option<TimeControl> {
    if word == "-" {
        return Some(TimeControl::Unlimited);
    }
    if let Some(days) = word.strip_suffix('d') {
        return TimeControl::correspondence(parse_number(days)?).ok();
    }
    let (limit, increment) = word.split_once('+')?;
    TimeControl::clock(parse_number(limit)?, parse_number(increment)?).ok()
}

/// A name as one word: every byte that is not a letter, a digit, `-`, `.` or `_` becomes `%` and two hex digits.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
                f.write_char(byte.into())?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (hex, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
