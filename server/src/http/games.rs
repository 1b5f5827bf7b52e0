//! One game over HTTP: its snapshot, and its export as PGN.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use zeitnot_game::id::GameId;
use zeitnot_game::pgn::pgn;
use zeitnot_game::wire::{ServerMsg, Snapshot, SnapshotFrame};

use super::LinkBase;
use crate::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::play::Refused;

/// `GET /api/games/{id}`: the snapshot that a socket gets, without chat.
///
/// # Errors
/// There is no such game, or the store does not answer.
pub async fn show(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<ServerMsg>, ApiError> {
    let id: GameId = id.parse().map_err(|_| Refused::NotFound)?;
    let user = caller.map(|caller| caller.user.id);
    let snapshot = Snapshot {
        chat: Vec::new(),
        ..app.rooms.show(id, user).await?
    };
    let frame = SnapshotFrame { re: None, snapshot };
    Ok(Json(ServerMsg::Game(Box::new(frame))))
}

/// `GET /game/export/{id}`: the game as PGN, whatever the client accepts. Two empty lines follow the moves, since
/// clients tell the games of an export apart by them.
///
/// # Errors
/// There is no such game, or the store does not answer.
pub async fn export(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    base: LinkBase,
) -> Result<([(HeaderName, &'static str); 1], String), ApiError> {
    let id: GameId = id.parse().map_err(|_| Refused::NotFound)?;
    let (game, _) = app.rooms.look(id).await?;
    let text = pgn(id, &game, &format!("{base}/{id}"));
    let content_type = "application/x-chess-pgn; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text + "\n\n"))
}
