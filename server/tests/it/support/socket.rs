//! A client of the socket that does nothing by itself (RFC 6455, by hand): it may leave pings unanswered, and an end of its
//! line is a value and no panic.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::PATIENCE;

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// The last frame of a message; all of ours and the server's are.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A mask that changes nothing.
const MASK: [u8; 4] = [0; 4];

/// The end of a request's or an answer's headers.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// What came next.
#[derive(Debug)]
pub(crate) enum Heard {
    Frame(Value),
    /// A ping, which was answered if pings are.
    Ping,
    Closed(u16),
    /// The line broke, or the socket was closed without a code.
    Gone,
}

/// One socket.
pub(crate) struct RawClient {
    stream: TcpStream,
    /// What has come and was not taken yet.
    unread: Vec<u8>,
    echoes_pings: bool,
}

impl RawClient {
    /// Connects; nothing if nobody is there, or the upgrade is refused.
    pub(crate) async fn connect(address: &str, token: &str) -> Option<Self> {
        let (client, answer) = Self::open(address, &as_bearer(token)).await?;
        answer.starts_with("HTTP/1.1 101 ").then_some(client)
    }

    /// Asks for a socket with further lines of headers; with what is answered.
    pub(crate) async fn open(address: &str, headers: &str) -> Option<(Self, String)> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut client = Self {
            stream,
            unread: Vec::new(),
            echoes_pings: true,
        };
        let answer = loop {
            let blank = client.unread.windows(4).position(|four| four == BLANK_LINE);
            if let Some(at) = blank {
                break client.unread.drain(..at + 4).collect::<Vec<u8>>();
            }
            client.read().await?;
        };
        Some((client, String::from_utf8_lossy(&answer).into_owned()))
    }

    /// From now on no ping is answered.
    pub(crate) fn leave_pings(&mut self) {
        self.echoes_pings = false;
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, msg: &Value) -> io::Result<()> {
        self.write(TEXT, msg.to_string().as_bytes()).await
    }

    /// Sends a text frame that need not be JSON.
    pub(crate) async fn send_text(&mut self, text: &str) -> io::Result<()> {
        self.write(TEXT, text.as_bytes()).await
    }

    /// Sends bytes that need not be frames.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The code with which the other end closes, whatever comes before; nothing if there is none.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let closing = async {
            loop {
                match self.next().await {
                    Heard::Closed(code) => return Some(code),
                    Heard::Gone => return None,
                    Heard::Frame(_) | Heard::Ping => {}
                }
            }
        };
        timeout(PATIENCE, closing).await.expect("it is closed")
    }

    /// Whatever comes next.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            match self.take_frame() {
                Some((TEXT, payload)) => {
                    return Heard::Frame(serde_json::from_slice(&payload).unwrap());
                }
                Some((PING, payload)) => {
                    if self.echoes_pings {
                        // Where this fails, what was said last is still to be heard.
                        let _ = self.write(PONG, &payload).await;
                    }
                    return Heard::Ping;
                }
                Some((CLOSE, payload)) => {
                    let code = payload.first_chunk::<2>();
                    return code
                        .map_or(Heard::Gone, |code| Heard::Closed(u16::from_be_bytes(*code)));
                }
                Some(_) => {}
                None => {
                    if self.read().await.is_none() {
                        return Heard::Gone;
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.unread));
        let count = read.await.expect("something comes, at least a ping").ok()?;
        (count > 0).then_some(())
    }

    async fn write(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        self.send_bytes(&frame(FIN | kind, payload)).await
    }

    /// The first frame that came, once it is whole: its kind and what it carries.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&[kind, short], rest) = self.unread.split_first_chunk()?;
        let (length, head) = match short {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (
                usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).unwrap(),
                10,
            ),
            short => (usize::from(short), 2),
        };
        if self.unread.len() < head + length {
            return None;
        }
        let frame: Vec<u8> = self.unread.drain(..head + length).collect();
        Some((kind & !FIN, frame[head..].to_vec()))
    }
}

/// The line of a request for a socket with which a token goes.
pub(crate) fn as_bearer(token: &str) -> String {
    format!("Sec-WebSocket-Protocol: zeitnot.v1, bearer.{token}\r\n")
}

/// A frame of a client; `first` is its first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ ..126) => frame.push(MASKED | length),
        _ => {
            frame.push(MASKED | 126);
            frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload);
    frame
}
