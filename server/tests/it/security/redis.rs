//! Redis among people who should not get at it: TLS with a certificate that is checked, and a user who may do what a node
//! does and nothing else (`deploy/redis-users.acl`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use zeitnot_loadtest::deployment::{Certificate, Node, NodeSettings, RedisServer, Reply};

use super::{binary, run};
use crate::support::client::PATIENCE;
use crate::support::entrance::Entrance;
use crate::support::table::Table;

const USERS: &str = include_str!("../../../../deploy/redis-users.acl");

const PASSWORD: &str = "a-password-of-this-test";

/// Somebody who may ask for what was refused; not shipped.
const ONLOOKER: &str = "user onlooker on >looks ~* &* +@all\n";

fn node(dir: &Path, args: &[&str]) -> anyhow::Result<Node> {
    let keys = dir.join("keys.json");
    if !keys.exists() {
        fs::write(&keys, run(dir, &["keys", "new"]).stdout).unwrap();
    }
    let mut all: Vec<_> = args.iter().map(Into::into).collect();
    all.extend(["--jwt-keys".into(), keys.into()]);
    if !args.contains(&"--rate-limits") {
        all.extend(["--rate-limits".into(), "off".into()]);
    }
    Node::start(NodeSettings {
        binary: binary().to_owned(),
        args: all,
        variables: Vec::new(),
        log: None,
    })
}

/// A server with the users that we ship, of whom ours has a password now.
fn guarded(dir: &Path, rules: &str) -> RedisServer {
    let file = dir.join("users.acl");
    let rules = rules.replace("user zeitnot on ", &format!("user zeitnot on >{PASSWORD} "));
    assert!(rules.contains(PASSWORD), "the user has its line");
    fs::write(&file, rules + ONLOOKER).unwrap();
    RedisServer::start_on_port(&["--aclfile", file.to_str().unwrap()]).unwrap()
}

fn url_as(redis: &RedisServer, user: &str) -> String {
    redis.url().replace("redis://", &format!("redis://{user}@"))
}

/// What was refused to whom, as Redis remembers it.
fn refusals(redis: &RedisServer) -> Reply {
    let mut connection = redis.connect().unwrap();
    let asked = [vec!["AUTH", "onlooker", "looks"], vec!["ACL", "LOG"]];
    connection.call_all(&asked).unwrap().pop().unwrap()
}

/// Everything that a node asks a store for, at two nodes.
async fn live(nodes: &[Node; 2]) -> Table {
    let [here, there] = nodes.each_ref().map(Entrance::of);
    let mut table = Table::sit_down([&here, &there, &here], &json!({})).await;
    let game = table.game;
    for (ply, uci) in ["e2e4", "e7e5", "g1f3"].into_iter().enumerate() {
        assert_eq!(
            table.seats[ply % 2].play(game, uci, ply).await["v"],
            ply + 2
        );
        assert_eq!(table.spectator.next_of("move").await["ply"], ply + 1);
    }
    let say = json!({"t": "say", "game": game, "room": "players", "text": "hello", "key": "k"});
    assert_eq!(table.seats[0].ask(say).await["t"], "ok");
    assert_eq!(table.seats[1].next_of("chat").await["text"], "hello");
    let claim = json!({"t": "claim", "game": game, "do": "win"});
    assert_eq!(table.seats[0].ask(claim).await["code"], "not_allowed");

    let guests = [here.guest("Cleo").await, there.guest("Dan").await];
    let mut seekers = [
        here.connect(Some(&guests[0])).await,
        there.connect(Some(&guests[1])).await,
    ];
    let mut looker = there.connect(None).await;
    assert_eq!(looker.ask(json!({"t": "lobby"})).await["t"], "seeks");
    let seek = json!({"t": "seek", "clock": {"limit": 180, "increment": 2}});
    for msg in [&seek, &json!({"t": "unseek"}), &seek] {
        assert_eq!(seekers[0].ask(msg.clone()).await["t"], "ok");
    }
    looker.next_of("seeks").await;
    assert_eq!(seekers[1].ask(seek).await["t"], "ok");
    for seeker in &mut seekers {
        seeker.next_of("game_start").await;
    }

    let mut second = Table::sit_down([&here, &there, &here], &json!({})).await;
    let resign = json!({"t": "resign", "game": second.game});
    assert_eq!(second.seats[0].ask(resign).await["t"], "ok");
    for (seat, answer) in ["offer", "accept"].into_iter().enumerate() {
        let rematch = json!({"t": "rematch", "game": second.game, "do": answer});
        assert_eq!(second.seats[seat].ask(rematch).await["t"], "ok");
    }
    for seat in &mut second.seats {
        seat.next_of("game_start").await;
    }
    let leaves = (&Value::Null, Some(&*second.guests[0].token));
    let (status, answer) = here.request(Method::POST, "/api/auth/logout", leaves).await;
    assert_eq!(status, 204, "{answer}");
    let nothing = json!({});
    let playing = (&nothing, Some(&*table.guests[0].token));
    let (status, games) = there
        .request(Method::GET, "/api/account/playing", playing)
        .await;
    assert_eq!(status, 200, "{games}");
    table
}

