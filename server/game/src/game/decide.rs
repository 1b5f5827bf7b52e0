//! What a command or the passing of time would cause. Nothing here changes the game.

use crate::clock::{Charge, Clock, Lag, TimeControl};
use crate::color::Color;
use crate::event::{Asked, Command, DrawCommand, Event, Ply, Prize};
use crate::id::Version;
use crate::limits::{ABANDONED_AFTER, GIFT, MAX_GIFTS, MAX_PLIES};
use crate::outcome::{DrawReason, Outcome};
use crate::rules::{Ending, LegalMove, Move};
use crate::time::{Millis, Timestamp};
use crate::variant::Variant;

use super::Game;

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
        if let Some(answer) = self.answer_before_rules(asked) {
            return answer;
        }
        let by = asked.by;
        match asked.command {
            Command::Play {
                mv,
                ply,
                lag,
                offers_draw,
            } => self.decide_move(asked, (mv, ply), (lag, offers_draw)),
            Command::Resign => Ok(end(Outcome::Resigned { winner: !by }, by)),
            Command::Abort if self.turns.len() < 2 => Ok(end(Outcome::Aborted, by)),
            Command::Abort => Err(NotAllowed::TooLateToAbort.into()),
            Command::Draw(DrawCommand::Negotiate(what)) => self.decide_draw(asked, what),
            Command::Draw(DrawCommand::Claim) => match self.claimable_draw() {
                Some(reason) => Ok(end(Outcome::Drawn(reason), by)),
                None => Err(NotAllowed::NothingToClaim.into()),
            },
            Command::Takeback(what) => self.decide_takeback(asked, what),
            Command::Rematch(what, next) => self.decide_rematch(asked, what, next),
            Command::GiveTime => self.decide_gift(by),
            Command::Claim { prize, claim_at } => self.decide_claim(asked, prize, claim_at),
        }
    }

    /// What every command but a move shares: it may have been carried out before, or come after the end. A move looks
    /// at its own ply and its own time instead.
    fn answer_before_rules(&self, asked: &Asked) -> Option<Result<Decision, Rejection>> {
        if let Command::Play { .. } = asked.command {
            return None;
        }
        if let Some(version) = self.done_before(asked) {
            return Some(Ok(Decision::Done(version)));
        }
        if let Command::Rematch(..) = asked.command {
            return None;
        }
        if self.outcome.is_some() {
            return Some(Err(Rejection::GameOver));
        }
        let deadline = self.expired(asked.received)?;
        Some(Ok(Decision::TimeIsUp(deadline)))
    }

    /// The end that comes by itself if nobody acts: a flag, a first move that is not made, a game left alone.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        if self.outcome.is_some() || !self.is_readable() {
            return None;
        }
        let plies = self.turns.len();
        let outcome = match self.setup.terms.time_control {
            TimeControl::Clock { .. } | TimeControl::Correspondence { .. } if plies >= 2 => {
                self.flag_fall()
            }
            TimeControl::Clock { .. }
            | TimeControl::Correspondence { .. }
            | TimeControl::Unlimited => Outcome::Aborted,
        };
        Some(Deadline {
            at: self.turn_started + self.wait((plies, self.turn()), self.clock),
            outcome,
        })
    }

    /// When the deadline is once the side to move has made a move, committed at `at`, that ends nothing.
    #[must_use]
    pub fn deadline_after_move(&self, charge: Option<Charge>, at: Timestamp) -> Timestamp {
        let turn = (self.turns.len() + 1, !self.turn());
        at + self.wait(turn, self.pressed(charge, at))
    }

    /// How long a turn may take from its beginning: so many plies were made before it, and this is its clock.
    fn wait(&self, (plies, turn): (usize, Color), clock: Option<Clock>) -> Millis {
        match (self.setup.terms.time_control, clock) {
            (TimeControl::Clock { .. }, Some(clock)) if plies >= 2 => clock.flagged_after(turn),
            (TimeControl::Clock { .. }, _) => self.setup.terms.first_move,
            (TimeControl::Correspondence { days }, _) => Millis::from_days(days.into()),
            (TimeControl::Unlimited, _) => ABANDONED_AFTER,
        }
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
    pub(super) fn color_at(&self, ply: Ply) -> Color {
        let first = self.setup.terms.start.turn();
        if ply.0.is_multiple_of(2) {
            first
        } else {
            !first
        }
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
}

pub(super) fn append(event: Event) -> Decision {
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
