//! Who is at a game: this node's own players, and what the store says of all nodes. What is shown follows from that and
//! the game alone, so it is the same on every node. When to note and to tell it is said here; it is done by the room.

use std::sync::Arc;

use tokio::time::Instant;
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::game::Game;
use zeitnot_game::time::{PlayTime, Timestamp};
use zeitnot_game::wire::{ClaimAt, Presence};

use crate::limits::{
    CROWD_PERIOD, LARGE_CROWD, LARGE_CROWD_PERIOD, SEAT_GRACE, SEATS_REFRESH, SEATS_RETRY_PAUSE,
    WATCHERS_REFRESH,
};
use crate::store::{Here, Leaving, Left, NodeMark, Noted, Seats, Sitting};

/// The people of one game.
#[derive(Debug, Default)]
pub(crate) struct People {
    players: Vec<Player>,
    /// How the last player of each color went from here.
    leaving: ByColor<Leaving>,
    /// What the store says, if it was asked.
    seats: Option<Arc<Seats>>,
    /// What was sent to the store last, and when.
    sent: Option<(Noted, Instant)>,
    /// The store is not asked again before.
    not_before: Option<Instant>,
    /// Something may have been missed.
    must_look: bool,
    /// What followers were told last, and when.
    told: Told,
}

#[derive(Debug, Default)]
struct Told {
    presence: Option<Presence>,
    presence_at: Option<Instant>,
    watchers: u32,
    watchers_at: Option<Instant>,
}

/// A follower with a seat.
#[derive(Debug)]
struct Player {
    number: u64,
    seat: Color,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Here,
    /// Nothing was heard from it for some time.
    Silent,
    /// Its line broke; till then it may come back by another one.
    Broken(Instant),
}

impl People {
    /// A player comes.
    pub(crate) fn come(&mut self, number: u64, seat: Color) {
        let is_other = |player: &Player| player.number != number;
        let is_broken = |player: &Player| matches!(player.state, State::Broken(_));
        // Those that this one may have come back from are not waited for any more.
        self.players
            .retain(|player| is_other(player) && !(player.seat == seat && is_broken(player)));
        self.players.push(Player {
            number,
            seat,
            state: State::Here,
        });
    }

    /// A follower goes.
    pub(crate) fn leave(&mut self, number: u64, how: Leaving, now: Instant) {
        let Some(place) = self.players.iter().position(|one| one.number == number) else {
            return;
        };
        let player = &mut self.players[place];
        match (how, player.state) {
            (Leaving::Lost, State::Here) => player.state = State::Broken(now + SEAT_GRACE),
            (Leaving::Lost, State::Broken(_)) => {}
            _ => {
                self.leaving[player.seat] = how;
                self.players.swap_remove(place);
            }
        }
    }

    /// A follower has gone silent, or is heard again.
    pub(crate) fn set_silent(&mut self, number: u64, is_silent: bool) {
        let mut players = self.players.iter_mut();
        if let Some(player) = players.find(|player| player.number == number) {
            self.leaving[player.seat] = Leaving::Lost;
            player.state = match is_silent {
                true => State::Silent,
                false => State::Here,
            };
        }
    }

    /// Waits no longer for whoever has not come back.
    pub(crate) fn expire(&mut self, now: Instant) {
        let leaving = &mut self.leaving;
        self.players.retain(|player| {
            let is_gone = matches!(player.state, State::Broken(until) if until <= now);
            if is_gone {
                leaving[player.seat] = Leaving::Lost;
            }
            !is_gone
        });
    }

    fn is_here(&self, seat: Color) -> bool {
        let mut players = self.players.iter();
        players.any(|player| player.seat == seat && player.state != State::Silent)
    }

    fn here(&self, watchers: u32) -> Here {
        let sitting = |seat| match self.is_here(seat) {
            true => Sitting::Here,
            false => Sitting::Away(self.leaving[seat]),
        };
        Here {
            seats: ByColor {
                white: sitting(Color::White),
                black: sitting(Color::Black),
            },
            watchers,
            known: self.seats.as_ref().map_or(0, |seats| seats.order),
        }
    }

    /// Whether the store was asked, and has answered.
    pub(crate) const fn is_known(&self) -> bool {
        self.seats.is_some()
    }

    /// Whether the store was asked.
    pub(crate) const fn is_asked(&self) -> bool {
        self.sent.is_some()
    }

    /// What to note now, of so many that watch here.
    pub(crate) fn note(&mut self, watchers: u32, now: Instant) -> Here {
        let here = self.here(watchers);
        self.sent = Some((here.noted(), now));
        self.must_look = false;
        here
    }

    /// The store has answered what was noted.
    pub(crate) fn noted(&mut self, seats: Seats) {
        self.not_before = None;
        self.take(Arc::new(seats));
    }

    /// It has not.
    pub(crate) fn fail(&mut self, now: Instant) {
        self.look();
        self.not_before = Some(now + SEATS_RETRY_PAUSE);
    }

    /// The store says that something has changed.
    pub(crate) fn hear(&mut self, seats: &Arc<Seats>, now: Instant) {
        if self.take(Arc::clone(seats)) && self.sent.is_some_and(|(sent, _)| sent != seats.mine()) {
            // Others took this node for gone, and may do so again.
            self.not_before = Some(now + SEATS_RETRY_PAUSE);
        }
    }

    /// Whether it is newer than what was known.
    fn take(&mut self, seats: Arc<Seats>) -> bool {
        let is_newer = |known: &Arc<Seats>| known.order < seats.order;
        let is_news = self.seats.as_ref().is_none_or(is_newer);
        if is_news {
            self.seats = Some(seats);
        }
        is_news
    }

