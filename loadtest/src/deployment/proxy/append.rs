//! How the store's one way to write looks on the line: the call of `server/src/store/redis/append.lua`.

use crate::deployment::resp::Reply;

/// Bytes of the numbers that are an append's first argument.
const NUMBERS: usize = 64;

/// Whether a command appends to a game's log: a script with the log and what is due in its bucket, and at least one entry.
#[must_use]
pub fn is_append(words: &[&[u8]]) -> bool {
    let [name, _, b"2", log, due, numbers, _, _, _, _, _, ..] = words else {
        return false;
    };
    name.eq_ignore_ascii_case(b"EVALSHA")
        && log.windows(6).any(|part| part == b":game:")
        && due.ends_with(b":due")
        && numbers.len() == NUMBERS
}

/// Whether the answer to an append says that it was written.
#[must_use]
pub fn is_commit(reply: &Reply) -> bool {
    // The moment of the entry; all else is a list.
    reply.int().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_append_is_one() {
        let keys = "EVALSHA 3f2a 2 {b:17}:game:q7ZwA0bX {b:17}:due";
        let mut words: Vec<&[u8]> = keys.split(' ').map(str::as_bytes).collect();
        // `schedule.lua` has the same keys.
        let schedule = [&words[..], &[b"1", b"2", b"3", b"4", b"60000"]].concat();
        assert!(!is_append(&schedule));
        words.extend([
            &[0; NUMBERS][..],
            b"3",
            b"first",
            b"aaaaa",
            b"5 first ",
            b"e2e4",
        ]);
        assert!(is_append(&words));
        let mut other = words.clone();
        other[3] = b"{b:17}:chat:q7ZwA0bX";
        assert!(!is_append(&other));
        assert!(!is_append(&[]));
    }
}
