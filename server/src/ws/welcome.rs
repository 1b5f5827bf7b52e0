//! What a socket tells its user unasked: who it is, what it plays, and which games begin.

use tokio::time::Instant;
use zeitnot_game::time::Millis;
use zeitnot_game::wire::{GameStartFrame, Hello, Player, Playing, ServerMsg, User};

use super::close::Close;
use super::session::Session;
use crate::limits::{CLIENT_PING_PERIOD, LOOK_PAUSE};
use crate::start::{self, Heard, Started};

impl Session {
    /// The first frame. The user is followed first and its games are looked at then, so that none begins unnoticed.
    pub(super) async fn greet(&mut self) -> Result<(), Close> {
        self.follow_user().await;
        let playing = self.look_at_games().await;
        let hello = self.hello(playing);
        self.send(&hello).await?;
        self.on_health().await
    }

    fn hello(&self, playing: Vec<Started>) -> ServerMsg {
        let me = self.me.as_ref();
        let playing = playing.into_iter().map(|started| Playing {
            game: started.game,
            color: started.color,
            opponent: Some(Player::from(&started.opponent)),
        });
        ServerMsg::Hello(Hello {
            user: me.map(|me| User {
                id: me.user.id.clone(),
                name: me.user.name.to_string(),
                title: None,
                guest: me.user.id.is_guest(),
            }),
            now: self.app.wall_time(),
            node: self.app.node.to_string(),
            ping_ms: Millis(u64::try_from(CLIENT_PING_PERIOD.as_millis()).unwrap_or(u64::MAX)),
            expires_at: me.map(|me| me.expires_at),
            playing: playing.collect(),
        })
    }

    /// What the user hears of games.
    pub(super) async fn on_told(&mut self, heard: Heard) -> Result<(), Close> {
        match heard {
            Heard::Started(started) => {
                // Who plays seeks no longer. He may seek again by the time that this is said once more.
                if self.is_seeking && self.last_told != Some(started.game) {
                    self.end_seek(None);
                }
                self.last_told = Some(started.game);
                self.tell(started).await
            }
            Heard::Missed => {
                self.must_look = true;
                self.look_again().await
            }
        }
    }

    /// When to make up for what the store did not let us hear or see; nothing: there is no such thing.
    pub(super) fn look_at(&self) -> Option<Instant> {
        let is_deaf = self.me.is_some() && self.told.is_none();
        (is_deaf || self.must_look).then(|| self.looked + LOOK_PAUSE)
    }

    /// Makes up for what the store did not let us hear or see.
    pub(super) async fn look_again(&mut self) -> Result<(), Close> {
        self.looked = Instant::now();
        if self.me.is_some() && self.told.is_none() {
            self.follow_user().await;
            self.must_look = true;
        }
        if self.must_look {
            self.must_look = false;
            for started in self.look_at_games().await {
                self.tell(started).await?;
            }
        }
        Ok(())
    }

    async fn follow_user(&mut self) {
        if let Some(user) = self.me.as_ref().map(|me| me.user.id.clone()) {
            let store = self.app.store.clone();
            self.told = start::follow(&*store, &user).await.ok();
        }
    }

    /// The user's running games; if the store does not answer, they are looked at again later.
    async fn look_at_games(&mut self) -> Vec<Started> {
        let Some(user) = self.me.as_ref().map(|me| me.user.id.clone()) else {
            return Vec::new();
        };
        let store = self.app.store.clone();
        let playing = start::playing(&*store, &user).await;
        self.must_look |= playing.is_err();
        playing.unwrap_or_default()
    }

    async fn tell(&mut self, started: Started) -> Result<(), Close> {
        let frame = ServerMsg::GameStart(GameStartFrame {
            game: started.game,
            color: started.color,
            opponent: Some(Player::from(&started.opponent)),
        });
        self.send(&frame).await
    }
}
