//! Open challenges as rows. One that has lapsed counts as none; it is deleted when the next one is opened.

use sqlx::{SqliteConnection, SqliteExecutor};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::GameId;
use zeitnot_game::time::UnixMillis;

use super::clock::Moment;
use super::{log, number};
use crate::store::{Challenge, Create, Seated, TakeSeat};

const GET: &str = "SELECT terms, white, black, expires FROM challenge WHERE id = ? AND expires > ?";
const PUT: &str =
    "INSERT OR REPLACE INTO challenge (id, terms, white, black, expires) VALUES (?, ?, ?, ?, ?)";
const DELETE: &str = "DELETE FROM challenge WHERE id = ?";
const DELETE_LAPSED: &str = "DELETE FROM challenge WHERE expires <= ?";

/// Opens a challenge; says whether the id was free, or taken by the same terms.
pub(super) async fn open(
    connection: &mut SqliteConnection,
    id: GameId,
    challenge: &Challenge,
    now: Moment,
) -> sqlx::Result<bool> {
    sqlx::query(DELETE_LAPSED)
        .bind(number(now.unix.0))
        .execute(&mut *connection)
        .await?;
    if log::first(&mut *connection, id).await?.is_some() {
        return Ok(false);
    }
    if let Some(mut open) = get(&mut *connection, id, now.unix).await? {
        let is_same = open.terms == challenge.terms;
        if is_same && open.expires < challenge.expires {
            open.expires = challenge.expires;
            put(connection, id, &open).await?;
        }
        return Ok(is_same);
    }
    put(connection, id, challenge).await?;
    Ok(true)
}

/// Closes a challenge; says whether it is none any more, and no game either.
pub(super) async fn close(connection: &mut SqliteConnection, id: GameId) -> sqlx::Result<bool> {
    if log::first(&mut *connection, id).await?.is_some() {
        return Ok(false);
    }
    sqlx::query(DELETE)
        .bind(id.as_str())
        .execute(connection)
        .await?;
    Ok(true)
}

pub(super) async fn get(
    executor: impl SqliteExecutor<'_>,
    id: GameId,
    now: UnixMillis,
) -> sqlx::Result<Option<Challenge>> {
    type Row = (String, Option<String>, Option<String>, i64);
    let row: Option<Row> = sqlx::query_as(GET)
        .bind(id.as_str())
        .bind(number(now.0))
        .fetch_optional(executor)
        .await?;
    Ok(row.map(|(terms, white, black, expires)| Challenge {
        terms,
        seats: ByColor { white, black },
        expires: UnixMillis(expires.unsigned_abs()),
    }))
}

/// Takes a seat; with the second one the challenge becomes a game.
pub(super) async fn take_seat(
    connection: &mut SqliteConnection,
    id: GameId,
    wish: &TakeSeat,
    now: Moment,
) -> sqlx::Result<Seated> {
    if let Some(first) = log::first(&mut *connection, id).await? {
        return Ok(match held_seat(&seats_of_game(&first), wish) {
            Some(Ok(color)) => Seated::Begun(color),
            Some(Err(OtherSeat)) => Seated::Taken,
            None => Seated::NotFound,
        });
    }
    let Some(mut challenge) = get(&mut *connection, id, now.unix).await? else {
        return Ok(Seated::NotFound);
    };
    match held_seat(&challenge.seats, wish) {
        Some(Ok(color)) => return Ok(Seated::Waiting(color)),
        Some(Err(OtherSeat)) => return Ok(Seated::Taken),
        None => {}
    }
    let Some(color) = free_seat(&challenge.seats, wish) else {
        return Ok(Seated::Taken);
    };
    challenge.seats[color] = Some(wish.player.clone());
    let other = &mut challenge.seats[!color];
    *other = other.take().or_else(|| wish.opponent.clone());
    let (Some(white), Some(black)) = (&challenge.seats.white, &challenge.seats.black) else {
        put(connection, id, &challenge).await?;
        return Ok(Seated::Waiting(color));
    };
    let create = Create {
        body: format!("{} white:{white} black:{black}", challenge.terms),
        tag: wish.tag,
        due_in: wish.due_in,
    };
    log::insert_first(&mut *connection, id, &create, now).await?;
    sqlx::query(DELETE)
        .bind(id.as_str())
        .execute(connection)
        .await?;
    Ok(Seated::Begun(color))
}

async fn put(
    connection: &mut SqliteConnection,
    id: GameId,
    challenge: &Challenge,
) -> sqlx::Result<()> {
    sqlx::query(PUT)
        .bind(id.as_str())
        .bind(&challenge.terms)
        .bind(&challenge.seats.white)
        .bind(&challenge.seats.black)
        .bind(number(challenge.expires.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// The players as entry 1 names them.
fn seats_of_game(first: &str) -> ByColor<Option<String>> {
    let player = |key| {
        let word = first.split(' ').find_map(|word| word.strip_prefix(key));
        word.map(str::to_owned)
    };
    ByColor {
        white: player("white:"),
        black: player("black:"),
    }
}

/// The user holds a seat, but not the one that was asked for.
struct OtherSeat;

/// The seat that the user of `wish` holds, if it has one.
fn held_seat(seats: &ByColor<Option<String>>, wish: &TakeSeat) -> Option<Result<Color, OtherSeat>> {
    let user = user_of(&wish.player);
    let is_users = |color: &Color| seats[*color].as_deref().map(user_of) == Some(user);
    let color = Color::ALL.into_iter().find(is_users)?;
    let is_fine = color == wish.color || wish.or_other;
    Some(if is_fine { Ok(color) } else { Err(OtherSeat) })
}

fn free_seat(seats: &ByColor<Option<String>>, wish: &TakeSeat) -> Option<Color> {
    let other = wish.or_other.then_some(!wish.color);
    [Some(wish.color), other]
        .into_iter()
        .flatten()
        .find(|&color| seats[color].is_none())
}

fn user_of(player: &str) -> &str {
    player.split(':').next().unwrap_or(player)
}
