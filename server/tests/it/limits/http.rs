//! Connections and requests.

use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

use axum::http::{Method, StatusCode};
use serde_json::json;
use zeitnot::limits::{MAX_HEADER_BYTES, MAX_HEADERS};

use super::{assert_undisturbed, start};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::raw::exchange;
use crate::support::table::Table;

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let body = json!({ "name": "x".repeat(20_000) });
    let (status, answer) = entrance
        .request(Method::POST, "/api/auth/guest", (&body, None))
        .await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large"))
    );
}

#[tokio::test]
async fn a_node_that_has_no_file_descriptors_left_goes_on_when_it_has() {
    let deployment = start(&[]);
    let node = deployment.node(0);
    let entrance = Entrance::of(node);
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let fds = format!("/proc/{}/fd", node.pid());
    let open = || std::fs::read_dir(&fds).unwrap().count();
    let limit = open() + 4;
    let lowered = Command::new("prlimit")
        .args(["--pid", &node.pid().to_string()])
        .arg(format!("--nofile={limit}:{limit}"))
        .status()
        .unwrap();
    assert!(lowered.success());
    let address = node.address().to_owned();
    let hoard: Vec<TcpStream> = (0..30)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    let began = Instant::now();
    while open() < limit {
        assert!(began.elapsed() < PATIENCE, "{} of {limit} are open", open());
        tokio::task::yield_now().await;
    }
    assert_undisturbed(&mut table, 0, "e2e4").await;
    drop(hoard);
    let mut late = entrance.connect(None).await;
    assert_eq!(late.watch(table.game).await["moves"], "e2e4");
}

#[tokio::test]
async fn headers_that_are_too_many_or_too_large_are_refused() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    // Two of the headers are below.
    let with = |headers: String| {
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n")
    };
    let cases = [
        ("as many", "X: y\r\n".repeat(MAX_HEADERS - 2), "200"),
        ("one more", "X: y\r\n".repeat(MAX_HEADERS - 1), "431"),
        ("a long one", format!("X: {}\r\n", "y".repeat(8_000)), "200"),
        (
            "too long",
            format!("X: {}\r\n", "y".repeat(MAX_HEADER_BYTES)),
            "431",
        ),
    ];
    for (ply, (name, headers, status)) in cases.into_iter().enumerate() {
        let answer = exchange(deployment.node(0).address(), &with(headers)).await;
        assert_eq!(&answer[9..12], status, "{name}: {answer}");
        let moves = ["e2e4", "e7e5", "g1f3", "b8c6"];
        assert_undisturbed(&mut table, ply, moves[ply]).await;
    }
}

#[tokio::test]
async fn who_is_slow_to_ask_is_left() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let ask = |text| exchange(deployment.node(0).address(), text);
    let (headers, body, next, ()) = tokio::join!(
        ask("GET / HTTP/1.1\r\nHost: a\r\n"),
        ask("POST /api/auth/guest HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nname"),
        ask("GET /api/games/00000000 HTTP/1.1\r\nHost: a\r\n\r\n"),
        assert_undisturbed(&mut table, 0, "e2e4"),
    );
    assert_eq!(headers, "", "half of the headers");
    assert!(body.starts_with("HTTP/1.1 400 "), "half of a body: {body}");
    assert!(body.contains("the body did not arrive in time"), "{body}");
    assert!(next.starts_with("HTTP/1.1 404 "), "{next}");
    assert!(next.ends_with('}'), "and no second request: {next}");
}
