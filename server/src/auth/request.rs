//! Who sends a request: the token in its headers, and the extractors that handlers ask for.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::Verified;
use crate::App;
use crate::address::Address;
use crate::config::{Config, Origin};
use crate::error::ApiError;
use crate::metrics::Limited;
use crate::quota::Subject;
use zeitnot_game::wire::ErrorCode;

/// The subprotocol of our sockets.
pub const SUBPROTOCOL: &str = "zeitnot.v1";

/// The cookie that may carry a token.
const COOKIE: &str = "zeitnot";

/// Who sends a request; nothing for an anonymous watcher. A bad token is refused, never taken for none. The request is
/// one of those that a user may send in a time; without a good token, of those of its address.
#[derive(Debug, Clone)]
pub struct Caller(pub Option<Verified>);

/// Who sends a request that only users may send.
#[derive(Debug, Clone)]
pub struct Player(pub Verified);

/// Who comes to stay, and from where: he is counted as long as he does, not by the request.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who it is; nothing for an anonymous watcher.
    pub me: Option<Verified>,
    /// Where the request comes from.
    pub address: Address,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let me = identify(parts, app);
        match &me {
            Ok(Some(me)) => {
                let who = Subject::User(&me.user.id);
                app.quotas.take(Limited::Requests, who).await?;
            }
            Ok(None) | Err(_) => {
                let Ok(address) = Address::from_request_parts(parts, app).await;
                let who = Subject::Address(address);
                app.quotas.take(Limited::Anonymous, who).await?;
            }
        }
        me.map(Self)
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let me = identify(parts, app)?;
        let Ok(address) = Address::from_request_parts(parts, app).await;
        Ok(Self { me, address })
    }
}

/// Whose token a request has, if any.
fn identify(parts: &Parts, app: &App) -> Result<Option<Verified>, ApiError> {
    let Some(found) = Found::find(&parts.headers) else {
        return Ok(None);
    };
    if found.is_cookie && may_do_harm(parts) && !is_from_allowed_page(&parts.headers, &app.config) {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "this page's origin may not use the cookie of this server",
        ));
    }
    Ok(Some(app.verify(found.token)?))
}

impl FromRequestParts<App> for Player {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let none = || {
            ApiError::new(
                ErrorCode::Unauthorized,
                "a token is needed: POST /api/auth/guest gives one",
            )
        };
        caller.0.map(Self).ok_or_else(none)
    }
}

/// A token in a request, not verified yet.
struct Found<'a> {
    token: &'a str,
    is_cookie: bool,
}

impl<'a> Found<'a> {
    /// `Authorization: Bearer`, else the subprotocol that stands with ours, else the cookie.
    fn find(headers: &'a HeaderMap) -> Option<Self> {
        let given = |token| Self {
            token,
            is_cookie: false,
        };
        let cookie = |token| Self {
            token,
            is_cookie: true,
        };
        bearer(headers)
            .or_else(|| subprotocol(headers))
            .map(given)
            .or_else(|| cookie_value(headers).map(cookie))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    let offered = || words(headers, header::SEC_WEBSOCKET_PROTOCOL, ',');
    if !offered().any(|word| word == SUBPROTOCOL) {
        return None;
    }
    offered().find_map(|word| word.strip_prefix("bearer."))
}

fn cookie_value(headers: &HeaderMap) -> Option<&str> {
    words(headers, header::COOKIE, ';')
        .filter_map(|pair| pair.split_once('='))
        .find(|&(name, _)| name == COOKIE)
        .map(|(_, value)| value.trim_matches('"'))
}

/// The parts of all headers of one name, without the spaces around them.
fn words(
    headers: &HeaderMap,
    name: header::HeaderName,
    separator: char,
) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(move |value| value.split(separator))
        .map(str::trim)
}

/// Whether a foreign page could do something with the cookie of who looks at it.
fn may_do_harm(parts: &Parts) -> bool {
    let only_reads = parts.method == Method::GET || parts.method == Method::HEAD;
    !only_reads || parts.headers.contains_key(header::UPGRADE)
}

/// Whether the page that sends this is ours (its origin has the host and port of `Host` or of the public address), or
/// one of those that the settings allow. A request without `Origin`, or with two, is none.
fn is_from_allowed_page(headers: &HeaderMap, config: &Config) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return false;
    };
    let Some(origin) = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Origin>().ok())
    else {
        return false;
    };
    let is_own = host(headers)
        .and_then(|host| Origin::of_host(origin.is_https(), host))
        .is_some_and(|own| own == origin);
    is_own || config.public_url.as_ref() == Some(&origin) || config.allowed_origin.contains(&origin)
}

/// Host and port that the client asked for.
pub(crate) fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}
