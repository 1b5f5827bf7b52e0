//! A replica and its followers, without a store.

use std::time::Duration;

use super::*;
use crate::outbox::{Form, Frame, outbox};
use crate::store::{Published, Tail};

const SETUP: &str = "game1 standard 180+2 casual white:anna:Anna black:bo:Bo created:1 0 aZ4k9";

fn replica() -> Replica {
    let game = Game::begin(SETUP).unwrap();
    let id = "q7ZwA0bX".parse().unwrap();
    Replica::new(id, (game, Instant::now()), Fanout::start())
}

fn watch(follower: u64, user: Option<&str>, outbox: Outbox) -> Watch {
    Watch {
        follower,
        user: user.map(|id| id.parse().unwrap()),
        outbox,
        re: None,
        since: None,
        start: Start::Snapshot,
    }
}

fn publish(replica: &mut Replica, line: &str) -> Fit {
    let head = replica.game().head();
    let published = Published {
        first: head.version.next(),
        before: head.tag,
        lines: vec![line.to_owned()],
    };
    replica.take_published(&published, PlayTime(1))
}

#[test]
fn a_spectator_that_falls_behind_skips_to_the_latest_snapshot() {
    let mut replica = replica();
    let (tx, mut rx) = outbox(Form::Json);
    replica.join(&watch(1, None, tx.clone()), PlayTime(0));
    while tx.offer(&Frame::from_static("{}")) {}
    assert_eq!(publish(&mut replica, "e2e4 1 bbbbb"), Fit::Whole);
    assert!(replica.has_spectators_behind());
    assert_eq!(publish(&mut replica, "e7e5 2 ccccc"), Fit::Whole);
    replica.catch_spectators_up(PlayTime(3));
    assert!(replica.has_spectators_behind(), "there is no room yet");
    while let Some(frame) = rx.try_next().unwrap() {
        assert!(
            !frame.contains("\"move\""),
            "no entry after one that was left out"
        );
    }
    replica.catch_spectators_up(PlayTime(3));
    assert!(!replica.has_spectators_behind());
    let frame = rx.try_next().unwrap().unwrap();
    assert!(frame.contains("e2e4 e7e5"), "{frame}");
    assert_eq!(publish(&mut replica, "g1f3 0 4 ddddd"), Fit::Whole);
    assert!(
        rx.try_next().unwrap().unwrap().contains("Nf3"),
        "and from there entry by entry"
    );
}

#[test]
fn a_player_that_loses_a_frame_is_given_no_more() {
    let mut replica = replica();
    let (tx, mut rx) = outbox(Form::Json);
    replica.join(&watch(1, Some("anna"), tx.clone()), PlayTime(0));
    while tx.push(Frame::from_static("{}")).is_ok() {}
    publish(&mut replica, "e2e4 1 bbbbb");
    assert!(!replica.is_followed());
    assert!(rx.try_next().is_err());
}

#[test]
fn repeats_are_dropped_and_gaps_are_read() {
    let mut replica = replica();
    publish(&mut replica, "e2e4 1 bbbbb");
    let again = Published {
        first: Version(2),
        before: "aZ4k9".parse().unwrap(),
        lines: vec!["e2e4 1 bbbbb".to_owned()],
    };
    assert_eq!(replica.take_published(&again, PlayTime(1)), Fit::Whole);
    assert_eq!(replica.game().version(), Version(2));
    let fork = Published {
        lines: vec!["d2d4 1 xxxxx".to_owned()],
        ..again.clone()
    };
    assert_eq!(
        replica.take_published(&fork, PlayTime(1)),
        Fit::ReadSince(Version(1))
    );
    let gap = Published {
        first: Version(4),
        before: "ddddd".parse().unwrap(),
        ..again
    };
    assert_eq!(
        replica.take_published(&gap, PlayTime(1)),
        Fit::ReadSince(Version(1))
    );
}

#[test]
fn a_log_that_differs_wins_and_one_that_is_gone_stops_the_room() {
    let mut replica = replica();
    let (tx, mut rx) = outbox(Form::Json);
    replica.join(&watch(1, None, tx), PlayTime(0));
    publish(&mut replica, "e2e4 1 bbbbb");
    while rx.try_next().unwrap().is_some() {}
    let tail = |lines: &[&str]| Tail {
        since: Version(0),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        heals_for: Duration::ZERO,
    };
    let other = tail(&[SETUP, "d2d4 1 xxxxx"]);
    assert_eq!(
        replica.take_tail(&other, Origin::Read, (PlayTime(1), Version(2))),
        Fit::Whole
    );
    assert!(rx.try_next().unwrap().unwrap().contains("\"reset\":true"));
    assert_eq!(replica.accept(&tail(&[]), PlayTime(1)), Fit::Gone);
    assert!(replica.is_broken());
    let garbled = tail(&["what is this"]);
    assert_eq!(
        replica.take_tail(&garbled, Origin::Read, (PlayTime(1), Version(2))),
        Fit::Unreadable
    );
    assert_eq!(
        replica.take_tail(&other, Origin::Read, (PlayTime(1), Version(2))),
        Fit::Whole
    );
    assert!(!replica.is_broken());
}

