//! Zeitnot: a real-time multiplayer chess server that loses no move and no clock.

pub mod address;
pub mod auth;
#[cfg(feature = "breakages")]
mod breakage;
pub mod challenge;
pub mod chat;
pub mod check;
pub mod config;
pub mod deadlines;
pub mod error;
pub mod exit;
pub mod fanout;
pub mod followers;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
pub mod health;
pub mod http;
pub mod limits;
pub mod lobby;
pub mod metrics;
pub mod monitor;
pub mod node;
pub mod outbox;
pub mod play;
pub mod quota;
pub mod reload;
pub mod replica;
pub mod room;
pub mod seek;
pub mod serve;
pub mod shutdown;
pub mod sockets;
pub mod start;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod ws;

use std::ops::Deref;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use zeitnot_game::time::UnixMillis;

use auth::{Auth, AuthError, Verified};
use config::Config;
use http::readable;
use metrics::METRICS;
use shutdown::Shutdown;
use store::{Store, Unavailable};

/// What the parts of one node share. Cheap to clone, and as small as can be: each socket has one.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The parts of one node.
#[derive(Debug)]
pub struct Parts {
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
    /// What addresses and users may do.
    pub quotas: quota::Quotas,
    /// The sockets of this node.
    pub sockets: sockets::Sockets,
    /// The open seeks.
    pub lobby: lobby::Lobby,
    /// This node's name.
    pub node: Arc<str>,
}

impl App {
    /// The unix time by which tokens and challenges expire.
    #[must_use]
    pub fn wall_time(&self) -> UnixMillis {
        self.store.wall_time()
    }

    /// Checks a token: what it says, the time, and whether it was revoked.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn verify(&self, token: &str) -> Result<Verified, AuthError> {
        let verified = match self.auth.verify(token, self.wall_time()) {
            Ok(verified) if self.is_revoked(&verified) => Err(AuthError::Revoked),
            verified => verified,
        };
        if let Err(error) = verified {
            METRICS.tokens_refused.at(error.kind()).inc();
        }
        verified
    }

    /// Whether a token that was good is so no longer, whatever its age: it was revoked, or its key was taken out of use.
    #[must_use]
    pub fn is_revoked(&self, token: &Verified) -> bool {
        self.store.is_revoked(&token.jti) || !self.auth.is_in_use(token.key)
    }

    /// Revokes a token, on every node.
    ///
    /// # Errors
    /// The store did not answer; to do it again does no harm.
    pub async fn revoke(&self, token: &Verified) -> Result<(), Unavailable> {
        self.store.revoke(&token.jti, token.ends_at()).await
    }
}

/// What this machine's clock says: for tokens that are made without a store.
#[must_use]
pub fn machine_time() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().as_millis();
    UnixMillis(u64::try_from(since).unwrap_or(u64::MAX))
}

/// Everything that the public listener answers.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/auth/guest", post(http::auth::guest))
        .route("/auth/refresh", post(http::auth::refresh))
        .route("/auth/logout", post(http::auth::logout))
        .route("/challenge/open", post(http::challenge::open))
        .route("/challenge/{id}", readable(get(http::challenge::show)))
        .route("/challenge/{id}/accept", post(http::challenge::accept))
        .route("/account/playing", get(http::account::playing))
        .route("/games/{id}", readable(get(http::games::show)))
        .route("/games/{id}/events", readable(get(http::events::follow)))
        .fallback(http::no_such_path)
        .method_not_allowed_fallback(http::wrong_method)
        .layer(map_response(http::unkept));
    let export = get(http::games::export).layer(map_response(http::unkept));
    Router::new()
        .nest("/api", api)
        .route("/game/export/{id}", readable(export))
        .route("/.well-known/jwks.json", readable(get(http::auth::keys)))
        .route("/ws", get(ws::open))
        .fallback(http::site::page)
        .method_not_allowed_fallback(http::wrong_method)
        .layer(DefaultBodyLimit::max(limits::MAX_BODY))
        .layer(from_fn_with_state(app.clone(), http::guarded))
        .with_state(app)
}
