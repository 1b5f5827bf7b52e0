//! What this node follows, on a connection of its own. The driver neither subscribes again nor tells of all that it
//! lost, so both is done here: after each interruption everything is subscribed again, and then read.

use std::sync::Arc;

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
use zeitnot_game::id::{GameId, UserId, Version};

use super::chat;
use super::driver::connected;
use super::keys::Topic;
use super::revoked::Revoked;
use crate::limits::{SUBSCRIBE_RETRY, SUBSCRIBES_IN_FLIGHT, SWEEP_PERIOD};
use crate::store::channels::{Follow, GameChannels, UserChannels, UserFollow};
use crate::store::{Feed, Published, UserFeed};

/// What stands before a line of chat on a game's channel; as in `say.lua`.
const CHAT: &str = "chat ";

/// The subscriptions of this node.
#[derive(Clone)]
pub(super) struct Subscriptions {
    client: SubscriberClient,
    pub(super) games: GameChannels,
    users: UserChannels,
    revoked: Revoked,
}

impl Subscriptions {
    pub(super) fn new(client: SubscriberClient, revoked: Revoked) -> Self {
        Self {
            client,
            games: GameChannels::default(),
            users: UserChannels::default(),
            revoked,
        }
    }

    /// Follows a game; on return everything that is appended from now on will arrive, or a `Resync`.
    pub(super) async fn follow(&self, id: GameId) -> Result<Follow, Error> {
        // First the channel, then the subscription: an interruption in between is repaired by `resubscribe`. A game
        // that is followed already is subscribed again, since it is not known whether that has been answered yet.
        let follow = self.games.follow(&id);
        self.subscribe(&Topic::Game(id)).await?;
        Ok(follow)
    }

    /// The same for what is told to a user.
    pub(super) async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Error> {
        let follow = self.users.follow(user);
        self.subscribe(&Topic::User(user.clone())).await?;
        Ok(follow)
    }

    pub(super) async fn subscribe(&self, topic: &Topic) -> Result<(), Error> {
        connected(&self.client).await?;
        // One channel a call: the driver takes the replies for the others as answers to what comes next.
        self.client.ssubscribe(topic.channel()).await
    }

    /// Everything that is followed.
    fn topics(&self) -> Vec<Topic> {
        let games = self.games.keys().into_iter().map(Topic::Game);
        let users = self.users.keys().into_iter().map(Topic::User);
        games.chain(users).chain([Topic::Revoked]).collect()
    }

    fn is_followed(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Game(id) => self.games.is_followed(id),
            Topic::User(user) => self.users.is_followed(user),
            Topic::Revoked => true,
        }
    }

    /// Tells the followers that something may be missing.
    fn resync(&self, topic: &Topic) {
        match topic {
            Topic::Game(id) => self.games.resync(id),
            Topic::User(user) => self.users.resync(user),
            Topic::Revoked => self.revoked.look(),
        }
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
                    for topic in self.topics() {
                        self.resync(&topic);
                    }
                }
                Err(RecvError::Closed) => break,
            }
        }
    }

    fn deliver_one(&self, message: &Message) {
        let Some(topic) = Topic::of(&message.channel) else {
            return;
        };
        let payload = message.value.as_str();
        let payload = payload.as_deref();
        match &topic {
            Topic::Game(id) => match payload.and_then(parse) {
                Some(feed) => self.games.send(id, feed),
                // Another build's, perhaps: the log tells.
                None => self.games.resync(id),
            },
            Topic::User(user) => match payload {
                Some(text) => self.users.send(user, UserFeed::Told(text.into())),
                None => self.users.resync(user),
            },
            Topic::Revoked => self.revoked.deliver(payload),
        }
    }

    /// Keeps the subscriptions of what is followed alive and ends the others, for ever.
    pub(super) async fn keep(self, mut reconnects: Receiver<Server>) {
        let mut sweep = interval(SWEEP_PERIOD);
        loop {
            tokio::select! {
                reconnect = reconnects.recv() => match reconnect {
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        let topics = self.topics();
                        info!(count = topics.len(), "connected to the store's channels");
                        self.resubscribe(topics).await;
                    }
                    Err(RecvError::Closed) => break,
                },
                _ = sweep.tick() => self.sweep().await,
            }
        }
    }

    /// Subscribes, tries again what failed, and tells the followers to read.
    async fn resubscribe(&self, mut topics: Vec<Topic>) {
        while !topics.is_empty() {
            topics = stream::iter(topics)
                .map(async |topic| match self.subscribe(&topic).await {
                    Ok(()) => {
                        self.resync(&topic);
                        None
                    }
                    Err(_) => Some(topic),
                })
                .buffer_unordered(SUBSCRIBES_IN_FLIGHT)
                .filter_map(ready)
                .collect()
                .await;
            topics.retain(|topic| self.is_followed(topic));
            if !topics.is_empty() {
                sleep(SUBSCRIBE_RETRY).await;
            }
        }
    }

    /// Ends the subscriptions that nobody needs any more. Who follows a game meanwhile may have subscribed before it is
    /// ended here: so it is looked at again afterwards, and subscribed again.
    async fn sweep(&self) {
        let games = self.games.sweep().into_iter().map(Topic::Game);
        let users = self.users.sweep().into_iter().map(Topic::User);
        let again = stream::iter(games.chain(users))
            .map(async |topic| {
                // Where it fails the connection is lost, and the next one begins with what is followed then.
                if self.client.is_connected() {
                    let _ = self.client.sunsubscribe(topic.channel()).await;
                }
                self.is_followed(&topic).then_some(topic)
            })
            .buffer_unordered(SUBSCRIBES_IN_FLIGHT)
            .filter_map(ready)
            .collect()
            .await;
        self.resubscribe(again).await;
    }
}

/// Reads a message on a game's channel.
fn parse(message: &str) -> Option<Feed> {
    match message.strip_prefix(CHAT) {
        Some(line) => Some(Feed::Said(Arc::new(chat::parse(line)?))),
        None => Some(Feed::Published(Arc::new(parse_published(message)?))),
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
