//! One deployment: nodes, what is between them, and nginx before them. Everything ends with its value.

mod disk;
mod nginx;
mod node;
mod port;
mod process;
mod proxy;
mod redis;
mod resp;
mod settings;
mod shim;
mod skew;
mod slow_disk;
pub mod usage;
mod wait;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

pub use disk::SmallDisk;
pub use nginx::Nginx;
pub use node::{Node, NodeSettings};
pub use proxy::{DroppedPushes, FaultProxy, Swallow, Swallowed, Target, is_append, is_commit};
pub use redis::cluster::RedisCluster;
pub use redis::sentinel::RedisSentinels;
pub use redis::{Certificate, RedisConnection, RedisServer};
pub use resp::Reply;
pub use settings::{RedisKind, Settings, Variables};
pub use shim::preload_all;
pub use skew::SkewedClock;
pub use slow_disk::SlowDisk;

/// Nodes that serve the same games.
#[derive(Debug)]
pub struct Deployment {
    // They end in this order.
    nginx: Option<Nginx>,
    nodes: Vec<Node>,
    proxies: Vec<FaultProxy>,
    between: Between,
    /// Keys and the embedded store, where they need not stay.
    _dir: TempDir,
}

/// What is between the nodes.
#[derive(Debug)]
enum Between {
    Nothing,
    Server {
        master: RedisServer,
        replica: Option<Box<RedisServer>>,
    },
    Sentinels(RedisSentinels),
    Cluster(RedisCluster),
}

impl Deployment {
    /// One node alone, on its embedded store.
    ///
    /// # Errors
    /// The node does not start.
    pub fn embedded(binary: &Path) -> anyhow::Result<Self> {
        Settings::new(binary).start()
    }

    /// The same with further arguments and variables.
    ///
    /// # Errors
    /// The node does not start.
    pub fn embedded_with(
        binary: &Path,
        (args, variables): (&[&str], &[(OsString, OsString)]),
    ) -> anyhow::Result<Self> {
        let settings = Settings::new(binary).args(args).variables(variables);
        settings.start()
    }

    /// This many nodes, `node-1` and so on, over one Redis of their own.
    ///
    /// # Errors
    /// `redis-server` is not installed, or something does not start.
    pub fn over_redis(binary: &Path, nodes: usize) -> anyhow::Result<Self> {
        let settings = Settings::new(binary).nodes(nodes).over(RedisKind::Single);
        settings.start()
    }

    fn start(settings: &Settings) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = settings.data.as_deref().unwrap_or(dir.path());
        let between = Between::start(settings)?;
        let proxies = match &between {
            _ if !settings.proxies => Vec::new(),
            Between::Server { master, .. } => (0..settings.nodes)
                .map(|_| FaultProxy::start_redis(master))
                .collect::<anyhow::Result<_>>()?,
            // Its servers have theirs.
            Between::Cluster(_) => Vec::new(),
            Between::Nothing | Between::Sentinels(_) => {
                anyhow::bail!("proxies stand before a single Redis or a cluster only")
            }
        };
        let keys = match &between {
            Between::Nothing => None,
            Between::Server { .. } | Between::Sentinels(_) | Between::Cluster(_) => {
                Some(write_keys(&settings.binary, data)?)
            }
        };
        let urls = (0..settings.nodes).map(|number| {
            let proxy = proxies.get(number).map(FaultProxy::redis_url);
            proxy.or_else(|| between.url())
        });
        let mut nodes = Vec::new();
        for (number, url) in urls.enumerate() {
            let mut of_node = node_settings(settings, number)?;
            match (&url, &keys) {
                (Some(url), Some(keys)) => of_node.args.extend([
                    "--redis-url".into(),
                    url.into(),
                    "--jwt-keys".into(),
                    keys.into(),
                ]),
                _ => of_node
                    .args
                    .extend(["--data-dir".into(), data.join("data").into()]),
            }
            nodes.push(Node::start(of_node)?);
        }
        let addresses: Vec<&str> = nodes.iter().map(Node::address).collect();
        let nginx = settings
            .nginx
            .map(|address| Nginx::start_at(address, &addresses));
        Ok(Self {
            nginx: nginx.transpose()?,
            nodes,
            proxies,
            between,
            _dir: dir,
        })
    }

    /// Where clients go: nginx if there is one, else the first node. Shape: `127.0.0.1:40123`.
    #[must_use]
    pub fn address(&self) -> &str {
        match &self.nginx {
            Some(nginx) => nginx.address(),
            None => self.node(0).address(),
        }
    }

    /// The nodes in turn: behind the last one comes the first. 0 is `node-1`.
    #[must_use]
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number % self.nodes.len()]
    }

    /// The same node, to be hurt.
    pub fn node_mut(&mut self, number: usize) -> &mut Node {
        let count = self.nodes.len();
        &mut self.nodes[number % count]
    }

    /// All nodes in their order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What is before the nodes, if anything.
    #[must_use]
    pub const fn nginx(&self) -> Option<&Nginx> {
        self.nginx.as_ref()
    }

    /// The same, to be hurt.
    pub const fn nginx_mut(&mut self) -> Option<&mut Nginx> {
        self.nginx.as_mut()
    }

    /// What is between a node and a single Redis, if anything; see [`RedisCluster::proxy`].
    #[must_use]
    pub fn proxy(&self, node: usize) -> Option<&FaultProxy> {
        self.proxies.get(node % self.nodes.len())
    }

    /// The Redis between the nodes, the master if it has a replica; none on the embedded store and over a cluster.
    #[must_use]
    pub const fn redis(&self) -> Option<&RedisServer> {
        match &self.between {
            Between::Server { master, .. } => Some(master),
            Between::Nothing | Between::Sentinels(_) | Between::Cluster(_) => None,
        }
    }

    /// The same, to be hurt.
    pub const fn redis_mut(&mut self) -> Option<&mut RedisServer> {
        match &mut self.between {
            Between::Server { master, .. } => Some(master),
            Between::Nothing | Between::Sentinels(_) | Between::Cluster(_) => None,
        }
    }

    /// Its replica. To fail over: kill the master, [`RedisServer::promote`] this, and point the proxies here.
    #[must_use]
    pub fn replica(&self) -> Option<&RedisServer> {
        match &self.between {
            Between::Server { replica, .. } => replica.as_deref(),
            Between::Nothing | Between::Sentinels(_) | Between::Cluster(_) => None,
        }
    }

    /// The servers with sentinels between the nodes.
    #[must_use]
    pub const fn sentinels(&self) -> Option<&RedisSentinels> {
        match &self.between {
            Between::Sentinels(sentinels) => Some(sentinels),
            Between::Nothing | Between::Server { .. } | Between::Cluster(_) => None,
        }
    }

    /// The same, to be hurt.
    pub const fn sentinels_mut(&mut self) -> Option<&mut RedisSentinels> {
        match &mut self.between {
            Between::Sentinels(sentinels) => Some(sentinels),
            Between::Nothing | Between::Server { .. } | Between::Cluster(_) => None,
        }
    }

    /// The cluster between the nodes.
    #[must_use]
    pub const fn cluster(&self) -> Option<&RedisCluster> {
        match &self.between {
            Between::Cluster(cluster) => Some(cluster),
            Between::Nothing | Between::Server { .. } | Between::Sentinels(_) => None,
        }
    }

    /// The same, to be hurt.
    pub const fn cluster_mut(&mut self) -> Option<&mut RedisCluster> {
        match &mut self.between {
            Between::Cluster(cluster) => Some(cluster),
            Between::Nothing | Between::Server { .. } | Between::Sentinels(_) => None,
        }
    }
}

