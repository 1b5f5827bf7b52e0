//! The promises, judged from what was seen and from the logs in the end. Pure: it asks nobody.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::commands;
use super::fold::{After, Folded, fold, name};
use super::forgive::Loss;
use super::history::{Moment, Records, Told};
use super::refusals;
use super::times;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// `I1` and so on.
    pub(super) invariant: &'static str,
    pub(super) game: Arc<str>,
    pub(super) version: u32,
    pub(super) why: String,
    /// When it was seen, if somebody saw it.
    pub(super) at: Option<Moment>,
}

/// A game as the store and the nodes have it in the end.
#[derive(Debug, Default)]
pub(super) struct Final {
    /// The raw log.
    pub(super) lines: Vec<String>,
    /// By node.
    pub(super) snapshots: Vec<(String, Value)>,
}

/// All there is to judge.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) records: Records,
    pub(super) finals: BTreeMap<Arc<str>, Final>,
}

/// A game with all that was seen of it.
pub(super) struct Case<'a> {
    pub(super) game: Arc<str>,
    pub(super) folded: Folded,
    pub(super) tries: Vec<&'a super::history::Try>,
    pub(super) told: Vec<&'a Told>,
    pub(super) records: &'a Records,
    pub(super) loss: Loss,
}

impl Case<'_> {
    pub(super) fn violation(
        &self,
        invariant: &'static str,
        (version, at): (u32, Option<Moment>),
        why: String,
    ) -> Violation {
        Violation {
            invariant,
            game: Arc::clone(&self.game),
            version,
            why,
            at,
        }
    }
}

/// Everything that is wrong.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut tries: HashMap<&str, Vec<_>> = HashMap::new();
    for tried in &evidence.records.tries {
        tries.entry(&tried.game).or_default().push(tried);
    }
    let mut told: HashMap<&str, Vec<_>> = HashMap::new();
    for frame in &evidence.records.told {
        told.entry(&frame.game).or_default().push(frame);
    }
    let loss = Loss::of(&evidence.records);
    let mut violations = Vec::new();
    for (game, last) in &evidence.finals {
        let folded = fold(&last.lines);
        let told = told.remove(&**game).unwrap_or_default();
        let told = loss.told(&folded, told);
        let tries = loss.tries(tries.remove(&**game).unwrap_or_default());
        let case = Case {
            game: Arc::clone(game),
            folded,
            told,
            tries: tries.iter().collect(),
            records: &evidence.records,
            loss,
        };
        for (invariant, version, why) in &case.folded.wrong {
            violations.push(case.violation(invariant, (*version, None), why.clone()));
        }
        frames(&case, &mut violations);
        sequences(&case, &mut violations);
        commands::check(&case, &mut violations);
        refusals::check(&case, &mut violations);
        times::check(&case, &mut violations);
        for (node, snapshot) in &last.snapshots {
            if let Err((invariant, why)) = compare(&case.folded, snapshot) {
                let why = format!("{node} shows in the end: {why}");
                violations.push(case.violation(invariant, (case.folded.head(), None), why));
            }
        }
    }
    for (game, frames) in told {
        let shown = frames.iter().filter(|told| told.frame["t"] == "game");
        let lost = shown.clone().next().is_some();
        let is_forgiven = shown.clone().all(|told| loss.is_at(told.at));
        if lost && !is_forgiven && !evidence.finals.contains_key(game) {
            violations.push(Violation {
                invariant: "I1",
                game: game.into(),
                version: 1,
                why: "the store has no such game, and it was shown".to_owned(),
                at: None,
            });
        }
    }
    violations
}

/// I2, I5, I9: each frame is what the log has at its version.
fn frames(case: &Case<'_>, violations: &mut Vec<Violation>) {
    for told in &case.told {
        if let Err((invariant, why)) = compare(&case.folded, &told.frame) {
            let why = format!("{} was told {why}", told.who);
            let at = (version(&told.frame), Some(told.at));
            violations.push(case.violation(invariant, at, why));
        }
    }
}

