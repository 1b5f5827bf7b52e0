//! A client's socket, which tells when each frame was read.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub(crate) use tokio_tungstenite::tungstenite::Utf8Bytes as Text;

/// How long the first frame may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that a socket reads ahead. The default would be zeroed at each read, which costs more than all else.
const READ_BUFFER: usize = 4096;

/// One socket.
#[derive(Debug)]
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Connects, as the user of a token or as nobody, and waits for the `hello`.
    pub(crate) async fn connect(
        address: &str,
        path: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        if let Some(token) = token {
            let offered = HeaderValue::from_str(&format!("zeitnot.v1, bearer.{token}"))?;
            let headers = request.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0);
        let opened = client_async_with_config(request, stream, Some(config)).await;
        let (socket, _) = opened.with_context(|| format!("open a socket at {address}"))?;
        let mut client = Self { socket };
        let hello = timeout(PATIENCE, client.next()).await;
        let (hello, _) = hello.context("no hello in time")??;
        if !hello.contains(r#""t":"hello""#) {
            bail!("not a hello: {hello}");
        }
        Ok(client)
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        let sent = self.socket.send(Message::text(text)).await;
        sent.context("write to a socket")
    }

    /// The next text frame, and when it was read. Safe to cancel.
    pub(crate) async fn next(&mut self) -> anyhow::Result<(Text, Instant)> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same for who waits for several.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<anyhow::Result<(Text, Instant)>> {
        loop {
            let message = ready!(self.socket.poll_next_unpin(context));
            let now = Instant::now();
            let read = message.context("the socket ended");
            match read.and_then(|message| message.context("read from a socket"))? {
                Message::Text(text) => return Poll::Ready(Ok((text, now))),
                Message::Close(reason) => {
                    let closed = anyhow!("the server closed the socket: {reason:?}");
                    return Poll::Ready(Err(closed));
                }
                // A ping is answered by the library with the next read.
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}
