//! Games from command to event: moves and their refusals, endings, repetition, what a retry gets.

use zeitnot_game::clock::{Lag, TimeControl};
use zeitnot_game::color::Color::{self, Black, White};
use zeitnot_game::event::{Command, DrawCommand, Event, Ply, Prize};
use zeitnot_game::game::{Decision, NotAllowed, Rejection};
use zeitnot_game::id::Version;
use zeitnot_game::outcome::{DrawReason, Outcome};
use zeitnot_game::setup::Terms;
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::Variant;

use crate::support::{Table, clock, terms};

const CLAIM: Command = Command::Draw(DrawCommand::Claim);

fn play(uci: &str, ply: u16) -> Command {
    Command::Play {
        mv: uci.parse().unwrap(),
        ply: Ply(ply),
        lag: Lag::default(),
        offers_draw: false,
    }
}

fn ended(events: &[Event]) -> Option<Outcome> {
    match events.last() {
        Some(Event::Ended { outcome, .. }) => Some(*outcome),
        _ => None,
    }
}

#[test]
fn refused_moves_say_why() {
    let table = Table::new().after("e4");
    let cases = [
        (
            "the other side's turn",
            White,
            play("d2d4", 1),
            Rejection::NotYourTurn,
        ),
        (
            "a ply of the other side",
            Black,
            play("e7e5", 0),
            Rejection::NotYourTurn,
        ),
        (
            "another move at a played ply",
            White,
            play("d2d4", 0),
            Rejection::Stale,
        ),
        ("a ply to come", Black, play("e7e5", 3), Rejection::Stale),
        (
            "against the rules",
            Black,
            play("e7e4", 1),
            Rejection::IllegalMove,
        ),
        (
            "from an empty square",
            Black,
            play("e5e4", 1),
            Rejection::IllegalMove,
        ),
        (
            "a drop without a pocket",
            Black,
            play("P@e5", 1),
            Rejection::IllegalMove,
        ),
    ];
    for (name, by, command, rejection) in cases {
        assert_eq!(table.decide(by, command, None), Err(rejection), "{name}");
    }
}

#[test]
fn the_same_move_again_gets_the_same_answer() {
    let table = Table::new().after("f3 e5 g4 Qh4#");
    assert_eq!(
        table.game.outcome(),
        Some(Outcome::Checkmate { winner: Black })
    );
    assert_eq!(table.version(), 6, "four moves and an end after the set-up");
    let again = |by, command| table.decide(by, command, None);
    assert_eq!(
        again(White, play("f2f3", 0)),
        Ok(Decision::Done(Version(2)))
    );
    assert_eq!(
        again(Black, play("d8h4", 3)),
        Ok(Decision::Done(Version(6))),
        "the end was written with it"
    );
    assert_eq!(again(White, play("e2e4", 0)), Err(Rejection::GameOver));
}

#[test]
fn castling_again_in_the_other_notation_is_the_same_move() {
    let table = Table::new().after("e4 e5 Nf3 Nf6 Bc4 Bc5 O-O");
    for uci in ["e1g1", "e1h1"] {
        assert_eq!(
            table.decide(White, play(uci, 6), None),
            Ok(Decision::Done(Version(8))),
            "{uci}"
        );
    }
}

#[test]
fn black_may_have_the_first_move() {
    let fen = "4k3/8/8/8/8/8/4P3/4K2R b K - 0 1";
    let mut table = Table::from_fen(Variant::FromPosition, fen);
    assert_eq!(
        table.decide(White, play("e2e4", 0), None),
        Err(Rejection::NotYourTurn)
    );
    table.ask(Black, play("e8e7", 0)).unwrap();
    table.ask(White, play("e1g1", 1)).unwrap();
    assert_eq!(
        table.game.position().fen(),
        "8/4k3/8/8/8/8/4P3/5RK1 b - - 2 2"
    );
}

