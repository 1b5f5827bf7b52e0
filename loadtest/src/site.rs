//! Where the load goes: nodes that somebody named, or some that are started for it and end with it.

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};
use tokio::time::sleep_until;
use zeitnot_loadtest::deployment::usage::cpu_time;
use zeitnot_loadtest::deployment::{Deployment, Node, RedisKind, RedisServer, Settings};

use crate::client::Client;
use crate::entrance::Entrance;
use crate::side::Side;
use crate::url::Url;
use crate::{binary, floor, tls};

/// What was acknowledged is on disk within a second.
const REDIS_OPTIONS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

/// Games are set up long before they are played. Spectators without a token have part of the places only.
const NODE_ARGS: [&str; 4] = ["--first-move", "1h", "--max-sockets", "24000"];

/// Sockets for which one node is started: it may have so many open files.
const SOCKETS_A_NODE: u32 = 19_000;

/// Nodes that are started.
const MAX_NODES: u8 = 64;

/// The variable that says how many threads a node has.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// The settings. The doc comments are the text of `--help`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SiteArgs {
    /// A node, or what stands before several, e.g. ws://127.0.0.1:8080 or wss://chess.example; repeatable. Without it,
    /// nodes are started
    #[arg(long, value_name = "URL")]
    url: Vec<Url>,
    /// How many nodes are started; several share a Redis
    #[arg(long, value_name = "N", conflicts_with = "url", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_NODES)))]
    nodes: Option<u8>,
    /// Threads of each node that is started; without it, one for each core
    #[arg(long, value_name = "N", conflicts_with = "url", value_parser = clap::value_parser!(u8).range(1..))]
    node_threads: Option<u8>,
    /// The server's binary; without it, the one beside this
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    binary: Option<PathBuf>,
    /// Further arguments of every node, behind `--`
    #[arg(last = true, value_name = "ARGS", conflicts_with = "url")]
    node_args: Vec<String>,
}

/// How many nodes so many sockets want, where nobody says how many.
pub(crate) fn nodes_for(sockets: u32) -> u8 {
    u8::try_from(sockets.div_ceil(SOCKETS_A_NODE)).unwrap_or(u8::MAX)
}

/// Nodes that serve the same games, of whatever side.
#[derive(Debug)]
pub(crate) struct Site {
    side: Side,
    addresses: Vec<String>,
    /// The HTTP side of each, once: whoever has one of his own keeps a connection of his own.
    entrances: Vec<Entrance>,
    /// From where sockets are opened, if that was said.
    source: Option<IpAddr>,
    running: Running,
}

/// Nodes that run already, as another process is told of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Elsewhere {
    pub(crate) side: Side,
    pub(crate) addresses: Vec<String>,
    pub(crate) source: Option<IpAddr>,
}

/// What was started; it ends with this.
#[derive(Debug)]
enum Running {
    Elsewhere,
    Ours(Box<Deployment>),
    Others {
        nodes: Vec<Node>,
        redis: RedisServer,
    },
}

/// A process on this machine that is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) pid: u32,
}

/// The time at work of each kind of process; zero for those on other machines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    pub(crate) nodes: Duration,
    pub(crate) redis: Duration,
    /// Of this process and of those that share its load.
    pub(crate) clients: Duration,
}

impl Work {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_sub(before.nodes),
            redis: self.redis.saturating_sub(before.redis),
            clients: self.clients.saturating_sub(before.clients),
        }
    }
}

impl SiteArgs {
    /// Nodes that are started, of this binary or of the one beside this.
    pub(crate) fn of(binary: Option<PathBuf>) -> Self {
        Self {
            binary,
            ..Self::default()
        }
    }

    /// What was named, or what is started for this; with so many nodes unless it is said how many.
    pub(crate) fn open(&self, nodes: u8) -> anyhow::Result<Site> {
        if !self.url.is_empty() {
            if self.url.iter().any(|url| url.is_secure()) {
                tls::check()?;
            }
            return Ok(Site::at(Elsewhere {
                side: Side::Zeitnot,
                addresses: self.url.iter().map(|url| url.address.clone()).collect(),
                source: None,
            }));
        }
        let nodes = self.nodes.unwrap_or(nodes);
        ensure!(
            nodes <= MAX_NODES,
            "so many sockets want {nodes} nodes, {MAX_NODES} at most: say how many by --nodes, or name some by --url"
        );
        self.start(
            nodes,
            if nodes > 1 {
                RedisKind::Single
            } else {
                RedisKind::Embedded
            },
        )
    }

