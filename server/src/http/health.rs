//! For the machines that watch this one, on a listener of its own: is the process alive, should it get traffic.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::shutdown::Shutdown;

/// The internal listener's routes.
pub fn router(shutdown: Shutdown) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .with_state(shutdown)
}

/// Not ready while draining. The listener opens when everything has started, so there is nothing to say before.
async fn ready(State(shutdown): State<Shutdown>) -> (StatusCode, &'static str) {
    if shutdown.draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
