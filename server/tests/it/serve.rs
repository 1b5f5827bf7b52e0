//! The listener: slow clients, late signals, and what happens to those who are connected.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;
use zeitnot::config::Config;
use zeitnot::http::health;
use zeitnot::monitor::{Monitor, Serving};
use zeitnot::serve::{Peers, serve};
use zeitnot::shutdown::Shutdown;

use crate::support::app::TestApp;
use crate::support::client::PATIENCE;
use crate::support::raw::exchange;

/// Serves until the drain begins; answers where.
async fn start(router: Router, shutdown: &Shutdown) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = shutdown.tasks.clone();
    shutdown.tasks.spawn(serve(
        listener,
        (router, Peers::new(&Config::default())),
        (shutdown.draining.clone(), tasks),
    ));
    address
}

#[tokio::test]
async fn who_sends_half_a_request_is_left_alone_no_longer_than_needed() {
    let (app, shutdown) = (TestApp::start().await, Shutdown::default());
    let address = start(app.router(), &shutdown).await;
    let halves = (0..50).map(|_| exchange(address, "GET / HTTP/1.1\r\nHost: a"));
    for answer in futures_util::future::join_all(halves).await {
        assert_eq!(answer, "");
    }
    let whole = exchange(
        address,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n"), "{whole}");
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(100)
    );
    let refused = exchange(address, &many).await;
    assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
}

#[tokio::test]
async fn a_drain_ends_requests_well_and_takes_no_new_ones() {
    let shutdown = Shutdown::default();
    let (arrived, go_on) = (
        std::sync::Arc::new(Notify::new()),
        std::sync::Arc::new(Notify::new()),
    );
    let handler = {
        let (arrived, go_on) = (arrived.clone(), go_on.clone());
        async move || {
            arrived.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let address = start(Router::new().route("/", get(handler)), &shutdown).await;
    let open = tokio::spawn(exchange(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    arrived.notified().await;
    let ended = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run(PATIENCE, std::future::pending()).await }
    });
    shutdown.draining.cancelled().await;
    go_on.notify_one();
    let answer = open.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"),
        "{answer}"
    );
    timeout(PATIENCE, ended)
        .await
        .expect("it does not wait for its window to end")
        .unwrap();
    assert!(shutdown.stopping.is_cancelled());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_node_that_drains_is_alive_but_not_ready() {
    let (shutdown, watched) = (Shutdown::default(), Shutdown::default());
    let monitor = Monitor::new(watched.clone());
    let serving = Serving {
        node: "test".into(),
        store: "embedded",
        max_sockets: 1,
        watched_at: "127.0.0.1:9090".into(),
    };
    monitor.begin(serving, Arc::default());
    let address = start(health::router(monitor), &shutdown).await;
    let ask = |path: &'static str| async move {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        exchange(address, &request).await[9..12].to_owned()
    };
    assert_eq!(
        (ask("/healthz").await, ask("/readyz").await),
        ("200".into(), "200".into())
    );
    watched.draining.cancel();
    assert_eq!(
        (ask("/healthz").await, ask("/readyz").await),
        ("200".into(), "503".into())
    );
}
