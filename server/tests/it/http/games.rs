//! Games over HTTP: the snapshot, the export, what a user plays.

use serde_json::{Value, json};
use zeitnot::play::Asking;
use zeitnot_game::clock::Lag;
use zeitnot_game::event::{Command, Ply};
use zeitnot_game::id::GameId;
use zeitnot_game::time::Millis;

use crate::support::app::{Answer, HOST, TestApp, request};

/// A game with two guests at it; White is the first.
struct Table<'a> {
    app: &'a TestApp,
    id: GameId,
    tokens: [String; 2],
    users: [String; 2],
    plies: u16,
}

impl<'a> Table<'a> {
    async fn sit_down(app: &'a TestApp, form: &str) -> Self {
        let [white, black] = [app.guest().await, app.guest().await];
        Self::of(app, form, [white, black]).await
    }

    async fn of(app: &'a TestApp, form: &str, guests: [(String, String); 2]) -> Self {
        let opened = app.post("/api/challenge/open", ("", form)).await;
        assert_eq!(opened.status, 200, "{form}: {}", opened.text);
        let id = opened.json()["id"].as_str().unwrap().to_owned();
        let [white, black] = guests;
        for (color, (token, _)) in [("white", &white), ("black", &black)] {
            let path = format!("/api/challenge/{id}/accept?color={color}");
            assert_eq!(app.post(&path, (token, "")).await.status, 200);
        }
        Self {
            app,
            id: id.parse().unwrap(),
            tokens: [white.0, black.0],
            users: [white.1, black.1],
            plies: 0,
        }
    }

    async fn ask(&self, side: usize, command: Command) {
        let rooms = &self.app.app.rooms;
        let asking = Asking {
            user: self.users[side].parse().unwrap(),
            command,
            seen: None,
            received: rooms.play_time(self.id),
        };
        rooms.ask(self.id, asking).await.unwrap();
    }

    /// Plays moves in turn, the first by White.
    async fn play(&mut self, moves: &str) {
        for uci in moves.split(' ') {
            let command = Command::Play {
                mv: uci.parse().unwrap(),
                ply: Ply(self.plies),
                lag: Lag {
                    think: Some(Millis(0)),
                    round_trip: None,
                },
                offers_draw: false,
            };
            self.ask(usize::from(self.plies % 2), command).await;
            self.plies += 1;
        }
    }
}

async fn get_as(app: &TestApp, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    app.send(request("GET", path, &[("authorization", &bearer)]))
        .await
}

