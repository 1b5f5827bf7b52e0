//! From costs to a plan. What is dear is proportional to something: moves, sockets for a second, frames, games for a second, nodes
//! for a second. The share of each is solved from runs at two rates, and the sum is compared with runs at others.

use std::fmt;

use anyhow::Context as _;
use serde::{Serialize, Serializer};

use super::costs::{
    APPEND, BUSY, CLIENT_MOVE, ENDED_GAME_BYTES, GAME_NODES, GAME_REDIS, HEARTBEAT, HEARTBEAT_IN,
    HEARTBEAT_OUT, LOG_BYTES_A_PLY, MOVE_FRAME, NODE_BYTES, OWN_ANSWER, PLAY, PUBLISHED,
    REDIS_GAME_SECOND, RELAY, RELAY_GAMES, RELAY_NODES, RELAY_SOCKETS, REPLICA_BYTES,
    RUNNING_GAME_BYTES, Run, SOCKET_BYTES, SOCKET_SECOND, SPECTATOR_FRAME,
};
use super::{Args, GIB};

/// Nodes at which it is over: by then every node would do nothing but follow everybody's games.
const MAX_NODES: u32 = 10_000;

/// µs of a second.
const SECOND: f64 = 1e6;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// What is to be carried.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Load {
    pub(super) players: u32,
    pub(super) think_seconds: f64,
    pub(super) spectators_a_game: f64,
    pub(super) plies: f64,
    pub(super) heartbeat_seconds: f64,
    pub(super) cores: u32,
    pub(super) headroom: f64,
    pub(super) spare: u32,
    pub(super) keep_days: f64,
    pub(super) max_sockets: f64,
    /// Bytes of a master.
    pub(super) redis_memory: f64,
}

/// What it takes.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub(super) load: Load,
    pub(super) nodes: u32,
    pub(super) node: NodePlan,
    pub(super) redis: RedisPlan,
    pub(super) network: Network,
    pub(super) checks: Vec<Check>,
}

/// Each node, when all of them are there.
#[derive(Debug, Serialize)]
pub(super) struct NodePlan {
    /// At work.
    pub(super) cores: f64,
    pub(super) sockets: f64,
    pub(super) memory: f64,
}

/// Each master. It works on one core.
#[derive(Debug, Serialize)]
pub(super) struct RedisPlan {
    pub(super) masters: u32,
    /// That many are needed for one thing alone.
    pub(super) for_work: u32,
    pub(super) for_memory: u32,
    pub(super) cores: f64,
    pub(super) memory: f64,
    /// Of it for games that go on.
    pub(super) running: f64,
}

/// Bytes a second, of all.
#[derive(Debug, Serialize)]
pub(super) struct Network {
    pub(super) to_clients: f64,
    pub(super) from_clients: f64,
    /// Between nodes and Redis.
    pub(super) inside: f64,
}

/// Work in a second, in µs of a core.
#[derive(Debug, Clone, Copy)]
struct Work {
    nodes: f64,
    redis: f64,
}

/// How much of each thing there is in a second.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    moves: f64,
    games: f64,
    /// Those that begin.
    begun: f64,
    players: f64,
    spectators: f64,
    /// How much dearer sockets are than at the heartbeat that was measured.
    beat: f64,
}

impl Load {
    pub(super) fn of(args: &Args) -> Self {
        Self {
            players: args.players,
            think_seconds: args.think.into(),
            spectators_a_game: args.spectators.into(),
            plies: args.plies.into(),
            heartbeat_seconds: args.heartbeat.into(),
            cores: args.cores,
            headroom: f64::from(args.headroom) / 100.0,
            spare: args.spare,
            keep_days: args.keep.into(),
            max_sockets: args.max_sockets.into(),
            redis_memory: f64::from(args.redis_memory) * GIB,
        }
    }

    fn amounts(&self) -> Amounts {
        let games = f64::from(self.players) / 2.0;
        let moves = games / self.think_seconds;
        Amounts {
            moves,
            games,
            begun: moves / self.plies,
            players: self.players.into(),
            spectators: games * self.spectators_a_game,
            beat: HEARTBEAT / self.heartbeat_seconds,
        }
    }

