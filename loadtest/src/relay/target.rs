//! What is driven: two nodes over one Redis, of Zeitnot or of the floor.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Serialize;
use zeitnot_loadtest::deployment::usage::cpu_time;
use zeitnot_loadtest::deployment::{Deployment, Node, RedisKind, RedisServer, Settings};

use crate::floor;
use crate::side::Side;
use crate::site::Work;

/// Nodes on either side: White is at the first, Black at the second.
const NODES: usize = 2;

/// Games are set up long before they are played.
const NODE_ARGS: [&str; 2] = ["--first-move", "1h"];

/// What Redis keeps on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Aof {
    /// Nothing
    Off,
    /// All, at most a second later
    Everysec,
    /// All, before it answers
    Always,
}

impl Aof {
    /// As options of `redis-server`.
    pub(crate) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[],
            Self::Everysec => &["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::Always => &["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}

/// How to start either side.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    /// The server's binary.
    pub(crate) binary: PathBuf,
    pub(crate) aof: Aof,
    /// Further arguments of its nodes.
    pub(crate) node_args: Vec<String>,
}

/// A side that runs, and ends with its value.
#[derive(Debug)]
pub(crate) enum Target {
    Floor {
        nodes: Vec<Node>,
        redis: RedisServer,
    },
    Zeitnot(Box<Deployment>),
}

impl Targets {
    pub(crate) fn start(&self, side: Side) -> anyhow::Result<Target> {
        match side {
            Side::Floor => {
                let (nodes, redis) = floor::start((NODES, false), self.aof.options(), &[])?;
                Ok(Target::Floor { nodes, redis })
            }
            Side::StoringFloor | Side::Peer(_) => bail!("{side} is measured by `compare`"),
            Side::Zeitnot => Settings::new(&self.binary)
                .nodes(NODES)
                .over(RedisKind::Single)
                .redis_on_a_port()
                .redis_options(self.aof.options())
                .args(&NODE_ARGS)
                .args(&self.node_args)
                .start()
                .map(|deployment| Target::Zeitnot(Box::new(deployment))),
        }
    }
}

impl Target {
    pub(crate) fn side(&self) -> Side {
        match self {
            Self::Floor { .. } => Side::Floor,
            Self::Zeitnot(_) => Side::Zeitnot,
        }
    }

    /// Where White connects, and where Black does.
    pub(crate) fn addresses(&self) -> [&str; NODES] {
        let nodes = self.nodes();
        [nodes[0].address(), nodes[1].address()]
    }

    pub(crate) fn redis(&self) -> anyhow::Result<&RedisServer> {
        match self {
            Self::Floor { redis, .. } => Ok(redis),
            Self::Zeitnot(deployment) => deployment.redis().context("it has a Redis"),
        }
    }

    /// What it used until now.
    pub(crate) fn work(&self) -> anyhow::Result<Work> {
        let nodes = self.nodes().iter().map(Node::cpu_time);
        Ok(Work {
            nodes: nodes.sum::<anyhow::Result<_>>()?,
            redis: cpu_time(self.redis()?.pid())?,
            clients: cpu_time(std::process::id())?,
        })
    }

    fn nodes(&self) -> &[Node] {
        match self {
            Self::Floor { nodes, .. } => nodes,
            Self::Zeitnot(deployment) => deployment.nodes(),
        }
    }
}
