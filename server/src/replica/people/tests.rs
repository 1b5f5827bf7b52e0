//! Players who come and go, without a store.

use std::time::Duration;

use super::*;
use crate::limits::SEAT_GRACE;
use zeitnot_game::time::PlayTime;

const SETUP: &str = "game1 standard 180+2 casual white:anna:Anna black:bo:Bo created:1 1000 aaaaa";

/// Both have moved, and it is White's turn.
fn game() -> Game {
    let log = [SETUP, "e2e4 10 bbbbb", "e7e5 20 ccccc"];
    Game::replay(log).unwrap()
}

/// What a node other than this one has noted.
const ELSEWHERE: NodeMark = 7;

fn left(at: u64, how: Leaving) -> Option<Left> {
    let at = PlayTime(at);
    Some(Left { at, how })
}

/// What the store says: nobody at this node, and elsewhere White and some who watch.
fn seats(order: u64, black: Option<Left>) -> Seats {
    let noted = Noted {
        seats: ByColor {
            white: true,
            black: false,
        },
        watchers: 3,
    };
    Seats {
        order,
        nodes: [(ELSEWHERE, noted)].into(),
        left: ByColor { white: None, black },
        ..Seats::default()
    }
}

fn hear(people: &mut People, seats: Seats) {
    people.hear(&Arc::new(seats), Instant::now());
}

/// What is noted next, with nobody watching.
fn note(people: &mut People) -> [Sitting; 2] {
    let here = people.note(0, Instant::now());
    [here.seats.white, here.seats.black]
}

const LOST: Sitting = Sitting::Away(Leaving::Lost);

#[test]
fn a_player_is_here_until_the_last_of_his_lines_is_gone() {
    let (mut people, now) = (People::default(), Instant::now());
    people.come(1, Color::White);
    people.come(2, Color::White);
    people.leave(1, Leaving::OnPurpose, now);
    assert_eq!(note(&mut people), [Sitting::Here, LOST]);
    people.leave(2, Leaving::OnPurpose, now);
    let on_purpose = Sitting::Away(Leaving::OnPurpose);
    assert_eq!(note(&mut people), [on_purpose, LOST]);
}

#[test]
fn whose_line_broke_may_come_back_and_was_never_away() {
    let (mut people, now) = (People::default(), Instant::now());
    people.come(1, Color::Black);
    people.leave(1, Leaving::Lost, now);
    assert_eq!(people.expires_at(), Some(now + SEAT_GRACE));
    people.expire(now + SEAT_GRACE / 2);
    assert_eq!(note(&mut people), [LOST, Sitting::Here]);
    people.come(2, Color::Black);
    assert_eq!(people.expires_at(), None);
    people.leave(2, Leaving::Lost, now);
    people.leave(2, Leaving::Lost, now + SEAT_GRACE);
    people.expire(now + SEAT_GRACE);
    assert_eq!(note(&mut people), [LOST, LOST]);
}

#[test]
fn who_is_silent_is_away_and_comes_back_with_a_word() {
    let (mut people, now) = (People::default(), Instant::now());
    people.come(1, Color::White);
    people.set_silent(1, true);
    assert_eq!(note(&mut people), [LOST, LOST]);
    people.set_silent(1, false);
    assert_eq!(note(&mut people), [Sitting::Here, LOST]);
    people.set_silent(1, true);
    people.leave(1, Leaving::Lost, now);
    assert_eq!(people.expires_at(), None, "there is nothing to wait for");
}

#[test]
fn when_a_game_may_be_claimed_follows_from_what_the_store_says() {
    let (mut people, game) = (People::default(), game());
    assert_eq!(people.presence(&game), None, "the store was not asked");
    hear(&mut people, seats(1, left(61_000, Leaving::Lost)));
    let claim_at = people.claim_at(&game, Color::White);
    assert_eq!(claim_at, Some(Timestamp(60_000 + 40_000)));
    assert_eq!(people.claim_at(&game, Color::Black), None);
    let presence = people.presence(&game).unwrap();
    assert_eq!((presence.white, presence.black), (true, false));
    let told = presence.claim_at.unwrap();
    assert_eq!((told.white, told.black), (claim_at, None));

    hear(&mut people, seats(2, left(62_000, Leaving::OnPurpose)));
    let claim_at = people.claim_at(&game, Color::White);
    assert_eq!(claim_at, Some(Timestamp(61_000 + 10_000)));
    hear(&mut people, seats(1, None));
    assert_eq!(
        people.claim_at(&game, Color::White),
        claim_at,
        "that is old"
    );

    // He is here, though the store does not know it yet.
    people.come(1, Color::Black);
    assert_eq!(people.claim_at(&game, Color::White), None);
    assert!(people.presence(&game).unwrap().black);

    let mut people = People::default();
    hear(&mut people, seats(1, left(0, Leaving::Lost)));
    let unbegun = Game::replay([SETUP, "e2e4 10 bbbbb"]).unwrap();
    assert_eq!(people.claim_at(&unbegun, Color::White), None);
    assert_eq!(people.presence(&unbegun).unwrap().claim_at, None);
}

