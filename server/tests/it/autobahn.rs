//! The WebSocket layer against the cases of the Autobahn test suite, run by `kosoku`, which `deploy/test-deps.sh` installs.
//!
//! They want each message back, and larger ones than ours: so the route is this test's own, behind the accept loop, the
//! upgrade and the goodbye of the real one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeitnot::config::Config;
use zeitnot::serve::{Peers, serve};
use zeitnot::ws::{bounded, goodbye};

/// Bytes of a message; the largest of the cases have 16 MiB.
const MAX_MESSAGE: usize = 32 << 20;

/// Cases about compression, which we do not offer.
const COMPRESSION: [&str; 2] = ["12.", "13."];

/// The other cases that there are.
const CASES: usize = 301;

/// Where `deploy/test-deps.sh` puts it.
fn kosoku() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = target.with_file_name("tools").join("kosoku/bin/kosoku");
    assert!(
        path.exists(),
        "run deploy/test-deps.sh: no {}",
        path.display()
    );
    path
}

async fn open(upgrade: WebSocketUpgrade) -> Response {
    bounded(upgrade, MAX_MESSAGE).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    loop {
        match socket.recv().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let Some(frame) = goodbye(error) else {
                    return;
                };
                let _ = socket.send(Message::Close(Some(frame))).await;
                while let Some(Ok(_)) = socket.recv().await {}
                return;
            }
            None => return,
        }
    }
}

#[tokio::test]
async fn the_sockets_pass_the_autobahn_cases() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let router = Router::new().route("/", get(open));
    let serving = tokio::spawn(serve(
        listener,
        (router, Peers::new(&Config::default())),
        (stop.clone(), tasks),
    ));

    let folder = tempfile::tempdir().unwrap();
    let compression = COMPRESSION
        .iter()
        .flat_map(|class| ["-x".to_owned(), format!("{class}*")]);
    let output = Command::new(kosoku())
        .args(["-m", "fuzzingclient", "-p", "2"])
        .args(compression)
        .arg("-o")
        .arg(folder.path())
        .arg(format!("ws://{address}/"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    stop.cancel();
    serving.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let index = std::fs::read(folder.path().join("index.json")).expect(&said);
    let agents: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_slice(&index).unwrap();
    let (_, cases) = agents.into_iter().next().expect("we were tried");

    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for (case, result) in &cases {
        let behavior = result["behavior"].as_str().unwrap();
        let close = result["behaviorClose"].as_str().unwrap();
        *counts.entry(behavior).or_default() += 1;
        // What is not strict fails a bad text late, but fails it.
        let is_good = |word| matches!(word, "OK" | "NON-STRICT" | "INFORMATIONAL");
        if !is_good(behavior) || !is_good(close) {
            failed.push(format!("{case}: {result}"));
        }
    }
    println!("{counts:?}");
    assert_eq!(cases.len(), CASES, "cases are lacking: {said}");
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}
