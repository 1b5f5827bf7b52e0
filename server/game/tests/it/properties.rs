//! Properties of every game that can be played: random commands at random moments, and random text.

use proptest::prelude::*;
use zeitnot_game::clock::{Clock, Lag, TimeControl};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::entry::Entry;
use zeitnot_game::event::{Command, DrawCommand, Event, OfferCommand, Ply, Prize};
use zeitnot_game::game::{Decision, Game};
use zeitnot_game::id::{GameId, Tag, UserId};
use zeitnot_game::rules::{Move, Position};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::Variant;
use zeitnot_game::wire::{Before, ServerMsg, Snapshot, frame_of};

use crate::support::{Table, clock, first_line, terms};

/// One try of a player: after some time, something, perhaps with a version.
#[derive(Debug, Clone)]
struct Try {
    wait: u64,
    by: Color,
    what: What,
    seen: Option<u32>,
}

#[derive(Debug, Clone)]
enum What {
    /// A legal move, by its place among them.
    Move(usize, Lag, bool),
    Other(Command),
}

fn offer() -> impl Strategy<Value = OfferCommand> {
    prop_oneof![
        Just(OfferCommand::Offer),
        Just(OfferCommand::Accept),
        Just(OfferCommand::Decline)
    ]
}

fn lag() -> impl Strategy<Value = Lag> {
    let span = || prop::option::of((0..4_000_u64).prop_map(Millis));
    (span(), span()).prop_map(|(think, round_trip)| Lag { think, round_trip })
}

fn what() -> impl Strategy<Value = What> {
    let next = "q7ZwA0bX".parse().unwrap();
    let claim = (any::<bool>(), prop::option::of(0..400_000_u64)).prop_map(|(wins, at)| {
        let prize = if wins { Prize::Win } else { Prize::Draw };
        Command::Claim {
            prize,
            claim_at: at.map(Timestamp),
        }
    });
    let any_move = (
        "[a-h][1-8][a-h][1-8]q?|[PNBRQK]@[a-h][1-8]",
        0..40_u16,
        lag(),
        any::<bool>(),
    )
        .prop_map(|(uci, ply, lag, offers_draw)| Command::Play {
            mv: uci.parse().unwrap(),
            ply: Ply(ply),
            lag,
            offers_draw,
        });
    prop_oneof![
        40 => (any::<usize>(), lag(), prop::bool::weighted(0.1)).prop_map(|(n, lag, draw)| What::Move(n, lag, draw)),
        4 => any_move.prop_map(What::Other),
        3 => offer().prop_map(|what| What::Other(Command::Draw(DrawCommand::Negotiate(what)))),
        1 => Just(What::Other(Command::Draw(DrawCommand::Claim))),
        4 => offer().prop_map(|what| What::Other(Command::Takeback(what))),
        2 => offer().prop_map(move |what| What::Other(Command::Rematch(what, next))),
        2 => Just(What::Other(Command::GiveTime)),
        1 => claim.prop_map(What::Other),
        1 => Just(What::Other(Command::Abort)),
        1 => prop::bool::weighted(0.1).prop_map(|resigns| {
            What::Other(if resigns { Command::Resign } else { Command::GiveTime })
        }),
    ]
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (
        prop_oneof![6 => 0..3_000_u64, 1 => 0..40_000_u64],
        prop_oneof![Just(Color::White), Just(Color::Black)],
        what(),
        prop::option::of(0..60_u32),
    );
    prop::collection::vec(
        one.prop_map(|(wait, by, what, seen)| Try {
            wait,
            by,
            what,
            seen,
        }),
        1..120,
    )
}

fn time_controls() -> impl Strategy<Value = TimeControl> {
    prop_oneof![
        Just(clock(180, 2)),
        Just(clock(15, 0)),
        Just(clock(0, 1)),
        Just(TimeControl::Unlimited),
        Just(TimeControl::correspondence(1).unwrap()),
    ]
}

fn variants() -> impl Strategy<Value = Variant> {
    prop::sample::select(Variant::ALL.to_vec())
}

