//! Whose servers are driven: ours, the floor, which does the same way without logic, or what somebody would take instead.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::peer::Peer;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The one without logic.
    Floor,
    /// The one without logic that keeps what is played before it answers. Only `compare` runs it.
    #[value(skip)]
    #[serde(rename = "storing-floor")]
    StoringFloor,
    /// Ours.
    Zeitnot,
    /// The same work on what others made. Only `compare` runs these.
    #[value(skip)]
    #[serde(untagged)]
    Peer(Peer),
}

impl Side {
    /// Whether it has no logic: no tokens, no rules, and games that are a name and nothing else.
    pub(crate) const fn is_floor(self) -> bool {
        matches!(self, Self::Floor | Self::StoringFloor)
    }

    /// Whether its clients say now and then that they live; others leave that to what carries their messages.
    pub(crate) const fn has_pings(self) -> bool {
        match self {
            Self::Floor | Self::StoringFloor => false,
            Self::Zeitnot => true,
            Self::Peer(peer) => peer.has_pings(),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Floor => "floor",
            Self::StoringFloor => "storing-floor",
            Self::Zeitnot => "zeitnot",
            Self::Peer(peer) => peer.name(),
        })
    }
}
