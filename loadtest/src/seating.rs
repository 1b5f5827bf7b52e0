//! Players sit down: guests with games between them, and a socket each.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::Client;
use crate::entrance::Entrance;
use crate::guests::Begun;
use crate::line::Line;
use crate::score::{scores, whole_scores};
use crate::side::Side;
use crate::site::Site;
use crate::table::{Games, Seated};

/// The moves of long games that nobody ends, for one table each in turn.
pub(crate) fn open_lines() -> anyhow::Result<Vec<Arc<Line>>> {
    let lines = scores()?.into_iter();
    lines
        .map(|score| Ok(Arc::new(Line::open(&score)?)))
        .collect()
}

/// The moves of all games to their end.
pub(crate) fn whole_lines() -> anyhow::Result<Vec<Arc<Line>>> {
    let lines = whole_scores()?.into_iter();
    lines
        .map(|score| Ok(Arc::new(Line::whole(&score)?)))
        .collect()
}

/// Seats two players and spectators, each at the next node; games begin one after the other.
pub(crate) async fn gather(
    site: &Site,
    table: usize,
    (spectators, lines): (usize, VecDeque<Arc<Line>>),
) -> anyhow::Result<Seated> {
    let entrance = site.entrance(table);
    let (tokens, games) = match site.side() {
        // Its games have a name and nothing else.
        Side::Floor | Side::StoringFloor => (None, Games::Begun([table.to_string()].into())),
        Side::Zeitnot => {
            let tokens = [entrance.guest().await?, entrance.guest().await?];
            (Some(tokens.clone()), Games::Fresh { entrance, tokens })
        }
        // Some of their sockets belong to a game, which must be there before them.
        Side::Peer(_) => {
            let tokens = [entrance.guest().await?, entrance.guest().await?];
            let game = entrance.begin([&tokens[0], &tokens[1]]).await?;
            (Some(tokens), Games::Begun([game].into()))
        }
    };
    let game = games.first().map(str::to_owned);
    let mut clients = Vec::new();
    for seat in 0..2 + spectators {
        let token = tokens.as_ref().and_then(|tokens| tokens.get(seat));
        let token = token.map(String::as_str);
        clients.push(site.connect(table + seat, token, game.as_deref()).await?);
    }
    Ok(Seated {
        clients,
        games,
        lines,
    })
}

/// Seats two players at nodes of ours, with as many games of one line as so many plies need.
pub(crate) async fn sit_down(
    [white, black]: [&str; 2],
    line: &Arc<Line>,
    plies: usize,
) -> anyhow::Result<Seated> {
    let entrance = Entrance::at(white);
    let tokens = [entrance.guest().await?, entrance.guest().await?];
    let mut games = VecDeque::new();
    for _ in 0..=plies / usize::from(line.plies()) + 1 {
        games.push_back(entrance.begin([&tokens[0], &tokens[1]]).await?);
    }
    Ok(Seated {
        clients: vec![
            Client::connect(white, "/ws", Some(&tokens[0])).await?,
            Client::connect(black, "/ws", Some(&tokens[1])).await?,
        ],
        games: Games::Begun(games),
        lines: [Arc::clone(line)].into(),
    })
}

/// Seats the players of a game that has begun, at the first nodes.
pub(crate) async fn sit_down_for(
    site: &Site,
    begun: &Begun,
    line: &Arc<Line>,
) -> anyhow::Result<Seated> {
    let mut clients = Vec::new();
    for (number, token) in begun.tokens.iter().enumerate() {
        let client = site.connect(number, Some(token), Some(&begun.game));
        clients.push(client.await?);
    }
    Ok(Seated {
        clients,
        games: Games::Begun([begun.game.clone()].into()),
        lines: [Arc::clone(line)].into(),
    })
}

/// Seats two players at a floor, where the game has a name and nothing else.
pub(crate) async fn sit_down_at_floor(
    [white, black]: [(&str, &str); 2],
    line: &Arc<Line>,
    game: &str,
) -> anyhow::Result<Seated> {
    Ok(Seated {
        clients: vec![
            Client::connect(white.0, white.1, None).await?,
            Client::connect(black.0, black.1, None).await?,
        ],
        games: Games::Begun([game.to_owned()].into()),
        lines: [Arc::clone(line)].into(),
    })
}
