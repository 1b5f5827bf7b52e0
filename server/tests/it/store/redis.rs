//! What the Redis store alone promises.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::timeout;
use zeitnot::health::Health;
use zeitnot::store::redis::{ConnectError, RedisStore};
use zeitnot::store::{Append, Appended, Create, Feed, Line, Store, Tail, UserFeed};
use zeitnot_game::id::{GameId, Head, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, Timestamp, UnixMillis};
use zeitnot_loadtest::deployment::{FaultProxy, RedisServer, Swallow, is_append};

use super::outage::{append_patiently, until_health_is};
use super::{PATIENCE, begin, begin_as, game, next, next_published, setup, tag, until};

pub(crate) async fn connect(server: &RedisServer) -> RedisStore {
    RedisStore::connect(&server.url()).await.unwrap()
}

#[tokio::test]
async fn a_log_lies_where_it_is_documented() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    begin(&store).await;
    assert_eq!(server.command("LLEN {b:121}:game:q7ZwA0bX").unwrap(), ":1");
    let due = server.command("ZRANGE {b:121}:due 0 -1").unwrap();
    assert_eq!(due, "*1");
    // Beside them there are only the play clocks, the nodes and what these tell.
    until(async || server.command("EXISTS {b:0}:nodes").unwrap() == ":1").await;
    assert_eq!(server.command("DBSIZE").unwrap(), ":260");
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
        heals_for: Duration::ZERO,
    });
    assert_eq!(append_patiently(&store, &append).await, lost);
    known = begin(&store).await;
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    let heard = loop {
        match next(&mut follow).await {
            Feed::Published(published) => break published,
            // Healing has ended.
            other => assert_eq!(other, Feed::Resync),
        }
    };
    assert_eq!(heard.first, Version(2));
    store.close().await;
}