#[tokio::test]
async fn a_node_needs_no_more_rights_than_those_that_we_ship() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = guarded(dir.path(), USERS);
    let url = url_as(&redis, &format!("zeitnot:{PASSWORD}"));
    // The second one waits for a replica, in vain.
    let nodes = [["0"], ["1"]].map(|replicas| {
        let args = ["--redis-url", &url, "--redis-wait-replicas"];
        node(dir.path(), &[&args[..], &replicas].concat()).unwrap()
    });
    let lived = timeout(4 * PATIENCE, live(&nodes)).await;
    let mut table = lived.expect("all of it is done");
    // One that counts what people do, in Redis.
    let counting = node(dir.path(), &["--redis-url", &url, "--rate-limits", "on"]).unwrap();
    Entrance::of(&counting).guest("Counted").await;
    assert_eq!(refusals(&redis), Reply::Array(Vec::new()));
    let checked = run(
        dir.path(),
        &[
            "check",
            "--redis-url",
            &url,
            "--jwt-keys",
            "keys.json",
            "--listen",
            "127.0.0.1:0",
            "--internal-listen",
            "127.0.0.1:0",
        ],
    );
    let lines = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(lines.contains("ok       redis-url"), "{lines}");

    // It comes back empty: the nodes give it the game back.
    redis.restart().unwrap();
    loop {
        // Players are sent away from a store that is silent for long.
        table.seats[1] = Entrance::of(&nodes[1])
            .connect(Some(&table.guests[1]))
            .await;
        let answer = table.seats[1].play(table.game, "b8c6", 3).await;
        if answer["t"] == "ok" {
            assert_eq!(answer["v"], 5, "nothing of it was lost");
            break;
        }
        assert_eq!(answer["code"], "unavailable", "{answer}");
    }
    assert_eq!(refusals(&redis), Reply::Array(Vec::new()));
}

