//! The names of keys. Everything that one script touches carries the same bucket, and so lies in one slot of a
//! cluster.

use std::fmt;

use fred::util::redis_keyslot;
use zeitnot_game::id::{GameId, UserId};

use crate::limits::TICK_SLICES;
use crate::store::NodeMark;

/// A game's log, a list, and the name of its sharded channel. Shape: `{b:17}:game:q7ZwA0bX`.
pub(super) fn log(id: GameId) -> String {
    format!("{}:game:{id}", Bucket::of_game(id))
}

/// A challenge, a hash. Shape: `{b:17}:challenge:q7ZwA0bX`.
pub(super) fn challenge(id: GameId) -> String {
    format!("{}:challenge:{id}", Bucket::of_game(id))
}

/// What is said at a game, a list. Shape: `{b:17}:chat:q7ZwA0bX`.
pub(super) fn chat(id: GameId) -> String {
    format!("{}:chat:{id}", Bucket::of_game(id))
}

/// Who is at a game, a hash. Shape: `{b:17}:seats:q7ZwA0bX`.
pub(super) fn seats(id: GameId) -> String {
    format!("{}:seats:{id}", Bucket::of_game(id))
}

/// What a user plays, a hash. Shape: `{b:17}:user:anna:playing`.
pub(super) fn playing(user: &UserId) -> String {
    format!("{}:user:{user}:playing", Bucket::of_user(user))
}

/// What a user seeks. Shape: `{b:17}:user:anna:seek`.
pub(super) fn seek(user: &UserId) -> String {
    format!("{}:user:{user}:seek", Bucket::of_user(user))
}

/// Who waits for a game on certain terms, a sorted set. Shape: `{b:17}:seeks:game1 standard 180+2 casual`.
pub(super) fn pool(pool: &str) -> String {
    format!("{}:seeks:{pool}", Bucket::of_pool(pool))
}

/// What somebody has left of what he may do. Shape: `{b:17}:quota:guests:203.0.113.7`.
pub(super) fn quota(key: &str) -> String {
    format!("{}:quota:{key}", Bucket::of_quota(key))
}

/// The nodes by the play time of their last sign of life, a sorted set.
pub(super) const NODES: &str = "{b:0}:nodes";

/// What they tell of themselves, a hash.
pub(super) const NODES_ABOUT: &str = "{b:0}:nodes:about";

/// The open seeks as they are shown, by the time at which they lapse, a sorted set.
pub(super) const LOBBY: &str = "{b:0}:lobby";

/// The revoked tokens by their expiry, a sorted set, and the name of its channel.
pub(super) const REVOKED: &str = "{b:0}:revoked";

/// The mark of the last revocation.
pub(super) const REVOKED_MARK: &str = "{b:0}:revoked:mark";

/// What has a sharded channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    Game(GameId),
    User(UserId),
    Revoked,
    /// What a node sends to itself through a bucket's master, to know whether it hears what is published there.
    Probe(Bucket, NodeMark),
}

impl Topic {
    /// The name of its channel.
    pub(super) fn channel(&self) -> String {
        match self {
            Self::Game(id) => log(*id),
            Self::User(user) => format!("{}:user:{user}", Bucket::of_user(user)),
            Self::Revoked => REVOKED.to_owned(),
            Self::Probe(bucket, mark) => format!("{bucket}:node:{mark:016x}"),
        }
    }

    /// The bucket by whose master it is published.
    pub(super) fn bucket(&self) -> Bucket {
        match self {
            Self::Game(id) => Bucket::of_game(*id),
            Self::User(user) => Bucket::of_user(user),
            Self::Revoked => Bucket::SHARED,
            Self::Probe(bucket, _) => *bucket,
        }
    }

    /// What has a channel of this name.
    pub(super) fn of(channel: &str) -> Option<Self> {
        if channel == REVOKED {
            return Some(Self::Revoked);
        }
        let (bucket, name) = channel.strip_prefix("{b:")?.split_once("}:")?;
        let (kind, id) = name.split_once(':')?;
        match kind {
            "game" => id.parse().ok().map(Self::Game),
            "user" => id.parse().ok().map(Self::User),
            "node" => {
                let mark = NodeMark::from_str_radix(id, 16).ok()?;
                Some(Self::Probe(Bucket(bucket.parse().ok()?), mark))
            }
            _ => None,
        }
    }
}

