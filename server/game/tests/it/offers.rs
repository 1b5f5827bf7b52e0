//! Offers and gifts: draws, takebacks, rematches, time; their limits, and what a retry gets.

use zeitnot_game::clock::{Lag, TimeControl};
use zeitnot_game::color::Color::{Black, White};
use zeitnot_game::event::OfferCommand::{Accept, Decline, Offer};
use zeitnot_game::event::{Command, DrawCommand, Event, OfferCommand, Ply};
use zeitnot_game::game::{Decision, NotAllowed, Rejection};
use zeitnot_game::id::Version;
use zeitnot_game::outcome::{DrawReason, Outcome};
use zeitnot_game::time::Millis;

use crate::support::{Table, clock};

const AGREED: Outcome = Outcome::Drawn(DrawReason::Agreement);

const fn draw(what: OfferCommand) -> Command {
    Command::Draw(DrawCommand::Negotiate(what))
}

fn rematch(what: OfferCommand) -> Command {
    Command::Rematch(what, "q7ZwA0bX".parse().unwrap())
}

fn with_offer(table: &Table, san: &str) -> Command {
    match table.move_of(san, Lag::default()) {
        Command::Play { mv, ply, lag, .. } => Command::Play {
            mv,
            ply,
            lag,
            offers_draw: true,
        },
        other => other,
    }
}

#[test]
fn a_draw_is_offered_and_accepted() {
    let mut table = Table::new().after("e4 e5");
    assert_eq!(
        table.ask(White, draw(Offer)),
        Ok(vec![Event::DrawOffered(White)])
    );
    assert_eq!(
        table.ask(White, draw(Accept)),
        Err(Rejection::Stale),
        "not one's own"
    );
    let end = Event::Ended {
        outcome: AGREED,
        by: Some(Black),
    };
    assert_eq!(table.ask(Black, draw(Accept)), Ok(vec![end]));
    assert_eq!(table.game.outcome(), Some(AGREED));
    assert_eq!(
        table.decide(Black, draw(Accept), Some(4)),
        Ok(Decision::Done(Version(5)))
    );
    assert_eq!(
        table.decide(White, draw(Offer), Some(3)),
        Ok(Decision::Done(Version(4)))
    );
}

#[test]
fn offering_what_is_offered_accepts_it() {
    let mut table = Table::new().after("e4 e5");
    table.ask(White, draw(Offer)).unwrap();
    table.ask(Black, draw(Offer)).unwrap();
    assert_eq!(table.game.outcome(), Some(AGREED));
}

#[test]
fn a_draw_offer_survives_ones_own_move_and_ends_with_the_others() {
    let mut table = Table::new().after("e4 e5");
    table.ask(White, draw(Offer)).unwrap();
    let table = table.after("Nf3");
    assert!(table.game.draw_offer().is_some());
    let table = table.after("Nf6");
    assert_eq!(table.game.draw_offer(), None);
}

#[test]
fn a_declined_draw_is_not_offered_again_for_twenty_plies() {
    let mut table = Table::new().after("e4 e5");
    table.ask(White, draw(Offer)).unwrap();
    table.ask(Black, draw(Decline)).unwrap();
    let mut table = table.after("a3 a6 b3 b6 c3 c6 d3 d6 f3 f6 g3 g6 h3 h6 a4 a5 b4 c5 c4");
    assert_eq!(table.ply(), Ply(21));
    let recently = Err(NotAllowed::DrawOfferedRecently.into());
    assert_eq!(table.ask(White, draw(Offer)), recently);
    assert!(
        table.decide(Black, draw(Offer), None).is_ok(),
        "Black has not offered"
    );
    let mut table = table.after("b5");
    assert!(table.ask(White, draw(Offer)).is_ok());
}

