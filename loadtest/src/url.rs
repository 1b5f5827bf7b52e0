//! Where a node listens, as people write it.

use std::str::FromStr;

use anyhow::{Context as _, ensure};

use crate::tls;

/// Where a node listens. Shape: `ws://127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// Shape: `127.0.0.1:8080`, or `https://chess.example:443` where TLS is spoken.
    pub(crate) address: String,
}

impl FromStr for Url {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        const ADVICE: &str = "a node is named like ws://127.0.0.1:8080 or wss://chess.example";
        let after = |schemes: [&str; 2]| schemes.into_iter().find_map(|one| text.strip_prefix(one));
        let (rest, before, port) = match after(["wss://", "https://"]) {
            Some(rest) => (rest, tls::SECURE, 443),
            None => (after(["ws://", "http://"]).context(ADVICE)?, "", 80),
        };
        let host = rest.strip_suffix("/ws").unwrap_or(rest);
        let host = host.strip_suffix('/').unwrap_or(host);
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
        ensure!(is_host, ADVICE);
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            address: if has_port {
                format!("{before}{host}")
            } else {
                format!("{before}{host}:{port}")
            },
        })
    }
}

impl Url {
    /// Whether TLS is spoken there.
    pub(crate) fn is_secure(&self) -> bool {
        self.address.starts_with(tls::SECURE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_its_url() {
        let cases = [
            ("ws://127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("ws://chess.example/ws", Some("chess.example:80")),
            ("http://[::1]:8080/", Some("[::1]:8080")),
            ("wss://chess.example", Some("https://chess.example:443")),
            (
                "https://chess.example:8443/",
                Some("https://chess.example:8443"),
            ),
            ("wss://", None),
            ("127.0.0.1:8080", None),
            ("ws://", None),
            ("ws://a/b", None),
        ];
        for (text, expected) in cases {
            let url = text.parse::<Url>().ok();
            assert_eq!(url.as_ref().map(|url| &*url.address), expected, "{text}");
        }
    }
}