#[test]
fn the_store_is_told_what_it_does_not_have() {
    let (mut people, game, start) = (People::default(), game(), Instant::now());
    let after = |ms| start + Duration::from_millis(ms);
    assert_eq!(people.note_at(&game, 0, start), None, "nobody is here");
    people.come(1, Color::White);
    assert_eq!(people.note_at(&game, 0, start), Some(start));
    people.note(0, start);
    let white = Noted {
        seats: ByColor {
            white: true,
            black: false,
        },
        watchers: 0,
    };
    let noted = |order, noted| Seats {
        order,
        nodes: [(0, noted)].into(),
        ..Seats::default()
    };
    people.noted(noted(1, white));
    let refresh = Some(start + SEATS_REFRESH);
    assert_eq!(people.note_at(&game, 0, after(1)), refresh);
    // Watchers wait a while, players do not.
    let crowd = Some(start + CROWD_PERIOD);
    assert_eq!(people.note_at(&game, 5, after(1)), crowd);
    let large = Some(start + LARGE_CROWD_PERIOD);
    assert_eq!(people.note_at(&game, 5000, after(1)), large);
    people.come(2, Color::Black);
    assert_eq!(people.note_at(&game, 5, after(1)), Some(after(1)));
    people.note(5, after(1));
    people.fail(after(2));
    let again = Some(after(2) + SEATS_RETRY_PAUSE);
    assert_eq!(people.note_at(&game, 5, after(3)), again);

    let both = Noted {
        seats: ByColor::both(true),
        watchers: 5,
    };
    people.note(5, after(2000));
    people.noted(noted(2, both));
    people.hear(&Arc::new(noted(3, Noted::default())), after(2001));
    let again = Some(after(2001) + SEATS_RETRY_PAUSE);
    assert_eq!(people.note_at(&game, 5, after(2002)), again, "taken back");
}

#[test]
fn a_node_that_is_gone_matters_where_somebody_was_there() {
    let (mut people, game, now) = (People::default(), game(), Instant::now());
    people.come(1, Color::Black);
    people.note(0, now);
    let mut all = seats(1, None);
    let black = Noted {
        seats: ByColor {
            white: false,
            black: true,
        },
        watchers: 0,
    };
    all.nodes.insert(0, black);
    people.noted(all);
    let later = now + Duration::from_millis(1);
    people.lose(99);
    assert_eq!(people.note_at(&game, 0, later), Some(now + SEATS_REFRESH));
    people.lose(ELSEWHERE);
    assert_eq!(people.note_at(&game, 0, later), Some(later));
}

#[test]
fn what_is_news_is_told_and_not_too_often() {
    let (mut people, game, start) = (People::default(), game(), Instant::now());
    assert_eq!(people.tell_presence_at(&game, start), None, "not known");
    hear(&mut people, seats(1, None));
    assert_eq!(people.tell_presence_at(&game, start), Some(start));
    assert_eq!(people.tell_crowd_at(2, start), Some(start));
    assert!(people.tell_presence(&game, start).unwrap().black);
    assert_eq!(people.tell_crowd(2, start), 5, "here and elsewhere");
    assert_eq!(people.tell_presence_at(&game, start), None);
    assert_eq!(people.tell_crowd_at(2, start), None);

    hear(&mut people, seats(2, left(5000, Leaving::Lost)));
    let next = Some(start + CROWD_PERIOD);
    assert_eq!(people.tell_presence_at(&game, start), next);
    assert_eq!(people.tell_crowd_at(3, start), next);
    let large = Some(start + LARGE_CROWD_PERIOD);
    assert_eq!(people.tell_crowd_at(LARGE_CROWD, start), large);
}
