//! Who is at a game: what one node notes, and what the store says of all. A seat is here while a living node has
//! noted it; when the last one is gone the store notes when that was, so that the moment is the same on every node.

use std::collections::BTreeMap;

use zeitnot_game::color::ByColor;
use zeitnot_game::time::PlayTime;

/// Tells the nodes apart: drawn at random at start.
pub type NodeMark = u64;

/// How a seat was left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Leaving {
    /// The client said that it goes.
    OnPurpose,
    /// Its line broke or went silent, or its node is gone.
    #[default]
    Lost,
}

/// One seat on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sitting {
    /// The player is here.
    Here,
    /// The player is not here. If this node was the last one to have noted it, this is how it went.
    Away(Leaving),
}

impl Default for Sitting {
    fn default() -> Self {
        Self::Away(Leaving::default())
    }
}

/// Who is at a game on this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Here {
    /// The players.
    pub seats: ByColor<Sitting>,
    /// How many follow without a seat.
    pub watchers: u32,
    /// The [`Seats::order`] of the newest that this node knows; 0: nothing. A store whose own is lower has lost something.
    pub known: u64,
}

impl Here {
    /// As it is noted.
    #[must_use]
    pub fn noted(&self) -> Noted {
        let seats = &self.seats;
        Noted {
            seats: ByColor {
                white: seats.white == Sitting::Here,
                black: seats.black == Sitting::Here,
            },
            watchers: self.watchers,
        }
    }
}

/// Who is at a game on one node, as the store has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noted {
    /// Which players.
    pub seats: ByColor<bool>,
    /// How many follow without a seat.
    pub watchers: u32,
}

/// A seat that nobody holds at any node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Since when.
    pub at: PlayTime,
    /// How the last one went.
    pub how: Leaving,
}

/// Who is at a game on all nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seats {
    /// Grows with each change, so that of two the newer one is known.
    pub order: u64,
    /// The node that reads this.
    pub me: NodeMark,
    /// The nodes with somebody at the game. One that is gone stays until somebody notes anything.
    pub nodes: BTreeMap<NodeMark, Noted>,
    /// The seats that nobody holds.
    pub left: ByColor<Option<Left>>,
}

impl Seats {
    /// What this node has noted.
    #[must_use]
    pub fn mine(&self) -> Noted {
        self.nodes.get(&self.me).copied().unwrap_or_default()
    }

    /// How many follow without a seat on other nodes.
    #[must_use]
    pub fn watchers_elsewhere(&self) -> u32 {
        let others = self.nodes.iter().filter(|(node, _)| **node != self.me);
        let watchers = others.map(|(_, noted)| noted.watchers);
        watchers.fold(0, u32::saturating_add)
    }
}
