//! A Redis that lost its tail gets it back from the nodes that saw it: a replica that was cut off takes its master's place.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_immediate;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use zeitnot::outbox::{Form, Outbox, OutboxReader, outbox};
use zeitnot::replica::{Leaving, Start, Watch};
use zeitnot::room::Rooms;
use zeitnot::store::redis::RedisStore;
use zeitnot::store::{Append, Appended, Create, Store};
use zeitnot_game::id::{GameId, Head, Tag, Version};
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{Millis, PlayTime, Timestamp};
use zeitnot_loadtest::deployment::{FaultProxy, RedisServer, Target};

use crate::support::client::PATIENCE;

/// How often a condition is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

const LOG: &str = "{b:121}:game:q7ZwA0bX";

fn game() -> GameId {
    "q7ZwA0bX".parse().unwrap()
}

/// A node without its sockets: a store, its rooms, and one spectator of the game.
struct Node {
    store: Arc<RedisStore>,
    rooms: Rooms,
    line: FaultProxy,
    frames: OutboxReader,
    outbox: Outbox,
}

impl Node {
    /// Comes to Redis through a line of its own, and watches.
    async fn start(redis: &RedisServer) -> Self {
        let mut node = Self::connect(redis).await;
        node.watch(None).await;
        assert_eq!(node.next().await["t"], "game");
        node
    }

    /// Comes to Redis through a line of its own.
    async fn connect(redis: &RedisServer) -> Self {
        let line = FaultProxy::start(target(redis)).unwrap();
        let store = Arc::new(RedisStore::connect(&line.redis_url()).await.unwrap());
        let rooms = Rooms::new(store.clone(), Millis::from_days(30));
        let (outbox, frames) = outbox(Form::Json);
        Self {
            store,
            rooms,
            line,
            frames,
            outbox,
        }
    }

    /// Follows the game, as somebody who has seen so much of it.
    async fn watch(&self, since: Option<Version>) {
        let watch = Watch {
            follower: 1,
            user: None,
            outbox: self.outbox.clone(),
            re: None,
            since,
            start: Start::Snapshot,
        };
        self.rooms.watch(game(), watch).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let frame = timeout(PATIENCE, self.frames.next());
        serde_json::from_str(&frame.await.unwrap().unwrap()).unwrap()
    }

    /// Reads frames up to one of this version.
    async fn until_version(&mut self, version: u32) {
        while self.next().await["v"] != version {}
    }

    async fn close(self) {
        self.rooms.close().await;
        self.store.close().await;
    }
}

fn target(redis: &RedisServer) -> Target {
    Target::Tcp(([127, 0, 0, 1], redis.port().unwrap()).into())
}

