//! Several nodes as they are run: the built binary, nginx before it, Redis behind it. Clients come by nginx only, play
//! whole games, and lose nothing by whatever happens to the nodes and to Redis.

mod behind;
mod failover;
mod games;
mod kills;
mod lost;
mod masters;
mod mixed;
mod presence;
mod replicas;
mod sentinels;
mod slots;
mod swallowed;

use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings};

use crate::support::binary;
use crate::support::entrance::Entrance;

/// So many nodes.
fn nodes(count: usize) -> Settings {
    Settings::new(binary()).nodes(count)
}

/// Three nodes behind nginx, over one Redis.
fn three_nodes() -> Settings {
    nodes(3).over(RedisKind::Single).behind_nginx()
}

/// The same over a cluster of three masters, which keep what they were told.
fn three_nodes_over_a_cluster() -> Settings {
    three_nodes()
        .over(RedisKind::Cluster {
            masters: 3,
            replicas: 0,
        })
        .redis_options(&["--appendonly", "yes"])
}

/// By nginx.
fn entrance(deployment: &Deployment) -> Entrance {
    Entrance::at(deployment.address())
}

/// The index of a node by its name, `node-1` and so on.
fn index_of(node: &str) -> usize {
    let number: usize = node.strip_prefix("node-").unwrap().parse().unwrap();
    number - 1
}
