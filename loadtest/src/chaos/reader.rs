//! Somebody without a socket, who asks any node for what comes next, by long polling.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::entrance::Entrance;

use super::history::Told;
use super::shared::{Phase, Presence, Shared};

/// How long an answer may take; a node is to give one after two seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// Reads a game from its beginning, as long as people play: to be asked makes a node look, which would hide afterwards that it
/// does not look by itself.
pub(super) async fn read(shared: Arc<Shared>, game: Arc<str>, mut rng: StdRng) {
    let who: Arc<str> = format!("{game} reader").into();
    let presence = Presence::new(&shared, &who);
    let mut v = 1;
    while shared.phase() == Phase::Play {
        let entrance = shared.any_entrance(&mut rng);
        let path = format!("/api/games/{game}/events?after={v}&wait=2");
        let node = Entrance::at(&entrance);
        let answer = timeout(PATIENCE, node.get(&path)).await;
        let Ok(Ok(answer)) = answer else {
            let pause = rng.random_range(20..200);
            sleep(Duration::from_millis(pause)).await;
            continue;
        };
        // A version above the head is answered with the whole game.
        let frames = match answer["frames"].as_array() {
            Some(frames) => frames.clone(),
            None => vec![answer.clone()],
        };
        for frame in frames {
            v = version(&frame).unwrap_or(v);
            presence.at(&game, v);
            shared.history.told(Told {
                who: Arc::clone(&who),
                game: Arc::clone(&game),
                entrance: entrance.clone(),
                at: shared.history.moment(Instant::now()),
                asked: None,
                frame,
            });
        }
    }
}

pub(super) fn version(frame: &Value) -> Option<u32> {
    u32::try_from(frame["v"].as_u64()?).ok()
}
