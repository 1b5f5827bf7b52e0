//! Promises about games that somebody must look at. That a game is not handed out is seen by another one that is,
//! though it is due later.

use std::collections::HashSet;

use futures_util::future::join;
use tokio::time::timeout;
use zeitnot::limits::DUE_RETRY;
use zeitnot::store::{Challenge, Create, Store, TakeSeat};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use super::{HOUR, Known, PATIENCE, begin_as, on_every_store, setup, tag};

on_every_store! {
    a_game_is_due_no_earlier_than_each_way_to_say_so
    what_is_not_settled_is_handed_out_again_after_a_delay
    what_is_settled_is_not_handed_out_again
    an_append_without_a_moment_takes_the_game_out
    a_moment_for_another_length_is_not_taken
    a_moment_for_a_game_that_does_not_exist_is_not_taken
    a_repeated_append_does_not_set_the_moment_again
    a_game_that_is_forgotten_is_not_due
    two_who_wait_do_not_get_the_same_game
    who_waits_hears_of_a_game_that_is_due_earlier
}

const NOW: Millis = Millis::ZERO;

/// Longer than it takes to settle a game, shorter than anybody waits.
const SOON: Millis = Millis::from_secs(2);

/// When a store that looks once a second has seen what was due [`SOON`].
const AFTER_SOON: Millis = Millis::from_secs(4);

fn id(n: usize) -> GameId {
    format!("game{n:04}").parse().unwrap()
}

/// Begins a game that is due after `due_in`.
async fn begin_due(store: &dyn Store, id: GameId, due_in: Millis) -> Known {
    let create = Create {
        due_in,
        ..setup("first")
    };
    begin_as(store, id, &create).await
}

/// Begins the game that ends a test.
async fn begin_end(store: &dyn Store, due_in: Millis) -> GameId {
    let end = "theend00".parse().unwrap();
    begin_due(store, end, due_in).await;
    end
}

async fn due(store: &dyn Store) -> GameId {
    timeout(PATIENCE, store.due()).await.unwrap()
}

async fn length(store: &dyn Store, id: GameId) -> Version {
    store.read(id, Version(0)).await.unwrap().length()
}

async fn append_due(store: &dyn Store, known: &mut Known, due_in: Option<Millis>) -> PlayTime {
    let mut append = known.append("aaaaa", &["e2e4"]);
    append.due_in = due_in;
    let at = known.commit_this(store, &append).await;
    PlayTime(known.origin.0 + at.0)
}

/// Makes a game of a challenge; returns the moment of its beginning.
async fn begin_by_challenge(store: &dyn Store, id: GameId, due_in: Millis) -> PlayTime {
    let challenge = Challenge {
        terms: "game1 standard 180+2 casual".to_owned(),
        seats: ByColor {
            white: Some("anna:Anna".to_owned()),
            black: None,
        },
        expires: UnixMillis(4_102_444_800_000),
    };
    store.open_challenge(id, &challenge).await.unwrap();
    let seat = TakeSeat {
        player: "bo:Bo".to_owned(),
        color: Color::Black,
        or_other: false,
        opponent: None,
        tag: tag("first"),
        due_in,
    };
    store.take_seat(id, &seat).await.unwrap();
    let lines = store.read(id, Version(0)).await.unwrap().lines;
    lines[0].parse::<FirstEntry>().unwrap().origin
}

async fn a_game_is_due_no_earlier_than_each_way_to_say_so(store: &dyn Store) {
    const IN: Millis = Millis(700);
    let created = begin_due(store, id(0), IN).await.origin;
    let seated = begin_by_challenge(store, id(1), IN).await;
    let mut known = begin_due(store, id(2), HOUR).await;
    // As if the game were an hour old.
    known.origin = PlayTime(known.origin.0 - HOUR.0);
    let appended = append_due(store, &mut known, Some(IN)).await;
    begin_due(store, id(3), HOUR).await;
    let scheduled = store.play_time(id(3));
    store.schedule(id(3), Version(1), Some(IN)).await.unwrap();
    let mut waiting = vec![created, seated, appended, scheduled];
    for _ in 0..4 {
        let game = due(store).await;
        let now = store.play_time(game);
        let n = (0..4).find(|&n| id(n) == game).unwrap();
        assert!(now.0 >= waiting[n].0 + IN.0, "{n}: {now:?}, {waiting:?}");
        // Once each.
        waiting[n] = PlayTime(u64::MAX - IN.0);
    }
}

async fn what_is_not_settled_is_handed_out_again_after_a_delay(store: &dyn Store) {
    let known = begin_due(store, id(0), NOW).await;
    assert_eq!(due(store).await, id(0));
    assert_eq!(due(store).await, id(0));
    let now = store.play_time(id(0));
    let delay = u64::try_from(DUE_RETRY.as_millis()).unwrap();
    assert!(now.0 >= known.origin.0 + delay, "{now:?}, {known:?}");
}

