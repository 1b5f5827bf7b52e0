//! Bodies of requests: packed, slow, deep, ambiguous, of the wrong kind.

use axum::body::Body;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};
use zeitnot::limits::{BODY_TIMEOUT, MAX_BODY};
use zeitnot_loadtest::deployment::Deployment;

use super::binary;
use crate::support::app::{TestApp, request};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const GUEST: &str = "/api/auth/guest";

#[tokio::test]
async fn packed_bodies_are_refused_whatever_is_in_them() {
    let app = TestApp::start().await;
    let bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0];
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"] {
        for kind in [JSON, FORM] {
            let headers = [kind, ("content-encoding", encoding)];
            for body in [bomb.clone(), b"{}".to_vec(), Vec::new()] {
                let packed = request("POST", GUEST, &headers).map(|_| Body::from(body));
                let answer = app.send(packed).await;
                assert_eq!(answer.error(), (400, "bad_request".to_owned()));
                assert!(answer.text.contains("content-encoding"), "{answer:?}");
            }
        }
    }
    let headers = [JSON, ("content-encoding", "identity")];
    let plain = request("POST", GUEST, &headers).map(|_| Body::from("{}"));
    assert_eq!(app.send(plain).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_deep_huge_or_ambiguous_are_refused_at_once() {
    let app = TestApp::start().await;
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let bodies = [
        nest(8_000),
        format!(r#"{{"name":{}}}"#, nest(8_000)),
        format!("{}1{}", r#"{"a":"#.repeat(2_500), "}".repeat(2_500)),
        r#"{"name":1e999}"#.to_owned(),
        r#"{"name":"a","name":"b"}"#.to_owned(),
        r#"{"name":"a""#.to_owned(),
        "{\"name\":\"\u{1}\"}".to_owned(),
        r#"{"name":"\ud800"}"#.to_owned(),
        "\u{feff}{}".to_owned(),
    ];
    for body in bodies {
        let began = Instant::now();
        let sent = request("POST", GUEST, &[JSON]).map(|_| Body::from(body.clone()));
        let answer = app.send(sent).await;
        let shown: String = body.chars().take(40).collect();
        assert_eq!(answer.error(), (400, "bad_request".to_owned()), "{shown}");
        println!("{shown:<40} refused after {:?}", began.elapsed());
    }
    let twice = request("POST", GUEST, &[FORM]).map(|_| Body::from("name=a&name=b"));
    assert_eq!(app.send(twice).await.status, 400);
    for kind in ["text/plain", "text/html", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", kind)];
        let sent = request("POST", GUEST, &headers).map(|_| Body::from("{}"));
        assert_eq!(app.send(sent).await.status, 400, "{kind}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(MAX_BODY));
    let sent = request("POST", GUEST, &[JSON]).map(|_| Body::from(long));
    assert_eq!(app.send(sent).await.error(), (413, "too_large".to_owned()));
}

/// A request that comes byte by byte is as slow as one that stops: what counts is when it is whole.
#[tokio::test]
async fn who_sends_a_byte_a_second_is_left_like_who_sends_nothing() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let head = "POST /api/auth/guest HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    let headers = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ";
    let (body, headers, played) = tokio::join!(
        trickle(deployment.node(0).address(), head),
        trickle(deployment.node(0).address(), headers),
        table.seats[0].play(table.game, "e2e4", 0),
    );
    assert!(body.starts_with("HTTP/1.1 400 "), "{body}");
    assert!(body.contains("the body did not arrive in time"), "{body}");
    assert_eq!(headers, "", "it is left without a word");
    assert_eq!(played["v"], 2);
    println!("a whole body is waited for at most {BODY_TIMEOUT:?}");
}

/// Sends the beginning, then a byte a second until the other end closes; all that was answered.
async fn trickle(address: &str, beginning: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer.write_all(beginning.as_bytes()).await.unwrap();
    let slow = async {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            if writer.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = Vec::new();
    let read = async {
        // Who is still being written to may reset the line: what came before it counts.
        let _ = reader.read_to_end(&mut answer).await;
    };
    tokio::select! {
        () = slow => {}
        ended = timeout(2 * PATIENCE, read) => ended.expect("it is closed in time"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}
