//! The port, request by request: what is asked of the writer, and what is read or known beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use zeitnot_game::id::{GameId, UserId, Version};
use zeitnot_game::time::{Millis, PlayTime, UnixMillis};

use super::clock::unix_now;
use super::writer::Write;
use super::{EmbeddedStore, challenge, chat, due, log, playing};
use crate::health::Health;
use crate::limits::{FLAG_PAUSE_AFTER_LOSS, Quota, STORE_RETRY_PAUSE, STORE_TIMEOUT};
use crate::store::channels::{Follow, UserFollow};
use crate::store::{
    Append, Appended, Challenge, Create, CreateError, Feed, Heal, Healed, Here, Line, Roster, Said,
    Seated, Seats, Seeker, Store, Tail, TakeSeat, Unavailable, UserFeed,
};

impl EmbeddedStore {
    async fn write<T>(
        &self,
        write: impl FnOnce(oneshot::Sender<T>) -> Write,
    ) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let written = async {
            self.queue.send(write(reply)).await.map_err(unavailable)?;
            answer.await.map_err(unavailable)
        };
        timeout(STORE_TIMEOUT, written).await.map_err(unavailable)?
    }
}

fn unavailable(error: impl std::error::Error + Send + std::marker::Sync + 'static) -> Unavailable {
    Unavailable(Box::new(error))
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn create(&self, id: GameId, create: &Create) -> Result<(), CreateError> {
        let create = create.clone();
        let is_ours = self.write(|reply| Write::Create(id, create, reply)).await?;
        is_ours.then_some(()).ok_or(CreateError::Exists)
    }

    async fn append(&self, id: GameId, append: &Append) -> Result<Appended, Unavailable> {
        let append = append.clone();
        self.write(|reply| Write::Append(id, append, reply)).await
    }

    async fn read(&self, id: GameId, since: Version) -> Result<Tail, Unavailable> {
        log::read(&self.reads, id, since).await.map_err(unavailable)
    }

    async fn follow(&self, id: GameId) -> Result<Follow, Unavailable> {
        Ok(self.shared.games.follow(&id))
    }

    async fn open_challenge(&self, id: GameId, challenge: &Challenge) -> Result<(), CreateError> {
        let challenge = challenge.clone();
        let is_ours = self
            .write(|reply| Write::OpenChallenge(id, challenge, reply))
            .await?;
        is_ours.then_some(()).ok_or(CreateError::Exists)
    }

    async fn challenge(&self, id: GameId) -> Result<Option<Challenge>, Unavailable> {
        challenge::get(&self.reads, id, unix_now())
            .await
            .map_err(unavailable)
    }

    async fn take_seat(&self, id: GameId, seat: &TakeSeat) -> Result<Seated, Unavailable> {
        let seat = seat.clone();
        self.write(|reply| Write::TakeSeat(id, seat, reply)).await
    }

    async fn close_challenge(&self, id: GameId) -> Result<bool, Unavailable> {
        self.write(|reply| Write::CloseChallenge(id, reply)).await
    }

    async fn meet(&self, pool: &str, seeker: &Seeker) -> Result<Option<Seeker>, Unavailable> {
        Ok(self.shared.seeks.meet(pool, (seeker, Instant::now())))
    }

    async fn leave_pool(&self, pool: &str, seeker: &Seeker) -> Result<(), Unavailable> {
        self.shared.seeks.leave(pool, seeker);
        Ok(())
    }

    async fn note_seek(
        &self,
        user: &UserId,
        note: Option<&str>,
    ) -> Result<Option<String>, Unavailable> {
        Ok(self.shared.seeks.note(user, (note, Instant::now())))
    }

    async fn noted_seek(&self, user: &UserId) -> Result<Option<String>, Unavailable> {
        Ok(self.shared.seeks.noted(user, Instant::now()))
    }

    async fn show_seek(&self, shown: &str, is_open: bool) -> Result<(), Unavailable> {
        self.shared.seeks.show(shown, (is_open, Instant::now()));
        Ok(())
    }

    async fn shown_seeks(&self) -> Result<Vec<String>, Unavailable> {
        Ok(self.shared.seeks.shown(Instant::now()))
    }

    async fn schedule(
        &self,
        id: GameId,
        length: Version,
        due_in: Option<Millis>,
    ) -> Result<(), Unavailable> {
        self.write(|reply| Write::Schedule(id, (length, due_in), reply))
            .await
    }

    async fn due(&self) -> GameId {
        let mut earliest = self.shared.earliest.subscribe();
        loop {
            let at = *earliest.borrow_and_update();
            let wait = at.map(|at| due::until_handed_out(at, self.clock.at(Instant::now())));
            if wait == Some(Duration::ZERO) {
                match self.write(Write::HandOut).await {
                    Ok(Some(id)) => return id,
                    // Somebody else has it, it was put off just now, or it is not due by the clock of the commit.
                    Ok(None) | Err(_) => sleep(STORE_RETRY_PAUSE).await,
                }
                continue;
            }
            tokio::select! {
                // The sender lives as long as this store.
                _ = earliest.changed() => {}
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// A file loses no tail: what is in it was committed, and what was not was never acknowledged.
    async fn heal(&self, _: GameId, _: &Heal) -> Result<Healed, Unavailable> {
        Ok(Healed::Refused)
    }

    async fn forget(&self, id: GameId, length: Version) -> Result<(), Unavailable> {
        self.shared.presence.forget(id);
        self.write(|reply| Write::Forget(id, length, reply)).await
    }

    async fn say(&self, id: GameId, line: &Line) -> Result<u32, Unavailable> {
        let line = line.clone();
        self.write(|reply| Write::Say(id, line, reply)).await
    }

    async fn chat(&self, id: GameId) -> Result<Vec<Said>, Unavailable> {
        chat::all(&self.reads, id).await.map_err(unavailable)
    }

    async fn sit(&self, id: GameId, here: &Here) -> Result<Seats, Unavailable> {
        let now = Instant::now();
        let games = &self.shared.games;
        let tell = |seats| games.tell(&id, Feed::Seats(seats));
        let moment = (self.clock.at(now), now);
        Ok(self
            .shared
            .presence
            .sit((id, here), moment, |seats| tell(Arc::new(seats))))
    }

    async fn note_playing(
        &self,
        user: &UserId,
        game: GameId,
        note: Option<&str>,
    ) -> Result<(), Unavailable> {
        let note = (game, note.map(str::to_owned));
        self.write(|reply| Write::NotePlaying(user.clone(), note, reply))
            .await
    }

    async fn playing(&self, user: &UserId) -> Result<Vec<(GameId, String)>, Unavailable> {
        playing::all(&self.reads, user).await.map_err(unavailable)
    }

    async fn follow_user(&self, user: &UserId) -> Result<UserFollow, Unavailable> {
        Ok(self.shared.users.follow(user))
    }

    async fn tell_user(&self, user: &UserId, text: &str) -> Result<(), Unavailable> {
        self.shared.users.send(user, UserFeed::Told(text.into()));
        Ok(())
    }

    async fn revoke(&self, jti: &str, until: UnixMillis) -> Result<(), Unavailable> {
        let jti = jti.to_owned();
        self.write(|reply| Write::Revoke(jti, until, reply)).await
    }

    fn is_revoked(&self, jti: &str) -> bool {
        self.shared.revoked.contains(jti, unix_now())
    }

    async fn take(&self, _: &str, _: Quota) -> Result<Option<Millis>, Unavailable> {
        Ok(None)
    }

    fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster)
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }

    fn answers_for(&self, _: GameId) -> bool {
        *self.shared.health.borrow() == Health::Ok
    }

    fn replication(&self, _: GameId) -> Option<BoxFuture<'static, bool>> {
        None
    }

    fn flags_from(&self, _: GameId) -> Instant {
        self.opened + FLAG_PAUSE_AFTER_LOSS
    }

    fn wall_time(&self) -> UnixMillis {
        unix_now()
    }

    fn play_time(&self, _: GameId) -> PlayTime {
        self.clock.at(Instant::now())
    }
}
