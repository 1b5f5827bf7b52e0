//! For who watches this node, on a listener of its own: is the process alive, should it get traffic, what does it count.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::metrics::{MEDIA_TYPE, METRICS};
use crate::monitor::Monitor;

/// The internal listener's routes.
pub fn router(monitor: Monitor) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
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
