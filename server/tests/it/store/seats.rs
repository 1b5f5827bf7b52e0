//! Promises about challenges and their seats.

use futures_util::future::join;
use zeitnot::store::{Challenge, CreateError, Seated, Store, TakeSeat};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::Version;
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::UnixMillis;

use super::{HOUR, game, on_every_store, setup, tag};

on_every_store! {
    a_challenge_is_read_as_it_was_opened
    opening_again_with_the_same_terms_changes_nothing
    opening_over_other_terms_is_refused
    an_id_is_a_game_or_a_challenge_but_not_both
    with_the_second_seat_the_game_begins
    a_seat_can_be_taken_again_by_the_same_user
    the_same_user_cannot_have_both_seats
    a_taken_seat_is_refused_unless_the_other_will_do
    of_two_who_race_for_the_last_seat_one_gets_it
    a_challenge_that_has_lapsed_is_gone
    there_is_no_seat_where_there_is_no_challenge
}

const TERMS: &str = "game1 standard 180+2 casual";

/// The year 2100.
const LATER: UnixMillis = UnixMillis(4_102_444_800_000);

fn challenge(white: Option<&str>) -> Challenge {
    Challenge {
        terms: TERMS.to_owned(),
        seats: ByColor {
            white: white.map(str::to_owned),
            black: None,
        },
        expires: LATER,
    }
}

fn wish(player: &str, color: Color) -> TakeSeat {
    TakeSeat {
        player: player.to_owned(),
        color,
        or_other: false,
        opponent: None,
        tag: tag("first"),
        due_in: HOUR,
    }
}

fn wish_any(player: &str, color: Color) -> TakeSeat {
    TakeSeat {
        or_other: true,
        opponent: None,
        ..wish(player, color)
    }
}

async fn open(store: &dyn Store, challenge: &Challenge) {
    store.open_challenge(game(), challenge).await.unwrap();
}

async fn take(store: &dyn Store, wish: &TakeSeat) -> Seated {
    store.take_seat(game(), wish).await.unwrap()
}

async fn a_challenge_is_read_as_it_was_opened(store: &dyn Store) {
    assert_eq!(store.challenge(game()).await.unwrap(), None);
    let opened = challenge(Some("anna:Anna"));
    open(store, &opened).await;
    assert_eq!(store.challenge(game()).await.unwrap(), Some(opened));
}

async fn opening_again_with_the_same_terms_changes_nothing(store: &dyn Store) {
    let opened = challenge(Some("anna:Anna"));
    open(store, &opened).await;
    open(store, &challenge(None)).await;
    assert_eq!(store.challenge(game()).await.unwrap(), Some(opened));
}

async fn opening_over_other_terms_is_refused(store: &dyn Store) {
    open(store, &challenge(None)).await;
    let mut other = challenge(None);
    other.terms.push_str(" first:20000");
    let opened = store.open_challenge(game(), &other).await;
    assert!(matches!(opened, Err(CreateError::Exists)), "{opened:?}");
}

async fn an_id_is_a_game_or_a_challenge_but_not_both(store: &dyn Store) {
    open(store, &challenge(None)).await;
    let created = store.create(game(), &setup("first")).await;
    assert!(matches!(created, Err(CreateError::Exists)), "{created:?}");
    take(store, &wish("anna:Anna", Color::White)).await;
    take(store, &wish("bo:Bo", Color::Black)).await;
    let opened = store.open_challenge(game(), &challenge(None)).await;
    assert!(matches!(opened, Err(CreateError::Exists)), "{opened:?}");
}

