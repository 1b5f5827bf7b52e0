//! A node from outside: requests, guests, challenges, sockets.

use std::net::IpAddr;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use zeitnot_game::id::GameId;
use zeitnot_loadtest::deployment::Node;

use super::client::Client;

/// What a client sees of one node.
pub(crate) struct Entrance {
    /// E.g. `127.0.0.1:40123`.
    address: String,
    /// Where its sockets come from, if that matters; its requests do too.
    source: Option<IpAddr>,
    http: HttpClient<HttpConnector, Body>,
}

/// An answer with its headers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// After how many seconds to try again.
    pub(crate) fn retry_after(&self) -> u64 {
        let seconds = self.headers.get(header::RETRY_AFTER);
        seconds
            .expect("it says when")
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    }
}

/// A guest with his token.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) token: String,
}

impl Entrance {
    pub(crate) fn of(node: &Node) -> Self {
        Self::at(node.address())
    }

    /// What answers there: a node, or what stands before several.
    pub(crate) fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            source: None,
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// The same as from another machine: this one has all addresses that begin with 127.
    pub(crate) fn from(address: &str, source: [u8; 4]) -> Self {
        let source = IpAddr::from(source);
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(source));
        Self {
            address: address.to_owned(),
            source: Some(source),
            http: HttpClient::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// A request with these headers and without a body.
    pub(crate) async fn ask(
        &self,
        method: Method,
        (path, headers): (&str, &[(&str, &str)]),
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.http.request(request).await.unwrap().into_parts();
        let bytes = to_bytes(Body::new(body), 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
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

    /// The text at a path, with its status.
    pub(crate) async fn text(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(format!("http://{}{path}", self.address)).body(Body::empty());
        let response = self.http.request(request.unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(Body::new(response.into_body()), 1 << 20).await;
        (status, String::from_utf8(bytes.unwrap().into()).unwrap())
    }

    /// The JSON at a path; nothing where nobody listens.
    pub(crate) async fn try_request(&self, path: &str) -> Option<(StatusCode, Value)> {
        let request = Request::get(format!("http://{}{path}", self.address)).body(Body::empty());
        let response = self.http.request(request.unwrap()).await.ok()?;
        let status = response.status();
        let bytes = to_bytes(Body::new(response.into_body()), 1 << 20).await;
        Some((
            status,
            serde_json::from_slice(&bytes.ok()?).unwrap_or_default(),
        ))
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What comes after some version of a game.
    pub(crate) async fn poll(&self, game: GameId, query: &str) -> Value {
        let request = Request::get(format!(
            "http://{}/api/games/{game}/events?{query}",
            self.address
        ))
        .header(header::ACCEPT, "application/json")
        .body(Body::empty());
        let response = self.http.request(request.unwrap()).await.unwrap();
        let bytes = to_bytes(Body::new(response.into_body()), 1 << 20).await;
        serde_json::from_slice(&bytes.unwrap()).unwrap()
    }

    pub(crate) async fn guest(&self, name: &str) -> Guest {
        let body = json!({ "name": name });
        let (status, answer) = self
            .request(Method::POST, "/api/auth/guest", (&body, None))
            .await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        Guest {
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

    /// A game between two new guests.
    pub(crate) async fn begin_game(&self) -> GameId {
        let guests = [self.guest("white").await, self.guest("black").await];
        self.begin_game_of(&guests).await
    }

    /// A game between White and Black.
    pub(crate) async fn begin_game_of(&self, guests: &[Guest; 2]) -> GameId {
        let game = self.open_challenge(&json!({})).await;
        for (color, guest) in ["white", "black"].into_iter().zip(guests) {
            assert_eq!(self.accept(game, color, guest).await, StatusCode::OK);
        }
        game
    }

    /// A socket; without a guest it only reads.
    pub(crate) async fn connect(&self, guest: Option<&Guest>) -> Client {
        let token = guest.map(|guest| guest.token.as_str());
        self.try_connect(token).await.expect("the socket opens")
    }

    /// A socket with little room for what is not read yet.
    pub(crate) async fn connect_narrow(&self, guest: Option<&Guest>) -> Client {
        let token = guest.map(|guest| guest.token.as_str());
        Client::connect_narrow(&self.address, token).await
    }

    /// The same, or the status that a refused upgrade gets.
    pub(crate) async fn try_connect(&self, token: Option<&str>) -> Result<Client, StatusCode> {
        match self.source {
            None => Client::connect(&self.address, token).await,
            Some(source) => Client::connect_from(source, &self.address, token).await,
        }
    }

    /// The status that a refused upgrade gets.
    pub(crate) async fn refusal(&self, token: Option<&str>) -> StatusCode {
        let refused = self.try_connect(token).await;
        refused.err().expect("the socket does not open")
    }
}
