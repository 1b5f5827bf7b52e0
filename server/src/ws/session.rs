//! One socket: a single task with a single loop, which ends with a reason.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::future::OptionFuture;
use futures_util::{FutureExt as _, SinkExt as _};
use rand::Rng as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;
use zeitnot_game::id::GameId;
use zeitnot_game::time::Millis;
use zeitnot_game::wire::{DrainingFrame, ServerMsg};

use super::close::Close;
use super::commands;
use super::heartbeat::Heartbeat;
use super::outage::Outage;
use super::pending::Pending;
use super::rates::Rates;
use super::seeking::{Kept, Looked};
use crate::App;
use crate::auth::Verified;
use crate::health::Health;
use crate::limits::{FRAMES_A_WRITE, MAX_PENDING, SOCKET_GOODBYE, SOCKET_WRITE_TIMEOUT};
use crate::lobby;
use crate::metrics::METRICS;
use crate::outbox::{Form, Frame, Outbox, OutboxReader, encode, outbox};
use crate::play::Refused;
use crate::replica::{Leaving, Watched};
use crate::room::Committed;
use crate::sockets::Ticket;
use crate::start::Following;

/// What a room answered.
pub(super) enum Answered {
    Watch(GameId, Option<i64>, Result<Watched, Refused>),
    Command(Option<i64>, Result<Committed, Refused>),
    Done(Option<i64>),
    Said(Option<i64>, Result<(), Refused>),
    Sought(Option<i64>, Looked),
    Unsought(Option<i64>, Result<(), Refused>),
}

/// A game that the client watches, or asked to watch.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// Answers that are under way.
    pub(super) pending: usize,
    /// The last good one.
    pub(super) watched: Option<Watched>,
}

impl Watching {
    fn has_seat(&self) -> bool {
        let watched = self.watched.as_ref();
        watched.is_some_and(|watched| watched.seat.is_some())
    }
}

pub(super) struct Session {
    pub(super) app: App,
    pub(super) number: u64,
    pub(super) me: Option<Verified>,
    socket: WebSocket,
    pub(super) outbox: Outbox,
    frames: OutboxReader,
    pub(super) watching: HashMap<GameId, Watching>,
    pub(super) pending: Pending<Answered>,
    pub(super) heartbeat: Heartbeat,
    pub(super) rates: Rates,
    /// What is told to the user, wherever it is connected; nothing while the store does not let us hear.
    pub(super) told: Option<Following>,
    /// The game that was heard of last: that it began may be said twice.
    pub(super) last_told: Option<GameId>,
    /// Games may have begun that the client was not told of.
    pub(super) must_look: bool,
    /// When they were looked at last.
    pub(super) looked: Instant,
    pub(super) health: watch::Receiver<Health>,
    pub(super) outage: Outage,
    /// What the user seeks through this socket.
    pub(super) seek: Option<Kept>,
    /// Whether it still does, while a look for an opponent is on its way.
    pub(super) is_seeking: bool,
    pub(super) lobby: Option<lobby::Following>,
    /// When this socket is closed because the node goes away.
    leave_at: Option<Instant>,
    /// Counts this socket as long as it is here.
    _ticket: Ticket,
}

/// Serves a socket until it ends. It has a task of its own, since that of the upgrade keeps what the upgrade needed, and
/// the session a box of its own: in the task it would stand twice.
pub(super) fn start(app: App, me: Option<Verified>, (ticket, socket): (Ticket, WebSocket)) {
    let (outbox, frames) = outbox(Form::Json);
    let tasks = app.shutdown.tasks.clone();
    let session = Box::new(Session {
        health: app.store.health(),
        app,
        number: ticket.number(),
        me,
        socket,
        outbox,
        frames,
        watching: HashMap::new(),
        pending: Pending::new(),
        heartbeat: Heartbeat::new(Instant::now()),
        leave_at: None,
        rates: Rates::new(Instant::now()),
        told: None,
        last_told: None,
        must_look: false,
        looked: Instant::now(),
        outage: Outage::default(),
        seek: None,
        is_seeking: false,
        lobby: None,
        _ticket: ticket,
    });
    tasks.spawn(session.serve());
}

impl Session {
    async fn serve(mut self: Box<Self>) {
        let reason = match Box::pin(self.greet()).await {
            Ok(()) => self.run().await,
            Err(reason) => reason,
        };
        METRICS.sockets_closed.at(reason.kind()).inc();
        let user = self.me.as_ref().map(|me| me.user.id.as_str());
        debug!(user.id = user, "a socket ended: {reason:?}");
        let goodbye = reason.frame();
        if let Some(frame) = &goodbye {
            let goodbye = self.socket.send(Message::Close(Some(frame.clone())));
            // The peer may be gone: there is nobody else to tell.
            let _ = timeout(SOCKET_WRITE_TIMEOUT, goodbye).await;
        }
        for &game in self.watching.keys() {
            let how = reason.leaving();
            self.app.rooms.unwatch(game, self.number, how).await;
        }
        // A watch that was still on its way would follow for ever.
        while let Some(answered) = self.pending.next().await {
            if let Answered::Watch(game, _, Ok(_)) = answered {
                let how = reason.leaving();
                self.app.rooms.unwatch(game, self.number, how).await;
            }
        }
        if goodbye.is_some() {
            // Dropping a socket with something unread in it resets the line, and what was just said is lost.
            let unread = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = timeout(SOCKET_GOODBYE, unread).await;
        }
    }

