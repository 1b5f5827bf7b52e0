//! The port, request by request: what each sends to which script, and how its reply is read.

use std::future::pending;
use std::time::Instant;

use async_trait::async_trait;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::scripts::Script;
use fred::types::{ClusterHash, CustomCommand, FromValue, Value};
use tokio::sync::watch;
use zeitnot_game::color::Color;
use zeitnot_game::id::{GameId, Head, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use super::clocks::{Lease, millis};
use super::driver::connected;
use super::keys::{Bucket, Topic};
use super::{RedisStore, chat, keys, scripts};
use crate::health::Health;
use crate::limits::{CHAT_LINES, MAX_PLAYING, MAX_TICK_AGE, STRAY_CHAT_LIFETIME};
use crate::store::{
    Append, Appended, Challenge, Create, CreateError, Follow, Healed, Line, Said, Seated, Store,
    Tail, TakeSeat, Unavailable, UserFollow,
};

/// The keys and arguments of a script.
type Request = (Vec<String>, Vec<Value>);

impl RedisStore {
    async fn run<T>(
        &self,
        script: &Script,
        (keys, args): Request,
        read: impl FnOnce(Value) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let reply = scripts::run(&self.client, script, keys, args).await;
        reply.and_then(read).map_err(unavailable)
    }

    /// Runs a script that dates what it writes to a game, and that refuses to do so with an old tick: once more with a
    /// new one then.
    async fn run_dated<T>(
        &self,
        id: GameId,
        (script, request): (&Script, Request),
        read: impl FnOnce(Value) -> Result<T, Error>,
    ) -> Result<T, Unavailable> {
        let bucket = Bucket::of_game(id);
        // In this bucket nobody may have ticked for long; now there will be something to look at.
        self.ticker.expect_due(bucket);
        if !self.ticker.clocks.is_fresh(bucket, Instant::now()) {
            self.ticker.tick(bucket).await.map_err(unavailable)?;
        }
        let lease = self.lease(bucket);
        let (keys, args) = dated(lease, &request);
        let mut reply = scripts::run(&self.client, script, keys, args).await;
        if reply.as_ref().is_ok_and(scripts::is_fenced) {
            // Unless another request has done so meanwhile.
            if self.lease(bucket) == lease {
                self.ticker.tick(bucket).await.map_err(unavailable)?;
            }
            let (keys, args) = dated(self.lease(bucket), &request);
            reply = scripts::run(&self.client, script, keys, args).await;
        }
        reply.and_then(read).map_err(unavailable)
    }

    fn lease(&self, bucket: Bucket) -> Lease {
        // Every bucket has ticked since the start.
        self.ticker.clocks.lease(bucket).unwrap_or_default()
    }

    /// Runs a plain command on one key.
    async fn command<T: FromValue>(
        &self,
        name: &'static str,
        args: Vec<String>,
    ) -> Result<T, Unavailable> {
        let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
        let run = async {
            connected(&self.client).await?;
            self.client.custom(command, args).await
        };
        run.await.map_err(unavailable)
    }
}

/// Puts a tick before the arguments.
fn dated(lease: Lease, (keys, args): &Request) -> Request {
    let until = lease.wall.saturating_add(millis(MAX_TICK_AGE));
    // The play clock is late by the outages; only where the store's time was set back is it ahead.
    let shift = lease.play.cast_signed() - lease.wall.cast_signed();
    let mut dated = Vec::with_capacity(args.len() + 3);
    let tick = [lease.wall.to_string(), until.to_string(), shift.to_string()];
    dated.extend(tick.map(Value::from));
    dated.extend_from_slice(args);
    (keys.clone(), dated)
}

fn unavailable(error: Error) -> Unavailable {
    Unavailable(Box::new(error))
}

fn text(s: &str) -> Value {
    Value::from(s)
}

/// A number that may be missing, which an empty argument stands for.
fn optional(number: Option<u64>) -> Value {
    Value::from(number.map(|number| number.to_string()).unwrap_or_default())
}

fn due_in(span: Option<Millis>) -> Value {
    optional(span.map(|span| span.0))
}

fn created(is_ours: bool) -> Result<(), CreateError> {
    if is_ours {
        Ok(())
    } else {
        Err(CreateError::Exists)
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn create(&self, id: GameId, create: &Create) -> Result<(), CreateError> {
        let due = Bucket::of_game(id).due();
        let keys = vec![keys::log(id), keys::challenge(id), due];
        let args = vec![
            text(&create.body),
            text(create.tag.as_str()),
            due_in(Some(create.due_in)),
        ];
        let request = (&self.scripts.create, (keys, args));
        created(self.run_dated(id, request, scripts::created).await?)
    }

    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable> {
        // Nothing goes after version 0: there is no entry with the index that this makes.
        let index = append.after.version.0.wrapping_sub(1);
        let origin = append.origin.0;
        let due = append.due_in.map(|span| origin.saturating_add(span.0));
        let mut args = vec![
            text(&index.to_string()),
            text(append.after.tag.as_str()),
            text(append.tag.as_str()),
            text(&origin.to_string()),
            optional(append.not_before.map(|moment| moment.0)),
            optional(due),
        ];
        args.extend(append.bodies.iter().map(|body| text(body)));
        let keys = vec![keys::log(id), Bucket::of_game(id).due()];
        let request = (&self.scripts.append, (keys, args));
        self.run_dated(id, request, scripts::appended).await
    }

    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable> {
        let request = (vec![keys::log(id)], vec![text(&since.to_string())]);
        self.run(&self.scripts.read, request, scripts::tail).await
    }

    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable> {
        self.subscriptions.follow(id).await.map_err(unavailable)
    }

    async fn open_challenge(&self, id: GameId, challenge: &Challenge) -> Result<(), CreateError> {
        let keys = vec![keys::challenge(id), keys::log(id)];
        let mut args = vec![
            text(&challenge.expires.0.to_string()),
            text(&challenge.terms),
        ];
        for color in Color::ALL {
            if let Some(player) = &challenge.seats[color] {
                args.extend([text(color.as_str()), text(player)]);
            }
        }
        let request = (keys, args);
        created(
            self.run(&self.scripts.open_challenge, request, Value::convert)
                .await?,
        )
    }

    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable> {
        let request = (vec![keys::challenge(id)], Vec::new());
        self.run(&self.scripts.challenge, request, scripts::challenge)
            .await
    }

    async fn take_seat(&self, id: GameId, seat: &TakeSeat) -> Result<Seated, Unavailable> {
        let due = Bucket::of_game(id).due();
        let keys = vec![keys::challenge(id), keys::log(id), due];
        let args = vec![
            text(&seat.player),
            text(seat.color.as_str()),
            text(if seat.or_other { "1" } else { "0" }),
            text(seat.tag.as_str()),
            due_in(Some(seat.due_in)),
        ];
        let request = (&self.scripts.take_seat, (keys, args));
        self.run_dated(id, request, scripts::seated).await
    }

    async fn schedule(
        &self,
        id: GameId,
        length: Version,
        span: Option<Millis>,
    ) -> Result<(), Unavailable> {
        let keys = vec![keys::log(id), Bucket::of_game(id).due()];
        let args = vec![text(&length.to_string()), due_in(span)];
        let request = (&self.scripts.schedule, (keys, args));
        self.run_dated(id, request, scripts::scheduled).await
    }

    async fn due(&self) -> GameId {
        match self.due.lock().await.recv().await {
            Some(id) => id,
            // The ticker is gone, which only the end of the store brings about.
            None => pending().await,
        }
    }

    /// A single server that was not replaced by a replica has lost nothing that this node knows of.
    async fn heal(&self, _: GameId, _: Head, _: &[String]) -> Result<Healed, Unavailable> {
        Ok(Healed::Refused)
    }

    async fn forget(&self, id: GameId, length: Version) -> Result<(), Unavailable> {
        let due = Bucket::of_game(id).due();
        let keys = vec![keys::log(id), keys::chat(id), due];
        let request = (keys, vec![text(&length.to_string())]);
        self.run(&self.scripts.forget, request, Value::convert)
            .await
    }

    async fn say(&self, id: GameId, line: &Line) -> Result<u32, Unavailable> {
        let keys = vec![keys::chat(id), keys::log(id)];
        let args = vec![
            text(&line.room),
            text(&line.author),
            text(&line.key),
            text(&line.text),
            text(&CHAT_LINES.to_string()),
            text(&millis(STRAY_CHAT_LIFETIME).to_string()),
        ];
        self.run(&self.scripts.say, (keys, args), Value::convert)
            .await
    }

    async fn chat(&self, id: GameId) -> Result<Vec<Said>, Unavailable> {
        let args = vec![keys::chat(id), "0".to_owned(), "-1".to_owned()];
        let lines: Vec<String> = self.command("LRANGE", args).await?;
        Ok(lines.iter().filter_map(|line| chat::parse(line)).collect())
    }

    async fn note_playing(
        &self,
        user: &UserId,
        game: GameId,
        note: Option<&str>,
    ) -> Result<(), Unavailable> {
        let mut args = vec![text(game.as_str()), text(&MAX_PLAYING.to_string())];
        args.extend(note.map(text));
        let request = (vec![keys::playing(user)], args);
        self.run(&self.scripts.note_playing, request, Value::convert)
            .await
    }

    async fn playing(&self, user: &UserId) -> Result<Vec<(GameId, String)>, Unavailable> {
        let fields: Vec<String> = self.command("HGETALL", vec![keys::playing(user)]).await?;
        let pairs = fields.chunks_exact(2);
        let read = |pair: &[String]| Some((pair[0].parse().ok()?, pair[1].clone()));
        Ok(pairs.filter_map(read).collect())
    }

    async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Unavailable> {
        let following = self.subscriptions.follow_user(user);
        following.await.map_err(unavailable)
    }

    async fn tell_user(&self, user: &UserId, text: &str) -> Result<(), Unavailable> {
        let channel = Topic::User(user.clone()).channel();
        self.command("SPUBLISH", vec![channel, text.to_owned()])
            .await
    }

    async fn revoke(&self, jti: &str, until: UnixMillis) -> Result<(), Unavailable> {
        self.revoked.revoke(jti, until).await.map_err(unavailable)
    }

    fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.contains(jti, self.wall_time())
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.ticker.health()
    }

    fn wall_time(&self) -> UnixMillis {
        self.ticker.clocks.wall_time(Instant::now())
    }

    fn play_time(&self, id: GameId) -> PlayTime {
        let bucket = Bucket::of_game(id);
        self.ticker.clocks.play_time(bucket, Instant::now())
    }
}