async fn what_is_settled_is_not_handed_out_again(store: &dyn Store) {
    let mut games = Vec::new();
    for n in 0..5 {
        games.push(begin_due(store, id(n), NOW).await);
    }
    let mut first = HashSet::new();
    for _ in 0..5 {
        first.insert(due(store).await);
    }
    assert_eq!(first, HashSet::from([0, 1, 2, 3, 4].map(id)));
    append_due(store, &mut games[0], None).await;
    append_due(store, &mut games[1], Some(HOUR)).await;
    store.schedule(id(2), Version(1), None).await.unwrap();
    let later = Some(HOUR);
    store.schedule(id(3), Version(1), later).await.unwrap();
    let retry = Millis(u64::try_from(DUE_RETRY.as_millis()).unwrap());
    let end = begin_end(store, retry + SOON).await;
    let mut again = Vec::new();
    while again.last() != Some(&end) {
        again.push(due(store).await);
    }
    let unsettled = |game: &GameId| *game == id(4) || *game == end;
    assert!(again.len() > 1 && again.iter().all(unsettled), "{again:?}");
}

async fn an_append_without_a_moment_takes_the_game_out(store: &dyn Store) {
    let mut known = begin_due(store, id(0), SOON).await;
    append_due(store, &mut known, None).await;
    let end = begin_end(store, AFTER_SOON).await;
    assert_eq!(due(store).await, end);
}

async fn a_moment_for_another_length_is_not_taken(store: &dyn Store) {
    let mut known = begin_due(store, id(0), HOUR).await;
    append_due(store, &mut known, Some(SOON)).await;
    for length in [0, 1, 3] {
        let length = Version(length);
        store.schedule(id(0), length, None).await.unwrap();
        store.schedule(id(0), length, Some(HOUR)).await.unwrap();
    }
    assert_eq!(due(store).await, id(0));
}

async fn a_moment_for_a_game_that_does_not_exist_is_not_taken(store: &dyn Store) {
    for length in [0, 1] {
        let soon = Some(NOW);
        store.schedule(id(0), Version(length), soon).await.unwrap();
    }
    let end = begin_end(store, SOON).await;
    assert_eq!(due(store).await, end);
}

async fn a_repeated_append_does_not_set_the_moment_again(store: &dyn Store) {
    let mut known = begin_due(store, id(0), HOUR).await;
    let mut append = known.append("aaaaa", &["e2e4"]);
    append.due_in = Some(SOON);
    known.commit_this(store, &append).await;
    store.schedule(id(0), Version(2), None).await.unwrap();
    // Nor does one that is refused, or a game that is created again.
    known.commit_this(store, &append).await;
    let mut stale = append.clone();
    stale.tag = tag("zzzzz");
    store.append(id(0), &stale).await.unwrap();
    let create = Create {
        due_in: NOW,
        ..setup("first")
    };
    store.create(id(0), &create).await.unwrap();
    let end = begin_end(store, AFTER_SOON).await;
    assert_eq!(due(store).await, end);
    assert_eq!(length(store, id(0)).await, Version(2));
}

async fn a_game_that_is_forgotten_is_not_due(store: &dyn Store) {
    begin_due(store, id(0), SOON).await;
    begin_due(store, id(1), SOON).await;
    store.forget(id(0), Version(1)).await.unwrap();
    store.forget(id(1), Version(2)).await.unwrap();
    let end = begin_end(store, AFTER_SOON).await;
    assert_eq!(due(store).await, id(1));
    assert_eq!(due(store).await, end);
    assert_eq!(length(store, id(0)).await, Version(0));
}

async fn two_who_wait_do_not_get_the_same_game(store: &dyn Store) {
    const EACH: usize = 6;
    for n in 0..2 * EACH {
        begin_due(store, id(n), NOW).await;
    }
    let take = async || {
        let mut games = Vec::new();
        for _ in 0..EACH {
            games.push(due(store).await);
        }
        games
    };
    let (one, two) = join(take(), take()).await;
    let all: HashSet<GameId> = one.iter().chain(&two).copied().collect();
    assert_eq!(all.len(), 2 * EACH, "{one:?}, {two:?}");
}

async fn who_waits_hears_of_a_game_that_is_due_earlier(store: &dyn Store) {
    begin_due(store, id(0), HOUR).await;
    let begin = async {
        // By then the other one waits for the game above.
        length(store, id(0)).await;
        begin_due(store, id(1), NOW).await;
    };
    let (game, ()) = join(due(store), begin).await;
    assert_eq!(game, id(1));
}
