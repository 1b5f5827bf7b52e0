//! A replica takes over that had lost its master: what it does not have comes back from the nodes that saw it, and where
//! none of them is there in time, everybody is shown that the game is another one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::{Deployment, RedisKind, RedisServer, Target};

use super::{entrance, nodes};
use crate::support::client::{Client, Gone};
use crate::support::entrance::{Entrance, Guest};
use crate::support::log;
use crate::support::records::long_game;
use crate::support::table::Table;
use crate::support::trio::{Seating, Trio};

/// Moves that the replica has.
const KNOWN: usize = 2;

/// Moves that are acknowledged and that it has not.
const LOST: usize = 100;

/// The pause before something is tried again: a socket takes a hundred messages in 20 s.
const RETRY_PAUSE: Duration = Duration::from_millis(440);

const CLUSTER: RedisKind = RedisKind::Cluster {
    masters: 3,
    replicas: 1,
};

const SENTINEL: RedisKind = RedisKind::Sentinel { replicas: 1 };

/// Three nodes behind nginx over a Redis in which a replica takes over.
struct Failing(Deployment);

impl Failing {
    fn start(redis: RedisKind) -> Self {
        let settings = nodes(3).over(redis).behind_nginx();
        let settings = match redis {
            // Nobody else tells the nodes where the new master is.
            RedisKind::Replicated => settings.with_proxies(),
            _ => settings,
        };
        let settings = settings.redis_options(&["--repl-diskless-sync-delay", "0"]);
        Self(settings.start().unwrap())
    }

    /// The master of a game, and its replica.
    fn pair(&self, game: GameId) -> (&RedisServer, &RedisServer) {
        if let Some(cluster) = self.0.cluster() {
            let master = cluster.master_of(&log::key(game)).unwrap();
            // As they were put together.
            let replica = master + cluster.servers().len() / 2;
            return (cluster.server(master), cluster.server(replica));
        }
        match self.0.sentinels() {
            Some(sentinels) => (sentinels.server(0), sentinels.server(1)),
            None => (self.0.redis().unwrap(), self.0.replica().unwrap()),
        }
    }

    /// The replica of a game's master hears nothing more, once it has what there is.
    fn cut_off(&self, game: GameId) {
        let (master, replica) = self.pair(game);
        replica.wait_for_master().unwrap();
        let lines = log::lines(&self.0, game).len();
        while length(replica, game) < lines {}
        replica.lose(master).unwrap();
    }

    /// The master dies, and the replica takes its place.
    fn fail_over(&mut self, game: GameId) {
        if let Some(cluster) = self.0.cluster_mut() {
            let slot = cluster.slot_of(&log::key(game)).unwrap();
            let master = cluster.owner(slot).unwrap();
            cluster.kill_master(master).unwrap();
            cluster.wait_for_failover(slot, master).unwrap();
        } else if let Some(sentinels) = self.0.sentinels_mut() {
            sentinels.server_mut(0).kill().unwrap();
            sentinels.wait_for_failover(0).unwrap();
        } else {
            self.0.redis_mut().unwrap().kill().unwrap();
            let replica = self.0.replica().unwrap();
            replica.promote().unwrap();
            for node in 0..self.0.nodes().len() {
                let proxy = self.0.proxy(node).unwrap();
                proxy.set_target(Target::Unix(replica.socket()));
                proxy.cut().unwrap();
            }
        }
    }
}

/// Entries of a game on a server that may be a replica.
fn length(server: &RedisServer, game: GameId) -> usize {
    let mut asking = server.connect().unwrap();
    // A cluster's replica reads for those who ask it to.
    let (readonly, key) = (vec!["READONLY"], log::key(game));
    let replies = asking.call_all(&[readonly, vec!["LLEN", &key]]).unwrap();
    replies[1].int().unwrap().try_into().unwrap()
}

/// A hundred acknowledged moves are lost with the master, and come back from the nodes.
async fn lose_nothing(redis: RedisKind) {
    let mut failing = Failing::start(redis);
    let moves = long_game();
    assert!(moves.len() > KNOWN + LOST);
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    let mut trio = Trio::sit_down(&entrance(&failing.0), &terms, Seating::Apart).await;
    let game = trio.game;
    for (ply, uci) in moves[..KNOWN].iter().enumerate() {
        trio.play(uci, ply).await;
    }
    failing.cut_off(game);
    for (ply, uci) in (KNOWN..).zip(&moves[KNOWN..KNOWN + LOST]) {
        trio.play(uci, ply).await;
    }
    let (master, replica) = failing.pair(game);
    let had = [length(master, game), length(replica, game)];
    assert_eq!(had, [1 + KNOWN + LOST, 1 + KNOWN]);
    let before = log::lines(&failing.0, game);
    let died = Instant::now();
    failing.fail_over(game);
    println!(
        "{redis:?}: the replica was master after {:?}",
        died.elapsed()
    );
    let next = KNOWN + LOST;
    trio.play(&moves[next], next).await;
    println!(
        "{redis:?}: the next move was made after {:?}",
        died.elapsed()
    );
    let after = log::lines(&failing.0, game);
    let lost = before.iter().filter(|line| !after.contains(line)).count();
    println!("{redis:?}: {lost} of {LOST} acknowledged moves were lost");
    // Byte by byte, with their moments.
    assert_eq!(after[..before.len()], before);
    log::assert_is(&after, &trio.acknowledged());
}

