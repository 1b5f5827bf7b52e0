//! One line of a stored log: an event, its moment and its tag, as text that a person can read.
//!
//! ```text
//! e2e4 10 aZ4k9                          a move that no clock charged, 10 ms after entry 1
//! e7e5 1834-56~40 245678 bQ7xM           1834 ms, of which 56 are lag; the round trip is 40 ms
//! draw-offer white 250001 c0LpE          also draw-decline, takeback-offer, takeback-decline, rematch-offer, …
//! takeback black to:2 251000 K1mmT       Black agreed; two half-moves remain
//! time black 15000 252000 Jw8Ra          Black got 15 s
//! end draw why:agreement by:black 253000 zz4Tf
//! rematch white q7ZwA0bX 260000 p0OaS    White agreed; the next game's id
//! ```
//!
//! The words before the last two are the *body*; the store adds the moment and the tag. Words after those that a kind
//! needs are left to later builds: they are kept and ignored. So is a whole entry of an unknown kind.

use std::fmt;
use std::str::{FromStr, Split};

use crate::clock::Charge;
use crate::event::{Event, Ply};
use crate::id::Tag;
use crate::limits::MAX_ENTRY_LEN;
use crate::outcome::{DrawReason, Outcome, Status};
use crate::time::{Millis, Timestamp};

/// Whether this build stands for a later one, which writes a word more behind each move, and one kind by another name.
const IS_NEXT: bool = cfg!(feature = "next-format");

/// What stands behind a move then.
const NEXT_WORD: &str = if IS_NEXT { " next:1" } else { "" };

/// What a declined draw is called, and what it will be called then.
const DRAW_DECLINED: &str = if IS_NEXT {
    NEXT_DRAW_DECLINED
} else {
    "draw-decline"
};
const NEXT_DRAW_DECLINED: &str = "draw-refused";

/// One entry of a log after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    text: Box<str>,
    at: Timestamp,
    tag: Tag,
    event: Option<Event>,
}

/// The line is no entry: moment or tag are missing, or it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an entry of a log")]
pub struct InvalidEntry;

impl Entry {
    /// The entry that the store makes of `event`.
    #[must_use]
    pub fn new(event: Event, at: Timestamp, tag: Tag) -> Self {
        Self {
            text: format!("{event} {} {tag}", at.0).into(),
            at,
            tag,
            event: Some(event),
        }
    }

    /// When it was committed.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The tag of its append.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// What happened; nothing if this build does not know its kind.
    #[must_use]
    pub const fn event(&self) -> Option<Event> {
        self.event
    }

    /// The stored line, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Entry {
    type Err = InvalidEntry;

    fn from_str(line: &str) -> Result<Self, InvalidEntry> {
        let (body, at, tag) = split_stamp(line).ok_or(InvalidEntry)?;
        Ok(Self {
            text: line.into(),
            at: Timestamp(at),
            tag,
            event: parse_event(body),
        })
    }
}

/// Takes a line apart into its body, its moment and its tag.
pub(crate) fn split_stamp(line: &str) -> Option<(&str, u64, Tag)> {
    if line.len() > MAX_ENTRY_LEN || line.contains(['\n', '\r']) {
        return None;
    }
    let (rest, tag) = line.rsplit_once(' ')?;
    let (body, at) = rest.rsplit_once(' ')?;
    Some((body, parse_number(at)?, tag.parse().ok()?))
}

/// Digits only, unlike `u64::from_str`, which takes a plus sign.
pub(crate) fn parse_number<T: FromStr>(s: &str) -> Option<T> {
    s.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| s.parse().ok())
        .flatten()
}

impl fmt::Display for Event {
    /// The body of its entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Played { mv, charge: None } => write!(f, "{mv}{NEXT_WORD}"),
            Self::Played {
                mv,
                charge: Some(charge),
            } => write!(f, "{mv} {charge}{NEXT_WORD}"),
            Self::DrawOffered(by) => write!(f, "draw-offer {by}"),
            Self::DrawDeclined(by) => write!(f, "{DRAW_DECLINED} {by}"),
            Self::TakebackOffered(by) => write!(f, "takeback-offer {by}"),
            Self::TakebackDeclined(by) => write!(f, "takeback-decline {by}"),
            Self::TakenBack { by, to } => write!(f, "takeback {by} to:{}", to.0),
            Self::TimeGiven { to, amount } => write!(f, "time {to} {}", amount.0),
            Self::Ended { outcome, by } => {
                write!(f, "end {}", outcome.status().as_str())?;
                if let Some(winner) = outcome.winner() {
                    write!(f, " win:{winner}")?;
                }
                if let Outcome::Drawn(reason) = outcome {
                    write!(f, " why:{}", reason.on_the_wire().as_str())?;
                }
                by.map_or(Ok(()), |by| write!(f, " by:{by}"))
            }
            Self::RematchOffered(by) => write!(f, "rematch-offer {by}"),
            Self::RematchDeclined(by) => write!(f, "rematch-decline {by}"),
            Self::RematchAccepted { by, next } => write!(f, "rematch {by} {next}"),
        }
    }
}

