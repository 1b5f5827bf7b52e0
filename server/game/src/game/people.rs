//! What a game owes to a player whose opponent left.

use crate::clock::TimeControl;
use crate::color::Color;
use crate::limits::{CLAIM_WAIT_WITHOUT_CLOCK, SHORTEST_CLAIM_WAIT};
use crate::time::Millis;
use crate::variant::{Speed, Variant};

use super::Game;

/// Being down by this much, in pawns, shortens the wait.
const HOPELESS: u32 = 4;

impl Game {
    /// How long the opponent of `left` waits before the game may be claimed.
    ///
    /// 10 s if `left` closed the page on purpose; else the set-up's base, times 3 in classical and 2 in rapid games,
    /// a third of it if `left` is down by four pawns or more, half of it for a guest; never less than 10 s. 30 days
    /// where no clock would end the game.
    #[must_use]
    pub fn claim_wait(&self, left: Color, on_purpose: bool) -> Millis {
        let TimeControl::Clock { .. } = self.setup.terms.time_control else {
            return CLAIM_WAIT_WITHOUT_CLOCK;
        };
        if on_purpose {
            return SHORTEST_CLAIM_WAIT;
        }
        let by_speed = match Speed::of(self.setup.terms.time_control) {
            Speed::Classical => 3,
            Speed::Rapid => 2,
            Speed::UltraBullet | Speed::Bullet | Speed::Blitz | Speed::Correspondence => 1,
        };
        let mut wait = self.setup.terms.claim_after.0.saturating_mul(by_speed);
        if self.is_hopeless_for(left) {
            wait /= 3;
        }
        if self.setup.players[left].id.is_guest() {
            wait /= 2;
        }
        Millis(wait).max(SHORTEST_CLAIM_WAIT)
    }

    fn is_hopeless_for(&self, color: Color) -> bool {
        let material_tells = !matches!(
            self.setup.terms.variant,
            Variant::Antichess | Variant::Crazyhouse | Variant::Horde
        );
        material_tells && self.position.material(!color) >= self.position.material(color) + HOPELESS
    }
}
