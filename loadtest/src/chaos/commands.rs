//! What became of commands: none that was acknowledged is lost, none has two effects, none that was refused has one, and
//! what was acknowledged earlier stands earlier.

use std::collections::{HashMap, HashSet};

use super::check::{Case, Violation};
use super::entry::Event;
use super::fold::{After, Folded};
use super::history::{Answer, Command, Moment, Try};

/// A command whoever sends it how often.
type Key<'a> = (
    usize,
    &'a str,
    Option<&'a str>,
    Option<u16>,
    Option<&'a str>,
);

fn key(seat: usize, command: &Command) -> Key<'_> {
    (
        seat,
        command.t,
        command.uci.as_deref(),
        command.ply,
        command.act,
    )
}

/// The command that an entry is the effect of, if somebody commanded it.
fn cause(after: &After) -> Option<Key<'_>> {
    let by = after.by?;
    Some(match after.event.as_ref()? {
        Event::Played { uci, .. } => {
            let ply = u16::try_from(after.moves.len()).ok()?.checked_sub(1)?;
            (by, "move", Some(uci), Some(ply), None)
        }
        Event::Said { about, act, .. } => (by, about, None, None, Some(act)),
        Event::Ended { status, .. } if status == "resign" => (by, "resign", None, None, None),
        Event::Ended { status, why, .. }
            if status == "draw" && why.as_deref() == Some("agreement") =>
        {
            (by, "draw", None, None, Some("accept"))
        }
        Event::Ended { .. } | Event::Time { .. } => return None,
    })
}

