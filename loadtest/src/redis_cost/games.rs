//! Games whose players wait, or play on as fast as they are answered.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::Rng as _;
use tokio::task::JoinSet;
use tokio::time::{interval_at, sleep_until, timeout};
use zeitnot_loadtest::deployment::Deployment;

use crate::client::Client;
use crate::entrance::Entrance;
use crate::score::scores;

/// Games that begin at a time.
const BEGIN_AT_ONCE: usize = 16;

/// How often a client says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A game with both of its players.
#[derive(Debug)]
struct Game {
    id: String,
    score: Vec<String>,
    plies: u16,
    players: [Client; 2],
}

/// All of them. Who drops them closes their sockets.
#[derive(Debug)]
pub(super) struct Games(Vec<Game>);

/// Begins games, each with its players at two of the nodes.
pub(super) async fn begin(deployment: &Deployment, count: usize) -> anyhow::Result<Games> {
    let games = stream::iter(0..count)
        .map(|number| begin_one(deployment, number))
        .buffered(BEGIN_AT_ONCE)
        .try_collect();
    Ok(Games(games.await?))
}

async fn begin_one(deployment: &Deployment, number: usize) -> anyhow::Result<Game> {
    let addresses = [number, number + 1].map(|node| deployment.node(node).address());
    let entrance = Entrance::at(addresses[0]);
    let tokens = [entrance.guest().await?, entrance.guest().await?];
    let id = entrance.begin([&tokens[0], &tokens[1]]).await?;
    let mut players = [
        Client::connect(addresses[0], "/ws", Some(&tokens[0])).await?,
        Client::connect(addresses[1], "/ws", Some(&tokens[1])).await?,
    ];
    for player in &mut players {
        let watch = format!(r#"{{"t":"watch","id":0,"game":"{id}"}}"#);
        player.send(watch).await?;
        until(player, r#""t":"game""#).await?;
    }
    let mut scores = scores()?;
    let score = scores.swap_remove(number % scores.len());
    Ok(Game {
        id,
        score,
        plies: 0,
        players,
    })
}

impl Games {
    /// Plays on until each has so many plies.
    pub(super) async fn play(&mut self, plies: u16) -> anyhow::Result<()> {
        // All at once: who waits for his turn would not answer pings.
        let played = self.0.iter_mut().map(async |game| {
            while game.plies < plies {
                game.play_one().await?;
            }
            anyhow::Ok(())
        });
        try_join_all(played).await?;
        Ok(())
    }

    /// Nobody moves for so long; all are there.
    pub(super) async fn rest(&mut self, span: Duration) -> anyhow::Result<()> {
        let (end, mut resting) = (Instant::now() + span, JoinSet::new());
        for game in self.0.drain(..) {
            resting.spawn(game.rest(end));
        }
        while let Some(rested) = resting.join_next().await {
            self.0.push(rested??);
        }
        Ok(())
    }
}

impl Game {
    async fn play_one(&mut self) -> anyhow::Result<()> {
        let (id, ply) = (&self.id, self.plies);
        let uci = self
            .score
            .get(usize::from(ply))
            .context("the game is too short")?;
        let message = format!(r#"{{"t":"move","game":"{id}","uci":"{uci}","ply":{ply}}}"#);
        self.plies += 1;
        self.players[usize::from(ply % 2)].send(message).await?;
        let expected = format!(r#""ply":{},"#, self.plies);
        for player in &mut self.players {
            let frame = until(player, r#""t":"move""#).await?;
            ensure!(
                frame.contains(&expected),
                "{frame} is not ply {}",
                self.plies
            );
        }
        Ok(())
    }

    async fn rest(mut self, end: Instant) -> anyhow::Result<Self> {
        // Not all at once: people do not sit down at the same moment.
        let first = HEARTBEAT.mul_f64(rand::rng().random_range(0.0..1.0));
        let mut heartbeat = interval_at((Instant::now() + first).into(), HEARTBEAT);
        loop {
            let [white, black] = &mut self.players;
            tokio::select! {
                frame = white.next() => drop(frame?),
                frame = black.next() => drop(frame?),
                _ = heartbeat.tick() => for player in &mut self.players {
                    player.send(r#"{"t":"ping"}"#.to_owned()).await?;
                },
                () = sleep_until(end.into()) => return Ok(self),
            }
        }
    }
}

/// The next frame that contains these words.
async fn until(player: &mut Client, words: &str) -> anyhow::Result<String> {
    let found = async {
        loop {
            let (text, _) = player.next().await?;
            ensure!(!text.contains(r#""t":"error""#), "{text}");
            if text.contains(words) {
                return Ok(text.to_string());
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .context("no answer in time")?
}