#[test]
fn positions_end_games_by_themselves() {
    let standard = Variant::Standard;
    let cases = [
        (
            "stalemate",
            standard,
            "7k/5K2/8/6Q1/8/8/8/8 w - - 0 1",
            "Qg6",
            Outcome::Stalemate,
        ),
        (
            "dead",
            standard,
            "8/8/4k3/8/8/3pK3/8/8 w - - 0 1",
            "Kxd3",
            Outcome::Drawn(DrawReason::Dead),
        ),
        (
            "all bishops on one color",
            standard,
            "8/2b5/4k3/8/8/3pK3/8/B7 w - - 0 1",
            "Kxd3",
            Outcome::Drawn(DrawReason::Dead),
        ),
        (
            "on the hill",
            Variant::KingOfTheHill,
            "4k3/8/8/8/8/4K3/8/8 w - - 0 1",
            "Ke4",
            Outcome::VariantEnd {
                winner: Some(White),
            },
        ),
        (
            "75 moves",
            standard,
            "8/8/4k3/8/8/4K3/1R6/8 w - - 149 150",
            "Ra2",
            Outcome::Drawn(DrawReason::SeventyFive),
        ),
        (
            "mate on the 150th quiet ply",
            standard,
            "7k/R7/8/8/8/8/1R6/4K3 w - - 149 150",
            "Rb8#",
            Outcome::Checkmate { winner: White },
        ),
    ];
    for (name, variant, fen, san, outcome) in cases {
        let mut table = Table::from_fen(variant, fen);
        let events = table.play(White, san).unwrap();
        assert_eq!(ended(&events), Some(outcome), "{name}: {fen}");
        assert_eq!(events.len(), 2, "{name}: a move and its own end");
        assert_eq!(table.game.running(), None, "{name}");
    }
}

/// Name, moves, the first ply at which threefold can be claimed, the ply of the fivefold end.
const REPETITIONS: [(&str, &str, u16, Option<u16>); 5] = [
    (
        "knights",
        "Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8",
        8,
        Some(16),
    ),
    (
        "an en passant right makes the first one different",
        "e4 a6 e5 d5 Nc3 Nc6 Nb1 Nb8 Nc3 Nc6 Nb1 Nb8 Nc3 Nc6 Nb1 Nb8 Nc3 Nc6 Nb1 Nb8 Nc3",
        13,
        Some(21),
    ),
    (
        "a double step that nobody can take is no difference",
        "e4 e5 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8",
        10,
        Some(18),
    ),
    (
        "castling rights, by the kings",
        "e4 e5 Ke2 Ke7 Ke1 Ke8 Ke2 Ke7 Ke1 Ke8 Ke2 Ke7 Ke1 Ke8 Ke2 Ke7 Ke1 Ke8 Ke2 Ke7",
        12,
        Some(20),
    ),
    (
        "castling rights, by the rooks",
        "h4 h5 Rh2 Rh7 Rh1 Rh8 Rh2 Rh7 Rh1 Rh8 Rh2 Rh7 Rh1 Rh8 Rh2 Rh7 Rh1 Rh8",
        12,
        None,
    ),
];

#[test]
fn repetition_is_claimed_at_three_and_ends_the_game_at_five() {
    for (name, moves, threefold, fivefold) in REPETITIONS {
        let mut table = Table::new();
        for san in moves.split_whitespace() {
            let ply = table.ply().0;
            let may_claim = ply >= threefold;
            assert_eq!(
                table.game.claimable_draw().is_some(),
                may_claim,
                "{name} at {ply}"
            );
            assert_eq!(
                table.decide(White, CLAIM, None).is_ok(),
                may_claim,
                "{name} at {ply}"
            );
            table.play(table.game.turn(), san).unwrap();
        }
        let end = fivefold.map(|_| Outcome::Drawn(DrawReason::Fivefold));
        assert_eq!(table.game.outcome(), end, "{name}");
        assert!(fivefold.is_none_or(|ply| ply == table.ply().0), "{name}");
    }
}

