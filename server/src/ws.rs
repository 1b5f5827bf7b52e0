//! The socket at `/ws`: the upgrade, and one task for each socket.

mod close;
mod commands;
mod heartbeat;
mod message;
mod outage;
mod rates;
mod requests;
mod seeking;
mod session;
mod welcome;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;

use crate::App;
use crate::auth::Visitor;
use crate::auth::request::SUBPROTOCOL;
use crate::error::ApiError;
use crate::limits::{MAX_FRAME, SOCKET_READ_BUFFER, SOCKET_WRITE_BUFFER, SOCKET_WRITE_BUFFER_MAX};
use crate::metrics::{Limited, METRICS};
use crate::quota::Subject;
use crate::sockets;

/// `GET /ws`: a bad token is refused before the upgrade; without one the socket only reads.
///
/// # Errors
/// There is no place for one more, or its address opens too many.
pub async fn open(
    State(app): State<App>,
    visitor: Visitor,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let ticket = sockets::admit(&app, &visitor, &METRICS.sockets).await?;
    let from = Subject::Address(visitor.address);
    app.quotas.take(Limited::Upgrades, from).await?;
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(SOCKET_READ_BUFFER)
        .write_buffer_size(SOCKET_WRITE_BUFFER)
        .max_write_buffer_size(SOCKET_WRITE_BUFFER_MAX)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| session::run(app, visitor.me, (ticket, socket))))
}
