//! Each fault of the proxy, shown on a real Redis.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use zeitnot_loadtest::deployment::{
    FaultProxy, RedisServer, Swallow, Target, is_append, is_commit,
};

/// How long an answer may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that sends words and reads bytes.
struct Client(TcpStream);

impl Client {
    fn connect(proxy: &FaultProxy) -> Self {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn send(&mut self, command: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Reads exactly this.
    fn expect(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        self.0.read_exact(&mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    fn ask(&mut self, command: &str, expected: &str) {
        self.send(command);
        self.expect(expected);
    }

    /// The other end closes, without another byte.
    fn expect_end(&mut self) {
        match self.0.read(&mut [0]) {
            Ok(count) => assert_eq!(count, 0, "not another byte"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// Nothing is there to be read now. Nobody can wait until nothing comes; what is there too early is seen.
    fn expect_silence(&mut self) {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.read(&mut [0]);
        assert_eq!(read.unwrap_err().kind(), ErrorKind::WouldBlock);
        self.0.set_nonblocking(false).unwrap();
    }
}

fn start() -> (RedisServer, FaultProxy) {
    let server = RedisServer::start().unwrap();
    let proxy = FaultProxy::start_redis(&server).unwrap();
    (server, proxy)
}

/// Blocks until Redis has what was asked of it.
fn until_holds(server: &RedisServer, key: &str, value: &str) {
    let began = Instant::now();
    while server.call(&["GET", key]).unwrap().text() != Some(value) {
        assert!(began.elapsed() < PATIENCE);
    }
}

fn is_set(words: &[&[u8]]) -> bool {
    words[0] == b"SET"
}

#[test]
fn without_a_fault_everything_passes_in_its_order() {
    let (server, proxy) = start();
    let mut client = Client::connect(&proxy);
    for n in 0..1000 {
        client.send(&format!("RPUSH list {n}"));
    }
    let replies: String = (1..=1000).map(|n| format!(":{n}\r\n")).collect();
    client.expect(&replies);
    assert_eq!(proxy.connections(), 1);
    assert_eq!(server.command("LLEN list").unwrap(), ":1000");
    let large = "x".repeat(3_000_000);
    client.ask(&format!("SET large {large}"), "+OK\r\n");
    client.ask("GET large", &format!("$3000000\r\n{large}\r\n"));
    drop(client);
    proxy.cut().unwrap();
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_delay_takes_time_and_no_throughput() {
    const DELAY: Duration = Duration::from_millis(40);
    let (_server, proxy) = start();
    proxy.set_delay(DELAY, DELAY);
    let mut client = Client::connect(&proxy);
    let began = Instant::now();
    for n in 1..=100 {
        client.send(&format!("RPUSH list {n}"));
    }
    let replies: String = (1..=100).map(|n| format!(":{n}\r\n")).collect();
    client.expect(&replies);
    let took = began.elapsed();
    assert!(took >= 2 * DELAY, "{took:?}");
    // One after the other they would take a hundred times as long.
    assert!(took < 100 * DELAY, "{took:?}");
    proxy.set_delay(Duration::ZERO, Duration::ZERO);
    client.ask("PING", "+PONG\r\n");
}

#[test]
fn cut_connections_end_and_new_ones_are_taken() {
    let (_server, proxy) = start();
    let mut clients = [Client::connect(&proxy), Client::connect(&proxy)];
    for client in &mut clients {
        client.ask("PING", "+PONG\r\n");
    }
    proxy.cut().unwrap();
    for client in &mut clients {
        client.expect_end();
    }
    Client::connect(&proxy).ask("PING", "+PONG\r\n");
}

#[test]
fn in_a_blackhole_nothing_passes_and_afterwards_everything() {
    let (server, proxy) = start();
    let mut old = Client::connect(&proxy);
    old.ask("PING", "+PONG\r\n");
    proxy.blackhole();
    let mut new = Client::connect(&proxy);
    old.send("SET old 1");
    new.send("SET new 1");
    assert_eq!(server.command("DBSIZE").unwrap(), ":0");
    old.expect_silence();
    new.expect_silence();
    proxy.pass().unwrap();
    old.expect("+OK\r\n");
    new.expect("+OK\r\n");
}

#[test]
fn refused_connections_are_refused_and_open_ones_go_on() {
    let (_server, proxy) = start();
    let mut client = Client::connect(&proxy);
    client.ask("PING", "+PONG\r\n");
    for _ in 0..3 {
        proxy.refuse().unwrap();
        let refused = TcpStream::connect(proxy.address()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        client.ask("PING", "+PONG\r\n");
        proxy.pass().unwrap();
        Client::connect(&proxy).ask("PING", "+PONG\r\n");
    }
}

#[test]
fn a_swallowed_reply_cuts_its_connection_and_what_was_asked_is_done() {
    let (server, proxy) = start();
    let swallowed = proxy.swallow(Swallow::first(is_set));
    let mut client = Client::connect(&proxy);
    client.send("PING");
    client.send("SET key 1");
    client.send("PING");
    client.expect("+PONG\r\n");
    client.expect_end();
    swallowed.wait_for(1).unwrap();
    until_holds(&server, "key", "1");
    // It was the first one only.
    let mut client = Client::connect(&proxy);
    client.ask("SET key 2", "+OK\r\n");
    assert_eq!(swallowed.count(), 1);
}

#[test]
fn every_third_reply_is_swallowed_until_the_rule_ends() {
    let (_server, proxy) = start();
    let swallowed = proxy.swallow(Swallow::each(3, is_set));
    for round in 1..=2 {
        let mut client = Client::connect(&proxy);
        client.ask("SET key 1", "+OK\r\n");
        // An error does nothing, and is let through uncounted.
        client.ask(
            "SET key",
            "-ERR wrong number of arguments for 'set' command\r\n",
        );
        client.ask("SET key 2", "+OK\r\n");
        client.send("SET key 3");
        client.expect_end();
        swallowed.wait_for(round).unwrap();
    }
    drop(swallowed);
    let mut client = Client::connect(&proxy);
    for n in 0..4 {
        client.ask(&format!("SET key {n}"), "+OK\r\n");
    }
}

#[test]
fn a_held_reply_waits_until_it_is_released_or_its_client_is_gone() {
    let (server, proxy) = start();
    let swallowed = proxy.swallow(Swallow::each(1, is_set).and_hold());
    let mut client = Client::connect(&proxy);
    client.send("SET key 1");
    client.send("PING");
    swallowed.wait_for(1).unwrap();
    until_holds(&server, "key", "1");
    client.expect_silence();
    Client::connect(&proxy).ask("PING", "+PONG\r\n");
    swallowed.release();
    client.expect("+OK\r\n+PONG\r\n");

    client.send("SET key 2");
    swallowed.wait_for(2).unwrap();
    drop(client);
    let began = Instant::now();
    while proxy.connections() > 0 {
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn an_append_is_known_by_its_shape_and_a_commit_by_its_answer() {
    let (server, proxy) = start();
    let script = |reply: &str| {
        let script = format!("return {reply}");
        let hash = server.call(&["SCRIPT", "LOAD", &script]).unwrap();
        let keys = "{b:17}:game:q7ZwA0bX {b:17}:due";
        let hash = hash.text().unwrap();
        let numbers = "0".repeat(64);
        format!("EVALSHA {hash} 2 {keys} {numbers} 3 first aaaaa 5,first, e2e4")
    };
    let early = script("{'early',7}");
    let committed = script("7");
    let swallowed = proxy.swallow(Swallow::first(is_append).answered(is_commit));
    let mut client = Client::connect(&proxy);
    client.ask(&early, "*2\r\n$5\r\nearly\r\n:7\r\n");
    client.send(&committed);
    client.expect_end();
    swallowed.wait_for(1).unwrap();
}

#[test]
fn dropped_messages_are_counted_and_confirmations_pass() {
    let (server, proxy) = start();
    let dropped = proxy.drop_pushes(|channel| channel.ends_with(b"lost"));
    let mut client = Client::connect(&proxy);
    client.ask(
        "SSUBSCRIBE lost",
        "*3\r\n$10\r\nssubscribe\r\n$4\r\nlost\r\n:1\r\n",
    );
    client.ask(
        "SSUBSCRIBE kept",
        "*3\r\n$10\r\nssubscribe\r\n$4\r\nkept\r\n:2\r\n",
    );
    for channel in ["lost", "kept"] {
        assert_eq!(
            server.command(&format!("SPUBLISH {channel} 1")).unwrap(),
            ":1"
        );
    }
    client.expect("*3\r\n$8\r\nsmessage\r\n$4\r\nkept\r\n$1\r\n1\r\n");
    dropped.wait_for(1).unwrap();
    assert_eq!(dropped.count(), 1);
    // Replies among messages still find their commands.
    let swallowed = proxy.swallow(Swallow::first(|words| words[0] == b"PING"));
    client.ask(
        "SUNSUBSCRIBE kept",
        "*3\r\n$12\r\nsunsubscribe\r\n$4\r\nkept\r\n:1\r\n",
    );
    drop(dropped);
    assert_eq!(server.command("SPUBLISH lost 2").unwrap(), ":1");
    client.expect("*3\r\n$8\r\nsmessage\r\n$4\r\nlost\r\n$1\r\n2\r\n");
    client.send("PING");
    client.expect_end();
    swallowed.wait_for(1).unwrap();
}

#[test]
fn one_of_two_proxies_hurts_only_those_behind_it() {
    let (server, proxy) = start();
    let other = FaultProxy::start_redis(&server).unwrap();
    proxy.blackhole();
    Client::connect(&proxy).send("SET key 1");
    Client::connect(&other).ask("GET key", "$-1\r\n");
}

#[test]
fn any_protocol_passes_to_a_target_that_can_be_changed() {
    let servers = [(); 2].map(|()| RedisServer::start_on_port(&[]).unwrap());
    let [first, second] =
        [0, 1].map(|n: usize| ([127, 0, 0, 1], servers[n].port().unwrap()).into());
    let proxy = FaultProxy::start(Target::Tcp(first)).unwrap();
    let mut client = Client::connect(&proxy);
    // Inline commands are none that the proxy for Redis reads.
    client.0.write_all(b"SET which first\r\n").unwrap();
    client.expect("+OK\r\n");
    proxy.set_target(Target::Tcp(second));
    client.ask("GET which", "$5\r\nfirst\r\n");
    Client::connect(&proxy).ask("GET which", "$-1\r\n");
}