#[test]
fn whoever_has_a_nodes_password_may_do_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let redis = guarded(dir.path(), USERS);
    let mut connection = redis.connect().unwrap();
    let nobody = connection.call_all(&[vec!["GET", "{b:0}:revoked:mark"]]);
    assert!(is_refused(&nobody.unwrap()[0], "NOAUTH"));
    let known = [
        vec!["AUTH", "zeitnot", PASSWORD],
        vec!["LRANGE", "{b:121}:game:q7ZwA0bX", "0", "-1"],
    ];
    let replies = connection.call_all(&known).unwrap();
    assert_eq!(
        replies,
        [Reply::Simple("OK".into()), Reply::Array(Vec::new())]
    );
    let forbidden = "FLUSHALL|FLUSHDB|CONFIG SET appendonly no|CONFIG GET *|KEYS *|SCAN 0|DEBUG SLEEP 0|SHUTDOWN NOSAVE\
        |ACL LIST|ACL SETUSER zeitnot +@all|EVAL return 0|SCRIPT FLUSH|SCRIPT KILL|FUNCTION LIST|MODULE LIST|REPLICAOF NO ONE\
        |SAVE|BGSAVE|BGREWRITEAOF|MONITOR|CLIENT LIST|CLIENT KILL TYPE normal|SELECT 1|SWAPDB 0 1|DUMP {b:0}:due\
        |RESTORE {b:0}:x 0 x|MIGRATE h 1 k 0 1|COPY {b:0}:due {b:0}:x|RENAME {b:0}:due {b:0}:x|OBJECT ENCODING {b:0}:due\
        |LATENCY RESET|SLOWLOG GET|CLUSTER RESET|CLUSTER FAILOVER|SUBSCRIBE x|PSUBSCRIBE *|PUBLISH x y|SSUBSCRIBE x\
        |SPUBLISH x y|GET x|SET secret 1|DEL b:0|LRANGE other:{b:0} 0 -1|LTRIM {b:0}:game:x 1 0|LSET {b:0}:game:x 0 y";
    for command in forbidden.split('|') {
        let words: Vec<&str> = command.split(' ').collect();
        let mut replies = connection.call_all(&[words]).unwrap();
        let reply = replies.remove(0);
        // `DEBUG` is off for everybody before anybody's rights are looked at.
        let is_off = command.starts_with("DEBUG") && is_refused(&reply, "ERR DEBUG command not");
        assert!(
            is_off || is_refused(&reply, "NOPERM"),
            "{command}: {reply:?}"
        );
    }
    assert_eq!(
        connection.call_all(&[vec!["EXISTS", "{b:0}:x"]]).unwrap(),
        [Reply::Int(0)],
        "it still runs"
    );
}

fn is_refused(reply: &Reply, code: &str) -> bool {
    matches!(reply, Reply::Error(error) if error.starts_with(code))
}

