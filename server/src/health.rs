//! Whether a node can do its work: it can while the store answers.

/// Whether the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It did so less than [`crate::limits::STORE_SILENCE`] ago.
    Ok,
    /// It did not: no move is taken and no clock runs.
    Unavailable,
}