/// Who offers what the other one has offered already agrees.
fn agreed(key: Key<'_>) -> Option<Key<'_>> {
    let (seat, t, uci, ply, act) = key;
    (act == Some("accept")).then_some((seat, t, uci, ply, Some("offer")))
}

pub(super) fn check(case: &Case<'_>, violations: &mut Vec<Violation>) {
    kept(case, violations);
    explained(case, violations);
    ordered(case, violations);
}

/// Whether a command's last entry is the one at this version.
fn is_caused_by(folded: &Folded, v: u32, (seat, command): (usize, &Command)) -> bool {
    let key = key(seat, command);
    let has = |v: u32| {
        let caused = folded.at(v).and_then(cause);
        caused.is_some_and(|caused| key == caused || Some(key) == agreed(caused))
    };
    // The end that a move brings is written with it.
    let ended = folded.at(v).and_then(|after| after.event.as_ref());
    let ends = matches!(ended, Some(Event::Ended { by: None, .. }));
    has(v) || v > 1 && ends && has(v - 1)
}

/// I1 and the half of I4: each `ok` names the entry of its command, and all those of one command the same.
fn kept(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let mut told: HashMap<u64, u32> = HashMap::new();
    for tried in &case.tries {
        let Answer::Ok(v) = tried.answer else {
            continue;
        };
        let seen = (v, Some(tried.done));
        let Some(seat) = tried.seat else {
            let why = format!("{} has no seat, and got ok: {:?}", tried.who, tried.command);
            violations.push(case.violation("I7", seen, why));
            continue;
        };
        if !is_caused_by(&case.folded, v, (seat, &tried.command)) {
            let line = case.folded.at(v).map_or("nothing", |after| &after.says);
            let why = format!(
                "{} got ok for {:?} at version {v}, and the log has `{line}` there",
                tried.who, tried.command
            );
            violations.push(case.violation("I1", seen, why));
        }
        let before = *told.entry(tried.op).or_insert(v);
        if before != v {
            let why = format!(
                "{}: ok at {before}, then at {v}: {:?}",
                tried.who, tried.command
            );
            violations.push(case.violation("I4", seen, why));
        }
    }
}

/// I7 and the other half of I4: each entry has a command behind it that was not refused, and each such command at most one
/// entry.
fn explained(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let mut ops: HashMap<Key<'_>, HashSet<u64>> = HashMap::new();
    let mut refused: HashMap<Key<'_>, &Try> = HashMap::new();
    // What was sent while two histories were about may have been carried out in the one that stays by both: a version of the
    // lost one does not tell it from what stands before.
    let mut in_two: HashSet<Key<'_>> = HashSet::new();
    for tried in &case.tries {
        let Some(seat) = tried.seat else { continue };
        let key = key(seat, &tried.command);
        if case.loss.is_between((tried.sent, tried.done)) {
            in_two.insert(key);
        }
        if matches!(tried.answer, Answer::Refused(_)) {
            refused.insert(key, tried);
        } else {
            ops.entry(key).or_default().insert(tried.op);
        }
    }
    let mut entries: HashMap<Key<'_>, usize> = HashMap::new();
    for (version, after) in (1_u32..).zip(&case.folded.states) {
        let Some(key) = cause(after) else { continue };
        let count = entries.entry(key).or_default();
        *count += 1;
        let keys = [Some(key), agreed(key)].into_iter().flatten();
        let asked: usize = keys.map(|key| ops.get(&key).map_or(0, HashSet::len)).sum();
        let may_repeat = asked > 0 && in_two.contains(&key);
        if *count > asked && !may_repeat {
            let (invariant, why) = match refused.get(&key) {
                Some(tried) if asked == 0 => (
                    "I7",
                    format!(
                        "{} was refused it: {:?}, {:?}",
                        tried.who, tried.command, tried.answer
                    ),
                ),
                _ if asked == 0 => ("I7", "nobody with this seat asked for it".to_owned()),
                _ => (
                    "I4",
                    format!("{count} times, and it was asked for {asked} times"),
                ),
            };
            let why = format!("`{}` is in the log: {why}", after.says);
            violations.push(case.violation(invariant, (version, None), why));
        }
    }
}

/// I8: what was sent after another command's `ok` stands behind that.
fn ordered(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let mut firsts: HashMap<u64, Moment> = HashMap::new();
    let mut keys: HashMap<Key<'_>, Moment> = HashMap::new();
    for tried in &case.tries {
        let first = firsts.entry(tried.op).or_insert(tried.sent);
        *first = tried.sent.min(*first);
        if let Some(seat) = tried.seat {
            let first = keys.entry(key(seat, &tried.command)).or_insert(tried.sent);
            *first = tried.sent.min(*first);
        }
    }
    // Both in the order of their moments; then the newest acknowledged version before each moment is at hand.
    let mut acks: Vec<(Moment, u32)> = Vec::new();
    let mut begun: Vec<(Moment, u32, &Try)> = Vec::new();
    for tried in &case.tries {
        if let (Answer::Ok(v), Some(seat)) = (&tried.answer, tried.seat) {
            acks.push((tried.done, *v));
            let first = firsts.get(&tried.op).copied().unwrap_or(tried.sent);
            // The same again may have been done long ago.
            if keys.get(&key(seat, &tried.command)) == Some(&first) {
                begun.push((first, *v, tried));
            }
        }
    }
    acks.sort_unstable();
    begun.sort_unstable_by_key(|(first, v, _)| (*first, *v));
    let (mut acks, mut newest) = (acks.into_iter().peekable(), 0);
    for (first, v, tried) in begun {
        while let Some((_, acked)) = acks.next_if(|(done, _)| *done < first) {
            newest = newest.max(acked);
        }
        if v < newest {
            let why = format!(
                "{} sent {:?} after an ok at {newest}, and it stands at {v}",
                tried.who, tried.command
            );
            violations.push(case.violation("I8", (v, Some(tried.done)), why));
        }
    }
}

/// Between which moments an entry must have been committed, as far as anybody can tell: the first time that its command was
/// sent, and the first time that anybody was told.
pub(super) fn bounds(case: &Case<'_>) -> Vec<(Option<Moment>, Option<Moment>)> {
    let mut sent: HashMap<Key<'_>, Vec<Moment>> = HashMap::new();
    let mut known: HashMap<u32, Moment> = HashMap::new();
    let mut know = |v: u32, at: Moment| {
        let first = known.entry(v).or_insert(at);
        *first = at.min(*first);
    };
    for tried in &case.tries {
        if let Some(seat) = tried.seat {
            let moments = sent.entry(key(seat, &tried.command)).or_default();
            moments.push(tried.sent);
        }
        if let Answer::Ok(v) = tried.answer {
            know(v, tried.done);
        }
    }
    for told in case.told.iter().filter(|told| !case.loss.is_at(told.at)) {
        let v = told.frame["v"].as_u64().and_then(|v| u32::try_from(v).ok());
        know(v.unwrap_or(0), told.at);
    }
    let bounds = (1_u32..).zip(&case.folded.states).map(|(version, after)| {
        let keys = cause(after).map(|key| [Some(key), agreed(key)]);
        let keys = keys.into_iter().flatten().flatten();
        let moments = keys.filter_map(|key| sent.get(&key)).flatten();
        let sent = moments.min().copied();
        (sent, known.get(&version).copied())
    });
    bounds.collect()
}
