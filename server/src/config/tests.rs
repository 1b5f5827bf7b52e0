//! What stands where a flag, a variable and a line of the file disagree, and which words a mistake gets.

use super::*;

fn read(file: &str, flags: &[&str]) -> Result<Cli, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, file).expect("a file in it");
    let mut args: Vec<OsString> = vec!["zeitnot".into()];
    args.extend(flags.iter().map(OsString::from));
    args.push("--config".into());
    args.push(path.into());
    Cli::read(args)
}

fn refusal(file: &str, flags: &[&str]) -> String {
    read(file, flags).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_those_of_the_flags() {
    let config = read("", &[]).unwrap().config;
    let expected = Config {
        config: config.config.clone(),
        ..Config::default()
    };
    assert_eq!(format!("{config:?}"), format!("{expected:?}"));
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let file = "first-move = \"2s\"\nmax-sockets = 7\n";
    let config = read(file, &["--first-move", "500ms"]).unwrap().config;
    assert_eq!(config.first_move, Millis(500));
    assert_eq!(config.max_sockets, 7);
    assert_eq!(config.claim_after, DEFAULT_CLAIM_AFTER);
}

#[test]
fn the_last_word_on_the_command_line_counts() {
    let flags = ["--rate-limits", "off", "--rate-limits", "on"];
    let config = read("", &flags).unwrap().config;
    assert_eq!(config.rate_limits, Switch::On);
    let lists = ["--trusted-proxy", "10.0.0.1", "--trusted-proxy", "::1,::2"];
    let config = read("rate-limits = false", &lists).unwrap().config;
    assert_eq!(config.rate_limits, Switch::Off);
    assert_eq!(config.trusted_proxy.len(), 3, "all of a list");
}

#[test]
fn a_list_in_the_file_gives_way_as_a_whole() {
    let file = "allowed-origin = [\"https://a.example\", \"https://b.example:8443\"]";
    let origins = |flags: &[&str]| -> Vec<String> {
        let config = read(file, flags).unwrap().config;
        config
            .allowed_origin
            .iter()
            .map(Origin::to_string)
            .collect()
    };
    assert_eq!(
        origins(&[]),
        ["https://a.example", "https://b.example:8443"]
    );
    assert_eq!(
        origins(&["--allowed-origin", "http://c.example:80"]),
        ["http://c.example"]
    );
}

#[test]
fn settings_stand_before_and_after_the_command() {
    let cli = read(
        "max-sockets = 7",
        &["--data-dir", "x", "token", "--user", "anna", "--ttl", "2h"],
    )
    .unwrap();
    assert_eq!(cli.config.data_dir, PathBuf::from("x"));
    assert_eq!(cli.config.max_sockets, 7);
    let Some(Command::Token(token)) = cli.command else {
        panic!("the command is token");
    };
    assert_eq!(
        (token.user.as_str(), token.ttl),
        ("anna", Duration::from_secs(7200))
    );
    let cli = read("", &["keys", "new", "--data-dir", "y"]).unwrap();
    assert_eq!(cli.config.data_dir, PathBuf::from("y"));
}

#[test]
fn mistakes_are_named() {
    let cases: [(&str, &[&str], &str); 9] = [
        ("first_move = \"2s\"", &[], "unknown key `first_move`"),
        ("config = \"x\"", &[], "unknown key `config`"),
        (
            "first-move = \"2x\"",
            &[],
            "`first-move` cannot be \"2x\": a time is a whole number",
        ),
        (
            "max-sockets = \"many\"",
            &[],
            "`max-sockets` cannot be \"many\": invalid digit",
        ),
        (
            "listen = { port = 1 }",
            &[],
            "`listen` takes a text, a number or a list",
        ),
        ("listen", &[], "TOML parse error"),
        (
            "",
            &["--drain-window", "99999999999999999999d"],
            "begins with a whole number",
        ),
        ("", &["--trusted-proxy", "10.0.0.0/33"], "a network is"),
        (
            "",
            &["--allowed-origin", "https://a.example/path"],
            "an origin is",
        ),
    ];
    for (file, flags, expected) in cases {
        let refusal = refusal(file, flags);
        assert!(refusal.contains(expected), "{file} {flags:?}: {refusal}");
    }
}

#[test]
fn spans_have_units() {
    let cases = [
        ("500ms", Some(500)),
        ("10s", Some(10_000)),
        ("5m", Some(300_000)),
        ("24h", Some(86_400_000)),
        ("30d", Some(2_592_000_000)),
        ("0s", Some(0)),
        ("10", None),
        ("s", None),
        ("1.5s", None),
        ("-1s", None),
        ("+1s", None),
        ("1 s", None),
        ("4000d", None),
    ];
    for (text, expected) in cases {
        assert_eq!(
            value::millis(text).ok().map(|millis| millis.0),
            expected,
            "{text}"
        );
    }
}

#[test]
fn networks_hold_their_addresses() {
    let cases = [
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "::ffff:127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("0.0.0.0/0", "9.9.9.9", true),
        ("::1", "::1", true),
        ("fd00::/8", "fd12::1", true),
        ("fd00::/8", "10.0.0.1", false),
    ];
    for (network, address, expected) in cases {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            expected,
            "{network:?} {address}"
        );
    }
}
