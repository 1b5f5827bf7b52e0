//! Tokens over HTTP: a new guest, a token renewed, the public keys.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Params;
use crate::App;
use crate::auth::{Issued, Player};
use crate::error::ApiError;

/// `POST /api/auth/guest`: a new guest, with a name of its choice to show.
///
/// # Errors
/// The name is no text.
pub async fn guest(State(app): State<App>, params: Params) -> Result<Json<Value>, ApiError> {
    let name = params.text("name")?.unwrap_or_default();
    Ok(answer(&app.auth.issue_guest(name, app.wall_time())))
}

/// `POST /api/auth/refresh`: a new token for who has a good one.
pub async fn refresh(State(app): State<App>, Player(verified): Player) -> Json<Value> {
    answer(&app.auth.refresh(verified, app.wall_time()))
}

/// `GET /.well-known/jwks.json`
pub async fn keys(State(app): State<App>) -> Json<Value> {
    Json(app.auth.public_keys())
}

fn answer(issued: &Issued) -> Json<Value> {
    Json(json!({
        "token": issued.token.as_str(),
        "expires_at": issued.expires_at.0,
        "user": {
            "id": issued.user.id,
            "name": issued.user.name,
            "guest": issued.user.id.is_guest(),
        },
    }))
}
