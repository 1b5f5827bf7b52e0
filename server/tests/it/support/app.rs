//! A node without a process: the router over an embedded store in a directory of its own.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use zeitnot::auth::Auth;
use zeitnot::auth::keys::Keys;
use zeitnot::config::{Config, Switch};
use zeitnot::lobby::Lobby;
use zeitnot::quota::Quotas;
use zeitnot::room::Rooms;
use zeitnot::shutdown::Shutdown;
use zeitnot::sockets::Sockets;
use zeitnot::store::Store;
use zeitnot::store::embedded::{EmbeddedStore, Sync};
use zeitnot::{App, Parts};
use zeitnot_game::time::Millis;

/// The host that requests name unless they name another.
pub(crate) const HOST: &str = "chess.example";

pub(crate) struct TestApp {
    pub(crate) app: App,
    router: Router,
    _dir: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect(&self.text)
    }

    /// Status and code of an error.
    pub(crate) fn error(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().map(str::to_owned);
        (self.status.as_u16(), code.unwrap_or_default())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    /// With these settings, but for the limits: without connections all requests come from one address.
    pub(crate) async fn start_with(config: Config) -> Self {
        let config = Config {
            rate_limits: Switch::Off,
            ..config
        };
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path(), Sync::Normal).await;
        let store: Arc<dyn Store> = Arc::new(store.unwrap());
        let app = App::from(Parts {
            rooms: Rooms::new(store.clone(), Millis::from_days(30)),
            auth: Auth::new(Keys::parse(&Keys::generate()).unwrap()),
            quotas: Quotas::new(store.clone(), &config),
            sockets: Sockets::new(&config),
            store,
            config: Arc::new(config),
            shutdown: Shutdown::default(),
            lobby: Lobby::default(),
            node: "test".into(),
        });
        Self {
            router: zeitnot::router(app.clone()),
            app,
            _dir: dir,
        }
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, &[])).await
    }

    /// Sends a form, as nobody or as the user of a token.
    pub(crate) async fn post(&self, path: &str, (token, form): (&str, &str)) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if !token.is_empty() {
            headers.push(("authorization", &*bearer));
        }
        let request = request("POST", path, &headers).map(|_| Body::from(form.to_owned()));
        self.send(request).await
    }

    /// A new guest's token and id.
    pub(crate) async fn guest(&self) -> (String, String) {
        let guest = self.post("/api/auth/guest", ("", "")).await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&guest["token"]), text(&guest["user"]["id"]))
    }
}

/// A request without a body.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|&(name, _)| name == "host") {
        request = request.header(header::HOST, HOST);
    }
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Body::empty()).unwrap()
}
