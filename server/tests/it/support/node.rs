//! The built binary as a process of its own, and what a client asks it over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use zeitnot_game::id::GameId;

use super::client::Client;

/// A node that ends with its value.
pub(crate) struct Node {
    process: Child,
    /// E.g. `127.0.0.1:40123`.
    address: String,
    http: HttpClient<HttpConnector, Body>,
    /// Holds the keys, and the embedded store.
    _dir: Option<TempDir>,
}

/// A guest with his token.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Node {
    /// A node alone, on its embedded store.
    pub(crate) fn embedded() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap().to_owned();
        Self::start(&["--data-dir", &data], Some(dir))
    }

    /// One of several nodes over a Redis, which share their keys.
    pub(crate) fn over_redis(url: &str, keys: &Path, name: &str) -> Self {
        let keys = keys.to_str().unwrap();
        Self::start(
            &["--redis-url", url, "--jwt-keys", keys, "--node-name", name],
            None,
        )
    }

    fn start(args: &[&str], dir: Option<TempDir>) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_zeitnot"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--internal-listen",
                "127.0.0.1:0",
            ])
            .args(args)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://");
        Self {
            address: address.expect("the first line says where").to_owned(),
            process,
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            _dir: dir,
        }
    }

    /// A JSON request and its answer.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        (body, token): (&Value, Option<&str>),
    ) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.http.request(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(Body::new(response.into_body()), 1 << 20)
            .await
            .unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) async fn guest(&self, name: &str) -> Guest {
        let body = json!({ "name": name });
        let (status, answer) = self
            .request(Method::POST, "/api/auth/guest", (&body, None))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        Guest {
            id: answer["user"]["id"].as_str().unwrap().to_owned(),
            token: answer["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Opens a challenge; the id is that of the game to come.
    pub(crate) async fn open_challenge(&self, terms: &Value) -> GameId {
        let (status, answer) = self
            .request(Method::POST, "/api/challenge/open", (terms, None))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn accept(&self, game: GameId, color: &str, guest: &Guest) -> StatusCode {
        let path = format!("/api/challenge/{game}/accept");
        let body = json!({ "color": color });
        self.request(Method::POST, &path, (&body, Some(&guest.token)))
            .await
            .0
    }

    /// A socket; without a guest it only reads.
    pub(crate) async fn connect(&self, guest: Option<&Guest>) -> Client {
        let token = guest.map(|guest| guest.token.as_str());
        Client::connect(&self.address, token)
            .await
            .expect("the socket opens")
    }

    /// The status that a refused upgrade gets.
    pub(crate) async fn refusal(&self, token: &str) -> StatusCode {
        let refused = Client::connect(&self.address, Some(token)).await;
        refused.err().expect("the socket does not open")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
