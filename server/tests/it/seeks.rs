//! Users who find each other, through any nodes.

use serde_json::{Value, json};
use zeitnot_loadtest::deployment::{Deployment, RedisKind, Settings, Swallow};

use crate::support::binary;
use crate::support::client::Client;
use crate::support::entrance::Entrance;

/// Nodes over one Redis, or one node as often over its own store.
fn start(is_embedded: bool) -> (Deployment, [Entrance; 3]) {
    let binary = binary();
    let deployment = match is_embedded {
        true => Deployment::embedded(binary).unwrap(),
        false => Deployment::over_redis(binary, 3).unwrap(),
    };
    let entrances = std::array::from_fn(|number| Entrance::of(deployment.node(number)));
    (deployment, entrances)
}

fn blitz(color: &str) -> Value {
    json!({"t": "seek", "clock": {"limit": 180, "increment": 2}, "color": color})
}

async fn seeker(node: &Entrance, name: &str) -> Client {
    let guest = node.guest(name).await;
    node.connect(Some(&guest)).await
}

/// The game that two of them are told of, and the color of the first.
async fn game_of(clients: [&mut Client; 2]) -> (Value, Value) {
    let [one, other] = clients;
    let (mine, theirs) = (
        one.next_of("game_start").await,
        other.next_of("game_start").await,
    );
    assert_eq!(mine["game"], theirs["game"]);
    assert_ne!(mine["color"], theirs["color"]);
    (mine["game"].clone(), mine["color"].clone())
}

async fn two_find_each_other(is_embedded: bool) {
    let (_deployment, [first, second, third]) = start(is_embedded);
    let mut anna = seeker(&first, "Anna").await;
    let mut bo = seeker(&second, "Bo").await;
    let mut watcher = third.connect(None).await;
    let list = watcher.ask(json!({"t": "lobby"})).await;
    assert_eq!((&list["t"], &list["list"]), (&json!("seeks"), &json!([])));
    assert_eq!(anna.ask(blitz("white")).await["t"], "ok");
    let change = watcher.next_of("seeks").await;
    let open = &change["add"][0];
    assert_eq!(
        (&open["user"]["name"], &open["color"]),
        (&json!("Anna"), &json!("white"))
    );
    assert_eq!(open["clock"], json!({"limit": 180, "increment": 2}));
    assert_eq!(bo.ask(blitz("random")).await["t"], "ok");
    let (game, color) = game_of([&mut anna, &mut bo]).await;
    assert_eq!(color, "white");
    let change = watcher.next_of("seeks").await;
    assert_eq!(change["remove"], json!([open["seek"]]));
    let id = game.as_str().unwrap().parse().unwrap();
    anna.watch(id).await;
    assert_eq!(anna.play(id, "e2e4", 0).await["v"], 2);
}

#[tokio::test]
async fn two_find_each_other_over_redis() {
    two_find_each_other(false).await;
}

#[tokio::test]
async fn two_find_each_other_on_an_embedded_node() {
    two_find_each_other(true).await;
}

#[tokio::test]
async fn who_withdraws_is_found_by_nobody() {
    let (_deployment, [first, second, third]) = start(false);
    let mut anna = seeker(&first, "Anna").await;
    assert_eq!(anna.ask(blitz("random")).await["t"], "ok");
    assert_eq!(anna.ask(json!({"t": "unseek"})).await["t"], "ok");
    let mut bo = seeker(&second, "Bo").await;
    assert_eq!(bo.ask(blitz("random")).await["t"], "ok");
    let mut eve = seeker(&third, "Eve").await;
    assert_eq!(eve.ask(blitz("random")).await["t"], "ok");
    game_of([&mut bo, &mut eve]).await;
}

#[tokio::test]
async fn a_user_with_two_windows_seeks_once_and_never_meets_himself() {
    let (_deployment, [first, second, third]) = start(false);
    let anna = first.guest("Anna").await;
    let mut windows = [
        first.connect(Some(&anna)).await,
        second.connect(Some(&anna)).await,
    ];
    for window in &mut windows {
        assert_eq!(window.ask(blitz("random")).await["t"], "ok");
    }
    let mut watcher = third.connect(None).await;
    watcher.ask(json!({"t": "lobby"})).await;
    let seen = watcher.next_of("seeks").await;
    assert_eq!(seen["add"].as_array().unwrap().len(), 1, "{seen}");
    // Something else, from the other window: the first seek is gone.
    let bullet = json!({"t": "seek", "clock": {"limit": 60, "increment": 0}});
    assert_eq!(windows[1].ask(bullet.clone()).await["t"], "ok");
    let id = &seen["add"][0]["seek"];
    let change = loop {
        let change = watcher.next_of("seeks").await;
        if change["remove"] == json!([id]) {
            break change;
        }
    };
    // Both have the same id.
    assert_eq!(change["add"][0]["clock"], bullet["clock"], "{change}");
    let mut bo = seeker(&third, "Bo").await;
    assert_eq!(bo.ask(blitz("random")).await["t"], "ok");
    let mut eve = seeker(&first, "Eve").await;
    assert_eq!(eve.ask(bullet).await["t"], "ok");
    let [one, other] = &mut windows;
    let (game, _) = game_of([other, &mut eve]).await;
    assert_eq!(one.next_of("game_start").await["game"], game);
}

