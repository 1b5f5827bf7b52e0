//! Moves the buckets' play clocks, once a second each, and with the answers keeps what this node knows of the time,
//! whether the store answers, and which games are overdue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use fred::clients::Client;
use fred::error::Error;
use fred::types::Value;
use fred::types::scripts::Script;
use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tracing::{info, warn};
use zeitnot_game::id::GameId;

use super::clocks::{Clocks, Tick, millis};
use super::keys::Bucket;
use super::scripts;
use crate::limits::{
    COUNTED_OUTAGE, DUE_BATCH, DUE_GRACE, DUE_RETRY, IDLE_TICK_ROUNDS, MAX_TICK_AGE, SAME_TICK,
    STORE_SILENCE, TICK_PERIOD, TICK_SLICES,
};
use crate::store::Health;
use crate::store::channels::GameChannels;

/// This node's ticks.
pub(super) struct Ticker {
    client: Client,
    script: Script,
    pub(super) clocks: Clocks,
    /// For how many more rounds each bucket ticks, though nothing is due there.
    busy: [AtomicUsize; Bucket::COUNT],
    /// Where a game is followed on this node.
    is_followed: [AtomicBool; Bucket::COUNT],
    due: mpsc::Sender<GameId>,
    answered: Notify,
    health: watch::Sender<Health>,
}

impl Ticker {
    /// Overdue games go to `due`, as many as it has room for.
    pub(super) fn new(client: Client, script: Script, due: mpsc::Sender<GameId>) -> Self {
        Self {
            client,
            script,
            clocks: Clocks::new(),
            busy: std::array::from_fn(|_| AtomicUsize::new(0)),
            is_followed: std::array::from_fn(|_| AtomicBool::new(false)),
            due,
            answered: Notify::new(),
            health: watch::Sender::new(Health::Ok),
        }
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Says that a game in this bucket may be due some time, as the next ticks will tell.
    pub(super) fn expect_due(&self, bucket: Bucket) {
        self.busy[bucket.index()].store(IDLE_TICK_ROUNDS, Ordering::Relaxed);
    }

    /// Ticks one bucket now.
    pub(super) async fn tick(&self, bucket: Bucket) -> Result<(), Error> {
        // What nobody here could take is left to other nodes.
        let batch = self.due.capacity().min(DUE_BATCH);
        let spans = [
            SAME_TICK,
            MAX_TICK_AGE,
            COUNTED_OUTAGE,
            DUE_GRACE,
            DUE_RETRY,
        ];
        let mut args: Vec<Value> = spans
            .map(|span| Value::from(millis(span).to_string()))
            .into();
        args.push(Value::from(batch.to_string()));
        let keys = vec![bucket.clock(), bucket.due()];
        let asked = Instant::now();
        let reply = scripts::run(&self.client, &self.script, keys, args).await?;
        let answered = Instant::now();
        let (now, lease, has_due, overdue) = scripts::ticked(reply)?;
        let tick = Tick {
            asked,
            answered,
            now,
            lease,
        };
        self.clocks.learn(bucket, &tick);
        if has_due {
            self.expect_due(bucket);
        }
        self.answered.notify_one();
        for id in overdue {
            // Two ticks may both have counted on the same room: the game comes again.
            let _ = self.due.try_send(id);
        }
        Ok(())
    }

    /// Ticks every bucket now.
    pub(super) async fn tick_all(&self) -> Result<(), Error> {
        let ticks = Bucket::all().map(|bucket| self.tick(bucket));
        join_all(ticks).await.into_iter().collect()
    }

    /// Ticks for ever. The buckets are divided into slices, which tick evenly over the second.
    pub(super) async fn keep(self: Arc<Self>, games: GameChannels) {
        let slices = (0..TICK_SLICES).map(|slice| self.keep_slice(slice, &games));
        join_all(slices).await;
    }

    async fn keep_slice(&self, slice: u32, games: &GameChannels) {
        let offset = TICK_PERIOD * slice / TICK_SLICES;
        let mut period = interval_at(tokio::time::Instant::now() + offset, TICK_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 0_usize.. {
            period.tick().await;
            if slice == 0 {
                self.note_followed(games);
            }
            let buckets = Bucket::all()
                .filter(|bucket| bucket.slice() == slice && self.wants_tick(*bucket, round));
            // What fails is tried again in the next round.
            join_all(buckets.map(|bucket| self.tick(bucket))).await;
        }
    }

    fn note_followed(&self, games: &GameChannels) {
        let mut is_followed = [false; Bucket::COUNT];
        for id in games.keys() {
            is_followed[Bucket::of_game(id).index()] = true;
        }
        for (flag, is_followed) in self.is_followed.iter().zip(is_followed) {
            flag.store(is_followed, Ordering::Relaxed);
        }
    }

    fn wants_tick(&self, bucket: Bucket, round: usize) -> bool {
        let index = bucket.index();
        // The first bucket's ticks are the probe: no more are sent to a store that does not answer.
        index == 0
            || *self.health.borrow() == Health::Ok
                && (self.is_busy(bucket)
                    || self.is_followed[index].load(Ordering::Relaxed)
                    || round.is_multiple_of(IDLE_TICK_ROUNDS))
    }

    /// Takes one of its rounds.
    fn is_busy(&self, bucket: Bucket) -> bool {
        let rounds = &self.busy[bucket.index()];
        let less = |rounds: usize| rounds.checked_sub(1);
        rounds
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    /// Tells whether the store answers, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let answered = timeout(STORE_SILENCE, self.answered.notified()).await;
            let health = match answered {
                Ok(()) => Health::Ok,
                Err(_) => Health::Unavailable,
            };
            let has_changed = self
                .health
                .send_if_modified(|known| std::mem::replace(known, health) != health);
            match health {
                _ if !has_changed => {}
                Health::Ok => info!("the store answers again"),
                Health::Unavailable => warn!("the store does not answer"),
            }
        }
    }
}
