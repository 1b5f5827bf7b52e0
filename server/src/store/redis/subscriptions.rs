//! Keeps the channels of what this node follows alive. The driver neither subscribes again nor tells of all that it
//! lost, so both is done here: after each interruption everything is subscribed again, and then read.

use std::sync::Arc;

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
use zeitnot_game::id::{GameId, UserId};

use super::keys::Topic;
use super::master::Master;
use super::masters::Masters;
use crate::limits::{SUBSCRIBE_RETRY, SUBSCRIBES_IN_FLIGHT, SWEEP_PERIOD};
use crate::store::channels::{Follow, UserFollow};

impl Master {
    pub(super) async fn subscribe(&self, topic: &Topic) -> Result<(), Error> {
        self.reach(&self.subscriber).await?;
        // One channel a call: the driver takes the replies for the others as answers to what comes next.
        self.note(self.subscriber.ssubscribe(topic.channel()).await)
    }

    /// Hands messages on, for ever.
    pub(super) async fn deliver(self: Arc<Self>, mut messages: Receiver<Message>) {
        loop {
            match messages.recv().await {
                Ok(message) => {
                    if let Some(bucket) = self.hub.deliver(&message) {
                        self.pulse.hear(bucket);
                    }
                }
                Err(RecvError::Lagged(count)) => {
                    warn!(
                        count,
                        "{count} messages of the store were lost: reading every game"
                    );
                    for topic in self.hub.topics(|bucket| self.owns(bucket)) {
                        self.hub.resync(&topic);
                    }
                }
                Err(RecvError::Closed) => break,
            }
        }
    }

    /// Subscribes everything again after each new connection, for ever.
    pub(super) async fn keep_subscribed(self: Arc<Self>, mut reconnects: Receiver<Server>) {
        while !matches!(reconnects.recv().await, Err(RecvError::Closed)) {
            let topics = self.hub.topics(|bucket| self.owns(bucket));
            info!(redis.server = %self.name, count = topics.len(), "connected to the channels of Redis at {}", self.name);
            self.resubscribe(topics).await;
        }
    }

    /// The same for one bucket, where a probe did not come back.
    pub(super) async fn renew(&self, bucket: usize) {
        let topics = self
            .hub
            .topics(|other| other.index() == bucket && self.owns(other));
        info!(redis.server = %self.name, redis.bucket = bucket, count = topics.len(), "bucket {bucket} is not heard: subscribing again");
        self.resubscribe(topics).await;
    }

    /// Subscribes, tries again what failed as long as it is wanted here, and tells the followers to read.
    pub(super) async fn resubscribe(&self, mut topics: Vec<Topic>) {
        #[cfg(feature = "breakages")]
        topics.retain(|_| !crate::breakage::is_on("forget-to-resubscribe"));
        loop {
            topics = stream::iter(topics)
                .map(async |topic| match self.subscribe(&topic).await {
                    Ok(()) => {
                        self.hub.resync(&topic);
                        None
                    }
                    Err(_) => Some(topic),
                })
                .buffer_unordered(SUBSCRIBES_IN_FLIGHT)
                .filter_map(ready)
                .collect()
                .await;
            topics.retain(|topic| self.owns(topic.bucket()) && self.hub.is_followed(topic));
            if topics.is_empty() {
                return;
            }
            self.hub.look_at_map.notify_one();
            sleep(SUBSCRIBE_RETRY).await;
        }
    }

    async fn unsubscribe(&self, topic: &Topic) {
        // Where it fails the connection is lost, and the next one begins with what is followed then.
        if self.subscriber.is_connected() {
            let _ = self.subscriber.sunsubscribe(topic.channel()).await;
        }
    }
}

impl Masters {
    /// Follows a game; on return everything that is appended from now on will arrive, or a `Resync`.
    pub(super) async fn follow(&self, id: GameId) -> Result<Follow, Error> {
        // First the channel, then the subscription: an interruption in between is repaired by `resubscribe`. A game
        // that is followed already is subscribed again, since it is not known whether that has been answered yet.
        let follow = self.hub().games.follow(&id);
        self.subscribe(&Topic::Game(id)).await?;
        Ok(follow)
    }

    /// The same for what is told to a user.
    pub(super) async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Error> {
        let follow = self.hub().users.follow(user);
        self.subscribe(&Topic::User(user.clone())).await?;
        Ok(follow)
    }

    async fn subscribe(&self, topic: &Topic) -> Result<(), Error> {
        self.of(topic.bucket())?.subscribe(topic).await
    }

    /// An append reached nobody here, though this node follows the game: its subscription is gone.
    pub(super) async fn renew(&self, id: GameId) {
        let topic = Topic::Game(id);
        #[cfg(feature = "breakages")]
        if crate::breakage::is_on("forget-to-resubscribe") {
            return;
        }
        if self.hub().is_followed(&topic) && self.subscribe(&topic).await.is_ok() {
            self.hub().resync(&topic);
        }
    }

    /// Ends the subscriptions that nobody needs any more, for ever.
    pub(super) async fn keep_sweeping(self) {
        let mut period = interval(SWEEP_PERIOD);
        loop {
            period.tick().await;
            let games = self.hub().games.sweep().into_iter().map(Topic::Game);
            let users = self.hub().users.sweep().into_iter().map(Topic::User);
            stream::iter(games.chain(users))
                .for_each_concurrent(SUBSCRIBES_IN_FLIGHT, |topic| self.sweep(topic))
                .await;
        }
    }

    /// Who follows it meanwhile may have subscribed before it is ended here: so it is looked at again afterwards, and
    /// subscribed again.
    async fn sweep(&self, topic: Topic) {
        let Ok(master) = self.of(topic.bucket()) else {
            return;
        };
        master.unsubscribe(&topic).await;
        if self.hub().is_followed(&topic) {
            master.resubscribe(vec![topic]).await;
        }
    }
}