fn version(frame: &Value) -> u32 {
    let version = frame["v"].as_u64().and_then(|v| u32::try_from(v).ok());
    version.unwrap_or(0)
}

pub(super) fn compare(folded: &Folded, frame: &Value) -> Result<(), (&'static str, String)> {
    let v = version(frame);
    let Some(after) = folded.at(v) else {
        let why = format!(
            "version {v}, and the log ends at {}: {frame}",
            folded.head()
        );
        return Err(("I1", why));
    };
    let is_snapshot = frame["t"] == "game" || frame.get("initial_fen").is_some();
    let is_same = if is_snapshot {
        frame["moves"] == after.moves.join(" ")
            && frame["status"] == *after.status
            && frame["winner"].as_str() == after.winner.map(name)
    } else {
        words(frame) == after.says
    };
    if !is_same {
        return Err(("I2", format!("{frame}, and the log has `{}`", after.says)));
    }
    if frame.get("fen").is_some_and(|fen| *fen != after.fen) {
        return Err(("I5", format!("{frame}, and the position is {}", after.fen)));
    }
    clocks(after, frame)
}

fn clocks(after: &After, frame: &Value) -> Result<(), (&'static str, String)> {
    let clock = &frame["clock"];
    let (Some(white), Some(black)) = (clock["white"].as_u64(), clock["black"].as_u64()) else {
        return Ok(());
    };
    // A frame without a moment shows the clocks as of its entry.
    let now = frame["now"].as_u64().unwrap_or(after.at);
    let expected = after.shown_at(now);
    if [white, black] != expected {
        return Err(("I9", format!("{frame}, and the clocks are {expected:?}")));
    }
    if frame["at"].as_u64().is_some_and(|at| at != after.at) {
        return Err(("I9", format!("{frame}, and the stamp is {}", after.at)));
    }
    Ok(())
}

/// What a frame says, in the words of [`After::says`].
fn words(frame: &Value) -> String {
    let text = |name: &str| frame[name].as_str().unwrap_or("");
    let ply = frame["ply"].as_u64().unwrap_or(0);
    match text("t") {
        "move" => format!("move {ply} {}", text("uci")),
        "takeback" if text("do") == "accept" => format!("takeback {} accept {ply}", text("by")),
        "rematch" if text("do") == "accept" => {
            format!("rematch {} accept {}", text("by"), text("next"))
        }
        "time" => format!("time {} {}", text("to"), frame["ms"]),
        "end" => format!("end {} {}", text("status"), text("winner")),
        t => format!("{t} {} {}", text("by"), text("do")),
    }
}

/// I3: each observer's versions follow each other, from one snapshot to the next.
fn sequences(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let mut heads: HashMap<&str, u32> = HashMap::new();
    for told in &case.told {
        let v = version(&told.frame);
        let head = heads.entry(&told.who).or_insert(1);
        let is_snapshot = told.frame.get("initial_fen").is_some();
        let is_right = if is_snapshot {
            v >= (*head).max(told.asked.unwrap_or(0))
        } else {
            v == *head + 1
        };
        let is_reset = told.frame["reset"] == true;
        let may_reset = is_reset && case.loss.is_before(told.at);
        // Who asks by a version alone cannot know that it is one of another history.
        let may_mix =
            case.loss.is_before(told.at) && told.asked.is_none() && told.who.ends_with("reader");
        if (is_reset && !may_reset) || !(is_right || may_reset || may_mix) {
            let what = if is_reset { "was set back from" } else { "had" };
            let why = format!(
                "{} {what} version {head} and was told {}",
                told.who, told.frame
            );
            violations.push(case.violation("I3", (v, Some(told.at)), why));
        }
        *head = v;
    }
}

#[cfg(test)]
mod tests;