/// Changes of the terms and of the color alone: nobody may see or meet the old wish.
async fn a_seek_that_is_moved_leaves_nothing_behind(is_embedded: bool) {
    let (_deployment, [first, second, third]) = start(is_embedded);
    let mut watcher = third.connect(None).await;
    watcher.ask(json!({"t": "lobby"})).await;
    let mut anna = seeker(&first, "Anna").await;
    let bullet =
        |color: &str| json!({"t": "seek", "clock": {"limit": 60, "increment": 0}, "color": color});
    for seek in [blitz("white"), bullet("white"), bullet("black")] {
        assert_eq!(anna.ask(seek.clone()).await["t"], "ok");
        loop {
            let change = watcher.next_of("seeks").await;
            let added = change["add"].as_array().unwrap();
            if added
                .iter()
                .any(|open| open["color"] == seek["color"] && open["clock"] == seek["clock"])
            {
                break;
            }
        }
        let list = watcher.ask(json!({"t": "lobby"})).await;
        assert_eq!(list["list"].as_array().unwrap().len(), 1, "{list}");
    }
    let mut bo = seeker(&second, "Bo").await;
    assert_eq!(bo.ask(bullet("black")).await["t"], "ok");
    let mut eve = seeker(&third, "Eve").await;
    assert_eq!(eve.ask(bullet("white")).await["t"], "ok");
    let (_, color) = game_of([&mut anna, &mut eve]).await;
    assert_eq!(color, "black");
}

#[tokio::test]
async fn a_seek_that_is_moved_leaves_nothing_behind_over_redis() {
    a_seek_that_is_moved_leaves_nothing_behind(false).await;
}

#[tokio::test]
async fn a_seek_that_is_moved_leaves_nothing_behind_on_an_embedded_node() {
    a_seek_that_is_moved_leaves_nothing_behind(true).await;
}

#[tokio::test]
async fn a_seek_follows_its_player_to_another_node() {
    let (mut deployment, [first, second, third]) = start(false);
    let anna = first.guest("Anna").await;
    let mut window = first.connect(Some(&anna)).await;
    assert_eq!(window.ask(blitz("random")).await["t"], "ok");
    deployment.node_mut(0).kill().unwrap();
    let mut window = second.connect(Some(&anna)).await;
    assert_eq!(window.ask(blitz("random")).await["t"], "ok");
    let mut bo = seeker(&third, "Bo").await;
    assert_eq!(bo.ask(blitz("random")).await["t"], "ok");
    game_of([&mut window, &mut bo]).await;
}

#[tokio::test]
async fn a_seek_that_makes_no_sense_is_refused() {
    let (_deployment, [first, ..]) = start(true);
    let mut anna = seeker(&first, "Anna").await;
    for (seek, code) in [
        (json!({"t": "seek"}), "bad_request"),
        (
            json!({"t": "seek", "clock": {"limit": 0, "increment": 0}}),
            "bad_request",
        ),
        (
            json!({"t": "seek", "clock": {"limit": 60, "increment": 0}, "days": 2}),
            "bad_request",
        ),
        (json!({"t": "seek", "days": 15}), "bad_request"),
        (
            json!({"t": "seek", "days": 2, "variant": "fromPosition"}),
            "bad_request",
        ),
        (
            json!({"t": "seek", "days": 2, "rated": true}),
            "not_allowed",
        ),
    ] {
        assert_eq!(anna.ask(seek.clone()).await["code"], code, "{seek}");
    }
    let mut nobody = first.connect(None).await;
    assert_eq!(nobody.ask(blitz("white")).await["code"], "unauthorized");
}

/// The node through which Bo seeks dies when `answer` was on its way to it; he seeks again through another one.
async fn a_node_dies_at(answer: fn(&[&[u8]]) -> bool) {
    let mut deployment = Settings::new(binary())
        .nodes(3)
        .over(RedisKind::Single)
        .with_proxies()
        .start()
        .unwrap();
    let [first, second, third] =
        std::array::from_fn(|number| Entrance::of(deployment.node(number)));
    let mut anna = seeker(&first, "Anna").await;
    assert_eq!(anna.ask(blitz("random")).await["t"], "ok");
    let guest = second.guest("Bo").await;
    let mut bo = second.connect(Some(&guest)).await;
    let rule = Swallow::first(answer).and_hold();
    let swallowed = deployment.proxy(1).unwrap().swallow(rule);
    bo.send(blitz("random")).await;
    swallowed.wait_for(1).unwrap();
    deployment.node_mut(1).kill().unwrap();
    let mut bo = third.connect(Some(&guest)).await;
    let answer = bo.ask(blitz("random")).await;
    assert_eq!(answer["t"], "ok", "{answer}");
    let (game, _) = game_of([&mut anna, &mut bo]).await;
    let game = game.as_str().unwrap().parse().unwrap();
    for (client, name) in [(&mut anna, "Anna"), (&mut bo, "Bo")] {
        let snapshot = client.watch(game).await;
        assert_eq!(snapshot["status"], "started", "{name}");
        assert_ne!(snapshot["seat"], Value::Null, "{name}");
    }
}

fn calls_a_script_on(words: &[&[u8]], part: &[u8]) -> bool {
    let [name, _, _, key, ..] = words else {
        return false;
    };
    name.eq_ignore_ascii_case(b"EVALSHA") && key.windows(part.len()).any(|some| some == part)
}

#[tokio::test]
async fn nobody_is_stranded_by_a_node_that_dies_when_it_has_found_somebody() {
    a_node_dies_at(|words| calls_a_script_on(words, b":seeks:")).await;
}

#[tokio::test]
async fn nobody_is_stranded_by_a_node_that_dies_when_it_has_begun_the_game() {
    // Of the calls about a challenge only that one has three keys.
    a_node_dies_at(|words| {
        words.get(2) == Some(&&b"3"[..]) && calls_a_script_on(words, b":challenge:")
    })
    .await;
}
