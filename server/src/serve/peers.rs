//! How many connections an address has, so that nobody takes all the places with connections that ask for nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::address::Address;
use crate::config::{Config, Network, Switch};
use crate::limits::MAX_CONNECTIONS_OF_ADDRESS;

/// The connections of a listener that have not become sockets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Peers {
    open: Arc<Mutex<HashMap<Address, usize>>>,
    most: usize,
    /// Many people come by these.
    unbounded: Arc<[Network]>,
}

/// One connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Peer {
    peers: Peers,
    address: Address,
}

impl Peers {
    /// As many as the settings let an address have.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let most = match config.rate_limits {
            Switch::On => MAX_CONNECTIONS_OF_ADDRESS,
            Switch::Off => usize::MAX,
        };
        Self::bounded((most, &config.trusted_proxy))
    }

    fn bounded((most, unbounded): (usize, &[Network])) -> Self {
        Self {
            open: Arc::default(),
            most,
            unbounded: unbounded.into(),
        }
    }

    /// Counts one more; nothing if there are enough.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Peer> {
        let address = Address::of(peer);
        let has_bound = !self.unbounded.iter().any(|network| network.contains(peer));
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if has_bound && *count >= self.most {
            return None;
        }
        *count += 1;
        let peers = self.clone();
        Some(Peer { peers, address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, usize>> {
        // The counts are whole even if a holder panicked: nothing in between can.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        match open.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_a_proxy_of_ours_as_many_as_it_likes() {
        let ours: Network = "10.0.0.0/8".parse().unwrap();
        let peers = Peers::bounded((2, &[ours]));
        let admit = |text: &str| peers.admit(text.parse().unwrap());
        let first = admit("203.0.113.7");
        let _second = admit("203.0.113.7").unwrap();
        assert!(admit("203.0.113.7").is_none());
        let _others = [admit("203.0.113.8").unwrap(), admit("2001:db8::1").unwrap()];
        let _proxied: Vec<Peer> = (0..5).map(|_| admit("10.0.0.1").unwrap()).collect();
        drop(first);
        let _again = admit("203.0.113.7").unwrap();
        assert!(admit("203.0.113.7").is_none());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let peers = Peers::bounded((1, &[]));
        drop(peers.admit([203, 0, 113, 7].into()));
        assert!(peers.lock().is_empty());
    }
}
