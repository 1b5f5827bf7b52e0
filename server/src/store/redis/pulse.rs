//! Whether a master answers, is heard, and is still the one; where not, it is left for a new connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fred::interfaces::ClientLike;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::keys::Bucket;
use super::master::Master;
use crate::limits::{MASTER_LOOK_PERIOD, PROBE_SILENCE, STORE_SILENCE, STORE_TIMEOUT};
use crate::metrics::METRICS;

/// Signs of life of a master.
pub(super) struct Pulse {
    pub(super) answered: Notify,
    /// It has been silent for [`STORE_SILENCE`].
    is_lost: AtomicBool,
    /// When it was met.
    pub(super) began: Instant,
    /// When it answered again after the last time that it was lost.
    returned: Mutex<Option<Instant>>,
    /// It answers, but with an error: it cannot write now.
    pub(super) refuses: AtomicBool,
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
    pub(super) fn returned(&self) -> Option<Instant> {
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

    pub(super) fn probe(&self, bucket: Bucket) {
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

impl Master {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole even if a holder panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