async fn playing(app: &TestApp, token: &str) -> Vec<Value> {
    let answer = get_as(app, "/api/account/playing", token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["nowPlaying"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_snapshot_is_the_one_of_the_socket_and_knows_its_reader() {
    let app = TestApp::start().await;
    let mut table = Table::sit_down(&app, "clock.limit=180&clock.increment=2").await;
    table.play("e2e4 e7e5").await;
    let path = format!("/api/games/{}", table.id);
    let anonymous = app.get(&path).await;
    assert_eq!(anonymous.status, 200);
    assert_eq!(anonymous.header("cache-control"), "no-store");
    assert_eq!(anonymous.header("content-type"), "application/json");
    let snapshot = anonymous.json();
    assert_eq!(snapshot["t"], "game");
    assert_eq!(snapshot["game"], table.id.as_str());
    assert_eq!(snapshot["v"], 3);
    assert_eq!(snapshot["moves"], "e2e4 e7e5");
    assert_eq!(snapshot["status"], "started");
    assert_eq!(snapshot["clock"]["running"], "white");
    assert_eq!(snapshot["white"]["id"], *table.users[0]);
    let (stranger, _) = app.guest().await;
    let readers = [
        (&table.tokens[0], json!("white")),
        (&table.tokens[1], json!("black")),
        (&stranger, Value::Null),
    ];
    assert_eq!(snapshot["seat"], Value::Null);
    for (token, seat) in readers {
        assert_eq!(get_as(&app, &path, token).await.json()["seat"], seat);
    }
}

#[tokio::test]
async fn a_game_that_does_not_exist_is_not_found() {
    let app = TestApp::start().await;
    let open = app.post("/api/challenge/open", ("", "")).await.json();
    for id in ["1xxkMBRb", "x", "1xxkMBRb1", open["id"].as_str().unwrap()] {
        for path in [format!("/api/games/{id}"), format!("/game/export/{id}")] {
            let answer = app.get(&path).await;
            assert_eq!(answer.error(), (404, "not_found".to_owned()), "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let refused = get_as(&app, &path, "x.y.z").await;
            assert_eq!(refused.error(), (401, "unauthorized".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn an_export_is_a_game_and_two_empty_lines() {
    let app = TestApp::start().await;
    let mut table = Table::sit_down(&app, "days=3").await;
    table.play("e2e4 e7e5").await;
    let path = format!("/game/export/{}", table.id);
    let running = app.get(&path).await;
    assert!(
        running.text.ends_with("\n\n1. e4 e5 *\n\n\n"),
        "{running:?}"
    );
    table.ask(1, Command::Resign).await;
    let accept = [("accept", "application/json")];
    let ended = app.send(request("GET", &path, &accept)).await;
    assert_eq!(ended.status, 200);
    assert_eq!(
        ended.header("content-type"),
        "application/x-chess-pgn; charset=utf-8"
    );
    assert_eq!(ended.header("cache-control"), "no-store");
    assert!(ended.text.ends_with("\n\n1. e4 e5 1-0\n\n\n"), "{ended:?}");
    assert!(!ended.text.ends_with("\n\n\n\n"));
    for tag in [
        format!("[Site \"http://{HOST}/{}\"]", table.id),
        format!("[GameId \"{}\"]", table.id),
        "[Result \"1-0\"]".to_owned(),
        "[Event \"casual correspondence game\"]".to_owned(),
    ] {
        assert!(ended.text.contains(&tag), "{tag}: {}", ended.text);
    }
}

#[tokio::test]
async fn what_a_user_plays_is_told_in_lichess_words() {
    let app = TestApp::start().await;
    let mut table = Table::sit_down(&app, "clock.limit=180&clock.increment=2").await;
    let id = table.id.as_str();
    let opponent = app.get(&format!("/api/games/{id}")).await.json()["black"]["name"].clone();
    let expected = json!({
        "fullId": id,
        "gameId": id,
        "fen": "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
        "color": "white",
        "lastMove": "",
        "source": "friend",
        "status": { "id": 20, "name": "started" },
        "variant": { "key": "standard", "name": "Standard" },
        "speed": "blitz",
        "perf": "blitz",
        "rated": false,
        "hasMoved": false,
        "opponent": { "id": table.users[1], "username": opponent },
        "isMyTurn": true,
        "secondsLeft": 180,
    });
    let answer = get_as(&app, "/api/account/playing", &table.tokens[0]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let whole = json!({ "nowPlaying": [expected], "nbMyTurn": 1 });
    assert_eq!(answer.json(), whole);

    table.play("e2e4").await;
    let [white, black] = [&table.tokens[0], &table.tokens[1]];
    let (mine, theirs) = (playing(&app, white).await, playing(&app, black).await);
    for (seen, color, has_moved) in [(&mine[0], "white", true), (&theirs[0], "black", false)] {
        assert_eq!(seen["color"], color);
        assert_eq!(seen["lastMove"], "e2e4");
        assert_eq!(seen["hasMoved"], has_moved);
        assert_eq!(seen["isMyTurn"], !has_moved);
    }
    table.ask(0, Command::Abort).await;
    assert_eq!(playing(&app, white).await, [Value::Null; 0]);

    let anonymous = app.get("/api/account/playing").await;
    assert_eq!(anonymous.error(), (401, "unauthorized".to_owned()));
}

#[tokio::test]
async fn the_last_move_is_two_squares_to_mark() {
    let app = TestApp::start().await;
    let cases = [
        (
            "variant=chess960&fen=4k3/8/8/8/8/8/8/1R2K2R w HB - 0 1",
            "e1h1",
            "e1g1",
        ),
        (
            "variant=chess960&fen=4k3/8/8/8/8/8/8/1R2K2R w HB - 0 1",
            "e1b1",
            "e1c1",
        ),
        (
            "variant=chess960&fen=4k3/8/8/8/8/8/8/1R2K2R w HB - 0 1",
            "h1h8",
            "h1h8",
        ),
        ("fen=4k3/8/8/8/8/8/8/R3K2R w KQ - 0 1", "e1g1", "e1g1"),
        ("fen=8/P3k3/8/8/8/8/8/4K3 w - - 0 1", "a7a8q", "a7a8"),
        (
            "variant=crazyhouse&fen=4k3/8/8/8/8/8/8/4K3[Q] w - - 0 1",
            "Q@d4",
            "d4d4",
        ),
    ];
    for (form, uci, marked) in cases {
        let mut table = Table::sit_down(&app, &form.replace(' ', "+")).await;
        table.play(uci).await;
        let seen = playing(&app, &table.tokens[0]).await;
        assert_eq!(seen[0]["lastMove"], marked, "{form} {uci}");
        assert_eq!(seen[0]["secondsLeft"], Value::Null, "unlimited");
    }
}

#[tokio::test]
async fn the_most_urgent_games_come_first() {
    let app = TestApp::start().await;
    let guests = [app.guest().await, app.guest().await];
    let mut ids = Vec::new();
    for (form, moves) in [
        ("days=2", "e2e4"),
        ("", ""),
        ("days=2", ""),
        ("clock.limit=60&clock.increment=0", ""),
    ] {
        let mut table = Table::of(&app, form, guests.clone()).await;
        if !moves.is_empty() {
            table.play(moves).await;
        }
        ids.push(table.id.to_string());
    }
    let order = |answer: &Answer| -> Vec<usize> {
        let answer = answer.json();
        let games = answer["nowPlaying"].as_array().unwrap().iter();
        let number = |game: &Value| ids.iter().position(|id| game["gameId"] == **id);
        games.filter_map(number).collect()
    };
    for (query, expected) in [
        ("", &[3, 2, 1, 0][..]),
        ("?nb=2", &[3, 2]),
        ("?nb=0", &[3]),
        ("?nb=1000", &[3, 2, 1, 0]),
    ] {
        let path = format!("/api/account/playing{query}");
        let answer = get_as(&app, &path, &guests[0].0).await;
        assert_eq!(order(&answer), expected, "{query}");
        assert_eq!(answer.json()["nbMyTurn"], 3, "{query}");
    }
    let bad = get_as(&app, "/api/account/playing?nb=x", &guests[0].0).await;
    assert_eq!(bad.error(), (400, "bad_request".to_owned()));
}
