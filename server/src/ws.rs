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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::extract::State;
use axum::extract::ws::{CloseFrame, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::auth::Caller;
use crate::auth::request::SUBPROTOCOL;
use crate::error::ApiError;
use crate::limits::{
    MAX_FRAME, SOCKET_READ_BUFFER, SOCKET_RETRY_AFTER, SOCKET_WRITE_BUFFER, SOCKET_WRITE_BUFFER_MAX,
};
use crate::metrics::{Counted, Gauge, METRICS};
use close::Close;
use zeitnot_game::wire::ErrorCode;
#[cfg(any(test, feature = "fuzzing"))]
use zeitnot_game::{event::Command, id::Version, wire::ServerMsg};

/// The sockets of this node, and the streams, which cost the same. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sockets {
    open: Arc<AtomicUsize>,
    next: Arc<AtomicU64>,
}

/// One of them, counted until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    open: Arc<AtomicUsize>,
    number: u64,
    _counted: Counted,
}

impl Sockets {
    /// Lets one more in, if there are not `max` already, and counts it in a gauge for as long as it is open.
    pub fn admit(&self, max: usize, gauge: &'static Gauge) -> Option<Ticket> {
        let ticket = Ticket {
            open: Arc::clone(&self.open),
            number: self.next.fetch_add(1, Ordering::Relaxed),
            _counted: Counted::among(gauge),
        };
        let has_place = ticket.open.fetch_add(1, Ordering::Relaxed) < max;
        if !has_place {
            METRICS.sockets_refused.inc();
        }
        has_place.then_some(ticket)
    }
}

impl Ticket {
    /// Its own, by which rooms know it.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /ws`: a bad token is refused before the upgrade; without one the socket only reads.
pub async fn open(State(app): State<App>, caller: Caller, upgrade: WebSocketUpgrade) -> Response {
    let Some(ticket) = app.sockets.admit(app.config.max_sockets, &METRICS.sockets) else {
        return ApiError::new(
            ErrorCode::Unavailable,
            "this node has as many sockets as it takes",
        )
        .retry_after(SOCKET_RETRY_AFTER)
        .into_response();
    };
    bounded(upgrade, MAX_FRAME)
        .on_upgrade(move |socket| session::run(app, caller, (ticket, socket)))
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
