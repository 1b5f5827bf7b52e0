//! Which address a request counts for, whatever it says of itself.

use axum::http::{Method, StatusCode};
use zeitnot_loadtest::deployment::{Deployment, Settings};

use super::binary;
use crate::support::entrance::Entrance;

const GUEST: &str = "/api/auth/guest";
const FORWARDED: &str = "x-forwarded-for";

/// An address makes three guests, and the next one twenty minutes later.
fn settings() -> Settings {
    Settings::new(binary()).args(&["--rate-limits", "on", "--guests-per-address", "3"])
}

fn start(args: &[&str]) -> Deployment {
    settings().args(args).start().unwrap()
}

/// The status of a request for a guest.
async fn guest(at: &Entrance, headers: &[(&str, &str)]) -> StatusCode {
    at.ask(Method::POST, (GUEST, headers)).await.status
}

/// How many of so many requests for a guest were answered with one.
async fn made(at: &Entrance, forged: impl IntoIterator<Item = String>) -> usize {
    let mut made = 0;
    for forged in forged {
        match guest(at, &[(FORWARDED, &forged)]).await {
            StatusCode::OK => made += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{forged}"),
        }
    }
    made
}

#[tokio::test]
async fn a_thousand_forged_addresses_are_one() {
    let deployment = start(&[]);
    let at = Entrance::from(deployment.address(), [127, 0, 0, 2]);
    let forged = (0..1000).map(|n| format!("198.51.{}.{}", n / 250, n % 250));
    assert_eq!(made(&at, forged).await, 3);
    let refused = at.ask(Method::POST, (GUEST, &[])).await;
    assert_eq!(refused.json["code"], "rate_limited");
    // Sixty minutes for three.
    assert!((1..=1200).contains(&refused.retry_after()), "{refused:?}");
    let other = Entrance::from(deployment.address(), [127, 0, 0, 3]);
    assert_eq!(guest(&other, &[]).await, StatusCode::OK);
}

#[tokio::test]
async fn behind_nginx_each_client_counts_for_itself_and_forges_nothing() {
    let deployment = settings().behind_nginx().start().unwrap();
    for source in [[127, 0, 0, 2], [127, 0, 0, 3]] {
        let at = Entrance::from(deployment.address(), source);
        let forged = (0..5).map(|n| format!("198.51.100.{n}"));
        assert_eq!(made(&at, forged).await, 3, "{source:?}");
    }
    let at = Entrance::from(deployment.address(), [127, 0, 0, 4]);
    let forged = [("x-forwarded-proto", "https")];
    let open = ("/api/challenge/open", &forged[..]);
    let url = at.ask(Method::POST, open).await.json["url"].to_string();
    assert!(url.starts_with("\"http://"), "{url}");
}

#[tokio::test]
async fn all_addresses_of_an_ipv6_network_are_one() {
    let deployment = start(&["--trusted-proxy", "127.0.0.1"]);
    let at = Entrance::at(deployment.address());
    let network = (1..20).map(|n| format!("2001:db8:1:2:{n}::{n}"));
    assert_eq!(made(&at, network).await, 3);
    assert_eq!(made(&at, ["2001:db8:1:3::1".to_owned()]).await, 1);
}
