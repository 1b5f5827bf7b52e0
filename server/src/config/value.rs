//! Values of settings: spans, origins, networks, names.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use zeitnot_game::time::Millis;

use crate::limits::{MAX_NODE_NAME, MAX_TOKEN_LIFETIME};

/// A span of time: a whole number and its unit, e.g. `500ms`, `10s`, `5m`, `24h`, `30d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("a time is a whole number and ms, s, m, h or d, like 10s".into()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a time begins with a whole number, like 10s")?;
    number
        .checked_mul(unit_ms)
        .filter(|&ms| ms <= 10 * 366 * 86_400_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "no time here is longer than ten years".into())
}

/// The same for the life of a token.
pub(super) fn token_span(text: &str) -> Result<Duration, String> {
    let span = span(text)?;
    if span > MAX_TOKEN_LIFETIME {
        return Err("a token is good for a year at most".into());
    }
    Ok(span)
}

/// The same for a game's settings.
pub(super) fn millis(text: &str) -> Result<Millis, String> {
    let span = span(text)?;
    u64::try_from(span.as_millis())
        .map(Millis)
        .map_err(|e| e.to_string())
}

/// A node's name: what can stand in a log line and in a key.
pub(super) fn node_name(text: &str) -> Result<String, String> {
    let fits = (1..=MAX_NODE_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("a name is 1 to {MAX_NODE_NAME} of A-Z a-z 0-9 - _ ."))
}

/// A text with a password in it. It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for whom it is meant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Scheme, host and port of a page, as browsers write it: lower case, no default port, no path.
/// Shape: `https://chess.example`, `http://127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_https: bool,
    authority: String,
}

/// The text is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is like https://chess.example, without a path")]
pub struct InvalidOrigin;

impl Origin {
    /// The origin of what `Host: authority` named.
    #[must_use]
    pub fn of_host(is_https: bool, authority: &str) -> Option<Self> {
        let scheme = if is_https { "https" } else { "http" };
        format!("{scheme}://{authority}").parse().ok()
    }

    /// Whether the scheme is https.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(InvalidOrigin),
        };
        let authority = uri.authority().ok_or(InvalidOrigin)?.as_str();
        let is_bare = uri.path() == "/" && uri.query().is_none() && !text.contains('#');
        if !is_bare || authority.contains('@') {
            return Err(InvalidOrigin);
        }
        let default_port = if is_https { ":443" } else { ":80" };
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        Ok(Self {
            is_https,
            authority: authority.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// An address, or all addresses that begin with the same bits. Shape: `10.0.0.0/8`, `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address and perhaps its bits, like 10.0.0.0/8")]
pub struct InvalidNetwork;

impl Network {
    /// Whether `address` is one of them; an IPv4 address in IPv6 clothes is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| InvalidNetwork)?,
            None => all,
        };
        if bits > all {
            return Err(InvalidNetwork);
        }
        Ok(Self { address, bits })
    }
}
