//! One short game, as it should be and spoiled in every way that the checker must see.

use serde_json::json;

use super::*;
use crate::chaos::faults::Kind;
use crate::chaos::history::{Answer, Command, Fault, Try};

const GAME: &str = "q7ZwA0bX";

/// A short game as it should be, to be spoiled.
struct Story {
    lines: Vec<&'static str>,
    records: Records,
}

fn told(who: &str, at: Moment, frame: Value) -> Told {
    Told {
        who: who.into(),
        game: GAME.into(),
        entrance: "node".to_owned(),
        at,
        asked: None,
        frame,
    }
}

fn tried(op: u64, seat: usize, (command, answer): (Command, Answer)) -> Try {
    Try {
        who: name(seat).into(),
        game: GAME.into(),
        seat: Some(seat),
        op,
        command,
        entrance: "node".to_owned(),
        sent: op * 1_000_000,
        done: op * 1_000_000 + 1000,
        answer,
    }
}

fn play(uci: &str, ply: u16, v: u32) -> Command {
    Command::play(uci.to_owned(), ply, v)
}

/// White and Black move once a second, then Black resigns.
fn story() -> Story {
    let lines = vec![
        "game1 standard 60+1 casual white:a:A black:b:B created:1 1 aaaaa",
        "e2e4 1000 bbbbb",
        "e7e5 2000 ccccc",
        "g1f3 900-100~40 3000 ddddd",
        "end resign win:white by:black 4000 eeeee",
    ];
    let tries = vec![
        tried(1, 0, (play("e2e4", 0, 1), Answer::Ok(2))),
        tried(2, 1, (play("e7e5", 1, 2), Answer::Ok(3))),
        tried(3, 0, (play("g1f3", 2, 3), Answer::Ok(4))),
        tried(4, 1, (Command::plain("resign", None, 4), Answer::Ok(5))),
    ];
    let frames = [
        json!({"t": "move", "v": 2, "ply": 1, "uci": "e2e4",
            "fen": "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1",
            "clock": {"white": 60000, "black": 60000}, "at": 1000, "now": 1001}),
        json!({"t": "move", "v": 3, "ply": 2, "uci": "e7e5",
            "clock": {"white": 59993, "black": 60000}, "at": 2000, "now": 2007}),
        json!({"t": "move", "v": 4, "ply": 3, "uci": "g1f3",
            "clock": {"white": 60200, "black": 60000}, "at": 3000, "now": 3000}),
        json!({"t": "end", "v": 5, "status": "resign", "winner": "white",
            "clock": {"white": 60200, "black": 59000}, "at": 4000, "now": 4001}),
    ];
    let moments = [1_000_500, 2_000_500, 3_000_500, 4_000_500];
    let moments = moments.into_iter().zip(frames);
    Story {
        lines,
        records: Records {
            tries,
            told: moments
                .map(|(at, frame)| told("spectator", at, frame))
                .collect(),
            faults: Vec::new(),
        },
    }
}

/// The promises that are broken, once each.
fn broken(story: Story) -> Vec<&'static str> {
    let last = Final {
        lines: story.lines.into_iter().map(str::to_owned).collect(),
        snapshots: Vec::new(),
    };
    let violations = check(&Evidence {
        records: story.records,
        finals: BTreeMap::from([(GAME.into(), last)]),
    });
    let mut broken: Vec<_> = violations
        .iter()
        .map(|violation| violation.invariant)
        .collect();
    broken.sort_unstable();
    broken.dedup();
    broken
}

#[test]
fn a_game_as_it_should_be_breaks_nothing() {
    assert_eq!(broken(story()), Vec::<&str>::new());
}

/// The store is away for three seconds between the second move and the third, and all of that is play time.
fn charge_an_outage(story: &mut Story) {
    story.records.faults.push(Fault {
        kind: Kind::RedisKill,
        what: String::new(),
        begin: 2_100_000,
        end: 5_100_000,
        in_flight: 1,
        outage: Some((2_100_000, 5_100_000)),
        lost: false,
    });
    for tried in &mut story.records.tries[2..] {
        tried.sent += 3_000_000;
        tried.done += 3_000_000;
    }
    for told in &mut story.records.told[2..] {
        told.at += 3_000_000;
    }
    story.lines[3] = "g1f3 900-100~40 6000 ddddd";
    story.lines[4] = "end resign win:white by:black 7000 eeeee";
    story.records.told.truncate(2);
    story.records.tries[2].done = 6_000_500;
}

