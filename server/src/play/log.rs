//! The log as commands reach it: what is appended, and again until the store answers or it is heard; what was missing,
//! read; what the store has lost, given back. Nothing else in the server appends.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{debug, info};
use zeitnot_game::entry::Entry;
use zeitnot_game::event::Event;
use zeitnot_game::game::{Game, Rejection};
use zeitnot_game::id::{Tag, Version};
use zeitnot_game::outcome::Outcome;
use zeitnot_game::time::{Millis, PlayTime, Timestamp};

use super::{Play, Refused};
use crate::limits::{MAX_READS, STORE_RETRY_PAUSE};
use crate::metrics::{AppendKind, METRICS};
use crate::replica::{Fit, Origin, Replica};
use crate::start;
use crate::store::{Append, Appended, Healed, Tail, Unavailable, random_tag};

/// Events that go into the log together, as the log is known now.
pub(super) struct Step {
    append: Append,
    events: Vec<Event>,
}

impl Step {
    pub(super) fn after(
        replica: &Replica,
        events: Vec<Event>,
        (not_before, now): (Option<Timestamp>, Timestamp),
    ) -> Self {
        let tag = random_tag();
        let append = Append {
            after: replica.game().head(),
            after_at: replica.game().at(),
            tag,
            origin: replica.game().origin(),
            bodies: events.iter().map(Event::to_string).collect(),
            not_before,
            due_in: due_after(replica.game(), &events, (tag, now)),
        };
        Self { append, events }
    }
}

impl Play {
    /// Sends an append until the store answers, what it published is heard, or `give_up` has come, always the same one, and
    /// folds in what became of it.
    pub(super) async fn write(&self, step: Step, give_up: Instant) -> Result<Written, Refused> {
        let version = step.append.head().version;
        let mut is_first = true;
        let (asked, appended) = loop {
            let asked = self.question();
            let appended = tokio::select! {
                biased;
                at = self.hear(&step.append) => Ok(Appended::Committed { version, at }),
                answered = self.store.append(self.id, &step.append) => answered,
            };
            METRICS.append_seconds.observe(asked.at.elapsed());
            METRICS.appends.at(kind_of(&appended)).inc();
            match appended {
                #[cfg(feature = "breakages")]
                Err(_) if crate::breakage::is_on("ack-before-commit") => {
                    return Ok(Written::Committed(step.append.after.version.next()));
                }
                Err(_) if asked.at < give_up => {
                    sleep(STORE_RETRY_PAUSE).await;
                }
                Ok(appended) => break (asked, appended),
                Err(reason) => {
                    debug!(game.id = %self.id, "an append to game {} was given up: {reason}", self.id);
                    return Err(Refused::Unavailable);
                }
            }
            is_first = false;
        };
        let now = self.store.play_time(self.id);
        match appended {
            Appended::Committed { version, at } => {
                count_flag(&step, at);
                self.fold_committed(&step, at, now);
                // What was committed at an earlier try may have been followed by other entries since.
                if is_first {
                    self.lock().confirm(asked.at);
                }
                Ok(Written::Committed(version))
            }
            Appended::Stale(tail) => {
                self.take(&tail, Origin::Compared, asked).await?;
                Ok(Written::Stale)
            }
            Appended::Early { at } => Ok(Written::Early(at)),
        }
    }

    /// The moment of an append, once it is the last that is known here: what is published often comes before the answer.
    /// The room's task folds that in, and looks here in its next step; where others fold it in, the answer is waited for.
    fn hear(&self, append: &Append) -> impl Future<Output = Timestamp> {
        let head = append.head();
        poll_fn(move |_| {
            let replica = self.lock();
            let game = replica.game();
            if game.head() == head {
                Poll::Ready(game.at())
            } else {
                Poll::Pending
            }
        })
    }

    /// Folds in the end of the store's log, or gives the store back what it has lost; the answer is from where it has to
    /// be read, if it does not fit.
    async fn take(
        &self,
        tail: &Tail,
        origin: Origin,
        asked: Question,
    ) -> Result<Option<Version>, Refused> {
        let now = self.store.play_time(self.id);
        let fit = {
            let mut replica = self.lock();
            let fit = replica.take_tail(tail, origin, (now, asked.held));
            if fit == Fit::Whole && tail.heals_for.is_zero() {
                replica.confirm(asked.at);
            }
            fit
        };
        match fit {
            Fit::Lost => self.heal(tail).await,
            fit => left_to_read(fit),
        }
    }

