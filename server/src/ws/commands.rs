//! What a message asks of a room, and what its answer is on the wire. Nothing is decided here.

use zeitnot_game::clock::Lag;
use zeitnot_game::event::{Command, DrawCommand, OfferCommand, Prize};
use zeitnot_game::game::Rejection;
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::Millis;
use zeitnot_game::wire::{
    Answer, ClaimResult, ClientMsg, DrawAction, ErrorCode, ErrorFrame, OkFrame, ServerMsg,
};

use crate::error::code_of;
use crate::metrics::METRICS;
use crate::play::Refused;
use crate::room::Committed;

/// A command as a message has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) game: GameId,
    pub(super) command: Command,
    pub(super) seen: Option<Version>,
}

/// The command that a message stands for; nothing if it is about something else.
/// A rematch that is agreed on becomes the game `next`.
pub(super) fn wanted(
    msg: &ClientMsg,
    round_trip: Option<Millis>,
    next: impl FnOnce() -> GameId,
) -> Option<Wanted> {
    let (game, command, seen) = match msg {
        ClientMsg::Move(play) => {
            let lag = Lag {
                think: play.think,
                round_trip,
            };
            let command = Command::Play {
                mv: play.uci,
                ply: play.ply,
                lag,
                offers_draw: play.draw == Some(true),
            };
            (play.game, command, play.v)
        }
        ClientMsg::Resign(about) => (about.game, Command::Resign, about.v),
        ClientMsg::Abort(about) => (about.game, Command::Abort, about.v),
        ClientMsg::GiveTime(about) => (about.game, Command::GiveTime, about.v),
        ClientMsg::Draw(draw) => (draw.game, Command::Draw(draw_command(draw.r#do)), draw.v),
        ClientMsg::Takeback(offer) => {
            let command = Command::Takeback(offer_command(offer.r#do));
            (offer.game, command, offer.v)
        }
        ClientMsg::Rematch(offer) => {
            let command = Command::Rematch(offer_command(offer.r#do), next());
            (offer.game, command, offer.v)
        }
        ClientMsg::Claim(claim) => {
            let prize = match claim.r#do {
                ClaimResult::Win => Prize::Win,
                ClaimResult::Draw => Prize::Draw,
            };
            // When the opponent left is for the store to say.
            let command = Command::Claim {
                prize,
                claim_at: None,
            };
            (claim.game, command, claim.v)
        }
        _ => return None,
    };
    Some(Wanted {
        game,
        command,
        seen,
    })
}

const fn offer_command(answer: Answer) -> OfferCommand {
    match answer {
        Answer::Offer => OfferCommand::Offer,
        Answer::Accept => OfferCommand::Accept,
        Answer::Decline => OfferCommand::Decline,
    }
}

const fn draw_command(action: DrawAction) -> DrawCommand {
    match action {
        DrawAction::Offer => DrawCommand::Negotiate(OfferCommand::Offer),
        DrawAction::Accept => DrawCommand::Negotiate(OfferCommand::Accept),
        DrawAction::Decline => DrawCommand::Negotiate(OfferCommand::Decline),
        DrawAction::Claim => DrawCommand::Claim,
    }
}

/// `ok` to what wrote nothing into a log, if the message had an `id`.
pub(super) fn ok(re: Option<i64>) -> Option<ServerMsg> {
    re.map(|re| {
        ServerMsg::Ok(OkFrame {
            re,
            v: None,
            replicated: None,
            expires_at: None,
        })
    })
}

/// `ok` to a command, if the message had an `id`.
pub(super) fn committed(re: Option<i64>, committed: Committed) -> Option<ServerMsg> {
    re.map(|re| {
        ServerMsg::Ok(OkFrame {
            re,
            v: Some(committed.version),
            replicated: committed.is_unreplicated.then_some(false),
            expires_at: None,
        })
    })
}

/// `error`, with or without an `id`.
pub(super) fn error(re: Option<i64>, code: ErrorCode, message: impl Into<String>) -> ServerMsg {
    METRICS.refusals.at(code).inc();
    ServerMsg::Error(ErrorFrame {
        re,
        code,
        message: message.into(),
        retry_after_ms: None,
    })
}

/// `error` for a message too many.
pub(super) fn too_many(re: Option<i64>, retry_after: Millis) -> ServerMsg {
    METRICS.refusals.at(ErrorCode::RateLimited).inc();
    ServerMsg::Error(ErrorFrame {
        re,
        code: ErrorCode::RateLimited,
        message: "too many messages: wait a little".to_owned(),
        retry_after_ms: Some(retry_after),
    })
}

/// `error` for what a room refused.
pub(super) fn refused(re: Option<i64>, refused: Refused) -> ServerMsg {
    let retry_after_ms = match refused {
        Refused::Rejected(Rejection::TooEarly { retry_after }) => Some(retry_after),
        Refused::TooMuch { retry_after } => Some(retry_after),
        Refused::Busy => Some(Millis(500)),
        _ => None,
    };
    let code = code_of(refused);
    METRICS.refusals.at(code).inc();
    ServerMsg::Error(ErrorFrame {
        re,
        code,
        message: refused.to_string(),
        retry_after_ms,
    })
}
