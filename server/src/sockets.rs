//! The sockets of this node, and the streams, which cost the same: who is let in, and who is turned away first.
//!
//! Nobody who is in is sent away for want of room. What an address may open in a time is counted in [`crate::quota`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeitnot_game::id::UserId;
use zeitnot_game::wire::ErrorCode;

use crate::App;
use crate::address::Address;
use crate::auth::Visitor;
use crate::config::{Config, Switch};
use crate::error::ApiError;
use crate::limits::{ANONYMOUS_PERCENT, IDLE_PERCENT, MAX_SOCKETS_OF_USER, SOCKET_RETRY_AFTER};
use crate::metrics::{Counted, Gauge, METRICS, NoPlace};
use crate::start;

/// All of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sockets {
    places: Arc<Mutex<Places>>,
    next: Arc<AtomicU64>,
    bounds: Bounds,
}

/// How many there may be.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    all: usize,
    of_address: usize,
    of_user: usize,
}

/// How many there are.
#[derive(Debug, Default)]
struct Places {
    all: usize,
    by_address: HashMap<Address, usize>,
    by_user: HashMap<UserId, usize>,
}

/// Who is let in where there is little room; each has what those before it have, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rank {
    /// Somebody without a token, who can only watch.
    Anonymous,
    /// A user.
    User,
    /// One who plays a running game.
    Player,
}

/// One of them, counted until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    places: Arc<Mutex<Places>>,
    address: Address,
    user: Option<UserId>,
    number: u64,
    _counted: Counted,
}

/// Lets one more in, and counts it in a gauge for as long as it is open. Only where a node is nearly full it asks the store
/// whether a user plays.
///
/// # Errors
/// There is no place: 503 where another node may have one, 429 where the client has enough.
pub async fn admit(
    app: &App,
    visitor: &Visitor,
    gauge: &'static Gauge,
) -> Result<Ticket, ApiError> {
    let rank = match visitor.me {
        Some(_) => Rank::User,
        None => Rank::Anonymous,
    };
    let mut admitted = app.sockets.admit(visitor, (rank, gauge));
    if matches!(admitted, Err(NoPlace::Reserved)) && is_at_play(app, visitor).await {
        admitted = app.sockets.admit(visitor, (Rank::Player, gauge));
    }
    admitted.map_err(|full| {
        METRICS.sockets_refused.at(full).inc();
        refusal(full)
    })
}

/// Whether a user plays a running game. It is believed to where the store does not answer: players come back first then.
async fn is_at_play(app: &App, visitor: &Visitor) -> bool {
    let Some(me) = &visitor.me else { return false };
    let playing = start::playing(&*app.store, &me.user.id).await;
    playing.map_or(true, |games| !games.is_empty())
}

fn refusal(full: NoPlace) -> ApiError {
    let (code, message) = match full {
        NoPlace::Node => (
            ErrorCode::Unavailable,
            "this node has as many sockets and streams as it takes: try another one, or later",
        ),
        NoPlace::Reserved => (
            ErrorCode::Unavailable,
            "this node is nearly full, and lets only players of running games in",
        ),
        NoPlace::Address => (
            ErrorCode::RateLimited,
            "this address has as many sockets and streams as it may have: close one first",
        ),
        NoPlace::User => (
            ErrorCode::RateLimited,
            "this user has as many sockets and streams as one may have: close one first",
        ),
    };
    ApiError::new(code, message).retry_after(SOCKET_RETRY_AFTER)
}

impl Sockets {
    /// None yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let of_address = usize::try_from(config.sockets_per_address).unwrap_or(usize::MAX);
        let (of_address, of_user) = match config.rate_limits {
            Switch::On => (of_address, MAX_SOCKETS_OF_USER),
            Switch::Off => (usize::MAX, usize::MAX),
        };
        Self {
            places: Arc::default(),
            next: Arc::default(),
            bounds: Bounds {
                all: config.max_sockets,
                of_address,
                of_user,
            },
        }
    }

    fn admit(
        &self,
        visitor: &Visitor,
        (rank, gauge): (Rank, &'static Gauge),
    ) -> Result<Ticket, NoPlace> {
        let (address, user) = (visitor.address, visitor.me.as_ref().map(|me| &me.user.id));
        lock(&self.places).take((address, user), (rank, self.bounds))?;
        Ok(Ticket {
            places: Arc::clone(&self.places),
            address,
            user: user.cloned(),
            number: self.next.fetch_add(1, Ordering::Relaxed),
            _counted: Counted::among(gauge),
        })
    }
}

