//! What a request is answered when it cannot be done: a code, its status, a sentence. One of the two places with
//! numbers; the other one closes sockets.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::warn;
use zeitnot_game::wire::ErrorCode;

use crate::auth::AuthError;
use crate::metrics::METRICS;
use crate::play::Refused;
use crate::quota::TooMuch;
use crate::store::Unavailable;

/// The status that goes with a code.
#[must_use]
pub const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::NotYourTurn
        | ErrorCode::IllegalMove
        | ErrorCode::Stale
        | ErrorCode::GameOver
        | ErrorCode::NotAllowed => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized | ErrorCode::BadCredentials => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::NameTaken | ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The code of what a room refused.
#[must_use]
pub const fn code_of(refused: Refused) -> ErrorCode {
    match refused {
        Refused::Rejected(rejection) => rejection.code(),
        Refused::NoSeat | Refused::NotYourRoom => ErrorCode::Forbidden,
        Refused::NotFound => ErrorCode::NotFound,
        Refused::Busy | Refused::TooMuch { .. } => ErrorCode::RateLimited,
        Refused::Unavailable => ErrorCode::Unavailable,
    }
}

/// An answer that says what went wrong. As JSON: `{"error":"message","code":"not_found"}`.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// With a sentence for who reads it: lower case, no full stop.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: status_of(code),
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A field of the request is missing, or is not what it should be.
    #[must_use]
    pub fn field(name: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorCode::BadRequest, format!("{name}: {problem}"))
    }

    /// The path is known, but not with this method.
    #[must_use]
    pub fn wrong_method() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::new(ErrorCode::BadRequest, "this path does not take this method")
        }
    }

    /// The same, with the time after which it makes sense to try again; whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(self, span: Duration) -> Self {
        Self {
            retry_after: Some(span),
            ..self
        }
    }

    /// What went wrong.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        METRICS.refusals.at(self.code).inc();
        let body = json!({ "error": self.message, "code": self.code });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(span) = self.retry_after {
            let seconds = span.as_millis().div_ceil(1000).to_string();
            let seconds = HeaderValue::try_from(seconds).expect("digits make a header");
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorCode::Unauthorized, error.to_string())
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let error = Self::new(code_of(refused), refused.to_string());
        match refused {
            Refused::Busy | Refused::Unavailable => error.retry_after(Duration::from_secs(1)),
            Refused::TooMuch { retry_after } => {
                error.retry_after(Duration::from_millis(retry_after.0))
            }
            Refused::Rejected(_) | Refused::NoSeat | Refused::NotYourRoom | Refused::NotFound => {
                error
            }
        }
    }
}

impl From<TooMuch> for ApiError {
    fn from(too_much: TooMuch) -> Self {
        Refused::from(too_much).into()
    }
}

impl From<Unavailable> for ApiError {
    fn from(error: Unavailable) -> Self {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            chain = format!("{chain}: {inner}");
            cause = inner.source();
        }
        warn!("a request got no answer from the store: {chain}");
        Self::new(
            ErrorCode::Unavailable,
            "the store does not answer; send the same again",
        )
        .retry_after(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_status_a_code_and_perhaps_a_time() {
        let error = ApiError::new(ErrorCode::RateLimited, "too many")
            .retry_after(Duration::from_millis(1200));
        let response = error.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let response = ApiError::from(AuthError::Expired).into_response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(ApiError::wrong_method().into_response().status(), 405);
    }
}
