//! HTTP: one file a resource. It translates requests and answers; what is possible is decided elsewhere.

pub mod auth;
pub mod challenge;
pub mod health;
mod params;
pub mod site;

pub use params::Params;

use axum::http::{Request, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::error::{ApiError, Code};

/// What any path under `/api` is answered that no route takes.
pub async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no {}", uri.path()))
}

/// What a path is answered that a route takes, but not with this method.
pub async fn wrong_method<B>(_: Request<B>) -> Response {
    ApiError::wrong_method().into_response()
}
