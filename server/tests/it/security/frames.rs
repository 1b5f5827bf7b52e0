//! Frames that are too large, or lie about their size, and a socket that is asked to unpack.

use serde_json::json;
use zeitnot_loadtest::deployment::Deployment;

use super::binary;
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::socket::{RawClient, as_bearer, frame};
use crate::support::table::Table;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MORE: u8 = 0x0;
const TEXT: u8 = 0x1;
const MASK: [u8; 4] = [0; 4];

/// A frame's head that announces a length which does not follow.
fn announced(length: u64) -> Vec<u8> {
    let mut bytes = vec![FIN | TEXT, 0x80 | 127];
    bytes.extend(length.to_be_bytes());
    bytes.extend(MASK);
    bytes
}

#[tokio::test]
async fn frames_that_are_larger_than_allowed_in_any_way_end_their_socket_alone() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let node = deployment.node(0);
    let entrance = Entrance::of(node);
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let half = vec![b' '; 3000];
    let fragments = [frame(TEXT, &half), frame(FIN | MORE, &half)].concat();
    let endless: Vec<u8> = [frame(TEXT, &half)]
        .into_iter()
        .chain((0..40).map(|_| frame(MORE, &half)))
        .flatten()
        .collect();
    let cases = [
        ("4,097 bytes", frame(FIN | TEXT, &[b' '; 4097]), 1009),
        ("two fragments of 3,000", fragments, 1009),
        ("fragments without an end", endless, 1009),
        ("2^63 - 1 announced", announced((1 << 63) - 1), 1009),
        ("2^64 - 1 announced", announced(u64::MAX), 1009),
        ("a packed frame", frame(FIN | RSV1 | TEXT, b"{}"), 1002),
    ];
    let moves = ["e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6"];
    let before = node.memory().unwrap().resident;
    for (ply, (name, bytes, code)) in cases.into_iter().enumerate() {
        let token = &table.guests[ply % 2].token;
        let mut raw = RawClient::connect(node.address(), token).await.unwrap();
        // It may be closed before the end.
        let _ = raw.send_bytes(&bytes).await;
        assert_eq!(raw.closed().await, Some(code), "{name}");
        let answer = table.seats[ply % 2].play(table.game, moves[ply], ply).await;
        assert_eq!(answer["v"], ply + 2, "{name}: {answer}");
    }
    let held = node.memory().unwrap().resident.saturating_sub(before);
    assert!(held < 20_000_000, "{held} bytes for six sockets");
    let whole = format!("{:<4096}", json!({"t": "ping", "id": 7}));
    let token = &table.guests[0].token;
    let mut raw = RawClient::connect(node.address(), token).await.unwrap();
    raw.send_text(&whole).await.unwrap();
    let pong = async {
        loop {
            if let crate::support::socket::Heard::Frame(frame) = raw.next().await
                && frame["re"] == 7
            {
                return frame;
            }
        }
    };
    let pong = tokio::time::timeout(PATIENCE, pong).await.unwrap();
    assert_eq!(pong["t"], "pong", "4,096 bytes are allowed");
}

#[tokio::test]
async fn who_offers_to_pack_frames_is_not_taken_up_on_it() {
    let deployment = Deployment::embedded(binary()).unwrap();
    let node = deployment.node(0);
    let token = Entrance::of(node).guest("Anna").await.token;
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits; server_no_context_takeover, x-webkit-deflate-frame",
    ] {
        let offer = format!("Sec-WebSocket-Extensions: {offer}\r\n{}", as_bearer(&token));
        let (_socket, answer) = RawClient::open(node.address(), &offer).await.unwrap();
        let answer = answer.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
        assert!(
            answer.contains("sec-websocket-protocol: zeitnot.v1\r\n"),
            "{answer}"
        );
        assert!(!answer.contains(&token.to_ascii_lowercase()), "{answer}");
    }
}
