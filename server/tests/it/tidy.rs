//! The house rules that a machine can check. It reads text; it understands nothing.

mod promises;
mod supply;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of the server a module may name after `use crate::`. `main`, `lib` and `node` put the parts together
/// and may name all; a folder belongs to the file of its name; every module may name itself, [`EVERYWHERE`] and no
/// other.
const ARROWS: [(&str, &[&str]); 33] = [
    ("address", &["App", "config"]),
    (
        "auth",
        &["App", "address", "config", "error", "quota", "text"],
    ),
    ("breakage", &[]),
    ("challenge", &["start", "store"]),
    ("chat", &["store", "text"]),
    ("check", &["auth", "config", "exit", "node", "store"]),
    ("config", &[]),
    ("deadlines", &["room", "store"]),
    ("error", &["auth", "play", "quota", "store"]),
    ("exit", &["auth", "config", "node", "store"]),
    ("fanout", &["outbox"]),
    ("followers", &["fanout", "outbox"]),
    ("fuzz", &["auth", "config", "http", "outbox", "ws"]),
    (
        "http",
        &[
            "App",
            "address",
            "auth",
            "challenge",
            "config",
            "error",
            "monitor",
            "outbox",
            "play",
            "quota",
            "replica",
            "room",
            "shutdown",
            "sockets",
            "start",
        ],
    ),
    ("health", &[]),
    ("limits", &[]),
    ("lobby", &["outbox", "store"]),
    ("metrics", &[]),
    ("monitor", &["health", "shutdown", "store"]),
    ("outbox", &[]),
    ("play", &["chat", "quota", "replica", "start", "store"]),
    ("quota", &["address", "config", "store"]),
    ("reload", &["auth", "config"]),
    (
        "replica",
        &["chat", "fanout", "followers", "outbox", "store"],
    ),
    (
        "room",
        &["chat", "fanout", "outbox", "play", "replica", "store"],
    ),
    ("seek", &["challenge", "start", "store"]),
    ("serve", &["address", "config"]),
    ("shutdown", &[]),
    (
        "sockets",
        &["App", "address", "auth", "config", "error", "start"],
    ),
    ("start", &["store"]),
    ("store", &["health"]),
    ("text", &[]),
    (
        "ws",
        &[
            "App",
            "auth",
            "challenge",
            "chat",
            "error",
            "health",
            "lobby",
            "outbox",
            "play",
            "quota",
            "replica",
            "room",
            "seek",
            "shutdown",
            "sockets",
            "start",
        ],
    ),
];

/// What any module may name.
const EVERYWHERE: [&str; 3] = ["limits", "metrics", "telemetry"];

/// Modules that may name all others.
const ASSEMBLY: [&str; 4] = ["main", "lib", "node", "telemetry"];

/// Words of a library, and the only files that may say them.
const SECLUDED: [(&str, &str); 3] = [
    ("shakmaty::", "server/game/src/rules.rs"),
    ("fred::", "server/src/store/redis"),
    ("sqlx::", "server/src/store/embedded"),
];

/// What only one file may do, and which.
const RESERVED: [(&str, &str); 3] = [
    (".decide(", "server/src/play.rs"),
    (".expired(", "server/src/play.rs"),
    ("store.append(", "server/src/play/log.rs"),
];

/// Words that make HTML of text: what people write is only ever shown as text.
const MAKES_HTML: [&str; 6] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "dangerouslySetInnerHTML",
    "DOMParser",
    "document.write",
];

/// What the pure crate may be made of.
const GAME_MAY_USE: [&str; 4] = ["serde", "shakmaty", "thiserror", "ts-rs"];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 4] = ["util", "helpers", "common", "types"];

/// Lines of a file.
const MAX_LINES: usize = 600;

/// Places on somebody's machine. In pieces, so that this file is not one of those that it looks for.
const MACHINE_PATHS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

/// Folders with things that are made, not written.
const MADE: [&str; 7] = [
    "target",
    "node_modules",
    "dist",
    "data",
    "gen",
    ".git",
    "test-results",
];

struct Source {
    /// From the repository's root, e.g. `server/src/lib.rs`.
    path: String,
    text: String,
}

impl Source {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|e| extensions.iter().any(|other| *other == e))
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every text file of the repository.
fn sources() -> Vec<Source> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || MADE.contains(&&*name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                found.push(Source { path, text });
            }
        }
    }
    assert!(found.len() > 50, "the repository is here");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Fails with all complaints at once.
