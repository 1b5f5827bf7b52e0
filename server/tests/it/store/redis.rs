//! What the Redis store alone promises.

use zeitnot::store::redis::{ConnectError, RedisStore};
use zeitnot::store::{Appended, Feed, Store, Tail};
use zeitnot_game::id::Version;

use super::{begin, game, next, next_published, until};
use zeitnot_loadtest::deployment::RedisServer;

pub(crate) async fn connect(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap()
}

#[tokio::test]
async fn a_log_lies_where_it_is_documented() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    begin(&store).await;
    assert_eq!(server.command("LLEN {b:121}:game:q7ZwA0bX").unwrap(), ":1");
    assert_eq!(server.command("DBSIZE").unwrap(), ":1");
    store.close().await;
}

#[tokio::test]
async fn nodes_see_each_others_appends() {
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    let mut known = begin(&here).await;
    let mut follow = there.follow(game()).await.unwrap();
    for nonce in ["aaaaa", "bbbbb"] {
        let first = known.head.version.next();
        known.commit(&here, nonce, &["e2e4"]).await;
        assert_eq!(next_published(&mut follow).await.first, first);
    }
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn after_a_lost_connection_followers_are_told_to_read_and_hear_again() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let mut follow = store.follow(game()).await.unwrap();
    for nonce in ["aaaaa", "bbbbb", "ccccc"] {
        assert_eq!(server.command("CLIENT KILL TYPE pubsub").unwrap(), ":1");
        assert_eq!(next(&mut follow).await, Feed::Resync);
        let first = known.head.version.next();
        known.commit(&store, nonce, &["e2e4"]).await;
        assert_eq!(next_published(&mut follow).await.first, first);
    }
    store.close().await;
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_told_them_again() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    assert_eq!(server.command("SCRIPT FLUSH").unwrap(), "+OK");
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    let tail = store.read(game(), Version(0)).await.unwrap();
    assert_eq!(tail.length(), Version(2));
    store.close().await;
}

#[tokio::test]
async fn an_append_that_timed_out_is_written_once() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let known = begin(&store).await;
    let append = known.append("aaaaa", &["e2e4"]);
    server.pause().unwrap();
    store.append(game(), &append).await.unwrap_err();
    server.resume().unwrap();
    let mut answer = None;
    until(async || {
        answer = store.append(game(), &append).await.ok();
        answer.is_some()
    })
    .await;
    assert!(
        matches!(answer, Some(Appended::Committed { version, .. }) if version == Version(2)),
        "{answer:?}"
    );
    let tail = store.read(game(), Version(0)).await.unwrap();
    assert_eq!(tail.length(), Version(2));
    store.close().await;
}

#[tokio::test]
async fn after_a_restart_of_the_server_followers_are_told_to_read_and_hear_again() {
    let mut server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let mut known = begin(&store).await;
    let append = known.append("aaaaa", &["e2e4"]);
    let mut follow = store.follow(game()).await.unwrap();
    server.restart().unwrap();
    assert_eq!(next(&mut follow).await, Feed::Resync);
    until(async || store.read(game(), Version(0)).await.is_ok()).await;
    // This server saves nothing: the log is gone, and the store says so.
    let lost = Appended::Stale(Tail {
        since: Version(0),
        lines: Vec::new(),
    });
    assert_eq!(store.append(game(), &append).await.unwrap(), lost);
    known = begin(&store).await;
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    assert_eq!(next_published(&mut follow).await.first, Version(2));
    store.close().await;
}

#[tokio::test]
async fn a_game_that_nobody_follows_any_more_is_unsubscribed() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let follow = store.follow(game()).await.unwrap();
    assert_eq!(server.command("PUBSUB SHARDCHANNELS").unwrap(), "*1");
    drop(follow);
    until(async || server.command("PUBSUB SHARDCHANNELS").unwrap() == "*0").await;
    let mut known = begin(&store).await;
    let mut follow = store.follow(game()).await.unwrap();
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    assert_eq!(next_published(&mut follow).await.first, Version(2));
    store.close().await;
}

#[tokio::test]
async fn a_server_that_would_evict_games_is_refused() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let refused = RedisStore::connect(&server.url()).await;
    assert!(
        matches!(&refused, Err(ConnectError::Evicts { policy }) if policy == "allkeys-lru"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_policy_is_taken() {
    let server = RedisServer::start_with(&["--rename-command", "CONFIG", ""]).unwrap();
    connect(&server).await.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let url = {
        let server = RedisServer::start().unwrap();
        server.url()
    };
    let refused = RedisStore::connect(&url).await;
    assert!(
        matches!(refused, Err(ConnectError::Unreachable(_))),
        "{refused:?}"
    );
}
