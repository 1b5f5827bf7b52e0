//! The binary as an operator meets it: its first lines, its commands, its refusals, its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use zeitnot::auth::Auth;
use zeitnot::auth::keys::Keys;
use zeitnot::machine_time;

/// The binary in a directory, without whatever this machine's environment says.
fn zeitnot(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zeitnot"));
    command.args(args).current_dir(dir).env_clear();
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    zeitnot(dir, args).output().unwrap()
}

/// A running node that ends with its value.
struct Node {
    process: Child,
    address: String,
}

impl Node {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = zeitnot(
            dir,
            &[
                "--listen",
                "127.0.0.1:0",
                "--internal-listen",
                "127.0.0.1:0",
            ],
        );
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        let address = first
            .trim()
            .strip_prefix("listening on http://")
            .expect(&first)
            .to_owned();
        Self { process, address }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{request}\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it with SIGTERM; answers what it logged.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let mut log = String::new();
        self.process
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0), "{log}");
        log
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_node_says_where_it_listens_and_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &["--log", "json"]);
    assert!(node.ask("GET / HTTP/1.1").starts_with("HTTP/1.1 200"));
    let second = run(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(75));
    let refusal = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(refusal.contains("in use by another zeitnot"), "{refusal}");
    let log = node.stop();
    for line in log.lines() {
        assert!(
            line.starts_with('{') && line.contains("\"level\":\"INFO\""),
            "{line}"
        );
    }
}

#[test]
fn tokens_stay_out_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut token = run(dir.path(), &["token", "--user", "canary"]).stdout;
    token.pop();
    let token = String::from_utf8(token).unwrap();
    let mut node = zeitnot(
        dir.path(),
        &[
            "--listen",
            "127.0.0.1:0",
            "--internal-listen",
            "127.0.0.1:0",
        ],
    );
    node.env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = node.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first
        .trim()
        .strip_prefix("listening on http://")
        .unwrap()
        .to_owned();
    // Read while it runs: a full pipe would stop it.
    let mut stderr = process.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let node = Node { process, address };
    let good = format!("POST /api/auth/refresh HTTP/1.1\r\nAuthorization: Bearer {token}");
    assert!(node.ask(&good).starts_with("HTTP/1.1 200"));
    let bad =
        format!("POST /api/auth/refresh HTTP/1.1\r\nCookie: zeitnot={token}x\r\nOrigin: http://a");
    assert!(node.ask(&bad).starts_with("HTTP/1.1 401"));
    drop(node);
    let log = reader.join().unwrap();
    assert!(log.contains("ready"), "it logs: {log}");
    let signature = token.rsplit('.').next().unwrap();
    assert!(!log.contains(signature), "{log}");
}

#[test]
fn keys_and_tokens_can_be_made_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let keys = run(dir.path(), &["keys", "new"]).stdout;
    std::fs::write(dir.path().join("keys.json"), &keys).unwrap();
    let args = [
        "--jwt-keys",
        "keys.json",
        "token",
        "--user",
        "bot_1",
        "--name",
        "Bot One",
        "--ttl",
        "2h",
    ];
    let output = run(
        dir.path(),
        &[
            &args[..],
            &["--scope", "bot:play", "--scope", "challenge:read"],
        ]
        .concat(),
    );
    let token = String::from_utf8(output.stdout).unwrap();
    let auth = Auth::new(Keys::parse(&String::from_utf8(keys).unwrap()).unwrap());
    let verified = auth.verify(token.trim(), machine_time()).unwrap();
    assert_eq!(
        (verified.user.id.as_str(), &*verified.user.name),
        ("bot_1", "Bot One")
    );
    assert_eq!(verified.scope.as_str(), "bot:play challenge:read");
    let lives_ms = verified.expires_at.0 - machine_time().0;
    assert!((7_000_000..=7_200_000).contains(&lives_ms), "{lives_ms}");
    assert!(!dir.path().join("data").exists(), "nothing else was made");
}

#[test]
fn settings_that_cannot_be_used_are_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("weak.json"),
        r#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}"#,
    )
    .unwrap();
    std::fs::write(dir.path().join("odd.toml"), "listn = \"x\"\n").unwrap();
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["--redis-url", "redis://127.0.0.1:1"],
            78,
            "--jwt-keys must name a file",
        ),
        (
            &["--jwt-keys", "weak.json"],
            78,
            "key a: the secret is shorter than 32 bytes",
        ),
        (
            &["--jwt-keys", "none.json"],
            78,
            "the keys in none.json: No such file",
        ),
        (
            &["--config", "odd.toml"],
            78,
            "odd.toml: unknown key `listn`",
        ),
        (&["--max-sockets", "many"], 2, "invalid value 'many'"),
        (
            &["token", "--user", "anna", "--ttl", "999d"],
            2,
            "a year at most",
        ),
    ];
    for (args, code, expected) in cases {
        let output = run(dir.path(), args);
        let refusal = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {refusal}");
        assert!(refusal.contains(expected), "{args:?}: {refusal}");
        assert!(
            code == 2 || refusal.lines().count() == 1,
            "{args:?}: {refusal}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_variable_wins_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("zeitnot.toml"),
        "jwt-keys = \"from-file\"\n",
    )
    .unwrap();
    let refusal =
        |command: &mut Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    let by_file = refusal(&mut zeitnot(dir.path(), &[]));
    assert!(by_file.contains("from-file"), "{by_file}");
    let by_variable = refusal(zeitnot(dir.path(), &[]).env("ZEITNOT_JWT_KEYS", "from-variable"));
    assert!(by_variable.contains("from-variable"), "{by_variable}");
    let by_flag = refusal(
        zeitnot(dir.path(), &["--jwt-keys", "from-flag"]).env("ZEITNOT_JWT_KEYS", "from-variable"),
    );
    assert!(by_flag.contains("from-flag"), "{by_flag}");
}
