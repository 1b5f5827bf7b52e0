//! The task of one room: its mailbox, what the store publishes, the command in flight.

mod people;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tracing::debug;
use zeitnot_game::game::Rejection;
use zeitnot_game::id::{GameId, Version};

use super::opening::{open, put_off};
use super::{Message, Rooms};
use crate::limits::{
    COMMAND_QUEUE, FLAG_RETRY_PAUSE, FLAG_SLACK, LENGTH_GRACE, MAX_ASIDE, READ_RETRY_PAUSE,
    ROOM_LINGER, SPECTATOR_CATCH_UP, STORE_PATIENCE, STORE_RETRY_PAUSE,
};
use crate::metrics::{Counted, METRICS};
use crate::play::{Asking, Play, Refused};
use crate::replica::{Fit, Replica, Watch, Watched};
use crate::store::{Feed, Follow};

type Answer<T> = oneshot::Sender<Result<T, Refused>>;

/// Opens a room and serves it until nobody needs it.
pub(super) async fn run(rooms: Rooms, id: GameId, mut mailbox: mpsc::Receiver<Message>) {
    let _open = Counted::among(&METRICS.rooms);
    // Done once, and large: in a box, so that the task which lives on is small.
    match Box::pin(open(&rooms, id)).await {
        Ok((replica, follow)) => {
            let room = Box::new(Room {
                rooms,
                id,
                mailbox,
                replica,
                follow,
                current: None,
                waiting: VecDeque::new(),
                no_flag_before: Instant::now(),
                reading: None,
                sitting: None,
                early: Vec::new(),
                arriving: None,
                aside: FuturesUnordered::new(),
                must_read: false,
                missing: None,
                catch_up_at: None,
                empty_since: Some(Instant::now()),
            });
            room.serve().await;
        }
        Err(refused) => {
            // Whoever comes between the last message and the retiring is answered, too.
            let mut is_due = false;
            while !rooms.retire(id, &mut mailbox) {
                while let Ok(message) = mailbox.try_recv() {
                    is_due |= matches!(message, Message::Settle(_));
                    refuse(message, refused);
                }
            }
            while let Some(message) = mailbox.recv().await {
                refuse(message, refused);
            }
            if is_due && refused == Refused::Rejected(Rejection::Unreadable) {
                Box::pin(put_off(&rooms, id)).await;
            }
        }
    }
}

fn refuse(message: Message, refused: Refused) {
    match message {
        Message::Watch(_, tx) => answer(tx, Err(refused)),
        Message::Ask(_, tx) => answer(tx, Err(refused)),
        Message::Look(tx) => answer(tx, Err(refused)),
        Message::Show(_, tx) => answer(tx, Err(refused)),
        Message::Say(_, tx) => answer(tx, Err(refused)),
        Message::Unwatch(..)
        | Message::SetSilent(..)
        | Message::LookAtClock
        | Message::Settle(_) => {}
    }
}

fn answer<T>(tx: Answer<T>, outcome: Result<T, Refused>) {
    // Who does not wait for the answer any more misses nothing.
    let _ = tx.send(outcome);
}

struct Room {
    rooms: Rooms,
    id: GameId,
    mailbox: mpsc::Receiver<Message>,
    replica: Arc<Mutex<Replica>>,
    follow: Follow,
    /// The command that is being carried out: one at a time, so that at most one append is in flight.
    current: Option<BoxFuture<'static, ()>>,
    waiting: VecDeque<(Asking, Instant, Answer<Version>)>,
    no_flag_before: Instant,
    /// A look at the log.
    reading: Option<BoxFuture<'static, Result<(), Refused>>>,
    /// Who is here is being noted in the store.
    sitting: Option<BoxFuture<'static, ()>>,
    /// Followers who have seen more than this node, and wait for a look at the log.
    early: Vec<(Watch, Answer<Watched>)>,
    /// The first follower, who waits until it is noted.
    arriving: Option<(Watch, Answer<Watched>)>,
    /// What is done beside the commands.
    aside: FuturesUnordered<BoxFuture<'static, ()>>,
    /// Another one is needed after the one under way.
    must_read: bool,
    /// So long the log is said to be, and when it is read if this node has not heard of the rest by then.
    missing: Option<(Version, Instant)>,
    /// When spectators that fell behind are offered the latest snapshot.
    catch_up_at: Option<Instant>,
    /// Since when nobody follows and nothing was asked.
    empty_since: Option<Instant>,
}

