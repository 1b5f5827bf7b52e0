//! Clocks to the millisecond: increments, flags, lag and its quota, limits by days and for first moves.

use zeitnot_game::clock::{Clock, InvalidTimeControl, Lag, TimeControl};
use zeitnot_game::color::Color::{self, Black, White};
use zeitnot_game::event::{Command, Event};
use zeitnot_game::game::{Decision, Rejection};
use zeitnot_game::outcome::Outcome;
use zeitnot_game::rules::Position;
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::{Speed, Variant};

use crate::support::{Table, clock, terms};

const fn thought(ms: u64, round_trip: u64) -> Lag {
    Lag {
        think: Some(Millis(ms)),
        round_trip: Some(Millis(round_trip)),
    }
}

#[test]
fn the_first_two_plies_neither_cost_nor_add_time() {
    let table = Table::new()
        .wait(Millis(9_000))
        .after("e4")
        .wait(Millis(9_000))
        .after("e5");
    assert_eq!(table.left(), (180_000, 180_000));
    let table = table.wait(Millis(1_500));
    assert_eq!(table.left(), (178_500, 180_000));
    let table = table.after("Nf3");
    assert_eq!(table.left(), (180_500, 180_000));
}

#[test]
fn a_move_after_flag_fall_ends_the_game_instead() {
    let mut table = Table::new().after("e4 e5").wait(Millis(182_001));
    let events = table.play(White, "Nf3").unwrap();
    let outcome = Outcome::Flagged {
        winner: Some(Black),
    };
    assert_eq!(events, [Event::Ended { outcome, by: None }]);
    assert_eq!(table.left(), (0, 180_000));
    assert_eq!(table.play(White, "Nf3"), Err(Rejection::GameOver));
}

#[test]
fn whoever_used_all_of_his_time_is_flagged_though_the_call_would_come_later() {
    let table = Table::new().after("e4 e5").wait(Millis(179_999));
    assert!(matches!(
        table.decide(White, table.move_of("Nf3", Lag::default()), None),
        Ok(Decision::Append { .. })
    ));
    let table = table.wait(Millis(1));
    let Ok(Decision::TimeIsUp(deadline)) =
        table.decide(White, table.move_of("Nf3", Lag::default()), None)
    else {
        panic!("flagged at zero");
    };
    assert_eq!(deadline.at, Timestamp(180_000));
    assert_eq!(
        table.game.expired(table.now),
        None,
        "nobody calls it before the grace is over"
    );
}

#[test]
fn the_flag_is_called_after_the_time_left_and_the_grace() {
    let table = Table::new().after("e4 e5");
    // 3+2 has a quota of 3 s at first, of which 2 s are grace.
    assert_eq!(table.game.deadline().unwrap().at, Timestamp(182_000));
    let table = Table::on(clock(15, 0)).after("e4 e5");
    // E = 15: max_gain = 210, quota = 630.
    assert_eq!(table.game.deadline().unwrap().at, Timestamp(15_630));
}

#[test]
fn lag_is_given_back_within_its_quota() {
    let mut table = Table::on(clock(60, 0)).after("e4 e5");
    // E = 60: max_gain 390 ms a move; the quota starts at 1170 and never exceeds 2730.
    let quota = |table: &Table| table.game.clock().unwrap().quota().white.0;
    assert_eq!(quota(&table), 1_170);

    table = table.wait(Millis(1_000));
    table.play_with(White, "Nf3", thought(900, 80)).unwrap();
    assert_eq!(table.left().0, 59_100, "100 of the 1000 ms were lag");
    assert_eq!(quota(&table), 1_170 - 100 + 220);

    table = table.after("Nf6").wait(Millis(5_000));
    table.play_with(White, "Nc3", thought(0, 1_000)).unwrap();
    assert_eq!(
        table.left().0,
        59_100 - (5_000 - 1_290),
        "no more than the quota"
    );
    assert_eq!(quota(&table), 390, "filled up by max_gain at most");
}

#[test]
fn without_a_think_time_the_round_trip_counts_as_lag() {
    let mut table = Table::new().after("e4 e5").wait(Millis(1_000));
    let lag = Lag {
        think: None,
        round_trip: Some(Millis(250)),
    };
    table.play_with(White, "Nf3", lag).unwrap();
    assert_eq!(table.left().0, 180_000 - 750 + 2_000);
    let mut table = Table::new().after("e4 e5").wait(Millis(1_000));
    table.play_with(White, "Nf3", Lag::default()).unwrap();
    assert_eq!(
        table.left().0,
        180_000 - 1_000 + 2_000,
        "nothing is known, nothing given back"
    );
}

