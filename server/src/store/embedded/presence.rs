//! Who is at a game, in memory: when the process ends, everybody leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use zeitnot_game::color::Color;
use zeitnot_game::id::GameId;
use zeitnot_game::time::PlayTime;

use crate::limits::SEATS_LIFETIME;
use crate::store::{Here, Leaving, Left, Noted, Seats, Sitting};

/// The games that somebody looked at. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<Mutex<HashMap<GameId, (Seats, Instant)>>>);

impl Presence {
    /// Notes who is at a game; `tell` is called with what changed, before anybody else can change it.
    pub(super) fn sit(
        &self,
        (id, here): (GameId, &Here),
        (play, now): (PlayTime, Instant),
        tell: impl FnOnce(Seats),
    ) -> Seats {
        let mut games = self.lock();
        let (seats, looked_at) = games.entry(id).or_insert_with(|| (Seats::default(), now));
        *looked_at = now;
        let before = seats.clone();
        let was = seats.mine();
        let noted = here.noted();
        seats.nodes.clear();
        if noted != Noted::default() {
            seats.nodes.insert(seats.me, noted);
        }
        for color in Color::ALL {
            let how = match here.seats[color] {
                Sitting::Here => {
                    seats.left[color] = None;
                    continue;
                }
                Sitting::Away(how) if was.seats[color] => how,
                Sitting::Away(_) => Leaving::Lost,
            };
            seats.left[color].get_or_insert(Left { at: play, how });
        }
        if *seats != before {
            // As in `seats.lua`: above that of what was forgotten.
            seats.order = play.0.max(seats.order + 1);
            tell(seats.clone());
        }
        seats.clone()
    }

    /// Forgets a game.
    pub(super) fn forget(&self, id: GameId) {
        self.lock().remove(&id);
    }

    /// Forgets what nobody looked at for long.
    pub(super) fn sweep(&self, now: Instant) {
        let is_young = |at: Instant| now.duration_since(at) < SEATS_LIFETIME;
        self.lock().retain(|_, (_, at)| is_young(*at));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GameId, (Seats, Instant)>> {
        // Whole even if a holder panicked: nothing here does.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_that_nobody_looks_at_is_forgotten() {
        let (presence, start) = (Presence::default(), Instant::now());
        let id = "q7ZwA0bX".parse().unwrap();
        let sit = |play, after| {
            let moment = (PlayTime(play), start + after);
            let seats = presence.sit((id, &Here::default()), moment, |_| {});
            seats.left[Color::White].unwrap().at.0
        };
        assert_eq!(sit(1000, SEATS_LIFETIME / 4), 1000);
        presence.sweep(start + SEATS_LIFETIME);
        assert_eq!(sit(2000, SEATS_LIFETIME), 1000);
        presence.sweep(start + 2 * SEATS_LIFETIME);
        assert_eq!(sit(3000, 2 * SEATS_LIFETIME), 3000);
    }
}
