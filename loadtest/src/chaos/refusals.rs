//! Refusals of moves: none of a move that the log allowed, or had already, all the time from when it was sent to when it was
//! refused.

use shakmaty::uci::UciMove;
use shakmaty::{Chess, Position as _};

use super::check::{Case, Violation};
use super::commands::bounds;
use super::history::{Answer, Moment, Try};
use super::player::position;

pub(super) fn check(case: &Case<'_>, violations: &mut Vec<Violation>) {
    let bounds = bounds(case);
    for tried in &case.tries {
        let Answer::Refused(code) = &tried.answer else {
            continue;
        };
        let is_of_rules =
            ["stale", "not_your_turn", "illegal_move", "game_over"].contains(&&**code);
        let Some(seat) = tried.seat.filter(|_| is_of_rules) else {
            continue;
        };
        let versions = possible(tried, &bounds);
        if versions.is_empty() {
            continue;
        }
        let allows = |version: u32| allows(case, version, (tried, seat));
        if versions.clone().all(allows) {
            let why = format!(
                "{} was refused {:?} ({code}), and the log allowed it at versions {versions:?}",
                tried.who, tried.command
            );
            let at = (*versions.start(), Some(tried.done));
            violations.push(case.violation("I7", at, why));
        }
    }
}

/// The versions that the log may have had between the two moments of a try.
fn possible(
    tried: &Try,
    bounds: &[(Option<Moment>, Option<Moment>)],
) -> std::ops::RangeInclusive<u32> {
    let known = |(_, known): &(_, Option<Moment>)| known.is_some_and(|known| known < tried.sent);
    let begun = |(sent, _): &(Option<Moment>, _)| sent.is_none_or(|sent| sent < tried.done);
    let version = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let first = bounds.iter().rposition(known).map_or(1, version);
    // Entry 1 was there before anybody could send anything.
    let later = bounds.iter().skip(first as usize);
    let more = later.take_while(|bound| begun(bound)).count();
    first..=first.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
}

fn allows(case: &Case<'_>, version: u32, (tried, seat): (&Try, usize)) -> bool {
    let Some(after) = case.folded.at(version) else {
        return false;
    };
    let parsed = tried.command.uci.as_ref();
    let Some(uci) = parsed.and_then(|uci| uci.parse::<UciMove>().ok()) else {
        return false;
    };
    let Some(ply) = tried.command.ply.map(usize::from) else {
        return false;
    };
    // A move from before a takeback is stale.
    let since = case.folded.states.iter().take(version as usize);
    let is_taken_back = since
        .skip(tried.command.v as usize)
        .any(|after| after.says.contains("takeback") && after.says.contains("accept"));
    // The same again is done already, also when the game is over.
    let is_done = ply % 2 == seat && after.moves.get(ply) == tried.command.uci.as_ref();
    if is_done && !is_taken_back {
        return true;
    }
    after.status == "started"
        && !is_taken_back
        && after.turn() == seat
        && ply == after.moves.len()
        && position(&after.fen).is_some_and(|position: Chess| {
            uci.to_move(&position).is_ok_and(|mv| position.is_legal(mv))
        })
}