#[test]
fn a_draw_offered_with_a_move_is_a_move_and_then_an_offer() {
    let mut table = Table::new().after("e4 e5");
    let command = with_offer(&table, "Nf3");
    let events = table.ask(White, command).unwrap();
    assert!(matches!(
        events[..],
        [Event::Played { .. }, Event::DrawOffered(White)]
    ));
    assert_eq!(
        table.decide(White, command, None),
        Ok(Decision::Done(Version(5)))
    );

    let accepting = with_offer(&table, "Nf6");
    let events = table.ask(Black, accepting).unwrap();
    assert!(matches!(
        events[..],
        [
            Event::Played { .. },
            Event::Ended {
                outcome: AGREED,
                ..
            }
        ]
    ));

    let mut again = Table::new().after("e4 e5");
    again.ask(White, draw(Offer)).unwrap();
    again.ask(Black, draw(Decline)).unwrap();
    let too_soon = with_offer(&again, "Nf3");
    assert_eq!(
        again.ask(White, too_soon).unwrap().len(),
        1,
        "the move counts, the offer does not"
    );
}

#[test]
fn an_answer_needs_the_offer_that_was_seen() {
    let mut table = Table::new().after("e4 e5");
    table.ask(White, draw(Offer)).unwrap();
    assert_eq!(
        table.decide(Black, draw(Accept), Some(3)),
        Err(Rejection::Stale)
    );
    assert!(table.decide(Black, draw(Accept), Some(4)).is_ok());
    assert!(table.decide(Black, draw(Decline), None).is_ok());
    let table = table.after("Nf3 Nf6");
    assert_eq!(
        table.decide(Black, draw(Accept), Some(4)),
        Err(Rejection::Stale)
    );
    assert_eq!(
        table.decide(Black, Command::Takeback(Decline), None),
        Err(Rejection::Stale)
    );
}

#[test]
fn one_ply_is_taken_back_from_the_other_sides_turn_and_two_from_ones_own() {
    let mut table = Table::new().after("e4 e5 Nf3");
    table.ask(White, Command::Takeback(Offer)).unwrap();
    let events = table.ask(Black, Command::Takeback(Accept)).unwrap();
    assert_eq!(
        events,
        [Event::TakenBack {
            by: Black,
            to: Ply(2)
        }]
    );
    assert_eq!(table.game.turn(), White);

    let mut table = Table::new().after("e4 e5 Nf3 Nf6");
    table.ask(White, Command::Takeback(Offer)).unwrap();
    let events = table.ask(Black, Command::Takeback(Accept)).unwrap();
    assert_eq!(
        events,
        [Event::TakenBack {
            by: Black,
            to: Ply(2)
        }]
    );
    assert_eq!(
        table.game.position().fen(),
        "rnbqkbnr/pppp1ppp/8/4p3/4P3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2"
    );
    assert_eq!(
        table.decide(Black, Command::Takeback(Accept), Some(6)),
        Ok(Decision::Done(Version(7)))
    );
}

#[test]
fn a_takeback_restores_both_clocks() {
    let mut table = Table::new()
        .after("e4 e5")
        .wait(Millis(5_000))
        .after("Nf3")
        .wait(Millis(7_000))
        .after("Nf6");
    assert_eq!(table.left(), (177_000, 175_000));
    table = table.wait(Millis(3_000));
    table.ask(White, Command::Takeback(Offer)).unwrap();
    table.ask(Black, Command::Takeback(Accept)).unwrap();
    assert_eq!(table.left(), (180_000, 180_000), "as after the second ply");
    assert_eq!(
        table.wait(Millis(1_000)).left(),
        (179_000, 180_000),
        "and the turn begins anew"
    );
}

#[test]
fn takebacks_are_asked_for_once_a_ply_and_only_with_a_move_of_ones_own() {
    let mut table = Table::new().after("e4");
    let nothing = Err(NotAllowed::NothingToTakeBack.into());
    assert_eq!(table.ask(Black, Command::Takeback(Offer)), nothing);
    table.ask(White, Command::Takeback(Offer)).unwrap();
    table.ask(Black, Command::Takeback(Decline)).unwrap();
    let asked = Err(NotAllowed::TakebackAskedAlready.into());
    assert_eq!(table.ask(White, Command::Takeback(Offer)), asked);
    let mut table = table.after("e5");
    table.ask(White, Command::Takeback(Offer)).unwrap();
    let table = table.after("Nf3");
    assert_eq!(table.game.takeback_offer(), None, "a move ends the wish");
}

