//! Seeks: users who want to play whoever comes. Each keeps a challenge of its own open meanwhile, without seats; who
//! finds it in the pool of the same terms takes both seats in one step, which begins the game. So a node that dies in
//! between leaves nobody in half a game: who waits waits on.

use tracing::debug;
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::{GameId, UserId};
use zeitnot_game::rules::Position;
use zeitnot_game::setup::{Player, Setup, Terms};
use zeitnot_game::time::UnixMillis;

use crate::challenge::{draw_id, random_color};
use crate::limits::{SEEK_LIFETIME, SEEK_TRIES};
use crate::start;
use crate::store::{
    Challenge, CreateError, Seated, Seeker, Store, TakeSeat, Unavailable, random_tag,
};

/// What a user seeks.
#[derive(Debug, Clone)]
pub struct Seek {
    /// Who.
    pub player: Player,
    /// What is to be played.
    pub terms: Terms,
    /// With which color; nothing: any.
    pub color: Option<Color>,
    /// As it stands in the lobby.
    pub shown: String,
}

/// A seek that is kept open.
#[derive(Debug, Clone)]
pub struct Seeking {
    seek: Seek,
    /// The challenge that is open meanwhile.
    id: GameId,
}

/// How it stands with a seek.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// The user waits.
    Waiting,
    /// A game has begun, and both are told.
    Begun(GameId),
    /// The user seeks something else since, from another window.
    Replaced,
}

impl Seeking {
    /// Begins to seek. What the user sought before ends; if it is the same, it goes on at its old place.
    ///
    /// # Errors
    /// The store did not answer: do the same again.
    pub async fn begin(
        store: &dyn Store,
        seek: Seek,
        now: UnixMillis,
    ) -> Result<(Self, Sought), Unavailable> {
        let user = seek.player.id.clone();
        let mut seeking = Self {
            id: draw_id(now),
            seek,
        };
        let before = store.note_seek(&user, Some(&seeking.note())).await?;
        let before = before.as_deref().and_then(|note| note.split_once(' '));
        if let Some((id, terms)) = before
            && let Ok(id) = id.parse()
        {
            if terms == seeking.seek.terms.to_string() {
                seeking.id = id;
                store.note_seek(&user, Some(&seeking.note())).await?;
            } else {
                store.close_challenge(id).await?;
            }
        }
        let mut sought = seeking.look(store, now).await?;
        // What was noted may be left of an earlier seek, whose game is over.
        if sought == Sought::Begun(seeking.id) && !plays(store, &user, seeking.id).await? {
            seeking.id = draw_id(now);
            store.note_seek(&user, Some(&seeking.note())).await?;
            sought = seeking.look(store, now).await?;
        }
        Ok((seeking, sought))
    }

    /// Goes on seeking, as must be done every [`crate::limits::SEEK_RENEWAL`].
    ///
    /// # Errors
    /// The store did not answer: do the same again.
    pub async fn renew(&self, store: &dyn Store, now: UnixMillis) -> Result<Sought, Unavailable> {
        let noted = store.noted_seek(self.user()).await?;
        if noted.is_some_and(|noted| noted != self.note()) {
            self.clear(store).await?;
            return Ok(Sought::Replaced);
        }
        store.note_seek(self.user(), Some(&self.note())).await?;
        self.look(store, now).await
    }

    /// Looks for an opponent, and waits for one.
    async fn look(&self, store: &dyn Store, now: UnixMillis) -> Result<Sought, Unavailable> {
        for _ in 0..SEEK_TRIES {
            if !self.keep_open(store, now).await? {
                return Ok(Sought::Begun(self.id));
            }
            let Some(found) = store.meet(&self.pool(), &self.seeker()).await? else {
                store.show_seek(&self.seek.shown, true).await?;
                return Ok(Sought::Waiting);
            };
            // From here on nobody begins a game with this user any more. Whoever was found comes back to the pool by itself if
            // this goes no further.
            if !store.close_challenge(self.id).await? {
                return Ok(Sought::Begun(self.id));
            }
            if self.play(store, &found).await? {
                self.end(store).await?;
                return Ok(Sought::Begun(found.id));
            }
        }
        Ok(Sought::Waiting)
    }

