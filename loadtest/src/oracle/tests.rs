//! The oracle itself is tried: it is told of a game rightly, and wrongly in every way that it must notice.

use super::*;
use crate::line::Step;

const GAME: &str = "q7ZwA0bX";

/// Milliseconds of each turn, and of them what is forgiven.
const TURN: u64 = 1000;
const FORGIVEN: u64 = 40;

fn line() -> Line {
    let moves = "e2e4 e7e5 g1f3 b8c6 f1b5 a7a6 b5a4 g8f6";
    Line::whole(&moves.split(' ').map(str::to_owned).collect()).unwrap()
}

/// All frames of the game: the snapshot, a move each, the end.
fn frames(line: &Line) -> Vec<String> {
    let clock = |white: u64, black: u64| {
        format!(
            r#"{{"initial":60000,"increment":0,"white":{white},"black":{black},"running":null}}"#
        )
    };
    let mut frames = vec![format!(
        r#"{{"t":"game","re":{WATCH_ID},"game":"{GAME}","v":1,"moves":"","status":"started","ply":0,"at":0,"now":3,"clock":{}}}"#,
        clock(60_000, 60_000)
    )];
    let mut remaining = [60_000; 2];
    for ply in 1..=line.plies() {
        let step = line.step(ply - 1).unwrap();
        let lag = if ply > 2 {
            remaining[usize::from(ply.is_multiple_of(2))] -= TURN - FORGIVEN;
            format!(r#","lag":{{"elapsed":{TURN},"compensated":{FORGIVEN}}}"#)
        } else {
            String::new()
        };
        let at = u64::from(ply) * TURN;
        let Step { uci, san, fen, .. } = step;
        frames.push(format!(
            r#"{{"t":"move","game":"{GAME}","v":{},"ply":{ply},"uci":"{uci}","san":"{san}","fen":"{fen}","at":{at},"now":{at},"clock":{}{lag}}}"#,
            ply + 1,
            clock(remaining[0], remaining[1])
        ));
    }
    frames.push(format!(
        r#"{{"t":"end","game":"{GAME}","v":{},"status":"resign","winner":"black"}}"#,
        line.plies() + 2
    ));
    frames
}

/// What the oracle says of such frames.
fn told(line: &Line, frames: &[String]) -> Vec<(Kind, u64)> {
    let mut oracle = Oracle::new(Side::Zeitnot, Some(0));
    let mut failures = Failures::none();
    let played = Played {
        game: GAME,
        line,
        sent: line.plies(),
    };
    for frame in frames {
        oracle.hear(frame, played, &mut failures);
    }
    oracle.end(FIRST_VERSION + line.plies() + 1, &mut failures);
    failures
        .iter()
        .map(|(kind, seen)| (kind, seen.count))
        .collect()
}

type Spoil = fn(&mut Vec<String>);

/// One way each in which a server may fail, with what it is.
const SPOILS: [(Kind, Spoil); 5] = [
    (Kind::Lost, |frames| {
        frames.remove(2);
    }),
    (Kind::Doubled, |frames| frames.insert(4, frames[3].clone())),
    (Kind::OutOfOrder, |frames| frames.swap(4, 5)),
    (Kind::Illegal, |frames| {
        frames[7] = frames[7].replace("b5a4", "b5e4");
    }),
    (Kind::WrongClock, |frames| {
        frames[8] = frames[8].replace(r#""black":57120"#, r#""black":57121"#);
    }),
];

#[test]
fn who_is_told_everything_has_nothing_to_say() {
    let line = line();
    assert_eq!(told(&line, &frames(&line)), []);
}

#[test]
fn each_failure_is_noticed_for_what_it_is() {
    let line = line();
    for (kind, spoil) in SPOILS {
        let mut frames = frames(&line);
        spoil(&mut frames);
        assert_eq!(told(&line, &frames), [(kind, 1)]);
    }
}

#[test]
fn five_failures_in_one_game_are_five() {
    let line = line();
    let mut spoiled = frames(&line);
    // From behind, so that none moves the place of the next.
    for (_, spoil) in SPOILS.iter().rev() {
        spoil(&mut spoiled);
    }
    let mut expected = SPOILS.map(|(kind, _)| (kind, 1));
    expected.sort_unstable();
    assert_eq!(told(&line, &spoiled), expected);
}

#[test]
fn what_nobody_sent_is_wrong() {
    let line = line();
    let all = frames(&line);
    let cases = [
        ("another move", 1, "e2e4", "d2d4"),
        ("another position", 1, "/4P3/", "/3P4/"),
        ("another end", 9, "resign", "outoftime"),
        ("another winner", 9, "black", "white"),
    ];
    for (name, place, from, to) in cases {
        let mut frames = all.clone();
        assert!(frames[place].contains(from), "{name}");
        frames[place] = frames[place].replacen(from, to, 1);
        assert_eq!(told(&line, &frames), [(Kind::Wrong, 1)], "{name}");
    }
    let mut refused = all.clone();
    refused.push(r#"{"t":"error","re":3,"code":"stale","message":"no"}"#.to_owned());
    assert_eq!(told(&line, &refused), [(Kind::Refused, 1)]);
}

#[test]
fn a_spectator_may_be_shown_a_snapshot_instead() {
    let line = line();
    let all = frames(&line);
    let snapshot = all[0]
        .replace(r#""re":10000,"#, "")
        .replace(r#""v":1,"moves":"""#, r#""v":4,"moves":"e2e4 e7e5 g1f3""#);
    let played = Played {
        game: GAME,
        line: &line,
        sent: line.plies(),
    };
    for (seat, failed) in [(None, 0), (Some(0), 1)] {
        let (mut oracle, mut failures) = (Oracle::new(Side::Zeitnot, seat), Failures::none());
        oracle.hear(&all[1], played, &mut failures);
        oracle.hear(&snapshot, played, &mut failures);
        assert_eq!(failures.total(), failed);
        assert_eq!(oracle.skipped(), if seat.is_none() { 2 } else { 0 });
    }
}

#[test]
fn the_relay_without_logic_tells_a_player_only_of_the_other() {
    let line = line();
    let played = Played {
        game: "7",
        line: &line,
        sent: 3,
    };
    let [mut white, mut black] = [0, 1].map(|seat| Oracle::new(Side::Floor, Some(seat)));
    let mut failures = Failures::none();
    let mut hear =
        |oracle: &mut Oracle, ply| oracle.hear(&play(played, ply), played, &mut failures);
    assert_eq!(hear(&mut black, 0), Heard::Played(0));
    assert_eq!(hear(&mut white, 1), Heard::Played(1));
    assert_eq!(hear(&mut black, 2), Heard::Played(2));
    assert!(white.has_heard(3) && black.has_heard(3));
    assert!(failures.is_empty());
    black.hear(&play(played, 2), played, &mut failures);
    assert!(!failures.is_empty());
}

#[test]
fn the_one_that_stores_answers_whoever_moves() {
    let line = line();
    let played = Played {
        game: "7",
        line: &line,
        sent: 2,
    };
    let mut white = Oracle::new(Side::StoringFloor, Some(0));
    let mut failures = Failures::none();
    let mut hear = |ply| white.hear(&play(played, ply), played, &mut failures);
    assert_eq!(hear(0), Heard::Answered(0));
    assert_eq!(hear(1), Heard::Played(1));
    assert!(white.has_heard(2) && !white.has_heard(3));
    assert!(failures.is_empty());
    white.hear(&play(played, 1), played, &mut failures);
    assert!(!failures.is_empty());
}
