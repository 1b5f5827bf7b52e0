//! What a command or the passing of time would cause. Nothing here changes the game.

use crate::clock::{Charge, Lag, TimeControl};
use crate::color::Color;
use crate::event::{Asked, Command, DrawCommand, Event, OfferCommand, Ply, Prize};
use crate::id::{GameId, Tag, Version};
use crate::limits::{
    ABANDONED_AFTER, GIFT, MAX_GIFTS, MAX_PLIES, MAX_REMATCH_OFFERS, MAX_TAKEBACKS,
    PLIES_BETWEEN_DRAW_OFFERS,
};
use crate::outcome::{DrawReason, Outcome};
use crate::rules::{Ending, LegalMove, Move};
use crate::time::{Millis, Timestamp};
use crate::variant::Variant;

use super::{Game, Offer};

/// The answer to a command that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These events are to be appended, all at once.
    Append {
        /// What the command causes, in order; never empty.
        events: Vec<Event>,
        /// Not to be committed before this moment.
        not_before: Option<Timestamp>,
    },
    /// The command was carried out before: this is the last entry that it wrote.
    Done(Version),
    /// The game's time ran out before the command came: append this end, then decide again.
    TimeIsUp(Deadline),
}

/// The moment at which a game ends if nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When; the end must not be committed earlier.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

impl Deadline {
    /// The event that it comes to.
    #[must_use]
    pub const fn event(self) -> Event {
        Event::Ended {
            outcome: self.outcome,
            by: None,
        }
    }
}

/// Why a command is refused. The game is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It is the other side's move.
    #[error("it is not your turn")]
    NotYourTurn,
    /// The rules do not allow it.
    #[error("this move is not legal here")]
    IllegalMove,
    /// The game went on in between.
    #[error("the game has moved on: look again")]
    Stale,
    /// It has ended.
    #[error("the game is over")]
    GameOver,
    /// Not now, or not any more.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A claim came before its time.
    #[error("the opponent may still come back")]
    TooEarly {
        /// How long to wait.
        retry_after: Millis,
    },
    /// The log holds something that this build does not know.
    #[error("this server is too old for this game")]
    Unreadable,
}

/// What stands against a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NotAllowed {
    #[error("a game can be aborted only before its second move: resign instead")]
    TooLateToAbort,
    #[error("a draw can be offered once in 20 half-moves")]
    DrawOfferedRecently,
    #[error("there is no threefold repetition and fewer than fifty quiet moves")]
    NothingToClaim,
    #[error("you have no move to take back")]
    NothingToTakeBack,
    #[error("a takeback can be asked for once a move")]
    TakebackAskedAlready,
    #[error("no more takebacks in this game")]
    TooManyTakebacks,
    #[error("there is no clock to give time to")]
    NoClock,
    #[error("no more gifts of time in this game")]
    TooManyGifts,
    #[error("the opponent has not left")]
    OpponentIsHere,
    #[error("it is your own move: play on")]
    OwnTurn,
    #[error("both sides have to move first: abort instead")]
    NotBegun,
    #[error("a rematch can be offered after the end")]
    NotOver,
    #[error("no more rematch offers")]
    TooManyRematchOffers,
}

