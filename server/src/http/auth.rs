//! Tokens over HTTP: a new guest, a token renewed or revoked, the public keys.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::Params;
use crate::App;
use crate::address::Address;
use crate::auth::{Issued, Player};
use crate::error::ApiError;
use crate::metrics::Limited;
use crate::quota::Subject;
use zeitnot_game::wire::ErrorCode;

/// Takes the cookie away that may carry a token.
const NO_COOKIE: &str = "zeitnot=; Max-Age=0; HttpOnly; SameSite=Lax; Path=/";

/// `POST /api/auth/guest`: a new guest, with a name of its choice to show.
///
/// # Errors
/// The name is no text, or too many were made from this address.
pub async fn guest(
    State(app): State<App>,
    address: Address,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let name = params.text("name")?.unwrap_or_default();
    let from = Subject::Address(address);
    app.quotas.take(Limited::Guests, from).await?;
    Ok(answer(&app.auth.issue_guest(name, app.wall_time())))
}

/// `POST /api/auth/refresh`: a new token for who has a good one.
///
/// # Errors
/// Another issuer made it, and alone decides how long its user may stay.
pub async fn refresh(
    State(app): State<App>,
    Player(verified): Player,
) -> Result<Json<Value>, ApiError> {
    if !verified.is_ours {
        let reason = "this token is renewed by who issued it";
        return Err(ApiError::new(ErrorCode::Forbidden, reason));
    }
    Ok(answer(&app.auth.refresh(verified, app.wall_time())))
}

/// `POST /api/auth/logout`: revokes the token. The cookie is taken away also from who has a token that is good no
/// longer.
pub async fn logout(State(app): State<App>, player: Result<Player, ApiError>) -> Response {
    let revoked = async {
        let Player(verified) = player?;
        app.revoke(&verified).await?;
        Ok::<_, ApiError>(StatusCode::NO_CONTENT)
    };
    let mut response = revoked.await.into_response();
    let has_no_use = [StatusCode::NO_CONTENT, StatusCode::UNAUTHORIZED];
    if has_no_use.contains(&response.status()) {
        let no_cookie = HeaderValue::from_static(NO_COOKIE);
        response.headers_mut().insert(header::SET_COOKIE, no_cookie);
    }
    response
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
