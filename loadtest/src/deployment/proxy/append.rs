//! How the store's one way to write looks on the line: the call of `server/src/store/redis/append.lua`.

use crate::deployment::resp::Reply;

/// Arguments of an append of one entry, behind its two keys.
const MIN_ARGUMENTS: usize = 13;

/// Whether a command appends to a game's log: a script with the log and what is due in its bucket, and at least one entry.
#[must_use]
pub fn is_append(words: &[&[u8]]) -> bool {
    let [name, _, b"2", log, due, arguments @ ..] = words else {
        return false;
    };
    name.eq_ignore_ascii_case(b"EVALSHA")
        && log.windows(6).any(|part| part == b":game:")
        && due.ends_with(b":due")
        && arguments.len() >= MIN_ARGUMENTS
}

/// Whether the answer to an append says that it was written.
#[must_use]
pub fn is_commit(reply: &Reply) -> bool {
    // The moment of the entry; all else is a list.
    let text = reply.bytes().unwrap_or_default();
    text.first().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_append_is_one() {
        let text =
            "EVALSHA 3f2a 2 {b:17}:game:q7ZwA0bX {b:17}:due 1 2 3 0 first 0 2 aaaaa 0 - - - e2e4";
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        assert!(is_append(&words));
        // `schedule.lua` has the same keys.
        assert!(!is_append(&words[..10]));
        let mut other = words.clone();
        other[3] = b"{b:17}:chat:q7ZwA0bX";
        assert!(!is_append(&other));
        assert!(!is_append(&[]));
    }
}
