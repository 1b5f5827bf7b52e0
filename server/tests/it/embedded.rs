//! One laptop: what the death of the only process, its clock and its clients' haste can do to a game. Nothing.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use zeitnot_loadtest::deployment::{Deployment, SkewedClock};

use crate::support::binary;
use crate::support::client::{Gone, PATIENCE};
use crate::support::entrance::Entrance;
use crate::support::table::Table;

fn blitz() -> Value {
    json!({"clock.limit": 180, "clock.increment": 2})
}

#[tokio::test]
async fn a_killed_process_comes_back_with_every_move_and_both_clocks() {
    let mut deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &blitz()).await;
    let mut last = Value::Null;
    for (ply, uci) in ["e2e4", "e7e5", "g1f3", "b8c6"].into_iter().enumerate() {
        assert_eq!(
            table.seats[ply % 2].play(table.game, uci, ply).await["t"],
            "ok"
        );
        last = table.seats[0].next().await;
    }
    deployment.node_mut(0).restart().unwrap();

    let entrance = Entrance::of(deployment.node(0));
    let mut white = entrance.connect(Some(&table.guests[0])).await;
    let playing = &white.hello()["playing"];
    assert_eq!(playing[0]["game"], json!(table.game), "{playing}");
    assert_eq!(playing[0]["color"], "white");
    let snapshot = white.watch(table.game).await;
    assert_eq!(snapshot["moves"], "e2e4 e7e5 g1f3 b8c6");
    assert_eq!((&snapshot["v"], &snapshot["at"]), (&last["v"], &last["at"]));
    assert_eq!(
        snapshot["clock"]["black"], last["clock"]["black"],
        "the clock that does not run"
    );
    assert_eq!(snapshot["clock"]["running"], "white");
    let again = white.play(table.game, "g1f3", 2).await;
    assert_eq!(again["v"], 4, "what was acknowledged is known");
    assert_eq!(white.play(table.game, "f1b5", 4).await["v"], 6);
}

#[tokio::test]
async fn a_node_that_is_asked_to_end_says_so_to_every_socket() {
    let mut deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let table = Table::sit_down([&entrance; 3], &blitz()).await;
    deployment.node_mut(0).terminate().unwrap();
    let [white, black] = table.seats;
    for mut client in [white, black, table.spectator] {
        let gone = loop {
            match client.try_receive().await {
                Ok(frame) if frame["t"] == "draining" => {
                    assert_eq!(frame["reconnect_within_ms"], 0, "there is no other node");
                }
                Ok(_) => {}
                Err(gone) => break gone,
            }
        };
        assert_eq!(gone, Gone::Closed(Some(1012)));
    }
}

#[tokio::test]
async fn an_hour_of_downtime_flags_nobody() {
    let clock = SkewedClock::new().unwrap();
    let mut deployment = Deployment::embedded_with(binary(), (&[], &clock.variables())).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down(
        [&entrance; 3],
        &json!({"clock.limit": 15, "clock.increment": 0}),
    )
    .await;
    for (ply, uci) in ["e2e4", "e7e5", "g1f3"].into_iter().enumerate() {
        assert_eq!(
            table.seats[ply % 2].play(table.game, uci, ply).await["t"],
            "ok"
        );
    }
    let before = table.seats[0].hello()["now"].as_u64().unwrap();
    deployment.node_mut(0).kill().unwrap();
    clock.set(3600).unwrap();
    deployment.node_mut(0).restart().unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", deployment.node(0).pid())).unwrap();
    assert!(
        maps.contains(clock.library().to_str().unwrap()),
        "the shim is loaded"
    );

    let entrance = Entrance::of(deployment.node(0));
    let mut black = entrance.connect(None).await;
    let after = black.hello()["now"].as_u64().unwrap();
    assert!(after >= before + 3_600_000, "the wall clock has moved on");
    let snapshot = black.watch(table.game).await;
    assert_eq!(snapshot["status"], "started");
    assert!(
        snapshot["clock"]["black"].as_u64().unwrap() > 5_000,
        "{snapshot}"
    );
    // And back again: a step in the running process is no time either.
    clock.set(-3600).unwrap();
    let snapshot = black.watch(table.game).await;
    assert_eq!(snapshot["status"], "started");
    assert!(
        snapshot["clock"]["black"].as_u64().unwrap() > 5_000,
        "{snapshot}"
    );
}

#[tokio::test]
async fn two_tabs_of_one_player_see_the_same_game_and_one_move_counts() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &blitz()).await;
    let game = table.game;
    let mut tab = entrance.connect(Some(&table.guests[0])).await;
    assert_eq!(tab.watch(game).await["seat"], "white");
    let [first, _] = &mut table.seats;
    let (one, other) = tokio::join!(first.play(game, "e2e4", 0), tab.play(game, "d2d4", 0));
    let answers = [&one["t"], &other["t"]];
    assert!(
        answers.contains(&&json!("ok")) && answers.contains(&&json!("error")),
        "{one} {other}"
    );
    let lost = if one["t"] == "error" { &one } else { &other };
    assert_eq!(lost["code"], "stale");
    let (seen, seen_too) = (first.next().await, tab.next().await);
    assert_eq!(seen, seen_too);
}