fn parse_event(body: &str) -> Option<Event> {
    let mut words = body.split(' ');
    let kind = words.next()?;
    if let Ok(mv) = kind.parse() {
        let charge = words
            .next()
            .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        return Some(Event::Played {
            mv,
            charge: charge.map(str::parse).transpose().ok()?,
        });
    }
    Some(match kind {
        "draw-offer" => Event::DrawOffered(parse_next(&mut words)?),
        "draw-decline" => Event::DrawDeclined(parse_next(&mut words)?),
        NEXT_DRAW_DECLINED if IS_NEXT => Event::DrawDeclined(parse_next(&mut words)?),
        "takeback-offer" => Event::TakebackOffered(parse_next(&mut words)?),
        "takeback-decline" => Event::TakebackDeclined(parse_next(&mut words)?),
        "takeback" => Event::TakenBack {
            by: parse_next(&mut words)?,
            to: Ply(parse_number(words.next()?.strip_prefix("to:")?)?),
        },
        "time" => Event::TimeGiven {
            to: parse_next(&mut words)?,
            amount: Millis(parse_number(words.next()?)?),
        },
        "end" => parse_ended(words)?,
        "rematch-offer" => Event::RematchOffered(parse_next(&mut words)?),
        "rematch-decline" => Event::RematchDeclined(parse_next(&mut words)?),
        "rematch" => Event::RematchAccepted {
            by: parse_next(&mut words)?,
            next: parse_next(&mut words)?,
        },
        _ => return None,
    })
}

fn parse_next<T: FromStr>(words: &mut Split<'_, char>) -> Option<T> {
    words.next()?.parse().ok()
}

fn parse_ended(mut words: Split<'_, char>) -> Option<Event> {
    let status = words.next()?;
    let (mut winner, mut reason, mut by) = (None, None, None);
    for word in words {
        if let Some(color) = word.strip_prefix("win:") {
            winner = Some(color.parse().ok()?);
        } else if let Some(why) = word.strip_prefix("why:") {
            reason = Some(parse_draw_reason(why)?);
        } else if let Some(color) = word.strip_prefix("by:") {
            by = Some(color.parse().ok()?);
        }
    }
    let outcome = match (parse_status(status)?, winner, reason) {
        (Status::Aborted, None, None) => Outcome::Aborted,
        (Status::Mate, Some(winner), None) => Outcome::Checkmate { winner },
        (Status::Resign, Some(winner), None) => Outcome::Resigned { winner },
        (Status::Stalemate, None, None) => Outcome::Stalemate,
        (Status::Timeout, winner, None) => Outcome::Left { winner },
        (Status::Draw, None, Some(reason)) => Outcome::Drawn(reason),
        (Status::Outoftime, winner, None) => Outcome::Flagged { winner },
        (Status::VariantEnd, winner, None) => Outcome::VariantEnd { winner },
        _ => return None,
    };
    Some(Event::Ended { outcome, by })
}

fn parse_status(word: &str) -> Option<Status> {
    const ENDED: [Status; 8] = [
        Status::Aborted,
        Status::Mate,
        Status::Resign,
        Status::Stalemate,
        Status::Timeout,
        Status::Draw,
        Status::Outoftime,
        Status::VariantEnd,
    ];
    ENDED.into_iter().find(|status| status.as_str() == word)
}

fn parse_draw_reason(word: &str) -> Option<DrawReason> {
    const REASONS: [DrawReason; 7] = [
        DrawReason::Agreement,
        DrawReason::Threefold,
        DrawReason::Fifty,
        DrawReason::Fivefold,
        DrawReason::SeventyFive,
        DrawReason::Dead,
        DrawReason::MaxPlies,
    ];
    REASONS
        .into_iter()
        .find(|reason| reason.on_the_wire().as_str() == word)
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.elapsed.0)?;
        if self.compensated > Millis::ZERO {
            write!(f, "-{}", self.compensated.0)?;
        }
        self.round_trip
            .map_or(Ok(()), |round_trip| write!(f, "~{}", round_trip.0))
    }
}

impl FromStr for Charge {
    type Err = InvalidEntry;

    fn from_str(s: &str) -> Result<Self, InvalidEntry> {
        let number = |s: &str| parse_number(s).map(Millis).ok_or(InvalidEntry);
        let (rest, round_trip) = match s.split_once('~') {
            Some((rest, round_trip)) => (rest, Some(number(round_trip)?)),
            None => (s, None),
        };
        let (elapsed, compensated) = match rest.split_once('-') {
            Some((elapsed, compensated)) => (number(elapsed)?, number(compensated)?),
            None => (number(rest)?, Millis::ZERO),
        };
        Ok(Self {
            elapsed,
            compensated,
            round_trip,
        })
    }
}
