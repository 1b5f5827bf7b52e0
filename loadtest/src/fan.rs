//! `fan-node`: one message to many sockets without logic, as a measure for a node that has it. What comes in from a player
//! goes out to the other player as it is, and then to every spectator: a frame that is encoded once, written straight to
//! one socket after the other.
//!
//! There is no token, no rule, no heartbeat, no queue; a spectator that does not read loses the frame.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};

/// Bytes of the text of a frame to a spectator: as many as a move of ours has with its position and clock.
const FRAME: usize = 400;

/// What a socket is told first.
const HELLO: &str = r#"{"t":"hello"}"#;

/// The settings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address for sockets
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Every node is given one; nothing listens there
    #[arg(long, value_name = "ADDR", hide = true)]
    internal_listen: Option<SocketAddr>,
}

/// Who is here.
#[derive(Debug, Default)]
struct Fan {
    /// Both ends to write to, White's first.
    players: Vec<TcpStream>,
    spectators: Vec<TcpStream>,
}

/// Serves until it is ended.
#[expect(
    clippy::result_large_err,
    reason = "the library's own type of a refusal, which is never made"
)]
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()?;
    let fan = Arc::new(Mutex::new(Fan::default()));
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let mut is_player = false;
        let opened = accept_hdr(stream, |request: &Request, response: Response| {
            is_player = request.uri().path() == "/play";
            Ok(response)
        });
        // Whoever is at the other end sees that there is no socket.
        let Ok(mut socket) = opened else { continue };
        if socket.send(Message::text(HELLO)).is_err() {
            continue;
        }
        let writer = socket.get_ref().try_clone()?;
        if is_player {
            let mut fan_now = lock(&fan);
            fan_now.players.push(writer);
            let (number, fan) = (fan_now.players.len() - 1, Arc::clone(&fan));
            std::thread::spawn(move || listen(socket, number, &fan));
        } else {
            writer.set_nonblocking(true)?;
            lock(&fan).spectators.push(writer);
        }
    }
    Ok(())
}

/// Passes on what a player says until his socket ends.
fn listen(mut socket: WebSocket<TcpStream>, number: usize, fan: &Mutex<Fan>) {
    while let Ok(message) = socket.read() {
        if let Message::Text(text) = message {
            // Who is not reached loses it: this keeps no promise.
            let _ = lock(fan).pass_on(number, &text);
        }
    }
}

impl Fan {
    fn pass_on(&mut self, from: usize, text: &str) -> anyhow::Result<()> {
        let bare = frame(text)?;
        for (number, player) in self.players.iter_mut().enumerate() {
            if number != from {
                player.write_all(&bare)?;
            }
        }
        let padded = frame(&format!("{text:FRAME$}"))?;
        self.spectators.retain_mut(|spectator| {
            let written = spectator.write(&padded);
            written.is_ok_and(|count| count == padded.len())
        });
        Ok(())
    }
}

/// A text frame of a server, which is not masked: RFC 6455, section 5.2.
fn frame(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length @ 0..=125) => bytes.push(length),
        Ok(_) | Err(_) => {
            let length = u16::try_from(text.len()).context("a short text")?;
            bytes.push(126);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    Ok(bytes)
}

fn lock(fan: &Mutex<Fan>) -> MutexGuard<'_, Fan> {
    // What is inside is whole even if a holder panicked.
    fan.lock().unwrap_or_else(PoisonError::into_inner)
}
