//! Moves the play clocks of a master's buckets, once a second each, and with the answers keeps what this node knows of
//! the time, whether the master answers and is heard, which games are overdue, and whether an append was missed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::Value;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, warn};
use zeitnot_game::id::GameId;

use super::clocks::{Tick, millis};
use super::keys::{self, Bucket, Topic};
use super::master::Master;
use super::scripts::{self, Ticked, is_unknown};
use crate::limits::{
    COUNTED_OUTAGE, DUE_BATCH, DUE_GRACE, DUE_RETRY, FLAG_PAUSE_AFTER_LOSS, HEALING,
    IDLE_TICK_ROUNDS, LENGTHS_A_TICK, LENGTHS_ROUNDS, MASTER_LOOK_PERIOD, MAX_TICK_AGE,
    PROBE_SILENCE, SAME_TICK, STORE_SILENCE, STORE_TIMEOUT, TICK_PERIOD, TICK_SLICES,
};
use crate::metrics::METRICS;
use crate::store::Feed;

/// Signs of life of a master.
pub(super) struct Pulse {
    answered: Notify,
    /// It has been silent for [`STORE_SILENCE`].
    is_lost: AtomicBool,
    /// When it was met.
    began: Instant,
    /// When it answered again after the last time that it was lost.
    returned: Mutex<Option<Instant>>,
    /// It answers, but with an error: it cannot write now.
    refuses: AtomicBool,
    /// It says that it is a replica, and takes no writes.
    pub(super) is_replica: Notify,
    probes: Mutex<Probes>,
}

/// What was published by the ticks for this node itself.
struct Probes {
    /// When the last one of any bucket came back.
    heard: Instant,
    /// When the first one was sent of those that did not come back, by bucket.
    sent: HashMap<usize, Instant>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            answered: Notify::new(),
            is_lost: AtomicBool::new(false),
            began: Instant::now(),
            returned: Mutex::default(),
            refuses: AtomicBool::new(false),
            is_replica: Notify::new(),
            probes: Mutex::new(Probes {
                heard: Instant::now(),
                sent: HashMap::new(),
            }),
        }
    }

    /// Whether nothing has been heard for [`STORE_SILENCE`].
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    fn set_lost(&self, is_lost: bool) {
        if self.is_lost() && !is_lost {
            *lock(&self.returned) = Some(Instant::now());
        }
        // Afterwards, so that it is never neither.
        self.is_lost.store(is_lost, Ordering::Release);
    }

    /// When the master answered again after the last outage; while there is one, now.
    fn returned(&self) -> Option<Instant> {
        if self.is_lost() {
            return Some(Instant::now());
        }
        *lock(&self.returned)
    }

    pub(super) fn hear(&self, bucket: Bucket) {
        let mut probes = self.probes();
        probes.heard = Instant::now();
        probes.sent.remove(&bucket.index());
    }

    fn probe(&self, bucket: Bucket) {
        let mut probes = self.probes();
        let sent = probes.sent.entry(bucket.index());
        sent.or_insert_with(Instant::now);
    }

    /// Whether no probe at all comes back.
    fn is_deaf(&self) -> bool {
        self.probes().heard.elapsed() > PROBE_SILENCE
    }

    /// The buckets whose probes do not come back; each is named once in [`PROBE_SILENCE`].
    fn take_unheard(&self) -> Vec<usize> {
        let mut probes = self.probes();
        let is_late = |sent: &Instant| sent.elapsed() > PROBE_SILENCE;
        probes
            .sent
            .extract_if(|_, sent| is_late(sent))
            .map(|(bucket, _)| bucket)
            .collect()
    }

    fn probes(&self) -> MutexGuard<'_, Probes> {
        lock(&self.probes)
    }
}

/// Whether the server itself said so, and not that it is another server's business: it may write again some time.
fn is_answer(error: &Error) -> bool {
    const CANNOT_WRITE: [&str; 3] = ["MISCONF", "OOM", "NOREPLICAS"];
    let details = error.details();
    CANNOT_WRITE.iter().any(|word| details.contains(word))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole even if a holder panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bucket that shall be ticked, and what that shall find out beside the time.
#[derive(Clone, Copy)]
struct Wish<'a> {
    bucket: Bucket,
    probe: bool,
    lengths: &'a [GameId],
}

impl Wish<'_> {
    const fn of(bucket: Bucket) -> Self {
        Self {
            bucket,
            probe: false,
            lengths: &[],
        }
    }
}

impl Master {
    /// Says that a game in this bucket may be due some time, as the next ticks will tell.
    pub(super) fn expect_due(&self, bucket: Bucket) {
        self.busy[bucket.index()].store(IDLE_TICK_ROUNDS, Ordering::Relaxed);
    }

    /// Ticks one bucket now.
    pub(super) async fn tick(&self, bucket: Bucket) -> Result<(), Error> {
        self.tick_at_once(&[Wish::of(bucket)]).await
    }

