//! Frames that no library would send (RFC 6455): their socket is closed with the code that says why, and nobody else notices.
//! Those that are too large are among what somebody sends who means harm (`security/frames.rs`).

use serde_json::json;

use super::{assert_undisturbed, start};
use crate::support::entrance::Entrance;
use crate::support::socket::{Heard, RawClient, frame};
use crate::support::table::Table;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;

/// A text of one byte that goes on in the next frame.
fn begun(byte: u8) -> Vec<u8> {
    frame(TEXT, &[byte])
}

fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// What is sent, and the code with which it ends.
fn cases() -> Vec<(String, Vec<u8>, u16)> {
    let mut cases = vec![
        ("unmasked", vec![FIN | TEXT, 2, b'{', b'}'], 1002),
        ("an unmasked ping", vec![FIN | PING, 0], 1002),
        ("a long ping", frame(FIN | PING, &[b'x'; 126]), 1002),
        ("a ping in parts", frame(PING, b"x"), 1002),
        (
            "a close in parts",
            frame(CLOSE, &1000_u16.to_be_bytes()),
            1002,
        ),
        ("a long close", closing(1000, &[b'x'; 124]), 1002),
        ("a close of one byte", frame(FIN | CLOSE, &[3]), 1002),
        ("a close that is no UTF-8", closing(1000, b"\xff"), 1007),
        ("nothing goes on", frame(FIN, b"{}"), 1002),
        ("nothing goes on yet", frame(0, b"{}"), 1002),
        (
            "another text before the end",
            [begun(b'{'), frame(FIN | TEXT, b"}")].concat(),
            1002,
        ),
        ("no UTF-8", frame(FIN | TEXT, b"\"\xff\""), 1007),
        ("half a character", frame(FIN | TEXT, b"\xce"), 1007),
        (
            "no UTF-8 in parts",
            [begun(0xce), frame(FIN, b"{")].concat(),
            1007,
        ),
        ("a surrogate", frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
    ]
    .into_iter()
    .map(|(name, bytes, code)| (name.to_owned(), bytes, code))
    .collect::<Vec<_>>();
    for bit in [0x40, 0x20, 0x10] {
        let name = format!("the reserved bit {bit:#x}");
        cases.push((name, frame(FIN | bit | TEXT, b"{}"), 1002));
    }
    for opcode in (0x3..0x8).chain(0xB..0x10) {
        let name = format!("the opcode {opcode:#x}");
        cases.push((name, frame(FIN | opcode, b""), 1002));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        cases.push((format!("the close code {code}"), closing(code, b""), 1002));
    }
    cases
}

#[tokio::test]
async fn frames_that_no_library_would_send_end_their_socket_alone() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let mut table = Table::sit_down([&entrance; 3], &json!({})).await;
    let (address, token) = (deployment.node(0).address(), &*table.guests[0].token);
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases() {
        let mut client = RawClient::connect(address, token).await.unwrap();
        // The server may have closed before all of it was written.
        let _ = client.send_bytes(&bytes).await;
        let ended = client.closed().await;
        if ended != Some(expected) {
            wrong.push(format!("{name}: {ended:?}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_undisturbed(&mut table, 0, "e2e4").await;
}

#[tokio::test]
async fn a_text_in_parts_with_a_ping_between_is_one_message() {
    let deployment = start(&[]);
    let entrance = Entrance::of(deployment.node(0));
    let guest = entrance.guest("Anna").await;
    let address = deployment.node(0).address();
    let mut client = RawClient::connect(address, &guest.token).await.unwrap();
    let parts = [
        frame(TEXT, br#"{"t":"pi"#),
        frame(FIN | PING, b"x"),
        frame(0, b""),
        frame(FIN, br#"ng","id":7}"#),
    ];
    client.send_bytes(&parts.concat()).await.unwrap();
    loop {
        match client.next().await {
            Heard::Frame(answer) if answer["t"] == "pong" => {
                assert_eq!(answer["re"], 7);
                return;
            }
            Heard::Frame(_) | Heard::Ping => {}
            ended => panic!("{ended:?}"),
        }
    }
}