    /// Gives the store back what it has lost of this game. If it does not want it any more, its log counts.
    async fn heal(&self, tail: &Tail) -> Result<Option<Version>, Refused> {
        #[cfg(feature = "breakages")]
        if crate::breakage::is_on("no-healing") {
            let now = self.store.play_time(self.id);
            return left_to_read(self.lock().accept(tail, now));
        }
        let heal = self.lock().heal(tail);
        let (id, count) = (self.id, heal.lines.len());
        match self.store.heal(id, &heal).await? {
            Healed::Whole => {
                METRICS.healed_entries.inc_by(count as u64);
                info!(game.id = %id, count, "gave the store back {count} entries of game {id} that it had lost");
                Ok(None)
            }
            Healed::Stale => Ok(Some(self.lock().read_since())),
            Healed::Refused => {
                let now = self.store.play_time(id);
                left_to_read(self.lock().accept(tail, now))
            }
        }
    }

    /// The published lines may have come first.
    fn fold_committed(&self, step: &Step, at: Timestamp, now: PlayTime) {
        if self.lock().game().head() == step.append.head() {
            return;
        }
        let entry = |event| Entry::new(event, at, step.append.tag).as_str().to_owned();
        let lines: Vec<String> = step.events.iter().copied().map(entry).collect();
        let first = step.append.after.version.next();
        // A log that was reset meanwhile is read by the room.
        let _ = self.lock().fold(first, &lines, now);
    }

    /// Reads what this node does not have yet. Of a store that heals it is known only afterwards.
    pub(crate) async fn catch_up(&self) -> Result<(), Refused> {
        let mut since = self.lock().read_since();
        for _ in 0..MAX_READS {
            let asked = self.question();
            let tail = self.store.read(self.id, since).await?;
            since = match self.take(&tail, Origin::Read, asked).await? {
                None if tail.heals_for.is_zero() => return Ok(()),
                None => {
                    sleep(tail.heals_for).await;
                    self.lock().read_since()
                }
                Some(version) => version,
            };
        }
        Err(Refused::Unavailable)
    }

    fn question(&self) -> Question {
        Question {
            at: Instant::now(),
            held: self.lock().game().head().version,
        }
    }
}

/// When somebody has to look at the game after these events, counted from them.
fn due_after(game: &Game, events: &[Event], (tag, now): (Tag, Timestamp)) -> Option<Millis> {
    let (deadline, plies) = if let [Event::Played { charge, .. }] = *events {
        let deadline = game.deadline_after_move(charge, now);
        (Some(deadline), game.turns().len() + 1)
    } else {
        // Few appends are anything else: only they are worth a copy with all its past.
        let mut after = game.clone();
        for &event in events {
            after.evolve(&Entry::new(event, now, tag));
        }
        if after.next().is_some() {
            return Some(start::due_after_creation());
        }
        let deadline = after.deadline().map(|deadline| deadline.at);
        (deadline, after.turns().len())
    };
    let Some(deadline) = deadline else {
        return Some(Millis::ZERO);
    };
    let due_in = deadline.since(now);
    let is_announced = plies >= 2;
    Some(if is_announced {
        due_in
    } else {
        due_in.min(start::due_after_creation())
    })
}

/// From where the log has to be read, if what came of it does not fit.
fn left_to_read(fit: Fit) -> Result<Option<Version>, Refused> {
    match fit {
        Fit::Whole => Ok(None),
        Fit::ReadSince(version) => Ok(Some(version)),
        Fit::Lost => Ok(Some(Version(0))),
        Fit::Gone => Err(Refused::NotFound),
        Fit::Unreadable => Err(Rejection::Unreadable.into()),
    }
}

/// What is counted of an append.
const fn kind_of(appended: &Result<Appended, Unavailable>) -> AppendKind {
    match appended {
        Ok(Appended::Committed { .. }) => AppendKind::Committed,
        Ok(Appended::Stale(_)) => AppendKind::Stale,
        Ok(Appended::Early { .. }) => AppendKind::Early,
        Err(_) => AppendKind::Unavailable,
    }
}

/// How late a flag was called, if it was.
fn count_flag(step: &Step, at: Timestamp) {
    let is_flag = |event: &Event| {
        let Event::Ended { outcome, .. } = event else {
            return false;
        };
        matches!(outcome, Outcome::Flagged { .. })
    };
    if let Some(moment) = step.append.not_before
        && step.events.iter().any(is_flag)
    {
        let delay = Duration::from_millis(at.since(moment).0);
        METRICS.flag_delay_seconds.observe(delay);
    }
}

/// When the store was asked, and what was held here then: what is published before the answer comes is not in it.
#[derive(Debug, Clone, Copy)]
struct Question {
    at: Instant,
    held: Version,
}

/// What became of a step.
pub(super) enum Written {
    Committed(Version),
    Stale,
    Early(Timestamp),
}