    async fn run(&mut self) -> Close {
        // Waited for all the time, and made once: most of what a step costs would be to make them again.
        let shutdown = self.app.shutdown.clone();
        let mut end = pin!(shutdown.draining.cancelled());
        let mut alarm = pin!(sleep_until(self.alarm()));
        loop {
            let may_read = self.pending.len() < MAX_PENDING;
            let moment = self.alarm();
            if alarm.deadline() != moment {
                alarm.as_mut().reset(moment);
            }
            // What is done stands in boxes: the loop is small while it waits, as it does nearly always.
            let step = tokio::select! {
                received = self.socket.recv(), if may_read => match received {
                    Some(Ok(message)) => Box::pin(self.on_message(message)).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Err(Close::Gone),
                },
                frame = self.frames.next() => match frame {
                    Ok(frame) => Box::pin(self.forward(frame)).await,
                    Err(_) => Err(Close::TooSlow),
                },
                Some(heard) = OptionFuture::from(self.told.as_mut().map(Following::next)) => {
                    Box::pin(self.on_told(heard)).await
                }
                Some(change) = OptionFuture::from(self.lobby.as_mut().map(lobby::Following::next)) => {
                    Box::pin(self.forward(change)).await
                }
                Ok(()) = self.health.changed() => Box::pin(self.on_health()).await,
                Some(answered) = self.pending.next() => Box::pin(self.on_answered(answered)).await,
                () = &mut alarm => Box::pin(self.on_alarm()).await,
                () = &mut end => match self.leave_at {
                    None => {
                        end.set(shutdown.stopping.cancelled());
                        Box::pin(self.on_drain()).await
                    }
                    Some(_) => Err(Close::Restart),
                },
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    /// When to look at the time next.
    fn alarm(&self) -> Instant {
        let due = self.heartbeat.due(self.is_at_play());
        let left = self.time_left();
        let expires = left.and_then(|left| Instant::now().checked_add(left));
        let others = [
            expires,
            self.leave_at,
            self.cut_off_at(),
            self.renew_at(),
            self.look_at(),
        ];
        let moments = others.into_iter().flatten();
        moments.fold(due, Instant::min)
    }

    async fn on_alarm(&mut self) -> Result<(), Close> {
        let now = Instant::now();
        if self.leave_at.is_some_and(|moment| moment <= now) {
            return Err(Close::Restart);
        }
        if self.time_left() == Some(Duration::ZERO) {
            return Err(Close::Expired);
        }
        if self.cut_off_at().is_some_and(|moment| moment <= now) {
            return Err(Close::CutOff);
        }
        if self.renew_at().is_some_and(|moment| moment <= now) {
            self.renew_seek();
        }
        if self.look_at().is_some_and(|moment| moment <= now) {
            self.look_again().await?;
        }
        if self.heartbeat.due(self.is_at_play()) <= now {
            self.on_heartbeat(now).await?;
        }
        Ok(())
    }

    /// When a player tries another node, if there are others.
    fn cut_off_at(&self) -> Option<Instant> {
        let has_others = self.app.config.redis_url.is_some();
        let leave_at = self.outage.leave_at()?;
        (has_others && self.is_at_play()).then_some(leave_at)
    }

    fn is_at_play(&self) -> bool {
        self.watching.values().any(Watching::has_seat)
    }

    /// For how long the token is good; nothing for who has none.
    fn time_left(&self) -> Option<Duration> {
        let expires_at = self.me.as_ref()?.expires_at;
        let left = expires_at.0.saturating_sub(self.app.wall_time().0);
        Some(Duration::from_millis(left))
    }

    /// A token may be revoked at any time.
    fn check_token(&self) -> Result<(), Close> {
        if self.me.as_ref().is_some_and(|me| self.app.is_revoked(me)) {
            return Err(Close::Expired);
        }
        Ok(())
    }

    async fn on_message(&mut self, message: Message) -> Result<(), Close> {
        let now = Instant::now();
        match &message {
            Message::Pong(_) => self.heartbeat.hear(now),
            _ => self.heartbeat.hear_said(now),
        }
        self.tell_silence(now);
        self.check_token()?;
        match message {
            Message::Text(text) => self.on_text(&text).await,
            Message::Binary(_) => Err(Close::Binary),
            Message::Pong(payload) => {
                self.heartbeat.pong(&payload, Instant::now());
                Ok(())
            }
            Message::Ping(_) => Ok(()),
            Message::Close(frame) => {
                // The answer to it is on its way; whether it arrives is no matter.
                let _ = timeout(SOCKET_WRITE_TIMEOUT, self.socket.flush()).await;
                Err(Close::by_client(frame.as_ref()))
            }
        }
    }

    async fn on_answered(&mut self, answered: Answered) -> Result<(), Close> {
        match answered {
            Answered::Watch(game, _, Ok(watched)) => {
                if let Some(watching) = self.watching.get_mut(&game) {
                    watching.pending = watching.pending.saturating_sub(1);
                    watching.watched = Some(watched);
                } else {
                    // It was left meanwhile, before the room knew of it.
                    self.leave(game, None);
                }
                self.on_health().await
            }
            Answered::Command(re, Ok(committed)) => {
                let ok = commands::committed(re, committed);
                let mut messages: Vec<_> = ok.iter().map(encode).map(Message::Text).collect();
                self.take_frames(&mut messages)?;
                self.write(messages).await
            }
            Answered::Done(re) | Answered::Said(re, Ok(())) => self.answer(commands::ok(re)).await,
            Answered::Sought(re, looked) => self.on_sought(re, looked).await,
            Answered::Unsought(re, ended) => self.on_unsought(re, ended).await,
            Answered::Watch(game, re, Err(refused)) => {
                if let Some(watching) = self.watching.get_mut(&game) {
                    watching.pending = watching.pending.saturating_sub(1);
                    if watching.pending == 0 && watching.watched.is_none() {
                        self.watching.remove(&game);
                    }
                }
                self.send(&commands::refused(re, refused)).await
            }
            Answered::Command(re, Err(refused)) | Answered::Said(re, Err(refused)) => {
                self.send(&commands::refused(re, refused)).await
            }
        }
    }

    /// Follows a game no longer; only an `unwatch` with an `id` is answered.
    pub(super) fn leave(&mut self, game: GameId, re: Option<i64>) {
        self.watching.remove(&game);
        let (rooms, number) = (self.app.rooms.clone(), self.number);
        self.pending.push(Box::pin(async move {
            rooms.unwatch(game, number, Leaving::OnPurpose).await;
            Answered::Done(re)
        }));
    }

    /// Tells the games of this socket's user that nothing is heard, or that something is heard again.
    fn tell_silence(&mut self, now: Instant) {
        let Some(is_silent) = self.heartbeat.take_news_of_silence(now) else {
            return;
        };
        let seats = self.watching.iter().filter(|(_, one)| one.has_seat());
        let games: Vec<GameId> = seats.map(|(&game, _)| game).collect();
        let (rooms, number) = (self.app.rooms.clone(), self.number);
        self.pending.push(Box::pin(async move {
            for game in games {
                rooms.set_silent(game, number, is_silent).await;
            }
            Answered::Done(None)
        }));
    }

    async fn on_heartbeat(&mut self, now: Instant) -> Result<(), Close> {
        if self.heartbeat.is_silent(now) {
            return Err(Close::Silent);
        }
        self.tell_silence(now);
        if now < self.heartbeat.ping_at(self.is_at_play()) {
            return Ok(());
        }
        self.check_token()?;
        let payload = self.heartbeat.ping(now);
        self.write([Message::Ping(payload)]).await
    }

    /// Tells the client, and leaves at a random moment of the drain window.
    async fn on_drain(&mut self) -> Result<(), Close> {
        let window = self.app.config.drain_window;
        self.leave_at = Some(Instant::now() + window.mul_f64(rand::rng().random_range(0.0..1.0)));
        let within = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let draining = ServerMsg::Draining(DrainingFrame {
            reconnect_within_ms: Millis(within),
        });
        self.send(&draining).await
    }

    /// Writes a room's frame with what else is ready. A player's own move comes as a frame and as an answer, and a write
    /// is most of what either costs.
    pub(super) async fn forward(&mut self, frame: Frame) -> Result<(), Close> {
        let mut messages = vec![Message::Text(frame)];
        self.take_frames(&mut messages)?;
        let answered = self.pending.next().now_or_never().flatten();
        if let Some(Answered::Command(re, Ok(committed))) = answered {
            let ok = commands::committed(re, committed);
            messages.extend(ok.map(|ok| Message::Text(encode(&ok))));
            return self.write(messages).await;
        }
        self.write(messages).await?;
        match answered {
            Some(answered) => self.on_answered(answered).await,
            None => Ok(()),
        }
    }

    /// The frames that wait, as many as one write takes.
    fn take_frames(&mut self, messages: &mut Vec<Message>) -> Result<(), Close> {
        while messages.len() < FRAMES_A_WRITE
            && let Some(frame) = self.frames.try_next().map_err(|_| Close::TooSlow)?
        {
            messages.push(Message::Text(frame));
        }
        Ok(())
    }

    pub(super) async fn answer(&mut self, msg: Option<ServerMsg>) -> Result<(), Close> {
        match msg {
            Some(msg) => self.send(&msg).await,
            None => Ok(()),
        }
    }

    pub(super) async fn send(&mut self, msg: &ServerMsg) -> Result<(), Close> {
        self.write([Message::Text(encode(msg))]).await
    }

    /// A client that does not read must not hold its task for ever.
    async fn write(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), Close> {
        let writing = async {
            for message in messages {
                METRICS.frames.inc();
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(SOCKET_WRITE_TIMEOUT, writing).await {
            Ok(written) => written.map_err(Close::while_writing),
            Err(_) => Err(Close::Stuck),
        }
    }
}
