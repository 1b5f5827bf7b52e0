//! A client of the socket, which keeps every frame that it was sent.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::{HeaderValue, Request, StatusCode, header};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use socket2::{Domain, Type};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};
use zeitnot_game::id::GameId;

/// How long a frame may take on a machine that is busy. No test waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no socket, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The upgrade got this status.
    Refused(StatusCode),
    /// The other end closed, with its code.
    Closed(Option<u16>),
    /// The line broke.
    Broken(String),
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One socket.
pub(crate) struct Client {
    socket: Socket,
    hello: Value,
    next_id: i64,
    /// Frames that came while another one was waited for.
    unread: VecDeque<Value>,
}

impl Client {
    /// Connects; a refused upgrade gives its status.
    pub(crate) async fn connect(address: &str, token: Option<&str>) -> Result<Self, StatusCode> {
        match Self::open(address, token).await {
            Err(Gone::Refused(status)) => Err(status),
            opened => Ok(opened.expect("the socket opens")),
        }
    }

    /// The same from one of this machine's addresses.
    pub(crate) async fn connect_from(
        source: IpAddr,
        address: &str,
        token: Option<&str>,
    ) -> Result<Self, StatusCode> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((source, 0).into()).unwrap();
        let stream = socket.connect(address.parse().unwrap()).await.unwrap();
        let opening = client_async(upgrade(address, token), MaybeTlsStream::Plain(stream));
        let opened = timeout(PATIENCE, opening).await.expect("somebody answers");
        match Self::greet(opened.map(|(socket, _)| socket)).await {
            Err(Gone::Refused(status)) => Err(status),
            opened => Ok(opened.expect("the socket opens")),
        }
    }

    /// The same where whatever answers may be ending.
    pub(crate) async fn open(address: &str, token: Option<&str>) -> Result<Self, Gone> {
        let opening = timeout(PATIENCE, connect_async(upgrade(address, token)));
        let opened = opening.await.expect("somebody answers");
        Self::greet(opened.map(|(socket, _)| socket)).await
    }

    /// Connects with little room for what is not read yet, on this side and on the way.
    pub(crate) async fn connect_narrow(address: &str, token: Option<&str>) -> Self {
        let stream = narrow_stream(address).await;
        let opened = client_async(upgrade(address, token), MaybeTlsStream::Plain(stream)).await;
        let opened = opened.map(|(socket, _)| socket);
        Self::greet(opened).await.expect("the socket opens")
    }

    async fn greet(opened: Result<Socket, Error>) -> Result<Self, Gone> {
        let socket = opened?;
        let mut client = Self {
            socket,
            hello: Value::Null,
            next_id: 1,
            unread: VecDeque::new(),
        };
        client.hello = client.try_receive().await?;
        assert_eq!(client.hello["t"], "hello");
        Ok(client)
    }

    /// The first frame.
    pub(crate) const fn hello(&self) -> &Value {
        &self.hello
    }

    /// The next frame of a kind; others before it are gone.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next_of_any().await;
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// The name of the node at the other end.
    pub(crate) fn node(&self) -> &str {
        self.hello["node"].as_str().unwrap()
    }

    /// The next frame that does not tell who is here, which may come at any time.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let frame = self.next_of_any().await;
            if frame["t"] != "presence" && frame["t"] != "crowd" {
                return frame;
            }
        }
    }

    async fn next_of_any(&mut self) -> Value {
        match self.unread.pop_front() {
            Some(frame) => frame,
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Value {
        self.try_receive().await.expect("the socket is open")
    }

    /// The next frame that was not received yet, where the socket may end.
    pub(crate) async fn try_receive(&mut self) -> Result<Value, Gone> {
        loop {
            let message = timeout(PATIENCE, self.socket.next());
            match message.await.expect("a frame comes").transpose()? {
                Some(Message::Text(text)) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(reason)) => {
                    return Err(Gone::Closed(reason.map(|reason| reason.code.into())));
                }
                Some(_) => {}
                None => return Err(Gone::Broken("it has ended".to_owned())),
            }
        }
    }

    /// The code with which the server closes, whatever comes before.
    pub(crate) async fn closed(mut self) -> u16 {
        let closing = async {
            loop {
                match self.socket.next().await.expect("with a code").unwrap() {
                    Message::Close(Some(reason)) => return reason.code.into(),
                    Message::Close(None) => panic!("closed without a code"),
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, closing).await.expect("it is closed")
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.try_send_raw(message)
            .await
            .expect("the socket is open");
    }

    /// The same where the socket may have ended.
    pub(crate) async fn try_send_raw(&mut self, message: Message) -> Result<(), Gone> {
        Ok(self.socket.send(message).await?)
    }

    /// Sends a message with an `id`, and waits for its answer. Other frames stay for [`Client::next`].
    pub(crate) async fn ask(&mut self, msg: Value) -> Value {
        let id = self.send(msg).await;
        self.answer_to(id).await
    }

    /// Sends a message with an `id`, which is returned.
    pub(crate) async fn send(&mut self, msg: Value) -> i64 {
        self.try_send(msg).await.expect("the socket is open")
    }

    /// The same where the socket may have ended.
    pub(crate) async fn try_send(&mut self, mut msg: Value) -> Result<i64, Gone> {
        let id = self.next_id;
        self.next_id += 1;
        msg["id"] = id.into();
        self.socket.send(Message::text(msg.to_string())).await?;
        Ok(id)
    }

    /// Waits for the answer to a message. Other frames stay for [`Client::next`].
    pub(crate) async fn answer_to(&mut self, id: i64) -> Value {
        let is_it = |frame: &Value| frame["re"] == id;
        if let Some(place) = self.unread.iter().position(is_it) {
            return self.unread.remove(place).unwrap();
        }
        loop {
            let frame = self.receive().await;
            if is_it(&frame) {
                return frame;
            }
            self.unread.push_back(frame);
        }
    }

    /// Checks that nothing is answered that was not waited for: all was answered once.
    pub(crate) async fn assert_answered_once(&mut self) {
        self.ask(json!({"t": "ping"})).await;
        let again = self.unread.iter().find(|frame| !frame["re"].is_null());
        assert_eq!(again, None);
    }

    /// Asks so much without reading that a node cannot get rid of its answers, if this socket is narrow. While `other`, at
    /// the same node, asks one thing after the other, the node comes round to what it can answer here.
    pub(crate) async fn clog(&mut self, other: &mut Self) {
        let ping = json!({"t": "ping"});
        for _ in 0..6000 {
            let ping = Message::text(ping.to_string());
            self.socket.feed(ping).await.unwrap();
        }
        self.socket.flush().await.unwrap();
        for _ in 0..200 {
            other.ask(ping.clone()).await;
        }
    }

    /// Follows a game; the answer is its snapshot.
    pub(crate) async fn watch(&mut self, game: GameId) -> Value {
        let snapshot = self.ask(json!({"t": "watch", "game": game})).await;
        assert_eq!(snapshot["t"], "game", "{snapshot}");
        snapshot
    }

    /// Plays a move; the answer is `ok` or `error`.
    pub(crate) async fn play(&mut self, game: GameId, uci: &str, ply: usize) -> Value {
        self.ask(json!({"t": "move", "game": game, "uci": uci, "ply": ply}))
            .await
    }
}

impl From<Error> for Gone {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => Self::Refused(response.status()),
            error => Self::Broken(error.to_string()),
        }
    }
}

fn upgrade(address: &str, token: Option<&str>) -> Request<()> {
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    if let Some(token) = token {
        let offered = format!("zeitnot.v1, bearer.{token}");
        let offered = HeaderValue::from_str(&offered).unwrap();
        request
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    }
    request
}

/// A connection that holds some 50 KB on its way to us.
async fn narrow_stream(address: &str) -> TcpStream {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    // The system lets the node keep so many segments, whatever their size.
    socket.set_tcp_mss(536).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    TcpStream::from_std(socket.into()).unwrap()
}