#[tokio::test]
async fn a_flag_falls_though_nobody_follows_the_game() {
    let deployment = Deployment::embedded_with(binary(), (&["--first-move", "1s"], &[])).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    // Begun over HTTP, and never looked at: no room is open that would have a timer of its own.
    let guests = [entrance.guest("Anna").await, entrance.guest("Bo").await];
    let game = entrance.open_challenge(&blitz()).await;
    for (color, guest) in ["white", "black"].into_iter().zip(&guests) {
        assert_eq!(entrance.accept(game, color, guest).await, StatusCode::OK);
    }
    let mut client = entrance.connect(Some(&guests[0])).await;
    assert_eq!(client.hello()["playing"][0]["game"], json!(game));
    let began = Instant::now();
    while client.hello()["playing"] != json!([]) {
        assert!(
            began.elapsed() < PATIENCE,
            "it is off the player's list as soon as it is over"
        );
        client = entrance.connect(Some(&guests[0])).await;
    }
    assert_eq!(client.watch(game).await["status"], "aborted");
    // The same wish for a seat, come late, begins nothing.
    assert_eq!(
        entrance.accept(game, "white", &guests[0]).await,
        StatusCode::OK
    );
    let client = entrance.connect(Some(&guests[0])).await;
    assert_eq!(client.hello()["playing"], json!([]));
}

#[tokio::test]
async fn a_move_and_a_flag_at_once_leave_one_history() {
    let deployment =
        Deployment::embedded_with(binary(), (&["--first-move", "300ms"], &[])).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    for _ in 0..5 {
        let mut table = Table::sit_down([&entrance; 3], &blitz()).await;
        let game = table.game;
        let snapshot = table.seats[0].watch(game).await;
        let ms = |field: &str| snapshot[field].as_u64();
        let left = ms("move_by")
            .unwrap_or_default()
            .saturating_sub(ms("now").unwrap());
        let deadline = Instant::now() + Duration::from_millis(left);
        // The time itself is what is tried here: as near to the deadline as a client can tell.
        while Instant::now() < deadline {
            table.seats[0].ask(json!({"t": "ping"})).await;
        }
        let answer = table.seats[0].play(game, "e2e4", 0).await;
        let mut late = entrance.connect(None).await;
        let snapshot = late.watch(game).await;
        let is_aborted = snapshot["status"] == "aborted";
        match answer["t"].as_str() {
            Some("ok") => assert_eq!(snapshot["moves"], "e2e4", "{snapshot}"),
            _ => assert!(is_aborted && snapshot["moves"] == "", "{answer} {snapshot}"),
        }
    }
}

#[tokio::test]
async fn a_rematch_begins_with_colors_changed() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &blitz()).await;
    let game = table.game;
    table.seats[0]
        .ask(json!({"t": "resign", "game": game}))
        .await;
    let offer = table.seats[0]
        .ask(json!({"t": "rematch", "game": game, "do": "offer"}))
        .await;
    assert_eq!(offer["t"], "ok", "{offer}");
    let accept = table.seats[1]
        .ask(json!({"t": "rematch", "game": game, "do": "accept"}))
        .await;
    assert_eq!(accept["t"], "ok", "{accept}");
    let started = table.seats[0].next_of("game_start").await;
    assert_eq!(started["color"], "black");
    let agreed = table.seats[1].next_of("rematch").await;
    let agreed = if agreed["do"] == "accept" {
        agreed
    } else {
        table.seats[1].next_of("rematch").await
    };
    assert_eq!(agreed["next"], started["game"]);
    let next = started["game"].as_str().unwrap().parse().unwrap();
    let snapshot = table.seats[1].watch(next).await;
    assert_eq!(
        (&snapshot["seat"], &snapshot["status"]),
        (&json!("white"), &json!("started"))
    );
    assert_eq!(table.seats[1].play(next, "e2e4", 0).await["v"], 2);
}

#[tokio::test]
async fn what_is_said_is_heard_by_who_may_hear_it() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &blitz()).await;
    let game = table.game;
    let fan = entrance.guest("Fan").await;
    let mut fan = entrance.connect(Some(&fan)).await;
    fan.watch(game).await;
    let say = |room: &str, text: &str, key: &str| json!({"t": "say", "game": game, "room": room, "text": text, "key": key});
    for _ in 0..2 {
        let said = table.seats[0]
            .ask(say("players", " good \n luck ", "k1"))
            .await;
        assert_eq!(said["t"], "ok", "{said}");
    }
    assert_eq!(
        fan.ask(say("spectators", "<b>what a move</b>", "")).await["t"],
        "ok"
    );
    assert_eq!(
        fan.ask(say("players", "let me in", "")).await["code"],
        "forbidden"
    );
    assert_eq!(
        table.seats[0].ask(say("spectators", "hello", "")).await["code"],
        "forbidden"
    );
    assert_eq!(
        table.seats[0].ask(say("players", "", "")).await["code"],
        "bad_request"
    );
    assert_eq!(
        table.spectator.ask(say("spectators", "me too", "")).await["code"],
        "unauthorized"
    );

    let heard = table.seats[1].next_of("chat").await;
    assert_eq!(
        (&heard["n"], &heard["text"], &heard["user"]["name"]),
        (&json!(1), &json!("good luck"), &json!("Anna"))
    );
    let heard = table.spectator.next_of("chat").await;
    assert_eq!(
        (&heard["room"], &heard["text"]),
        (&json!("spectators"), &json!("<b>what a move</b>"))
    );
    let lines = |snapshot: &Value| snapshot["chat"].as_array().unwrap().len();
    assert_eq!(
        lines(&table.seats[1].watch(game).await),
        1,
        "the same key is the same line; the fans are not heard"
    );
    table.seats[0]
        .ask(json!({"t": "resign", "game": game}))
        .await;
    assert_eq!(
        lines(&table.seats[1].watch(game).await),
        2,
        "after the end seats read both rooms"
    );
}
