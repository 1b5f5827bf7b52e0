//! What this node follows, on a connection of its own. The driver neither subscribes again nor tells of all that it
//! lost, so both is done here: after each interruption everything is subscribed again, and then read.

use fred::clients::SubscriberClient;
use fred::error::Error;
use fred::interfaces::{ClientLike, PubsubInterface};
use fred::types::Message;
use fred::types::config::Server;
use futures_util::StreamExt;
use futures_util::future::ready;
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{interval, sleep};
use tracing::{info, warn};
use zeitnot_game::id::{GameId, Version};

use super::driver::connected;
use super::keys;
use crate::limits::{SUBSCRIBE_RETRY, SUBSCRIBES_IN_FLIGHT, SWEEP_PERIOD};
use crate::store::Published;
use crate::store::channels::{Channels, Follow};

/// The subscriptions of this node.
#[derive(Clone)]
pub(super) struct Subscriptions {
    client: SubscriberClient,
    channels: Channels,
}

impl Subscriptions {
    pub(super) fn new(client: SubscriberClient) -> Self {
        Self {
            client,
            channels: Channels::default(),
        }
    }

    /// Follows a game; on return everything that is appended from now on will arrive, or a `Resync`.
    pub(super) async fn follow(&self, id: GameId) -> Result<Follow, Error> {
        // First the channel, then the subscription: an interruption in between is repaired by `resubscribe`. A game
        // that is followed already is subscribed again, since it is not known whether that has been answered yet.
        let (follow, _) = self.channels.follow(id);
        self.subscribe(id).await?;
        Ok(follow)
    }

    async fn subscribe(&self, id: GameId) -> Result<(), Error> {
        connected(&self.client).await?;
        // One channel a call: the driver takes the replies for the others as answers to what comes next.
        self.client.ssubscribe(keys::log(id)).await
    }

    /// Hands messages on, for ever.
    pub(super) async fn deliver(self, mut messages: Receiver<Message>) {
        loop {
            match messages.recv().await {
                Ok(message) => self.deliver_one(&message),
                Err(RecvError::Lagged(count)) => {
                    warn!(
                        count,
                        "{count} messages of the store were lost: reading every game"
                    );
                    for id in self.channels.games() {
                        self.channels.resync(id);
                    }
                }
                Err(RecvError::Closed) => break,
            }
        }
    }

    fn deliver_one(&self, message: &Message) {
        let Some(id) = keys::game_of(&message.channel) else {
            return;
        };
        let payload = message.value.as_str();
        match payload.as_deref().and_then(parse_published) {
            Some(published) => self.channels.publish(id, published),
            // Another build's, perhaps: the log tells.
            None => self.channels.resync(id),
        }
    }

    /// Keeps the subscriptions of the followed games alive and ends the others, for ever.
    pub(super) async fn keep(self, mut reconnects: Receiver<Server>) {
        let mut sweep = interval(SWEEP_PERIOD);
        loop {
            tokio::select! {
                reconnect = reconnects.recv() => match reconnect {
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        let games = self.channels.games();
                        info!(count = games.len(), "connected to the store's channels");
                        self.resubscribe(games).await;
                    }
                    Err(RecvError::Closed) => break,
                },
                _ = sweep.tick() => self.sweep().await,
            }
        }
    }

    /// Subscribes, tries again what failed, and tells the followers to read.
    async fn resubscribe(&self, mut games: Vec<GameId>) {
        while !games.is_empty() {
            games = stream::iter(games)
                .map(async |id| {
                    self.subscribe(id).await.map_err(|_| id)?;
                    self.channels.resync(id);
                    Ok(())
                })
                .buffer_unordered(SUBSCRIBES_IN_FLIGHT)
                .filter_map(|subscribed: Result<(), GameId>| ready(subscribed.err()))
                .collect()
                .await;
            games.retain(|&id| self.channels.is_followed(id));
            if !games.is_empty() {
                sleep(SUBSCRIBE_RETRY).await;
            }
        }
    }

    /// Ends the subscriptions that nobody needs any more. Who follows a game meanwhile may have subscribed before it is
    /// ended here: so it is looked at again afterwards, and subscribed again.
    async fn sweep(&self) {
        let again = stream::iter(self.channels.sweep())
            .map(async |id| {
                // Where it fails the connection is lost, and the next one begins with what is followed then.
                if self.client.is_connected() {
                    let _ = self.client.sunsubscribe(keys::log(id)).await;
                }
                self.channels.is_followed(id).then_some(id)
            })
            .buffer_unordered(SUBSCRIBES_IN_FLIGHT)
            .filter_map(ready)
            .collect()
            .await;
        self.resubscribe(again).await;
    }
}

/// Reads the message of `append.lua`.
fn parse_published(message: &str) -> Option<Published> {
    let mut lines = message.split('\n');
    let (first, before) = lines.next()?.split_once(' ')?;
    Some(Published {
        first: Version(first.parse().ok()?),
        before: before.parse().ok()?,
        lines: lines.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_place_and_the_lines() {
        let published = parse_published("7 aZ4k9\ne2e4 10 bQ7xM\ndraw-offer white 10 bQ7xM");
        let expected = Published {
            first: Version(7),
            before: "aZ4k9".parse().unwrap(),
            lines: vec![
                "e2e4 10 bQ7xM".to_owned(),
                "draw-offer white 10 bQ7xM".to_owned(),
            ],
        };
        assert_eq!(published, Some(expected));
    }

    #[test]
    fn what_is_no_message_is_not_read_as_one() {
        for message in ["", "7", "x aZ4k9\n", "7 aZ4k\n", "-1 aZ4k9\n"] {
            assert_eq!(parse_published(message), None, "{message:?}");
        }
    }
}
