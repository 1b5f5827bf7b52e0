//! What a socket tells its client about the store, and when it sends a player to another node.

use tokio::time::Instant;
use zeitnot_game::id::GameId;
use zeitnot_game::wire::{ServerMsg, StatusFrame, StoreStatus};

use super::close::Close;
use super::session::Session;
use crate::health::Health;
use crate::limits::PLAYERS_LEAVE_AFTER;

/// What the client was told last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Outage {
    /// The store answers.
    #[default]
    Over,
    /// It does not, for these of the client's games.
    Of(Vec<GameId>),
    /// It does not, since this moment.
    Whole(Instant),
}

impl Outage {
    /// When a player tries another node: this one may be cut off alone.
    pub(super) fn leave_at(&self) -> Option<Instant> {
        match self {
            Self::Whole(since) => Some(*since + PLAYERS_LEAVE_AFTER),
            Self::Over | Self::Of(_) => None,
        }
    }

    fn games(&self) -> &[GameId] {
        match self {
            Self::Of(games) => games,
            Self::Over | Self::Whole(_) => &[],
        }
    }
}

impl Session {
    /// Tells the client whether the store answers, if that is news.
    pub(super) async fn on_health(&mut self) -> Result<(), Close> {
        let health = *self.health.borrow_and_update();
        let is_silent = |game: &GameId| !self.app.store.answers_for(*game);
        let now = match (health, &self.outage) {
            (Health::Ok, _) => Outage::Over,
            (Health::Partly(_), _) => {
                Outage::Of(self.watching.keys().copied().filter(is_silent).collect())
            }
            (Health::Unavailable, Outage::Whole(since)) => Outage::Whole(*since),
            (Health::Unavailable, _) => Outage::Whole(Instant::now()),
        };
        let before = std::mem::replace(&mut self.outage, now);
        let without = |games: &[GameId], others: &[GameId]| -> Vec<GameId> {
            let is_left = |game: &&GameId| !others.contains(game);
            games.iter().filter(is_left).copied().collect()
        };
        let back = without(before.games(), self.outage.games());
        let lost = without(self.outage.games(), before.games());
        let (was_whole, is_whole) = (
            before.leave_at().is_some(),
            self.outage.leave_at().is_some(),
        );
        if is_whole {
            return match was_whole {
                true => Ok(()),
                false => self.tell_status(StoreStatus::Unavailable, None).await,
            };
        }
        if was_whole {
            self.tell_status(StoreStatus::Ok, None).await?;
        } else if !back.is_empty() {
            self.tell_status(StoreStatus::Ok, Some(back)).await?;
        }
        if !lost.is_empty() {
            self.tell_status(StoreStatus::Unavailable, Some(lost))
                .await?;
        }
        self.look_again().await
    }

    async fn tell_status(
        &mut self,
        store: StoreStatus,
        games: Option<Vec<GameId>>,
    ) -> Result<(), Close> {
        let status = StatusFrame { store, games };
        self.send(&ServerMsg::Status(status)).await
    }
}
