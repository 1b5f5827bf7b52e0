//! A cluster as one of its servers sees it, which may be another one than its neighbors see.

use std::ops::RangeInclusive;

use anyhow::Context as _;

use super::RedisServer;

/// A server as another one sees it: a line of `CLUSTER NODES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    id: String,
    pub(super) port: u16,
    pub(super) is_master: bool,
    pub(super) is_alive: bool,
    /// The configuration epoch, its own or its master's.
    pub(super) epoch: u64,
    slots: Vec<RangeInclusive<u16>>,
}

impl Seen {
    pub(super) fn has(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    /// Shape: `<id> 127.0.0.1:40123@40124,host myself,master - 0 0 1 connected 0-5460 7000 [17->-<id>]`.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [id, address, flags, _, _, _, epoch, link, slots @ ..] = &words[..] else {
            return None;
        };
        let (_, port) = address.split('@').next()?.rsplit_once(':')?;
        let flags: Vec<&str> = flags.split(',').collect();
        let has = |flag| flags.contains(&flag);
        let is_self = has("myself");
        Some(Self {
            id: (*id).to_owned(),
            port: port.parse().ok()?,
            is_master: has("master"),
            is_alive: !has("fail")
                && !has("fail?")
                && !has("handshake")
                && (is_self || *link == "connected"),
            epoch: epoch.parse().ok()?,
            slots: slots.iter().filter_map(|range| slot_range(range)).collect(),
        })
    }
}

/// `0-5460` or `7000`; what is just moving, in brackets, is no range.
fn slot_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The cluster as a server sees it.
pub(super) fn seen_by(server: &RedisServer) -> anyhow::Result<Vec<Seen>> {
    let nodes = server.call(&["CLUSTER", "NODES"])?;
    let text = nodes.text().context("CLUSTER NODES is no text")?;
    Ok(text.lines().filter_map(Seen::parse).collect())
}

/// The masters that live, as a server sees them, in an order that is the same everywhere.
pub(super) fn masters_seen_by(server: &RedisServer) -> anyhow::Result<Vec<Seen>> {
    let mut masters = seen_by(server)?;
    masters.retain(|seen| seen.is_master && seen.is_alive);
    masters.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(masters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_nodes_is_read() {
        let line = "07c3 127.0.0.1:30004@31004,host myself,master - 0 1426238317239 4 connected 0-5 9 [93->-67ed]";
        let seen = Seen::parse(line).unwrap();
        assert_eq!(
            (seen.port, seen.is_master, seen.is_alive, seen.epoch),
            (30_004, true, true, 4)
        );
        assert!(seen.has(5) && seen.has(9) && !seen.has(6) && !seen.has(93));
        let dead = line.replace("myself,master", "master,fail");
        assert!(!Seen::parse(&dead).unwrap().is_alive);
        assert_eq!(Seen::parse("too short"), None);
    }
}
