//! A client's socket, which tells when each message was read.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::either::Either;

use crate::entrance::Entrance;
use crate::framing::{Framing, JOIN_ROOM, Received};
use crate::peer::Peer;
use crate::tls;

pub(crate) use tokio_tungstenite::tungstenite::Utf8Bytes as Text;

/// How long each step may take up to the first frame.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that a socket reads ahead. The default would be zeroed at each read, which costs more than all else.
const READ_BUFFER: usize = 4096;

/// Where Socket.IO is found.
const SOCKET_IO: &str = "/socket.io/?EIO=4&transport=websocket";

/// One socket.
#[derive(Debug)]
pub(crate) struct Client {
    socket: WebSocketStream<Either<TcpStream, Box<TlsStream<TcpStream>>>>,
    framing: Framing,
}

impl Client {
    /// Connects, as the user of a token or as nobody, and waits for the `hello`.
    pub(crate) async fn connect(
        address: &str,
        path: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        Self::connect_from(None, address, (path, token)).await
    }

    /// The same from an address of this machine.
    pub(crate) async fn connect_from(
        source: Option<IpAddr>,
        address: &str,
        (path, token): (&str, Option<&str>),
    ) -> anyhow::Result<Self> {
        let token = token.map(|token| format!("zeitnot.v1, bearer.{token}"));
        let offered = token.as_deref();
        let offered = offered.map(|token| (header::SEC_WEBSOCKET_PROTOCOL, token));
        let opened = Self::open((source, address), path, (offered, Framing::Plain));
        let mut client = opened.await?;
        client.wait_for_hello().await?;
        Ok(client)
    }

    /// Connects to a process of a peer, as the user of a token or as nobody. The game is for those whose sockets belong to
    /// one, which is at a process of its own.
    pub(crate) async fn connect_to_peer(
        peer: Peer,
        (source, address): (Option<IpAddr>, &str),
        (token, game): (Option<&str>, Option<&str>),
    ) -> anyhow::Result<Self> {
        match peer.framing() {
            Framing::Plain => {
                let token = token.map(|token| format!("Bearer {token}"));
                let token = token.as_deref();
                let token = token.map(|token| (header::AUTHORIZATION, token));
                let opened = Self::open((source, address), "/ws", (token, Framing::Plain));
                let mut client = opened.await?;
                client.wait_for_hello().await?;
                Ok(client)
            }
            Framing::SocketIo => {
                let opened = Self::open((source, address), SOCKET_IO, (None, Framing::SocketIo));
                let mut client = opened.await?;
                let token = token.map(|token| format!(r#"{{"token":"{token}"}}"#));
                let hello = format!("40{}", token.unwrap_or_default());
                client.wait_for(b"0").await?;
                client.socket.send(Message::text(hello)).await?;
                client.wait_for(b"40").await?;
                Ok(client)
            }
            Framing::Colyseus => {
                let room = game.context("a socket belongs to a game")?;
                let path = format!("/matchmake/joinById/{room}");
                let entrance = Entrance::of_peer(address);
                let seat = entrance.post(&path, (&json!({}), token)).await?;
                let of = |name: &str| seat[name].as_str().with_context(|| format!("no {name}"));
                let (process, session) = (of("processId")?, of("sessionId")?);
                let path = format!("/{process}/{room}?sessionId={session}");
                let address = of("publicAddress")?;
                let opened = Self::open((source, address), &path, (None, Framing::Colyseus));
                let mut client = opened.await?;
                client.wait_for(&[JOIN_ROOM]).await?;
                Ok(client)
            }
        }
    }

    async fn open(
        (source, address): (Option<IpAddr>, &str),
        path: &str,
        (credentials, framing): (Option<(HeaderName, &str)>, Framing),
    ) -> anyhow::Result<Self> {
        let (host, is_secure) = match address.strip_prefix(tls::SECURE) {
            None => (address, false),
            Some(host) => (host, true),
        };
        let mut request = format!("ws://{host}{path}").into_client_request()?;
        if let Some((name, value)) = credentials {
            let headers = request.headers_mut();
            headers.insert(name, HeaderValue::from_str(value)?);
        }
        let connected = timeout(PATIENCE, connect(source, host)).await;
        let stream = connected.unwrap_or_else(|late| Err(io::Error::other(late)));
        let stream = stream.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let stream = if is_secure {
            // Large, and made at the beginning only.
            let spoken = timeout(PATIENCE, Box::pin(tls::speak(host, stream))).await;
            Either::Right(spoken.with_context(|| format!("no TLS at {address} in time"))??)
        } else {
            Either::Left(stream)
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0);
        let opened = client_async_with_config(request, stream, Some(config));
        let opened = timeout(PATIENCE, opened).await;
        let opened = opened.with_context(|| format!("no WebSocket at {address} in time"))?;
        let (socket, _) = opened.with_context(|| format!("open a socket at {address}"))?;
        Ok(Self { socket, framing })
    }

    async fn wait_for_hello(&mut self) -> anyhow::Result<()> {
        let hello = timeout(PATIENCE, self.next()).await;
        let (hello, _) = hello.context("no hello in time")??;
        if !hello.contains(r#""t":"hello""#) {
            bail!("not a hello: {hello}");
        }
        Ok(())
    }

    /// Waits for a frame of the protocol that carries ours; nothing of ours may come before it.
    async fn wait_for(&mut self, beginning: &[u8]) -> anyhow::Result<()> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await;
            let frame = frame.context("no answer in time")?;
            let frame = frame.context("the socket ended")??;
            let is_it = frame.is_text() || frame.is_binary();
            let is_it = is_it && frame.clone().into_data().starts_with(beginning);
            match self.framing.unwrap(frame)? {
                Received::Answered(answer) => self.socket.send(answer).await?,
                Received::Nothing => {}
                Received::Message(message) => bail!("not a hello: {message}"),
            }
            if is_it {
                return Ok(());
            }
        }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        let sent = self.socket.send(self.framing.wrap(text)?).await;
        sent.context("write to a socket")
    }

    /// The next message, and when it was read. Safe to cancel.
    pub(crate) async fn next(&mut self) -> anyhow::Result<(Text, Instant)> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same for who waits for several.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<anyhow::Result<(Text, Instant)>> {
        loop {
            let frame = ready!(self.socket.poll_next_unpin(context));
            let now = Instant::now();
            let read = frame.context("the socket ended");
            let frame = read.and_then(|frame| frame.context("read from a socket"))?;
            match self.framing.unwrap(frame)? {
                Received::Message(text) => return Poll::Ready(Ok((text, now))),
                Received::Nothing => {}
                Received::Answered(answer) => {
                    // Small enough for any buffer: what cannot be written at once goes out with the next.
                    self.socket.start_send_unpin(answer)?;
                    if let Poll::Ready(flushed) = self.socket.poll_flush_unpin(context) {
                        flushed?;
                    }
                }
            }
        }
    }
}

/// A connection, from an address of this machine if there is one.
async fn connect(source: Option<IpAddr>, address: &str) -> io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(address).await;
    };
    let mut found = lookup_host(address).await?;
    let there = found.find(|there| there.is_ipv4() == source.is_ipv4());
    let there = there.ok_or_else(|| io::Error::other(format!("no way there from {source}")))?;
    let socket = match source {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(there).await
}
