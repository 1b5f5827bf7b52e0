//! How a request gets to the master that it is for, and to the process that it is meant for.

use std::time::Instant;

use fred::error::{Error, ErrorKind};
use fred::types::scripts::Script;
use fred::types::{FromValue, Value};
use zeitnot_game::id::GameId;

use super::clocks::{Lease, millis};
use super::keys::Bucket;
use super::master::Master;
use super::scripts::{Scripts, is_unknown};
use super::{RedisStore, scripts};
use crate::limits::{DATED_TRIES, MAX_TICK_AGE};
use crate::store::Unavailable;

/// The keys and arguments of a script.
pub(super) type Request = (Vec<String>, Vec<Value>);

/// Which of a process's scripts.
pub(super) type Pick = fn(&Scripts) -> &Script;

impl RedisStore {
    /// Runs a script.
    pub(super) async fn run<T>(
        &self,
        bucket: Bucket,
        (pick, (keys, args)): (Pick, Request),
        read: impl FnOnce(Value) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let run = async { self.masters.of(bucket)?.run(pick, keys, args).await };
        run.await.and_then(read).map_err(unavailable)
    }

    /// Runs a script that dates what it writes to a game, with the bucket's last tick. It refuses to do so with an old one,
    /// and is not known to another process than the one that told it: then again with a new one.
    pub(super) async fn run_dated<T>(
        &self,
        id: GameId,
        (pick, request): (Pick, impl Fn(&Lease) -> Request),
        read: impl FnOnce(Value) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let run = async {
            let bucket = Bucket::of_game(id);
            let master = self.masters.of(bucket)?;
            // In this bucket nobody may have ticked for long; now there will be something to look at.
            master.expect_due(bucket);
            for _ in 0..DATED_TRIES {
                let lease = self.lease(&master, bucket).await?;
                let scripts = master.scripts();
                if lease.process != scripts.process {
                    continue;
                }
                let (keys, args) = request(&lease);
                match master.run_of(pick(&scripts), keys, args).await {
                    Err(error) if is_unknown(&error) => master.tick(bucket).await?,
                    Ok(reply) if scripts::is_fenced(&reply) => master.tick(bucket).await?,
                    result => return result,
                }
            }
            Err(Error::new(
                ErrorKind::Timeout,
                "the time goes on faster than it can be asked for",
            ))
        };
        run.await.and_then(read).map_err(unavailable)
    }

    /// The bucket's last tick, or a new one where that is too old. While the bucket heals there is none.
    async fn lease(&self, master: &Master, bucket: Bucket) -> Result<Lease, Error> {
        let clocks = &self.masters.hub().clocks;
        let fresh = || clocks.fresh_lease(bucket, (&master.scripts().process, Instant::now()));
        if let Some(lease) = fresh() {
            return Ok(lease);
        }
        if !clocks.is_healing(bucket, Instant::now()) {
            master.tick(bucket).await?;
        }
        fresh().ok_or_else(|| Error::new(ErrorKind::Cluster, "the bucket heals"))
    }

    /// Runs a plain command on one key.
    pub(super) async fn command<T: FromValue>(
        &self,
        bucket: Bucket,
        (name, args): (&'static str, Vec<String>),
    ) -> Result<T, Unavailable> {
        let run = async { self.masters.of(bucket)?.command(name, args).await };
        run.await.map_err(unavailable)
    }
}

/// Puts a tick before the arguments.
pub(super) fn dated((keys, args): Request) -> impl Fn(&Lease) -> Request {
    move |lease| {
        let tick = tick(lease).map(|number| Value::from(number.to_string()));
        let dated = tick.into_iter().chain(args.iter().cloned());
        (keys.clone(), dated.collect())
    }
}

/// A tick as scripts want it: TIME then, TIME after which it is too old, play time - TIME (ms).
pub(super) fn tick(lease: &Lease) -> [i64; 3] {
    let until = lease.wall.saturating_add(millis(MAX_TICK_AGE));
    // The play clock is late by the outages; only where the store's time was set back is it ahead.
    let (wall, play) = (signed(lease.wall), signed(lease.play));
    [wall, signed(until), play - wall]
}

/// A number for a script, in which less than 0 means something else.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Numbers as scripts unpack them, little-endian.
pub(super) fn packed(numbers: impl IntoIterator<Item = i64>) -> Value {
    let bytes = numbers.into_iter().flat_map(i64::to_le_bytes);
    Value::Bytes(bytes.collect())
}

pub(super) fn unavailable(error: Error) -> Unavailable {
    Unavailable(Box::new(error))
}
