//! The port's words for games that have not begun: invitations, who waits for whom, and wishes for a seat.

use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::{GameId, Tag};
use zeitnot_game::time::{Millis, UnixMillis};

/// An invitation that anybody with the link may accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The first words of entry 1, without line breaks.
    pub terms: String,
    /// Who sits already, as `id:name`, one word each.
    pub seats: ByColor<Option<String>>,
    /// When it lapses, in unix time of the store's own clock.
    pub expires: UnixMillis,
}

/// A user who waits for an opponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeker {
    /// The challenge that it keeps open meanwhile, without seats, and the game that this may become.
    pub id: GameId,
    /// Who, as `id:name`, one word.
    pub player: String,
    /// The color that it wants; nothing: any.
    pub color: Option<Color>,
}

impl Seeker {
    /// The part of `player` that tells users apart.
    #[must_use]
    pub fn user(&self) -> &str {
        self.player.split(':').next().unwrap_or(&self.player)
    }

    /// Whether they may play each other.
    #[must_use]
    pub fn suits(&self, other: &Self) -> bool {
        let colors_suit = self.color.is_none() || self.color != other.color;
        colors_suit && self.user() != other.user()
    }
}

/// A user's wish for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeSeat {
    /// Who, as `id:name`, one word; the same user is known by the part before the colon.
    pub player: String,
    /// Which seat.
    pub color: Color,
    /// Whether the other one will do as well.
    pub or_other: bool,
    /// Who takes the other seat in the same step, if it is free, as `id:name`.
    pub opponent: Option<String>,
    /// The tag of entry 1, in case the game begins.
    pub tag: Tag,
    /// When the game is handed out by [`Store::due`](super::Store::due), after it began.
    pub due_in: Millis,
}

/// What became of a wish for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seated {
    /// The user sits here and waits for an opponent.
    Waiting(Color),
    /// The user sits here, and the game has begun.
    Begun(Color),
    /// The seat is another user's, or the user holds the other seat and may not have both.
    Taken,
    /// There is no such challenge, or not any more: perhaps it is a game by now.
    NotFound,
}
