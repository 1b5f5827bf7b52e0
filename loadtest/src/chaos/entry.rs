//! One line of a game's log, read without the server's code. It knows the format, not the rules.

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    Played {
        uci: String,
        charge: Option<Charge>,
    },
    /// `draw`, `takeback` or `rematch`; `offer`, `decline` or `accept`.
    Said {
        about: &'static str,
        act: &'static str,
        by: usize,
        /// Of a takeback that was accepted: the half-moves that remain.
        to: Option<u16>,
        /// Of a rematch that was accepted: the next game.
        next: Option<String>,
    },
    Time {
        to: usize,
        ms: u64,
    },
    Ended {
        status: String,
        winner: Option<usize>,
        why: Option<String>,
        by: Option<usize>,
    },
}

/// What a move took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) elapsed: u64,
    pub(super) compensated: u64,
    pub(super) round_trip: Option<u64>,
}

/// An entry after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) event: Event,
    /// Milliseconds of the game's own scale.
    pub(super) at: u64,
    pub(super) tag: String,
}

/// Entry 1, as far as it is looked at: spans in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) limit: u64,
    pub(super) increment: u64,
}

/// White 0, Black 1.
pub(super) fn side(word: &str) -> Option<usize> {
    ["white", "black"].iter().position(|side| *side == word)
}

pub(super) fn setup(line: &str) -> Option<Setup> {
    let mut words = line.split(' ');
    let (kind, variant) = (words.next()?, words.next()?);
    let (limit, increment) = words.next()?.split_once('+')?;
    (kind == "game1" && variant == "standard").then_some(())?;
    Some(Setup {
        limit: limit.parse::<u64>().ok()? * 1000,
        increment: increment.parse::<u64>().ok()? * 1000,
    })
}

pub(super) fn entry(line: &str) -> Option<Entry> {
    let mut words: Vec<&str> = line.split(' ').collect();
    let tag = words.pop()?.to_owned();
    let at = words.pop()?.parse().ok()?;
    let (kind, rest) = words.split_first()?;
    Some(Entry {
        event: event(kind, rest)?,
        at,
        tag,
    })
}

fn event(kind: &str, rest: &[&str]) -> Option<Event> {
    let first = || rest.first().copied();
    let said = |about, act| {
        let by = side(first()?)?;
        let second = rest.get(1).copied();
        let to = second.and_then(|word| word.strip_prefix("to:")?.parse().ok());
        let next = second.filter(|_| (about, act) == ("rematch", "accept"));
        Some(Event::Said {
            about,
            act,
            by,
            to,
            next: next.map(str::to_owned),
        })
    };
    match kind {
        "draw-offer" => said("draw", "offer"),
        "draw-decline" => said("draw", "decline"),
        "takeback-offer" => said("takeback", "offer"),
        "takeback-decline" => said("takeback", "decline"),
        "takeback" => said("takeback", "accept"),
        "rematch-offer" => said("rematch", "offer"),
        "rematch-decline" => said("rematch", "decline"),
        "rematch" => said("rematch", "accept"),
        "time" => Some(Event::Time {
            to: side(first()?)?,
            ms: rest.get(1)?.parse().ok()?,
        }),
        "end" => {
            let word = |name: &str| rest.iter().find_map(|word| word.strip_prefix(name));
            Some(Event::Ended {
                status: first()?.to_owned(),
                winner: word("win:").and_then(side),
                why: word("why:").map(str::to_owned),
                by: word("by:").and_then(side),
            })
        }
        uci => Some(Event::Played {
            uci: uci.to_owned(),
            charge: match first() {
                Some(text) => Some(charge(text)?),
                None => None,
            },
        }),
    }
}

/// Shape: `1834-56~40`.
fn charge(text: &str) -> Option<Charge> {
    let (rest, round_trip) = match text.split_once('~') {
        Some((rest, ms)) => (rest, Some(ms.parse().ok()?)),
        None => (text, None),
    };
    let (elapsed, compensated) = rest.split_once('-').unwrap_or((rest, "0"));
    Some(Charge {
        elapsed: elapsed.parse().ok()?,
        compensated: compensated.parse().ok()?,
        round_trip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_server_writes_them() {
        let played = |text: &str| match entry(text).unwrap().event {
            Event::Played { uci, charge } => (uci, charge),
            other => panic!("{other:?}"),
        };
        assert_eq!(played("e2e4 10 aZ4k9"), ("e2e4".to_owned(), None));
        let charge = Charge {
            elapsed: 1834,
            compensated: 56,
            round_trip: Some(40),
        };
        let expected = ("e7e5".to_owned(), Some(charge));
        assert_eq!(played("e7e5 1834-56~40 245678 bQ7xM"), expected);
        let end = entry("end draw why:agreement by:black 253000 zz4Tf").unwrap();
        assert!(matches!(end.event, Event::Ended { by: Some(1), .. }));
        assert_eq!((end.at, &*end.tag), (253_000, "zz4Tf"));
        let taken = entry("takeback black to:2 251000 K1mmT").unwrap();
        assert!(matches!(taken.event, Event::Said { to: Some(2), .. }));
        let first = "game1 standard 180+2 casual white:a:A black:b:B created:1 2 aZ4k9";
        assert_eq!(setup(first).unwrap().increment, 2000);
        assert!(entry("nonsense").is_none());
    }
}
