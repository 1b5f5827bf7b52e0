//! Promises about who is at a game.

use zeitnot::store::{Feed, Follow, Here, Leaving, Left, Noted, Seats, Sitting, Store};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::RedisServer;

use super::{begin, game, next, on_every_store, redis};

on_every_store! {
    a_seat_that_nobody_held_is_left_from_the_first_look_on
    who_sits_down_is_here_until_he_goes
    a_seat_is_left_once_and_in_the_way_in_which_it_was
    watchers_are_counted
    followers_hear_of_each_change_and_of_nothing_else
    each_game_has_its_own_seats
    a_game_that_is_forgotten_takes_its_seats_along
}

/// Both seats are as they say, and nobody watches.
fn here(white: Sitting, black: Sitting) -> Here {
    Here {
        seats: ByColor { white, black },
        watchers: 0,
        known: 0,
    }
}

fn away() -> Sitting {
    Sitting::default()
}

async fn sit(store: &dyn Store, here: Here) -> Seats {
    store.sit(game(), &here).await.unwrap()
}

/// Both seats: since when and how they are left.
fn left(seats: &Seats) -> [Option<Left>; 2] {
    Color::ALL.map(|color| seats.left[color])
}

async fn a_seat_that_nobody_held_is_left_from_the_first_look_on(store: &dyn Store) {
    begin(store).await;
    let before = store.play_time(game());
    let first = sit(store, Here::default()).await;
    let [Some(white), Some(black)] = left(&first) else {
        panic!("nobody was ever here: {first:?}");
    };
    assert_eq!(white, black);
    assert_eq!(white.how, Leaving::Lost);
    assert!(white.at.0 + 2000 >= before.0, "{white:?} {before:?}");
    assert_eq!(
        (first.mine(), first.watchers_elsewhere()),
        (Noted::default(), 0)
    );
    let again = sit(store, Here::default()).await;
    assert_eq!(again, first, "a look changes nothing");
}

async fn who_sits_down_is_here_until_he_goes(store: &dyn Store) {
    begin(store).await;
    let both = sit(store, here(Sitting::Here, Sitting::Here)).await;
    assert_eq!(left(&both), [None, None]);
    assert_eq!(both.mine().seats, ByColor::both(true));
    let purpose = Sitting::Away(Leaving::OnPurpose);
    let one = sit(store, here(Sitting::Here, purpose)).await;
    assert!(one.order > both.order);
    let [None, Some(black)] = left(&one) else {
        panic!("Black went: {one:?}");
    };
    assert_eq!(black.how, Leaving::OnPurpose);
    assert!(one.mine().seats.white && !one.mine().seats.black);
    let back = sit(store, here(Sitting::Here, Sitting::Here)).await;
    assert!(back.order > one.order);
    assert_eq!(left(&back), [None, None]);
}

async fn a_seat_is_left_once_and_in_the_way_in_which_it_was(store: &dyn Store) {
    begin(store).await;
    sit(store, here(Sitting::Here, Sitting::Here)).await;
    let purpose = Sitting::Away(Leaving::OnPurpose);
    let gone = sit(store, here(away(), purpose)).await;
    let how = left(&gone).map(|left| left.unwrap().how);
    assert_eq!(how, [Leaving::Lost, Leaving::OnPurpose]);
    let again = sit(store, here(purpose, away())).await;
    assert_eq!(again, gone, "nobody can go twice");
}

async fn watchers_are_counted(store: &dyn Store) {
    begin(store).await;
    for watchers in [1, 31, 0, 2_000_000] {
        let all = Here {
            watchers,
            ..Here::default()
        };
        let seats = sit(store, all).await;
        assert_eq!(seats.mine().watchers, watchers);
        assert_eq!(seats.watchers_elsewhere(), 0);
    }
}

async fn followers_hear_of_each_change_and_of_nothing_else(store: &dyn Store) {
    let mut known = begin(store).await;
    let mut follow = store.follow(game()).await.unwrap();
    let all = [
        here(Sitting::Here, away()),
        here(Sitting::Here, Sitting::Here),
        here(away(), Sitting::Here),
    ];
    for here in all {
        let seats = sit(store, here).await;
        assert_eq!(next_seats(&mut follow).await, seats);
        sit(store, here).await;
    }
    known.commit(store, "aaaaa", &["e2e4"]).await;
    super::next_published(&mut follow).await;
}

async fn next_seats(follow: &mut Follow) -> Seats {
    match next(follow).await {
        Feed::Seats(seats) => seats.as_ref().clone(),
        other => panic!("not who is here: {other:?}"),
    }
}