#[test]
fn repetition_is_counted_again_after_a_takeback() {
    let mut table = Table::new().after("Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8");
    assert_eq!(table.game.claimable_draw(), Some(DrawReason::Threefold));
    table.commit(&[Event::TakenBack {
        by: White,
        to: Ply(7),
    }]);
    assert_eq!(table.game.claimable_draw(), None);
    let table = table.after("Ng8");
    assert_eq!(table.game.claimable_draw(), Some(DrawReason::Threefold));
}

#[test]
fn fifty_moves_are_claimed_but_not_in_crazyhouse() {
    let fen = "8/8/4k3/8/8/4K3/1R6/8 w - - 98 120";
    let mut table = Table::from_fen(Variant::Standard, fen).after("Ra2");
    assert_eq!(
        table.ask(White, CLAIM),
        Err(NotAllowed::NothingToClaim.into())
    );
    let mut table = table.after("Kd6");
    let events = table.ask(Black, CLAIM).unwrap();
    assert_eq!(ended(&events), Some(Outcome::Drawn(DrawReason::Fifty)));
    let table =
        Table::from_fen(Variant::Crazyhouse, "8/8/4k3/8/8/4K3/1R6/8[] w - - 149 150").after("Ra2");
    assert_eq!(
        (table.game.claimable_draw(), table.game.outcome()),
        (None, None)
    );
}

#[test]
fn six_hundred_plies_are_enough() {
    let mut table = Table::on(TimeControl::Unlimited);
    // A tour that never repeats a position five times: the kings walk, pawns move now and then.
    let mut last = Vec::new();
    while table.game.outcome().is_none() {
        let position = table.game.position();
        let legal = position.legal_moves().into_iter().min_by_key(|&mv| {
            let mut after = position.clone();
            after.play(mv);
            let is_over = after.ending().is_some() || after.quiet_plies() >= 149;
            let seen = last.iter().filter(|&&key| key == after.key()).count();
            let is_capture = after.material(!position.turn()) < position.material(!position.turn());
            let resets = after.quiet_plies() == 0;
            (
                is_over,
                seen.min(4),
                is_capture,
                resets && position.quiet_plies() < 90,
            )
        });
        let mv = position.uci(legal.unwrap());
        let command = play(&mv.to_string(), table.ply().0);
        table.ask(table.game.turn(), command).unwrap();
        last.push(table.game.position().key());
    }
    assert_eq!(
        table.game.outcome(),
        Some(Outcome::Drawn(DrawReason::MaxPlies))
    );
    assert_eq!(table.ply(), Ply(600));
}

#[test]
fn abort_is_for_the_beginning_and_resign_for_any_time() {
    for moves in ["", "e4"] {
        let mut table = Table::new().after(moves);
        let events = table.ask(Black, Command::Abort).unwrap();
        assert_eq!(ended(&events), Some(Outcome::Aborted), "{moves}");
    }
    let mut table = Table::new().after("e4 e5");
    assert_eq!(
        table.ask(White, Command::Abort),
        Err(NotAllowed::TooLateToAbort.into())
    );
    let events = table.ask(White, Command::Resign).unwrap();
    assert_eq!(ended(&events), Some(Outcome::Resigned { winner: Black }));
    assert_eq!(table.ask(Black, Command::Resign), Err(Rejection::GameOver));
    assert_eq!(table.ask(Black, Command::Abort), Err(Rejection::GameOver));
}

#[test]
fn a_command_repeated_with_its_version_is_answered_as_at_first() {
    let table = {
        let mut table = Table::new().after("e4 e5");
        table.ask(White, Command::Resign).unwrap();
        table
    };
    assert_eq!(
        table.decide(White, Command::Resign, Some(3)),
        Ok(Decision::Done(Version(4)))
    );
    assert_eq!(
        table.decide(White, Command::Resign, Some(4)),
        Err(Rejection::GameOver)
    );
    assert_eq!(
        table.decide(White, Command::Resign, None),
        Err(Rejection::GameOver)
    );
    assert_eq!(
        table.decide(Black, Command::Resign, Some(3)),
        Err(Rejection::GameOver)
    );
}

