//! Who waits for an opponent, in memory: when the process ends, so do the sockets that keep seeks alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use zeitnot_game::id::UserId;

use crate::limits::{MAX_POOL, SEEK_LIFETIME, SEEKS_SHOWN};
use crate::store::Seeker;

/// The pools, the users' seeks and the lobby. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeks(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Who waits, in the order in which they came, and since when nobody heard of them.
    pools: HashMap<String, Vec<(Seeker, Instant)>>,
    notes: HashMap<UserId, (String, Instant)>,
    lobby: Vec<(String, Instant)>,
}

impl Seeks {
    pub(super) fn meet(&self, pool: &str, (seeker, now): (&Seeker, Instant)) -> Option<Seeker> {
        let mut state = self.lock();
        let pool = state.pools.entry(pool.to_owned()).or_default();
        pool.retain(|(_, at)| is_alive(*at, now));
        if let Some(place) = pool.iter().position(|(other, _)| seeker.suits(other)) {
            let (found, _) = pool.remove(place);
            pool.retain(|(other, _)| other != seeker);
            return Some(found);
        }
        match pool.iter_mut().find(|(other, _)| other == seeker) {
            Some((_, at)) => *at = now,
            None => pool.push((seeker.clone(), now)),
        }
        if pool.len() > MAX_POOL {
            pool.remove(0);
        }
        None
    }

    pub(super) fn leave(&self, pool: &str, seeker: &Seeker) {
        if let Some(pool) = self.lock().pools.get_mut(pool) {
            pool.retain(|(other, _)| other != seeker);
        }
    }

    pub(super) fn note(
        &self,
        user: &UserId,
        (note, now): (Option<&str>, Instant),
    ) -> Option<String> {
        let mut state = self.lock();
        let before = match note {
            Some(note) => state.notes.insert(user.clone(), (note.to_owned(), now)),
            None => state.notes.remove(user),
        };
        before
            .filter(|(_, at)| is_alive(*at, now))
            .map(|(note, _)| note)
    }

    pub(super) fn noted(&self, user: &UserId, now: Instant) -> Option<String> {
        let state = self.lock();
        let (note, at) = state.notes.get(user)?;
        is_alive(*at, now).then(|| note.clone())
    }

    pub(super) fn show(&self, shown: &str, (is_open, now): (bool, Instant)) {
        let lobby = &mut self.lock().lobby;
        match lobby.iter_mut().find(|(other, _)| other == shown) {
            Some((_, at)) if is_open => *at = now,
            Some(_) => lobby.retain(|(other, _)| other != shown),
            None if is_open => lobby.push((shown.to_owned(), now)),
            None => {}
        }
    }

    pub(super) fn shown(&self, now: Instant) -> Vec<String> {
        let state = self.lock();
        let alive = state.lobby.iter().filter(|(_, at)| is_alive(*at, now));
        alive
            .map(|(shown, _)| shown.clone())
            .take(SEEKS_SHOWN)
            .collect()
    }

    /// Forgets whom nobody has heard of for long.
    pub(super) fn sweep(&self, now: Instant) {
        let mut state = self.lock();
        state.pools.retain(|_, pool| {
            pool.retain(|(_, at)| is_alive(*at, now));
            !pool.is_empty()
        });
        state.notes.retain(|_, (_, at)| is_alive(*at, now));
        state.lobby.retain(|(_, at)| is_alive(*at, now));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change leaves it whole, whatever becomes of its holder.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_alive(heard: Instant, now: Instant) -> bool {
    now.saturating_duration_since(heard) < SEEK_LIFETIME
}
