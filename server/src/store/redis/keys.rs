//! The names of keys. Everything that one script touches carries the same bucket, and so lies in one slot of a
//! cluster.

use std::fmt;

use zeitnot_game::id::GameId;

/// Buckets, fixed for ever: what is stored is found by it.
const BUCKETS: u32 = 256;

/// A game's log, a list, and the name of its sharded channel. Shape: `{b:17}:game:q7ZwA0bX`.
pub(super) fn log(id: GameId) -> String {
    format!("{}:game:{id}", Bucket::of(id.as_str()))
}

/// A challenge, a hash. Shape: `{b:17}:challenge:q7ZwA0bX`.
pub(super) fn challenge(id: GameId) -> String {
    format!("{}:challenge:{id}", Bucket::of(id.as_str()))
}

/// The game whose log, and so whose channel, has this name.
pub(super) fn game_of(log: &str) -> Option<GameId> {
    let (_, id) = log.split_once(":game:")?;
    id.parse().ok()
}

/// One of [`BUCKETS`].
struct Bucket(u32);

impl Bucket {
    fn of(id: &str) -> Self {
        Self(fnv1a(id.as_bytes()) % BUCKETS)
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
            assert_eq!(game_of(expected), Some(id));
        }
    }

    #[test]
    fn a_game_and_its_challenge_share_a_bucket() {
        let id = "q7ZwA0bX".parse().unwrap();
        assert_eq!(log(id).replace("game", "challenge"), challenge(id));
    }
}