    /// So many nodes that are started for this, with this between them, whatever was named.
    pub(crate) fn start(&self, nodes: u8, redis: RedisKind) -> anyhow::Result<Site> {
        let mut settings = Settings::new(&binary::find(self.binary.as_deref())?)
            .nodes(usize::from(nodes))
            .over(redis)
            .args(&NODE_ARGS)
            .args(&self.node_args);
        if redis != RedisKind::Embedded {
            settings = settings.redis_on_a_port().redis_options(&REDIS_OPTIONS);
        }
        if let Some(threads) = self.node_threads {
            settings = settings.variables(&[(THREADS.into(), threads.to_string().into())]);
        }
        let deployment = Box::new(settings.start()?);
        Ok(Site::of(Side::Zeitnot, Running::Ours(deployment)))
    }
}

impl Site {
    /// So many nodes of a side over one Redis. Ours are of this binary, peers in a folder of their own. Those in Rust have so
    /// many threads each, without it one for each core; those in Node always have one.
    pub(crate) fn over_redis(
        side: Side,
        (nodes, threads): (usize, Option<u8>),
        (binary, peers): (&Path, &Path),
    ) -> anyhow::Result<Self> {
        let threads = threads.map(|threads| (THREADS.into(), threads.to_string().into()));
        let threads = threads.as_slice();
        let running = match side {
            Side::Zeitnot => {
                let settings = Settings::new(binary).nodes(nodes).over(RedisKind::Single);
                let settings = settings.redis_on_a_port().redis_options(&REDIS_OPTIONS);
                let settings = settings.args(&NODE_ARGS).variables(threads);
                Running::Ours(Box::new(settings.start()?))
            }
            Side::Floor | Side::StoringFloor => {
                let what = (nodes, side == Side::StoringFloor);
                let (nodes, redis) = floor::start(what, &REDIS_OPTIONS, threads)?;
                Running::Others { nodes, redis }
            }
            Side::Peer(peer) => {
                let redis = RedisServer::start_on_port(&REDIS_OPTIONS)?;
                let mut settings = peer.settings(peers, &redis.url())?;
                settings.variables.extend_from_slice(threads);
                let nodes = (0..nodes).map(|_| Node::start(settings.clone()));
                let nodes = nodes.collect::<anyhow::Result<_>>()?;
                Running::Others { nodes, redis }
            }
        };
        Ok(Self::of(side, running))
    }

    fn of(side: Side, running: Running) -> Self {
        let nodes = running.nodes().iter();
        let nodes = Elsewhere {
            side,
            addresses: nodes.map(|node| node.address().to_owned()).collect(),
            source: None,
        };
        Self {
            running,
            ..Self::at(nodes)
        }
    }

    /// Nodes that run already.
    pub(crate) fn at(nodes: Elsewhere) -> Self {
        let entrance = match nodes.side {
            Side::Floor | Side::StoringFloor | Side::Zeitnot => Entrance::at,
            Side::Peer(_) => Entrance::of_peer,
        };
        let addresses = nodes.addresses.iter();
        Self {
            side: nodes.side,
            entrances: addresses.map(|address| entrance(address)).collect(),
            addresses: nodes.addresses,
            source: nodes.source,
            running: Running::Elsewhere,
        }
    }

    /// Its nodes as another process is told of them, or this one that opens its sockets from some address.
    pub(crate) fn elsewhere(&self, source: Option<IpAddr>) -> Elsewhere {
        Elsewhere {
            side: self.side,
            addresses: self.addresses.clone(),
            source,
        }
    }

    /// Whose it is.
    pub(crate) const fn side(&self) -> Side {
        self.side
    }

