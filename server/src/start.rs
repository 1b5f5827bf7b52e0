//! How a game begins for its players: it is noted under both of them, and both are told, wherever they are connected.
//!
//! Every step may be repeated. The game itself remembers that they are due: a game that was just created is handed out
//! soon, and so is one whose players agreed on another.

use std::fmt;
use std::str::FromStr;

use tracing::warn;
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::game::Game;
use zeitnot_game::id::{GameId, Tag, UserId};
use zeitnot_game::setup::{InvalidSetup, Player, Setup};
use zeitnot_game::time::Millis;

use crate::limits::START_RETRY_MS;
use crate::store::{Create, CreateError, Store, Unavailable, UserFeed, UserFollow};

/// A game that a user plays, as it is noted and told. Shape: `q7ZwA0bX white bo:Bo`, the color being the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Which.
    pub game: GameId,
    /// The user's side.
    pub color: Color,
    /// The other player.
    pub opponent: Player,
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.game, self.color, self.opponent)
    }
}

impl FromStr for Started {
    type Err = InvalidSetup;

    fn from_str(text: &str) -> Result<Self, InvalidSetup> {
        let mut words = text.split(' ');
        let mut next = || words.next().ok_or(InvalidSetup);
        Ok(Self {
            game: next()?.parse().map_err(|_| InvalidSetup)?,
            color: next()?.parse().map_err(|_| InvalidSetup)?,
            opponent: next()?.parse()?,
        })
    }
}

/// What a user hears of games that begin.
#[derive(Debug)]
pub struct Following(UserFollow);

/// One thing that a user hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A game began, or began to be told of.
    Started(Started),
    /// Something may have been missed: ask for all, with [`playing`].
    Missed,
}

impl Following {
    /// The next thing. Safe to cancel.
    pub async fn next(&mut self) -> Heard {
        match self.0.next().await {
            UserFeed::Told(text) => text.parse().map_or(Heard::Missed, Heard::Started),
            UserFeed::Resync => Heard::Missed,
        }
    }
}

/// Follows what begins for a user.
///
/// # Errors
/// The store did not answer.
pub async fn follow(store: &dyn Store, user: &UserId) -> Result<Following, Unavailable> {
    store.follow_user(user).await.map(Following)
}

/// When a game that was just created is looked at, in case the node that created it died before it told anybody.
#[must_use]
pub const fn due_after_creation() -> Millis {
    Millis(START_RETRY_MS)
}

/// Notes a game under both players and tells them.
///
/// # Errors
/// The store did not answer; to do it again does no harm.
pub async fn announce(store: &dyn Store, id: GameId, setup: &Setup) -> Result<(), Unavailable> {
    for color in Color::ALL {
        let user = &setup.players[color].id;
        let started = Started {
            game: id,
            color,
            opponent: setup.players[!color].clone(),
        };
        let text = started.to_string();
        store.note_playing(user, id, Some(&text)).await?;
        store.tell_user(user, &text).await?;
    }
    Ok(())
}

/// Takes an ended game off both players.
///
/// # Errors
/// The store did not answer; to do it again does no harm.
pub async fn retire(store: &dyn Store, id: GameId, setup: &Setup) -> Result<(), Unavailable> {
    for color in Color::ALL {
        store
            .note_playing(&setup.players[color].id, id, None)
            .await?;
    }
    Ok(())
}

/// The running games of a user, the newest last.
///
/// # Errors
/// The store did not answer.
pub async fn playing(store: &dyn Store, user: &UserId) -> Result<Vec<Started>, Unavailable> {
    let noted = store.playing(user).await?;
    let read = |(_, note): (GameId, String)| note.parse().ok();
    let mut started: Vec<Started> = noted.into_iter().filter_map(read).collect();
    // Ids begin with their minute.
    started.sort_by_key(|started| started.game);
    Ok(started)
}

/// Creates the game that the players of an ended one agreed on: the same terms, colors changed. Nobody is told yet.
///
/// # Errors
/// The store did not answer; to do it again does no harm.
pub async fn rematch(
    store: &dyn Store,
    game: &Game,
    tag: Tag,
) -> Result<Option<(GameId, Setup)>, Unavailable> {
    let Some(next) = game.next() else {
        return Ok(None);
    };
    let old = game.setup();
    let setup = Setup {
        terms: old.terms.clone(),
        players: ByColor {
            white: old.players.black.clone(),
            black: old.players.white.clone(),
        },
    };
    let create = Create {
        body: setup.to_string(),
        tag,
        due_in: due_after_creation(),
    };
    match store.create(next, &create).await {
        Ok(()) => Ok(Some((next, setup))),
        Err(CreateError::Exists) => {
            warn!(game.id = %next, "game {next} was to be a rematch, but its id is taken");
            Ok(None)
        }
        Err(CreateError::Unavailable(reason)) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_survives_print_and_parse() {
        let started = Started {
            game: "q7ZwA0bX".parse().unwrap(),
            color: Color::White,
            opponent: Player {
                id: "guest-k2x9w0q4ab".parse().unwrap(),
                name: "Bo B. %20\n".into(),
            },
        };
        assert_eq!(started.to_string().parse::<Started>().unwrap(), started);
        for text in ["", "q7ZwA0bX", "q7ZwA0bX red bo:Bo", "q7ZwA0bX white bo"] {
            assert!(text.parse::<Started>().is_err(), "{text}");
        }
    }
}
