//! The small names of things: games, users, entries of a log. Parsed once, at the edge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// The text has not the shape that the type asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not a game's id.
    #[error("a game id is 8 letters or digits")]
    Game,
    /// Not a user's id.
    #[error("a user id is 2 to 30 of a-z, 0-9, _ and -")]
    User,
    /// Not an entry's tag.
    #[error("a tag is 5 letters or digits")]
    Tag,
}

fn alphanumeric<const N: usize>(s: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = s.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_alphanumeric).then_some(bytes)
}

/// The characters that ids and tags are drawn from.
pub const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

macro_rules! alphanumeric_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Takes indices into [`ALPHABET`], each taken modulo its length.
            #[must_use]
            pub fn from_indices(indices: [usize; $len]) -> Self {
                Self(indices.map(|i| ALPHABET[i % ALPHABET.len()]))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                str::from_utf8(&self.0).expect("ids are ASCII")
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(s: &str) -> Result<Self, InvalidId> {
                alphanumeric(s).map(Self).ok_or($error)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

alphanumeric_id! {
    /// Identifies one game for ever. Shape: 8 of `0-9A-Za-z`, e.g. `q7ZwA0bX`.
    GameId, 8, InvalidId::Game
}

alphanumeric_id! {
    /// Marks the entries of one append, and is the append's nonce. Shape: 5 of `0-9A-Za-z`, e.g. `aZ4k9`.
    ///
    /// Equal tags at equal versions mean equal history: every append compared the tag before it.
    Tag, 5, InvalidId::Tag
}

impl Serialize for GameId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GameId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Identifies a user: a guest's is `guest-` and 10 random characters, an account's its name in lower case.
/// Shape: 2 to 30 of `a-z 0-9 _ -`, e.g. `guest-k2x9w0q4ab`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Box<str>);

impl UserId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a guest.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.0.starts_with("guest-")
    }
}

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(s: &str) -> Result<Self, InvalidId> {
        let fits = (2..=30).contains(&s.len())
            && s.bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        fits.then(|| Self(s.into())).ok_or(InvalidId::User)
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidId;

    fn try_from(s: String) -> Result<Self, InvalidId> {
        s.parse()
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many entries a game's log has, or the place of one of them; entry 1 is the set-up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Version(pub u32);

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The last entry of a log, as far as somebody knows it: an append goes after exactly this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// The number of entries.
    pub version: Version,
    /// The last entry's tag.
    pub tag: Tag,
}
