//! The internal port stays inside: neither a node's public port nor the nginx that we ship leads there.

use zeitnot_loadtest::deployment::{RedisKind, Settings};

use super::binary;
use crate::support::entrance::Entrance;
use crate::support::raw::exchange;

#[tokio::test]
async fn what_the_internal_port_answers_cannot_be_had_from_outside() {
    let settings = Settings::new(binary()).nodes(2).over(RedisKind::Single);
    let deployment = settings.behind_nginx().start().unwrap();
    let internal = Entrance::at(deployment.node(0).internal_address());
    for path in ["/metrics", "/healthz", "/readyz", "/status.json"] {
        let (status, inside) = internal.text(path).await;
        assert_eq!(status, 200, "{path}: {inside}");
        for address in [deployment.address(), deployment.node(0).address()] {
            let (status, outside) = Entrance::at(address).text(path).await;
            assert_eq!(status, 404, "{path}: {outside}");
            assert!(!outside.contains("zeitnot_"), "{path}: {outside}");
        }
    }
    // Nor by names that a proxy may understand in another way than the node does.
    let odd = [
        "/./metrics",
        "//metrics",
        "/%6detrics",
        "/api/../metrics",
        "/assets/..%2fmetrics",
        "http://127.0.0.1:9090/metrics",
    ];
    for path in odd {
        let line = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        for address in [deployment.address(), deployment.node(0).address()] {
            let answer = exchange(address, &line).await;
            assert!(!answer.contains("zeitnot_sockets"), "{path}: {answer}");
        }
    }
}
