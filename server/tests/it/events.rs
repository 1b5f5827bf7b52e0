//! Following a game without a socket, from node to node.

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt as _;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Deployment;

use crate::support::binary;
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

const NODES: usize = 3;

fn start() -> (Deployment, [Entrance; NODES]) {
    let binary = binary();
    let deployment = Deployment::over_redis(binary, NODES).unwrap();
    let entrances = std::array::from_fn(|number| Entrance::of(deployment.node(number)));
    (deployment, entrances)
}

/// One event of a stream.
#[derive(Debug)]
struct Event {
    id: Option<String>,
    frame: Value,
}

/// A stream of events.
struct Events {
    body: BodyDataStream,
    unread: String,
}

impl Events {
    async fn open(address: &str, game: GameId, last: Option<&str>) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build_http::<Body>();
        let mut request = Request::get(format!("http://{address}/api/games/{game}/events"))
            .header(header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = http.request(request.body(Body::empty()).unwrap()).await;
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        Self {
            body: Body::new(response.into_body()).into_data_stream(),
            unread: String::new(),
        }
    }

    /// The next event that has data and does not tell who is here, which may come at any time; nothing at the end of the
    /// stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.next_of_any().await?;
            if event.frame["t"] != "presence" && event.frame["t"] != "crowd" {
                return Some(event);
            }
        }
    }

    async fn next_of_any(&mut self) -> Option<Event> {
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                if let Some(data) = field("data: ") {
                    return Some(Event {
                        id: field("id: ").map(str::to_owned),
                        frame: serde_json::from_str(data).unwrap(),
                    });
                }
            }
            let chunk = timeout(PATIENCE, self.body.next()).await.unwrap()?;
            // A node that was killed ends its streams in the middle.
            self.unread += std::str::from_utf8(&chunk.ok()?).unwrap();
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_at_another_node_where_it_ended() {
    let (mut deployment, nodes) = start();
    let [first, second, third] = &nodes;
    let terms = json!({"clock": {"limit": 60, "increment": 0}});
    let mut table = Table::sit_down([second, third, second], &terms).await;
    let game = table.game;
    let mut events = Events::open(first.address(), game, None).await;
    let snapshot = events.next().await.unwrap();
    assert_eq!(
        (&snapshot.frame["t"], &snapshot.frame["v"]),
        (&json!("game"), &json!(1))
    );
    table.seats[0].play(game, "e2e4", 0).await;
    let seen = events.next().await.unwrap();
    assert_eq!(
        (&seen.frame["t"], &seen.frame["v"]),
        (&json!("move"), &json!(2))
    );
    let id = seen.id.unwrap();
    assert!(id.starts_with("2.") && id.len() == 7, "{id}");

    deployment.node_mut(0).kill().unwrap();
    assert!(events.next().await.is_none());
    table.seats[1].play(game, "e7e5", 1).await;
    table.seats[0].play(game, "g1f3", 2).await;
    let mut events = Events::open(second.address(), game, Some(&id)).await;
    for (v, uci) in [(3, "e7e5"), (4, "g1f3")] {
        let frame = events.next().await.unwrap().frame;
        assert_eq!((&frame["v"], &frame["uci"]), (&json!(v), &json!(uci)));
    }
    table.seats[1].play(game, "b8c6", 3).await;
    assert_eq!(events.next().await.unwrap().frame["uci"], "b8c6");

    // An entry that is not of this game, and one that is of none.
    for unknown in ["2.zzzzz", "9.aaaaa", "x"] {
        let mut events = Events::open(third.address(), game, Some(unknown)).await;
        let frame = events.next().await.unwrap().frame;
        assert_eq!(
            (&frame["t"], &frame["v"]),
            (&json!("game"), &json!(5)),
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn a_request_waits_for_what_comes_next() {
    let (_deployment, nodes) = start();
    let [first, second, third] = &nodes;
    let mut table = Table::sit_down([second, third, second], &json!({})).await;
    let game = table.game;
    let snapshot = first.poll(game, "after=0").await;
    assert_eq!(
        (&snapshot["v"], &snapshot["frames"][0]["t"]),
        (&json!(1), &json!("game"))
    );
    let (polled, answer) = tokio::join!(
        first.poll(game, "after=1&wait=25"),
        table.seats[0].play(game, "e2e4", 0),
    );
    assert_eq!(answer["v"], 2);
    assert_eq!(
        (&polled["v"], &polled["frames"][0]["uci"]),
        (&json!(2), &json!("e2e4"))
    );
    table.seats[1].play(game, "e7e5", 1).await;
    let both = third.poll(game, "after=1&wait=0").await;
    let moves: Vec<_> = both["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|frame| &frame["uci"])
        .collect();
    assert_eq!(
        (&both["v"], moves),
        (&json!(3), vec![&json!("e2e4"), &json!("e7e5")])
    );
    let nothing = third.poll(game, "after=3&wait=0").await;
    assert_eq!(nothing, json!({"v": 3, "frames": []}));
    let ahead = third.poll(game, "after=9&wait=0").await;
    assert_eq!(
        (&ahead["v"], &ahead["frames"][0]["t"]),
        (&json!(3), &json!("game"))
    );
    let refused = third.poll(game, "after=x").await;
    assert_eq!(refused["code"], "bad_request");
    let refused = third.poll(game, "after=1&wait=61").await;
    assert_eq!(refused["code"], "bad_request");
    let refused = third.poll("00000000".parse().unwrap(), "after=1").await;
    assert_eq!(refused["code"], "not_found");
}

#[tokio::test]
async fn a_stream_is_told_who_is_here_and_watches_itself() {
    let (_deployment, nodes) = start();
    let [first, second, third] = &nodes;
    let terms = json!({"clock": {"limit": 60, "increment": 0}});
    let mut table = Table::sit_down([second, third, second], &terms).await;
    let mut events = Events::open(first.address(), table.game, None).await;
    let snapshot = events.next().await.unwrap().frame;
    let both = json!({"white": true, "black": true});
    assert_eq!(snapshot["presence"], both, "{snapshot}");
    let counted = async |events: &mut Events| loop {
        let frame = events.next_of_any().await.unwrap().frame;
        if frame["t"] == "crowd" && frame["watchers"] == 1 {
            return;
        }
    };
    let white = &mut table.seats[0];
    while white.next_of("crowd").await["watchers"] != 2 {}
    drop(table.spectator);
    counted(&mut events).await;

    // Who comes back where it was is told anew.
    white.play(table.game, "e2e4", 0).await;
    let id = events.next().await.unwrap().id.unwrap();
    let mut again = Events::open(second.address(), table.game, Some(&id)).await;
    let told = again.next_of_any().await.unwrap();
    assert_eq!(
        (&told.frame["t"], &told.frame["white"]),
        (&json!("presence"), &json!(true))
    );
    assert_eq!(told.id, None, "it is no entry");
}
