//! Every node in turn is told to go away and comes back, perhaps as another build, under games that do not stop for it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeitnot_loadtest::deployment::Deployment;

use super::player::{End, Player, Story};
use super::reckoning::{Reckoning, log};
use super::{nodes, seat, uci_at};
use crate::support::binary;
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;

const GAMES: usize = 50;

/// Games during two such rounds.
const FEW_GAMES: usize = 12;

const NODES: usize = 3;

/// How long a player thinks: a socket takes five commands in a second, and all of this runs on one machine.
const PACE: Duration = Duration::from_millis(250);

/// Returns when everybody watches his game, at any node.
async fn wait_until_all_are_there(stories: &mut [watch::Receiver<Story>]) {
    for story in stories {
        let is_there = timeout(PATIENCE, story.wait_for(|story| story.is_there));
        is_there.await.expect("everybody comes back").unwrap();
    }
}

/// Sends SIGTERM to each node, waits until it has ended, and starts it again as this build; counts how many sockets each
/// had.
async fn drain_in_turn(
    deployment: &mut Deployment,
    (stories, build): (&mut [watch::Receiver<Story>], &Path),
    sockets: &mut HashMap<String, usize>,
) {
    for node in 0..NODES {
        wait_until_all_are_there(stories).await;
        let name = format!("node-{}", node + 1);
        let is_here = |story: &&watch::Receiver<Story>| story.borrow().node() == name;
        let here = stories.iter().filter(is_here).count();
        *sockets.entry(name.clone()).or_default() += here;
        let began = Instant::now();
        deployment.node_mut(node).terminate().unwrap();
        println!("{name}: {here} sockets, ended after {:?}", began.elapsed());
        deployment.node_mut(node).restart_as(build).unwrap();
    }
    wait_until_all_are_there(stories).await;
}

/// Under so many games all nodes are replaced by each of these builds; returns the games' logs.
async fn roll(games: usize, builds: &[&Path]) -> Vec<Vec<String>> {
    let settings = nodes(NODES).args(&["--drain-window", "1s"]);
    let mut deployment = settings.behind_nginx().start().unwrap();
    let address = deployment.address().to_owned();
    let entrance = Entrance::at(&address);
    let seated = (0..games).map(|_| seat(&entrance, (180, 0), [&address; 2]));
    let (games, seated): (Vec<_>, Vec<_>) = join_all(seated).await.into_iter().unzip();
    let goal = watch::Sender::new(usize::MAX);
    let (mut stories, mut players) = (Vec::new(), JoinSet::new());
    for mut player in seated.into_iter().flatten() {
        player.think(PACE);
        stories.push(player.story());
        players.spawn(player.play(goal.subscribe()));
    }
    let mut sockets = HashMap::new();
    for build in builds {
        drain_in_turn(&mut deployment, (&mut stories, build), &mut sockets).await;
    }
    goal.send_replace(0);
    let players = timeout(PATIENCE, players.join_all()).await.unwrap();

    let mut ended: HashMap<String, usize> = HashMap::new();
    for story in players.iter().map(Player::told) {
        assert_eq!((story.ended, story.unavailable), (None, 0));
        for visit in story.visits.iter().filter(|visit| visit.end.is_some()) {
            assert_eq!(
                (visit.end, visit.was_draining),
                (Some(End::Closed(1012)), true)
            );
            *ended.entry(visit.node.clone()).or_default() += 1;
        }
    }
    assert_eq!(ended, sockets);
    assert!(ended.len() == NODES && ended.values().all(|&count| count > 0));
    let mut plies = 0;
    for (game, seats) in games.iter().zip(stories.chunks(2)) {
        let reckoning = Reckoning::read(deployment.redis().unwrap(), *game);
        let known = seats.iter().map(|story| story.borrow().ply).max();
        assert_eq!(Some(reckoning.moves.len()), known, "each was answered");
        let moves: Vec<String> = (0..reckoning.moves.len()).map(uci_at).collect();
        assert_eq!(reckoning.moves, moves);
        assert_eq!(reckoning.outcome, None);
        plies += moves.len();
    }
    println!("{plies} moves in {} games", games.len());
    let redis = deployment.redis().unwrap();
    games.into_iter().map(|game| log(redis, game)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_drain_in_turn_lose_no_command_of_any_game() {
    roll(GAMES, &[binary()]).await;
}

/// `make test` names a build that writes what this one does not know. Without it, what takes over is this build again.
#[tokio::test(flavor = "multi_thread")]
async fn another_build_takes_over_and_gives_back_without_losing_a_command() {
    let next = std::env::var_os("ZEITNOT_NEXT_BUILD").map(PathBuf::from);
    let is_other = next.is_some();
    let next = next.unwrap_or_else(|| binary().to_owned());
    let logs = roll(FEW_GAMES, &[&next, binary()]).await;
    let lines = logs.iter().flat_map(|lines| &lines[1..]);
    let (theirs, ours): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains(" next:1 "));
    println!(
        "{} moves by the next build, {} by this one",
        theirs.len(),
        ours.len()
    );
    assert_eq!(!theirs.is_empty(), is_other);
    assert!(!ours.is_empty());
}