    /// A node is gone, or others took this one for that.
    pub(crate) fn lose(&mut self, node: NodeMark) {
        let is_about = |seats: &Arc<Seats>| seats.me == node || seats.nodes.contains_key(&node);
        if self.seats.as_ref().is_some_and(is_about) {
            self.look();
        }
    }

    /// Something may have been missed: it is asked for, or forgotten where nobody is here to be told.
    pub(crate) fn look(&mut self) {
        let mine = self.seats.as_ref().map(|seats| seats.mine());
        if self.players.is_empty() && mine.unwrap_or_default() == Noted::default() {
            self.seats = None;
            self.sent = None;
        } else {
            self.must_look = true;
        }
    }

    /// When to note next who is here, if ever.
    pub(crate) fn note_at(&self, game: &Game, watchers: u32, now: Instant) -> Option<Instant> {
        let here = self.here(watchers).noted();
        let mine = self.seats.as_ref().map(|seats| seats.mine());
        let mine = mine.unwrap_or_default();
        let Some((_, sent_at)) = self.sent else {
            return (here != mine).then(|| self.not_before.map_or(now, |pause| now.max(pause)));
        };
        let at = if self.must_look || here.seats != mine.seats {
            now
        } else if here.watchers != mine.watchers {
            sent_at + crowd_period(self.watchers(watchers))
        } else if here.seats != ByColor::both(false) && game.outcome().is_none() {
            sent_at + SEATS_REFRESH
        } else if here != Noted::default() {
            sent_at + WATCHERS_REFRESH
        } else {
            return None;
        };
        Some(self.not_before.map_or(at, |pause| at.max(pause)))
    }

    /// When the wait for the first one ends whose line broke.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        let broken = self.players.iter().filter_map(|player| match player.state {
            State::Broken(until) => Some(until),
            State::Here | State::Silent => None,
        });
        broken.min()
    }

    /// How many watch on all nodes, with so many here.
    pub(crate) fn watchers(&self, here: u32) -> u32 {
        let elsewhere = self.seats.as_ref().map(|seats| seats.watchers_elsewhere());
        here.saturating_add(elsewhere.unwrap_or_default())
    }

    /// Who is here, and when the others may claim the game; nothing before the store has told.
    pub(crate) fn presence(&self, game: &Game) -> Option<Presence> {
        let left = &self.seats.as_ref()?.left;
        let is_here = |seat| self.is_here(seat) || left[seat].is_none();
        let claim_at = ClaimAt {
            white: self.claim_at(game, Color::White),
            black: self.claim_at(game, Color::Black),
        };
        let may_claim = claim_at.white.is_some() || claim_at.black.is_some();
        Some(Presence {
            white: is_here(Color::White),
            black: is_here(Color::Black),
            claim_at: may_claim.then_some(claim_at),
        })
    }

    /// When a seat was left last, of those that nobody holds.
    pub(crate) fn last_left(&self) -> PlayTime {
        let left = self
            .seats
            .iter()
            .flat_map(|seats| [seats.left.white, seats.left.black]);
        let moments = left.flatten().map(|left| left.at);
        moments.max().unwrap_or(PlayTime(0))
    }

    /// When a side may claim the game, if its opponent is away. Whether it is its own turn then is another matter.
    pub(crate) fn claim_at(&self, game: &Game, by: Color) -> Option<Timestamp> {
        let is_running = game.outcome().is_none() && game.turns().len() >= 2;
        if !is_running || self.is_here(!by) {
            return None;
        }
        let Left { at, how } = self.seats.as_ref()?.left[!by]?;
        let wait = game.claim_wait(!by, how == Leaving::OnPurpose);
        Some(at.on_scale_of(game.origin()) + wait)
    }

    /// What a new follower is shown is what all were told, if there are no others.
    pub(crate) fn begin_telling(&mut self, game: &Game, watchers: u32) {
        self.told = Told {
            presence: self.presence(game),
            watchers: self.watchers(watchers),
            ..Told::default()
        };
    }

    /// When to tell who is here, if that is news.
    pub(crate) fn tell_presence_at(&self, game: &Game, now: Instant) -> Option<Instant> {
        let presence = self.presence(game);
        let is_news = presence.is_some() && presence != self.told.presence;
        let at = self.told.presence_at;
        is_news.then(|| at.map_or(now, |at| at + CROWD_PERIOD))
    }

    /// It is told.
    pub(crate) fn tell_presence(&mut self, game: &Game, now: Instant) -> Option<Presence> {
        let presence = self.presence(game)?;
        self.told.presence = Some(presence);
        self.told.presence_at = Some(now);
        Some(presence)
    }

    /// When to tell how many watch, if that is news.
    pub(crate) fn tell_crowd_at(&self, here: u32, now: Instant) -> Option<Instant> {
        let watchers = self.watchers(here);
        let at = self.told.watchers_at;
        let due = at.map_or(now, |at| at + crowd_period(watchers));
        (watchers != self.told.watchers).then_some(due)
    }

    /// It is told.
    pub(crate) fn tell_crowd(&mut self, here: u32, now: Instant) -> u32 {
        self.told.watchers = self.watchers(here);
        self.told.watchers_at = Some(now);
        self.told.watchers
    }
}

fn crowd_period(watchers: u32) -> std::time::Duration {
    if watchers > LARGE_CROWD {
        LARGE_CROWD_PERIOD
    } else {
        CROWD_PERIOD
    }
}

#[cfg(test)]
mod tests;
