//! A line of chat as it is stored and published: room, number, author, key and text, with a space between them. The
//! key may be empty.

use crate::store::{Line, Said};

/// Reads a line of `say.lua`. Shape: `players 3 anna:Anna k1 good luck`.
pub(super) fn parse(line: &str) -> Option<Said> {
    let mut words = line.splitn(5, ' ');
    let mut next = || words.next().map(str::to_owned);
    let (room, n) = (next()?, next()?.parse().ok()?);
    Some(Said {
        n,
        line: Line {
            room,
            author: next()?,
            key: next()?,
            text: next()?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(key: &str, text: &str) -> Said {
        Said {
            n: 3,
            line: Line {
                room: "players".to_owned(),
                author: "anna:Anna".to_owned(),
                key: key.to_owned(),
                text: text.to_owned(),
            },
        }
    }

    #[test]
    fn a_line_is_read_with_its_spaces() {
        let cases = [
            (
                "players 3 anna:Anna k1 good  luck ",
                said("k1", "good  luck "),
            ),
            ("players 3 anna:Anna  hi", said("", "hi")),
            ("players 3 anna:Anna  ", said("", "")),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line), Some(expected), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_line_is_not_read_as_one() {
        for line in [
            "",
            "players",
            "players x anna:Anna k1 hi",
            "players 3 anna:Anna k1",
        ] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }
}