/// The third move and the end were acknowledged and shown by a store that lost them, and Black's second window is told.
fn lose_the_tail(story: &mut Story) {
    story.lines.truncate(3);
    story.records.faults.push(Fault {
        kind: Kind::TailLoss,
        what: String::new(),
        begin: 2_900_000,
        end: 9_000_000,
        in_flight: 1,
        outage: None,
        lost: true,
    });
    let moves = "e2e4 e7e5";
    let snapshot = json!({"t": "game", "v": 3, "initial_fen": "", "reset": true, "moves": moves,
        "status": "started"});
    story
        .records
        .told
        .push(told("spectator", 6_000_000, snapshot));
}

#[test]
fn a_tail_that_is_lost_for_good_is_forgiven_and_nothing_else() {
    let mut forgiven = story();
    lose_the_tail(&mut forgiven);
    assert_eq!(broken(forgiven), Vec::<&str>::new());

    let mut earlier = story();
    lose_the_tail(&mut earlier);
    earlier.lines.truncate(2);
    assert_eq!(broken(earlier), ["I1"]);

    let mut unexplained = story();
    lose_the_tail(&mut unexplained);
    unexplained.records.faults[0].lost = false;
    assert_eq!(broken(unexplained), ["I1", "I3"]);

    let mut later = story();
    lose_the_tail(&mut later);
    let frame = later.records.told[2].frame.clone();
    later.records.told.push(told("white", 9_500_000, frame));
    assert!(broken(later).contains(&"I1"));
}

#[test]
fn each_promise_that_is_broken_is_found() {
    type Spoil = fn(&mut Story);
    let cases: [(&str, &str, Spoil); 15] = [
        ("an acknowledged move is lost", "I1", |story| {
            story.lines[3] = "b1c3 900-100~40 3000 ddddd";
        }),
        ("the end of the log is lost", "I1", |story| {
            story.lines.pop();
        }),
        ("another frame at a version", "I2", |story| {
            story.records.told[1].frame["uci"] = json!("d7d5");
        }),
        ("a version that somebody is not told", "I3", |story| {
            story.records.told.remove(1);
        }),
        ("two answers to a command", "I4", |story| {
            let again = tried(1, 0, (play("e2e4", 0, 1), Answer::Ok(4)));
            story.records.tries.push(again);
        }),
        ("an illegal move", "I5", |story| {
            story.lines[3] = "e1e3 900-100~40 3000 ddddd";
        }),
        ("another position", "I5", |story| {
            story.records.told[0].frame["fen"] = json!("8/8/8/8/8/8/8/8 w - - 0 1");
        }),
        ("something after the end", "I6", |story| {
            story.lines.push("d7d6 100 5000 fffff");
        }),
        ("a refused move in the log", "I7", |story| {
            story.records.tries[2].answer = Answer::Refused("stale".to_owned());
        }),
        ("a legal move that is refused", "I7", |story| {
            let refused = Answer::Refused("not_your_turn".to_owned());
            let mut refused = tried(9, 0, (play("b1c3", 2, 3), refused));
            (refused.sent, refused.done) = (2_100_000, 2_200_000);
            story.records.tries.push(refused);
        }),
        (
            "a move that is refused when it is repeated",
            "I7",
            |story| {
                let refused = Answer::Refused("stale".to_owned());
                let mut again = tried(9, 0, (play("e2e4", 0, 1), refused));
                (again.sent, again.done) = (2_100_000, 2_200_000);
                story.records.tries.push(again);
            },
        ),
        ("a stranger who gets a seat", "I7", |story| {
            let mut seat = tried(9, 0, (Command::plain("seat", None, 3), Answer::Ok(3)));
            seat.seat = None;
            story.records.tries.push(seat);
        }),
        ("a later command that stands earlier", "I8", |story| {
            story.records.tries[1].sent = 3_500_000;
            story.records.tries[1].done = 3_600_000;
        }),
        ("a clock that is a millisecond off", "I9", |story| {
            story.records.told[2].frame["clock"]["white"] = json!(60201);
        }),
        ("an outage that is charged", "I10", charge_an_outage),
    ];
    for (name, invariant, spoil) in cases {
        let mut story = story();
        spoil(&mut story);
        let broken = broken(story);
        assert!(broken.contains(&invariant), "{name}: {broken:?}");
    }
}
