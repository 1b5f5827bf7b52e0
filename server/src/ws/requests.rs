//! What a socket does with the messages of its client.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::extract::ws::Utf8Bytes;
use tokio::time::Instant;
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::wire::{ClientMsg, ErrorCode, OkFrame, Pong, SayMsg, ServerMsg, WatchMsg};

use super::close::Close;
use super::commands::{self, Wanted};
use super::message;
use super::rates::Kind;
use super::session::{Answered, Session};
use crate::chat::Say;
use crate::limits::MAX_WATCHED;
use crate::metrics::{Answer, CommandKind, Limited, METRICS};
use crate::play::{Asking, Refused};
use crate::quota::Subject;
use crate::replica::{Start, Watch};
use crate::{challenge, chat};

impl Session {
    pub(super) async fn on_text(&mut self, text: &Utf8Bytes) -> Result<(), Close> {
        METRICS.messages.inc();
        let (re, msg) = match message::parse(text) {
            Ok(parsed) => parsed,
            Err(bad) => {
                if self.admit(bad.re, Kind::Game).await? {
                    let error = commands::error(bad.re, ErrorCode::BadRequest, bad.problem);
                    self.send(&error).await?;
                }
                return Ok(());
            }
        };
        if !self.admit(re, Kind::of(&msg)).await? {
            return Ok(());
        }
        let draw_next = || challenge::draw_id(self.app.wall_time());
        let wanted = commands::wanted(&msg, self.heartbeat.round_trip(), draw_next);
        if let Some(wanted) = wanted {
            return self.on_command(re, wanted).await;
        }
        match msg {
            ClientMsg::Say(say) => self.on_say(re, &say).await,
            ClientMsg::Watch(watch) => self.on_watch(re, &watch).await,
            ClientMsg::Unwatch(about) => {
                self.leave(about.game, re);
                Ok(())
            }
            ClientMsg::Flag(about) => {
                self.app.rooms.look_at_clock(about.game).await;
                self.answer(commands::ok(re)).await
            }
            ClientMsg::Auth(auth) => self.on_auth(re, &auth.token).await,
            ClientMsg::Seek(seek) => self.on_seek(re, &seek).await,
            ClientMsg::Unseek(_) => {
                self.end_seek(re);
                Ok(())
            }
            ClientMsg::Lobby => self.on_lobby(re).await,
            ClientMsg::Unlobby => {
                self.lobby = None;
                self.answer(commands::ok(re)).await
            }
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
        let asked = async move { rooms.ask(wanted.game, asking).await };
        let asked = timed(CommandKind::from(&wanted.command), asked);
        self.pending
            .push(Box::pin(async move { Answered::Command(re, asked.await) }));
        Ok(())
    }

    /// Counts a message, and answers it if there were too many: then it is not looked at. A client that goes on like
    /// that is sent away.
    async fn admit(&mut self, re: Option<i64>, kind: Kind) -> Result<bool, Close> {
        let now = Instant::now();
        let Err(too_many) = self.rates.admit(kind, now) else {
            return Ok(true);
        };
        let refused = commands::too_many(re, too_many.retry_after);
        self.send(&refused).await?;
        if self.rates.is_abusive(now) {
            return Err(Close::RateLimited);
        }
        Ok(false)
    }

    async fn on_say(&mut self, re: Option<i64>, say: &SayMsg) -> Result<(), Close> {
        let Some(me) = &self.me else {
            let error = commands::error(re, ErrorCode::Unauthorized, "a token is needed to speak");
            return self.send(&error).await;
        };
        let (text, key) = match (chat::clean(&say.text), chat::key(say.key.as_deref())) {
            (Ok(text), Ok(key)) => (text, key),
            (Err(problem), _) | (_, Err(problem)) => {
                let error = commands::error(re, ErrorCode::BadRequest, problem.to_string());
                return self.send(&error).await;
            }
        };
        let line = Say {
            author: me.user.to_player(),
            room: say.room,
            text,
            key,
        };
        let (rooms, game) = (self.app.rooms.clone(), say.game);
        let quotas = self.app.quotas.clone();
        let said = timed(CommandKind::Say, async move {
            let me = Subject::User(&line.author.id);
            quotas.take(Limited::Chat, me).await?;
            rooms.say(game, line).await
        });
        self.pending
            .push(Box::pin(async move { Answered::Said(re, said.await) }));
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
            start: Start::Snapshot,
        };
        self.watching.entry(game).or_default().pending += 1;
        let watched = async move { rooms.watch(game, watch).await };
        let watched = timed(CommandKind::Watch, watched);
        self.pending.push(Box::pin(
            async move { Answered::Watch(game, re, watched.await) },
        ));
        Ok(())
    }

    async fn on_auth(&mut self, re: Option<i64>, token: &str) -> Result<(), Close> {
        let error = match self.app.verify(token) {
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
            .filter_map(|(&game, watched)| {
                let head = watched.watched.as_ref()?.head.load(Ordering::Relaxed);
                Some((game, Version(head)))
            })
            .collect();
        ServerMsg::Pong(Pong {
            re,
            now: self.app.wall_time(),
            heads,
        })
    }
}

/// Counts a command, and the time until its answer is known.
fn timed<T>(
    kind: CommandKind,
    answer: impl Future<Output = Result<T, Refused>>,
) -> impl Future<Output = Result<T, Refused>> {
    let arrived = Instant::now();
    async move {
        let answer = answer.await;
        let result = match &answer {
            Ok(_) => Answer::Ok,
            Err(Refused::Unavailable) => Answer::Unavailable,
            Err(_) => Answer::Refused,
        };
        METRICS.command_seconds.at(kind).observe(arrived.elapsed());
        METRICS.commands.at((kind, result)).inc();
        answer
    }
}