/// Carries a try out, and checks what must hold of any one step.
fn carry_out(table: &mut Table, one: &Try) {
    table.now = table.now + Millis(one.wait);
    let by = match one.what {
        What::Move(..) => table.game.turn(),
        What::Other(_) => one.by,
    };
    let command = match one.what {
        What::Other(command) => command,
        What::Move(n, lag, offers_draw) => {
            let position = table.game.position();
            let legal = position.legal_moves();
            let Some(&mv) = legal.get(n % legal.len().max(1)) else {
                return;
            };
            Command::Play {
                mv: position.uci(mv),
                ply: table.ply(),
                lag,
                offers_draw,
            }
        }
    };
    let before = table.game.clone();
    let decision = table.decide(by, command, one.seen);
    assert_eq!(table.game, before, "deciding changes nothing");
    let events = match decision {
        Ok(Decision::Append { events, not_before }) => {
            assert!(not_before.is_none_or(|moment| moment <= table.now));
            events
        }
        Ok(Decision::TimeIsUp(deadline)) => {
            assert!(deadline.at <= table.now);
            vec![deadline.event()]
        }
        Ok(Decision::Done(version)) => {
            assert!(version <= before.version());
            return;
        }
        Err(_) => return,
    };
    assert!(!events.is_empty());
    if before.outcome().is_some() {
        let is_rematch = |event: &Event| {
            matches!(
                event,
                Event::RematchOffered(_)
                    | Event::RematchDeclined(_)
                    | Event::RematchAccepted { .. }
            )
        };
        assert!(events.iter().all(is_rematch), "{events:?} after the end");
    }
    table.commit(&events);
}

