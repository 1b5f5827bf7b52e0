//! `zeitnot check`: whether a node would start with these settings, one line for each thing that it needs.
//!
//! It looks and changes nothing, but that Redis is asked for the time as every node asks for it. A node that runs already
//! has the addresses and the data directory, which this cannot tell from anybody else.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::net::TcpListener;

use crate::auth::keys::{Keys, key_file};
use crate::config::Config;
use crate::exit::Exit;
use crate::node::StartError;
use crate::store::embedded::EmbeddedStore;
use crate::store::redis::{Options, RedisStore};

/// What was found out about one thing. Shape: `ok       keys: 2 can be used, from keys.json`.
#[derive(Debug)]
pub struct Line {
    what: &'static str,
    says: String,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A node starts.
    Ok,
    /// It starts, but should not like this.
    Doubtful,
    /// It refuses to start, with this code.
    Bad(Exit),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match self.found {
            Found::Ok => "ok",
            Found::Doubtful => "warning",
            Found::Bad(_) => "failed",
        };
        write!(f, "{found:<8} {}: {}", self.what, self.says)
    }
}

impl Line {
    /// With which code a node would end because of this; nothing where it would not.
    #[must_use]
    pub const fn refusal(&self) -> Option<Exit> {
        match self.found {
            Found::Bad(exit) => Some(exit),
            Found::Ok | Found::Doubtful => None,
        }
    }

    fn ok(what: &'static str, says: impl Into<String>) -> Self {
        let (says, found) = (says.into(), Found::Ok);
        Self { what, says, found }
    }

    fn doubtful(what: &'static str, says: impl Into<String>) -> Self {
        let (says, found) = (says.into(), Found::Doubtful);
        Self { what, says, found }
    }

    fn bad(what: &'static str, error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        Self {
            what,
            says: format!("{error:#}"),
            found: Found::Bad(Exit::of(&error)),
        }
    }
}

/// Looks at everything that a node needs, in the order in which it would.
pub async fn run(config: &Config) -> Vec<Line> {
    let mut lines = vec![Line::ok("settings", "they can be read")];
    lines.extend(keys(config));
    lines.push(address("internal-listen", config.internal_listen).await);
    if !config.internal_listen.ip().is_loopback() {
        let says = "it asks nobody who he is: let a firewall keep the public away";
        lines.push(Line::doubtful("internal-listen", says));
    }
    match &config.redis_url {
        Some(url) => {
            let options = Options {
                authorities: config.redis_ca.as_deref(),
                replicas: config.redis_wait_replicas,
            };
            lines.extend(redis(url.as_str(), options).await);
        }
        None if config.redis_wait_replicas > 0 => {
            lines.push(Line::bad("redis-wait-replicas", StartError::NoReplicas));
        }
        None => lines.push(data_dir(&config.data_dir)),
    }
    lines.push(address("listen", config.listen).await);
    lines
}

async fn address(what: &'static str, address: SocketAddr) -> Line {
    match TcpListener::bind(address).await {
        Ok(_) => Line::ok(what, format!("{address} is free")),
        Err(source) => Line::bad(what, StartError::Listen { address, source }),
    }
}

fn keys(config: &Config) -> Vec<Line> {
    const WHAT: &str = "keys";
    let file = match key_file(config) {
        Ok(file) => file,
        Err(error) => return vec![Line::bad(WHAT, error)],
    };
    if config.jwt_keys.is_none() && !file.exists() {
        return vec![Line::ok(WHAT, "a node makes its own when it first starts")];
    }
    match Keys::read_again(config) {
        Ok(keys) => {
            let count = keys.count();
            let mut lines = vec![Line::ok(
                WHAT,
                format!("{count} can be used, from {}", file.display()),
            )];
            if is_open_to_others(&file) {
                let says = format!("others may read {}: chmod 600 it", file.display());
                lines.push(Line::doubtful(WHAT, says));
            }
            lines
        }
        Err(error) => vec![Line::bad(WHAT, error)],
    }
}

fn is_open_to_others(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

fn data_dir(dir: &Path) -> Line {
    const WHAT: &str = "data-dir";
    let shown = dir.display();
    if !dir.exists() {
        return Line::ok(WHAT, format!("{shown} is made when a node first starts"));
    }
    match EmbeddedStore::check(dir) {
        Ok(()) => Line::ok(WHAT, format!("{shown} can be written, and nobody uses it")),
        Err(error) => Line::bad(WHAT, StartError::from(error)),
    }
}

async fn redis(url: &str, options: Options<'_>) -> Vec<Line> {
    const WHAT: &str = "redis-url";
    let store = match RedisStore::connect_with(url, options).await {
        Ok(store) => store,
        Err(error) => return vec![Line::bad(WHAT, StartError::from(error))],
    };
    let mut lines = vec![Line::ok(WHAT, "Redis answers and is fit to keep games")];
    // Where they are found by asking others, whom these name is worth a look.
    lines.extend(
        store
            .found()
            .map(|name| Line::ok(WHAT, format!("the master is {name}"))),
    );
    match store.advice().await {
        Ok(advice) => lines.extend(advice.into_iter().map(|says| Line::doubtful(WHAT, says))),
        Err(error) => lines.push(Line::bad(WHAT, StartError::from(error))),
    }
    store.close().await;
    lines
}
