//! Commands that were carried out before: the same command again gets the same answer and changes nothing.

use crate::color::Color;
use crate::event::{Asked, Command, DrawCommand, Event, OfferCommand, Ply};
use crate::id::{Tag, Version};
use crate::outcome::{DrawReason, Outcome};
use crate::rules::Move;

use super::Game;

impl Game {
    /// The last entry of the append with which `by` played this same move at this ply, in either notation.
    pub(super) fn played_before(&self, by: Color, mv: Move, ply: Ply) -> Option<Version> {
        let turn = self.turns.get(usize::from(ply.0))?;
        if self.color_at(ply) != by {
            return None;
        }
        let is_same = turn.mv == mv || {
            let mut position = self.setup.terms.start.clone();
            for earlier in &self.turns[..usize::from(ply.0)] {
                position.play(position.legal(earlier.mv)?);
            }
            position.uci(position.legal(mv)?) == turn.mv
        };
        is_same.then(|| self.end_of_append(turn.version))
    }

    /// The last entry of the append that wrote the one at `version`.
    fn end_of_append(&self, version: Version) -> Version {
        let tag_at = |version| -> Option<Tag> {
            let (_, tag) = self.log.line(version)?.rsplit_once(' ')?;
            tag.parse().ok()
        };
        let tag = tag_at(version);
        let mut last = version;
        while last < self.head().version && tag_at(last.next()) == tag {
            last = last.next();
        }
        last
    }

    /// Where the log after what the player had seen holds the effect of this same command: the last entry it wrote.
    pub(super) fn done_before(&self, asked: &Asked) -> Option<Version> {
        let (version, _) = self.log.since(asked.seen?).find(|(_, entry)| {
            entry
                .event()
                .is_some_and(|event| is_effect(asked.by, asked.command, event))
        })?;
        Some(self.end_of_append(version))
    }
}

/// Whether `event` is what `by` gets by this command.
fn is_effect(by: Color, command: Command, event: Event) -> bool {
    let ended = match event {
        Event::Ended {
            outcome,
            by: Some(who),
        } if who == by => Some(outcome),
        _ => None,
    };
    match command {
        Command::Play { .. } => false,
        Command::Resign => matches!(ended, Some(Outcome::Resigned { .. })),
        Command::Abort => matches!(ended, Some(Outcome::Aborted)),
        Command::Draw(DrawCommand::Claim) => matches!(
            ended,
            Some(Outcome::Drawn(DrawReason::Threefold | DrawReason::Fifty))
        ),
        Command::Draw(DrawCommand::Negotiate(what)) => {
            let is_agreed = ended == Some(Outcome::Drawn(DrawReason::Agreement));
            match what {
                OfferCommand::Offer => event == Event::DrawOffered(by) || is_agreed,
                OfferCommand::Accept => is_agreed,
                OfferCommand::Decline => event == Event::DrawDeclined(by),
            }
        }
        Command::Takeback(what) => {
            let is_agreed = matches!(event, Event::TakenBack { by: who, .. } if who == by);
            match what {
                OfferCommand::Offer => event == Event::TakebackOffered(by) || is_agreed,
                OfferCommand::Accept => is_agreed,
                OfferCommand::Decline => event == Event::TakebackDeclined(by),
            }
        }
        Command::Rematch(what, _) => {
            let is_agreed = matches!(event, Event::RematchAccepted { by: who, .. } if who == by);
            match what {
                OfferCommand::Offer => event == Event::RematchOffered(by) || is_agreed,
                OfferCommand::Accept => is_agreed,
                OfferCommand::Decline => event == Event::RematchDeclined(by),
            }
        }
        Command::GiveTime => matches!(event, Event::TimeGiven { to, .. } if to == !by),
        Command::Claim { .. } => matches!(ended, Some(Outcome::Left { .. })),
    }
}