#[test]
fn a_log_that_lost_its_tail_is_given_it_back_as_it_was() {
    const UNKNOWN: &str = "adjourn white note:1 5 ccccc";
    let mut replica = replica();
    publish(&mut replica, "e2e4 1 bbbbb");
    publish(&mut replica, UNKNOWN);
    let tail = |lines: &[&str]| Tail {
        since: Version(0),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        heals_for: Duration::ZERO,
    };
    for (log, after, lines) in [
        (tail(&[]), None, vec![SETUP, "e2e4 1 bbbbb", UNKNOWN]),
        (
            tail(&[SETUP]),
            Some((1, "aZ4k9")),
            vec!["e2e4 1 bbbbb", UNKNOWN],
        ),
        (
            tail(&[SETUP, "e2e4 1 bbbbb"]),
            Some((2, "bbbbb")),
            vec![UNKNOWN],
        ),
    ] {
        let fit = replica.take_tail(&log, Origin::Read, (PlayTime(9), Version(3)));
        assert_eq!(fit, Fit::Lost, "{log:?}");
        let heal = replica.heal(&log);
        let after = after.map(|(version, tag)| Head {
            version: Version(version),
            tag: tag.parse().unwrap(),
        });
        assert_eq!((heal.after, heal.due), (after, PlayTime(1)));
        assert_eq!(heal.lines, lines);
    }
    assert_eq!(
        replica.game().head().version,
        Version(3),
        "nothing was taken back"
    );
    assert!(!replica.is_broken());
    assert_eq!(replica.accept(&tail(&[SETUP]), PlayTime(9)), Fit::Whole);
    assert_eq!(replica.game().version(), Version(1), "the log counts");
}

#[test]
fn what_was_published_after_the_store_read_its_log_is_not_lost() {
    let mut replica = replica();
    let held = replica.game().version();
    publish(&mut replica, "e2e4 1 bbbbb");
    let log = Tail {
        since: Version(0),
        lines: vec![SETUP.to_owned()],
        heals_for: Duration::ZERO,
    };
    let mut take = |held| replica.take_tail(&log, Origin::Read, (PlayTime(1), held));
    assert_eq!(take(held), Fit::Whole);
    assert_eq!(take(held.next()), Fit::Lost, "it was there already");
    assert_eq!(replica.game().version(), Version(2));
}

#[test]
fn a_game_that_ended_long_ago_is_not_given_back_to_a_store_that_has_none() {
    let mut replica = replica();
    publish(&mut replica, "end resign win:black by:white 1 bbbbb");
    assert!(replica.game().outcome().is_some());
    let nothing = Tail {
        since: Version(0),
        lines: Vec::new(),
        heals_for: Duration::ZERO,
    };
    for (minutes, fit) in [(9, Fit::Lost), (11, Fit::Gone)] {
        let now = PlayTime(minutes * 60_000);
        assert_eq!(
            replica.take_tail(&nothing, Origin::Read, (now, Version(1))),
            fit
        );
    }
}

#[test]
fn a_game_that_the_store_has_lost_stays_lost_while_it_is_asked_again() {
    let mut replica = replica();
    let nothing = Tail {
        since: Version(0),
        lines: Vec::new(),
        heals_for: Duration::ZERO,
    };
    assert_eq!(replica.accept(&nothing, PlayTime(1)), Fit::Gone);
    let asked = (PlayTime(1), Version(1));
    assert_eq!(
        replica.take_tail(&nothing, Origin::Read, asked),
        Fit::Lost,
        "it might want it back"
    );
    assert!(replica.is_broken());
    publish(&mut replica, "e2e4 1 bbbbb");
    assert!(!replica.is_broken(), "somebody gave it back");
}

#[test]
fn lines_of_chat_find_their_place() {
    let mut replica = replica();
    let said = |n: u32| Said {
        n,
        line: crate::store::Line {
            room: "players".into(),
            author: "anna:Anna".into(),
            key: String::new(),
            text: n.to_string(),
        },
    };
    for n in [1, 4, 2, 3, 4] {
        replica.hear(&said(n));
    }
    let (tx, mut rx) = outbox(Form::Json);
    replica.join(&watch(1, Some("bo"), tx), PlayTime(0));
    let frame = rx.try_next().unwrap().unwrap();
    let snapshot: serde_json::Value = serde_json::from_str(&frame).unwrap();
    let numbers: Vec<_> = snapshot["chat"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["n"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

/// What the store says: White is here, and some watch elsewhere.
fn seats(order: u64, watchers: u32) -> std::sync::Arc<crate::store::Seats> {
    use crate::store::{Noted, Seats};
    use zeitnot_game::color::ByColor;
    let noted = Noted {
        seats: ByColor {
            white: true,
            black: true,
        },
        watchers,
    };
    Arc::new(Seats {
        order,
        nodes: [(1, noted)].into(),
        ..Seats::default()
    })
}

#[test]
fn everybody_is_told_who_is_here_and_who_has_no_room_does_without() {
    let (mut replica, now) = (replica(), Instant::now());
    let (white, mut hers) = outbox(Form::Json);
    let (full, mut his) = outbox(Form::Json);
    replica.join(&watch(1, Some("anna"), white), PlayTime(0));
    replica.join(&watch(2, None, full.clone()), PlayTime(0));
    while hers.try_next().unwrap().is_some() {}
    while full.offer(&Frame::from_static("{}")) {}
    replica.people_mut().hear(&seats(1, 4), now);
    replica.tell_people(PlayTime(1), now);
    let mut told = || hers.try_next().unwrap().map(|frame| frame.to_string());
    let both = r#"{"t":"presence","game":"q7ZwA0bX","white":true,"black":true,"now":1}"#;
    assert_eq!(told().as_deref(), Some(both));
    let five = r#"{"t":"crowd","game":"q7ZwA0bX","watchers":5}"#;
    assert_eq!(told().as_deref(), Some(five));
    while let Some(frame) = his.try_next().unwrap() {
        assert!(!frame.contains("presence") && !frame.contains("crowd"));
    }
    replica.tell_people(PlayTime(2), now);
    assert_eq!(told(), None, "that is no news");
    let second = replica.tell_people_at(now);
    assert_eq!(second, None);
}
