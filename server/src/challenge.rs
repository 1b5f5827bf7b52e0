//! Open challenges: an invitation to a game that anybody with its link may accept. The second seat begins the game.

use rand::Rng as _;
use tokio::time::{Instant, sleep};
use tracing::debug;
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::game::Game;
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::setup::{Player, Terms};
use zeitnot_game::time::UnixMillis;

use crate::limits::{
    CHALLENGE_LIFETIME_MS, HTTP_PATIENCE, HTTP_RETRY_PAUSE, ID_EPOCH_MINUTE, MAX_ID_DRAWS,
};
use crate::start;
use crate::store::{Challenge, CreateError, Seated, Store, TakeSeat, Unavailable, random_tag};

/// A challenge that can be accepted.
#[derive(Debug, Clone)]
pub struct Open {
    /// Its id, and that of the game that it may become.
    pub id: GameId,
    /// What is played.
    pub terms: Terms,
    /// Who sits already.
    pub seats: ByColor<Option<Player>>,
}

/// What became of a wish for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The user sits here.
    Seated(Color),
    /// The seat is another user's, or the user has the other one.
    Taken,
    /// Neither a challenge nor a game has this id.
    NotFound,
}

/// Opens a challenge under a new id.
///
/// # Errors
/// The store did not answer in time; it is not known whether it was opened.
pub async fn open(store: &dyn Store, terms: Terms, now: UnixMillis) -> Result<Open, Unavailable> {
    let challenge = Challenge {
        terms: terms.to_string(),
        seats: ByColor::default(),
        expires: UnixMillis(now.0.saturating_add(CHALLENGE_LIFETIME_MS)),
    };
    for _ in 0..MAX_ID_DRAWS {
        let id = draw_id(now);
        if patiently(|| open_under(store, id, &challenge)).await? {
            let seats = ByColor::default();
            return Ok(Open { id, terms, seats });
        }
    }
    Err(Unavailable("every id that was drawn is taken".into()))
}

/// Whether the id was free.
async fn open_under(
    store: &dyn Store,
    id: GameId,
    challenge: &Challenge,
) -> Result<bool, Unavailable> {
    match store.open_challenge(id, challenge).await {
        Ok(()) => Ok(true),
        Err(CreateError::Exists) => Ok(false),
        Err(CreateError::Unavailable(error)) => Err(error),
    }
}

/// The open challenge of this id.
///
/// # Errors
/// The store did not answer in time, or holds what this build cannot read.
pub async fn find(store: &dyn Store, id: GameId) -> Result<Option<Open>, Unavailable> {
    let Some(challenge) = patiently(|| store.challenge(id)).await? else {
        return Ok(None);
    };
    let player = |seat: Option<String>| seat.map(|seat| seat.parse()).transpose();
    let unreadable = |e| Unavailable(Box::new(e));
    Ok(Some(Open {
        id,
        terms: challenge.terms.parse().map_err(unreadable)?,
        seats: ByColor {
            white: player(challenge.seats.white).map_err(unreadable)?,
            black: player(challenge.seats.black).map_err(unreadable)?,
        },
    }))
}

/// Gives a user the seat that it wishes for; without a wish the free one, or one at random. Who has it already has it
/// again, also when the game has begun.
///
/// # Errors
/// The store did not answer in time; it is not known whether the seat was taken.
pub async fn accept(
    store: &dyn Store,
    id: GameId,
    (player, wish): (&Player, Option<Color>),
) -> Result<Accepted, Unavailable> {
    let seat = TakeSeat {
        player: player.to_string(),
        color: wish.unwrap_or_else(random_color),
        or_other: wish.is_none(),
        opponent: None,
        tag: random_tag(),
        due_in: start::due_after_creation(),
    };
    match patiently(|| store.take_seat(id, &seat)).await? {
        Seated::Waiting(color) => Ok(Accepted::Seated(color)),
        Seated::Begun(color) => {
            announce(store, id).await;
            Ok(Accepted::Seated(color))
        }
        Seated::Taken => Ok(Accepted::Taken),
        Seated::NotFound => {
            let game = patiently(|| store.read(id, Version(0))).await?;
            Ok(if game.lines.is_empty() {
                Accepted::NotFound
            } else {
                Accepted::Taken
            })
        }
    }
}

/// Tells both players. If that fails, the game is due soon, and whoever looks at it then tells them.
async fn announce(store: &dyn Store, id: GameId) {
    let announced = async {
        let log = store.read(id, Version(0)).await?;
        let game = Game::replay(log.lines.iter().map(String::as_str)).ok();
        // The same wish may come again when the game is long over.
        if let Some(game) = game.filter(|game| game.outcome().is_none()) {
            start::announce(store, id, game.setup()).await?;
        }
        Ok::<_, Unavailable>(())
    };
    if let Err(reason) = announced.await {
        debug!(game.id = %id, "the players of game {id} are told later: {reason}");
    }
}

/// Asks the store again while it does not answer, for [`HTTP_PATIENCE`].
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Unavailable>
where
    F: Future<Output = Result<T, Unavailable>>,
{
    let give_up = Instant::now() + HTTP_PATIENCE;
    loop {
        match ask().await {
            Err(_) if Instant::now() + HTTP_RETRY_PAUSE < give_up => sleep(HTTP_RETRY_PAUSE).await,
            answer => return answer,
        }
    }
}

/// A new id: four characters that count minutes, four random ones. So the id of a game that was archived and forgotten
/// is never drawn again.
#[must_use]
pub fn draw_id(now: UnixMillis) -> GameId {
    let mut rng = rand::rng();
    let mut minute = (now.0 / 60_000).saturating_sub(ID_EPOCH_MINUTE);
    let mut indices = [0; 8];
    for index in indices[..4].iter_mut().rev() {
        *index = usize::try_from(minute % 62).unwrap_or_default();
        minute /= 62;
    }
    indices[4..].fill_with(|| rng.random_range(0..62));
    GameId::from_indices(indices)
}

pub(crate) fn random_color() -> Color {
    if rand::random() {
        Color::White
    } else {
        Color::Black
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_with_its_minute() {
        let minute = |minute: u64| UnixMillis((ID_EPOCH_MINUTE + minute) * 60_000 + 59_999);
        let cases = [
            (0, "0000"),
            (1, "0001"),
            (61, "000z"),
            (62, "0010"),
            (62_u64.pow(4) - 1, "zzzz"),
        ];
        for (number, expected) in cases {
            let id = draw_id(minute(number));
            assert_eq!(&id.as_str()[..4], expected, "{number}");
        }
        let ids: std::collections::HashSet<GameId> = (0..100).map(|_| draw_id(minute(7))).collect();
        assert!(ids.len() > 95, "the rest is random");
    }
}
