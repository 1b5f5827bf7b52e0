//! Which nodes live. Each renews a lease once a second, and is told all others' with it; so nobody has to ask. Leases are
//! counted in play time of the shared bucket: while its master is away, nobody is gone.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fred::error::Error;
use fred::types::Value;
use tracing::{info, warn};

use super::clocks::millis;
use super::keys::{self, Bucket};
use super::master::Master;
use super::scripts::{self, Leased};
use super::{calls, presence};
use crate::limits::{GONE_NODES_LIFETIME, MAX_NODES, NODE_LEASE};
use crate::store::roster::Member;
use crate::store::{Feed, NodeMark};

/// The nodes that are gone, as far as this node knows.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<BTreeSet<NodeMark>>);

impl Nodes {
    /// Those that are gone.
    pub(super) fn gone(&self) -> Vec<NodeMark> {
        self.lock().iter().copied().collect()
    }

    /// Takes note of the leases, with the time since each was renewed; the answer is who is gone that was not before.
    /// This node itself is not gone, but others may have taken it for that.
    fn learn(&self, leases: &[(NodeMark, u64)], me: NodeMark) -> Vec<NodeMark> {
        let lapsed = leases.iter().filter(|(_, age)| *age > millis(NODE_LEASE));
        let lapsed: BTreeSet<NodeMark> = lapsed.map(|(node, _)| *node).collect();
        let mut gone = self.lock();
        let news = lapsed.difference(&gone).copied().collect();
        *gone = lapsed;
        gone.remove(&me);
        news
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<NodeMark>> {
        // What is inside is whole even if a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Master {
    /// Renews this node's lease, if the shared bucket is here, and tells the rooms who is gone.
    pub(super) async fn renew_lease(&self) -> Result<(), Error> {
        let scripts = self.scripts();
        let at = (&scripts.process, Instant::now());
        // While the bucket heals its time stands still.
        let Some(tick) = self.hub.clocks.fresh_lease(Bucket::SHARED, at) else {
            return Ok(());
        };
        let args = [
            presence::node(self.hub.mark),
            millis(GONE_NODES_LIFETIME).to_string(),
            MAX_NODES.to_string(),
            self.hub.roster.own(),
        ];
        let keys = [keys::NODES, keys::NODES_ABOUT].map(str::to_owned);
        let request = (keys.to_vec(), args.map(Value::from).to_vec());
        let (keys, args) = calls::dated(request)(&tick);
        let reply = self.run_of(&scripts.lease, keys, args).await?;
        let Some(leases) = scripts::leases(reply)? else {
            return Ok(());
        };
        self.hub.roster.learn(members(&leases));
        let me = self.hub.mark;
        let ages: Vec<_> = leases.iter().map(|one| (one.node, one.age)).collect();
        for node in self.hub.nodes.learn(&ages, me) {
            if node == me {
                warn!("this node was taken for gone for a while");
            } else {
                info!(node = %presence::node(node), "a node is gone");
            }
            for id in self.hub.games.pick(|&id| Some(id)) {
                self.hub.games.tell(&id, Feed::Gone(node));
            }
        }
        Ok(())
    }
}

fn members(leases: &[Leased]) -> Vec<Member> {
    let member = |leased: &Leased| Member {
        about: leased.about.clone(),
        age: Duration::from_millis(leased.age),
    };
    leases.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_gone_once_and_may_come_back() {
        let nodes = Nodes::default();
        let lease = millis(NODE_LEASE);
        assert!(nodes.learn(&[(1, 0), (2, lease)], 1).is_empty());
        assert_eq!(nodes.learn(&[(1, 0), (2, lease + 1)], 1), [2]);
        assert!(nodes.learn(&[(1, 0), (2, lease + 900)], 1).is_empty());
        assert_eq!(nodes.gone(), [2]);
        assert!(nodes.learn(&[(1, 0), (2, 10)], 1).is_empty());
        assert!(nodes.gone().is_empty());
        assert_eq!(nodes.learn(&[(1, lease + 1), (2, 10)], 1), [1]);
        assert!(nodes.gone().is_empty(), "this node lives");
    }
}
