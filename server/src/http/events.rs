//! Following a game without a socket: as a stream of server-sent events, or by asking for what comes next. Both go on
//! on any node from where they were.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::{Instant, Interval, interval_at, timeout_at};
use zeitnot_game::id::{GameId, Head, Tag, Version};

use super::Params;
use super::params::header_text;
use crate::App;
use crate::address::Address;
use crate::auth::{Caller, Verified, Visitor};
use crate::error::ApiError;
use crate::limits::{MAX_POLL_WAIT_SECS, POLL_WAIT_SECS, STREAM_PERIOD, STREAM_RETRY_MS};
use crate::metrics::METRICS;
use crate::outbox::{Form, Frame, OutboxReader, outbox};
use crate::play::Refused;
use crate::replica::{Leaving, Start, Watch};
use crate::sockets::{self, Ticket};

/// Who follows a game from here; it does so no longer when this is dropped.
struct Follower {
    app: App,
    me: Option<Verified>,
    game: GameId,
    frames: OutboxReader,
    ticket: Ticket,
}

/// `GET /api/games/{id}/events`: a stream of events, or, for who accepts JSON alone, the frames after a version as soon
/// as there are any.
///
/// # Errors
/// There is no such game, the store does not answer, or a parameter cannot be read.
pub async fn follow(
    State(app): State<App>,
    (Caller(me), address): (Caller, Address),
    Path(id): Path<String>,
    (headers, params): (HeaderMap, Params),
) -> Result<Response, ApiError> {
    let id = id.parse().map_err(|_| Refused::NotFound)?;
    let visitor = Visitor { me, address };
    let accepted = header_text(&headers, &header::ACCEPT);
    let wants_json = accepted.starts_with("application/json");
    if wants_json {
        return poll((app, visitor), id, &params).await;
    }
    let last = header_text(&headers, &LAST_EVENT_ID);
    let start = entry_of(last).map_or(Start::Snapshot, Start::AfterEntry);
    let follower = Follower::begin((app, visitor), id, (Form::Event, start)).await?;
    Ok(events(follower))
}

const LAST_EVENT_ID: header::HeaderName = header::HeaderName::from_static("last-event-id");

/// Reads the id of an event. Shape: `12.bQ7xM`.
fn entry_of(id: &str) -> Option<Head> {
    let (version, tag) = id.split_once('.')?;
    let version = Version(version.parse().ok()?);
    let tag: Tag = tag.parse().ok()?;
    Some(Head { version, tag })
}

impl Follower {
    async fn begin(
        (app, visitor): (App, Visitor),
        game: GameId,
        (form, start): (Form, Start),
    ) -> Result<Self, ApiError> {
        let ticket = sockets::admit(&app, &visitor, &METRICS.streams).await?;
        let me = visitor.me;
        let (outbox, frames) = outbox(form);
        let watch = Watch {
            follower: ticket.number(),
            user: me.as_ref().map(|me| me.user.id.clone()),
            outbox,
            re: None,
            since: match start {
                Start::Snapshot => None,
                Start::After(version) => Some(version),
                Start::AfterEntry(head) => Some(head.version),
            },
            start,
        };
        let follower = Self {
            app,
            me,
            game,
            frames,
            ticket,
        };
        follower.app.rooms.watch(game, watch).await?;
        Ok(follower)
    }

    /// Whether its token is no longer good.
    fn is_expired(&self) -> bool {
        self.me
            .as_ref()
            .is_some_and(|me| self.app.is_revoked(me) || me.expires_at <= self.app.wall_time())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let (rooms, game, number) = (self.app.rooms.clone(), self.game, self.ticket.number());
        let leaving = async move { rooms.unwatch(game, number, Leaving::Lost).await };
        self.app.shutdown.tasks.spawn(leaving);
    }
}

/// First the snapshot, or what was missed since the last event; then each frame as an event. It ends when the client
/// reads too slowly, its token is good no longer, or the node goes away; the client comes back by itself.
fn events(follower: Follower) -> Response {
    let period = interval_at(Instant::now() + STREAM_PERIOD, STREAM_PERIOD);
    let hello = format!("retry: {STREAM_RETRY_MS}\n\n");
    let hello = stream::iter([Ok::<_, Infallible>(Bytes::from(hello))]);
    let rest = stream::unfold((follower, period), next_event);
    let body = Body::from_stream(stream::StreamExt::chain(hello, rest));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

async fn next_event(
    (mut follower, mut period): (Follower, Interval),
) -> Option<(Result<Bytes, Infallible>, (Follower, Interval))> {
    let draining = follower.app.shutdown.draining.clone();
    let event = tokio::select! {
        frame = follower.frames.next() => Bytes::from(frame.ok()?),
        _ = period.tick() => {
            if follower.is_expired() {
                return None;
            }
            Bytes::from_static(b":\n\n")
        }
        () = draining.cancelled() => return None,
    };
    Some((Ok(event), (follower, period)))
}

/// What each versioned frame has.
#[derive(Deserialize)]
struct Versioned {
    v: Version,
}

fn version_of(frame: &Frame) -> Option<Version> {
    let versioned: Option<Versioned> = serde_json::from_str(frame).ok();
    versioned.map(|frame| frame.v)
}

/// The frames after a version: at once if there are any, else as soon as there is one, none if it takes too long.
async fn poll(
    (app, visitor): (App, Visitor),
    game: GameId,
    params: &Params,
) -> Result<Response, ApiError> {
    let after = Version(params.parsed("after")?.unwrap_or(0));
    let wait: u64 = params.parsed("wait")?.unwrap_or(POLL_WAIT_SECS);
    if wait > MAX_POLL_WAIT_SECS {
        let most = format!("at most {MAX_POLL_WAIT_SECS} seconds");
        return Err(ApiError::field("wait", most));
    }
    let until = Instant::now() + Duration::from_secs(wait);
    let draining = app.shutdown.draining.clone();
    let mut follower =
        Follower::begin((app, visitor), game, (Form::Json, Start::After(after))).await?;
    let (mut v, mut frames) = (after, Vec::new());
    let first = async {
        loop {
            let frame = follower.frames.next().await.ok()?;
            if version_of(&frame).is_some() {
                return Some(frame);
            }
        }
    };
    let first = tokio::select! {
        first = timeout_at(until, first) => first.ok().flatten(),
        () = draining.cancelled() => None,
    };
    let mut next = first;
    while let Some(frame) = next {
        if let Some(version) = version_of(&frame) {
            v = version;
            frames.push(frame);
        }
        // Where the rest was lost the client finds it behind what it has now.
        next = follower.frames.try_next().ok().flatten();
    }
    let frames: Vec<&str> = frames.iter().map(|frame| &**frame).collect();
    let body = format!(r#"{{"v":{v},"frames":[{}]}}"#, frames.join(","));
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], body).into_response())
}