/// A test may not reach every branch of a script: its commands are looked up.
#[test]
fn every_command_of_our_scripts_is_among_the_rights() {
    let rights: BTreeSet<&str> = USERS
        .split_whitespace()
        .filter_map(|word| word.strip_prefix('+'))
        .collect();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/redis");
    let mut used = BTreeSet::new();
    for file in fs::read_dir(scripts).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "lua") {
            let text = fs::read_to_string(path).unwrap();
            let calls = text.split("call('").skip(1);
            used.extend(calls.map(|rest| rest.split('\'').next().unwrap().to_lowercase()));
        }
    }
    assert!(used.len() > 20, "{used:?}");
    let missing: Vec<_> = used
        .iter()
        .filter(|used| !rights.contains(used.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Runs a node that does not start; its code and its sentence.
fn refused(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let here = [
        "--listen",
        "127.0.0.1:0",
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let keys = ["--jwt-keys", "keys.json"];
    let ended = run(dir, &[&here[..], &keys, args].concat());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    (ended.status.code(), said)
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("keys.json"),
        run(dir.path(), &["keys", "new"]).stdout,
    )
    .unwrap();
    let redis = guarded(dir.path(), USERS);
    let cases = [
        (redis.url(), 78, "it does not let us in"),
        (url_as(&redis, "zeitnot:wrong"), 78, "it does not let us in"),
        (
            url_as(&redis, &format!(":{PASSWORD}")),
            78,
            "it does not let us in",
        ),
    ];
    for (url, code, expected) in cases {
        let (ended, said) = refused(dir.path(), &["--redis-url", &url]);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
    let lesser = tempfile::tempdir().unwrap();
    let redis = guarded(lesser.path(), &USERS.replace(" +script|load", ""));
    let url = url_as(&redis, &format!("zeitnot:{PASSWORD}"));
    let (ended, said) = refused(dir.path(), &["--redis-url", &url]);
    assert_eq!(ended, Some(76), "{said}");
    assert!(said.contains("deploy/redis-users.acl"), "{said}");
}

/// An authority, and a certificate for this machine that it vouches for.
struct Vouched {
    authority: PathBuf,
    shown: Certificate,
    _dir: TempDir,
}

fn openssl(dir: &Path, args: &str) {
    let mut openssl = Command::new("openssl");
    let made = openssl.args(args.split(' ')).current_dir(dir).output();
    let made = made.expect("openssl is installed");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

impl Vouched {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(
            dir.path(),
            &format!("req -x509 {curve} -subj /CN=authority -days 2 -keyout ca.key -out ca.pem"),
        );
        openssl(
            dir.path(),
            &format!("req {curve} -subj /CN=redis -keyout redis.key -out redis.csr"),
        );
        openssl(
            dir.path(),
            "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out redis.pem",
        );
        Self {
            authority: dir.path().join("ca.pem"),
            shown: Certificate {
                certificate: dir.path().join("redis.pem"),
                key: dir.path().join("redis.key"),
            },
            _dir: dir,
        }
    }
}

#[tokio::test]
async fn the_line_to_redis_is_encrypted_and_its_end_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, foreign) = (Vouched::make(), Vouched::make());
    let redis = RedisServer::start_with_tls(ours.shown.clone(), &[]).unwrap();
    let url = redis.url();
    assert!(url.starts_with("rediss://"), "{url}");
    let authority = ours.authority.to_str().unwrap();
    let args = ["--redis-url", &url, "--redis-ca", authority];
    let nodes = [(); 2].map(|()| node(dir.path(), &args).unwrap());
    let lived = timeout(4 * PATIENCE, live(&nodes)).await;
    lived.expect("all of it is done");

    let foreign = foreign.authority.to_str().unwrap();
    let plain = url.replace("rediss", "redis");
    fs::write(dir.path().join("empty.pem"), "").unwrap();
    let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(dir.path().join("torn.pem"), torn).unwrap();
    let key = ours.shown.key.to_str().unwrap();
    let distrusted = "its certificate is not vouched for";
    let cases = [
        (&*url, Some(foreign), 69, distrusted),
        (&url, None, 69, distrusted),
        (&plain, None, 69, "it does not answer"),
        (&plain, Some(authority), 78, "--redis-ca goes with"),
        (&url, Some("none.pem"), 78, "the certificates in none.pem"),
        (&url, Some("empty.pem"), 78, "there is none"),
        (&url, Some("torn.pem"), 78, "the certificates in torn.pem"),
        (&url, Some(key), 78, "there is none"),
    ];
    for (url, authority, code, expected) in cases {
        let mut args = vec!["--redis-url", url];
        args.extend(authority.iter().flat_map(|file| ["--redis-ca", file]));
        let (ended, said) = refused(dir.path(), &args);
        assert_eq!(ended, Some(code), "{args:?}: {said}");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

#[test]
fn a_redis_and_a_port_that_are_open_to_the_network_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("keys.json"),
        run(dir.path(), &["keys", "new"]).stdout,
    )
    .unwrap();
    let redis = RedisServer::start_on_port(&[]).unwrap();
    // The same server by an address that is not only this machine's.
    let open = redis.url().replace("127.0.0.1", "0.0.0.0");
    let check = |url: &str, internal: &str| {
        let args = [
            "check",
            "--jwt-keys",
            "keys.json",
            "--redis-url",
            url,
            "--listen",
            "127.0.0.1:0",
            "--internal-listen",
            internal,
        ];
        let output = run(dir.path(), &args);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let no_password = "warning  redis-url: Redis lets in whoever reaches it over the network";
    let in_the_clear = "warning  redis-url: the password and all games go to Redis in the clear";
    let public = "warning  internal-listen: it asks nobody who he is";
    let lines = check(&redis.url(), "127.0.0.1:0");
    for warning in [no_password, in_the_clear, public] {
        assert!(!lines.contains(warning), "{lines}");
    }
    let lines = check(&open, "0.0.0.0:0");
    assert!(
        lines.contains(no_password) && lines.contains(public),
        "{lines}"
    );
    let guarded = guarded(dir.path(), USERS);
    let known = url_as(&guarded, &format!("zeitnot:{PASSWORD}"));
    let lines = check(&known.replace("127.0.0.1", "0.0.0.0"), "127.0.0.1:0");
    assert!(
        lines.contains(in_the_clear) && !lines.contains(no_password),
        "{lines}"
    );
    assert!(!lines.contains(PASSWORD), "{lines}");
}