    /// Whether the user's own challenge is still one.
    async fn keep_open(&self, store: &dyn Store, now: UnixMillis) -> Result<bool, Unavailable> {
        let lifetime = u64::try_from(SEEK_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let challenge = Challenge {
            terms: self.seek.terms.to_string(),
            seats: ByColor::default(),
            expires: UnixMillis(now.0.saturating_add(lifetime)),
        };
        match store.open_challenge(self.id, &challenge).await {
            Ok(()) => Ok(true),
            Err(CreateError::Exists) => Ok(false),
            Err(CreateError::Unavailable(reason)) => Err(reason),
        }
    }

    /// Begins the game with who was found, if it still waits.
    async fn play(&self, store: &dyn Store, found: &Seeker) -> Result<bool, Unavailable> {
        let Ok(opponent) = found.player.parse::<Player>() else {
            return Ok(false);
        };
        let color = self.seek.color.or(found.color.map(|color| !color));
        let color = color.unwrap_or_else(random_color);
        let seat = TakeSeat {
            player: self.seek.player.to_string(),
            color,
            or_other: false,
            opponent: Some(found.player.clone()),
            tag: random_tag(),
            due_in: start::due_after_creation(),
        };
        let seated = store.take_seat(found.id, &seat).await?;
        if !matches!(seated, Seated::Begun(_)) {
            return Ok(false);
        }
        let mut players = ByColor {
            white: self.seek.player.clone(),
            black: self.seek.player.clone(),
        };
        players[!color] = opponent.clone();
        let setup = Setup {
            terms: self.seek.terms.clone(),
            players,
        };
        // What fails here is done by whoever looks at the game next: it is due soon.
        let announced = async {
            store.note_seek(&opponent.id, None).await?;
            start::announce(store, found.id, &setup).await
        };
        if let Err(reason) = announced.await {
            debug!(game.id = %found.id, "the players of game {} are told later: {reason}", found.id);
        }
        Ok(true)
    }

    /// Makes room for what the same user seeks next: nobody shall see or meet the old wish.
    ///
    /// # Errors
    /// The store did not answer: it ends by itself when it is not renewed.
    pub async fn make_room(&self, store: &dyn Store, next: &Seek) -> Result<(), Unavailable> {
        match self.seek.shown == next.shown {
            true => Ok(()),
            false => self.clear(store).await,
        }
    }

    /// Ends the seek; a game that has begun stays.
    ///
    /// # Errors
    /// The store did not answer: it ends by itself when it is not renewed.
    pub async fn withdraw(&self, store: &dyn Store) -> Result<(), Unavailable> {
        store.close_challenge(self.id).await?;
        self.end(store).await
    }

    async fn clear(&self, store: &dyn Store) -> Result<(), Unavailable> {
        store.leave_pool(&self.pool(), &self.seeker()).await?;
        store.show_seek(&self.seek.shown, false).await
    }

    async fn end(&self, store: &dyn Store) -> Result<(), Unavailable> {
        self.clear(store).await?;
        if store.noted_seek(self.user()).await? == Some(self.note()) {
            store.note_seek(self.user(), None).await?;
        }
        Ok(())
    }

    fn user(&self) -> &UserId {
        &self.seek.player.id
    }

    /// Who plays on the same terms meets in the same pool. Which of the 960 positions it will be is no term.
    fn pool(&self) -> String {
        let terms = &self.seek.terms;
        let start = Position::start(terms.variant);
        Terms {
            start,
            ..terms.clone()
        }
        .to_string()
    }

    /// Shape: `q7ZwA0bX game1 standard 180+2 casual`.
    fn note(&self) -> String {
        format!("{} {}", self.id, self.seek.terms)
    }

    fn seeker(&self) -> Seeker {
        Seeker {
            id: self.id,
            player: self.seek.player.to_string(),
            color: self.seek.color,
        }
    }
}

async fn plays(store: &dyn Store, user: &UserId, game: GameId) -> Result<bool, Unavailable> {
    let playing = store.playing(user).await?;
    Ok(playing.iter().any(|(id, _)| *id == game))
}
