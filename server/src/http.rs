//! HTTP: one file a resource. It translates requests and answers; what is possible is decided elsewhere.

pub mod account;
pub mod auth;
pub mod challenge;
mod cors;
pub mod events;
pub mod games;
mod guard;
pub mod health;
mod link;
mod params;
pub mod site;
mod status;

pub use cors::readable;
pub use guard::guarded;
pub use link::LinkBase;
pub use params::Params;

use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::error::ApiError;
use zeitnot_game::wire::ErrorCode;

/// What any path under `/api` is answered that no route takes.
pub async fn no_such_path() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is nothing at this path")
}

/// What a path is answered that a route takes, but not with this method.
pub async fn wrong_method() -> ApiError {
    ApiError::wrong_method()
}

/// Marks what the API answers as data that nobody keeps: tokens are in it, and what is true now.
pub async fn unkept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
