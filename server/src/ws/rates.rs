//! How many messages a socket may send: counters in windows, with the moments passed in.
//!
//! A window begins with the first message after the one before it ended. So who keeps to a limit is never refused, and
//! who does not gets at most twice as much through.

use tokio::time::Instant;
use zeitnot_game::time::Millis;
use zeitnot_game::wire::ClientMsg;

use crate::limits::{CHAT_RATE, GAME_RATE, LOBBY_RATE, REFUSAL_RATE, Rate};

/// What a message counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sign of life, a token: free.
    Free,
    /// About a game. What cannot be read counts here as well.
    Game,
    /// About the lobby.
    Lobby,
    /// A line of chat.
    Chat,
}

impl Kind {
    /// That of a message.
    pub(super) const fn of(msg: &ClientMsg) -> Self {
        match msg {
            ClientMsg::Ping | ClientMsg::Auth(_) => Self::Free,
            ClientMsg::Watch(_)
            | ClientMsg::Unwatch(_)
            | ClientMsg::Move(_)
            | ClientMsg::Resign(_)
            | ClientMsg::Abort(_)
            | ClientMsg::Berserk(_)
            | ClientMsg::Draw(_)
            | ClientMsg::Takeback(_)
            | ClientMsg::Rematch(_)
            | ClientMsg::GiveTime(_)
            | ClientMsg::Claim(_)
            | ClientMsg::Flag(_) => Self::Game,
            ClientMsg::Lobby | ClientMsg::Unlobby | ClientMsg::Seek(_) | ClientMsg::Unseek(_) => {
                Self::Lobby
            }
            ClientMsg::Say(_) => Self::Chat,
        }
    }
}

/// A message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    /// When the next one of its kind will be let through.
    pub(super) retry_after: Millis,
}

/// What one socket has sent of late.
#[derive(Debug)]
pub(super) struct Rates {
    opened: Instant,
    game: Window,
    lobby: Window,
    chat: Window,
    refusals: Window,
}

impl Rates {
    /// Nothing yet.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            opened: now,
            game: Window::CLOSED,
            lobby: Window::CLOSED,
            chat: Window::CLOSED,
            refusals: Window::CLOSED,
        }
    }

    /// Counts a message, and lets it through or not.
    pub(super) fn admit(&mut self, kind: Kind, now: Instant) -> Result<(), TooMany> {
        let ms = self.ms(now);
        let counted = match kind {
            Kind::Free => Ok(()),
            Kind::Game => self.game.count(GAME_RATE, ms),
            Kind::Lobby => self.lobby.count(LOBBY_RATE, ms),
            Kind::Chat => self.chat.count(CHAT_RATE, ms),
        };
        if counted.is_err() {
            // Beyond its own limit it need not be counted.
            let _ = self.refusals.count(REFUSAL_RATE, ms);
        }
        counted
    }

    /// Whether so many messages were refused that the socket is to be closed.
    pub(super) fn is_abusive(&self, now: Instant) -> bool {
        self.refusals.is_full(REFUSAL_RATE, self.ms(now))
    }

    /// Whole milliseconds since the socket was opened. They begin again after 49 days, which no difference shows.
    fn ms(&self, now: Instant) -> u32 {
        let ms = now.duration_since(self.opened).as_millis() & u128::from(u32::MAX);
        u32::try_from(ms).expect("the upper bits are cut off")
    }
}

/// A counter that begins again some time after it began.
#[derive(Debug, Clone, Copy)]
struct Window {
    began_ms: u32,
    count: u8,
}

impl Window {
    const CLOSED: Self = Self {
        began_ms: 0,
        count: 0,
    };

    fn count(&mut self, rate: Rate, ms: u32) -> Result<(), TooMany> {
        if !self.is_open(rate, ms) {
            (self.began_ms, self.count) = (ms, 0);
        }
        if self.count >= rate.messages {
            let left = rate.span_ms - ms.wrapping_sub(self.began_ms);
            return Err(TooMany {
                retry_after: Millis(left.into()),
            });
        }
        self.count += 1;
        Ok(())
    }

    fn is_full(self, rate: Rate, ms: u32) -> bool {
        self.is_open(rate, ms) && self.count >= rate.messages
    }

    const fn is_open(self, rate: Rate, ms: u32) -> bool {
        self.count > 0 && ms.wrapping_sub(self.began_ms) < rate.span_ms
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends so many at once; how many were let through.
    fn burst(rates: &mut Rates, (kind, count): (Kind, usize), now: Instant) -> usize {
        (0..count)
            .filter(|_| rates.admit(kind, now).is_ok())
            .count()
    }

    #[test]
    fn each_kind_has_its_own_limit_and_its_own_window() {
        let start = Instant::now();
        let cases = [
            (Kind::Game, 100, 20_000),
            (Kind::Lobby, 30, 30_000),
            (Kind::Chat, 5, 10_000),
        ];
        let mut rates = Rates::new(start);
        for (kind, limit, span_ms) in cases {
            let after = |ms| start + Duration::from_millis(ms);
            assert_eq!(
                burst(&mut rates, (kind, limit), after(7)),
                limit,
                "{kind:?}"
            );
            let refused = rates.admit(kind, after(1_007)).unwrap_err();
            assert_eq!(refused.retry_after, Millis(span_ms - 1_000), "{kind:?}");
            assert!(rates.admit(kind, after(span_ms + 6)).is_err(), "{kind:?}");
            let again = after(span_ms + 7);
            assert_eq!(
                burst(&mut rates, (kind, limit + 1), again),
                limit,
                "{kind:?}"
            );
        }
        assert_eq!(burst(&mut rates, (Kind::Free, 1_000), start), 1_000);
    }

    #[test]
    fn who_keeps_to_the_limit_is_never_refused() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        for message in 0..10_000 {
            let now = start + Duration::from_millis(message * 200);
            assert_eq!(rates.admit(Kind::Game, now), Ok(()), "message {message}");
        }
    }

    #[test]
    fn twenty_refusals_in_ten_seconds_are_too_many() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        burst(&mut rates, (Kind::Chat, 5 + 19), start);
        assert!(!rates.is_abusive(start));
        let later = start + Duration::from_millis(9_999);
        assert_eq!(burst(&mut rates, (Kind::Chat, 1), later), 0);
        assert!(rates.is_abusive(later));

        let mut slow = Rates::new(start);
        for message in 0..1_000 {
            let now = start + Duration::from_millis(message * 550);
            // Five pass and about thirteen are refused every ten seconds.
            let _ = slow.admit(Kind::Chat, now);
            assert!(!slow.is_abusive(now), "message {message}");
        }
    }

    #[test]
    fn a_socket_may_be_old() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        let day = Duration::from_secs(86_400);
        for days in 0..200 {
            let now = start + day * days;
            assert_eq!(burst(&mut rates, (Kind::Chat, 6), now), 5, "day {days}");
        }
        assert!(size_of::<Rates>() <= 64, "there is one for every socket");
    }
}