impl Game {
    /// What `asked` would cause now.
    ///
    /// # Errors
    /// The rules refuse it. Before this is answered to a player the caller has to make sure that the whole log is
    /// folded in: a refusal is true of the log, not of a copy of it.
    pub fn decide(&self, asked: &Asked) -> Result<Decision, Rejection> {
        if !self.is_readable() {
            return Err(Rejection::Unreadable);
        }
        let Asked { by, command, .. } = *asked;
        if let Command::Play {
            mv,
            ply,
            lag,
            offers_draw,
        } = command
        {
            return self.decide_move(asked, (mv, ply), (lag, offers_draw));
        }
        if let Some(version) = self.done_before(asked) {
            return Ok(Decision::Done(version));
        }
        if let Command::Rematch(what, next) = command {
            return self.decide_rematch(asked, what, next);
        }
        if self.outcome.is_some() {
            return Err(Rejection::GameOver);
        }
        if let Some(deadline) = self.expired(asked.received) {
            return Ok(Decision::TimeIsUp(deadline));
        }
        match command {
            Command::Resign => Ok(end(Outcome::Resigned { winner: !by }, by)),
            Command::Abort if self.turns.len() < 2 => Ok(end(Outcome::Aborted, by)),
            Command::Abort => Err(NotAllowed::TooLateToAbort.into()),
            Command::Draw(DrawCommand::Negotiate(what)) => self.decide_draw(asked, what),
            Command::Draw(DrawCommand::Claim) => match self.claimable_draw() {
                Some(reason) => Ok(end(Outcome::Drawn(reason), by)),
                None => Err(NotAllowed::NothingToClaim.into()),
            },
            Command::Takeback(what) => self.decide_takeback(asked, what),
            Command::GiveTime => self.decide_gift(by),
            Command::Claim { prize, claim_at } => self.decide_claim(asked, prize, claim_at),
            Command::Play { .. } | Command::Rematch(..) => {
                unreachable!("decided above")
            }
        }
    }

