//! For who watches this node, on a listener of its own: is the process alive, should it get traffic, what does it count,
//! and a page for people.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::status;
use crate::metrics::{MEDIA_TYPE, METRICS};
use crate::monitor::Monitor;

/// The page and its scripts are one file, which asks for nothing but [`status::status`].
const PAGE_POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The internal listener's routes.
pub fn router(monitor: Monitor) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status.json", get(status::status))
        .with_state(monitor)
}

/// 200, or 503 with the reasons. Shape: `{"ready":false,"reasons":["draining"]}`.
async fn ready(State(monitor): State<Monitor>) -> (StatusCode, Json<Value>) {
    let reasons = monitor.unready();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": reasons.is_empty(), "reasons": reasons });
    (status, Json(body))
}

async fn metrics() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], METRICS.print())
}

async fn page() -> impl IntoResponse {
    let policy = [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)];
    (policy, Html(include_str!("status.html")))
}
