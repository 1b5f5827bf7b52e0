//! What led to a violation, on one screen: the entries around it, who sent and who was told what, and the faults then.

use std::fmt::Write as _;

use super::check::{Evidence, Violation};
use super::history::Moment;

/// Entries before and after the one that is wrong.
const BEFORE: u32 = 4;
const AFTER: u32 = 2;

/// Lines of what happened.
const MAX_LINES: usize = 40;

/// Characters of a line.
const WIDTH: usize = 170;

/// The violation that takes the fewest words: of the game with the shortest log.
pub(super) fn shortest<'a>(
    violations: &'a [Violation],
    evidence: &Evidence,
) -> Option<&'a Violation> {
    let length = |violation: &&Violation| {
        let log = evidence.finals.get(&violation.game);
        log.map_or(0, |log| log.lines.len())
    };
    violations.iter().min_by_key(length)
}

pub(super) fn tell(violation: &Violation, evidence: &Evidence) -> String {
    let Violation {
        invariant,
        game,
        version,
        why,
        at,
    } = violation;
    let mut text = format!("{invariant} is broken in game {game} at version {version}: {why}\n");
    let near = version.saturating_sub(BEFORE)..=version.saturating_add(AFTER);
    let _ = writeln!(text, "  the log:");
    let log = evidence.finals.get(game);
    for (v, line) in (1_u32..).zip(log.iter().flat_map(|log| &log.lines)) {
        if near.contains(&v) {
            let _ = writeln!(text, "    {v:>4}  {line}");
        }
    }
    let mut lines: Vec<(Moment, String)> = Vec::new();
    for tried in &evidence.records.tries {
        let is_near = near.contains(&tried.command.v) || *at == Some(tried.done);
        if tried.game == *game && is_near {
            let (who, command) = (&tried.who, tried.command.message("", tried.op));
            lines.push((tried.sent, format!("{who} → {}: {command}", tried.entrance)));
            lines.push((tried.done, format!("{who} ← {:?}", tried.answer)));
        }
    }
    for told in &evidence.records.told {
        let v = told.frame["v"].as_u64().and_then(|v| u32::try_from(v).ok());
        let is_near = v.is_some_and(|v| near.contains(&v)) || *at == Some(told.at);
        if told.game == *game && is_near {
            let from = &told.entrance;
            lines.push((told.at, format!("{} ← {from}: {}", told.who, told.frame)));
        }
    }
    lines.sort();
    // Those around the moment itself, where there are many.
    let middle = at.map_or(lines.len() / 2, |at| {
        lines.partition_point(|(moment, _)| *moment < at)
    });
    let first = middle.saturating_sub(MAX_LINES / 2);
    let lines: Vec<_> = lines.into_iter().skip(first).take(MAX_LINES).collect();
    let span = lines
        .first()
        .zip(lines.last())
        .map(|(first, last)| (first.0, last.0));
    let _ = writeln!(text, "  who said and heard what, in ms of the run:");
    for (moment, line) in &lines {
        let line: String = line.chars().take(WIDTH).collect();
        let _ = writeln!(text, "    {:>8}  {line}", moment / 1000);
    }
    let _ = writeln!(text, "  the faults then:");
    for fault in &evidence.records.faults {
        let is_near = span.is_some_and(|(first, last)| fault.begin <= last && first <= fault.end);
        if is_near {
            let (begin, end) = (fault.begin / 1000, fault.end / 1000);
            let _ = writeln!(
                text,
                "    {begin:>8}–{end}  {} {}",
                fault.kind.name(),
                fault.what
            );
        }
    }
    text
}
