//! Answers that wait for replicas: what the Redis store says of them.

use zeitnot::store::Store;
use zeitnot::store::redis::{Options, RedisStore};
use zeitnot_loadtest::deployment::RedisServer;

use super::{begin, game, until};

/// Whether a replica has what was written until now.
async fn is_replicated(store: &RedisStore) -> bool {
    store.replication(game()).unwrap().await
}

#[tokio::test]
async fn what_one_process_wrote_is_not_confirmed_by_the_replicas_of_the_next() {
    let mut master = RedisServer::start_on_port(&["--repl-diskless-sync-delay", "0"]).unwrap();
    let replica = RedisServer::start_replica_of(&master, &[]).unwrap();
    let options = Options {
        replicas: 1,
        ..Options::default()
    };
    let store = RedisStore::connect_with(&master.url(), options)
        .await
        .unwrap();
    let mut known = begin(&store).await;
    until(async || is_replicated(&store).await).await;
    let before = store.replication(game()).unwrap();
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    master.restart().unwrap();
    // What answers now has a replica, too, and neither has the move.
    until(async || is_replicated(&store).await).await;
    assert!(!before.await);
    drop(replica);
    store.close().await;
}

#[tokio::test]
async fn where_no_replicas_were_asked_for_nothing_waits() {
    let server = RedisServer::start().unwrap();
    let store = RedisStore::connect(&server.url()).await.unwrap();
    assert!(store.replication(game()).is_none());
    store.close().await;
}
