//! Whose servers are driven: ours, or the floor, which does the same way without logic.

use std::fmt;

use serde::Serialize;

/// One of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The one without logic.
    Floor,
    /// Ours.
    Zeitnot,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Floor => "floor",
            Self::Zeitnot => "zeitnot",
        })
    }
}