#[test]
fn a_claim_waits_for_its_time_and_for_the_other_sides_turn() {
    let claim = |prize, claim_at: Option<u64>| Command::Claim {
        prize,
        claim_at: claim_at.map(Timestamp),
    };
    let table = Table::new().after("e4 e5").wait(Millis(50_000));
    let at = |by, command| table.decide(by, command, None);
    let own_turn = Err(NotAllowed::OwnTurn.into());
    assert_eq!(at(White, claim(Prize::Win, Some(0))), own_turn);
    assert_eq!(
        at(Black, claim(Prize::Win, None)),
        Err(NotAllowed::OpponentIsHere.into())
    );
    let retry_after = Millis(10_000);
    assert_eq!(
        at(Black, claim(Prize::Win, Some(60_000))),
        Err(Rejection::TooEarly { retry_after })
    );
    let outcome = |winner| Event::Ended {
        outcome: Outcome::Left { winner },
        by: Some(Black),
    };
    for (prize, winner) in [(Prize::Win, Some(Black)), (Prize::Draw, None)] {
        let append = Decision::Append {
            events: vec![outcome(winner)],
            not_before: Some(Timestamp(40_000)),
        };
        assert_eq!(at(Black, claim(prize, Some(40_000))), Ok(append));
    }
    let unbegun = Table::new().after("e4");
    let not_begun = Err(NotAllowed::NotBegun.into());
    assert_eq!(
        unbegun.decide(White, claim(Prize::Win, Some(0)), None),
        not_begun
    );
    // White may claim, but a bare king cannot win.
    let bare = Table::from_fen(Variant::FromPosition, "4k3/4p3/8/8/8/8/8/4K3 w - - 0 1")
        .after("Kd1 Kd8 Kc1");
    let Ok(Decision::Append { events, .. }) = bare.decide(White, claim(Prize::Win, Some(0)), None)
    else {
        panic!("claimed");
    };
    assert_eq!(ended(&events), Some(Outcome::Left { winner: None }));
}

#[test]
fn the_wait_for_who_left_depends_on_speed_material_and_guests() {
    let wait = |table: &Table, left: Color, on_purpose| table.game.claim_wait(left, on_purpose).0;
    let blitz = Table::new();
    assert_eq!(
        wait(&blitz, White, false),
        20_000,
        "40 s, half of it for a guest"
    );
    assert_eq!(wait(&blitz, White, true), 10_000);
    assert_eq!(
        wait(&Table::on(clock(600, 0)), White, false),
        40_000,
        "rapid waits twice as long"
    );
    assert_eq!(
        wait(&Table::on(clock(1_800, 0)), White, false),
        60_000,
        "classical three times"
    );
    assert_eq!(
        wait(&Table::on(TimeControl::Unlimited), White, true),
        Millis::from_days(30).0
    );
    let queen_down = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNB1KBNR w KQkq - 0 1";
    let down = Table::from_fen(Variant::FromPosition, queen_down);
    assert_eq!(
        wait(&down, White, false),
        10_000,
        "a third, but never under 10 s"
    );
    assert_eq!(wait(&down, Black, false), 20_000);
    let crazy = Table::from_fen(
        Variant::Crazyhouse,
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNB1KBNR[] w KQkq - 0 1",
    );
    assert_eq!(
        wait(&crazy, White, false),
        20_000,
        "material says nothing there"
    );
}

#[test]
fn a_set_up_may_shorten_the_first_move() {
    let table = Table::with(Terms {
        first_move: Millis(2_000),
        ..terms(Variant::Standard, clock(60, 0))
    });
    assert_eq!(table.game.deadline().unwrap().at, Timestamp(2_000));
}
