//! Somebody who follows a game as a stream of server-sent events, and goes on elsewhere from the last one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::{sleep, timeout, timeout_at};

use crate::entrance::Entrance;

use super::history::Told;
use super::reader::version;
use super::shared::{Phase, Presence, Shared};

/// How long a stream may take to open.
const OPENING: Duration = Duration::from_secs(4);

/// A stream on which nothing is heard for so long is left: it says something every five seconds.
const SILENCE: Duration = Duration::from_secs(8);

/// How long it stays at one node, in milliseconds.
const STAY_MS: std::ops::Range<u64> = 1000..8000;

/// Bytes of an event that is not whole yet.
const MAX_EVENT: usize = 1 << 20;

/// One who reads.
struct Reader {
    shared: Arc<Shared>,
    game: Arc<str>,
    who: Arc<str>,
    presence: Presence,
    /// The id of the last event. Shape: `12.bQ7xM`.
    last: Option<String>,
}

/// Reads a game from its beginning, until the run is over.
pub(super) async fn read(shared: Arc<Shared>, game: Arc<str>, mut rng: StdRng) {
    let who: Arc<str> = format!("{game} stream").into();
    let mut reader = Reader {
        presence: Presence::new(&shared, &who),
        who,
        shared,
        game,
        last: None,
    };
    while reader.shared.phase() != Phase::Over {
        let entrance = reader.shared.any_entrance(&mut rng);
        let path = format!("/api/games/{}/events", reader.game);
        let node = Entrance::at(&entrance);
        let opened = timeout(OPENING, node.events(&path, reader.last.as_deref())).await;
        if let Ok(Ok(stream)) = opened {
            let stay = Duration::from_millis(rng.random_range(STAY_MS));
            reader.follow(stream, (&entrance, stay)).await;
        }
        sleep(Duration::from_millis(rng.random_range(20..200))).await;
    }
}

impl Reader {
    /// Until it ends, nothing is heard, or it is time to go elsewhere.
    async fn follow(&mut self, mut stream: BodyDataStream, (entrance, stay): (&str, Duration)) {
        let leave = Instant::now() + stay;
        let mut heard = Instant::now();
        let mut unread: Vec<u8> = Vec::new();
        loop {
            let phase = self.shared.phase();
            let is_late = phase == Phase::Play && Instant::now() > leave;
            if phase == Phase::Over || is_late || heard.elapsed() > SILENCE {
                return;
            }
            // It looks at the phase in between.
            let until = Instant::now() + Duration::from_millis(500);
            match timeout_at(until.into(), stream.next()).await {
                Ok(Some(Ok(bytes))) if unread.len() + bytes.len() <= MAX_EVENT => {
                    heard = Instant::now();
                    unread.extend(&bytes);
                    while let Some(event) = take_event(&mut unread) {
                        self.hear(&event, entrance);
                    }
                }
                Ok(_) => return,
                Err(_) => {}
            }
        }
    }

    fn hear(&mut self, event: &str, entrance: &str) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let Some(id) = field("id: ") else {
            return;
        };
        let frame: Value = serde_json::from_str(field("data: ").unwrap_or("")).unwrap_or_default();
        let Some(v) = version(&frame) else {
            return;
        };
        self.last = Some(id.to_owned());
        self.presence.at(&self.game, v);
        let history = &self.shared.history;
        history.told(Told {
            who: Arc::clone(&self.who),
            game: Arc::clone(&self.game),
            entrance: entrance.to_owned(),
            at: history.now(),
            asked: None,
            frame,
        });
    }
}

/// The first event that is whole, without the empty line behind it.
fn take_event(unread: &mut Vec<u8>) -> Option<String> {
    let end = unread.windows(2).position(|two| two == b"\n\n")?;
    let event = String::from_utf8_lossy(&unread[..end]).into_owned();
    unread.drain(..end + 2);
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_when_they_are_whole() {
        let mut unread = b"id: 2.aaaaa\ndata: {}\n\n:\n\nid: 3".to_vec();
        assert_eq!(take_event(&mut unread).unwrap(), "id: 2.aaaaa\ndata: {}");
        assert_eq!(take_event(&mut unread).unwrap(), ":");
        assert_eq!(take_event(&mut unread), None);
        assert_eq!(unread, b"id: 3");
    }
}
