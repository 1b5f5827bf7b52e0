//! Zeitnot: a real-time multiplayer chess server that loses no move and no clock.

pub mod auth;
pub mod config;
pub mod error;
pub mod limits;
pub mod play;
pub mod room;
pub mod shutdown;
pub mod store;
pub mod ws;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use zeitnot_game::time::UnixMillis;

use auth::Auth;
use config::Config;
use shutdown::Shutdown;
use store::Store;

/// What the parts of one node share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Where games are kept.
    pub store: Arc<dyn Store>,
    /// Who somebody is.
    pub auth: Auth,
    /// The settings.
    pub config: Arc<Config>,
    /// How this process ends.
    pub shutdown: Shutdown,
    /// The games that somebody here follows.
    pub rooms: room::Rooms,
    /// The sockets of this node.
    pub sockets: ws::Sockets,
    /// This node's name.
    pub node: Arc<str>,
}

impl App {
    /// The unix time by which tokens and challenges expire.
    #[must_use]
    pub fn wall_time(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default().as_millis();
        UnixMillis(u64::try_from(since).unwrap_or(u64::MAX))
    }
}