#[tokio::test]
async fn what_a_promoted_replica_had_lost_comes_back() {
    lose_nothing(RedisKind::Replicated).await;
}

#[tokio::test]
async fn what_a_replica_had_lost_that_sentinels_promote_comes_back() {
    lose_nothing(SENTINEL).await;
}

#[tokio::test]
async fn what_a_replica_had_lost_that_a_cluster_promotes_comes_back() {
    lose_nothing(CLUSTER).await;
}

/// Waits until a client is shown another game than it had seen, on the socket that it has or on another one.
async fn until_reset(
    client: &mut Client,
    (entrance, guest, game): (&Entrance, Option<&Guest>, GameId),
) -> Value {
    loop {
        match client.try_receive().await {
            Ok(frame) if frame["t"] == "game" && frame["reset"] == true => return frame,
            Ok(frame) => {
                assert_ne!(frame["t"], "move", "without having been told: {frame}");
            }
            Err(Gone::Closed(Some(1013 | 4408))) => {
                *client = entrance.connect(guest).await;
                let seen = 1 + KNOWN + LOST;
                let shown = client
                    .ask(json!({"t": "watch", "game": game, "v": seen}))
                    .await;
                if shown["t"] == "game" {
                    assert_eq!(shown["reset"], true, "{shown}");
                    return shown;
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// All nodes that saw the lost moves stand still while the replica takes over, and the game goes on elsewhere.
async fn fork(redis: RedisKind) {
    let mut failing = Failing::start(redis);
    let moves = long_game();
    let doors = [0, 1, 2].map(|node| Entrance::of(failing.0.node(node)));
    let terms = json!({"clock.limit": 600, "clock.increment": 5});
    // The third node knows nothing of it.
    let mut table = Table::sit_down([&doors[0], &doors[0], &doors[1]], &terms).await;
    let game = table.game;
    let mut ply = 0;
    let mut play = async |table: &mut Table, until: usize| {
        while ply < until {
            let answer = table.seats[ply % 2].play(game, &moves[ply], ply).await;
            assert_eq!(answer["t"], "ok", "{answer}");
            ply += 1;
        }
    };
    play(&mut table, KNOWN).await;
    failing.cut_off(game);
    play(&mut table, KNOWN + LOST).await;
    for one in table.everyone() {
        while one.next_of("move").await["ply"] != KNOWN + LOST {}
    }
    for node in [0, 1] {
        failing.0.node(node).pause().unwrap();
    }
    failing.fail_over(game);
    // White comes to the third node, and chooses another move. Nobody there can know of the others.
    let mut white = doors[2].connect(Some(&table.guests[0])).await;
    let other = loop {
        let shown = white.ask(json!({"t": "watch", "game": game})).await;
        let answer = white.play(game, "h2h4", KNOWN).await;
        if answer["t"] == "ok" {
            assert_eq!(answer["v"], 2 + KNOWN, "{answer}");
            break answer;
        }
        assert_eq!(answer["code"], "unavailable", "{answer} at {shown}");
        sleep(RETRY_PAUSE).await;
    };
    println!("{redis:?}: the game went on without them: {other}");
    let woken = Instant::now();
    for node in [0, 1] {
        failing.0.node(node).resume().unwrap();
    }
    let [white, black] = &mut table.seats;
    let people = [
        (white, &doors[0], Some(&table.guests[0])),
        (black, &doors[0], Some(&table.guests[1])),
        (&mut table.spectator, &doors[1], None),
    ];
    let expected = [&moves[..KNOWN], &["h2h4".to_owned()]].concat().join(" ");
    for (client, door, guest) in people {
        let shown = until_reset(client, (door, guest, game)).await;
        assert_eq!(
            (&shown["v"], &shown["moves"]),
            (&json!(2 + KNOWN), &json!(expected))
        );
    }
    println!(
        "{redis:?}: all were shown the other game after {:?}",
        woken.elapsed()
    );
    // It is one game again: what is played on one node comes to all.
    let answer = table.seats[1].play(game, "h7h5", KNOWN + 1).await;
    assert_eq!(answer["v"], 3 + KNOWN, "{answer}");
    assert_eq!(table.spectator.next_of("move").await["v"], 3 + KNOWN);
    assert_eq!(log::lines(&failing.0, game).len(), 3 + KNOWN);
}

#[tokio::test]
async fn a_fork_on_a_promoted_replica_is_shown_to_all() {
    fork(RedisKind::Replicated).await;
}

#[tokio::test]
async fn a_fork_on_a_replica_that_sentinels_promote_is_shown_to_all() {
    fork(SENTINEL).await;
}

#[tokio::test]
async fn a_fork_on_a_replica_that_a_cluster_promotes_is_shown_to_all() {
    fork(CLUSTER).await;
}
