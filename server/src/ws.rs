//! The socket at `/ws`: the upgrade, and one task for each socket.

mod close;
mod commands;
mod heartbeat;
mod message;
mod outage;
mod pending;
mod rates;
mod requests;
mod seeking;
mod session;
mod welcome;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, WebSocketUpgrade};
use axum::response::Response;

use crate::App;
use crate::auth::Visitor;
use crate::auth::request::SUBPROTOCOL;
use crate::error::ApiError;
use crate::limits::{MAX_FRAME, SOCKET_READ_BUFFER, SOCKET_WRITE_BUFFER, SOCKET_WRITE_BUFFER_MAX};
use crate::metrics::{Limited, METRICS};
use crate::quota::Subject;
use crate::sockets;
use close::Close;
#[cfg(any(test, feature = "fuzzing"))]
use zeitnot_game::{event::Command, id::Version, wire::ErrorCode, wire::ServerMsg};

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
    Ok(bounded(upgrade, MAX_FRAME)
        .on_upgrade(async move |socket| session::start(app, visitor.me, (ticket, socket))))
}

/// An upgrade to a socket of ours: its subprotocol, its buffers, and the longest message that it takes, in bytes.
pub fn bounded(upgrade: WebSocketUpgrade, max_frame: usize) -> WebSocketUpgrade {
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(SOCKET_READ_BUFFER)
        .write_buffer_size(SOCKET_WRITE_BUFFER)
        .max_write_buffer_size(SOCKET_WRITE_BUFFER_MAX.max(max_frame))
        .max_message_size(max_frame)
        .max_frame_size(max_frame)
}

/// What a socket is told that ends with this error; nothing where nobody would read it.
#[must_use]
pub fn goodbye(error: axum::Error) -> Option<CloseFrame> {
    Close::from(error).frame()
}

/// What a frame asks of a game, if anything; what one that is no message is answered goes to `answer`. For the fuzzers.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_frame(
    text: &str,
    answer: impl FnOnce(&ServerMsg),
) -> Option<(Command, Option<Version>)> {
    match message::parse(text) {
        Ok((_, msg)) => {
            let wanted = commands::wanted(&msg, None, || "nextGame".parse().expect("an id"))?;
            Some((wanted.command, wanted.seen))
        }
        Err(bad) => {
            let code = ErrorCode::BadRequest;
            answer(&commands::error(bad.re, code, bad.problem));
            None
        }
    }
}
