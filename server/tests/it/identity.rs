//! Who somebody is, over several nodes: tokens that are revoked, keys that change while people play, and another issuer.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use zeitnot::machine_time;
use zeitnot_loadtest::deployment::{Deployment, Node, RedisKind, Settings};

use crate::support::binary;
use crate::support::entrance::Entrance;
use crate::support::wait::until;

const REFRESH: &str = "/api/auth/refresh";
const LOGOUT: &str = "/api/auth/logout";

pub(crate) async fn post(entrance: &Entrance, path: &str, token: &str) -> (u16, Value) {
    let body = (&Value::Null, Some(token));
    let (status, answer) = entrance.request(Method::POST, path, body).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn who_logs_out_on_one_node_is_out_on_every_node() {
    let deployment = Deployment::over_redis(binary(), 2).unwrap();
    let [here, there] = [0, 1].map(|number| Entrance::of(deployment.node(number)));
    let (guest, other) = (here.guest("Anna").await, here.guest("Bo").await);
    let socket = there.connect(Some(&guest)).await;
    let mut stays = there.connect(Some(&other)).await;
    assert_eq!(post(&here, LOGOUT, &guest.token).await.0, 204);
    let began = Instant::now();
    until(async || post(&there, REFRESH, &guest.token).await.0 == 401).await;
    println!("a logout reached the other node in {:?}", began.elapsed());
    assert_eq!(socket.closed().await, 4401);
    println!("and its socket was closed after {:?}", began.elapsed());
    assert_eq!(
        there.refusal(Some(&guest.token)).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(stays.ask(json!({"t": "ping"})).await["t"], "pong");
}

/// Somebody who issues tokens of his own.
pub(crate) struct Issuer {
    jwk: Value,
    key: EncodingKey,
    kid: &'static str,
}

impl Issuer {
    pub(crate) fn new(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        Self {
            jwk: json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": x, "y": y}),
            key: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
            kid,
        }
    }

    fn token(&self, audience: &str) -> String {
        let header = Header {
            kid: Some(self.kid.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let exp = machine_time().0 / 1000 + 600;
        let claims = json!({
            "iss": "https://id.example", "aud": audience, "sub": "user|42", "name": "Vera", "exp": exp, "n": next_number(),
        });
        encode(&header, &claims, &self.key).unwrap()
    }
}

/// So that no two tokens say the same: then they would be one.
fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Two nodes with their key files.
pub(crate) struct Keyed {
    pub(crate) deployment: Deployment,
    pub(crate) own: PathBuf,
    issuers: PathBuf,
    _dir: tempfile::TempDir,
}

pub(crate) fn fresh_key() -> Value {
    let made = Command::new(binary())
        .args(["keys", "new"])
        .output()
        .unwrap();
    serde_json::from_slice::<Value>(&made.stdout).unwrap()["keys"][0].take()
}

pub(crate) fn write(file: &Path, keys: &[&Value]) {
    std::fs::write(file, json!({ "keys": keys }).to_string()).unwrap();
}

impl Keyed {
    pub(crate) fn start(own: &Value, issuer: &Issuer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (keys, issuers) = (dir.path().join("keys.json"), dir.path().join("issuer.json"));
        write(&keys, &[own]);
        write(&issuers, &[&issuer.jwk]);
        let args = [
            "--jwt-issuer-keys",
            issuers.to_str().unwrap(),
            "--jwt-issuer",
            "https://id.example",
            "--jwt-audience",
            "chess",
        ];
        let settings = Settings::new(binary()).nodes(2).over(RedisKind::Single);
        let settings = settings
            .data_in(dir.path())
            .logs_in(&dir.path().join("logs"));
        Self {
            deployment: settings.args(&args).start().unwrap(),
            own: keys,
            issuers,
            _dir: dir,
        }
    }

    /// Tells the nodes that their files are new, and waits until each has looked.
    pub(crate) async fn hang_up(&self, result: &str) {
        for node in self.deployment.nodes() {
            let name = format!("zeitnot_key_reloads_total{{result=\"{result}\"}} ");
            let count = async || {
                let (_, text) = Entrance::at(node.internal_address()).text("/metrics").await;
                let line = text
                    .lines()
                    .find_map(|line| line.strip_prefix(&name))
                    .unwrap();
                line.parse::<u32>().unwrap()
            };
            let before = count().await;
            hang_up(node);
            until(async || count().await > before).await;
        }
    }
}

fn hang_up(node: &Node) {
    let pid = node.pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn keys_change_while_people_play() {
    let (a, b) = (fresh_key(), fresh_key());
    let (issuer, next) = (Issuer::new("p"), Issuer::new("q"));
    let keyed = Keyed::start(&a, &issuer);
    let [here, there] = [0, 1].map(|number| Entrance::of(keyed.deployment.node(number)));

    let guest = here.guest("Anna").await;
    let mut by_a = there.connect(Some(&guest)).await;
    let outside = issuer.token("chess");
    let mut by_issuer = here.try_connect(Some(&outside)).await.unwrap();
    let user = by_issuer.hello()["user"].clone();
    assert_eq!(
        (&user["name"], &user["guest"]),
        (&json!("Vera"), &json!(false))
    );
    assert!(user["id"].as_str().unwrap().starts_with("x-"), "{user}");
    assert_eq!(
        there.refusal(Some(&issuer.token("shop"))).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        there.refusal(Some(&next.token("chess"))).await,
        StatusCode::UNAUTHORIZED
    );
    let (status, answer) = post(&here, REFRESH, &outside).await;
    assert_eq!(
        (status, &answer["code"]),
        (403, &json!("forbidden")),
        "only its issuer renews it"
    );
    assert_eq!(post(&here, LOGOUT, &issuer.token("chess")).await.0, 204);

    // The next keys come in beside the old ones.
    write(&keyed.own, &[&b, &a]);
    write(&keyed.issuers, &[&issuer.jwk, &next.jwk]);
    keyed.hang_up("taken").await;
    let guest_of_b = here.guest("Bo").await;
    let mut by_b = there.connect(Some(&guest_of_b)).await;
    let mut by_next = there.try_connect(Some(&next.token("chess"))).await.unwrap();
    assert_eq!(post(&there, REFRESH, &guest.token).await.0, 200);

    // What cannot be used changes nothing.
    std::fs::write(&keyed.own, "{").unwrap();
    keyed.hang_up("refused").await;
    std::fs::remove_file(&keyed.own).unwrap();
    keyed.hang_up("refused").await;
    let log = std::fs::read_to_string(keyed.deployment.node(0).log().unwrap()).unwrap();
    assert!(
        log.contains("the old keys stay, because the new ones cannot be used"),
        "{log}"
    );
    for client in [&mut by_a, &mut by_b, &mut by_issuer, &mut by_next] {
        assert_eq!(client.ask(json!({"t": "ping"})).await["t"], "pong");
    }

    // The old ones go, and take their tokens along.
    write(&keyed.own, &[&b]);
    write(&keyed.issuers, &[&next.jwk]);
    keyed.hang_up("taken").await;
    let began = Instant::now();
    assert_eq!(post(&there, REFRESH, &guest.token).await.0, 401);
    assert_eq!(here.refusal(Some(&outside)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        (by_a.closed().await, by_issuer.closed().await),
        (4401, 4401)
    );
    println!(
        "sockets of keys that are gone were closed after {:?}",
        began.elapsed()
    );
    for client in [&mut by_b, &mut by_next] {
        assert_eq!(client.ask(json!({"t": "ping"})).await["t"], "pong");
    }
    assert_eq!(post(&here, REFRESH, &guest_of_b.token).await.0, 200);
}
