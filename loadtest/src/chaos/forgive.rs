//! What may differ from the log where the store lost for good what it had acknowledged, with everybody who could have given
//! it back. Then it is promised only that all go on from one history, and that who had seen more is told so by a snapshot
//! with `reset`: so what was said and shown of the lost end is left out, and all the rest is judged as ever.

use std::collections::HashSet;

use super::check::compare;
use super::fold::Folded;
use super::history::{Answer, Moment, Records, Told, Try};

/// What was acknowledged so long before the replica was cut off may not have reached it, in microseconds.
const ON_ITS_WAY: Moment = 300_000;

/// From when until when that happened, if it did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss(Option<(Moment, Moment)>);

impl Loss {
    /// There is at most one in a run.
    pub(super) fn of(records: &Records) -> Self {
        let lost = records.faults.iter().find(|fault| fault.lost);
        Self(lost.map(|fault| (fault.begin.saturating_sub(ON_ITS_WAY), fault.end)))
    }

    /// Whether something may have been lost before this moment.
    pub(super) fn is_before(self, moment: Moment) -> bool {
        self.0.is_some_and(|(begin, _)| begin <= moment)
    }

    /// Whether it went on at this moment: what was told then may have been told of either history.
    pub(super) fn is_at(self, moment: Moment) -> bool {
        self.is_between((moment, moment))
    }

    /// Whether it went on at some time between these moments.
    pub(super) fn is_between(self, (from, to): (Moment, Moment)) -> bool {
        self.0
            .is_some_and(|(begin, end)| from <= end && begin <= to)
    }

    /// What was told of a game, without what is lost. Behind a frame that is lost the next one is too, though by chance the
    /// same happened again at the same version.
    pub(super) fn told<'a>(self, folded: &Folded, told: Vec<&'a Told>) -> Vec<&'a Told> {
        let mut lost = HashSet::new();
        let stays = |told: &&Told| {
            let is_snapshot = told.frame.get("initial_fen").is_some();
            let is_next = is_snapshot || !lost.contains(&told.who);
            let stays = !self.is_at(told.at) || is_next && compare(folded, &told.frame).is_ok();
            if stays {
                lost.remove(&told.who);
            } else {
                lost.insert(told.who.clone());
            }
            stays
        };
        told.into_iter().filter(stays).collect()
    }

    /// The tries of a game: of what was answered meanwhile nothing is known. The same command may have been carried out twice,
    /// once in each history.
    pub(super) fn tries(self, tries: Vec<&Try>) -> Vec<Try> {
        let cloned = tries.into_iter().cloned();
        let forgiven = cloned.map(|tried| {
            if tried.seat.is_some() && self.is_between((tried.sent, tried.done)) {
                Try {
                    answer: Answer::Unknown("perhaps by a history that is lost"),
                    ..tried
                }
            } else {
                tried
            }
        });
        forgiven.collect()
    }
}