impl Places {
    fn take(
        &mut self,
        (address, user): (Address, Option<&UserId>),
        (rank, bounds): (Rank, Bounds),
    ) -> Result<(), NoPlace> {
        let of_address = self.by_address.get(&address).copied().unwrap_or_default();
        let of_user = user.and_then(|user| self.by_user.get(user)).copied();
        let of_user = of_user.unwrap_or_default();
        if of_address >= bounds.of_address {
            return Err(NoPlace::Address);
        }
        if of_user >= bounds.of_user {
            return Err(NoPlace::User);
        }
        if self.all >= bounds.all {
            return Err(NoPlace::Node);
        }
        if self.all >= rank.share_of(bounds.all) {
            return Err(NoPlace::Reserved);
        }
        self.all += 1;
        self.by_address.insert(address, of_address + 1);
        if let Some(user) = user {
            self.by_user.insert(user.clone(), of_user + 1);
        }
        Ok(())
    }

    fn give_back(&mut self, (address, user): (&Address, Option<&UserId>)) {
        self.all -= 1;
        one_less(&mut self.by_address, address);
        if let Some(user) = user {
            one_less(&mut self.by_user, user);
        }
    }
}

fn one_less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}

impl Rank {
    /// How many of `all` may be taken before this one is refused.
    const fn share_of(self, all: usize) -> usize {
        let percent = match self {
            Self::Anonymous => ANONYMOUS_PERCENT,
            Self::User => IDLE_PERCENT,
            Self::Player => 100,
        };
        all.saturating_mul(percent).div_ceil(100)
    }
}

impl Ticket {
    /// Its own, by which rooms know it.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.places).give_back((&self.address, self.user.as_ref()));
    }
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    // The counts are whole even if a holder panicked: nothing in between can.
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        all: 10,
        of_address: 3,
        of_user: 2,
    };

    fn address(last: u8) -> Address {
        Address::of([203, 0, 113, last].into())
    }

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    /// Fills so many places, each of another address.
    fn filled(count: u8) -> Places {
        let mut places = Places::default();
        for last in 0..count {
            let who = (address(last), None);
            places.take(who, (Rank::Player, BOUNDS)).unwrap();
        }
        places
    }

    #[test]
    fn players_are_turned_away_last() {
        let cases = [
            (7, Rank::Anonymous, Ok(())),
            (8, Rank::Anonymous, Err(NoPlace::Reserved)),
            (8, Rank::User, Ok(())),
            (9, Rank::User, Err(NoPlace::Reserved)),
            (9, Rank::Player, Ok(())),
            (10, Rank::Player, Err(NoPlace::Node)),
            (10, Rank::Anonymous, Err(NoPlace::Node)),
        ];
        for (count, rank, expected) in cases {
            let taken = filled(count).take((address(200), None), (rank, BOUNDS));
            assert_eq!(taken, expected, "{count} {rank:?}");
        }
    }

    #[test]
    fn a_small_node_takes_somebody() {
        for rank in [Rank::Anonymous, Rank::User, Rank::Player] {
            assert_eq!(rank.share_of(1), 1);
            assert_eq!(rank.share_of(0), 0);
        }
    }

    #[test]
    fn an_address_and_a_user_have_so_many_and_no_more() {
        let mut places = Places::default();
        let (anna, bo) = (user("anna"), user("bo"));
        let mut take = |last, user| places.take((address(last), user), (Rank::User, BOUNDS));
        assert_eq!(take(1, Some(&anna)), Ok(()));
        assert_eq!(take(2, Some(&anna)), Ok(()));
        assert_eq!(take(3, Some(&anna)), Err(NoPlace::User), "wherever she is");
        assert_eq!(take(1, Some(&bo)), Ok(()));
        assert_eq!(take(1, None), Ok(()));
        assert_eq!(take(1, None), Err(NoPlace::Address), "whoever it is");
        places.give_back((&address(1), Some(&anna)));
        let mut take = |last, user| places.take((address(last), user), (Rank::User, BOUNDS));
        assert_eq!(take(1, Some(&anna)), Ok(()));
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let mut places = Places::default();
        let anna = user("anna");
        places
            .take((address(1), Some(&anna)), (Rank::User, BOUNDS))
            .unwrap();
        places.give_back((&address(1), Some(&anna)));
        assert_eq!(places.all, 0);
        assert!(places.by_address.is_empty() && places.by_user.is_empty());
    }
}