async fn with_the_second_seat_the_game_begins(store: &dyn Store) {
    open(store, &challenge(None)).await;
    let anna = take(store, &wish("anna:Anna", Color::White)).await;
    assert_eq!(anna, Seated::Waiting(Color::White));
    let waiting = Some(challenge(Some("anna:Anna")));
    assert_eq!(store.challenge(game()).await.unwrap(), waiting);
    let bo = take(store, &wish("bo:Bo%20B", Color::Black)).await;
    assert_eq!(bo, Seated::Begun(Color::Black));
    assert_eq!(store.challenge(game()).await.unwrap(), None);
    let tail = store.read(game(), Version(0)).await.unwrap();
    assert_eq!(tail.length(), Version(1));
    let body = format!("{TERMS} white:anna:Anna black:bo:Bo%20B created:");
    assert!(tail.lines[0].starts_with(&body), "{}", tail.lines[0]);
    let first: FirstEntry = tail.lines[0].parse().unwrap();
    assert_eq!(first.tag, tag("first"));
}

async fn a_seat_can_be_taken_again_by_the_same_user(store: &dyn Store) {
    open(store, &challenge(None)).await;
    let anna = wish("anna:Anna", Color::Black);
    for _ in 0..2 {
        assert_eq!(take(store, &anna).await, Seated::Waiting(Color::Black));
    }
    let bo = wish("bo:Bo", Color::White);
    for _ in 0..2 {
        assert_eq!(take(store, &bo).await, Seated::Begun(Color::White));
    }
    assert_eq!(take(store, &anna).await, Seated::Begun(Color::Black));
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(1));
}

async fn the_same_user_cannot_have_both_seats(store: &dyn Store) {
    open(store, &challenge(Some("anna:Anna"))).await;
    let both = wish("anna:Annabel", Color::Black);
    assert_eq!(take(store, &both).await, Seated::Taken);
    let any = wish_any("anna:Anna", Color::Black);
    assert_eq!(take(store, &any).await, Seated::Waiting(Color::White));
    // A user whose name only begins alike is another one.
    let ann = wish("ann:Ann", Color::Black);
    assert_eq!(take(store, &ann).await, Seated::Begun(Color::Black));
    assert_eq!(take(store, &both).await, Seated::Taken);
}

async fn a_taken_seat_is_refused_unless_the_other_will_do(store: &dyn Store) {
    open(store, &challenge(Some("anna:Anna"))).await;
    let white = wish("bo:Bo", Color::White);
    assert_eq!(take(store, &white).await, Seated::Taken);
    let any = wish_any("bo:Bo", Color::White);
    assert_eq!(take(store, &any).await, Seated::Begun(Color::Black));
}

async fn of_two_who_race_for_the_last_seat_one_gets_it(store: &dyn Store) {
    open(store, &challenge(Some("anna:Anna"))).await;
    let (bo, cy) = (wish("bo:Bo", Color::Black), wish_any("cy:Cy", Color::White));
    let seated = join(take(store, &bo), take(store, &cy)).await;
    let begun = Seated::Begun(Color::Black);
    assert!(
        matches!(seated, (a, Seated::NotFound) | (Seated::NotFound, a) if a == begun),
        "{seated:?}"
    );
    let length = store.read(game(), Version(0)).await.unwrap().length();
    assert_eq!(length, Version(1));
}

async fn a_challenge_that_has_lapsed_is_gone(store: &dyn Store) {
    let mut lapsed = challenge(Some("anna:Anna"));
    lapsed.expires = UnixMillis(1);
    open(store, &lapsed).await;
    assert_eq!(store.challenge(game()).await.unwrap(), None);
    let bo = wish("bo:Bo", Color::Black);
    assert_eq!(take(store, &bo).await, Seated::NotFound);
    let mut other = challenge(None);
    other.terms.push_str(" first:20000");
    open(store, &other).await;
    assert_eq!(store.challenge(game()).await.unwrap(), Some(other));
}

async fn there_is_no_seat_where_there_is_no_challenge(store: &dyn Store) {
    let anna = wish_any("anna:Anna", Color::White);
    assert_eq!(take(store, &anna).await, Seated::NotFound);
    store.create(game(), &setup("first")).await.unwrap();
    let cy = wish_any("cy:Cy", Color::White);
    assert_eq!(take(store, &cy).await, Seated::NotFound);
}