    /// The end that comes by itself if nobody acts: a flag, a first move that is not made, a game left alone.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        if self.outcome.is_some() || !self.is_readable() {
            return None;
        }
        let has_begun = self.turns.len() >= 2;
        let (wait, outcome) = match (self.setup.terms.time_control, self.clock) {
            (TimeControl::Clock { .. }, Some(clock)) if has_begun => {
                (clock.flagged_after(self.turn()), self.flag_fall())
            }
            (TimeControl::Clock { .. }, _) => (self.setup.terms.first_move, Outcome::Aborted),
            (TimeControl::Correspondence { days }, _) => {
                let outcome = if has_begun {
                    self.flag_fall()
                } else {
                    Outcome::Aborted
                };
                (Millis::from_days(days.into()), outcome)
            }
            (TimeControl::Unlimited, _) => (ABANDONED_AFTER, Outcome::Aborted),
        };
        Some(Deadline {
            at: self.turn_started + wait,
            outcome,
        })
    }

    /// The deadline, if it has come by `now`.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Option<Deadline> {
        self.deadline().filter(|deadline| now >= deadline.at)
    }

    /// The draw that either player may claim in this position.
    #[must_use]
    pub fn claimable_draw(&self) -> Option<DrawReason> {
        let occurrences = self.occurrences(self.position.key());
        if occurrences >= 3 {
            Some(DrawReason::Threefold)
        } else if self.counts_quiet_plies() && self.position.quiet_plies() >= 100 {
            Some(DrawReason::Fifty)
        } else {
            None
        }
    }

    fn occurrences(&self, key: u64) -> usize {
        self.keys.iter().filter(|&&k| k == key).count()
    }

    /// In crazyhouse a drop makes progress that these counters do not see.
    fn counts_quiet_plies(&self) -> bool {
        self.setup.terms.variant != Variant::Crazyhouse
    }

    fn flag_fall(&self) -> Outcome {
        let winner = !self.turn();
        Outcome::Flagged {
            winner: self.position.can_win(winner).then_some(winner),
        }
    }

    fn decide_move(
        &self,
        asked: &Asked,
        (mv, ply): (Move, Ply),
        (lag, offers_draw): (Lag, bool),
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        if let Some(version) = self.played_before(by, mv, ply) {
            return Ok(Decision::Done(version));
        }
        if self.outcome.is_some() {
            return Err(Rejection::GameOver);
        }
        if self.color_at(ply) != by {
            return Err(Rejection::NotYourTurn);
        }
        let saw_what_was_taken_back = asked
            .seen
            .zip(self.last_takeback)
            .is_some_and(|(seen, takeback)| seen < takeback);
        if ply != self.ply() || saw_what_was_taken_back {
            return Err(Rejection::Stale);
        }
        let (charge, fallen) = self.charge(asked.received, lag);
        if let Some(deadline) = fallen {
            return Ok(Decision::TimeIsUp(deadline));
        }
        let legal = self.position.legal(mv).ok_or(Rejection::IllegalMove)?;
        let mut events = vec![Event::Played {
            mv: self.position.uci(legal),
            charge,
        }];
        if let Some(outcome) = self.outcome_after(legal) {
            events.push(Event::Ended { outcome, by: None });
        } else if offers_draw {
            events.extend(self.draw_offered_with_move(by));
        }
        Ok(Decision::Append {
            events,
            not_before: None,
        })
    }

    /// The side that moves at a ply.
    fn color_at(&self, ply: Ply) -> Color {
        let first = self.setup.terms.start.turn();
        if ply.0.is_multiple_of(2) {
            first
        } else {
            !first
        }
    }

    /// The last entry of the append with which `by` played this same move at this ply, in either notation.
    fn played_before(&self, by: Color, mv: Move, ply: Ply) -> Option<Version> {
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

    /// What a move that arrives now is charged, and the end that it comes too late for.
    fn charge(&self, received: Timestamp, lag: Lag) -> (Option<Charge>, Option<Deadline>) {
        let Some(clock) = self.clock.filter(|_| self.clock_runs()) else {
            return (None, self.expired(received));
        };
        let turn = self.turn();
        let charge = clock.charge(turn, received.since(self.turn_started), lag);
        let fallen = clock.flagged_by(turn, charge).map(|after| Deadline {
            at: self.turn_started + after,
            outcome: self.flag_fall(),
        });
        (Some(charge), fallen)
    }

    /// How the game would end by itself with a move.
    fn outcome_after(&self, legal: LegalMove) -> Option<Outcome> {
        let mut after = self.position.clone();
        after.play(legal);
        if let Some(ending) = after.ending() {
            return Some(match ending {
                Ending::Checkmate { winner } => Outcome::Checkmate { winner },
                Ending::VariantEnd { winner } => Outcome::VariantEnd { winner },
                Ending::Stalemate => Outcome::Stalemate,
                Ending::Dead => Outcome::Drawn(DrawReason::Dead),
            });
        }
        let is_fivefold =
            !self.position.is_irreversible(legal) && self.occurrences(after.key()) >= 4;
        let reason = if is_fivefold {
            DrawReason::Fivefold
        } else if self.counts_quiet_plies() && after.quiet_plies() >= 150 {
            DrawReason::SeventyFive
        } else if self.turns.len() + 1 >= MAX_PLIES {
            DrawReason::MaxPlies
        } else {
            return None;
        };
        Some(Outcome::Drawn(reason))
    }

    /// An offer that comes with a move: it accepts the other side's, and is left out where none is allowed.
    fn draw_offered_with_move(&self, by: Color) -> Option<Event> {
        match self.draw_offer {
            Some(offer) if offer.by != by => Some(agreed(by)),
            Some(_) => None,
            None => self
                .may_offer_draw(by, Ply(self.ply().0 + 1))
                .then_some(Event::DrawOffered(by)),
        }
    }

    fn may_offer_draw(&self, by: Color, ply: Ply) -> bool {
        self.tally[by]
            .draw_offered_at
            .is_none_or(|Ply(last)| ply.0 >= last.saturating_add(PLIES_BETWEEN_DRAW_OFFERS))
    }

    fn decide_draw(&self, asked: &Asked, what: OfferCommand) -> Result<Decision, Rejection> {
        let by = asked.by;
        match (what, self.draw_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(agreed(by))),
            (OfferCommand::Offer, None) if self.may_offer_draw(by, self.ply()) => {
                Ok(append(Event::DrawOffered(by)))
            }
            (OfferCommand::Offer, None) => Err(NotAllowed::DrawOfferedRecently.into()),
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(agreed(by)))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::DrawDeclined(by)))
            }
        }
    }

    fn decide_takeback(&self, asked: &Asked, what: OfferCommand) -> Result<Decision, Rejection> {
        let by = asked.by;
        match (what, self.takeback_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(self.taken_back(by))),
            (OfferCommand::Offer, None) => {
                if self.turns.len() < self.plies_back_to(by) {
                    Err(NotAllowed::NothingToTakeBack.into())
                } else if self.tally[by].takeback_offered_at == Some(self.ply()) {
                    Err(NotAllowed::TakebackAskedAlready.into())
                } else if self.tally[by].takebacks >= MAX_TAKEBACKS {
                    Err(NotAllowed::TooManyTakebacks.into())
                } else {
                    Ok(append(Event::TakebackOffered(by)))
                }
            }
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(self.taken_back(by)))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::TakebackDeclined(by)))
            }
        }
    }

    /// How many half-moves go until it is `color`'s turn again, at least one of them its own.
    fn plies_back_to(&self, color: Color) -> usize {
        if self.turn() == color { 2 } else { 1 }
    }

    /// `by` agrees that the other side takes back.
    fn taken_back(&self, by: Color) -> Event {
        let plies = self.turns.len() - self.plies_back_to(!by).min(self.turns.len());
        Event::TakenBack {
            by,
            to: Ply(u16::try_from(plies).unwrap_or(u16::MAX)),
        }
    }

    fn decide_gift(&self, by: Color) -> Result<Decision, Rejection> {
        if self.clock.is_none() {
            return Err(NotAllowed::NoClock.into());
        }
        if self.tally[by].gifts >= MAX_GIFTS {
            return Err(NotAllowed::TooManyGifts.into());
        }
        Ok(append(Event::TimeGiven {
            to: !by,
            amount: GIFT,
        }))
    }

    fn decide_claim(
        &self,
        asked: &Asked,
        prize: Prize,
        claim_at: Option<Timestamp>,
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        if self.turns.len() < 2 {
            return Err(NotAllowed::NotBegun.into());
        }
        if self.turn() == by {
            return Err(NotAllowed::OwnTurn.into());
        }
        let claim_at = claim_at.ok_or(NotAllowed::OpponentIsHere)?;
        if asked.received < claim_at {
            let retry_after = claim_at.since(asked.received);
            return Err(Rejection::TooEarly { retry_after });
        }
        let wins = prize == Prize::Win && self.position.can_win(by);
        Ok(Decision::Append {
            events: vec![Event::Ended {
                outcome: Outcome::Left {
                    winner: wins.then_some(by),
                },
                by: Some(by),
            }],
            not_before: Some(claim_at),
        })
    }

    fn decide_rematch(
        &self,
        asked: &Asked,
        what: OfferCommand,
        next: GameId,
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        if self.outcome.is_none() {
            return Err(NotAllowed::NotOver.into());
        }
        if self.next.is_some() {
            return Err(Rejection::Stale);
        }
        let accepted = Event::RematchAccepted { by, next };
        match (what, self.rematch_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(accepted)),
            (OfferCommand::Offer, None) if self.tally[by].rematch_offers < MAX_REMATCH_OFFERS => {
                Ok(append(Event::RematchOffered(by)))
            }
            (OfferCommand::Offer, None) => Err(NotAllowed::TooManyRematchOffers.into()),
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(accepted))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::RematchDeclined(by)))
            }
        }
    }

    /// Where the log after what the player had seen holds the effect of this same command: the last entry it wrote.
    fn done_before(&self, asked: &Asked) -> Option<Version> {
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

/// Accepting and declining need an offer of the other side that stood when the player looked and still stands.
fn answerable(offer: Option<Offer>, asked: &Asked) -> Result<(), Rejection> {
    let stands = offer.is_some_and(|offer| {
        offer.by != asked.by && asked.seen.is_none_or(|seen| offer.version <= seen)
    });
    if stands {
        Ok(())
    } else {
        Err(Rejection::Stale)
    }
}

const fn agreed(by: Color) -> Event {
    Event::Ended {
        outcome: Outcome::Drawn(DrawReason::Agreement),
        by: Some(by),
    }
}

fn append(event: Event) -> Decision {
    Decision::Append {
        events: vec![event],
        not_before: None,
    }
}

fn end(outcome: Outcome, by: Color) -> Decision {
    append(Event::Ended {
        outcome,
        by: Some(by),
    })
}
