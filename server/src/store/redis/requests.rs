//! The port, request by request: what each sends to which script, and how its reply is read.

use std::future::pending;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use fred::error::{Error, ErrorKind};
use fred::types::Value;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use zeitnot_game::color::Color;
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use super::calls::{Pick, Request, dated, packed, signed, tick, unavailable};
use super::clocks::{Lease, Process, millis};
use super::keys::{Bucket, Topic};
use super::master::Master;
use super::{RedisStore, chat, keys, presence, quotas, scripts};
use crate::health::Health;
use crate::limits::{
    CHAT_LINES, FLAG_PAUSE_AFTER_LOSS, HEALING, MAX_PLAYING, MAX_POOL, Quota, SEATS_LIFETIME,
    SEEK_LIFETIME, SEEKS_SHOWN, STRAY_CHAT_LIFETIME,
};
use crate::store::{
    Append, Appended, Challenge, Create, CreateError, Follow, Heal, Healed, Here, Line, Roster,
    Said, Seated, Seats, Seeker, Store, Tail, TakeSeat, Unavailable, UserFollow,
};

fn text(s: &str) -> Value {
    Value::from(s)
}

/// A number that may be missing, which an empty argument stands for.
fn optional(number: Option<u64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn due_in(span: Option<Millis>) -> Value {
    text(&optional(span.map(|span| span.0)))
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
        let request: (Pick, _) = (|scripts| &scripts.create, dated((keys, args)));
        let is_ours = self.run_dated(id, request, scripts::created).await?;
        is_ours.then_some(()).ok_or(CreateError::Exists)
    }

    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable> {
        // Nothing goes after version 0: there is no entry with the index that this makes.
        let index = append.after.version.0.wrapping_sub(1);
        let origin = append.origin.0;
        let due = append.due_in.map(|span| origin.saturating_add(span.0));
        let noted = self.masters.hub().games.noted_due(&id, append.after);
        let noted = noted.map(|moment| moment.0);
        let (version, before) = (append.after.version.next(), append.after.tag);
        let first_line = format!("{version} {before} {}", optional(noted));
        let or_none = |number: Option<u64>| number.map_or(-1, signed);
        let numbers = [
            signed(append.after_at.0),
            signed(origin),
            or_none(append.not_before.map(|moment| moment.0)),
            or_none(due),
            or_none(noted),
        ];
        let request = |lease: &Lease| -> Request {
            let mut args = vec![
                packed(tick(lease).into_iter().chain(numbers)),
                index.to_string().into(),
                text(before.as_str()),
                text(append.tag.as_str()),
                text(&first_line),
            ];
            args.extend(append.bodies.iter().map(|body| text(body)));
            (vec![keys::log(id), Bucket::of_game(id).due()], args)
        };
        let request: (Pick, _) = (|scripts| &scripts.append, request);
        let read = |reply| scripts::appended(reply, append.head().version);
        let (appended, is_unheard) = self.run_dated(id, request, read).await?;
        if is_unheard {
            // It is committed: the answer does not wait until somebody hears again.
            let masters = self.masters.clone();
            self.spawn(async move { masters.renew(id).await });
        }
        Ok(appended)
    }

    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable> {
        let bucket = Bucket::of_game(id);
        let healing = millis(HEALING).to_string();
        let request = (
            vec![keys::log(id), bucket.clock()],
            vec![text(&since.to_string()), text(&healing)],
        );
        self.run(bucket, (|scripts| &scripts.read, request), scripts::tail)
            .await
    }

    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable> {
        self.masters.follow(id).await.map_err(unavailable)
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
        let script: Pick = |scripts| &scripts.open_challenge;
        let request = (script, (keys, args));
        let is_ours: bool = self
            .run(Bucket::of_game(id), request, Value::convert)
            .await?;
        is_ours.then_some(()).ok_or(CreateError::Exists)
    }

    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable> {
        let request = (vec![keys::challenge(id)], Vec::new());
        self.run(
            Bucket::of_game(id),
            (|scripts| &scripts.challenge, request),
            scripts::challenge,
        )
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
            text(seat.opponent.as_deref().unwrap_or_default()),
        ];
        let request: (Pick, _) = (|scripts| &scripts.take_seat, dated((keys, args)));
        self.run_dated(id, request, scripts::seated).await
    }

    async fn close_challenge(&self, id: GameId) -> Result<bool, Unavailable> {
        let request = (vec![keys::challenge(id), keys::log(id)], Vec::new());
        let script: Pick = |scripts| &scripts.close_challenge;
        self.run(Bucket::of_game(id), (script, request), Value::convert)
            .await
    }

    async fn meet(&self, pool: &str, seeker: &Seeker) -> Result<Option<Seeker>, Unavailable> {
        let args = vec![
            text(&scripts::seeker(seeker)),
            text(seeker.user()),
            text(seeker.color.map_or("", Color::as_str)),
            text(&MAX_POOL.to_string()),
            text(&millis(SEEK_LIFETIME).to_string()),
        ];
        let request = (vec![keys::pool(pool)], args);
        let script: Pick = |scripts| &scripts.meet;
        self.run(Bucket::of_pool(pool), (script, request), scripts::met)
            .await
    }

    async fn leave_pool(&self, pool: &str, seeker: &Seeker) -> Result<(), Unavailable> {
        let args = vec![keys::pool(pool), scripts::seeker(seeker)];
        self.command(Bucket::of_pool(pool), ("ZREM", args)).await
    }

    async fn note_seek(
        &self,
        user: &UserId,
        note: Option<&str>,
    ) -> Result<Option<String>, Unavailable> {
        let key = keys::seek(user);
        let request = match note {
            None => ("GETDEL", vec![key]),
            Some(note) => {
                let lifetime = millis(SEEK_LIFETIME).to_string();
                let words = [&key, note, "GET", "PX", &lifetime].map(str::to_owned);
                ("SET", words.into())
            }
        };
        self.command(Bucket::of_user(user), request).await
    }

    async fn noted_seek(&self, user: &UserId) -> Result<Option<String>, Unavailable> {
        let request = ("GET", vec![keys::seek(user)]);
        self.command(Bucket::of_user(user), request).await
    }

    async fn show_seek(&self, shown: &str, is_open: bool) -> Result<(), Unavailable> {
        let (lobby, shown) = (keys::LOBBY.to_owned(), shown.to_owned());
        let request = if is_open {
            let until = self.wall_time().0.saturating_add(millis(SEEK_LIFETIME));
            ("ZADD", vec![lobby, until.to_string(), shown])
        } else {
            ("ZREM", vec![lobby, shown])
        };
        self.command(Bucket::SHARED, request).await
    }

    async fn shown_seeks(&self) -> Result<Vec<String>, Unavailable> {
        let now = self.wall_time().0.to_string();
        let lobby = keys::LOBBY.to_owned();
        let lapsed = vec![lobby.clone(), "-inf".to_owned(), now];
        self.command::<u32>(Bucket::SHARED, ("ZREMRANGEBYSCORE", lapsed))
            .await?;
        let last = (SEEKS_SHOWN - 1).to_string();
        let request = ("ZRANGE", vec![lobby, "0".to_owned(), last]);
        self.command(Bucket::SHARED, request).await
    }

    async fn schedule(
        &self,
        id: GameId,
        length: Version,
        span: Option<Millis>,
    ) -> Result<(), Unavailable> {
        let keys = vec![keys::log(id), Bucket::of_game(id).due()];
        let args = vec![text(&length.to_string()), due_in(span)];
        let request: (Pick, _) = (|scripts| &scripts.schedule, dated((keys, args)));
        self.run_dated(id, request, scripts::scheduled).await
    }

    async fn due(&self) -> GameId {
        match self.due.lock().await.recv().await {
            Some(id) => id,
            // The ticker is gone, which only the end of the store brings about.
            None => pending().await,
        }
    }

    async fn heal(&self, id: GameId, heal: &Heal) -> Result<Healed, Unavailable> {
        let bucket = Bucket::of_game(id);
        let keys = vec![keys::log(id), bucket.due(), bucket.clock()];
        let (length, tag) = heal.after.map_or((Version(0), String::new()), |head| {
            (head.version, head.tag.to_string())
        });
        let mut args = vec![
            text(&length.to_string()),
            text(&tag),
            text(&heal.due.0.to_string()),
        ];
        args.extend(heal.lines.iter().map(|line| text(line)));
        let healed = async {
            let master = self.masters.of(bucket)?;
            // Healing begins with the first tick.
            master.tick(bucket).await?;
            let scripts = master.scripts();
            master.run_of(&scripts.heal, keys, args).await
        };
        healed.await.and_then(scripts::healed).map_err(unavailable)
    }

    async fn forget(&self, id: GameId, length: Version) -> Result<(), Unavailable> {
        let due = Bucket::of_game(id).due();
        let keys = vec![keys::log(id), keys::chat(id), keys::seats(id), due];
        let request = (keys, vec![text(&length.to_string())]);
        self.run(
            Bucket::of_game(id),
            (|scripts| &scripts.forget, request),
            Value::convert,
        )
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
        self.run(
            Bucket::of_game(id),
            (|scripts| &scripts.say, (keys, args)),
            Value::convert,
        )
        .await
    }

    async fn chat(&self, id: GameId) -> Result<Vec<Said>, Unavailable> {
        let args = vec![keys::chat(id), "0".to_owned(), "-1".to_owned()];
        let lines: Vec<String> = self.command(Bucket::of_game(id), ("LRANGE", args)).await?;
        Ok(lines.iter().filter_map(|line| chat::parse(line)).collect())
    }

    async fn sit(&self, id: GameId, here: &Here) -> Result<Seats, Unavailable> {
        let hub = self.masters.hub();
        let me = hub.mark;
        let mut args = vec![
            Value::from(presence::node(me)),
            text(presence::word(here.seats.white)),
            text(presence::word(here.seats.black)),
            text(&here.watchers.to_string()),
            text(&millis(SEATS_LIFETIME).to_string()),
            text(&here.known.to_string()),
        ];
        let gone = hub.nodes.gone();
        args.extend(gone.into_iter().map(presence::node).map(Value::from));
        let keys = vec![keys::seats(id), keys::log(id)];
        let request: (Pick, _) = (|scripts| &scripts.seats, dated((keys, args)));
        self.run_dated(id, request, |reply| scripts::seats(reply, me))
            .await
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
        self.run(
            Bucket::of_user(user),
            (|scripts| &scripts.note_playing, request),
            Value::convert,
        )
        .await
    }

    async fn playing(&self, user: &UserId) -> Result<Vec<(GameId, String)>, Unavailable> {
        let args = vec![keys::playing(user)];
        let fields: Vec<String> = self
            .command(Bucket::of_user(user), ("HGETALL", args))
            .await?;
        let pairs = fields.chunks_exact(2);
        let read = |pair: &[String]| Some((pair[0].parse().ok()?, pair[1].clone()));
        Ok(pairs.filter_map(read).collect())
    }

    async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Unavailable> {
        let following = self.masters.follow_user(user);
        following.await.map_err(unavailable)
    }

    async fn tell_user(&self, user: &UserId, text: &str) -> Result<(), Unavailable> {
        let channel = Topic::User(user.clone()).channel();
        let args = vec![channel, text.to_owned()];
        self.command(Bucket::of_user(user), ("SPUBLISH", args))
            .await
    }

    async fn revoke(&self, jti: &str, until: UnixMillis) -> Result<(), Unavailable> {
        let revoked = async {
            let master = self.masters.of(Bucket::SHARED)?;
            let revoked = &self.masters.hub().revoked;
            revoked.revoke(&master, (jti, until)).await
        };
        revoked.await.map_err(unavailable)
    }

    fn is_revoked(&self, jti: &str) -> bool {
        self.masters.hub().revoked.contains(jti, self.wall_time())
    }

    async fn take(&self, key: &str, quota: Quota) -> Result<Option<Millis>, Unavailable> {
        let bucket = Bucket::of_quota(key);
        if self.masters.hub().is_silent(bucket) {
            let error = Error::new(ErrorKind::Timeout, "it has not answered of late");
            return Err(unavailable(error));
        }
        let request = (vec![keys::quota(key)], quotas::args(quota));
        self.run(bucket, (|scripts| &scripts.take, request), |reply| {
            quotas::taken(&reply)
        })
        .await
    }

    fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.masters.hub().roster)
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.masters.hub().health.subscribe()
    }

    fn answers_for(&self, id: GameId) -> bool {
        !self.masters.hub().is_silent(Bucket::of_game(id))
    }

    fn replication(&self, id: GameId) -> Option<BoxFuture<'static, bool>> {
        if self.masters.hub().replicas == 0 {
            return None;
        }
        let (masters, bucket) = (self.masters.clone(), Bucket::of_game(id));
        let process = |master: &Master| Process::clone(&master.scripts().process);
        let before = masters.of(bucket).map(|master| process(&master));
        Some(Box::pin(async move {
            let (Ok(before), Ok(master)) = (before, masters.of(bucket)) else {
                return false;
            };
            // The same before and after: no other has written what was written in between.
            process(&master) == before && master.witness.confirms(before).await
        }))
    }

    fn flags_from(&self, id: GameId) -> Instant {
        let bucket = Bucket::of_game(id);
        let master = self.masters.of(bucket);
        master.map_or_else(
            |_| Instant::now() + FLAG_PAUSE_AFTER_LOSS,
            |master| master.flags_from(bucket),
        )
    }

    fn wall_time(&self) -> UnixMillis {
        self.masters.hub().clocks.wall_time(Instant::now())
    }

    fn play_time(&self, id: GameId) -> PlayTime {
        let bucket = Bucket::of_game(id);
        let now = self.masters.hub().clocks.play_time(bucket, Instant::now());
        #[cfg(feature = "breakages")]
        let now = crate::breakage::by_wall(now);
        now
    }
}
