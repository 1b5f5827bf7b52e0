//! Some games of each run in a file, for a judge with rules that are not from here: `loadtest/replay.py`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::run::Done;

/// Games of each run.
const MAX_GAMES: usize = 100;

/// What a snapshot says that rules can judge.
const FIELDS: [&str; 7] = [
    "variant",
    "initial_fen",
    "moves",
    "fen",
    "status",
    "winner",
    "reason",
];

/// The file.
#[derive(Debug)]
pub(super) struct Sample(BufWriter<File>);

impl Sample {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("write {}", path.display()))?;
        Ok(Self(BufWriter::new(file)))
    }

    /// The games as some node shows them in the end, a line of JSON each.
    pub(super) fn add(&mut self, done: &Done) -> anyhow::Result<()> {
        let finals = done.evidence.finals.iter();
        let shown = finals.filter_map(|(game, last)| Some((game, last.snapshots.first()?)));
        for (game, (node, snapshot)) in shown.take(MAX_GAMES) {
            let mut line = json!({
                "store": done.store.name(), "seed": done.seed, "game": game, "node": node,
            });
            for field in FIELDS {
                line[field] = snapshot[field].clone();
            }
            writeln!(self.0, "{line}")?;
        }
        Ok(self.0.flush()?)
    }
}