async fn each_game_has_its_own_seats(store: &dyn Store) {
    let other: GameId = "other001".parse().unwrap();
    begin(store).await;
    super::begin_as(store, other, &super::setup("first")).await;
    sit(store, here(Sitting::Here, Sitting::Here)).await;
    let elsewhere = store.sit(other, &Here::default()).await.unwrap();
    assert!(left(&elsewhere).iter().all(Option::is_some));
}

async fn a_game_that_is_forgotten_takes_its_seats_along(store: &dyn Store) {
    let known = begin(store).await;
    let first = sit(store, here(Sitting::Here, away())).await;
    store.forget(game(), known.head.version).await.unwrap();
    let after = sit(store, here(Sitting::Away(Leaving::OnPurpose), away())).await;
    assert_eq!(left(&first)[0], None);
    assert_eq!(
        left(&after)[0].unwrap().how,
        Leaving::Lost,
        "nobody was here"
    );
}

#[tokio::test]
async fn what_a_node_noted_is_over_some_time_after_it_is_gone() {
    let server = RedisServer::start().unwrap();
    let (stays, goes) = tokio::join!(redis::connect(&server), redis::connect(&server));
    begin(&stays).await;
    let mut follow = stays.follow(game()).await.unwrap();
    sit(&stays, here(Sitting::Here, away())).await;
    let both = Here {
        watchers: 7,
        ..here(Sitting::Here, Sitting::Here)
    };
    let all = sit(&goes, both).await;
    assert_eq!((left(&all), all.nodes.len()), ([None, None], 2));
    let told = loop {
        let told = next_seats(&mut follow).await;
        if told.order == all.order {
            break told;
        }
    };
    assert_eq!(told.watchers_elsewhere(), 7);
    goes.close().await;
    assert_eq!(next(&mut follow).await, Feed::Gone(all.me));
    let alone = sit(&stays, here(Sitting::Here, away())).await;
    let [None, Some(black)] = left(&alone) else {
        panic!("Black was there alone: {alone:?}");
    };
    assert_eq!((black.how, alone.nodes.len()), (Leaving::Lost, 1));
    stays.close().await;
}

#[tokio::test]
async fn a_store_that_lost_what_was_noted_is_believed_again() {
    const KEEP: &str = "return redis.call('COPY', redis.call('KEYS', '*:seats:*')[1], 'kept')";
    const RESTORE: &str =
        "return redis.call('COPY', 'kept', redis.call('KEYS', '*:seats:*')[1], 'REPLACE')";
    let server = RedisServer::start().unwrap();
    let eval = |script| server.command(&format!("EVAL \"{script}\" 0")).unwrap();
    let store = redis::connect(&server).await;
    begin(&store).await;
    let nobody = here(away(), away());
    sit(&store, nobody).await;
    assert_eq!(eval(KEEP), ":1");
    let known = sit(&store, here(Sitting::Here, Sitting::Here)).await;
    // As on a replica that took over and had not heard of it.
    assert_eq!(eval(RESTORE), ":1");
    let nobody = Here {
        known: known.order,
        ..nobody
    };
    let told = sit(&store, nobody).await;
    assert_eq!(told.mine(), Noted::default());
    assert!(told.order > known.order, "{told:?} is older than {known:?}");
    let nobody = Here {
        known: told.order,
        ..nobody
    };
    assert_eq!(sit(&store, nobody).await, told, "a look changes nothing");
    store.close().await;
}

#[tokio::test]
async fn a_node_has_a_lease_before_it_can_note_anything() {
    let server = RedisServer::start().unwrap();
    let store = redis::connect(&server).await;
    assert_eq!(server.command("ZCARD {b:0}:nodes").unwrap(), ":1");
    store.close().await;
}

#[tokio::test]
async fn a_node_that_hung_for_long_is_told_to_note_everything_again() {
    let server = RedisServer::start().unwrap();
    let store = redis::connect(&server).await;
    begin(&store).await;
    let mut follow = store.follow(game()).await.unwrap();
    let seats = sit(&store, here(Sitting::Here, Sitting::Here)).await;
    next_seats(&mut follow).await;
    // As if it had renewed its lease long ago.
    let node = format!("{:016x}", seats.me);
    let hung = server.command(&format!("ZADD {{b:0}}:nodes 1 {node}"));
    hung.unwrap();
    assert_eq!(next(&mut follow).await, Feed::Gone(seats.me));
    store.close().await;
}
