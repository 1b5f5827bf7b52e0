//! What is said of a run: its figures, whether it proves anything, and what was broken.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::report::say;

use super::check::Violation;
use super::run::Done;
use super::story;

/// One acknowledged command of each place at a table in this time, at the least, all faults included: a run with fewer
/// proves too little. Usual is one in less than a second.
const MAX_PACE: Duration = Duration::from_secs(6);

/// Violations of one promise that are listed.
const MAX_LISTED: usize = 4;

/// Characters of each.
const WIDTH: usize = 200;

impl Done {
    /// Prints the figures and what is wrong; the answer is why this run is not green.
    pub(super) fn judge(&self, games: u16) -> anyhow::Result<Option<String>> {
        let (store, seed) = (self.store.name(), self.seed);
        say(&format!(
            "\n{store}, seed {seed}, {} games\n{}\n",
            self.evidence.finals.len(),
            self.figures.text()
        ))?;
        say(&listed(&self.violations))?;
        if let Some(violation) = story::shortest(&self.violations, &self.evidence) {
            say(&format!("\n{}\n", story::tell(violation, &self.evidence)))?;
            return Ok(Some(format!("{} violations", self.violations.len())));
        }
        let weak = self.weakness(games);
        say(&match &weak {
            Some(why) => format!("it proves too little: {why}\n"),
            None => "every promise was kept\n".to_owned(),
        })?;
        Ok(weak)
    }

    /// Why it proves too little.
    fn weakness(&self, games: u16) -> Option<String> {
        let least = least(games, self.hurt_for);
        let acknowledged = self.figures.acknowledged;
        if acknowledged < least {
            let why = "commands were acknowledged";
            return Some(format!("only {acknowledged} {why}: {least} are the least"));
        }
        for kind in &self.kinds {
            if !self.figures.kinds.contains_key(kind) {
                return Some(format!("{} did not happen", kind.name()));
            }
        }
        let faults = &self.evidence.records.faults;
        let idle = faults.iter().find(|fault| fault.in_flight == 0)?;
        let name = idle.kind.name();
        Some(format!("no command was under way when {name} began"))
    }

    /// One line of the summary.
    pub(super) fn line(&self, why: Option<&str>) -> String {
        let faults = self.evidence.records.faults.len();
        format!(
            "  {:<12}{:>6}{:>8}{:>8}{:>14}{:>9} ms  {}\n",
            self.store.name(),
            self.seed,
            self.evidence.finals.len(),
            faults,
            self.figures.acknowledged,
            self.figures.slow_ok_ms(),
            why.unwrap_or("kept")
        )
    }
}

/// The head of the summary.
pub(super) fn head() -> String {
    format!(
        "\n  {:<12}{:>6}{:>8}{:>8}{:>14}{:>12}\n",
        "store", "seed", "games", "faults", "acknowledged", "ok p99"
    )
}

fn least(games: u16, time: Duration) -> usize {
    usize::from(games) * usize::try_from(time.as_secs() / MAX_PACE.as_secs()).unwrap_or(0)
}

fn listed(violations: &[Violation]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut text = String::new();
    for violation in violations {
        let Violation {
            invariant,
            game,
            version,
            why,
            ..
        } = violation;
        let count = counts.entry(invariant).or_default();
        *count += 1;
        if *count <= MAX_LISTED {
            let why: String = why.chars().take(WIDTH).collect();
            let _ = writeln!(text, "{invariant} {game} {version}: {why}");
        }
    }
    text
}
