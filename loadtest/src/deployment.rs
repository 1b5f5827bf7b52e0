//! One deployment: nodes, and the Redis between them. Everything ends with its value.

mod node;
mod redis;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

pub use node::Node;
pub use redis::RedisServer;

/// Nodes that serve the same games.
#[derive(Debug)]
pub struct Deployment {
    nodes: Vec<Node>,
    _redis: Option<RedisServer>,
    /// Keys and the embedded store.
    _dir: TempDir,
}

impl Deployment {
    /// One node alone, on its embedded store.
    ///
    /// # Errors
    /// The node does not start.
    pub fn embedded(binary: &Path) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data");
        let node = Node::start(binary, &["--data-dir".as_ref(), data.as_os_str()])?;
        Ok(Self {
            nodes: vec![node],
            _redis: None,
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
            let name = format!("node-{number}");
            Node::start(
                binary,
                &[
                    "--redis-url".as_ref(),
                    redis.url().as_ref(),
                    "--jwt-keys".as_ref(),
                    keys.as_os_str(),
                    "--node-name".as_ref(),
                    name.as_ref(),
                ],
            )
        };
        Ok(Self {
            nodes: (1..=nodes).map(start).collect::<anyhow::Result<_>>()?,
            _redis: Some(redis),
            _dir: dir,
        })
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