/// One of the 256 buckets, fixed for ever: what is stored is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket(u8);

impl Bucket {
    /// How many there are.
    pub(super) const COUNT: usize = 256;

    /// Where the keys lie that there is one of.
    pub(super) const SHARED: Self = Self(0);

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }

    pub(super) fn of_game(id: GameId) -> Self {
        Self::of(id.as_str())
    }

    pub(super) fn of_user(user: &UserId) -> Self {
        Self::of(user.as_str())
    }

    pub(super) fn of_pool(pool: &str) -> Self {
        Self::of(pool)
    }

    pub(super) fn of_quota(key: &str) -> Self {
        Self::of(key)
    }

    fn of(id: &str) -> Self {
        // Modulo 256.
        let [lowest, ..] = fnv1a(id.as_bytes()).to_le_bytes();
        Self(lowest)
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Its slot in a cluster.
    pub(super) fn slot(self) -> u16 {
        redis_keyslot(self.to_string().as_bytes())
    }

    /// The part of a second in which it ticks.
    pub(super) fn slice(self) -> u32 {
        u32::from(self.0) % TICK_SLICES
    }

    /// Its play clock, a hash.
    pub(super) fn clock(self) -> String {
        format!("{self}:clock")
    }

    /// When somebody must look at its games, a sorted set.
    pub(super) fn due(self) -> String {
        format!("{self}:due")
    }
}

impl fmt::Display for Bucket {
    /// As the hash tag of a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{b:{}}}", self.0)
    }
}

/// FNV-1a with 32 bits, <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        let cases = [
            ("", 0x811c_9dc5),
            ("a", 0xe40c_292c),
            ("foobar", 0xbf9c_f968),
        ];
        for (text, expected) in cases {
            assert_eq!(fnv1a(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn keys_never_change() {
        let cases = [
            ("q7ZwA0bX", "{b:121}:game:q7ZwA0bX"),
            ("00000000", "{b:229}:game:00000000"),
            ("zzzzzzzz", "{b:133}:game:zzzzzzzz"),
        ];
        for (id, expected) in cases {
            let id = id.parse().unwrap();
            assert_eq!(log(id), expected);
            assert_eq!(Topic::of(expected), Some(Topic::Game(id)));
        }
    }

    #[test]
    fn what_belongs_to_a_game_shares_its_bucket() {
        let id = "q7ZwA0bX".parse().unwrap();
        assert_eq!(challenge(id), log(id).replace("game", "challenge"));
        assert_eq!(chat(id), log(id).replace("game", "chat"));
        assert_eq!(seats(id), log(id).replace("game", "seats"));
        let bucket = Bucket::of_game(id);
        assert_eq!(bucket.due(), "{b:121}:due");
        assert_eq!(bucket.clock(), "{b:121}:clock");
    }

    #[test]
    fn a_bucket_has_the_slot_that_a_cluster_gives_its_keys() {
        // As `CLUSTER KEYSLOT` tells.
        for (bucket, slot) in [(0, 10_502), (17, 1742), (255, 11_854)] {
            assert_eq!(Bucket(bucket).slot(), slot, "{bucket}");
        }
    }

    #[test]
    fn a_channel_tells_its_topic() {
        let topics = [
            Topic::Game("q7ZwA0bX".parse().unwrap()),
            Topic::User("guest-k2x9w0q4ab".parse().unwrap()),
            Topic::Revoked,
            Topic::Probe(Bucket(17), 0xfeed),
        ];
        for topic in topics {
            assert_eq!(Topic::of(&topic.channel()), Some(topic));
        }
        for other in [
            "",
            "{b:1}:due",
            "{b:1}:user:anna:playing",
            "{b:1}:game:x",
            "{b:256}:node:1",
        ] {
            assert_eq!(Topic::of(other), None, "{other}");
        }
    }
}
