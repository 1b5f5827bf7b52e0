//! One socket: a single task with a single loop, which ends with a reason.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};
use rand::Rng as _;
use tokio::time::{Instant, sleep_until, timeout};
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::Millis;
use zeitnot_game::wire::{
    ClientMsg, DrainingFrame, ErrorCode, Hello, OkFrame, Pong, ServerMsg, User, WatchMsg,
};

use super::close::Close;
use super::commands::{self, Wanted};
use super::heartbeat::Heartbeat;
use super::{Ticket, message};
use crate::App;
use crate::auth::{Caller, Verified};
use crate::limits::{
    CLIENT_PING_PERIOD, FRAMES_A_WRITE, MAX_PENDING, MAX_WATCHED, SOCKET_WRITE_TIMEOUT,
};
use crate::outbox::{Frame, Outbox, OutboxReader, encode, outbox};
use crate::play::{Asking, Refused};
use crate::replica::{Watch, Watched};

/// What a room answered.
enum Answered {
    Watch(GameId, Option<i64>, Result<Watched, Refused>),
    Command(Option<i64>, Result<Version, Refused>),
    Unwatch(Option<i64>),
}

struct Session {
    app: App,
    number: u64,
    me: Option<Verified>,
    socket: WebSocket,
    outbox: Outbox,
    frames: OutboxReader,
    watching: HashMap<GameId, Watched>,
    pending: FuturesUnordered<BoxFuture<'static, Answered>>,
    heartbeat: Heartbeat,
    /// When this socket is closed because the node goes away.
    leave_at: Option<Instant>,
}

/// Serves a socket until it ends.
pub(super) async fn run(app: App, caller: Caller, (ticket, socket): (Ticket, WebSocket)) {
    let (outbox, frames) = outbox();
    let tasks = app.shutdown.tasks.clone();
    let session = Session {
        app,
        number: ticket.number,
        me: caller.0,
        socket,
        outbox,
        frames,
        watching: HashMap::new(),
        pending: FuturesUnordered::new(),
        heartbeat: Heartbeat::new(Instant::now()),
        leave_at: None,
    };
    tasks.track_future(session.serve()).await;
    drop(ticket);
}

impl Session {
    async fn serve(mut self) {
        let reason = match self.send(&self.hello()).await {
            Ok(()) => self.run().await,
            Err(reason) => reason,
        };
        if let Some(frame) = reason.frame() {
            let goodbye = self.socket.send(Message::Close(Some(frame)));
            // The peer may be gone: there is nobody else to tell.
            let _ = timeout(SOCKET_WRITE_TIMEOUT, goodbye).await;
        }
        for &game in self.watching.keys() {
            self.app.rooms.unwatch(game, self.number).await;
        }
        // A watch that was still on its way would follow for ever.
        while let Some(answered) = self.pending.next().await {
            if let Answered::Watch(game, _, Ok(_)) = answered {
                self.app.rooms.unwatch(game, self.number).await;
            }
        }
    }

