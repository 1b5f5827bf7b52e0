//! What a user asks about itself, in the shapes that lichess's clients know.

use axum::Json;
use axum::extract::State;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};
use zeitnot_game::clock::TimeControl;
use zeitnot_game::color::Color;
use zeitnot_game::game::Game;
use zeitnot_game::id::GameId;
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::{Speed, Variant};

use super::Params;
use crate::App;
use crate::auth::Player;
use crate::error::ApiError;
use crate::limits::{LOOKS_AT_ONCE, MAX_PLAYING_SHOWN, PLAYING_SHOWN};
use crate::play::Refused;
use crate::room::Rooms;
use crate::start::{self, Started};

/// `GET /api/account/playing`: the caller's running games, the most urgent first; `nb` of them, 1 to
/// [`MAX_PLAYING_SHOWN`].
///
/// # Errors
/// `nb` is no number, or the store does not answer.
pub async fn playing(
    State(app): State<App>,
    Player(verified): Player,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let shown = params.parsed("nb")?.unwrap_or(PLAYING_SHOWN);
    let started = start::playing(&*app.store, &verified.user.id).await?;
    let mut playing: Vec<NowPlaying> = stream::iter(started)
        .map(|started| NowPlaying::look(&app.rooms, started))
        .buffered(LOOKS_AT_ONCE)
        .try_filter_map(async |playing| Ok(playing))
        .try_collect()
        .await?;
    playing.sort_by_key(|playing| {
        (
            !playing.is_my_turn,
            playing.seconds_left.unwrap_or(u64::MAX),
        )
    });
    let mine = playing.iter().filter(|playing| playing.is_my_turn).count();
    playing.truncate(shown.clamp(1, MAX_PLAYING_SHOWN));
    Ok(Json(json!({ "nowPlaying": playing, "nbMyTurn": mine })))
}

/// A running game as one of its players sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NowPlaying {
    /// Elsewhere this names the player as well; here the token does.
    full_id: GameId,
    game_id: GameId,
    fen: String,
    color: Color,
    last_move: String,
    source: &'static str,
    status: Value,
    variant: Value,
    speed: Speed,
    perf: &'static str,
    rated: bool,
    has_moved: bool,
    opponent: Value,
    is_my_turn: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
}

impl NowPlaying {
    /// Nothing if the game is over, whatever is noted of it.
    async fn look(rooms: &Rooms, started: Started) -> Result<Option<Self>, Refused> {
        match rooms.look(started.game).await {
            Ok((game, _)) if game.outcome().is_some() => Ok(None),
            Ok((game, now)) => Ok(Some(Self::of(&started, (&game, now)))),
            Err(Refused::NotFound | Refused::Rejected(_)) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    fn of(started: &Started, (game, now): (&Game, Timestamp)) -> Self {
        let terms = &game.setup().terms;
        let (variant, speed) = (terms.variant, Speed::of(terms.time_control));
        let (color, opponent) = (started.color, &started.opponent);
        let first_move = if terms.start.turn() == color { 1 } else { 2 };
        Self {
            full_id: started.game,
            game_id: started.game,
            fen: game.position().fen(),
            color,
            last_move: last_move(game),
            source: "friend",
            status: json!({ "id": 20, "name": game.status() }),
            variant: json!({ "key": variant, "name": variant.name() }),
            speed,
            perf: match variant {
                Variant::Standard | Variant::FromPosition => speed.key(),
                _ => variant.key(),
            },
            rated: terms.rated,
            has_moved: game.turns().len() >= first_move,
            opponent: json!({ "id": opponent.id, "username": opponent.name }),
            is_my_turn: game.turn() == color,
            seconds_left: seconds_left(game, (color, now)),
        }
    }
}

/// The two squares to mark: from and to, for a drop its square twice, for castling the king's own two.
fn last_move(game: &Game) -> String {
    let Some(turn) = game.turns().last() else {
        return String::new();
    };
    let uci = turn.mv.to_string();
    if let Some((_, square)) = uci.split_once('@') {
        return square.repeat(2);
    }
    let (from, to) = (&uci[..2], &uci[2..4]);
    let may_name_rook = matches!(
        game.setup().terms.variant,
        Variant::Chess960 | Variant::FromPosition
    );
    let san = may_name_rook.then(|| game.sans().pop()).flatten();
    let san = san.map(|san| san.to_string()).unwrap_or_default();
    let rank = &from[1..];
    if san.starts_with("O-O-O") {
        format!("{from}c{rank}")
    } else if san.starts_with("O-O") {
        format!("{from}g{rank}")
    } else {
        format!("{from}{to}")
    }
}

/// Whole seconds that a side has left, for the game or for its next move.
fn seconds_left(game: &Game, (color, now): (Color, Timestamp)) -> Option<u64> {
    let left = match game.setup().terms.time_control {
        TimeControl::Clock { .. } => game.remaining_at(now)?[color],
        TimeControl::Correspondence { .. } if game.turn() == color => game.move_by()?.since(now),
        TimeControl::Correspondence { days } => Millis::from_days(days.into()),
        TimeControl::Unlimited => return None,
    };
    Some(left.0 / 1000)
}