    /// What no one measured, for people.
    pub(super) fn assumptions(&self) -> Vec<String> {
        let Amounts {
            moves,
            games,
            begun,
            spectators,
            ..
        } = self.amounts();
        vec![
            format!(
                "{games:.0} games, in each a move every {} s: {moves:.0} moves/s, {:.3} by each player",
                self.think_seconds,
                0.5 / self.think_seconds
            ),
            format!(
                "games of {} plies: {begun:.1} begin in a second, and stay in Redis for {} days",
                self.plies, self.keep_days
            ),
            format!("{spectators:.0} spectators, {} for each game, a socket each", self.spectators_a_game),
            "sockets are spread evenly, and a game is followed by as many nodes as it has sockets, if there are so many".to_owned(),
            "each further node that follows a game costs as much as the opponent's: half of a move".to_owned(),
            format!("a heartbeat every {} s", self.heartbeat_seconds),
            format!(
                "{:.0} % of cores, sockets ({:.0} a node) and memory of Redis ({:.0} GiB a master) stay free; {} more, for nodes \
                 that die",
                self.headroom * 100.0,
                self.max_sockets,
                self.redis_memory / GIB,
                self.spare
            ),
            "cores like the one that all was measured on; there a move is cheapest when there is most to do, so that the \
             plan is too large rather than too small".to_owned(),
            format!("a node without sockets has {:.0} MiB; memory of the kernel is not counted, nor replicas of Redis", NODE_BYTES / f64::from(1 << 20)),
        ]
    }
}

/// A line through two points: its value at 0, and its slope.
fn line([(x1, y1), (x2, y2)]: [(f64, f64); 2]) -> (f64, f64) {
    let slope = (y2 - y1) / (x2 - x1);
    (y1 - slope * x1, slope)
}

/// Work of nodes and Redis in a second, at so many nodes.
fn work(amounts: &Amounts, nodes: u32) -> Work {
    let nodes = f64::from(nodes);
    // In a second the relay does what it always does, and what it does for each move.
    let solved = |pick: fn(&super::costs::Relay) -> f64| {
        line(RELAY.each_ref().map(|run| (run.rate, run.rate * pick(run))))
    };
    let (nodes_second, nodes_move) = solved(|run| run.nodes);
    let (redis_second, redis_move) = solved(|run| run.redis);
    let nodes_move = nodes_move - RELAY_SOCKETS * SOCKET_SECOND;
    let redis_move = redis_move - RELAY_GAMES * RELAY_NODES * REDIS_GAME_SECOND;

    let following = following(amounts, nodes);
    let sockets = amounts.players + amounts.spectators;
    let spectators_a_game = amounts.spectators / amounts.games.max(1.0);
    Work {
        nodes: nodes * nodes_second / RELAY_NODES
            + amounts.moves * nodes_move * following / RELAY_NODES
            + amounts.moves * spectators_a_game * SPECTATOR_FRAME
            + sockets * SOCKET_SECOND * amounts.beat
            + amounts.begun * GAME_NODES,
        redis: nodes * redis_second / RELAY_NODES
            + amounts.moves * redis_move
            + amounts.games * following * REDIS_GAME_SECOND
            + amounts.begun * GAME_REDIS,
    }
}

/// Nodes that follow a game.
fn following(amounts: &Amounts, nodes: f64) -> f64 {
    let sockets = 2.0 + (amounts.spectators / amounts.games.max(1.0)).ceil();
    sockets.min(nodes)
}

/// What carries a load.
///
/// # Errors
/// No number of nodes does.
pub(super) fn predict(load: &Load) -> anyhow::Result<Plan> {
    let amounts = load.amounts();
    let free = 1.0 - load.headroom;
    let sockets = amounts.players + amounts.spectators;
    let carries = |nodes: &u32| {
        let used = work(&amounts, *nodes).nodes / SECOND / f64::from(*nodes);
        used <= f64::from(load.cores) * free
            && sockets / f64::from(*nodes) <= load.max_sockets * free
    };
    let needed = (1..=MAX_NODES).find(carries);
    let needed = needed.with_context(|| format!("{MAX_NODES} nodes are not enough"))?;
    let nodes = needed + load.spare;
    let count = f64::from(nodes);

    let work = work(&amounts, nodes);
    let following = following(&amounts, count);
    let log = load.plies * LOG_BYTES_A_PLY;
    // Games that go on are half played, on the average.
    let running = amounts.games * (log / 2.0 + RUNNING_GAME_BYTES);
    let ended = amounts.begun * load.keep_days * DAY * (log + ENDED_GAME_BYTES);
    let for_work = whole(work.redis / SECOND / free);
    let for_memory = whole((running + ended) / load.redis_memory / free);
    let masters = f64::from(for_work.max(for_memory));
    let beats = sockets / load.heartbeat_seconds;
    let seen = amounts.moves * (2.0 + amounts.spectators / amounts.games.max(1.0));
    Ok(Plan {
        nodes,
        node: NodePlan {
            cores: work.nodes / SECOND / count,
            sockets: sockets / count,
            memory: NODE_BYTES
                + (sockets * SOCKET_BYTES + amounts.games * following * REPLICA_BYTES) / count,
        },
        redis: RedisPlan {
            masters: for_work.max(for_memory),
            for_work,
            for_memory,
            cores: work.redis / SECOND / masters,
            memory: (running + ended) / masters,
            running: running / masters,
        },
        network: Network {
            to_clients: seen * MOVE_FRAME + amounts.moves * OWN_ANSWER + beats * HEARTBEAT_OUT,
            from_clients: amounts.moves * CLIENT_MOVE + beats * HEARTBEAT_IN,
            inside: amounts.moves * (APPEND + following * PUBLISHED),
        },
        checks: vec![Check::of(&PLAY), Check::of(&BUSY)],
        load: load.clone(),
    })
}