    async fn run(&mut self) -> Close {
        loop {
            let is_at_play = self.watching.values().any(|watched| watched.seat.is_some());
            let may_read = self.pending.len() < MAX_PENDING;
            let (expires, leave_at) = (self.expires(), self.leave_at);
            let step = tokio::select! {
                received = self.socket.recv(), if may_read => match received {
                    Some(Ok(message)) => self.on_message(message).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Err(Close::Gone),
                },
                frame = self.frames.next() => match frame {
                    Ok(frame) => self.forward(frame).await,
                    Err(_) => Err(Close::TooSlow),
                },
                Some(answered) = self.pending.next() => self.on_answered(answered).await,
                () = sleep_until(self.heartbeat.due(is_at_play)) => self.on_heartbeat().await,
                () = sleep_until(expires) => Err(Close::Expired),
                () = self.app.shutdown.draining.cancelled(), if leave_at.is_none() => self.on_drain().await,
                () = sleep_until(leave_at.unwrap_or_else(far)), if leave_at.is_some() => Err(Close::Restart),
                () = self.app.shutdown.stopping.cancelled() => Err(Close::Restart),
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    fn hello(&self) -> ServerMsg {
        ServerMsg::Hello(Hello {
            user: self.me.as_ref().map(|me| User {
                id: me.user.id.clone(),
                name: me.user.name.to_string(),
                title: None,
                guest: me.user.id.is_guest(),
            }),
            now: self.app.wall_time(),
            node: self.app.node.to_string(),
            ping_ms: Millis(u64::try_from(CLIENT_PING_PERIOD.as_millis()).unwrap_or(u64::MAX)),
            expires_at: self.me.as_ref().map(|me| me.expires_at),
            playing: Vec::new(),
        })
    }

    /// When the token ends, on this task's own clock.
    fn expires(&self) -> Instant {
        let Some(me) = &self.me else { return far() };
        let left = me.expires_at.0.saturating_sub(self.app.wall_time().0);
        Instant::now() + Duration::from_millis(left).min(Duration::from_secs(86_400))
    }

    async fn on_message(&mut self, message: Message) -> Result<(), Close> {
        self.heartbeat.hear(Instant::now());
        match message {
            Message::Text(text) => self.on_text(&text).await,
            Message::Binary(_) => Err(Close::Binary),
            Message::Pong(payload) => {
                self.heartbeat.pong(&payload, Instant::now());
                Ok(())
            }
            Message::Ping(_) => Ok(()),
            Message::Close(_) => {
                // The answer to it is on its way; whether it arrives is no matter.
                let _ = timeout(SOCKET_WRITE_TIMEOUT, self.socket.flush()).await;
                Err(Close::Gone)
            }
        }
    }

    async fn on_text(&mut self, text: &Utf8Bytes) -> Result<(), Close> {
        let (re, msg) = match message::parse(text) {
            Ok(parsed) => parsed,
            Err(bad) => {
                let error = commands::error(bad.re, ErrorCode::BadRequest, bad.problem);
                return self.send(&error).await;
            }
        };
        if let Some(wanted) = commands::wanted(&msg, self.heartbeat.round_trip()) {
            return self.on_command(re, wanted).await;
        }
        match msg {
            ClientMsg::Watch(watch) => self.on_watch(re, &watch).await,
            ClientMsg::Unwatch(about) => {
                self.watching.remove(&about.game);
                let (rooms, number) = (self.app.rooms.clone(), self.number);
                self.pending.push(Box::pin(async move {
                    rooms.unwatch(about.game, number).await;
                    Answered::Unwatch(re)
                }));
                Ok(())
            }
            ClientMsg::Flag(about) => {
                self.app.rooms.look_at_clock(about.game).await;
                self.answer(commands::ok(re, None)).await
            }
            ClientMsg::Auth(auth) => self.on_auth(re, &auth.token).await,
            ClientMsg::Ping => self.send(&self.pong(re)).await,
            _ => {
                let reason = "this is for tournaments, and there are none yet";
                self.send(&commands::error(re, ErrorCode::NotAllowed, reason))
                    .await
            }
        }
    }

    async fn on_command(&mut self, re: Option<i64>, wanted: Wanted) -> Result<(), Close> {
        let rooms = self.app.rooms.clone();
        let received = rooms.play_time(wanted.game);
        let Some(me) = &self.me else {
            let error = commands::error(re, ErrorCode::Unauthorized, "a token is needed to play");
            return self.send(&error).await;
        };
        let asking = Asking {
            user: me.user.id.clone(),
            command: wanted.command,
            seen: wanted.seen,
            received,
        };
        self.pending.push(Box::pin(async move {
            Answered::Command(re, rooms.ask(wanted.game, asking).await)
        }));
        Ok(())
    }

    async fn on_watch(&mut self, re: Option<i64>, watch: &WatchMsg) -> Result<(), Close> {
        let game = watch.game;
        if self.watching.len() >= MAX_WATCHED && !self.watching.contains_key(&game) {
            let reason = format!("a socket watches at most {MAX_WATCHED} games: unwatch one first");
            return self
                .send(&commands::error(re, ErrorCode::NotAllowed, reason))
                .await;
        }
        let rooms = self.app.rooms.clone();
        let watch = Watch {
            follower: self.number,
            user: self.me.as_ref().map(|me| me.user.id.clone()),
            outbox: self.outbox.clone(),
            re,
            since: watch.v,
        };
        self.pending.push(Box::pin(async move {
            Answered::Watch(game, re, rooms.watch(game, watch).await)
        }));
        Ok(())
    }

    async fn on_answered(&mut self, answered: Answered) -> Result<(), Close> {
        match answered {
            Answered::Watch(game, _, Ok(watched)) => {
                self.watching.insert(game, watched);
                Ok(())
            }
            Answered::Command(re, Ok(version)) => {
                self.answer(commands::ok(re, Some(version))).await
            }
            Answered::Unwatch(re) => self.answer(commands::ok(re, None)).await,
            Answered::Watch(_, re, Err(refused)) | Answered::Command(re, Err(refused)) => {
                self.send(&commands::refused(re, refused)).await
            }
        }
    }

    async fn on_auth(&mut self, re: Option<i64>, token: &str) -> Result<(), Close> {
        let error = match self.app.auth.verify(token, self.app.wall_time()) {
            Err(reason) => commands::error(re, ErrorCode::Unauthorized, reason.to_string()),
            Ok(renewed)
                if self
                    .me
                    .as_ref()
                    .is_none_or(|me| me.user.id != renewed.user.id) =>
            {
                commands::error(re, ErrorCode::Forbidden, "this is another user's token")
            }
            Ok(renewed) => {
                let expires_at = Some(renewed.expires_at);
                self.me = Some(renewed);
                let answer = re.map(|re| {
                    ServerMsg::Ok(OkFrame {
                        re,
                        v: None,
                        replicated: None,
                        expires_at,
                    })
                });
                return self.answer(answer).await;
            }
        };
        self.send(&error).await
    }

    fn pong(&self, re: Option<i64>) -> ServerMsg {
        let heads: BTreeMap<GameId, Version> = self
            .watching
            .iter()
            .map(|(&game, watched)| (game, Version(watched.head.load(Ordering::Relaxed))))
            .collect();
        ServerMsg::Pong(Pong {
            re,
            now: self.app.wall_time(),
            heads,
        })
    }

    async fn on_heartbeat(&mut self) -> Result<(), Close> {
        let now = Instant::now();
        if self.heartbeat.is_silent(now) {
            return Err(Close::Silent);
        }
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

    /// Writes a room's frame, and those that wait behind it.
    async fn forward(&mut self, frame: Frame) -> Result<(), Close> {
        let mut frames = vec![Message::Text(frame)];
        while frames.len() < FRAMES_A_WRITE
            && let Some(next) = self.frames.try_next().map_err(|_| Close::TooSlow)?
        {
            frames.push(Message::Text(next));
        }
        self.write(frames).await
    }

    async fn answer(&mut self, msg: Option<ServerMsg>) -> Result<(), Close> {
        match msg {
            Some(msg) => self.send(&msg).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, msg: &ServerMsg) -> Result<(), Close> {
        self.write([Message::Text(encode(msg))]).await
    }

    /// A client that does not read must not hold its task for ever.
    async fn write(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), Close> {
        let writing = async {
            for message in messages {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        match timeout(SOCKET_WRITE_TIMEOUT, writing).await {
            Ok(written) => written.map_err(|_| Close::Gone),
            Err(_) => Err(Close::TooSlow),
        }
    }
}

/// A moment that does not come while a socket lives.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}
