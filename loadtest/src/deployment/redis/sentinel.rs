//! Redis with sentinels: a master, its replicas, and those who make one of these the master when it is silent.

use anyhow::Context as _;

use super::RedisServer;
use crate::deployment::wait::until;

/// What sentinels and clients call it.
const SERVICE: &str = "zeitnot";

/// So many watch, so that two can agree though one is gone.
const SENTINELS: usize = 3;
const QUORUM: &str = "2";

/// After how many milliseconds of silence a server counts as gone. Short, so that a failover is, but no shorter than what a
/// busy machine may leave a server without.
const DOWN_AFTER_MS: &str = "2000";

/// After how many milliseconds a failover is tried again that came to nothing.
const RETRY_MS: &str = "5000";

/// A master gives its data to a replica without waiting for others to ask.
const OPTIONS: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

/// Servers and sentinels that end with their value. The servers have numbers: first the master, then the replicas, as they
/// were at the start; a failover or a restart changes no number.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
}

impl RedisSentinels {
    /// Starts a master with replicas, then the sentinels, and waits until these know each other and all of them. The
    /// options are for every server.
    ///
    /// # Errors
    /// `redis-server` is not installed, or they do not find each other in time.
    pub fn start(replicas: usize, options: &[&str]) -> anyhow::Result<Self> {
        let options = [&OPTIONS, options].concat();
        let mut servers = vec![RedisServer::start_on_port(&options)?];
        for _ in 0..replicas {
            servers.push(RedisServer::start_replica_of(&servers[0], &options)?);
        }
        let port = servers[0].port()?;
        let config = format!(
            "sentinel monitor {SERVICE} 127.0.0.1 {port} {QUORUM}\n\
             sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
             sentinel failover-timeout {SERVICE} {RETRY_MS}\n"
        );
        let sentinels = (0..SENTINELS).map(|_| RedisServer::start_sentinel(&config));
        let all = Self {
            servers,
            sentinels: sentinels.collect::<anyhow::Result<_>>()?,
        };
        until("the sentinels know each other and all replicas", || {
            for sentinel in &all.sentinels {
                let others = number(sentinel, "num-other-sentinels")?;
                if others + 1 != SENTINELS || number(sentinel, "num-slaves")? != replicas {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(all)
    }

    /// Its address in fred's form: `redis-sentinel://127.0.0.1:1?sentinelServiceName=zeitnot&node=127.0.0.1:2`.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = String::new();
        for (number, sentinel) in self.sentinels.iter().enumerate() {
            let of = sentinel.url();
            let host = of.trim_start_matches("redis://");
            url.push_str(&match number {
                0 => format!("redis-sentinel://{host}?sentinelServiceName={SERVICE}"),
                _ => format!("&node={host}"),
            });
        }
        url
    }

    /// A server by its number.
    #[must_use]
    pub fn server(&self, number: usize) -> &RedisServer {
        &self.servers[number]
    }

    /// The same, to be hurt.
    pub fn server_mut(&mut self, number: usize) -> &mut RedisServer {
        &mut self.servers[number]
    }

    /// All servers in the order of their numbers.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The number of the server that is master, as the first living sentinel says.
    ///
    /// # Errors
    /// No sentinel answers.
    pub fn master(&self) -> anyhow::Result<usize> {
        let told = self.sentinels.iter().find_map(|one| self.named(one).ok());
        told.context("no sentinel answers")
    }

    fn named(&self, sentinel: &RedisServer) -> anyhow::Result<usize> {
        let address = sentinel.call(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?;
        let port = address.items().get(1).and_then(|port| port.text());
        let port: u16 = port.context("it names no master")?.parse()?;
        let has = |server: &RedisServer| server.port().is_ok_and(|own| own == port);
        let number = self.servers.iter().position(has);
        number.context("a server of no number")
    }

    /// Returns when all sentinels name the same other server, and it is master, after the death of the old one; the answer
    /// is its number.
    ///
    /// # Errors
    /// None becomes it in time.
    pub fn wait_for_failover(&self, old: usize) -> anyhow::Result<usize> {
        let mut new = old;
        until("the sentinels have made a replica master", || {
            new = self.master()?;
            let agree = self
                .sentinels
                .iter()
                .all(|one| self.named(one).is_ok_and(|n| n == new));
            Ok(new != old && agree && is_master(&self.servers[new]).unwrap_or(false))
        })?;
        Ok(new)
    }

    /// Returns when every server but the master follows it, as some time after a restart.
    ///
    /// # Errors
    /// They do not in time.
    pub fn wait_until_together(&self) -> anyhow::Result<()> {
        until("every server follows the master", || {
            let master = self.master()?;
            let others = self
                .servers
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != master);
            for (_, server) in others {
                // It closes its connections when it becomes a replica.
                let Ok(info) = server.call(&["INFO", "replication"]) else {
                    return Ok(false);
                };
                let info = info.text().unwrap_or_default().to_owned();
                let port = format!("master_port:{}\r", self.servers[master].port()?);
                if !info.contains("master_link_status:up") || !info.contains(&port) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

fn is_master(server: &RedisServer) -> anyhow::Result<bool> {
    let role = server.call(&["ROLE"])?;
    Ok(role.items().first().and_then(|role| role.text()) == Some("master"))
}

/// A number of what a sentinel knows of the service.
fn number(sentinel: &RedisServer, field: &str) -> anyhow::Result<usize> {
    let told = sentinel.call(&["SENTINEL", "MASTER", SERVICE])?;
    let words: Vec<&str> = told.items().iter().filter_map(|word| word.text()).collect();
    let mut pairs = words.chunks_exact(2);
    let value = pairs.find(|pair| pair[0] == field).map(|pair| pair[1]);
    Ok(value
        .context("a sentinel tells less than it should")?
        .parse()?)
}