/// So much, and what is left of the last one: at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at least 1, and a cast stops at the largest value"
)]
fn whole(share: f64) -> u32 {
    share.ceil().max(1.0) as u32
}

/// What is predicted of a run beside what was measured, in µs of CPU a move.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Check {
    pub(super) run: &'static str,
    pub(super) nodes: Compared,
    pub(super) redis: Compared,
}

/// Two figures, and how far the one is from the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    pub(super) predicted: f64,
    pub(super) measured: f64,
}

impl Compared {
    /// Percent of what was measured; negative if too little was predicted.
    pub(super) fn off(self) -> f64 {
        (self.predicted / self.measured - 1.0) * 100.0
    }
}

impl Serialize for Compared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = [("predicted", self.predicted), ("measured", self.measured)];
        serializer.collect_map(fields)
    }
}

impl Check {
    fn of(run: &Run) -> Self {
        let amounts = Amounts {
            moves: run.moves,
            games: run.games,
            begun: run.begun,
            players: 2.0 * run.games,
            spectators: run.games * run.spectators,
            beat: 1.0,
        };
        let work = work(&amounts, run.nodes_count);
        let compared = |predicted: f64, measured| Compared {
            predicted: predicted / run.moves,
            measured,
        };
        Self {
            run: run.name,
            nodes: compared(work.nodes, run.nodes),
            redis: compared(work.redis, run.redis),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |name: &str, one: Compared| {
            let (predicted, measured) = (one.predicted, one.measured);
            format!(
                "{name} {predicted:.0}, measured {measured:.0} ({:+.0} %)",
                one.off()
            )
        };
        let (nodes, redis) = (one("nodes", self.nodes), one("Redis", self.redis));
        write!(f, "{}: {nodes}; {redis}", self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percent that the prediction of a run may be off.
    const TOLERANCE: f64 = 20.0;

    fn load(players: u32) -> Load {
        Load {
            players,
            think_seconds: 5.0,
            spectators_a_game: 1.0,
            plies: 80.0,
            heartbeat_seconds: 5.0,
            cores: 2,
            headroom: 0.5,
            spare: 1,
            keep_days: 30.0,
            max_sockets: 20_000.0,
            redis_memory: 32.0 * GIB,
        }
    }

    #[test]
    fn a_run_that_the_costs_are_not_from_is_predicted() {
        let check = Check::of(&PLAY);
        for one in [check.nodes, check.redis] {
            assert!(one.off().abs() <= TOLERANCE, "{check}");
        }
    }

    #[test]
    fn the_relay_itself_is_predicted_to_the_last_digit() {
        for relay in &RELAY {
            let amounts = Amounts {
                moves: relay.rate,
                games: relay.rate * RELAY_GAMES,
                begun: 0.0,
                players: relay.rate * RELAY_SOCKETS,
                spectators: 0.0,
                beat: 1.0,
            };
            let work = work(&amounts, 2);
            assert!((work.nodes / relay.rate - relay.nodes).abs() < 1e-6);
            assert!((work.redis / relay.rate - relay.redis).abs() < 1e-6);
        }
    }

    #[test]
    fn a_plan_grows_with_what_it_carries_and_stays_within_its_headroom() {
        let mut last = 0;
        for players in [2, 1_000, 100_000, 1_000_000] {
            let plan = predict(&load(players)).unwrap();
            assert!(plan.nodes >= last.max(2), "one may die");
            assert!(plan.node.cores <= 1.0 && plan.redis.cores <= 0.5);
            assert!(plan.node.sockets <= 10_000.0);
            assert!(plan.redis.memory <= 16.0 * GIB);
            last = plan.nodes;
        }
        assert!(last > 100);
    }

    #[test]
    fn what_no_number_of_nodes_carries_is_said() {
        let impossible = Load {
            think_seconds: 1.0,
            spectators_a_game: 10_000.0,
            ..load(100_000_000)
        };
        assert!(predict(&impossible).is_err());
    }
}
