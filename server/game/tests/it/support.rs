//! A table to play test games at: 3+2 between two guests, SAN, and time that moves only when it is told to.

use zeitnot_game::clock::{Lag, TimeControl};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::entry::Entry;
use zeitnot_game::event::{Asked, Command, Event, Ply};
use zeitnot_game::game::{Decision, Game, Rejection};
use zeitnot_game::id::{Tag, Version};
use zeitnot_game::rules::{Position, San};
use zeitnot_game::setup::{DEFAULT_CLAIM_AFTER, DEFAULT_FIRST_MOVE, Player, Setup, Terms};
use zeitnot_game::time::{Millis, Timestamp};
use zeitnot_game::variant::Variant;

pub(crate) const CREATED: u64 = 1_795_352_223_456;

/// A game and the moment that it is at.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) game: Game,
    pub(crate) now: Timestamp,
    appends: usize,
}

pub(crate) fn terms(variant: Variant, time_control: TimeControl) -> Terms {
    Terms {
        variant,
        start: Position::start(variant),
        time_control,
        rated: false,
        first_move: DEFAULT_FIRST_MOVE,
        claim_after: DEFAULT_CLAIM_AFTER,
    }
}

pub(crate) fn clock(limit_secs: u32, increment_secs: u32) -> TimeControl {
    TimeControl::clock(limit_secs, increment_secs).unwrap()
}

pub(crate) fn player(id: &str, name: &str) -> Player {
    Player {
        id: id.parse().unwrap(),
        name: name.into(),
    }
}

pub(crate) fn first_line(terms: Terms) -> String {
    let players = ByColor {
        white: player("guest-k2x9w0q4ab", "Anna"),
        black: player("guest-0aab12cd34", "Bo B."),
    };
    format!(
        "{} created:{CREATED} 1795352223000 aZ4k9",
        Setup { terms, players }
    )
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::on(clock(180, 2))
    }

    pub(crate) fn on(time_control: TimeControl) -> Self {
        Self::with(terms(Variant::Standard, time_control))
    }

    pub(crate) fn from_fen(variant: Variant, fen: &str) -> Self {
        let start = Position::from_fen(variant, fen).unwrap();
        Self::with(Terms {
            start,
            ..terms(variant, clock(180, 2))
        })
    }

    pub(crate) fn with(terms: Terms) -> Self {
        Self {
            game: Game::begin(&first_line(terms)).unwrap(),
            now: Timestamp(0),
            appends: 0,
        }
    }

    /// Plays these moves at once, by whose turn it is.
    pub(crate) fn after(mut self, sans: &str) -> Self {
        for san in sans.split_whitespace() {
            self.play(self.game.turn(), san).unwrap();
        }
        self
    }

    pub(crate) fn wait(mut self, span: Millis) -> Self {
        self.now = self.now + span;
        self
    }

    pub(crate) fn play(&mut self, by: Color, san: &str) -> Result<Vec<Event>, Rejection> {
        self.play_with(by, san, Lag::default())
    }

    pub(crate) fn play_with(
        &mut self,
        by: Color,
        san: &str,
        lag: Lag,
    ) -> Result<Vec<Event>, Rejection> {
        let command = self.move_of(san, lag);
        self.ask(by, command)
    }

    pub(crate) fn move_of(&self, san: &str, lag: Lag) -> Command {
        let position = self.game.position();
        let legal = position.legal_san(san.parse::<San>().unwrap());
        let mv = legal.map(|legal| position.uci(legal));
        Command::Play {
            mv: mv.unwrap_or_else(|| san.parse().unwrap_or_else(|_| panic!("{san} is a move"))),
            ply: self.game.ply(),
            lag,
            offers_draw: false,
        }
    }

    /// Decides, and commits what comes of it, now. A command that comes after the time was up ends the game.
    pub(crate) fn ask(&mut self, by: Color, command: Command) -> Result<Vec<Event>, Rejection> {
        let events = match self.decide(by, command, None)? {
            Decision::Append { events, not_before } => {
                assert!(not_before.is_none_or(|moment| moment <= self.now));
                events
            }
            Decision::Done(version) => panic!("{command:?} was done before, at {version}"),
            Decision::TimeIsUp(deadline) => {
                assert!(deadline.at <= self.now);
                vec![deadline.event()]
            }
        };
        self.commit(&events);
        Ok(events)
    }

    pub(crate) fn decide(
        &self,
        by: Color,
        command: Command,
        seen: Option<u32>,
    ) -> Result<Decision, Rejection> {
        self.game.decide(&Asked {
            by,
            command,
            seen: seen.map(Version),
            received: self.now,
        })
    }

    /// Appends events as the store does: with one moment and one tag.
    pub(crate) fn commit(&mut self, events: &[Event]) {
        self.appends += 1;
        let n = self.appends;
        let tag = Tag::from_indices([n, n / 62, n / 3844, 7, 7]);
        for &event in events {
            self.game.evolve(&Entry::new(event, self.now, tag));
        }
        assert!(self.game.is_readable());
    }

    pub(crate) fn version(&self) -> u32 {
        self.game.version().0
    }

    pub(crate) fn ply(&self) -> Ply {
        self.game.ply()
    }

    /// What both sides have left now, in ms.
    pub(crate) fn left(&self) -> (u64, u64) {
        let remaining = self.game.remaining_at(self.now).unwrap();
        (remaining.white.0, remaining.black.0)
    }

    /// The log as the store has it.
    pub(crate) fn lines(&self) -> Vec<String> {
        (1..=self.game.head().version.0)
            .map(|v| self.game.log().line(Version(v)).unwrap().to_owned())
            .collect()
    }
}
