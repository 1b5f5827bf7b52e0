//! The scripts, each one round trip and one atomic step, called by hash.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::scripts::Script;
use fred::types::{FromValue, InfoKind, Value};
use futures_util::future::join_all;
use tokio::time::timeout;
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::{Timestamp, UnixMillis};

use super::clocks::{Lease, Process};
use super::driver::{Access, info_field};
use super::presence;
use crate::limits::STORE_TIMEOUT;
use crate::store::{Appended, Challenge, Healed, NodeMark, Seated, Seats, Seeker, Tail};

/// All scripts, as they are loaded into one Redis process.
///
/// Those that depend on the time, or on nothing having been lost, carry the process's run id, and with it hash to another
/// name: no other process knows them. So what was meant for one process is never run by the one that took its place,
/// neither by accident nor late, and a caller that is told `NOSCRIPT` knows that it has to look.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) process: Process,
    pub(super) append: Script,
    pub(super) create: Script,
    pub(super) schedule: Script,
    pub(super) take_seat: Script,
    pub(super) tick: Script,
    pub(super) heal: Script,
    pub(super) seats: Script,
    pub(super) lease: Script,
    pub(super) read: Script,
    pub(super) forget: Script,
    pub(super) open_challenge: Script,
    pub(super) challenge: Script,
    pub(super) close_challenge: Script,
    pub(super) meet: Script,
    pub(super) say: Script,
    pub(super) note_playing: Script,
    pub(super) revoke: Script,
    pub(super) take: Script,
}

impl Scripts {
    /// Loads all scripts into the process that answers now.
    pub(super) async fn load(access: &Access) -> Result<Self, Error> {
        let client = access.visit().await?;
        let loaded = Self::load_on(&client).await;
        // It answered, or it is gone: either way nothing more is asked.
        let _ = timeout(STORE_TIMEOUT, client.quit()).await;
        loaded
    }

    async fn load_on(client: &Client) -> Result<Self, Error> {
        let info: String = client.info(Some(InfoKind::Server)).await?;
        let scripts = Self::of(info_field(&info, "run_id").ok_or_else(unexpected)?);
        join_all(scripts.all().map(|script| script.load(client)))
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        Ok(scripts)
    }

