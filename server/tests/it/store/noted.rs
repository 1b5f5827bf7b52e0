//! For when Redis has a game noted as due: an append that makes it due later leaves that as it is, where it is known.

use zeitnot::store::{Appended, Feed, Follow, Heal, Store};
use zeitnot_game::id::Version;
use zeitnot_game::time::Millis;
use zeitnot_loadtest::deployment::RedisServer;

use super::outage::append_patiently;
use super::redis::connect;
use super::{HOUR, Known, begin, game, next, next_published, until};

const TWO_HOURS: Millis = Millis(2 * HOUR.0);
const DAY: Millis = Millis(24 * HOUR.0);
const SOON: Millis = Millis::from_secs(9);

/// For when the game is noted as due, in play time (ms).
fn noted(server: &RedisServer) -> Option<u64> {
    let reply = server.call(&["ZSCORE", "{b:121}:due", "q7ZwA0bX"]);
    let reply = reply.unwrap();
    reply.text().map(|text| text.parse().unwrap())
}

/// Appends, waits until all followers have heard it, and says for when the game is due by that.
async fn move_on(
    (store, known, nonce): (&dyn Store, &mut Known, &str),
    due_in: Option<Millis>,
    follows: &mut [Follow],
) -> Option<u64> {
    let mut append = known.append(nonce, &["e2e4"]);
    append.due_in = due_in;
    let at = known.commit_this(store, &append).await;
    for follow in follows {
        next_published(follow).await;
    }
    due_in.map(|due_in| known.origin.0 + at.0 + due_in.0)
}

#[tokio::test]
async fn what_makes_a_game_due_later_leaves_the_note_as_it_is() {
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    let mut known = begin(&here).await;
    let mut follows = [
        here.follow(game()).await.unwrap(),
        there.follow(game()).await.unwrap(),
    ];

    // It is not known how a game began.
    let first = (&here as &dyn Store, &mut known, "aaaaa");
    let first = move_on(first, Some(HOUR), &mut follows).await;
    assert_eq!(noted(&server), first);
    for (store, nonce) in [(&there, "bbbbb"), (&here, "ccccc")] {
        let later = (store as &dyn Store, &mut known, nonce);
        let later = move_on(later, Some(DAY), &mut follows).await;
        assert!(later > first);
        assert_eq!(noted(&server), first);
    }
    for (store, nonce, due_in) in [(&here, "ddddd", Some(SOON)), (&there, "eeeee", None)] {
        let other = (store as &dyn Store, &mut known, nonce);
        let other = move_on(other, due_in, &mut follows).await;
        assert_eq!(noted(&server), other);
    }
    let again = (&there as &dyn Store, &mut known, "fffff");
    let again = move_on(again, Some(HOUR), &mut follows).await;
    assert_eq!(noted(&server), again);
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_note_for_soon_is_not_left_since_the_game_may_be_handed_out_by_it() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let mut follows = [store.follow(game()).await.unwrap()];
    for (nonce, due_in) in [("aaaaa", SOON), ("bbbbb", HOUR)] {
        let due = (&store as &dyn Store, &mut known, nonce);
        let due = move_on(due, Some(due_in), &mut follows).await;
        assert_eq!(noted(&server), due);
    }
    store.close().await;
}

#[tokio::test]
async fn who_may_have_missed_something_notes_it_anew() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let mut follows = [store.follow(game()).await.unwrap()];
    let first = (&store as &dyn Store, &mut known, "aaaaa");
    move_on(first, Some(HOUR), &mut follows).await;

    assert_eq!(server.command("CLIENT KILL TYPE pubsub").unwrap(), ":1");
    assert_eq!(next(&mut follows[0]).await, Feed::Resync);
    let later = (&store as &dyn Store, &mut known, "bbbbb");
    let later = move_on(later, Some(DAY), &mut follows).await;
    assert_eq!(noted(&server), later);
    store.close().await;
}

#[tokio::test]
async fn who_was_handed_a_game_long_ago_puts_off_nothing() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let mut follows = [store.follow(game()).await.unwrap()];
    let first = (&store as &dyn Store, &mut known, "aaaaa");
    let first = move_on(first, Some(HOUR), &mut follows).await;
    let left = (&store as &dyn Store, &mut known, "bbbbb");
    move_on(left, Some(DAY), &mut follows).await;

    // He has all entries, and comes late.
    let length = known.head.version;
    store.schedule(game(), length, Some(DAY)).await.unwrap();
    assert_eq!(noted(&server), first);
    // Earlier does no harm.
    store.schedule(game(), length, Some(SOON)).await.unwrap();
    let sooner = noted(&server);
    assert!(sooner < first);
    // What is near is what a game has that was handed out.
    store.schedule(game(), length, Some(DAY)).await.unwrap();
    assert!(noted(&server) > first);
    store.close().await;
}

#[tokio::test]
async fn what_was_noted_before_a_log_was_healed_is_not_counted_on() {
    let mut server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let mut follow = store.follow(game()).await.unwrap();
    let first = (&store as &dyn Store, &mut known, "aaaaa");
    move_on(first, Some(HOUR), std::slice::from_mut(&mut follow)).await;
    let lines = store.read(game(), Version(0)).await.unwrap().lines;
    let length = known.head.version;

    // It saves nothing: all is lost, and given back.
    server.restart().unwrap();
    let heal = Heal {
        after: None,
        lines,
        due: known.origin,
    };
    until(async || {
        // An answer may be lost where it was done.
        let _ = store.heal(game(), &heal).await;
        let log = store.read(game(), Version(0)).await;
        log.is_ok_and(|log| log.length() == length)
    })
    .await;
    // As whoever is handed it does, when healing is over; no entry tells of that.
    until(async || {
        let scheduled = store.schedule(game(), length, Some(DAY)).await;
        scheduled.is_ok() && noted(&server) > Some(known.origin.0 + HOUR.0)
    })
    .await;
    let mut append = known.append("bbbbb", &["e7e5"]);
    append.due_in = Some(TWO_HOURS);
    let answer = append_patiently(&store, &append).await;
    let Appended::Committed { at, .. } = answer else {
        panic!("not committed: {answer:?}");
    };
    let due = known.origin.0 + at.0 + TWO_HOURS.0;
    assert_eq!(noted(&server), Some(due));
    store.close().await;
}
