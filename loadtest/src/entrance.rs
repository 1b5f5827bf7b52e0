//! The way into games over HTTP: guests and challenges.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::tls;

/// A clock that does not run out, in seconds.
const LIMIT: u32 = 10_800;
const INCREMENT: u32 = 180;

/// How often a node is asked that cannot serve now (503), and what is waited between, each time as long again: 7 s in all.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// How long a connection is used again after a request: less than any server waits for the next one.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Bytes of an answer.
const MAX_ANSWER: usize = 1 << 20;

/// A node's HTTP side. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    /// Shape: `http://127.0.0.1:8080`.
    origin: String,
    /// A peer's, which has two requests and no challenges.
    is_peers: bool,
    http: HttpClient<HttpsConnector<HttpConnector>, Body>,
}

impl Entrance {
    /// Of the node, or what stands before several, at this address.
    pub(crate) fn at(address: &str) -> Self {
        let is_secure = address.starts_with(tls::SECURE);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(address))
            .https_or_http()
            .enable_http1()
            .build();
        Self {
            origin: if is_secure {
                address.to_owned()
            } else {
                format!("http://{address}")
            },
            is_peers: false,
            http: HttpClient::builder(TokioExecutor::new())
                .pool_idle_timeout(KEEP_ALIVE)
                .build(connector),
        }
    }

    /// Of a process of a peer.
    pub(crate) fn of_peer(address: &str) -> Self {
        Self {
            is_peers: true,
            ..Self::at(address)
        }
    }

    /// A new guest's token.
    pub(crate) async fn guest(&self) -> anyhow::Result<String> {
        let path = if self.is_peers {
            "/guests"
        } else {
            "/api/auth/guest"
        };
        let guest = self.post(path, (&json!({}), None)).await?;
        Ok(guest["token"].as_str().context("no token")?.to_owned())
    }

    /// A game between two users, by their tokens, with a clock that does not run out; its id.
    pub(crate) async fn begin(&self, tokens: [&str; 2]) -> anyhow::Result<String> {
        let clock = json!({"limit": LIMIT, "increment": INCREMENT});
        if !self.is_peers {
            return self.begin_with(&json!({ "clock": clock }), tokens).await;
        }
        let [white, black] = tokens;
        let terms = json!({"white": white, "black": black, "limit": LIMIT, "increment": INCREMENT});
        let game = self.post("/games", (&terms, None)).await?;
        Ok(game["game"].as_str().context("no game")?.to_owned())
    }

    /// The same on other terms.
    pub(crate) async fn begin_with(
        &self,
        terms: &Value,
        tokens: [&str; 2],
    ) -> anyhow::Result<String> {
        let challenge = self.post("/api/challenge/open", (terms, None)).await?;
        let id = challenge["id"].as_str().context("no id")?.to_owned();
        let path = format!("/api/challenge/{id}/accept");
        for (color, token) in ["white", "black"].into_iter().zip(tokens) {
            let wish = json!({"color": color});
            self.post(&path, (&wish, Some(token))).await?;
        }
        Ok(id)
    }

    /// What is at a path, as JSON.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = Request::builder()
            .uri(format!("{}{path}", self.origin))
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())?;
        self.answer(path, request).await
    }

    /// What is at a path, as text.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let request = Request::get(format!("{}{path}", self.origin)).body(Body::empty())?;
        let response = self.http.request(request).await?;
        let status = response.status();
        ensure!(status.is_success(), "{path} answered {status}");
        let bytes = to_bytes(Body::new(response.into_body()), MAX_ANSWER).await?;
        Ok(String::from_utf8(bytes.into())?)
    }

    /// The stream of events at a path, from behind the last event that was seen.
    pub(crate) async fn events(
        &self,
        path: &str,
        last: Option<&str>,
    ) -> anyhow::Result<BodyDataStream> {
        let mut request = Request::get(format!("{}{path}", self.origin));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = self.http.request(request.body(Body::empty())?).await?;
        let status = response.status();
        ensure!(status.is_success(), "{path} answered {status}");
        Ok(Body::new(response.into_body()).into_data_stream())
    }

    /// Asks for a seat; the answer is the status.
    pub(crate) async fn accept(
        &self,
        (game, color): (&str, &str),
        token: &str,
    ) -> anyhow::Result<StatusCode> {
        let wish = json!({"color": color}).to_string();
        let path = format!("/api/challenge/{game}/accept");
        let request = Request::post(format!("{}{path}", self.origin))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(wish))?;
        Ok(self.http.request(request).await?.status())
    }

    /// Asks for something, as somebody if there is a token; again where the store does not answer in time.
    pub(crate) async fn post(
        &self,
        path: &str,
        (body, token): (&Value, Option<&str>),
    ) -> anyhow::Result<Value> {
        let mut tries = 1;
        loop {
            let mut request = Request::builder()
                .method(Method::POST)
                .uri(format!("{}{path}", self.origin))
                .header(header::CONTENT_TYPE, "application/json");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let request = request.body(Body::from(body.to_string()))?;
            let (status, text) = self.send(request).await?;
            if status != StatusCode::SERVICE_UNAVAILABLE || tries == TRIES {
                return read(path, (status, &text));
            }
            sleep(PAUSE * tries).await;
            tries += 1;
        }
    }

    async fn answer(&self, path: &str, request: Request<Body>) -> anyhow::Result<Value> {
        let (status, text) = self.send(request).await?;
        read(path, (status, &text))
    }

    async fn send(&self, request: Request<Body>) -> anyhow::Result<(StatusCode, String)> {
        let response = self.http.request(request).await?;
        let status = response.status();
        let bytes = to_bytes(Body::new(response.into_body()), MAX_ANSWER).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn read(path: &str, (status, text): (StatusCode, &str)) -> anyhow::Result<Value> {
    ensure!(status.is_success(), "{path} answered {status}: {text}");
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    /// The address of a node whose store is away for the first requests, and how many it has had.
    async fn node(away_for: u32) -> (String, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let guest = move || async move {
            if count.fetch_add(1, Ordering::Relaxed) < away_for {
                (StatusCode::SERVICE_UNAVAILABLE, "{}")
            } else {
                (StatusCode::OK, r#"{"token": "anna"}"#)
            }
        };
        let app = Router::new().route("/api/auth/guest", post(guest));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async { axum::serve(listener, app).await });
        (address, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_be_served_now_asks_again_but_not_for_ever() {
        let (address, asked) = node(TRIES - 1).await;
        assert_eq!(Entrance::at(&address).guest().await.unwrap(), "anna");
        assert_eq!(asked.load(Ordering::Relaxed), TRIES);

        let (address, asked) = node(u32::MAX).await;
        let error = Entrance::at(&address).guest().await.unwrap_err();
        assert!(error.to_string().contains("503"), "{error:#}");
        assert_eq!(asked.load(Ordering::Relaxed), TRIES);
    }
}
