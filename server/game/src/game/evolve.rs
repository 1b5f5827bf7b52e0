//! Folding a log into a game. Nothing is decided and nothing refused here.

use crate::clock::{Charge, Clock};
use crate::color::{ByColor, Color};
use crate::entry::Entry;
use crate::event::{Event, Ply};
use crate::id::Version;
use crate::log::Log;
use crate::rules::{LegalMove, Move};
use crate::setup::{FirstEntry, InvalidSetup};
use crate::time::Timestamp;

use super::{Game, Offer, Turn};

/// Why a log cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLog {
    /// Entry 1 is missing or unknown to this build.
    #[error(transparent)]
    Setup(#[from] InvalidSetup),
    /// A later line is no entry.
    #[error("entry {0} of the log has no moment or tag")]
    Entry(Version),
}

impl Game {
    /// Starts a game from entry 1 of its log.
    ///
    /// # Errors
    /// The line is no set-up that this build can read.
    pub fn begin(line: &str) -> Result<Self, InvalidSetup> {
        let first: FirstEntry = line.parse()?;
        let position = first.setup.terms.start.clone();
        Ok(Self {
            created: first.created,
            origin: first.origin,
            log: Log::new(line, first.tag),
            version: Version(1),
            at: Timestamp::default(),
            keys: vec![position.key()],
            position,
            turns: Vec::new(),
            clock: Clock::start(first.setup.terms.time_control),
            turn_started: Timestamp::default(),
            draw_offer: None,
            takeback_offer: None,
            rematch_offer: None,
            last_takeback: None,
            tally: ByColor::default(),
            outcome: None,
            next: None,
            setup: first.setup,
        })
    }

    /// Folds a whole log, oldest line first.
    ///
    /// # Errors
    /// Entry 1 cannot be read, or a line is no entry. An entry of an unknown kind is no error: the game is then shown
    /// as far as it goes, see [`Game::is_readable`].
    pub fn replay<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidLog> {
        let mut lines = lines.into_iter();
        let mut game = Self::begin(lines.next().ok_or(InvalidSetup)?)?;
        for line in lines {
            let entry: Entry = line
                .parse()
                .map_err(|_| InvalidLog::Entry(game.head().version.next()))?;
            game.evolve(&entry);
        }
        Ok(game)
    }

    /// Folds the next entry in. It refuses nothing: what cannot be understood is kept in the log, and the game stays
    /// as it was before.
    pub fn evolve(&mut self, entry: &Entry) {
        let was_readable = self.is_readable();
        self.log.push(entry.as_str(), entry.tag());
        if !was_readable {
            return;
        }
        let folded = entry
            .event()
            .and_then(|event| self.fold(event, entry.at(), self.version.next()));
        if folded.is_some() {
            self.version = self.version.next();
            self.at = self.at.max(entry.at());
        }
    }

    /// Nothing if the event does not fit this game: then nothing was changed either.
    fn fold(&mut self, event: Event, at: Timestamp, version: Version) -> Option<()> {
        match event {
            Event::Played { mv, charge } => self.fold_move(mv, charge, (at, version))?,
            Event::DrawOffered(by) => {
                self.draw_offer = Some(Offer { by, version });
                self.tally[by].draw_offered_at = Some(self.ply());
            }
            Event::DrawDeclined(_) => self.draw_offer = None,
            Event::TakebackOffered(by) => {
                self.takeback_offer = Some(Offer { by, version });
                self.tally[by].takeback_offered_at = Some(self.ply());
            }
            Event::TakebackDeclined(_) => self.takeback_offer = None,
            Event::TakenBack { by, to } => self.fold_takeback(by, to, (at, version))?,
            Event::TimeGiven { to, amount } => {
                self.clock = self.clock.map(|clock| clock.give(to, amount));
                let gifts = &mut self.tally[!to].gifts;
                *gifts = gifts.saturating_add(1);
            }
            Event::Ended { outcome, .. } => {
                self.outcome = Some(outcome);
                self.draw_offer = None;
                self.takeback_offer = None;
                self.settle_clock(at);
            }
            Event::RematchOffered(by) => {
                self.rematch_offer = Some(Offer { by, version });
                let offers = &mut self.tally[by].rematch_offers;
                *offers = offers.saturating_add(1);
            }
            Event::RematchDeclined(_) => self.rematch_offer = None,
            Event::RematchAccepted { next, .. } => {
                self.rematch_offer = None;
                self.next = Some(next);
            }
        }
        Some(())
    }

    fn fold_move(
        &mut self,
        mv: Move,
        charge: Option<Charge>,
        (at, version): (Timestamp, Version),
    ) -> Option<()> {
        let legal = self.position.legal(mv)?;
        let mover = self.turn();
        self.clock = self.pressed(charge, at);
        self.advance(legal);
        self.turns.push(Turn {
            mv,
            remaining: self.clock.map(|clock| clock.remaining()),
            version,
        });
        self.turn_started = at;
        self.takeback_offer = None;
        self.draw_offer = self.draw_offer.filter(|offer| offer.by == mover);
        Some(())
    }

    /// The clock after a move of the side to move that was committed at `at`.
    pub(super) fn pressed(&self, charge: Option<Charge>, at: Timestamp) -> Option<Clock> {
        let clock = self.clock?;
        if !self.clock_runs() {
            return Some(clock);
        }
        // A node whose clock is ahead must not charge for time that has not passed.
        let charge = charge
            .unwrap_or_default()
            .within(at.since(self.turn_started));
        Some(clock.press(self.turn(), charge))
    }

    fn advance(&mut self, legal: LegalMove) {
        if self.position.is_irreversible(legal) {
            self.keys.clear();
        }
        self.position.play(legal);
        self.keys.push(self.position.key());
    }

    fn fold_takeback(
        &mut self,
        by: Color,
        to: Ply,
        (at, version): (Timestamp, Version),
    ) -> Option<()> {
        if to >= self.ply() {
            return None;
        }
        self.turns.truncate(to.0.into());
        self.position = self.setup.terms.start.clone();
        self.keys = vec![self.position.key()];
        for turn in self.turns.clone() {
            let legal = self.position.legal(turn.mv)?;
            self.advance(legal);
        }
        let remaining = match self.turns.last() {
            Some(turn) => turn.remaining,
            None => Clock::start(self.setup.terms.time_control).map(|clock| clock.remaining()),
        };
        self.clock = self
            .clock
            .zip(remaining)
            .map(|(clock, remaining)| clock.with_remaining(remaining));
        self.turn_started = at;
        self.draw_offer = None;
        self.takeback_offer = None;
        self.last_takeback = Some(version);
        for color in Color::ALL {
            self.tally[color].takeback_offered_at = None;
        }
        let takebacks = &mut self.tally[!by].takebacks;
        *takebacks = takebacks.saturating_add(1);
        Some(())
    }

    /// Stops the running clock: what had passed of the turn is gone.
    fn settle_clock(&mut self, at: Timestamp) {
        let turns = self.turns.len();
        if turns >= 2 {
            let turn = self.turn();
            let spent = at.since(self.turn_started);
            self.clock = self.clock.map(|clock| {
                let mut remaining = clock.remaining();
                remaining[turn] = remaining[turn] - spent;
                clock.with_remaining(remaining)
            });
        }
    }
}