fn check(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The first words after `use crate::` in a text, those in braces one by one.
fn imported(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for part in text.split("use crate::").skip(1) {
        let path = part.split(';').next().unwrap_or_default();
        let names: Vec<&str> = match path.strip_prefix('{') {
            Some(list) => outer_names(list),
            None => vec![path],
        };
        let first = |name: &str| name.trim().split([':', ' ', '}']).next().map(str::to_owned);
        words.extend(
            names
                .into_iter()
                .filter_map(first)
                .filter(|word| !word.is_empty()),
        );
    }
    words
}

/// The parts of a list between commas that stand in no inner braces.
fn outer_names(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0_u32, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                names.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names.push(&list[start..]);
    names
}

#[test]
fn modules_import_only_what_they_may() {
    check(sources().iter().filter_map(|source| {
        let path = source.path.strip_prefix("server/src/")?;
        let module = path.split(['/', '.']).next()?;
        if ASSEMBLY.contains(&module) {
            return None;
        }
        let Some((_, may)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            return Some(format!(
                "{}: say in this test what `{module}` may import",
                source.path
            ));
        };
        let is_allowed =
            |name: &str| name == module || may.contains(&name) || EVERYWHERE.contains(&name);
        let beyond: Vec<String> = imported(&source.text)
            .into_iter()
            .filter(|name| !is_allowed(name))
            .collect();
        let complaint = || {
            format!(
                "{}: imports {} against the arrows",
                source.path,
                beyond.join(", ")
            )
        };
        (!beyond.is_empty()).then(complaint)
    }));
}

#[test]
fn each_library_is_known_to_its_own_files_only() {
    let sources = sources();
    let rust = || {
        sources
            .iter()
            .filter(|source| source.has_extension(&["rs"]))
    };
    check(SECLUDED.iter().flat_map(|(word, home)| {
        let is_stranger = move |source: &&Source| {
            !source.path.starts_with(home)
                && !source.is_test()
                && source.path.starts_with("server/")
                && source.text.contains(word)
        };
        rust()
            .filter(is_stranger)
            .map(move |source| format!("{}: says {word}", source.path))
    }));
}

#[test]
fn only_play_decides_and_appends() {
    let sources = sources();
    let server = || {
        sources.iter().filter(|source| {
            // The stores carry appends out, and what is fuzzed serves nobody.
            source.path.starts_with("server/src/")
                && !source.path.starts_with("server/src/store")
                && !source.path.starts_with("server/src/fuzz")
                && !source.is_test()
        })
    };
    check(RESERVED.iter().flat_map(|(word, home)| {
        let [at_home, elsewhere]: [Vec<&Source>; 2] = [true, false].map(|is_home| {
            let says = |source: &&Source| source.text.contains(word);
            let is_there = |source: &&Source| (source.path == *home) == is_home;
            server().filter(is_there).filter(says).collect()
        });
        assert!(!at_home.is_empty(), "{home} says {word}");
        elsewhere
            .into_iter()
            .map(move |source| format!("{}: says {word}", source.path))
    }));
}

#[test]
fn no_page_makes_html_of_text() {
    let sources = sources();
    let pages = sources
        .iter()
        .filter(|source| source.has_extension(&["ts", "tsx", "html"]) && !source.is_test());
    check(pages.flat_map(|source| {
        let said = MAKES_HTML
            .into_iter()
            .filter(|word| source.text.contains(word));
        said.map(|word| format!("{}: says {word}", source.path))
    }));
}

#[test]
fn the_game_has_no_runtime_and_the_load_test_no_server() {
    let manifest =
        |folder: &str| fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let dependencies = |text: &str| -> Vec<String> {
        let after = text
            .split("\n[dependencies]\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let section = after.split("\n[").next().unwrap_or_default();
        let name = |line: &str| {
            line.split(['.', ' ', '='])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        section
            .lines()
            .map(name)
            .filter(|name| !name.is_empty() && !name.starts_with('#'))
            .collect()
    };
    let game = dependencies(&manifest("server/game"));
    let beyond = game
        .into_iter()
        .filter(|name| !GAME_MAY_USE.contains(&&**name));
    check(beyond.map(|name| format!("server/game/Cargo.toml: {name} is not for a pure crate")));
    let load = dependencies(&manifest("loadtest"))
        .into_iter()
        .filter(|name| name == "zeitnot");
    check(load.map(|_| "loadtest/Cargo.toml: it must know the protocol only".to_owned()));
}

#[test]
fn files_are_short_and_have_names_and_heads() {
    let sources = sources();
    let written = sources
        .iter()
        .filter(|source| source.has_extension(&["rs", "ts", "tsx", "lua", "css", "mjs", "sh"]));
    check(written.flat_map(|source| {
        let stem = Path::new(&source.path)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let lines = source.text.lines().count();
        let complaints = [
            (lines > MAX_LINES).then(|| format!("{} lines: what is the second noun?", lines)),
            EMPTY_NAMES
                .contains(&&*stem)
                .then(|| "name the thing".to_owned()),
            (stem == "mod").then(|| "foo.rs beside foo/, not foo/mod.rs".to_owned()),
            (source.has_extension(&["rs"]) && !source.text.starts_with("//!"))
                .then(|| "say first what it is: `//! …`".to_owned()),
        ];
        let path = source.path.clone();
        complaints
            .into_iter()
            .flatten()
            .map(move |complaint| format!("{path}: {complaint}"))
    }));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    check(sources().iter().flat_map(|source| {
        let text = source.text.to_lowercase();
        let found = MACHINE_PATHS
            .into_iter()
            .filter(move |word| text.contains(word));
        let path = source.path.clone();
        found.map(move |word| format!("{path}: says {word}"))
    }));
}

#[test]
fn the_map_names_every_source_file() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let sources = sources();
    let code = sources
        .iter()
        .filter(|source| source.has_extension(&["rs"]) && !source.is_test());
    check(code.filter_map(|source| {
        let (_, path) = source.path.split_once("/src/")?;
        let complaint = || format!("ARCHITECTURE.md: does not name {} as `{path}`", source.path);
        (!map.contains(path)).then(complaint)
    }));
}

#[test]
fn imports_are_read_with_and_without_braces() {
    let text = "use crate::store::{Store, self};\nuse crate::{App, auth::{a, b}, limits};\nuse crate::error::X as Y;";
    let words: Vec<String> = imported(text).into_iter().collect();
    assert_eq!(words, ["App", "auth", "error", "limits", "store"]);
}
