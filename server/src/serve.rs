//! Serves a router on a listener, with the timeouts and limits that axum's own server does not have.
//!
//! A connection that becomes a socket leaves: what it does then, and how it ends, is not known here.

mod peers;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use crate::limits::{
    ACCEPT_PAUSE, HEADER_TIMEOUT, MAX_HEADER_BYTES, MAX_HEADERS, MAX_HTTP_CONNECTIONS,
    SHUTDOWN_PATIENCE,
};
use crate::metrics::METRICS;

pub use peers::Peers;

/// Accepts connections until `stop`, then lets the open ones finish their request. Each is a task of `tasks`; a request
/// finds its peer's [`SocketAddr`] in its extensions.
pub async fn serve(
    listener: TcpListener,
    (router, peers): (Router, Peers),
    (stop, tasks): (CancellationToken, TaskTracker),
) {
    let places = Arc::new(Semaphore::new(MAX_HTTP_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stop.cancelled() => return,
        };
        let ((stream, peer), place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                METRICS.accept_failures.inc();
                // No file descriptors or memory left: those who are served already go on, and some of them will leave.
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        METRICS.connections.inc();
        let Some(one_more) = peers.admit(peer.ip()) else {
            METRICS.connections_refused.inc();
            continue;
        };
        let connection = connection(stream, (peer, router.clone()), stop.clone());
        tasks.spawn(async move {
            connection.await;
            drop((place, one_more));
        });
    }
}

/// The next connection and its place among those that may be open. Safe to cancel: nothing is taken and not returned.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<((TcpStream, SocketAddr), tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await;
    let place = place.expect("the semaphore is never closed");
    Ok((listener.accept().await?, place))
}

/// Whether only the connection that was just coming in is lost.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn connection(
    stream: TcpStream,
    (peer, router): (SocketAddr, Router),
    stop: CancellationToken,
) {
    // It works without, only later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request, peer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(SHUTDOWN_PATIENCE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

async fn answer(
    router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(peer);
    router.oneshot(request.map(Body::new)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_waits_for_a_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Arc::new(Semaphore::new(1));
        let _clients = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let (_, place) = accept(&listener, &places).await.unwrap();
        let mut second = pin!(accept(&listener, &places));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(place);
        let _second = second.await.unwrap();
    }
}