#[test]
fn a_premove_costs_nothing_and_lag_never_earns_time() {
    let mut table = Table::new().after("e4 e5").wait(Millis(130));
    table.play_with(White, "Nf3", thought(0, 130)).unwrap();
    assert_eq!(table.left().0, 182_000);
    let mut table = Table::new().after("e4 e5").wait(Millis(100));
    let lag = Lag {
        think: None,
        round_trip: Some(Millis(9_000)),
    };
    table.play_with(White, "Nf3", lag).unwrap();
    assert_eq!(table.left().0, 182_000, "no more back than had passed");
}

#[test]
fn a_full_quota_stays_full() {
    let mut table = Table::new().after("e4 e5");
    for (white, black) in [("Nf3", "Nf6"), ("Ng1", "Ng8")].iter().cycle().take(7) {
        table.play_with(White, white, thought(0, 5_000)).unwrap();
        table.play_with(Black, black, thought(0, 0)).unwrap();
    }
    let quota = table.game.clock().unwrap().quota();
    assert_eq!(
        (quota.white, quota.black),
        (Millis(7_000), Millis(3_000 + 7 * 140))
    );
}

#[test]
fn a_node_that_is_ahead_charges_no_time_that_has_not_passed() {
    let mut table = Table::new().after("e4 e5").wait(Millis(60_000));
    let Ok(Decision::Append { events, .. }) =
        table.decide(White, table.move_of("Nf3", Lag::default()), None)
    else {
        panic!("in time");
    };
    table.now = Timestamp(1_200);
    table.commit(&events);
    assert_eq!(
        table.left().0,
        180_000 - 1_200 + 2_000,
        "committed after 1.2 s"
    );
}

#[test]
fn a_limit_of_zero_starts_with_three_seconds_or_the_increment() {
    let left = |limit, increment| {
        Clock::start(clock(limit, increment))
            .unwrap()
            .remaining()
            .white
    };
    assert_eq!(left(0, 1), Millis(3_000));
    assert_eq!(left(0, 20), Millis(20_000));
    assert_eq!(left(1, 0), Millis(1_000));
}

#[test]
fn a_first_move_that_does_not_come_aborts_the_game() {
    let aborted = Outcome::Aborted;
    for table in [Table::new(), Table::new().wait(Millis(29_999)).after("e4")] {
        let deadline = table.game.deadline().unwrap();
        assert_eq!(deadline.outcome, aborted);
        assert_eq!(deadline.at, table.game.turn_started() + Millis(30_000));
        assert_eq!(table.game.move_by(), Some(deadline.at));
    }
    let mut late = Table::new().wait(Millis(30_000));
    let events = late.play(White, "e4").unwrap();
    assert_eq!(
        events,
        [Event::Ended {
            outcome: aborted,
            by: None
        }]
    );
}

#[test]
fn correspondence_has_days_for_each_move_and_no_compensation() {
    let day = Millis::from_days(1);
    let three_days = TimeControl::correspondence(3).unwrap();
    let table = Table::on(three_days).after("e4 e5").wait(day);
    assert_eq!(table.game.move_by(), Some(Timestamp(3 * day.0)));
    let mut late = table.wait(day).wait(day);
    let events = late.play_with(White, "Nf3", thought(0, 5_000)).unwrap();
    let outcome = Outcome::Flagged {
        winner: Some(Black),
    };
    assert_eq!(events, [Event::Ended { outcome, by: None }]);
    let unbegun = Table::on(three_days).after("e4");
    assert_eq!(unbegun.game.deadline().unwrap().outcome, Outcome::Aborted);
}

#[test]
fn a_game_without_a_clock_is_aborted_when_left_alone() {
    let table = Table::on(TimeControl::Unlimited).after("e4 e5 Nf3");
    let deadline = table.game.deadline().unwrap();
    assert_eq!(
        (deadline.at, deadline.outcome),
        (Timestamp(Millis::from_days(21).0), Outcome::Aborted)
    );
    assert_eq!(table.game.move_by(), None);
}

