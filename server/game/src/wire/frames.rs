//! Frames made of a game: its snapshot, and one frame for each entry of its log.

use super::client::{Answer, DrawAction};
use super::game::{
    Clock, DrawFrame, EndFrame, Lag, MoveFrame, RematchFrame, Snapshot, TakebackFrame, TimeFrame,
};
use super::meeting::Player;
use super::server::{ErrorCode, ServerMsg};
use crate::clock::{Charge, TimeControl};
use crate::color::Color;
use crate::entry::Entry;
use crate::event::Event;
use crate::game::{Game, Rejection};
use crate::id::GameId;
use crate::outcome::Outcome;
use crate::rules::Position;
use crate::setup;
use crate::time::Timestamp;
use crate::variant::Speed;

impl From<&setup::Player> for Player {
    fn from(player: &setup::Player) -> Self {
        Self {
            guest: player.id.is_guest(),
            id: player.id.clone(),
            name: player.name.to_string(),
            title: None,
            rating: None,
            provisional: None,
        }
    }
}

impl Rejection {
    /// The word on the wire.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotYourTurn => ErrorCode::NotYourTurn,
            Self::IllegalMove => ErrorCode::IllegalMove,
            Self::Stale => ErrorCode::Stale,
            Self::GameOver => ErrorCode::GameOver,
            Self::NotAllowed(_) | Self::TooEarly { .. } => ErrorCode::NotAllowed,
            Self::Unreadable => ErrorCode::Unavailable,
        }
    }
}

/// The clock as of `now`; none without one.
#[must_use]
pub fn clock_at(game: &Game, now: Timestamp) -> Option<Clock> {
    let TimeControl::Clock { limit, increment } = game.setup().terms.time_control else {
        return None;
    };
    let remaining = game.remaining_at(now)?;
    Some(Clock {
        initial: limit,
        increment,
        white: remaining.white,
        black: remaining.black,
        running: game.running(),
    })
}

impl Snapshot {
    /// The whole of a game at `now`, for a reader without a seat, without presence and chat.
    #[must_use]
    pub fn of(id: GameId, game: &Game, now: Timestamp) -> Self {
        let terms = &game.setup().terms;
        let players = &game.setup().players;
        let moves: Vec<String> = game
            .turns()
            .iter()
            .map(|turn| turn.mv.to_string())
            .collect();
        Self {
            game: id,
            v: game.version(),
            reset: None,
            variant: terms.variant,
            speed: Speed::of(terms.time_control),
            rated: terms.rated,
            initial_fen: terms.start.fen(),
            moves: moves.join(" "),
            fen: game.position().fen(),
            ply: game.ply(),
            turn: game.turn(),
            white: Some((&players.white).into()),
            black: Some((&players.black).into()),
            clock: clock_at(game, now),
            days: match terms.time_control {
                TimeControl::Correspondence { days } => Some(days),
                TimeControl::Clock { .. } | TimeControl::Unlimited => None,
            },
            move_by: game.move_by(),
            status: game.status(),
            winner: game.outcome().and_then(Outcome::winner),
            reason: game.outcome().and_then(Outcome::reason),
            draw_offer: game.draw_offer().map(|offer| offer.by),
            takeback_offer: game.takeback_offer().map(|offer| offer.by),
            rematch_offer: game.rematch_offer().map(|offer| offer.by),
            next: game.next(),
            seat: None,
            presence: None,
            watchers: 0,
            created_at: game.created(),
            at: game.at(),
            now,
            chat: Vec::new(),
        }
    }
}

/// What a frame has to know of the game before its entry.
#[derive(Debug, Clone)]
pub struct Before {
    position: Position,
    turn_started: Timestamp,
}

impl Before {
    /// The game as it is now, before it goes on.
    #[must_use]
    pub fn of(game: &Game) -> Self {
        Self {
            position: game.position().clone(),
            turn_started: game.turn_started(),
        }
    }
}

/// The frame of the entry that `game` folded in last. Nothing for an entry that this build does not understand.
#[must_use]
pub fn frame_of(
    id: GameId,
    (before, game): (&Before, &Game),
    entry: &Entry,
    now: Timestamp,
) -> Option<ServerMsg> {
    if !game.is_readable() {
        return None;
    }
    let (v, at) = (game.version(), entry.at());
    let draw = |by, r#do| {
        ServerMsg::Draw(DrawFrame {
            game: id,
            v,
            by,
            r#do,
        })
    };
    Some(match entry.event()? {
        Event::Played { charge, .. } => move_frame(id, (before, game), (charge, at, now))?,
        Event::DrawOffered(by) => draw(by, DrawAction::Offer),
        Event::DrawDeclined(by) => draw(by, DrawAction::Decline),
        Event::TakebackOffered(by) => takeback(id, game, (by, Answer::Offer)),
        Event::TakebackDeclined(by) => takeback(id, game, (by, Answer::Decline)),
        Event::TakenBack { by, to } => ServerMsg::Takeback(TakebackFrame {
            game: id,
            v,
            by,
            r#do: Answer::Accept,
            ply: Some(to),
            fen: Some(game.position().fen()),
            clock: Some(clock_at(game, now)),
            at: Some(at),
            now: Some(now),
            move_by: game.move_by(),
        }),
        Event::TimeGiven { to, amount } => ServerMsg::Time(TimeFrame {
            game: id,
            v,
            to,
            ms: amount,
            clock: clock_at(game, now),
            at,
            now,
        }),
        Event::Ended { outcome, .. } => ServerMsg::End(EndFrame {
            game: id,
            v,
            status: outcome.status(),
            winner: outcome.winner(),
            reason: outcome.reason(),
            clock: clock_at(game, now),
            at,
            now,
        }),
        Event::RematchOffered(by) => rematch(id, game, (by, Answer::Offer)),
        Event::RematchDeclined(by) => rematch(id, game, (by, Answer::Decline)),
        Event::RematchAccepted { by, .. } => rematch(id, game, (by, Answer::Accept)),
    })
}

fn move_frame(
    id: GameId,
    (before, game): (&Before, &Game),
    (charge, at, now): (Option<Charge>, Timestamp, Timestamp),
) -> Option<ServerMsg> {
    let mv = game.turns().last()?.mv;
    let legal = before.position.legal(mv)?;
    // As it was charged: never for longer than until the move's own commit.
    let charge = charge.map(|charge| charge.within(at.since(before.turn_started)));
    Some(ServerMsg::Move(MoveFrame {
        game: id,
        v: game.version(),
        ply: game.ply(),
        uci: mv,
        san: before.position.san(legal).to_string(),
        fen: game.position().fen(),
        clock: clock_at(game, now),
        at,
        now,
        lag: charge.map(|charge| Lag {
            elapsed: charge.elapsed,
            compensated: charge.compensated,
        }),
        move_by: game.move_by(),
    }))
}

fn takeback(id: GameId, game: &Game, (by, r#do): (Color, Answer)) -> ServerMsg {
    ServerMsg::Takeback(TakebackFrame {
        game: id,
        v: game.version(),
        by,
        r#do,
        ply: None,
        fen: None,
        clock: None,
        at: None,
        now: None,
        move_by: None,
    })
}

fn rematch(id: GameId, game: &Game, (by, r#do): (Color, Answer)) -> ServerMsg {
    ServerMsg::Rematch(RematchFrame {
        game: id,
        v: game.version(),
        by,
        r#do,
        next: game.next(),
    })
}