#[tokio::test]
async fn a_game_that_nobody_follows_any_more_is_unsubscribed() {
    let server = RedisServer::start().unwrap();
    let store = connect(&server).await;
    let follow = store.follow(game()).await.unwrap();
    let channels = || {
        server
            .command("PUBSUB SHARDCHANNELS {b:121}:game:*")
            .unwrap()
    };
    assert_eq!(channels(), "*1");
    drop(follow);
    until(async || channels() == "*0").await;
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

/// A number that a script finds.
fn number(server: &RedisServer, script: &str) -> i64 {
    let reply = server.command(&format!("EVAL \"{script}\" 0")).unwrap();
    reply.trim_start_matches(':').parse().unwrap()
}

#[tokio::test]
async fn ticks_of_several_nodes_count_once() {
    const TICKS: usize = 5;
    let server = RedisServer::start().unwrap();
    let nodes = [connect(&server).await, connect(&server).await];
    begin(&nodes[0]).await;
    let mut walls = HashSet::new();
    until(async || {
        let wall = "return tonumber(redis.call('HGET', '{b:121}:clock', 'wall'))";
        walls.insert(number(&server, wall));
        let ahead = "local clock = redis.call('HMGET', '{b:121}:clock', 'play', 'wall') \
            return clock[1] - clock[2]";
        // They began as one; what counts twice would put play time ahead.
        assert!(number(&server, ahead) <= 0);
        walls.len() > TICKS
    })
    .await;
    let play = "return tonumber(redis.call('HGET', '{b:121}:clock', 'play'))";
    let first = *walls.iter().min().unwrap();
    assert!(number(&server, play) > first, "it goes on");
    for node in nodes {
        node.close().await;
    }
}

#[tokio::test]
async fn a_game_that_is_due_is_handed_to_one_node() {
    const GAMES: usize = 40;
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    for n in 0..GAMES {
        let create = Create {
            due_in: Millis::ZERO,
            ..setup("first")
        };
        let id: GameId = format!("game{n:04}").parse().unwrap();
        begin_as(&here, id, &create).await;
    }
    let mut seen = HashSet::new();
    while seen.len() < GAMES {
        let next = async {
            tokio::select! {
                id = here.due() => id,
                id = there.due() => id,
            }
        };
        let id = timeout(PATIENCE, next).await.unwrap();
        assert!(seen.insert(id), "{id} was handed out twice");
        here.schedule(id, Version(1), None).await.unwrap();
    }
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_revoked_token_is_known_to_every_node() {
    const LATER: UnixMillis = UnixMillis(4_102_444_800_000);
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    here.revoke("token-1", LATER).await.unwrap();
    until(async || there.is_revoked("token-1")).await;
    // A message that is lost is missed by its mark.
    assert_eq!(server.command("CLIENT KILL TYPE pubsub").unwrap(), ":2");
    here.revoke("token-2", LATER).await.unwrap();
    until(async || there.is_revoked("token-2")).await;
    // And a new node knows all at once.
    let new = connect(&server).await;
    assert!(new.is_revoked("token-1") && new.is_revoked("token-2"));
    for node in [here, there, new] {
        node.close().await;
    }
}

#[tokio::test]
async fn nodes_hear_each_others_chat_and_texts_to_users() {
    let server = RedisServer::start().unwrap();
    let (here, there) = (connect(&server).await, connect(&server).await);
    begin(&here).await;
    let anna: UserId = "anna".parse().unwrap();
    let mut user = there.follow_user(&anna).await.unwrap();
    let mut follow = there.follow(game()).await.unwrap();
    here.tell_user(&anna, "hello").await.unwrap();
    let told = timeout(PATIENCE, user.next()).await.unwrap();
    assert_eq!(told, UserFeed::Told("hello".into()));
    let line = Line {
        room: "players".to_owned(),
        author: "anna:Anna".to_owned(),
        key: "k1".to_owned(),
        text: "good luck".to_owned(),
    };
    here.say(game(), &line).await.unwrap();
    let said = next(&mut follow).await;
    assert!(
        matches!(&said, Feed::Said(said) if said.line == line),
        "{said:?}"
    );
    assert_eq!(server.command("CLIENT KILL TYPE pubsub").unwrap(), ":2");
    let lost = timeout(PATIENCE, user.next()).await.unwrap();
    assert_eq!(lost, UserFeed::Resync);
    here.tell_user(&anna, "again").await.unwrap();
    let told = timeout(PATIENCE, user.next()).await.unwrap();
    assert_eq!(told, UserFeed::Told("again".into()));
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_log_of_the_first_build_goes_on() {
    let server = RedisServer::start().unwrap();
    // It had no play clock: its games began at unix time.
    let begin = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) \
        redis.call('RPUSH', '{b:121}:game:q7ZwA0bX', 'game1 standard 180+2 casual white:anna:Anna black:bo:Bo \
        created:' .. now .. ' ' .. now .. ' first') return now";
    let origin = number(&server, begin);
    let store = connect(&server).await;
    let append = Append {
        after: Head {
            version: Version(1),
            tag: tag("first"),
        },
        after_at: Timestamp(0),
        tag: tag("aaaaa"),
        origin: PlayTime(u64::try_from(origin).unwrap()),
        bodies: vec!["e2e4".to_owned()],
        not_before: None,
        due_in: None,
    };
    let answer = store.append(game(), &append).await.unwrap();
    assert!(
        matches!(answer, Appended::Committed { at, .. } if at.0 < 60_000),
        "{answer:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn an_append_whose_message_was_lost_is_found_by_the_length_of_the_log() {
    let server = RedisServer::start().unwrap();
    let line = FaultProxy::start_redis(&server).unwrap();
    let here = connect(&server).await;
    let there = RedisStore::connect(&line.redis_url()).await.unwrap();
    let mut known = begin(&here).await;
    let mut follow = there.follow(game()).await.unwrap();
    let lost = line.drop_pushes(|channel| channel.ends_with(game().as_str().as_bytes()));
    known.commit(&here, "aaaaa", &["e2e4"]).await;
    // Nobody acts afterwards.
    let mut length = Version(0);
    while length != Version(2) {
        match timeout(PATIENCE, follow.next()).await.unwrap() {
            Feed::Length(told) => length = told,
            other => panic!("it was lost: {other:?}"),
        }
    }
    assert_eq!(lost.count(), 1);
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_node_that_hears_nothing_knows_it_and_subscribes_again() {
    let server = RedisServer::start().unwrap();
    let line = FaultProxy::start_redis(&server).unwrap();
    let store = RedisStore::connect(&line.redis_url()).await.unwrap();
    let mut known = begin(&store).await;
    let mut follow = store.follow(game()).await.unwrap();
    let lost = line.drop_pushes(|_| true);
    until_health_is(&store, Health::Unavailable).await;
    drop(lost);
    until_health_is(&store, Health::Ok).await;
    while next(&mut follow).await != Feed::Resync {}
    known.commit(&store, "aaaaa", &["e2e4"]).await;
    while !matches!(next(&mut follow).await, Feed::Published(_)) {}
    store.close().await;
}

#[tokio::test]
async fn a_line_that_hangs_is_left_for_a_new_one() {
    let server = RedisServer::start().unwrap();
    let line = FaultProxy::start_redis(&server).unwrap();
    let store = RedisStore::connect(&line.redis_url()).await.unwrap();
    let known = begin(&store).await;
    let append = known.append("aaaaa", &["e2e4"]);
    // It is written, and from then on nothing comes back on this connection; the next one is a good one.
    let silence = line.swallow(Swallow::first(is_append).and_hold());
    store.append(game(), &append).await.unwrap_err();
    let answer = append_patiently(&store, &append).await;
    assert!(
        matches!(answer, Appended::Committed { version, .. } if version == Version(2)),
        "{answer:?}"
    );
    until_health_is(&store, Health::Ok).await;
    drop(silence);
    store.close().await;
}