    fn of(process: &str) -> Self {
        let bound = |text: &str| {
            #[cfg(feature = "breakages")]
            let text = &crate::breakage::edit(text);
            Script::from_lua(format!("local RUN = '{process}'\n{text}"))
        };
        let dated = |text: &str| bound(&format!("{}{text}", include_str!("clock.lua")));
        let free = |text: &'static str| Script::from_lua(text);
        Self {
            append: bound(include_str!("append.lua")),
            create: dated(include_str!("create.lua")),
            schedule: dated(include_str!("schedule.lua")),
            take_seat: dated(include_str!("take_seat.lua")),
            tick: bound(include_str!("tick.lua")),
            heal: bound(include_str!("heal.lua")),
            seats: dated(include_str!("seats.lua")),
            lease: dated(include_str!("lease.lua")),
            read: bound(include_str!("read.lua")),
            forget: free(include_str!("forget.lua")),
            open_challenge: free(include_str!("open_challenge.lua")),
            challenge: free(include_str!("challenge.lua")),
            close_challenge: free(include_str!("close_challenge.lua")),
            meet: free(include_str!("meet.lua")),
            say: free(include_str!("say.lua")),
            note_playing: free(include_str!("note_playing.lua")),
            revoke: free(include_str!("revoke.lua")),
            take: free(include_str!("take.lua")),
            process: process.into(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Script> {
        [
            &self.append,
            &self.create,
            &self.schedule,
            &self.take_seat,
            &self.tick,
            &self.heal,
            &self.seats,
            &self.lease,
            &self.read,
            &self.forget,
            &self.open_challenge,
            &self.challenge,
            &self.close_challenge,
            &self.meet,
            &self.say,
            &self.note_playing,
            &self.revoke,
            &self.take,
        ]
        .into_iter()
    }
}

/// Whether the process that was asked does not know the script, and so has not run it.
pub(super) fn is_unknown(error: &Error) -> bool {
    error.details().starts_with("NOSCRIPT")
}

/// The reply of a script whose caller knows too little of the time.
const FENCED: &str = "fenced";

/// Whether a script wants a newer tick.
pub(super) fn is_fenced(reply: &Value) -> bool {
    let word = match reply {
        Value::Array(words) => words.first().and_then(Value::as_str),
        _ => None,
    };
    word.as_deref() == Some(FENCED)
}

/// What `tick.lua` tells of a bucket.
pub(super) struct Ticked {
    wall: u64,
    play: u64,
    /// For how long the bucket heals, in milliseconds.
    healing: u64,
    /// Whether any game is due some time.
    pub(super) has_due: bool,
    pub(super) overdue: Vec<GameId>,
    /// Those of the logs that were asked for.
    pub(super) lengths: Vec<Version>,
}

impl Ticked {
    /// The lease that this process gave with it.
    pub(super) fn lease(&self, process: &Process) -> Lease {
        Lease {
            wall: self.wall,
            play: self.play,
            healing: self.healing,
            process: Arc::clone(process),
        }
    }
}

/// Reads the reply of `tick.lua`: the store's time, in milliseconds, and what there is to tell of each bucket.
pub(super) fn ticked(reply: Value) -> Result<(u64, Vec<Ticked>), Error> {
    let text: String = reply.convert()?;
    let mut lines = text.split('\n');
    let now = lines.next().and_then(|now| now.parse().ok());
    let buckets = lines.map(ticked_one).collect::<Option<_>>();
    now.zip(buckets).ok_or_else(unexpected)
}

fn ticked_one(line: &str) -> Option<Ticked> {
    let mut lists = line.split(',');
    let mut numbers = lists.next()?.split(' ').map(str::parse);
    let mut number = || numbers.next()?.ok();
    let (wall, play, healing, has_due) = (number()?, number()?, number()?, number()? == 1);
    let overdue = lists.next()?.split_whitespace();
    let lengths = lists.next()?.split_whitespace();
    Some(Ticked {
        wall,
        play,
        healing,
        has_due,
        overdue: overdue.filter_map(|id| id.parse().ok()).collect(),
        lengths: lengths
            .map(|length| length.parse().ok().map(Version))
            .collect::<Option<_>>()?,
    })
}

/// What became of the attempt of `heal.lua`.
pub(super) fn healed(reply: Value) -> Result<Healed, Error> {
    match reply.convert::<String>()?.as_str() {
        "healed" => Ok(Healed::Whole),
        "stale" => Ok(Healed::Stale),
        "refused" => Ok(Healed::Refused),
        _ => Err(unexpected()),
    }
}

/// Reads the reply of `create.lua`: whether the log is the caller's.
pub(super) fn created(reply: Value) -> Result<bool, Error> {
    match Words::of(reply).next::<String>()?.as_str() {
        "created" => Ok(true),
        "exists" => Ok(false),
        _ => Err(unexpected()),
    }
}

/// Reads the reply of `schedule.lua`.
pub(super) fn scheduled(reply: Value) -> Result<(), Error> {
    match Words::of(reply).next::<String>()?.as_str() {
        "done" => Ok(()),
        _ => Err(unexpected()),
    }
}

/// Reads the reply of `append.lua`: what became of it, and whether nobody was told of it. `version` is that of its last
/// entry.
pub(super) fn appended(reply: Value, version: Version) -> Result<(Appended, bool), Error> {
    if let Value::Integer(at) = reply {
        let is_unheard = at < 0;
        let at = if is_unheard { -1 - at } else { at };
        let at = Timestamp(at.cast_unsigned());
        return Ok((Appended::Committed { version, at }, is_unheard));
    }
    let mut words = Words::of(reply);
    let appended = match words.next::<String>()?.as_str() {
        "early" => Appended::Early {
            at: Timestamp(words.next()?),
        },
        "stale" => Appended::Stale(words.tail()?),
        _ => return Err(unexpected()),
    };
    Ok((appended, false))
}

/// Reads the reply of `seats.lua`.
pub(super) fn seats(reply: Value, me: NodeMark) -> Result<Seats, Error> {
    let mut words = Words::of(reply);
    match words.next::<String>()?.as_str() {
        "seats" => presence::parse(&words.next::<String>()?, me).ok_or_else(unexpected),
        _ => Err(unexpected()),
    }
}

/// A node as `lease.lua` tells of it.
#[derive(Debug)]
pub(super) struct Leased {
    pub(super) node: NodeMark,
    /// In ms, since it was heard of.
    pub(super) age: u64,
    /// What it told of itself.
    pub(super) about: String,
}

/// Reads the reply of `lease.lua`: the nodes, with the milliseconds since each was heard of; nothing if the tick was too old.
pub(super) fn leases(reply: Value) -> Result<Option<Vec<Leased>>, Error> {
    if is_fenced(&reply) {
        return Ok(None);
    }
    let mut words = Words::of(reply);
    let _: String = words.next()?;
    let known: Vec<String> = words.next()?;
    let read = |words: &[String]| {
        Some(Leased {
            node: NodeMark::from_str_radix(&words[0], 16).ok()?,
            age: words[1].parse().ok()?,
            about: words[2].clone(),
        })
    };
    let leases = known.chunks_exact(3).map(read).collect::<Option<_>>();
    leases.map(Some).ok_or_else(unexpected)
}

/// Reads the reply of `read.lua`.
pub(super) fn tail(reply: Value) -> Result<Tail, Error> {
    let mut words = Words::of(reply);
    let mut tail = words.tail()?;
    tail.heals_for = Duration::from_millis(words.next()?);
    Ok(tail)
}

/// Reads the reply of `challenge.lua`.
pub(super) fn challenge(reply: Value) -> Result<Option<Challenge>, Error> {
    let mut words = Words::of(reply);
    if words.is_empty() {
        return Ok(None);
    }
    let expires = UnixMillis(words.next()?);
    let (mut terms, mut seats) = (None, ByColor::default());
    while !words.is_empty() {
        let (field, value): (String, String) = (words.next()?, words.next()?);
        match field.as_str() {
            "terms" => terms = Some(value),
            field => {
                let color: Color = field.parse().map_err(|_| unexpected())?;
                seats[color] = Some(value);
            }
        }
    }
    Ok(Some(Challenge {
        terms: terms.ok_or_else(unexpected)?,
        seats,
        expires,
    }))
}

/// Reads the reply of `meet.lua`.
pub(super) fn met(reply: Value) -> Result<Option<Seeker>, Error> {
    let found: Option<String> = reply.convert()?;
    found
        .map(|text| parse_seeker(&text).ok_or_else(unexpected))
        .transpose()
}

/// Shape: `q7ZwA0bX anna:Anna white`, without the color where any will do.
pub(super) fn seeker(seeker: &Seeker) -> String {
    let color = seeker.color.map_or("", Color::as_str);
    format!("{} {} {color}", seeker.id, seeker.player)
}

fn parse_seeker(text: &str) -> Option<Seeker> {
    let mut words = text.split(' ');
    Some(Seeker {
        id: words.next()?.parse().ok()?,
        player: words.next()?.to_owned(),
        color: match words.next()? {
            "" => None,
            color => Some(color.parse().ok()?),
        },
    })
}

/// Reads the reply of `take_seat.lua`.
pub(super) fn seated(reply: Value) -> Result<Seated, Error> {
    let mut words = Words::of(reply);
    Ok(match words.next::<String>()?.as_str() {
        "waiting" => Seated::Waiting(words.color()?),
        "begun" => Seated::Begun(words.color()?),
        "taken" => Seated::Taken,
        "not-found" => Seated::NotFound,
        _ => return Err(unexpected()),
    })
}

/// The elements of a reply, in order.
struct Words(std::vec::IntoIter<Value>);

impl Words {
    fn of(reply: Value) -> Self {
        Self(reply.into_array().into_iter())
    }

    fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn next<T: FromValue>(&mut self) -> Result<T, Error> {
        self.0.next().ok_or_else(unexpected)?.convert()
    }

    fn tail(&mut self) -> Result<Tail, Error> {
        Ok(Tail {
            since: Version(self.next()?),
            lines: self.next()?,
            heals_for: Duration::ZERO,
        })
    }

    fn color(&mut self) -> Result<Color, Error> {
        self.next::<String>()?.parse().map_err(|_| unexpected())
    }
}

pub(super) fn unexpected() -> Error {
    Error::new(ErrorKind::Protocol, "unexpected reply of a script")
}