/// Both clocks, computed from the log alone.
fn sums(table: &Table) -> Option<ByColor<Millis>> {
    let terms = &table.game.setup().terms;
    let TimeControl::Clock { increment, .. } = terms.time_control else {
        return None;
    };
    let initial = Clock::start(terms.time_control)?.remaining();
    let mut history = vec![initial];
    let (mut left, mut turn_started) = (initial, Timestamp(0));
    let first = terms.start.turn();
    for line in &table.lines()[1..] {
        let entry: Entry = line.parse().unwrap();
        let ply = history.len() - 1;
        let mover = if ply % 2 == 0 { first } else { !first };
        match entry.event().unwrap() {
            Event::Played { charge, .. } => {
                if ply >= 2 {
                    left[mover] = left[mover] - charge.unwrap_or_default().used() + increment;
                }
                history.push(left);
                turn_started = entry.at();
            }
            Event::TakenBack { to, .. } => {
                history.truncate(usize::from(to.0) + 1);
                left = history[usize::from(to.0)];
                turn_started = entry.at();
            }
            Event::TimeGiven { to, amount } => left[to] = left[to] + amount,
            Event::Ended { .. } if ply >= 2 => {
                left[mover] = left[mover] - entry.at().since(turn_started)
            }
            _ => {}
        }
    }
    Some(left)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn games_keep_their_promises(variant in variants(), time_control in time_controls(), tries in tries()) {
        let mut table = Table::with(terms(variant, time_control));
        for one in &tries {
            carry_out(&mut table, one);
        }
        let lines = table.lines();
        let replayed = Game::replay(lines.iter().map(String::as_str)).unwrap();
        prop_assert_eq!(&replayed, &table.game, "replay equals live state");
        prop_assert_eq!(table.game.clock().map(|clock| clock.remaining()), sums(&table));
        let ends = lines.iter().filter(|line| line.starts_with("end ")).count();
        prop_assert_eq!(ends, usize::from(table.game.outcome().is_some()));
        prop_assert_eq!(table.game.sans().len(), table.game.turns().len());
    }

    #[test]
    fn every_entry_is_one_frame_and_versions_have_no_holes(variant in variants(), tries in tries()) {
        let mut table = Table::with(terms(variant, clock(60, 1)));
        for one in &tries {
            carry_out(&mut table, one);
        }
        let lines = table.lines();
        let id = "q7ZwA0bX".parse().unwrap();
        let mut game = Game::begin(&lines[0]).unwrap();
        for line in &lines[1..] {
            let (before, expected) = (Before::of(&game), game.version().next());
            let entry: Entry = line.parse().unwrap();
            game.evolve(&entry);
            let frame = frame_of(id, (&before, &game), &entry, entry.at()).unwrap();
            let json = serde_json::to_value(&frame).unwrap();
            prop_assert_eq!(json["v"].as_u64(), Some(expected.0.into()));
            prop_assert_eq!(serde_json::from_value::<ServerMsg>(json).unwrap(), frame);
        }
        let snapshot = Snapshot::of(id, &game, table.now);
        prop_assert_eq!(snapshot.v, game.version());
    }

    #[test]
    fn the_deadline_after_a_move_is_known_before_it(variant in variants(), time_control in time_controls(), tries in tries()) {
        let mut table = Table::with(terms(variant, time_control));
        for one in &tries {
            carry_out(&mut table, one);
        }
        let lines = table.lines();
        let mut game = Game::begin(&lines[0]).unwrap();
        for line in &lines[1..] {
            let entry: Entry = line.parse().unwrap();
            let known = match entry.event() {
                Some(Event::Played { charge, .. }) => Some(game.deadline_after_move(charge, entry.at())),
                _ => None,
            };
            game.evolve(&entry);
            if let Some((known, deadline)) = known.zip(game.deadline()) {
                prop_assert_eq!(known, deadline.at);
            }
        }
    }

    #[test]
    fn a_clock_gains_at_most_its_increment_a_move(waits in prop::collection::vec((0..20_000_u64, lag()), 1..60)) {
        let mut table = Table::on(clock(60, 3)).after("Nf3 Nf6");
        for (i, (wait, lag)) in waits.into_iter().enumerate() {
            let mover = table.game.turn();
            let before = table.game.clock().unwrap().remaining()[mover];
            table = table.wait(Millis(wait));
            let san = [["Ng1", "Ng8"], ["Nf3", "Nf6"]][i / 2 % 2][i % 2];
            if table.play_with(mover, san, lag).is_err() || table.game.outcome().is_some() {
                break;
            }
            let after = table.game.clock().unwrap();
            prop_assert!(after.remaining()[mover] <= before + Millis(3_000));
            prop_assert!(after.quota()[mover] <= Millis(7_000));
        }
    }

    #[test]
    fn logs_of_any_text_do_no_harm(lines in prop::collection::vec("\\PC{0,60}|[a-h][1-8][a-h][1-8] [0-9~-]{0,12} [0-9]{1,20} [a-z]{5}|(draw|takeback|end|time|rematch)[a-z-]{0,8} (white|black|mate|draw|outoftime)( [a-z:]{2,5}[0-9]{0,6})? [0-9]{1,20} [a-z]{5}", 0..20)) {
        let first = first_line(terms(Variant::Standard, clock(60, 0)));
        let log = std::iter::once(first.as_str()).chain(lines.iter().map(String::as_str));
        if let Ok(game) = Game::replay(log) {
            for command in [Command::Resign, Command::GiveTime, Command::Takeback(OfferCommand::Offer)] {
                let _ = game.decide(&zeitnot_game::event::Asked {
                    by: Color::White,
                    command,
                    seen: Some(game.version()),
                    received: Timestamp(u64::MAX),
                });
            }
            let _ = Snapshot::of("q7ZwA0bX".parse().unwrap(), &game, Timestamp(u64::MAX));
        }
    }

    #[test]
    fn positions_of_any_text_do_no_harm(variant in variants(), fen in "[pnbrqkPNBRQK1-8~/]{5,60}(\\[[pnbrqPNBRQ]{0,6}\\])? [wb] [KQkqA-Ha-h-]{1,4} (-|[a-h][36]) ([0-3]\\+[0-3] )?[0-9]{1,3} [0-9]{1,4}") {
        if let Ok(mut position) = Position::from_fen(variant, &fen) {
            prop_assert_eq!(Position::from_any_fen(variant, &position.fen()).map(|again| again.fen()), Ok(position.fen()));
            for _ in 0..8 {
                let Some(&mv) = position.legal_moves().first() else { break };
                let _ = position.san(mv);
                position.play(mv);
                let _ = position.ending();
            }
        }
    }

    #[test]
    fn moves_survive_print_and_parse(uci in "[a-h][1-8][a-h][1-8][nbrqk]?|[PNBRQK]@[a-h][1-8]") {
        let mv: Move = uci.parse().unwrap();
        prop_assert_eq!(mv.to_string(), uci);
    }

    #[test]
    fn entries_survive_print_and_parse(elapsed in any::<u64>(), compensated in any::<u64>(), round_trip in prop::option::of(any::<u64>()), at in any::<u64>()) {
        let charge = zeitnot_game::clock::Charge {
            elapsed: Millis(elapsed),
            compensated: Millis(compensated),
            round_trip: round_trip.map(Millis),
        };
        let event = Event::Played { mv: "e2e4".parse().unwrap(), charge: Some(charge) };
        let entry = Entry::new(event, Timestamp(at), "aZ4k9".parse().unwrap());
        prop_assert_eq!(entry.as_str().parse::<Entry>().unwrap(), entry);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Keys, channels and statements are made of them.
    #[test]
    fn ids_say_nothing_to_a_database(text in "\\PC{0,40}|[a-z0-9_{}:* \r\n\0'\"-]{0,32}|[a-zA-Z0-9]{5,9}[\r\n {}:*]?") {
        let is_plain = |allowed: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || allowed.contains(c));
        if text.parse::<GameId>().is_ok() {
            prop_assert!(is_plain("") && text.len() == 8);
        }
        if text.parse::<Tag>().is_ok() {
            prop_assert!(is_plain("") && text.len() == 5);
        }
        if text.parse::<UserId>().is_ok() {
            prop_assert!(is_plain("_-") && (2..=30).contains(&text.len()));
        }
    }
}
