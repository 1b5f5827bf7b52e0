//! Links to our own pages.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::App;
use crate::address;
use crate::auth::request;
use crate::config::Origin;
use crate::error::ApiError;

/// What links begin with: the public address of the settings, else the one that the client used.
#[derive(Debug)]
pub struct LinkBase(Origin);

impl fmt::Display for LinkBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<App> for LinkBase {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(origin) = &app.config.public_url {
            return Ok(Self(origin.clone()));
        }
        let is_by_proxy = address::is_by_proxy(parts, &app.config.trusted_proxy);
        let proto = parts.headers.get("x-forwarded-proto");
        let is_https = is_by_proxy && proto.is_some_and(|proto| proto == "https");
        request::host(&parts.headers)
            .and_then(|host| Origin::of_host(is_https, host))
            .map(Self)
            .ok_or_else(|| ApiError::field("host", "missing, or no host"))
    }
}
