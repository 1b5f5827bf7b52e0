//! One deployment: nodes, and the Redis between them. Everything ends with its value.

mod nginx;
mod node;
mod port;
mod process;
mod proxy;
mod redis;
mod resp;
mod skew;
pub mod usage;
mod wait;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

pub use nginx::Nginx;
pub use node::{Node, NodeSettings};
pub use proxy::{DroppedPushes, FaultProxy, Swallow, Swallowed, Target, is_append, is_commit};
pub use redis::RedisServer;
pub use redis::cluster::RedisCluster;
pub use resp::Reply;
pub use skew::SkewedClock;

/// Nodes that serve the same games.
#[derive(Debug)]
pub struct Deployment {
    nodes: Vec<Node>,
    redis: Option<RedisServer>,
    /// Keys and the embedded store.
    _dir: TempDir,
}

impl Deployment {
    /// One node alone, on its embedded store.
    ///
    /// # Errors
    /// The node does not start.
    pub fn embedded(binary: &Path) -> anyhow::Result<Self> {
        Self::embedded_with(binary, (&[], &[]))
    }

    /// The same with further arguments and variables.
    ///
    /// # Errors
    /// The node does not start.
    pub fn embedded_with(
        binary: &Path,
        (args, variables): (&[&str], &[(OsString, OsString)]),
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut all: Vec<OsString> = vec!["--data-dir".into(), dir.path().join("data").into()];
        all.extend(args.iter().map(OsString::from));
        let node = Node::start(NodeSettings {
            binary: binary.to_owned(),
            args: all,
            variables: variables.to_vec(),
            log: None,
        })?;
        Ok(Self {
            nodes: vec![node],
            redis: None,
            _dir: dir,
        })
    }

    /// This many nodes, `node-1` and so on, over one Redis of their own.
    ///
    /// # Errors
    /// `redis-server` is not installed, or something does not start.
    pub fn over_redis(binary: &Path, nodes: usize) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let redis = RedisServer::start()?;
        let keys = write_keys(binary, dir.path())?;
        let start = |number| {
            Node::start(NodeSettings {
                binary: binary.to_owned(),
                args: vec![
                    "--redis-url".into(),
                    redis.url().into(),
                    "--jwt-keys".into(),
                    keys.clone().into(),
                    "--node-name".into(),
                    format!("node-{number}").into(),
                ],
                variables: Vec::new(),
                log: None,
            })
        };
        Ok(Self {
            nodes: (1..=nodes).map(start).collect::<anyhow::Result<_>>()?,
            redis: Some(redis),
            _dir: dir,
        })
    }

    /// The Redis between the nodes; none where there is only one node.
    #[must_use]
    pub const fn redis(&self) -> Option<&RedisServer> {
        self.redis.as_ref()
    }

    /// The same node, to be hurt.
    pub fn node_mut(&mut self, number: usize) -> &mut Node {
        let count = self.nodes.len();
        &mut self.nodes[number % count]
    }

    /// The nodes in turn: behind the last one comes the first.
    #[must_use]
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number % self.nodes.len()]
    }
}

/// Keys that all nodes share.
fn write_keys(binary: &Path, dir: &Path) -> anyhow::Result<PathBuf> {
    let made = Command::new(binary)
        .args(["keys", "new"])
        .output()
        .with_context(|| format!("run {}", binary.display()))?;
    ensure!(made.status.success(), "no keys were made");
    let path = dir.join("keys.json");
    std::fs::write(&path, made.stdout).context("write the keys")?;
    Ok(path)
}
