//! Whether a node can do its work: it can while the store answers.

/// Whether the store answers: whether it did so less than [`crate::limits::STORE_SILENCE`] ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// For every game.
    Ok,
    /// For some games and not for others, as [`crate::store::Store::answers_for`] tells. Each change of which they are
    /// has another number.
    Partly(u32),
    /// For none: no move is taken and no clock runs.
    Unavailable,
}
