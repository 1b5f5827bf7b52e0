//! Moves the play clocks of a master's buckets, once a second each, and with the answers keeps what this node knows of
//! the time, which games are overdue, and whether an append was missed. They are the master's pulse.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use fred::error::Error;
use fred::types::Value;
use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval};
use zeitnot_game::id::GameId;

use super::clocks::{Tick, millis};
use super::keys::{self, Bucket, Topic};
use super::master::Master;
use super::scripts::{self, Ticked, is_unknown};
use crate::limits::{
    COUNTED_OUTAGE, DUE_BATCH, DUE_GRACE, DUE_RETRY, FLAG_PAUSE_AFTER_LOSS, HEALING,
    IDLE_TICK_ROUNDS, LENGTHS_A_TICK, LENGTHS_ROUNDS, MAX_TICK_AGE, SAME_TICK, TICK_PERIOD,
    TICK_SLICES, TICKS_AT_ONCE,
};
use crate::store::Feed;

/// Whether the server itself said so, and not that it is another server's business: it may write again some time.
fn is_answer(error: &Error) -> bool {
    const CANNOT_WRITE: [&str; 3] = ["MISCONF", "OOM", "NOREPLICAS"];
    let details = error.details();
    CANNOT_WRITE.iter().any(|word| details.contains(word))
}

/// A bucket that shall be ticked, and what that shall find out beside the time.
#[derive(Clone, Copy)]
struct Wish<'a> {
    bucket: Bucket,
    probe: bool,
    lengths: &'a [GameId],
    /// Whether overdue games may be handed out.
    takes_due: bool,
}

impl Wish<'_> {
    const fn of(bucket: Bucket) -> Self {
        Self {
            bucket,
            probe: false,
            lengths: &[],
            takes_due: true,
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
        // Who asks may go before the answer, and nobody would look at the games that it hands out.
        let wishes = [Wish {
            takes_due: false,
            ..Wish::of(bucket)
        }];
        // Seldom done, and large: in a box, so that whatever may have to do it is small.
        Box::pin(self.tick_at_once(&wishes)).await
    }

    /// Ticks every bucket now.
    pub(super) async fn tick_all(&self) -> Result<(), Error> {
        let wishes: Vec<_> = self.buckets().map(Wish::of).collect();
        self.tick_these(&wishes).await
    }

    /// Ticks buckets with as few requests as the server allows, few at a time: between them the server does something
    /// else. Where nothing at all is answered, no more is asked.
    async fn tick_these(&self, wishes: &[Wish<'_>]) -> Result<(), Error> {
        let mut outcome = Ok(());
        for wishes in wishes.chunks(TICKS_AT_ONCE) {
            let requests = wishes.chunks(self.buckets_a_request);
            let ticked = join_all(requests.map(|wishes| self.tick_at_once(wishes))).await;
            let is_lost = ticked.iter().all(Result::is_err);
            outcome = ticked.into_iter().collect::<Result<(), _>>().and(outcome);
            if is_lost {
                break;
            }
        }
        outcome
    }

    /// Ticks buckets with one request.
    async fn tick_at_once(&self, wishes: &[Wish<'_>]) -> Result<(), Error> {
        let scripts = self.scripts();
        match self.tick_as(&scripts, wishes).await {
            Err(error) if is_unknown(&error) => {
                Box::pin(self.meet(&scripts)).await?;
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
        let (now, told) = scripts::ticked(reply)?;
        self.pulse.answered.notify_one();
        for (wish, told) in wishes.iter().zip(told) {
            let tick = Tick {
                asked,
                answered,
                now,
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
            self.hub.games.tell(&id, Feed::Length(length));
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
            takes_due,
        } in wishes
        {
            // What nobody here could take is left to other nodes, and after an outage to a later tick.
            let batch = if !takes_due || self.flags_from(bucket) > Instant::now() {
                0
            } else {
                self.hub.due.capacity().min(DUE_BATCH)
            };
            let known = self.hub.clocks.lease(bucket).map(|lease| lease.play);
            let known = known.map(|known| known.to_string()).unwrap_or_default();
            keys.extend([bucket.clock(), bucket.due()]);
            keys.extend(lengths.iter().map(|id| keys::log(*id)));
            if probe {
                keys.push(Topic::Probe(bucket, self.hub.mark).channel());
            }
            args.extend([
                Value::from(batch.to_string()),
                Value::from(known),
                Value::from(lengths.len().to_string()),
                Value::from(if probe { "1" } else { "0" }),
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
            // Slots leave a server one by one, and what is subscribed there with them. Else one probe speaks for all.
            let probe = is_home || (self.has_slots() && games.is_some());
            let games = games.unwrap_or_default();
            let asked = if wants_lengths { games } else { &[] };
            let mut lengths = asked.chunks(LENGTHS_A_TICK);
            wishes.push(Wish {
                probe,
                lengths: lengths.next().unwrap_or_default(),
                ..Wish::of(bucket)
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

    /// The buckets of a slice in which this node follows something that wants ticks, with the games among that.
    fn followed(&self, slice: u32) -> HashMap<usize, Vec<GameId>> {
        let mut followed: HashMap<usize, Vec<GameId>> = HashMap::new();
        let is_here = |bucket: &Bucket| bucket.slice() == slice && self.owns(*bucket);
        let here = |bucket: Bucket| Some(bucket).filter(is_here).map(Bucket::index);
        let games = &self.hub.games;
        for (bucket, id) in games.pick(|&id| here(Bucket::of_game(id)).map(|at| (at, id))) {
            followed.entry(bucket).or_default().push(id);
        }
        // Users have no clocks: only their channels are to be watched.
        if self.has_slots() {
            for bucket in self.hub.users.pick(|user| here(Bucket::of_user(user))) {
                followed.entry(bucket).or_default();
            }
        }
        followed
    }

    /// Whether it is one of a cluster.
    const fn has_slots(&self) -> bool {
        self.buckets_a_request == 1
    }

    /// Takes one of its rounds.
    fn is_busy(&self, bucket: Bucket) -> bool {
        let rounds = &self.busy[bucket.index()];
        let less = |rounds: usize| rounds.checked_sub(1);
        rounds
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}
