//! Who is at a game as it is stored and published: `field value field value …`, as `seats.lua` says.

use zeitnot_game::color::Color;
use zeitnot_game::time::PlayTime;

use crate::store::{Leaving, Left, NodeMark, Seats, Sitting};

/// How a seat is with a node, as the script takes it.
pub(super) const fn word(sitting: Sitting) -> &'static str {
    match sitting {
        Sitting::Here => "here",
        Sitting::Away(Leaving::OnPurpose) => "purpose",
        Sitting::Away(Leaving::Lost) => "lost",
    }
}

/// A node as a part of a field's name.
pub(super) fn node(mark: NodeMark) -> String {
    format!("{mark:016x}")
}

/// Reads the reply or the message of `seats.lua`. Shape: `w:0000000000c0ffee 1 b:left 1795348799990-lost order 7`.
pub(super) fn parse(text: &str, me: NodeMark) -> Option<Seats> {
    let mut seats = Seats {
        me,
        ..Seats::default()
    };
    let mut words = text.split(' ');
    while let Some(field) = words.next().filter(|field| !field.is_empty()) {
        let value = words.next()?;
        match field.split_once(':') {
            Some((kind, "left")) => seats.left[color(kind)?] = Some(parse_left(value)?),
            Some((kind, node)) => {
                let node = NodeMark::from_str_radix(node, 16).ok()?;
                let noted = seats.nodes.entry(node).or_default();
                match kind {
                    "s" => noted.watchers = value.parse().ok()?,
                    kind => noted.seats[color(kind)?] = true,
                }
            }
            None if field == "order" => seats.order = value.parse().ok()?,
            // Another build's.
            None => {}
        }
    }
    Some(seats)
}

fn color(kind: &str) -> Option<Color> {
    match kind {
        "w" => Some(Color::White),
        "b" => Some(Color::Black),
        _ => None,
    }
}

/// Shape: `1795348799990-purpose`.
fn parse_left(text: &str) -> Option<Left> {
    let (at, how) = text.split_once('-')?;
    let how = match how {
        "purpose" => Leaving::OnPurpose,
        "lost" => Leaving::Lost,
        _ => return None,
    };
    let at = PlayTime(at.parse().ok()?);
    Some(Left { at, how })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Noted;
    use zeitnot_game::color::ByColor;

    #[test]
    fn fields_may_come_in_any_order() {
        let text = "s:0a 31 order 7 w:0a 1 b:left 1795348799990-lost w:0b 1";
        let seats = parse(text, 0xb).unwrap();
        let noted = |watchers| Noted {
            seats: ByColor {
                white: true,
                black: false,
            },
            watchers,
        };
        assert_eq!(seats.nodes, [(0xa, noted(31)), (0xb, noted(0))].into());
        let left = Left {
            at: PlayTime(1_795_348_799_990),
            how: Leaving::Lost,
        };
        assert_eq!(seats.left[Color::Black], Some(left));
        assert_eq!((seats.left[Color::White], seats.order), (None, 7));
        assert_eq!((seats.mine(), seats.watchers_elsewhere()), (noted(0), 31));
        assert_eq!(parse("", 1).unwrap().order, 0, "nobody ever");
    }

    #[test]
    fn what_is_nothing_of_ours_is_not_read_as_such() {
        for text in [
            "w:0a",
            "x:0a 1",
            "w:x 1",
            "s:0a many",
            "w:left 12",
            "w:left 12-bored",
            "order x",
        ] {
            assert_eq!(parse(text, 1), None, "{text}");
        }
    }
}
