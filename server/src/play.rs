//! The one use case: decide on a command, append what it causes, and where others were faster, catch up and decide
//! again. Nothing else in the server decides, and nothing but `play/log.rs`, which is a part of this, appends.

mod log;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep};
use tracing::{debug, warn};
use zeitnot_game::event::{Asked, Command};
use zeitnot_game::game::{Decision, Game, Rejection};
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, Timestamp};
use zeitnot_game::wire::{Room, Snapshot};

use self::log::{Step, Written};
use crate::chat::{self, Say};
use crate::limits::{MAX_DECISIONS, STORE_PATIENCE, STORE_RETRY_PAUSE, UNREADABLE_RETRY};
use crate::quota::TooMuch;
use crate::replica::Replica;
use crate::start;
use crate::store::{Store, Unavailable, random_tag};

/// A command of a user.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who asks.
    pub user: UserId,
    /// What.
    pub command: Command,
    /// The version that the user had seen.
    pub seen: Option<Version>,
    /// When it arrived, by the play clock.
    pub received: PlayTime,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The rules of the game refuse it, and the log was looked at.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The user has no seat in this game.
    #[error("you do not play in this game")]
    NoSeat,
    /// The user may not speak there.
    #[error("this room is not yours to speak in")]
    NotYourRoom,
    /// There is no such game.
    #[error("there is no such game")]
    NotFound,
    /// Too many commands wait for this game.
    #[error("too many commands at once for this game")]
    Busy,
    /// The user does this too often, here and elsewhere.
    #[error("too often in a short time: wait a little")]
    TooMuch {
        /// After how long it may be done again.
        retry_after: Millis,
    },
    /// The store did not answer: ask the same again.
    #[error("the store does not answer: try the same again")]
    Unavailable,
}

impl From<TooMuch> for Refused {
    fn from(TooMuch { retry_after }: TooMuch) -> Self {
        Self::TooMuch { retry_after }
    }
}

impl From<Unavailable> for Refused {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// What carrying out a command needs.
pub(crate) struct Play {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) replica: Arc<Mutex<Replica>>,
    pub(crate) id: GameId,
}

enum Next {
    Done(Version),
    Write { step: Step, is_the_answer: bool },
    Refuse(Rejection),
}

impl Play {
    /// Carries out a command that arrived at `arrived`; the answer is the last version that it wrote.
    pub(crate) async fn carry_out(
        &self,
        asking: &Asking,
        arrived: Instant,
    ) -> Result<Version, Refused> {
        let give_up = arrived + STORE_PATIENCE;
        if Instant::now() >= give_up {
            return Err(Refused::Unavailable);
        }
        let mut asked = {
            let replica = self.lock();
            let by = replica.seat_of(&asking.user).ok_or(Refused::NoSeat)?;
            Asked {
                by,
                command: asking.command,
                seen: asking.seen,
                received: asking.received.on_scale_of(replica.game().origin()),
            }
        };
        if let Command::Claim { .. } = asked.command {
            self.sit().await?;
        }
        for _ in 0..MAX_DECISIONS {
            if let Command::Claim { claim_at, .. } = &mut asked.command {
                let replica = self.lock();
                *claim_at = replica.people().claim_at(replica.game(), asked.by);
            }
            match self.next(&asked) {
                #[cfg(feature = "breakages")]
                Next::Done(_) if crate::breakage::is_on("forget-what-was-done") => {
                    return Err(Rejection::Stale.into());
                }
                Next::Done(version) => return Ok(version),
                Next::Refuse(rejection) if self.lock().is_confirmed_since(arrived) => {
                    return Err(rejection.into());
                }
                #[cfg(feature = "breakages")]
                Next::Refuse(why) if crate::breakage::is_on("refuse-without-reading") => {
                    return Err(why.into());
                }
                Next::Refuse(_) => self.catch_up().await?,
                Next::Write {
                    step,
                    is_the_answer,
                } => match self.write(step, give_up).await? {
                    Written::Committed(version) if is_the_answer => {
                        self.begin_rematch(&asked).await;
                        return Ok(version);
                    }
                    Written::Committed(_) | Written::Stale => {}
                    // This node's clock is ahead: the command came no later than now.
                    Written::Early(now) => asked.received = asked.received.min(now),
                },
            }
        }
        warn!(game.id = %self.id, "game {} went on faster than a command could be decided", self.id);
        Err(Refused::Unavailable)
    }

    /// An agreed rematch begins at once; if that fails, the game is due soon and another node begins it.
    async fn begin_rematch(&self, asked: &Asked) {
        let Command::Rematch(..) = asked.command else {
            return;
        };
        let (store, game) = (&*self.store, self.lock().game().clone());
        let begun = async {
            if let Some((next, setup)) = start::rematch(store, &game, random_tag()).await? {
                start::announce(store, next, &setup).await?;
            }
            Ok::<_, Unavailable>(())
        };
        if let Err(reason) = begun.await {
            debug!(game.id = %self.id, "the rematch of game {} begins later: {reason}", self.id);
        }
    }

