//! Many guests, and many games between some of them, over HTTP.

use std::ops::Range;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::site::Site;

/// Requests, and sockets that are opened, at a time.
pub(crate) const AT_ONCE: usize = 64;

/// Games of one pair of players.
const GAMES_A_PAIR: usize = 20;

/// A game in which nobody has moved.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) game: String,
    /// The tokens of White and Black.
    pub(crate) tokens: [String; 2],
}

/// Tokens of that many guests.
pub(crate) async fn tokens(site: &Site, numbers: Range<usize>) -> anyhow::Result<Vec<String>> {
    let entrance = site.entrance(0);
    stream::iter(numbers)
        .map(|_| entrance.guest())
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
        .context("make guests")
}

/// So many games.
pub(crate) async fn begin_games(site: &Site, count: usize) -> anyhow::Result<Vec<Begun>> {
    let pairs = count.div_ceil(GAMES_A_PAIR);
    let begun: Vec<Vec<Begun>> = stream::iter(0..pairs)
        .map(|pair| async move {
            let entrance = site.entrance(pair);
            let tokens = [entrance.guest().await?, entrance.guest().await?];
            let mut games = Vec::new();
            for _ in 0..GAMES_A_PAIR.min(count - pair * GAMES_A_PAIR) {
                games.push(Begun {
                    game: entrance.begin([&tokens[0], &tokens[1]]).await?,
                    tokens: tokens.clone(),
                });
            }
            anyhow::Ok(games)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
        .context("begin games")?;
    Ok(begun.into_iter().flatten().collect())
}