    /// Ticks every bucket now.
    pub(super) async fn tick_all(&self) -> Result<(), Error> {
        let wishes: Vec<_> = self.buckets().map(Wish::of).collect();
        self.tick_these(&wishes).await.into_iter().collect()
    }

    /// Ticks buckets with as few requests as the server allows, all of them at the same time.
    async fn tick_these(&self, wishes: &[Wish<'_>]) -> Vec<Result<(), Error>> {
        let requests = wishes.chunks(self.buckets_a_request);
        join_all(requests.map(|wishes| self.tick_at_once(wishes))).await
    }

    /// Ticks buckets with one request.
    async fn tick_at_once(&self, wishes: &[Wish<'_>]) -> Result<(), Error> {
        let scripts = self.scripts();
        match self.tick_as(&scripts, wishes).await {
            Err(error) if is_unknown(&error) => {
                self.meet(&scripts).await?;
                self.tick_as(&self.scripts(), wishes).await
            }
            result => result,
        }
    }

    async fn tick_as(&self, scripts: &scripts::Scripts, wishes: &[Wish<'_>]) -> Result<(), Error> {
        let (keys, args) = self.request(wishes);
        let asked = Instant::now();
        for wish in wishes.iter().filter(|wish| wish.probe) {
            self.pulse.probe(wish.bucket);
        }
        let reply = self.run_of(&scripts.tick, keys, args).await;
        if reply.as_ref().is_err_and(is_answer) {
            self.pulse.refuses.store(true, Ordering::Relaxed);
        }
        let reply = reply?;
        let answered = Instant::now();
        let told = scripts::ticked(reply)?;
        self.pulse.answered.notify_one();
        for (wish, told) in wishes.iter().zip(told) {
            let tick = Tick {
                asked,
                answered,
                now: told.now,
                lease: told.lease(&scripts.process),
            };
            self.take(wish, told, tick);
        }
        Ok(())
    }

    /// Learns what a tick has told of one bucket.
    fn take(&self, wish: &Wish<'_>, told: Ticked, tick: Tick) {
        if self.hub.clocks.learn(wish.bucket, tick) {
            // Healing began, and this node may have what was lost; or it is over, and what the log says now counts.
            self.hub.resync_games(wish.bucket);
        }
        if told.has_due {
            self.expect_due(wish.bucket);
        }
        for id in told.overdue {
            // Two ticks may both have counted on the same room: the game comes again.
            let _ = self.hub.due.try_send(id);
        }
        for (&id, &length) in wish.lengths.iter().zip(&told.lengths) {
            self.hub.games.send(&id, Feed::Length(length));
        }
    }

    fn request(&self, wishes: &[Wish<'_>]) -> (Vec<String>, Vec<Value>) {
        let spans = [
            SAME_TICK,
            MAX_TICK_AGE,
            COUNTED_OUTAGE,
            HEALING,
            DUE_GRACE,
            DUE_RETRY,
        ];
        let mut args: Vec<Value> = spans
            .map(|span| Value::from(millis(span).to_string()))
            .into();
        let mut keys = Vec::new();
        for &Wish {
            bucket,
            probe,
            lengths,
        } in wishes
        {
            // What nobody here could take is left to other nodes, and after an outage to a later tick.
            let batch = if self.flags_from(bucket) > Instant::now() {
                0
            } else {
                self.hub.due.capacity().min(DUE_BATCH)
            };
            let known = self.hub.clocks.lease(bucket).map(|lease| lease.play);
            let known = known.map(|known| known.to_string()).unwrap_or_default();
            let channel = Topic::Probe(bucket, self.hub.mark).channel();
            keys.extend([bucket.clock(), bucket.due(), channel]);
            keys.extend(lengths.iter().map(|id| keys::log(*id)));
            args.extend([
                Value::from(batch.to_string()),
                Value::from(known),
                Value::from(if probe { "1" } else { "0" }),
                Value::from(lengths.len().to_string()),
            ]);
        }
        (keys, args)
    }

    /// From when on flags are called in a bucket, and games are handed out.
    pub(super) fn flags_from(&self, bucket: Bucket) -> Instant {
        let healed = self.hub.clocks.last_healed(bucket);
        let calm = self.pulse.returned().max(healed);
        // Where nothing ever happened, long ago.
        calm.map_or(self.pulse.began, |calm| calm + FLAG_PAUSE_AFTER_LOSS)
    }

    /// Ticks for ever. The buckets are divided into slices, which tick evenly over the second.
    pub(super) async fn keep_ticking(self: Arc<Self>) {
        let mut period = interval(TICK_PERIOD / TICK_SLICES);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 0_usize.. {
            for slice in 0..TICK_SLICES {
                period.tick().await;
                self.tick_slice(slice, round).await;
            }
        }
    }

    async fn tick_slice(&self, slice: u32, round: usize) {
        let followed = self.followed(slice);
        let Some(home) = self.buckets().next() else {
            return;
        };
        let wants_lengths = round.is_multiple_of(LENGTHS_ROUNDS);
        // One bucket's ticks are the sign of life: no more are sent to a server that does not answer.
        let is_lost = self.pulse.is_lost();
        let mut wishes = Vec::new();
        let slice_and_home = |bucket: &Bucket| bucket.slice() == slice || *bucket == home;
        for bucket in self.buckets().filter(slice_and_home) {
            let games = followed.get(&bucket.index()).map(Vec::as_slice);
            let is_home = bucket == home;
            let wants_tick =
                self.is_busy(bucket) || games.is_some() || round.is_multiple_of(IDLE_TICK_ROUNDS);
            if !is_home && (is_lost || !wants_tick) {
                continue;
            }
            let (probe, games) = (is_home || games.is_some(), games.unwrap_or_default());
            let asked = if wants_lengths { games } else { &[] };
            let mut lengths = asked.chunks(LENGTHS_A_TICK);
            wishes.push(Wish {
                bucket,
                probe,
                lengths: lengths.next().unwrap_or_default(),
            });
            // The games behind those.
            wishes.extend(lengths.map(|lengths| Wish {
                lengths,
                ..Wish::of(bucket)
            }));
        }
        // What fails is tried again in the next round.
        let _ = self.tick_these(&wishes).await;
        if self.owns(Bucket::SHARED) && slice == Bucket::SHARED.slice() {
            let _ = self.renew_lease().await;
        }
    }

    /// The buckets of a slice in which this node follows something, with the games among that.
    fn followed(&self, slice: u32) -> HashMap<usize, Vec<GameId>> {
        let mut followed: HashMap<usize, Vec<GameId>> = HashMap::new();
        let is_here = |bucket: &Bucket| bucket.slice() == slice && self.owns(*bucket);
        for id in self.hub.games.keys() {
            let bucket = Some(Bucket::of_game(id)).filter(is_here);
            if let Some(bucket) = bucket {
                followed.entry(bucket.index()).or_default().push(id);
            }
        }
        for user in self.hub.users.keys() {
            let bucket = Some(Bucket::of_user(&user)).filter(is_here);
            if let Some(bucket) = bucket {
                followed.entry(bucket.index()).or_default();
            }
        }
        followed
    }

    /// Takes one of its rounds.
    fn is_busy(&self, bucket: Bucket) -> bool {
        let rounds = &self.busy[bucket.index()];
        let less = |rounds: usize| rounds.checked_sub(1);
        rounds
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    /// Tells whether the master answers and is heard, and mends what does not, for ever. The driver does not see a
    /// connection that hangs.
    pub(super) async fn keep_looking(self: Arc<Self>) {
        loop {
            let has_answered = tokio::select! {
                answered = timeout(STORE_SILENCE, self.pulse.answered.notified()) => answered.is_ok(),
                () = self.pulse.is_replica.notified() => false,
            };
            self.pulse.set_lost(!has_answered);
            let is_deaf = self.pulse.is_deaf();
            self.hub
                .set_silent(self.buckets(), !has_answered || is_deaf);
            if !has_answered {
                // Another may have taken its place.
                self.hub.look_at_map.notify_one();
                // Where the disk is full, say, reading goes on by the same connection.
                if !self.pulse.refuses.swap(false, Ordering::Relaxed) {
                    self.connect_again(&self.client).await;
                }
            } else if is_deaf {
                METRICS.lost_probes.inc();
                warn!(redis.server = %self.name, "nothing is heard from Redis at {}", self.name);
                self.pulse.probes().heard = Instant::now();
                self.connect_again(&self.subscriber).await;
            } else {
                for index in self.pulse.take_unheard() {
                    METRICS.lost_probes.inc();
                    // What takes longer is found again: this task has more to look at.
                    let _ = timeout(STORE_TIMEOUT, self.renew(index)).await;
                }
            }
        }
    }

    /// Leaves a server that sentinels have replaced, for ever. It may be reached again before it is told, and then takes
    /// for a while what nobody will ever see, or refuses it.
    pub(super) async fn keep_told(self: Arc<Self>) {
        loop {
            sleep(MASTER_LOOK_PERIOD).await;
            // Who does not answer is not left for one that does not either.
            let Ok(Ok(visitor)) = timeout(MASTER_LOOK_PERIOD, self.access.visit()).await else {
                debug!("nobody tells where {} is", self.name);
                continue;
            };
            let told = visitor.active_connections();
            // It has told what was asked.
            let _ = timeout(STORE_TIMEOUT, visitor.quit()).await;
            if self.client.active_connections() != told {
                self.connect_again(&self.client).await;
            }
            if self.subscriber.active_connections() != told {
                self.connect_again(&self.subscriber).await;
            }
        }
    }

    /// Leaves a connection that does not work. One that is being made already is left alone.
    async fn connect_again(&self, client: &impl ClientLike) {
        if client.is_connected() {
            // It goes on when nobody waits for it.
            let _ = timeout(STORE_TIMEOUT, client.force_reconnection()).await;
        }
    }
}