    fn next(&self, asked: &Asked) -> Next {
        let replica = self.lock();
        let (events, not_before, is_the_answer) = match replica.game().decide(asked) {
            Ok(Decision::Append { events, not_before }) => (events, not_before, true),
            Ok(Decision::Done(version)) => return Next::Done(version),
            Ok(Decision::TimeIsUp(deadline)) => (vec![deadline.event()], Some(deadline.at), false),
            Err(rejection) => return Next::Refuse(rejection),
        };
        let now = replica.on_scale(self.store.play_time(self.id));
        Next::Write {
            step: Step::after(&replica, events, (not_before, now)),
            is_the_answer,
        }
    }

    /// Writes the end that the passing of time has brought, if it has. What fails is tried again by whoever looks next.
    pub(crate) async fn end_if_time_is_up(&self) {
        if Instant::now() < self.store.flags_from(self.id).into() {
            return;
        }
        let step = {
            let replica = self.lock();
            let now = replica.on_scale(self.store.play_time(self.id));
            let Some(deadline) = replica.game().expired(now) else {
                return;
            };
            let event = vec![deadline.event()];
            Step::after(&replica, event, (Some(deadline.at), now))
        };
        // Not again and again: after an outage players who were cut off come first.
        if self.write(step, Instant::now()).await.is_err() {
            debug!(game.id = %self.id, "the time of game {} is up, but the store does not answer", self.id);
        }
    }

    /// The game after a look at the log, and the moment now on its scale.
    pub(crate) async fn look(&self) -> Result<(Game, Timestamp), Refused> {
        self.catch_up().await?;
        let replica = self.lock();
        let now = replica.on_scale(self.store.play_time(self.id));
        Ok((replica.game().clone(), now))
    }

    /// What a user is shown of the game after a look at the log: the same that a follower gets.
    pub(crate) async fn show(&self, user: Option<&UserId>) -> Result<Snapshot, Refused> {
        self.catch_up().await?;
        if !self.lock().people().is_known() {
            // Without an answer it is shown without them.
            let _ = self.sit().await;
        }
        let replica = self.lock();
        let seat = user.and_then(|user| replica.seat_of(user));
        Ok(replica.snapshot(seat, self.store.play_time(self.id)))
    }

    /// Notes in the store who is here, and takes note of who is elsewhere.
    pub(crate) async fn sit(&self) -> Result<(), Unavailable> {
        let here = self.lock().note_people();
        let seats = self.store.sit(self.id, &here).await;
        let mut replica = self.lock();
        let people = replica.people_mut();
        match seats {
            Ok(seats) => {
                people.noted(seats);
                Ok(())
            }
            Err(reason) => {
                people.fail(Instant::now());
                Err(reason)
            }
        }
    }

    /// Says a line at the game: seats among themselves, others among themselves, and seats there too after the end.
    ///
    /// # Errors
    /// It is not this user's room, or the store did not answer.
    pub(crate) async fn say(&self, say: Say) -> Result<(), Refused> {
        {
            let replica = self.lock();
            let has_seat = replica.seat_of(&say.author.id).is_some();
            let may_speak = match say.room {
                Room::Players => has_seat,
                Room::Spectators => !has_seat || replica.game().outcome().is_some(),
            };
            if !may_speak {
                return Err(Refused::NotYourRoom);
            }
        }
        let line = chat::line(&say);
        let began = Instant::now();
        while let Err(reason) = self.store.say(self.id, &line).await {
            if began.elapsed() >= STORE_PATIENCE {
                return Err(reason.into());
            }
            sleep(STORE_RETRY_PAUSE).await;
        }
        Ok(())
    }

    /// Does what is due for this game: its end, its beginning, what follows its end. Leaves it to be looked at again
    /// when there will be something to do.
    ///
    /// # Errors
    /// The store did not answer: the game is handed out again.
    pub(crate) async fn settle(&self, keep_finished: Millis) -> Result<(), Refused> {
        self.catch_up().await?;
        self.end_if_time_is_up().await;
        let (game, now) = {
            let replica = self.lock();
            let now = replica.on_scale(self.store.play_time(self.id));
            (replica.game().clone(), now)
        };
        let (store, version) = (&*self.store, game.head().version);
        let due_in = if game.outcome().is_some() {
            start::retire(store, self.id, game.setup()).await?;
            let age = now.since(game.at());
            if age >= keep_finished {
                store.forget(self.id, version).await?;
                // Who still follows it finds it gone, here as on any other node.
                return self.catch_up().await;
            }
            // It is due soon itself, and tells its players then.
            start::rematch(store, &game, random_tag()).await?;
            keep_finished - age
        } else {
            // Whoever began the game may have died before it told both; once both have moved, they know.
            if game.turns().len() < 2 {
                start::announce(store, self.id, game.setup()).await?;
            }
            match game.deadline() {
                Some(deadline) => deadline.at.since(now),
                // This build cannot read it: another one will.
                None => UNREADABLE_RETRY,
            }
        };
        Ok(store.schedule(self.id, version, Some(due_in)).await?)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Replica> {
        // Shared only with the room's own task, and never across a wait.
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
