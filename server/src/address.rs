//! Where a request comes from: the address that is counted, and what a proxy says of its client.
//!
//! `X-Forwarded` headers count only where the settings trust whoever sends them; anybody can write them.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use tracing::warn;

use crate::App;
use crate::config::Network;

/// The hops that a request says to have made, each by the one after it. Shape: `203.0.113.7, 10.0.0.2`.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address as it is counted. Of an IPv6 address the network of 64 bits, the least that anybody is given: who has it
/// has all the addresses in it. Shape: `203.0.113.7`, `2001:db8:1:2::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// That of a client.
    #[must_use]
    pub fn of(client: IpAddr) -> Self {
        Self(match client.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        })
    }

    /// That of the client behind `peer`: the last hop that is none of the trusted proxies. What stands before it, and
    /// what cannot be read, was perhaps made up.
    #[must_use]
    pub fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let mut client = peer;
        let mut hops = hops(headers);
        while is_trusted(client, trusted) {
            match hops.next() {
                Some(Some(hop)) => client = hop,
                Some(None) | None => break,
            }
        }
        Self::of(client)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

impl FromRequestParts<App> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let trusted = &app.config.trusted_proxy;
        // Without a connection, as in some tests, all come from one address.
        let peer = peer(parts).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        warn_of_proxy(peer, &parts.headers, trusted);
        Ok(Self::behind(peer, &parts.headers, trusted))
    }
}

/// Whether a proxy sends this that the settings trust.
pub(crate) fn is_by_proxy(parts: &Parts, trusted: &[Network]) -> bool {
    peer(parts).is_some_and(|peer| is_trusted(peer, trusted))
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<SocketAddr>().map(SocketAddr::ip)
}

fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// All hops that the headers name, the last one first; nothing for what is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let headers: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let texts = headers.into_iter().rev();
    texts.flat_map(|text| text.as_bytes().rsplit(|&byte| byte == b',').map(hop))
}

/// An address; some proxies write its port as well.
fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let with_port = || text.parse().ok().map(|hop: SocketAddr| hop.ip());
    text.parse().ok().or_else(with_port)
}

/// A proxy in front of us that is not trusted makes one client of all: whoever runs this is told once.
fn warn_of_proxy(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) {
    static TOLD: Once = Once::new();
    let is_near = match peer.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    if is_near && headers.contains_key(FORWARDED_FOR) && !is_trusted(peer, trusted) {
        TOLD.call_once(|| {
            warn!("X-Forwarded-For from this network is not believed: if a proxy of ours sends it, set --trusted-proxy");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    fn behind(peer: &str, headers: &[&str], trusted: &[&str]) -> Address {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, header.parse().unwrap());
        }
        Address::behind(peer.parse().unwrap(), &map, &trusted)
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_trusted() {
        let nobody: &[&str] = &[];
        let ours: &[&str] = &["10.0.0.0/8", "fd00::/8"];
        let cases: &[(&str, &[&str], &[&str], &str)] = &[
            ("203.0.113.7", &[], nobody, "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], nobody, "203.0.113.7"),
            ("203.0.113.7", &["198.51.100.1"], ours, "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1"], nobody, "10.0.0.1"),
            ("10.0.0.1", &[], ours, "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], ours, "198.51.100.1"),
            // What the client claims itself stands before what the proxy has seen.
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], ours, "198.51.100.1"),
            (
                "10.0.0.1",
                &["1.1.1.1", "198.51.100.1"],
                ours,
                "198.51.100.1",
            ),
            (
                "10.0.0.1",
                &["10.9.9.9, 198.51.100.1"],
                ours,
                "198.51.100.1",
            ),
            // Several proxies of ours.
            (
                "10.0.0.1",
                &["198.51.100.1,10.0.0.2", " 10.0.0.3 "],
                ours,
                "198.51.100.1",
            ),
            ("10.0.0.1", &["10.0.0.4, 10.0.0.2"], ours, "10.0.0.4"),
            // What is no address ends the look: the hop that told it counts.
            ("10.0.0.1", &["198.51.100.1, unknown"], ours, "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, , 10.0.0.2"], ours, "10.0.0.2"),
            ("10.0.0.1", &[""], ours, "10.0.0.1"),
            // Ports, brackets, IPv4 in IPv6 clothes.
            ("10.0.0.1", &["198.51.100.1:4711"], ours, "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], ours, "2001:db8::1"),
            (
                "::ffff:10.0.0.1",
                &["::ffff:198.51.100.1"],
                ours,
                "198.51.100.1",
            ),
            ("fd00::1", &["2001:db8::1"], ours, "2001:db8::1"),
        ];
        for (peer, headers, trusted, expected) in cases {
            let found = behind(peer, headers, trusted);
            assert_eq!(found, address(expected), "{peer} {headers:?} {trusted:?}");
        }
    }

    #[test]
    fn an_ipv6_address_counts_as_its_network() {
        let same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"];
        assert_eq!(address(same[0]), address(same[1]));
        assert_ne!(address(same[0]), address("2001:db8:1:3::1"));
        assert_eq!(address(same[1]).to_string(), "2001:db8:1:2::/64");
        assert_ne!(address("203.0.113.7"), address("203.0.113.8"));
        assert_eq!(address("::ffff:203.0.113.7").to_string(), "203.0.113.7");
    }
}
