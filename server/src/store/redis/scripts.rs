//! The scripts, each one round trip and one atomic step: called by hash, sent again to a server that does not know it.

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::LuaInterface;
use fred::types::scripts::Script;
use fred::types::{FromValue, Value};
use zeitnot_game::color::{ByColor, Color};
use zeitnot_game::id::{GameId, Version};
use zeitnot_game::time::{Timestamp, UnixMillis};

use super::clocks::Lease;
use super::driver::connected;
use crate::store::{Appended, Challenge, Seated, Tail};

/// All scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) append: Script,
    pub(super) read: Script,
    pub(super) create: Script,
    pub(super) schedule: Script,
    pub(super) forget: Script,
    pub(super) open_challenge: Script,
    pub(super) challenge: Script,
    pub(super) take_seat: Script,
    pub(super) tick: Script,
    pub(super) say: Script,
    pub(super) note_playing: Script,
    pub(super) revoke: Script,
}

/// A script that begins with `clock.lua`.
macro_rules! dated {
    ($file:literal) => {
        Script::from_lua(concat!(include_str!("clock.lua"), include_str!($file)))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            append: Script::from_lua(include_str!("append.lua")),
            read: Script::from_lua(include_str!("read.lua")),
            create: dated!("create.lua"),
            schedule: dated!("schedule.lua"),
            forget: Script::from_lua(include_str!("forget.lua")),
            open_challenge: Script::from_lua(include_str!("open_challenge.lua")),
            challenge: Script::from_lua(include_str!("challenge.lua")),
            take_seat: dated!("take_seat.lua"),
            tick: Script::from_lua(include_str!("tick.lua")),
            say: Script::from_lua(include_str!("say.lua")),
            note_playing: Script::from_lua(include_str!("note_playing.lua")),
            revoke: Script::from_lua(include_str!("revoke.lua")),
        }
    }

    /// Loads all scripts, so that the first game does not have to.
    pub(super) async fn load(&self, client: &Client) -> Result<(), Error> {
        let scripts = [
            &self.append,
            &self.read,
            &self.create,
            &self.schedule,
            &self.forget,
            &self.open_challenge,
            &self.challenge,
            &self.take_seat,
            &self.tick,
            &self.say,
            &self.note_playing,
            &self.revoke,
        ];
        for script in scripts {
            script.load(client).await?;
        }
        Ok(())
    }
}

/// Runs a script. A server that does not know it has not run it, so that this is the one thing sent twice.
pub(super) async fn run(
    client: &Client,
    script: &Script,
    keys: Vec<String>,
    args: Vec<Value>,
) -> Result<Value, Error> {
    connected(client).await?;
    let first = client
        .evalsha(script.sha1().clone(), keys.clone(), args.clone())
        .await;
    match first {
        Err(error) if error.details().starts_with("NOSCRIPT") => {
            script.load(client).await?;
            client.evalsha(script.sha1().clone(), keys, args).await
        }
        result => result,
    }
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

/// Reads the reply of `tick.lua`: the store's time now, the tick, whether anything is due some time, what is overdue.
pub(super) fn ticked(reply: Value) -> Result<(u64, Lease, bool, Vec<GameId>), Error> {
    let mut words = Words::of(reply);
    let now = words.next()?;
    let lease = Lease {
        wall: words.next()?,
        play: words.next()?,
    };
    let has_due = words.next()?;
    let ids: Vec<String> = words.next()?;
    let ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
    Ok((now, lease, has_due, ids))
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

/// Reads the reply of `append.lua`.
pub(super) fn appended(reply: Value) -> Result<Appended, Error> {
    let mut words = Words::of(reply);
    Ok(match words.next::<String>()?.as_str() {
        "committed" => Appended::Committed {
            version: Version(words.next()?),
            at: Timestamp(words.next()?),
        },
        "early" => Appended::Early {
            at: Timestamp(words.next()?),
        },
        "stale" => Appended::Stale(words.tail()?),
        FENCED => Appended::Fenced,
        _ => return Err(unexpected()),
    })
}

/// Reads the reply of `read.lua`.
pub(super) fn tail(reply: Value) -> Result<Tail, Error> {
    Words::of(reply).tail()
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
        })
    }

    fn color(&mut self) -> Result<Color, Error> {
        self.next::<String>()?.parse().map_err(|_| unexpected())
    }
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Protocol, "unexpected reply of a script")
}