impl Room {
    async fn serve(mut self: Box<Self>) {
        // Made once, and set where the moment is another one.
        let mut alarm = pin!(sleep(Duration::ZERO));
        loop {
            let moment = self.alarm();
            if let Some(moment) = moment.filter(|&moment| moment != alarm.deadline()) {
                alarm.as_mut().reset(moment);
            }
            tokio::select! {
                message = self.mailbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => return,
                },
                feed = self.follow.next() => self.on_feed(feed),
                Some(()) = OptionFuture::from(self.current.as_mut()) => self.next_command(),
                Some(read) = OptionFuture::from(self.reading.as_mut()) => self.on_read(read),
                Some(()) = OptionFuture::from(self.sitting.as_mut()) => self.on_seated(),
                Some(()) = self.aside.next() => {}
                () = &mut alarm, if moment.is_some() => {
                    self.on_alarm();
                    let is_over = self.closes_at().is_some_and(|moment| moment <= Instant::now());
                    if is_over && self.rooms.retire(self.id, &mut self.mailbox) {
                        return Box::pin(self.hand_over()).await;
                    }
                }
            }
            self.look_around();
        }
    }

    /// When to look at the time next; who is here is looked at after each step.
    fn alarm(&self) -> Option<Instant> {
        let moments = [
            self.people_at(),
            self.deadline(),
            self.catch_up_at,
            self.missing.map(|(_, moment)| moment),
            self.closes_at(),
        ];
        moments.into_iter().flatten().min()
    }

    fn on_alarm(&mut self) {
        let now = Instant::now();
        self.look_at_clock();
        if self.catch_up_at.is_some_and(|moment| moment <= now) {
            let now = self.rooms.store.play_time(self.id);
            self.lock().catch_spectators_up(now);
            self.catch_up_at = None;
        }
        if let Some((length, _)) = self.missing.take_if(|(_, moment)| *moment <= now)
            && self.is_behind(length)
        {
            self.read();
        }
    }

    /// When the room closes if nobody needs it until then.
    fn closes_at(&self) -> Option<Instant> {
        let since = self.empty_since?;
        let is_idle = self.current.is_none()
            && self.aside.is_empty()
            && self.early.is_empty()
            && self.sitting.is_none()
            && self.people_at().is_none();
        is_idle.then(|| since + ROOM_LINGER)
    }

    /// What came while the room closed goes to the next one.
    async fn hand_over(mut self: Box<Self>) {
        debug!(game.id = %self.id, "closed game {}", self.id);
        while let Some(message) = self.mailbox.recv().await {
            // Who cannot be heard is answered by the loss of its answer: the store is unavailable.
            let _ = self.rooms.deliver(self.id, message).await;
        }
    }

    /// Tells of people who came or went, and the store how much this node has, and notes since when nobody is here, and
    /// when to look after spectators that fell behind.
    fn look_around(&mut self) {
        self.look_at_people();
        let (is_followed, is_behind) = {
            let replica = self.lock();
            // Whoever looks at the log may find that it is another one.
            let looks = self.current.is_some() || self.reading.is_some() || !self.aside.is_empty();
            let known = !looks && !replica.is_broken();
            self.follow.know(known.then(|| replica.game().head()));
            (replica.is_followed(), replica.has_spectators_behind())
        };
        if is_behind && self.catch_up_at.is_none() {
            self.catch_up_at = Some(Instant::now() + SPECTATOR_CATCH_UP);
        }
        self.empty_since = match self.empty_since {
            _ if is_followed => None,
            None => Some(Instant::now()),
            since => since,
        };
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Watch(watch, tx) => self.on_watch(*watch, tx),
            Message::Unwatch(follower, how) => {
                let is_gone = |watch: &Watch| watch.follower == follower;
                self.early.retain(|(watch, _)| !is_gone(watch));
                self.arriving.take_if(|(watch, _)| is_gone(watch));
                self.lock().leave(follower, how);
            }
            Message::SetSilent(follower, is_silent) => {
                self.lock().people_mut().set_silent(follower, is_silent);
            }
            Message::LookAtClock => self.look_at_clock(),
            Message::Look(tx) if self.is_busy_aside() => answer(tx, Err(Refused::Busy)),
            Message::Show(_, tx) if self.is_busy_aside() => answer(tx, Err(Refused::Busy)),
            Message::Say(_, tx) if self.is_busy_aside() => answer(tx, Err(Refused::Busy)),
            Message::Look(tx) => self.aside(|play| async move {
                answer(tx, play.look().await);
            }),
            Message::Show(user, tx) => self.aside(|play| async move {
                answer(tx, play.show(user.as_ref()).await);
            }),
            Message::Say(say, tx) => self.aside(|play| async move {
                answer(tx, play.say(*say).await);
            }),
            Message::Settle(permit) => self.settle(permit),
            Message::Ask(_, tx) if self.waiting.len() >= COMMAND_QUEUE => {
                answer(tx, Err(Refused::Busy));
            }
            Message::Ask(asking, tx) => {
                self.empty_since = Some(Instant::now());
                self.waiting.push_back((*asking, Instant::now(), tx));
                if self.current.is_none() {
                    self.next_command();
                }
            }
        }
    }

    /// A follower that has seen more than this node waits for one read of the log.
    fn on_watch(&mut self, watch: Watch, tx: Answer<Watched>) {
        #[cfg(feature = "breakages")]
        let watch = Watch {
            since: crate::breakage::version_of(watch.since),
            ..watch
        };
        let must_read = {
            let replica = self.lock();
            let head = replica.game().head().version;
            replica.is_broken() || watch.since.is_some_and(|since| since > head)
        };
        if !must_read {
            self.receive(watch, tx);
        } else if self.is_busy_aside() {
            answer(tx, Err(Refused::Busy));
        } else {
            self.early.push((watch, tx));
            self.read();
        }
    }

    /// Whether as much is done beside the commands as may be: then readers wait, and commands do not.
    fn is_busy_aside(&self) -> bool {
        self.aside.len() + self.early.len() >= MAX_ASIDE
    }

    /// Does something beside the commands, which keeps the room open.
    fn aside<F>(&self, run: impl FnOnce(Play) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.aside.push(Box::pin(run(self.play())));
    }

    fn next_command(&mut self) {
        let next = self.waiting.pop_front();
        self.current = next.map(|(asking, arrived, tx)| {
            let play = self.play();
            let carried_out = async move {
                answer(tx, play.carry_out(&asking, arrived).await);
            };
            Box::pin(carried_out) as BoxFuture<'static, ()>
        });
    }

    /// When to call the flag of the side to move, on this task's own clock.
    fn deadline(&self) -> Option<Instant> {
        if self.current.is_some() {
            return None;
        }
        let replica = self.lock();
        let deadline = replica.game().deadline().filter(|_| !replica.is_broken())?;
        let now = replica.on_scale(self.rooms.store.play_time(self.id));
        let left = (deadline.at + FLAG_SLACK).since(now);
        let moment = Instant::now().checked_add(Duration::from_millis(left.0))?;
        let flags_from = self.rooms.store.flags_from(self.id).into();
        Some(moment.max(self.no_flag_before).max(flags_from))
    }

    /// A client thinks that a flag has fallen: the room's own deadline tells.
    fn look_at_clock(&mut self) {
        if self
            .deadline()
            .is_some_and(|moment| moment <= Instant::now())
        {
            self.call_flag();
        }
    }

    /// Ends the game if its time is up.
    fn call_flag(&mut self) {
        if self.current.is_some() {
            return;
        }
        self.no_flag_before = Instant::now() + FLAG_RETRY_PAUSE;
        let play = self.play();
        self.current = Some(Box::pin(async move { play.end_if_time_is_up().await }));
    }

    /// Does what is due for the game. A room that was opened for this alone ends with it.
    fn settle(&mut self, permit: OwnedSemaphorePermit) {
        if self.current.is_some() {
            return;
        }
        if self.empty_since.is_some() {
            self.empty_since = Instant::now().checked_sub(ROOM_LINGER);
        }
        let (play, keep_finished) = (self.play(), self.rooms.keep_finished);
        let id = self.id;
        self.current = Some(Box::pin(async move {
            if let Err(reason) = play.settle(keep_finished).await {
                debug!(game.id = %id, "game {id} is settled later: {reason}");
            }
            drop(permit);
        }));
    }

    /// Reads the lines of chat that this node may have missed.
    fn read_chat(&self) {
        self.aside(|play| async move {
            let give_up = Instant::now() + STORE_PATIENCE;
            let chat = loop {
                match play.store.chat(play.id).await {
                    Ok(chat) => break chat,
                    Err(_) if Instant::now() < give_up => sleep(STORE_RETRY_PAUSE).await,
                    Err(_) => return,
                }
            };
            let mut replica = play.lock();
            chat.iter().for_each(|said| replica.hear(said));
        });
    }

    fn play(&self) -> Play {
        Play {
            store: Arc::clone(&self.rooms.store),
            replica: Arc::clone(&self.replica),
            id: self.id,
        }
    }

    fn on_feed(&mut self, feed: Feed) {
        let now = self.rooms.store.play_time(self.id);
        #[cfg(feature = "breakages")]
        if crate::breakage::is_on("no-gap-read") {
            if let Feed::Published(published) = feed {
                let _ = self.lock().take_published(&published, now);
            }
            return;
        }
        match feed {
            Feed::Published(published) => {
                let fit = self.lock().take_published(&published, now);
                if fit != Fit::Whole {
                    self.read();
                }
            }
            Feed::Said(said) => self.lock().hear(&said),
            Feed::Seats(seats) => self.lock().people_mut().hear(&seats, Instant::now()),
            Feed::Gone(node) => self.lock().people_mut().lose(node),
            Feed::Length(length) => {
                // What was appended just now is on its way.
                if self.is_behind(length) {
                    self.missing = Some((length, Instant::now() + LENGTH_GRACE));
                }
            }
            Feed::Resync => {
                METRICS.resyncs.inc();
                self.lock().people_mut().look();
                self.read_chat();
                self.read();
            }
        }
    }

    /// Whether a log of this length has entries that this node has not.
    fn is_behind(&self, length: Version) -> bool {
        self.lock().game().head().version < length
    }

    /// Looks at the log, after the look under way: what came since may lie behind what that shows.
    fn read(&mut self) {
        if self.reading.is_some() {
            self.must_read = true;
            return;
        }
        let play = self.play();
        self.reading = Some(Box::pin(async move {
            let read = play.catch_up().await;
            if read == Err(Refused::Unavailable) {
                sleep(READ_RETRY_PAUSE).await;
            }
            read
        }));
    }

    fn on_read(&mut self, read: Result<(), Refused>) {
        self.reading = None;
        if let Err(reason) = read {
            debug!(game.id = %self.id, "game {} could not be read: {reason}", self.id);
        }
        if std::mem::take(&mut self.must_read) {
            return self.read();
        }
        for (watch, tx) in std::mem::take(&mut self.early) {
            match read {
                Ok(()) => self.receive(watch, tx),
                Err(refused) => answer(tx, Err(refused)),
            }
        }
        if read == Err(Refused::Unavailable) {
            self.read();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Replica> {
        // Shared only with this room's own futures, and never across a wait.
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
