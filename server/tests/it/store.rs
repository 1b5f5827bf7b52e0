//! The port's promises, each written once and run against both implementations; then what each promises alone.

mod chat;
mod cluster;
mod due;
mod embedded;
mod logs;
mod noted;
mod outage;
mod people;
mod presence;
mod quotas;
mod redis;
mod replicas;
mod seats;
mod seeks;

use std::time::Duration;

use zeitnot::store::{Append, Appended, Create, Feed, Follow, Published, Store};
use zeitnot_game::id::{GameId, Head, Tag, Version};
use zeitnot_game::setup::FirstEntry;
use zeitnot_game::time::{Millis, PlayTime, Timestamp};

use crate::support::wait::until;

/// How long anything may take before a test gives up, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A moment that no test lives to see.
const HOUR: Millis = Millis::from_secs(3600);

const SETUP: &str = "game1 standard 180+2 casual white:anna:Anna black:bo:Bo";

/// Makes a test of each function, for both stores, and one of all for a cluster.
macro_rules! on_every_store {
    ($($promise:ident)*) => {
        mod on_embedded {
            $(#[tokio::test] async fn $promise() {
                let dir = tempfile::tempdir().unwrap();
                let store = $crate::store::embedded::open(dir.path()).await;
                super::$promise(&store).await;
                store.close().await;
            })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $promise() {
                let server = zeitnot_loadtest::deployment::RedisServer::start().unwrap();
                let store = $crate::store::redis::connect(&server).await;
                super::$promise(&store).await;
                store.close().await;
            })*
        }
        /// One cluster for all: it takes a while to form. Their games lie on its masters by turns.
        mod on_a_redis_cluster {
            #[tokio::test]
            async fn everything_holds() {
                let cluster = $crate::store::cluster::start();
                let mut games = $crate::store::cluster::a_game_on_each_master(&cluster).into_iter().cycle();
                $({
                    let game = games.next().unwrap();
                    println!("{} with game {game}", stringify!($promise));
                    let store = $crate::store::cluster::connect_to_nothing(&cluster).await;
                    $crate::store::GAME.scope(game, super::$promise(&store)).await;
                    store.close().await;
                })*
            }
        }
    };
}
use on_every_store;

tokio::task_local! {
    /// The game of a test that does not want the usual one.
    static GAME: GameId;
}

fn game() -> GameId {
    let usual = || "q7ZwA0bX".parse().unwrap();
    GAME.try_get().unwrap_or_else(|_| usual())
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// The set-up of every test, due in an hour.
fn setup(nonce: &str) -> Create {
    Create {
        body: SETUP.to_owned(),
        tag: tag(nonce),
        due_in: HOUR,
    }
}

/// What a writer knows of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    id: GameId,
    head: Head,
    at: Timestamp,
    origin: PlayTime,
}

/// Begins the game with the tag `first`.
async fn begin(store: &dyn Store) -> Known {
    begin_as(store, game(), &setup("first")).await
}

/// Begins a game.
async fn begin_as(store: &dyn Store, id: GameId, create: &Create) -> Known {
    store.create(id, create).await.unwrap();
    Known::read(store, id).await
}

impl Known {
    /// A game that has just begun.
    pub(crate) async fn read(store: &dyn Store, id: GameId) -> Self {
        let lines = store.read(id, Version(0)).await.unwrap().lines;
        let first: FirstEntry = lines[0].parse().unwrap();
        Self {
            id,
            head: Head {
                version: Version(1),
                tag: first.tag,
            },
            at: Timestamp(0),
            origin: first.origin,
        }
    }

    fn append(&self, nonce: &str, bodies: &[&str]) -> Append {
        Append {
            after: self.head,
            after_at: self.at,
            tag: tag(nonce),
            origin: self.origin,
            bodies: bodies.iter().map(|&body| body.to_owned()).collect(),
            not_before: None,
            due_in: Some(HOUR),
        }
    }

    /// Appends and takes note of it; returns the moment.
    pub(crate) async fn commit(
        &mut self,
        store: &dyn Store,
        nonce: &str,
        bodies: &[&str],
    ) -> Timestamp {
        let append = self.append(nonce, bodies);
        self.commit_this(store, &append).await
    }

    async fn commit_this(&mut self, store: &dyn Store, append: &Append) -> Timestamp {
        let mut appended = store.append(self.id, append).await;
        if appended.is_err() {
            // On a busy machine it may take too long: the same again is the same.
            appended = store.append(self.id, append).await;
        }
        let appended = appended.unwrap();
        let Appended::Committed { version, at } = appended else {
            panic!("not committed: {appended:?}");
        };
        self.head = Head {
            version,
            tag: append.tag,
        };
        self.at = at;
        at
    }
}

/// The next item for a follower, but for the lengths that come now and then.
async fn next(follow: &mut Follow) -> Feed {
    loop {
        let next = tokio::time::timeout(PATIENCE, follow.next()).await.unwrap();
        if !matches!(next, Feed::Length(_)) {
            return next;
        }
    }
}

/// The next append for a follower.
async fn next_published(follow: &mut Follow) -> Published {
    match next(follow).await {
        Feed::Published(published) => published.as_ref().clone(),
        other => panic!("not an append: {other:?}"),
    }
}