/// Waits until a Redis has so many entries.
async fn until_lines(redis: &RedisServer, length: usize) {
    let waiting = async {
        while lines(redis).len() < length {
            sleep(LOOK_PERIOD).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

fn lines(redis: &RedisServer) -> Vec<String> {
    let reply = redis.call(&["LRANGE", LOG, "0", "-1"]).unwrap();
    let lines = reply.items().iter();
    lines.map(|line| line.text().unwrap().to_owned()).collect()
}

/// A game over a master with a replica.
struct Pair {
    master: RedisServer,
    replica: RedisServer,
    head: Head,
    at: Timestamp,
    origin: PlayTime,
}

impl Pair {
    async fn begin() -> Self {
        let master = RedisServer::start_on_port(&[]).unwrap();
        let replica = RedisServer::start_replica_of(&master, &[]).unwrap();
        let store = RedisStore::connect(&master.url()).await.unwrap();
        let tag: Tag = "first".parse().unwrap();
        let create = Create {
            body: "game1 standard 180+2 casual white:anna:Anna black:bo:Bo".to_owned(),
            tag,
            due_in: Millis::from_secs(3600),
        };
        store.create(game(), &create).await.unwrap();
        store.close().await;
        let first: FirstEntry = lines(&master)[0].parse().unwrap();
        Self {
            master,
            replica,
            head: Head {
                version: Version(1),
                tag,
            },
            at: Timestamp(0),
            origin: first.origin,
        }
    }

    async fn append(&mut self, node: &Node, (tag, body): (&str, &str)) {
        let append = Append {
            after: self.head,
            after_at: self.at,
            tag: tag.parse().unwrap(),
            origin: self.origin,
            bodies: vec![body.to_owned()],
            not_before: None,
            due_in: Some(Millis::from_secs(3600)),
        };
        let appended = node.store.append(game(), &append).await.unwrap();
        let Appended::Committed { version, at } = appended else {
            panic!("not committed: {appended:?}");
        };
        let tag = append.tag;
        self.head = Head { version, tag };
        self.at = at;
    }

    /// From here on the replica hears nothing of its master.
    fn cut_off(&self) {
        let (version, length) = (self.head.version.0, lines(&self.master).len());
        assert_eq!(usize::try_from(version).unwrap(), length);
        // What was written before has arrived.
        while lines(&self.replica).len() < length {}
        self.replica.call(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    }

    /// The master dies, and the replica takes its place.
    fn fail_over(&mut self) {
        self.master.kill().unwrap();
        self.replica.promote().unwrap();
    }

    /// A node's line leads to the replica from now on.
    fn lead_to_replica(&self, node: &Node) {
        node.line.set_target(target(&self.replica));
        node.line.cut().unwrap();
        node.line.pass().unwrap();
    }

    /// The game goes on, on the replica.
    async fn go_on(&mut self, node: &Node, (tag, body): (&str, &str)) {
        let append = Append {
            after: self.head,
            after_at: self.at,
            tag: tag.parse().unwrap(),
            origin: self.origin,
            bodies: vec![body.to_owned()],
            not_before: None,
            due_in: None,
        };
        let mut is_committed = false;
        while !is_committed {
            let appended = node.store.append(game(), &append).await;
            is_committed = matches!(appended, Ok(Appended::Committed { .. }));
            sleep(LOOK_PERIOD).await;
        }
    }
}

#[tokio::test]
async fn a_replica_that_was_cut_off_gets_back_what_it_lost_byte_by_byte() {
    let mut pair = Pair::begin().await;
    let mut nodes = [
        Node::start(&pair.master).await,
        Node::start(&pair.master).await,
    ];
    pair.append(&nodes[0], ("aaaaa", "e2e4 310")).await;
    pair.cut_off();
    pair.append(&nodes[0], ("bbbbb", "e7e5 250")).await;
    // Not of this build: nothing is decided on it, and nothing of it may be lost.
    pair.append(&nodes[1], ("ccccc", "adjourn white note:x seal=7"))
        .await;
    for node in &mut nodes {
        node.until_version(3).await;
    }
    let before = lines(&pair.master);
    assert_eq!((before.len(), lines(&pair.replica).len()), (4, 2));
    // Both have heard the last one, too, though there is no frame of it.
    for node in &nodes {
        let (_, _) = node.rooms.look(game()).await.unwrap();
    }
    pair.fail_over();
    pair.lead_to_replica(&nodes[0]);
    pair.lead_to_replica(&nodes[1]);
    until_lines(&pair.replica, 4).await;
    assert_eq!(lines(&pair.replica), before);
    pair.go_on(&nodes[1], ("ddddd", "adjourn black")).await;
    let after = lines(&pair.replica);
    assert_eq!(after[..4], before);
    assert_eq!(after.len(), 5);
    for node in nodes {
        node.close().await;
    }
}

#[tokio::test]
async fn nodes_of_different_lengths_complete_each_other() {
    let mut pair = Pair::begin().await;
    let mut nodes = [
        Node::start(&pair.master).await,
        Node::start(&pair.master).await,
    ];
    pair.cut_off();
    pair.append(&nodes[0], ("aaaaa", "e2e4 310")).await;
    for node in &mut nodes {
        node.until_version(2).await;
    }
    // From here on the first node hears nothing, and the second goes on alone.
    nodes[0].line.blackhole();
    pair.append(&nodes[1], ("bbbbb", "e7e5 250")).await;
    pair.append(&nodes[1], ("ccccc", "g1f3 0")).await;
    nodes[1].until_version(4).await;
    let before = lines(&pair.master);
    // The one that knows less comes first and gives what it has.
    pair.fail_over();
    pair.lead_to_replica(&nodes[0]);
    until_lines(&pair.replica, 2).await;
    assert_eq!(lines(&pair.replica), before[..2]);
    pair.lead_to_replica(&nodes[1]);
    until_lines(&pair.replica, 4).await;
    assert_eq!(lines(&pair.replica), before);
    // And it gets what it has not.
    nodes[0].until_version(4).await;
    pair.go_on(&nodes[0], ("ddddd", "b8c6 0")).await;
    for node in &mut nodes {
        node.until_version(5).await;
    }
    for node in nodes {
        node.close().await;
    }
}

#[tokio::test]
async fn who_comes_after_the_healing_is_told_that_the_log_counts() {
    let mut pair = Pair::begin().await;
    let mut nodes = [
        Node::start(&pair.master).await,
        Node::start(&pair.master).await,
    ];
    pair.cut_off();
    // The second node alone sees this move, and is away while the other one heals.
    nodes[0].line.blackhole();
    pair.append(&nodes[1], ("aaaaa", "e2e4 310")).await;
    nodes[1].until_version(2).await;
    nodes[1].line.blackhole();
    pair.fail_over();
    pair.lead_to_replica(&nodes[0]);
    // It goes on as soon as the healing is over.
    pair.head = Head {
        version: Version(1),
        tag: "first".parse().unwrap(),
    };
    pair.go_on(&nodes[0], ("xxxxx", "d2d4 200")).await;
    pair.lead_to_replica(&nodes[1]);
    let reset = loop {
        let frame = nodes[1].next().await;
        if frame["t"] == "game" {
            break frame;
        }
    };
    assert_eq!(reset["reset"], true);
    assert_eq!(reset["moves"], "d2d4");
    nodes[0].until_version(2).await;
    for node in nodes {
        node.close().await;
    }
}

#[tokio::test]
async fn who_comes_while_the_store_heals_sees_what_it_had_lost() {
    let mut pair = Pair::begin().await;
    let mut nodes = [
        Node::start(&pair.master).await,
        Node::start(&pair.master).await,
    ];
    pair.cut_off();
    // The second node does not see this move; whoever saw it at the first one comes to it afterwards.
    nodes[1].line.blackhole();
    pair.append(&nodes[0], ("aaaaa", "e2e4 310")).await;
    nodes[0].until_version(2).await;
    nodes[0].line.blackhole();
    pair.fail_over();
    let read = logs_read(&pair.replica);
    pair.lead_to_replica(&nodes[1]);
    let mut stranger = Node::connect(&pair.replica).await;
    tokio::join!(
        nodes[1].watch(Some(Version(2))),
        stranger.watch(None),
        async {
            // Both have looked at the log before the first node gives it back its move.
            while logs_read(&pair.replica) < read + 2 {
                sleep(LOOK_PERIOD).await;
            }
            assert_eq!(lines(&pair.replica).len(), 1);
            pair.lead_to_replica(&nodes[0]);
        }
    );
    for node in [&mut nodes[1], &mut stranger] {
        let shown = loop {
            let frame = node.next().await;
            // The node heard of the move before it let anybody in.
            if frame["t"] == "game" {
                break frame;
            }
        };
        assert_eq!(shown["v"], 2);
        assert_eq!(shown["reset"], Value::Null);
    }
    let [first, second] = nodes;
    for node in [first, second, stranger] {
        node.close().await;
    }
}

#[tokio::test]
async fn who_leaves_while_the_store_heals_is_gone() {
    const OTHER: u64 = 7;
    let mut pair = Pair::begin().await;
    let node = Node::start(&pair.master).await;
    pair.cut_off();
    pair.fail_over();
    let read = logs_read(&pair.replica);
    pair.lead_to_replica(&node);
    let looked = async {
        while logs_read(&pair.replica) == read {
            sleep(LOOK_PERIOD).await;
        }
    };
    timeout(PATIENCE, looked).await.expect("the store heals");
    // Somebody who saw a move that nobody can give back comes, and goes before that is known.
    let (outbox, _frames) = outbox(Form::Json);
    let watch = Watch {
        follower: OTHER,
        user: None,
        outbox,
        re: None,
        since: Some(Version(2)),
        start: Start::Snapshot,
    };
    let rooms = node.rooms.clone();
    let mut coming = pin!(rooms.watch(game(), watch));
    assert!(poll_immediate(&mut coming).await.is_none());
    node.rooms.unwatch(game(), OTHER, Leaving::Lost).await;
    assert!(coming.await.is_err());
    pair.go_on(&node, ("aaaaa", "e2e4 310")).await;
    let shown = node.rooms.show(game(), None).await.unwrap();
    assert_eq!(shown.watchers, 1);
    node.close().await;
}

/// How often a Redis was asked for lines of logs.
fn logs_read(redis: &RedisServer) -> u64 {
    let stats = redis.call(&["INFO", "commandstats"]).unwrap();
    let stats = stats.text().unwrap_or_default().to_owned();
    let calls = stats.split("cmdstat_lrange:calls=").nth(1);
    let calls = calls.and_then(|calls| calls.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}

#[tokio::test]
async fn a_redis_that_lost_everything_gets_its_games_back() {
    let mut pair = Pair::begin().await;
    let mut node = Node::start(&pair.master).await;
    pair.append(&node, ("aaaaa", "e2e4 310")).await;
    node.until_version(2).await;
    let before = lines(&pair.master);
    // It keeps nothing.
    pair.master.restart().unwrap();
    until_lines(&pair.master, 2).await;
    assert_eq!(lines(&pair.master), before);
    pair.go_on(&node, ("bbbbb", "e7e5 250")).await;
    node.until_version(3).await;
    node.close().await;
}