/// A variant, and a position in which the flag of the side to move falls; who wins then.
type Flag = (Variant, &'static str, Option<Color>);

/// In king of the hill and racing kings even a bare king can win; in crazyhouse whoever cannot win is not alone.
const FLAGS: [Flag; 16] = {
    use Variant::{
        Antichess, Atomic, Chess960, Crazyhouse, FromPosition, Horde, KingOfTheHill, RacingKings,
        Standard, ThreeCheck,
    };
    const BARE_KING: &str = "4k3/8/8/8/8/8/4P3/4K3 w - - 0 1";
    [
        (Standard, "4k2r/8/8/8/8/8/4P3/4K3 w - - 0 1", Some(Black)),
        (Standard, "4k2n/8/8/8/8/8/4P3/4K3 w - - 0 1", Some(Black)),
        (Standard, "4k2n/8/8/8/8/8/8/3QK3 w - - 0 1", None),
        (
            Chess960,
            "bbqnnrkr/pppppppp/8/8/8/8/PPPPPPPP/BBQNNRKR w KQkq - 0 1",
            Some(Black),
        ),
        (Chess960, BARE_KING, None),
        (
            FromPosition,
            "4k3/4p3/8/8/8/8/4P3/4K3 b - - 0 1",
            Some(White),
        ),
        (FromPosition, BARE_KING, None),
        (
            Crazyhouse,
            "4k3/8/8/8/8/8/4PPPP/4K3[] w - - 0 1",
            Some(Black),
        ),
        (Antichess, "8/8/8/3n4/8/8/8/5N2 w - - 0 1", None),
        (Atomic, "8/5q2/4k3/8/8/4K3/8/8 b - - 0 1", None),
        (Atomic, "8/5q2/4k3/8/8/4K3/8/8 w - - 0 1", Some(Black)),
        (Horde, "4k3/8/8/8/8/8/4PPPP/8 w - - 0 1", Some(Black)),
        (Horde, "7k/8/8/8/8/8/P7/8 b - - 0 1", None),
        (KingOfTheHill, BARE_KING, Some(Black)),
        (
            RacingKings,
            "8/8/8/8/8/8/krbnNBRK/qrbnNBRQ w - - 0 1",
            Some(Black),
        ),
        (ThreeCheck, "4k3/8/8/8/8/8/4P3/4K3 w - - 3+3 0 1", None),
    ]
};

/// Starts the clock; by which moves is no matter, if nothing is captured.
fn after_two_quiet_plies(mut table: Table) -> Table {
    let pieces = |position: &Position| position.material(White) + position.material(Black);
    for _ in 0..2 {
        let position = table.game.position();
        let quiet = position.legal_moves().into_iter().find(|&mv| {
            let mut after = position.clone();
            after.play(mv);
            pieces(position) == pieces(&after) && after.ending().is_none()
        });
        let san = position.san(quiet.unwrap()).to_string();
        table = table.after(&san);
    }
    table
}

#[test]
fn a_flag_against_a_player_who_cannot_win_is_a_draw() {
    for (variant, fen, winner) in FLAGS {
        let table = after_two_quiet_plies(Table::from_fen(variant, fen));
        let deadline = table.game.deadline().unwrap();
        assert_eq!(
            deadline.outcome,
            Outcome::Flagged { winner },
            "{variant}: {fen}"
        );
        let flagged = table.game.turn();
        let mut late = table.wait(Millis(200_000));
        let events = late.ask(!flagged, Command::Resign).unwrap();
        assert_eq!(events, [deadline.event()], "{variant}: {fen}");
    }
    for variant in Variant::ALL {
        let start = Position::start(variant);
        assert!(start.can_win(White) && start.can_win(Black), "{variant}");
        let table = after_two_quiet_plies(Table::with(terms(variant, clock(180, 2))));
        let winner = Some(!table.game.turn());
        assert_eq!(
            table.game.deadline().unwrap().outcome,
            Outcome::Flagged { winner },
            "{variant}"
        );
    }
}

#[test]
fn a_command_after_the_flag_gives_way_to_it() {
    let mut table = Table::new().after("e4 e5").wait(Millis(182_000));
    let events = table.ask(Black, Command::Resign).unwrap();
    let outcome = Outcome::Flagged {
        winner: Some(Black),
    };
    assert_eq!(events, [Event::Ended { outcome, by: None }]);
}

#[test]
fn time_controls_are_bounded_and_have_a_speed() {
    assert_eq!(TimeControl::clock(0, 0), Err(InvalidTimeControl::Clock));
    assert_eq!(
        TimeControl::clock(10_801, 0),
        Err(InvalidTimeControl::Clock)
    );
    assert_eq!(TimeControl::clock(60, 181), Err(InvalidTimeControl::Clock));
    assert_eq!(
        TimeControl::correspondence(0),
        Err(InvalidTimeControl::Days)
    );
    assert_eq!(
        TimeControl::correspondence(15),
        Err(InvalidTimeControl::Days)
    );
    let cases = [
        ((29, 0), Speed::UltraBullet),
        ((30, 0), Speed::Bullet),
        ((0, 1), Speed::Bullet),
        ((179, 0), Speed::Bullet),
        ((180, 0), Speed::Blitz),
        ((60, 10), Speed::Blitz),
        ((480, 0), Speed::Rapid),
        ((1_500, 0), Speed::Classical),
    ];
    for ((limit, increment), speed) in cases {
        assert_eq!(
            Speed::of(clock(limit, increment)),
            speed,
            "{limit}+{increment}"
        );
    }
    assert_eq!(Speed::of(TimeControl::Unlimited), Speed::Correspondence);
}
