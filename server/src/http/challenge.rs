//! Open challenges over HTTP, in the shapes that lichess's clients know.

use axum::Json;
use axum::extract::{Path, State};
use rand::Rng as _;
use serde_json::{Value, json};
use zeitnot_game::clock::TimeControl;
use zeitnot_game::color::Color;
use zeitnot_game::id::GameId;
use zeitnot_game::rules::Position;
use zeitnot_game::setup::Terms;
use zeitnot_game::variant::{Speed, Variant};
use zeitnot_game::wire::{self, ErrorCode};

use super::{LinkBase, Params};
use crate::App;
use crate::address::Address;
use crate::auth::{Caller, Player};
use crate::challenge::{self, Accepted, Open};
use crate::config::Config;
use crate::error::ApiError;
use crate::metrics::Limited;
use crate::quota::Subject;

/// `POST /api/challenge/open`
///
/// # Errors
/// A field is not what it should be, the caller has opened too many, or the store does not answer.
pub async fn open(
    State(app): State<App>,
    (Caller(me), address): (Caller, Address),
    base: LinkBase,
    params: Params,
) -> Result<Json<wire::Challenge>, ApiError> {
    let terms = terms(&params, &app.config)?;
    let who = match &me {
        Some(me) => Subject::User(&me.user.id),
        None => Subject::Address(address),
    };
    app.quotas.take(Limited::Challenges, who).await?;
    let open = challenge::open(&*app.store, terms, app.wall_time()).await?;
    Ok(Json(describe(&open, &base)))
}

/// `GET /api/challenge/{id}`: the same shape.
///
/// # Errors
/// There is no such challenge, or the store does not answer.
pub async fn show(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    base: LinkBase,
) -> Result<Json<wire::Challenge>, ApiError> {
    let open = challenge::find(&*app.store, parse_id(&id)?).await?;
    Ok(Json(describe(&open.ok_or_else(not_found)?, &base)))
}

/// `POST /api/challenge/{id}/accept`
///
/// # Errors
/// The seat is taken, there is no such challenge, or the store does not answer.
pub async fn accept(
    State(app): State<App>,
    Player(verified): Player,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let id = parse_id(&id)?;
    let wish = match params.text("color")? {
        Some("random") => None,
        _ => params.parsed("color")?,
    };
    let player = verified.user.to_player();
    match challenge::accept(&*app.store, id, (&player, wish)).await? {
        Accepted::Seated(_) => Ok(Json(json!({ "ok": true }))),
        Accepted::Taken => Err(ApiError::new(
            ErrorCode::Conflict,
            "this seat is taken, or you have the other one",
        )),
        Accepted::NotFound => Err(not_found()),
    }
}

fn parse_id(text: &str) -> Result<GameId, ApiError> {
    text.parse().map_err(|_| not_found())
}

fn not_found() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is no such challenge")
}

/// What is to be played, from the fields of a request.
pub(crate) fn terms(params: &Params, config: &Config) -> Result<Terms, ApiError> {
    let time_control = time_control(params)?;
    let (variant, start) = position(params)?;
    if params.flag("rated")? {
        let problem = "rated: there are no rated games here, leave it out";
        return Err(ApiError::new(ErrorCode::NotAllowed, problem));
    }
    Ok(Terms {
        variant,
        start,
        time_control,
        rated: false,
        first_move: config.first_move,
        claim_after: config.claim_after,
    })
}

fn time_control(params: &Params) -> Result<TimeControl, ApiError> {
    const LIMIT: &str = "clock.limit";
    const INCREMENT: &str = "clock.increment";
    let limit: Option<u32> = params.parsed(LIMIT)?;
    let increment: Option<u32> = params.parsed(INCREMENT)?;
    let days: Option<u8> = params.parsed("days")?;
    match (limit, increment, days) {
        (None, None, None) => Ok(TimeControl::Unlimited),
        (None, None, Some(days)) => {
            TimeControl::correspondence(days).map_err(|e| ApiError::field("days", e))
        }
        (Some(limit), Some(increment), None) => {
            TimeControl::clock(limit, increment).map_err(|e| ApiError::field("clock", e))
        }
        (None, Some(_), None) => Err(ApiError::field(LIMIT, "missing")),
        (Some(_), None, None) => Err(ApiError::field(INCREMENT, "missing")),
        (_, _, Some(_)) => Err(ApiError::field(
            "days",
            "a game has a clock or days, not both",
        )),
    }
}

fn position(params: &Params) -> Result<(Variant, Position), ApiError> {
    let variant: Variant = params.parsed("variant")?.unwrap_or_default();
    let Some(fen) = params.text("fen")? else {
        return match variant {
            Variant::FromPosition => Err(ApiError::field("fen", "missing")),
            Variant::Chess960 => {
                let number = rand::rng().random_range(0..960);
                Ok((variant, Position::chess960_start(number)))
            }
            _ => Ok((variant, Position::start(variant))),
        };
    };
    let read = |variant| Position::from_fen(variant, fen).map_err(|e| ApiError::field("fen", e));
    match variant {
        Variant::Standard if read(variant)? != Position::start(variant) => {
            Ok((Variant::FromPosition, read(Variant::FromPosition)?))
        }
        _ => Ok((variant, read(variant)?)),
    }
}

fn describe(open: &Open, base: &LinkBase) -> wire::Challenge {
    let Open { id, terms, seats } = open;
    let speed = Speed::of(terms.time_control);
    let rated_as = match terms.variant {
        Variant::Standard | Variant::FromPosition => speed.name(),
        variant => variant.name(),
    };
    let has_usual_start = terms.start == Position::start(terms.variant);
    wire::Challenge {
        id: *id,
        url: format!("{base}/{id}"),
        status: "created".to_owned(),
        challenger: None,
        dest_user: None,
        variant: wire::NamedVariant {
            key: terms.variant,
            name: terms.variant.name().to_owned(),
            short: terms.variant.short().to_owned(),
        },
        rated: terms.rated,
        speed,
        time_control: describe_time(terms.time_control),
        color: wire::ColorChoice::Random,
        final_color: Color::White,
        perf: wire::Perf {
            icon: String::new(),
            name: rated_as.to_owned(),
        },
        open: Some(wire::OpenTo { user_ids: None }),
        initial_fen: (!has_usual_start).then(|| terms.start.fen()),
        url_white: Some(format!("{base}/{id}?color=white")),
        url_black: Some(format!("{base}/{id}?color=black")),
        white: seats.white.as_ref().map(wire::Player::from),
        black: seats.black.as_ref().map(wire::Player::from),
    }
}

fn describe_time(time_control: TimeControl) -> wire::TimeTerms {
    match time_control {
        TimeControl::Clock { limit, increment } => {
            let (limit, increment) = (limit.0 / 1000, increment.0 / 1000);
            wire::TimeTerms::Clock {
                limit,
                increment,
                show: format!("{}+{increment}", minutes(limit)),
            }
        }
        TimeControl::Correspondence { days } => wire::TimeTerms::Correspondence {
            days_per_turn: days,
        },
        TimeControl::Unlimited => wire::TimeTerms::Unlimited,
    }
}

/// Seconds as minutes, as players write them: `3`, `1.5`, `½`.
fn minutes(seconds: u64) -> String {
    match seconds {
        15 => "¼".to_owned(),
        30 => "½".to_owned(),
        45 => "¾".to_owned(),
        _ => {
            let hundredths = seconds % 60 * 100 / 60;
            let text = format!("{}.{hundredths:02}", seconds / 60);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}
