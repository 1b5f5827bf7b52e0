//! What is done with hostile bytes: one function for each kind of text that a node reads, and what must be so afterwards.
//! The fuzzers in `server/fuzz` call them, and a test does it with all that these have kept. In no build that serves anybody.

mod game;
mod token;

use zeitnot_game::setup::Terms;

use crate::auth::display_name;
use crate::config::Config;
use crate::http::{Params, challenge};
use crate::limits::MAX_DISPLAY_NAME;
use crate::ws;

pub use game::{fen, log, pgn, san};
pub use token::token;

/// One of them.
pub type Target = fn(&[u8]);

/// All of them, by the names of their fuzzers and of their folders of bytes.
pub const TARGETS: [(&str, Target); 7] = [
    ("body", body),
    ("fen", fen),
    ("frame", frame),
    ("log", log),
    ("pgn", pgn),
    ("san", san),
    ("token", token),
];

/// A text frame of a client, and what its command does to a game.
pub fn frame(data: &[u8]) {
    // A socket lets no other text through.
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Some((command, seen)) = ws::read_frame(text, game::write) {
        game::ask(command, seen);
    }
}

/// A request: a line with the content type, one with the query, and the body, which may be a form or JSON.
pub fn body(data: &[u8]) {
    let mut parts = data.splitn(3, |&byte| byte == b'\n');
    let mut line = || str::from_utf8(parts.next()?).ok();
    let (Some(content_type), Some(query)) = (line(), line()) else {
        return;
    };
    let body = parts.next().unwrap_or_default();
    let Ok(params) = Params::read(query, content_type, body) else {
        return;
    };
    if let Ok(terms) = challenge::terms(&params, &Config::default()) {
        let text = terms.to_string();
        let again: Terms = text.parse().expect("terms can be read again");
        assert_eq!(again.to_string(), text);
    }
    if let Ok(Some(name)) = params.text("name") {
        let shown = display_name(name);
        assert!(shown.chars().count() <= MAX_DISPLAY_NAME);
        assert_eq!(display_name(&shown), shown, "it is plain already");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files(folder: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz")
            .join(folder);
        let entries = fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_fuzzers_have_kept_does_no_harm() {
        let mut broken = Vec::new();
        for (name, target) in TARGETS {
            let kept = files(&format!("corpus/{name}"));
            assert!(!kept.is_empty(), "{name} begins with something");
            for file in kept {
                let data = fs::read(&file).unwrap();
                if catch_unwind(|| target(&data)).is_err() {
                    broken.push(file);
                }
            }
        }
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn each_function_has_its_fuzzer() {
        let stem = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
        let fuzzers: BTreeSet<String> = files("fuzz_targets").into_iter().map(stem).collect();
        assert_eq!(
            fuzzers,
            TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect()
        );
    }
}
