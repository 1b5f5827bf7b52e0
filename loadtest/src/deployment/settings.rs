//! What a deployment is made of.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Deployment;

/// Variables of a process's environment, such as those of a [`super::SkewedClock`].
pub type Variables = Vec<(OsString, OsString)>;

/// What is between the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisKind {
    /// Nothing: there is one node, on its embedded store.
    Embedded,
    /// One server.
    Single,
    /// One server with a replica. Nobody promotes it unasked.
    Replicated,
    /// One server with so many replicas, and three sentinels that make one of these the master when it is silent.
    Sentinel {
        /// Replicas.
        replicas: usize,
    },
    /// A cluster of so many masters, each with so many replicas.
    Cluster {
        /// Masters.
        masters: usize,
        /// Replicas of each.
        replicas: usize,
    },
}

/// How to start a deployment: `Settings::new(binary).nodes(3).over(RedisKind::Single).behind_nginx().start()`.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) binary: PathBuf,
    pub(super) nodes: usize,
    pub(super) redis: RedisKind,
    pub(super) redis_options: Vec<String>,
    pub(super) redis_variables: Variables,
    pub(super) redis_port: bool,
    pub(super) nginx: Option<SocketAddr>,
    pub(super) proxies: bool,
    pub(super) args: Vec<OsString>,
    pub(super) variables: Variables,
    pub(super) variables_of: BTreeMap<usize, Variables>,
    pub(super) logs: Option<PathBuf>,
    pub(super) data: Option<PathBuf>,
}

impl Settings {
    /// One node alone, on its embedded store.
    #[must_use]
    pub fn new(binary: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            nodes: 1,
            redis: RedisKind::Embedded,
            redis_options: Vec::new(),
            redis_variables: Variables::new(),
            redis_port: false,
            nginx: None,
            proxies: false,
            args: Vec::new(),
            variables: Vec::new(),
            variables_of: BTreeMap::new(),
            logs: None,
            data: None,
        }
    }

    /// So many nodes, `node-1` and so on.
    #[must_use]
    pub fn nodes(self, nodes: usize) -> Self {
        Self { nodes, ..self }
    }

    /// With this between them.
    #[must_use]
    pub fn over(self, redis: RedisKind) -> Self {
        Self { redis, ..self }
    }

    /// With further options of every Redis server, as on its command line.
    #[must_use]
    pub fn redis_options(mut self, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned());
        self.redis_options.extend(options);
        self
    }

    /// With further variables of a single Redis on a socket, such as those of a [`super::SlowDisk`].
    #[must_use]
    pub fn redis_variables(mut self, variables: &[(OsString, OsString)]) -> Self {
        self.redis_variables.extend_from_slice(variables);
        self
    }

    /// With TCP between the nodes and a single Redis, as between machines, instead of a Unix socket.
    #[must_use]
    pub fn redis_on_a_port(self) -> Self {
        Self {
            redis_port: true,
            ..self
        }
    }

    /// Behind nginx, on a port that the system gives.
    #[must_use]
    pub fn behind_nginx(self) -> Self {
        self.behind_nginx_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same at a given address.
    #[must_use]
    pub fn behind_nginx_at(self, address: SocketAddr) -> Self {
        Self {
            nginx: Some(address),
            ..self
        }
    }

    /// With a proxy between each node and Redis; before a cluster, one before each of its servers, since its clients are told
    /// their addresses.
    #[must_use]
    pub fn with_proxies(self) -> Self {
        Self {
            proxies: true,
            ..self
        }
    }

    /// With further arguments of every node.
    #[must_use]
    pub fn args(mut self, args: &[impl AsRef<OsStr>]) -> Self {
        let args = args.iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// With further variables of every node.
    #[must_use]
    pub fn variables(mut self, variables: &[(OsString, OsString)]) -> Self {
        self.variables.extend_from_slice(variables);
        self
    }

    /// With further variables of one node, by its index as for [`Deployment::node`].
    #[must_use]
    pub fn variables_of(mut self, node: usize, variables: &[(OsString, OsString)]) -> Self {
        let of_node = self.variables_of.entry(node).or_default();
        of_node.extend_from_slice(variables);
        self
    }

    /// With the nodes' logs in files of this folder, `node-1.log` and so on, instead of their errors on our stderr.
    #[must_use]
    pub fn logs_in(self, folder: &Path) -> Self {
        Self {
            logs: Some(folder.to_owned()),
            ..self
        }
    }

    /// With keys and games in this folder, which stays, instead of one that ends with the deployment.
    #[must_use]
    pub fn data_in(self, folder: &Path) -> Self {
        Self {
            data: Some(folder.to_owned()),
            ..self
        }
    }

    /// Starts all of it.
    ///
    /// # Errors
    /// Something is not installed or does not start, or parts were asked for that do not go together.
    pub fn start(&self) -> anyhow::Result<Deployment> {
        Deployment::start(self)
    }
}