    /// The HTTP side of the nodes in turn.
    pub(crate) fn entrance(&self, number: usize) -> Entrance {
        self.entrances[number % self.entrances.len()].clone()
    }

    /// A socket at a node, as the user of a token or as nobody. The game is for those whose sockets belong to one.
    pub(crate) async fn connect(
        &self,
        number: usize,
        token: Option<&str>,
        game: Option<&str>,
    ) -> anyhow::Result<Client> {
        let address = self.address(number);
        match self.side {
            Side::Zeitnot => Client::connect_from(self.source, address, ("/ws", token)).await,
            Side::Floor | Side::StoringFloor => {
                let path = format!("/ws?game={}", game.unwrap_or_default());
                Client::connect_from(self.source, address, (&path, None)).await
            }
            Side::Peer(peer) => {
                Client::connect_to_peer(peer, (self.source, address), (token, game)).await
            }
        }
    }

    /// The nodes in turn: behind the last one comes the first.
    pub(crate) fn address(&self, number: usize) -> &str {
        &self.addresses[number % self.addresses.len()]
    }

    /// Those of its processes that are on this machine and ours.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let nodes = self.nodes().iter().enumerate().map(|(number, node)| Part {
            name: format!("node-{}", number + 1),
            pid: node.pid(),
        });
        let servers = self.masters().iter().enumerate();
        let redis = servers.map(|(number, server)| Part {
            name: match number {
                0 => "redis".to_owned(),
                _ => format!("redis-{}", number + 1),
            },
            pid: server.pid(),
        });
        nodes.chain(redis).collect()
    }

    /// What it used until now, and these processes that share the load.
    pub(crate) fn work(&self, shares: &[Part]) -> anyhow::Result<Work> {
        let nodes = self.nodes().iter().map(Node::cpu_time);
        let redis = self.masters().iter().map(|server| cpu_time(server.pid()));
        Ok(Work {
            nodes: nodes.sum::<anyhow::Result<_>>()?,
            redis: redis.sum::<anyhow::Result<_>>()?,
            clients: clients_work(shares)?,
        })
    }

    /// What it uses in this time, and these processes that share the load.
    pub(crate) async fn work_within(
        &self,
        window: &Range<Instant>,
        shares: &[Part],
    ) -> anyhow::Result<Work> {
        sleep_until(window.start.into()).await;
        let before = self.work(shares)?;
        sleep_until(window.end.into()).await;
        Ok(self.work(shares)?.since(before))
    }

    /// Bytes of all nodes in RAM; unknown on other machines.
    pub(crate) fn resident(&self) -> anyhow::Result<Option<f64>> {
        if matches!(self.running, Running::Elsewhere) {
            return Ok(None);
        }
        let mut bytes = 0.0;
        for node in self.nodes() {
            bytes += node.memory()?.resident as f64;
        }
        Ok(Some(bytes))
    }

    fn nodes(&self) -> &[Node] {
        self.running.nodes()
    }

    /// Its store, where that is one Redis that was started.
    pub(crate) fn redis(&self) -> Option<&RedisServer> {
        match &self.running {
            Running::Elsewhere => None,
            Running::Ours(deployment) => deployment.redis(),
            Running::Others { redis, .. } => Some(redis),
        }
    }

    /// Its store, also where that is a cluster.
    fn masters(&self) -> &[RedisServer] {
        let cluster = match &self.running {
            Running::Ours(deployment) => deployment.cluster(),
            Running::Elsewhere | Running::Others { .. } => None,
        };
        match cluster {
            Some(cluster) => cluster.servers(),
            None => self.redis().map_or(&[], std::slice::from_ref),
        }
    }
}

/// What this process used until now, and those that share its load.
pub(crate) fn clients_work(shares: &[Part]) -> anyhow::Result<Duration> {
    let pids = shares.iter().map(|part| part.pid);
    pids.chain([std::process::id()]).map(cpu_time).sum()
}

impl Running {
    fn nodes(&self) -> &[Node] {
        match self {
            Self::Elsewhere => &[],
            Self::Ours(deployment) => deployment.nodes(),
            Self::Others { nodes, .. } => nodes,
        }
    }
}
