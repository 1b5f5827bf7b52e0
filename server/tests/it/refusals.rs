//! What keeps a node from starting, each in a sentence and with a code of its own, and `zeitnot check`, which says the same
//! beforehand.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use zeitnot_loadtest::deployment::{Deployment, RedisServer};

use crate::support::binary;

/// Runs the binary in a directory, without whatever this machine's environment says.
fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args).current_dir(dir).env_clear();
    command.env("RUST_LOG", "off").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A directory with keys, and with files that are none.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    write("keys.json", &run(dir.path(), &["keys", "new"]).stdout);
    write(
        "weak.json",
        br#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#,
    );
    write("odd.toml", b"listn = \"x\"\n");
    std::fs::create_dir(dir.path().join("ruined")).unwrap();
    write("ruined/zeitnot.db", &[b'x'; 5000]);
    dir
}

/// A real Redis that says that it is of version 6.
fn old_redis(redis: &RedisServer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let socket: PathBuf = redis.socket();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
            relay_as_old(client, server);
        }
    });
    url
}

fn relay_as_old(mut client: TcpStream, mut server: UnixStream) {
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    // They end when their streams do.
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    thread::spawn(move || {
        const BEFORE: &[u8] = b"redis_version:";
        let (mut buffer, mut seen) = ([0; 4096], 0);
        while let Ok(count @ 1..) = server.read(&mut buffer) {
            for byte in &mut buffer[..count] {
                if seen == BEFORE.len() {
                    (*byte, seen) = (b'6', 0);
                } else {
                    seen = if *byte == BEFORE[seen] { seen + 1 } else { 0 };
                }
            }
            if client.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
    });
}

/// Flags, the code, and a part of the sentence. What is in capitals is put in by the test.
const REFUSALS: [(&str, i32, &str); 16] = [
    ("--max-sockets many", 2, "invalid value 'many'"),
    ("--listn x", 2, "unexpected argument '--listn'"),
    (
        "--redis-url redis://127.0.0.1:1 --jwt-keys keys.json",
        69,
        "it does not answer",
    ),
    ("--listen TAKEN", 71, "cannot listen on 127.0.0.1"),
    ("--internal-listen TAKEN", 71, "Address already in use"),
    (
        "--data-dir odd.toml --jwt-keys keys.json",
        73,
        "the data directory odd.toml cannot be used",
    ),
    ("--data-dir ruined --jwt-keys keys.json", 73, RUINED),
    (
        "--redis-url EVICTING --jwt-keys keys.json",
        76,
        "set its maxmemory-policy to noeviction",
    ),
    (
        "--redis-url OLD --jwt-keys keys.json",
        76,
        "is too old: 7.0 is needed",
    ),
    ("--redis-url GOOD", 78, "--jwt-keys must name a file"),
    (
        "--redis-wait-replicas 1",
        78,
        "--redis-wait-replicas needs --redis-url",
    ),
    (
        "--jwt-keys none.json",
        78,
        "the keys in none.json: No such file",
    ),
    (
        "--jwt-keys weak.json",
        78,
        "key a: the secret is shorter than 32 bytes",
    ),
    ("--config odd.toml", 78, "odd.toml: unknown key `listn`"),
    (
        "--jwt-issuer x",
        78,
        "--jwt-issuer-keys, --jwt-issuer and --jwt-audience go together",
    ),
    (
        "--jwt-issuer x --jwt-audience y --jwt-issuer-keys keys.json",
        78,
        "an issuer's keys are public",
    ),
];

/// Found when it is opened, which a check does not do.
const RUINED: &str = "the database cannot be opened";

#[test]
fn what_keeps_a_node_from_starting_is_said_in_a_sentence_with_its_code() {
    let dir = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let redis = RedisServer::start().unwrap();
    let evicting = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru"]).unwrap();
    let known = [
        ("TAKEN", taken.local_addr().unwrap().to_string()),
        ("GOOD", redis.url()),
        ("EVICTING", evicting.url()),
        ("OLD", old_redis(&redis)),
    ];
    for (flags, code, expected) in REFUSALS {
        let mut flags = flags.to_owned();
        for flag in ["--listen", "--internal-listen"] {
            if !flags.contains(flag) {
                flags = format!("{flags} {flag} 127.0.0.1:0");
            }
        }
        for (word, text) in &known {
            flags = flags.replace(word, text);
        }
        let args: Vec<&str> = flags.split(' ').collect();
        let started = run(dir.path(), &args);
        let said = text(&started.stderr);
        assert_eq!(started.status.code(), Some(code), "{flags}: {said}");
        assert!(said.contains(expected), "{flags}: {said}");
        assert!(code == 2 || said.lines().count() == 1, "{flags}: {said}");
        assert!(started.stdout.is_empty());

        let checked = run(dir.path(), &[&["check"], &args[..]].concat());
        let (lines, refusal) = (text(&checked.stdout), text(&checked.stderr));
        if expected == RUINED {
            assert_eq!(checked.status.code(), Some(0), "{lines}{refusal}");
            continue;
        }
        assert_eq!(
            checked.status.code(),
            Some(code),
            "{flags}: {lines}{refusal}"
        );
        let failed = lines.lines().find(|line| line.starts_with("failed"));
        let failed = failed.unwrap_or(&refusal);
        assert!(failed.contains(expected), "{flags}: {failed}");
    }
}

#[test]
fn a_check_says_a_line_for_each_thing_and_changes_nothing() {
    let dir = folder();
    let (listen, internal) = (
        ["--listen", "127.0.0.1:0"],
        ["--internal-listen", "127.0.0.1:0"],
    );
    let check = |args: &[&str]| {
        let output = run(
            dir.path(),
            &[&["check"], &listen[..], &internal[..], args].concat(),
        );
        (output.status.code(), text(&output.stdout))
    };
    let (code, lines) = check(&[]);
    let expected = "ok       settings: they can be read\n\
        ok       keys: a node makes its own when it first starts\n\
        ok       internal-listen: 127.0.0.1:0 is free\n\
        ok       data-dir: ./data is made when a node first starts\n\
        ok       listen: 127.0.0.1:0 is free\n";
    assert_eq!((code, &*lines), (Some(0), expected));
    assert!(!dir.path().join("data").exists());

    let redis = RedisServer::start().unwrap();
    let over = ["--redis-url", &redis.url(), "--jwt-keys", "keys.json"];
    let (code, lines) = check(&over);
    assert_eq!(code, Some(0), "{lines}");
    assert!(
        lines.contains("ok       redis-url: Redis answers and is fit to keep games\n"),
        "{lines}"
    );
    let lone = "warning  redis-url: Redis has neither an append-only file nor replicas";
    assert!(lines.contains(lone), "{lines}");
    redis.command("CONFIG SET appendonly yes").unwrap();
    let keys = dir.path().join("keys.json");
    std::fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    let (code, lines) = check(&over);
    assert_eq!(code, Some(0), "{lines}");
    assert!(!lines.contains(lone), "{lines}");
    assert!(
        lines.contains("warning  keys: others may read keys.json: chmod 600 it"),
        "{lines}"
    );
}

#[test]
fn a_directory_that_is_in_use_is_left_alone() {
    let dir = folder();
    let data = dir.path().join("kept");
    let settings = zeitnot_loadtest::deployment::Settings::new(binary()).data_in(&data);
    let _node: Deployment = settings.start().unwrap();
    // The address is in use, too: what comes first says so first.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let args = [
        "--listen",
        &listen,
        "--internal-listen",
        "127.0.0.1:0",
        "--data-dir",
        "kept/data",
    ];
    for command in ["serve", "check"] {
        let output = run(dir.path(), &[&[command], &args[..]].concat());
        let said = text(&[output.stdout, output.stderr].concat());
        assert_eq!(output.status.code(), Some(75), "{command}: {said}");
        assert!(
            said.contains("is in use by another zeitnot"),
            "{command}: {said}"
        );
    }
}

/// The table of codes in the operators' manual names those that there are.
#[test]
fn the_manual_has_every_code() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../OPERATING.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let codes: Vec<u8> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(codes, [0, 1, 2, 69, 71, 73, 75, 76, 78]);
}