impl Between {
    fn start(settings: &Settings) -> anyhow::Result<Self> {
        let data = settings.data.as_deref().map(|data| data.join("redis"));
        let mut options: Vec<&str> = settings.redis_options.iter().map(String::as_str).collect();
        if let Some(data) = &data {
            fs::create_dir_all(data).context("make a folder for Redis")?;
            let data = data.to_str().context("the folder's name is not UTF-8")?;
            options.extend(["--dir", data]);
        }
        let is_single = settings.redis == RedisKind::Single && !settings.redis_port;
        ensure!(
            is_single || settings.redis_variables.is_empty(),
            "only a single Redis on a socket has variables of its own"
        );
        Ok(match settings.redis {
            RedisKind::Embedded => {
                ensure!(settings.nodes == 1, "an embedded store has one node");
                Self::Nothing
            }
            RedisKind::Single => Self::Server {
                master: if settings.redis_port {
                    RedisServer::start_on_port(&options)?
                } else {
                    RedisServer::start_with_env(&options, &settings.redis_variables)?
                },
                replica: None,
            },
            RedisKind::Replicated | RedisKind::Sentinel { .. } | RedisKind::Cluster { .. }
                if data.is_some() =>
            {
                anyhow::bail!("only a single Redis keeps its data in a given folder")
            }
            RedisKind::Replicated => {
                let master = RedisServer::start_on_port(&options)?;
                let replica = RedisServer::start_replica_of(&master, &options)?;
                Self::Server {
                    master,
                    replica: Some(Box::new(replica)),
                }
            }
            RedisKind::Sentinel { replicas } => {
                Self::Sentinels(RedisSentinels::start(replicas, &options)?)
            }
            RedisKind::Cluster { masters, replicas } => {
                let shape = (masters, replicas);
                Self::Cluster(if settings.proxies {
                    RedisCluster::start_with_proxies(shape, &options)?
                } else {
                    RedisCluster::start_with(shape, &options)?
                })
            }
        })
    }

    fn url(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Server { master, .. } => Some(master.url()),
            Self::Sentinels(sentinels) => Some(sentinels.url()),
            Self::Cluster(cluster) => Some(cluster.url()),
        }
    }
}

/// What does not depend on what is between the nodes.
fn node_settings(settings: &Settings, number: usize) -> anyhow::Result<NodeSettings> {
    let name = format!("node-{}", number + 1);
    let log = settings.logs.as_deref().map(|folder| {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        anyhow::Ok(folder.join(format!("{name}.log")))
    });
    let mut args: Vec<OsString> = vec!["--node-name".into(), name.into()];
    // All load comes from this machine. Who wants the limits says so: the last word counts.
    args.extend(["--rate-limits".into(), "off".into()]);
    if settings.nginx.is_some() {
        args.extend(["--trusted-proxy".into(), "127.0.0.1".into()]);
    }
    args.extend(settings.args.iter().cloned());
    let mut variables = settings.variables.clone();
    variables.extend(
        settings
            .variables_of
            .get(&number)
            .into_iter()
            .flatten()
            .cloned(),
    );
    Ok(NodeSettings {
        binary: settings.binary.clone(),
        args,
        variables,
        log: log.transpose()?,
    })
}

/// Keys that all nodes share: those that are there, else new ones.
fn write_keys(binary: &Path, dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join("keys.json");
    if path.exists() {
        return Ok(path);
    }
    let made = Command::new(binary)
        .args(["keys", "new"])
        .output()
        .with_context(|| format!("run {}", binary.display()))?;
    ensure!(made.status.success(), "no keys were made");
    // They sign: for nobody else to read.
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    file.and_then(|mut file| file.write_all(&made.stdout))
        .context("write the keys")?;
    Ok(path)
}