#[test]
fn a_move_from_before_a_takeback_is_stale() {
    let mut table = Table::new().after("e4 e5 Nf3");
    let again = Command::Play {
        mv: "g1f3".parse().unwrap(),
        ply: Ply(2),
        lag: Lag::default(),
        offers_draw: false,
    };
    table.ask(White, Command::Takeback(Offer)).unwrap();
    table.ask(Black, Command::Takeback(Accept)).unwrap();
    assert_eq!(table.decide(White, again, Some(3)), Err(Rejection::Stale));
    assert!(table.decide(White, again, Some(6)).is_ok());
}

#[test]
fn takebacks_come_to_an_end() {
    let mut table = Table::on(TimeControl::Unlimited).after("e4");
    for _ in 0..100 {
        table.ask(White, Command::Takeback(Offer)).unwrap();
        table.ask(Black, Command::Takeback(Accept)).unwrap();
        table = table.after("e4");
    }
    assert_eq!(
        table.ask(White, Command::Takeback(Offer)),
        Err(NotAllowed::TooManyTakebacks.into())
    );
}

#[test]
fn time_is_given_ten_times_fifteen_seconds() {
    let mut table = Table::on(clock(60, 0)).after("e4 e5");
    for _ in 0..10 {
        table.ask(White, Command::GiveTime).unwrap();
    }
    assert_eq!(table.left(), (60_000, 210_000));
    assert_eq!(
        table.ask(White, Command::GiveTime),
        Err(NotAllowed::TooManyGifts.into())
    );
    assert!(table.ask(Black, Command::GiveTime).is_ok());
    let version = table.version();
    assert_eq!(
        table.decide(Black, Command::GiveTime, Some(version - 1)),
        Ok(Decision::Done(Version(version)))
    );
    let mut without = Table::on(TimeControl::Unlimited);
    assert_eq!(
        without.ask(White, Command::GiveTime),
        Err(NotAllowed::NoClock.into())
    );
}

#[test]
fn a_rematch_follows_the_end_and_nothing_else_does() {
    let mut table = Table::new().after("f3 e5 g4");
    assert_eq!(
        table.ask(White, rematch(Offer)),
        Err(NotAllowed::NotOver.into())
    );
    let mut table = table.after("Qh4#");
    table.ask(White, rematch(Offer)).unwrap();
    table.ask(Black, rematch(Decline)).unwrap();
    table.ask(White, rematch(Offer)).unwrap();
    table.ask(Black, rematch(Accept)).unwrap();
    assert_eq!(table.game.next(), Some("q7ZwA0bX".parse().unwrap()));
    assert_eq!(
        table.ask(White, rematch(Offer)),
        Err(Rejection::Stale),
        "it is agreed already"
    );
    for command in [
        Command::Resign,
        Command::Abort,
        Command::GiveTime,
        draw(Offer),
        Command::Takeback(Offer),
    ] {
        assert_eq!(
            table.ask(White, command),
            Err(Rejection::GameOver),
            "{command:?}"
        );
    }
}

#[test]
fn rematch_offers_come_to_an_end() {
    let mut table = Table::new().after("f3 e5 g4 Qh4#");
    for _ in 0..10 {
        table.ask(White, rematch(Offer)).unwrap();
        table.ask(Black, rematch(Decline)).unwrap();
    }
    assert_eq!(
        table.ask(White, rematch(Offer)),
        Err(NotAllowed::TooManyRematchOffers.into())
    );
}

#[test]
fn nobody_agrees_to_take_back_nothing() {
    // No log of ours has such an offer.
    let mut table = Table::new();
    table.commit(&[Event::TakebackOffered(White)]);
    for agreed in [Accept, Offer] {
        let answer = table.ask(Black, Command::Takeback(agreed));
        assert_eq!(answer, Err(NotAllowed::NothingToTakeBack.into()));
    }
}
