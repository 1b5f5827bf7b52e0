//! RESP2, the language of Redis (redis.io, "Redis serialization protocol specification"): replies, and commands, which
//! are arrays of bulk strings.

use std::fmt;

/// Bytes of one reply or command: more than any of ours, and than anything that a test should wait for.
const MAX_LENGTH: usize = 64 << 20;

/// Arrays in arrays.
const MAX_DEPTH: usize = 8;

/// What Redis answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`
    Simple(String),
    /// `-NOSCRIPT No matching script`
    Error(String),
    /// `:7`
    Int(i64),
    /// A string of any bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Nil,
    /// Several.
    Array(Vec<Self>),
}

/// Bytes that are no RESP2, or too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not RESP2, or too long")]
pub(super) struct Malformed;

impl Reply {
    /// The first reply in `bytes` and its length; none while it is not whole.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut input = Input { bytes, at: 0 };
        let reply = input.reply(MAX_DEPTH)?;
        if reply.is_none() && bytes.len() > MAX_LENGTH {
            return Err(Malformed);
        }
        Ok(reply.map(|reply| (reply, input.at)))
    }

    /// The bytes of a string.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(text) => Some(text.as_bytes()),
            Self::Bulk(bytes) => Some(bytes),
            Self::Error(_) | Self::Int(_) | Self::Nil | Self::Array(_) => None,
        }
    }

    /// A string as text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// A number.
    #[must_use]
    pub const fn int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            Self::Simple(_) | Self::Error(_) | Self::Bulk(_) | Self::Nil | Self::Array(_) => None,
        }
    }

    /// The elements of an array; of anything else none.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Simple(_) | Self::Error(_) | Self::Int(_) | Self::Bulk(_) | Self::Nil => &[],
        }
    }
}

impl fmt::Display for Reply {
    /// As `redis-cli` shows it, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) | Self::Error(text) => write!(f, "{text}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Bulk(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Nil => write!(f, "nil"),
            Self::Array(items) => {
                write!(f, "[")?;
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if n == 0 { "" } else { " " })?;
                }
                write!(f, "]")
            }
        }
    }
}

/// A command as Redis reads it.
pub(super) fn command(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend(format!("${}\r\n", arg.len()).bytes());
        out.extend(*arg);
        out.extend(b"\r\n");
    }
    out
}

/// What is not read yet.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply>, Malformed> {
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let (kind, rest) = line.split_first().ok_or(Malformed)?;
        let text = || String::from_utf8_lossy(rest).into_owned();
        Ok(Some(match kind {
            b'+' => Reply::Simple(text()),
            b'-' => Reply::Error(text()),
            b':' => Reply::Int(number(rest)?),
            b'$' => return self.bulk(number(rest)?),
            b'*' => return self.array(number(rest)?, depth),
            _ => return Err(Malformed),
        }))
    }

    /// Up to the next line end, which must come soon.
    fn line(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        self.at += end + 2;
        Ok(Some(&rest[..end]))
    }

    fn bulk(&mut self, length: i64) -> Result<Option<Reply>, Malformed> {
        let Some(length) = size(length)? else {
            return Ok(Some(Reply::Nil));
        };
        let rest = &self.bytes[self.at..];
        if rest.len() < length + 2 {
            return Ok(None);
        }
        self.at += length + 2;
        Ok(Some(Reply::Bulk(rest[..length].to_vec())))
    }

    fn array(&mut self, length: i64, depth: usize) -> Result<Option<Reply>, Malformed> {
        let Some(length) = size(length)? else {
            return Ok(Some(Reply::Nil));
        };
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let mut items = Vec::new();
        for _ in 0..length {
            match self.reply(depth)? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(Reply::Array(items)))
    }
}

fn number(text: &[u8]) -> Result<i64, Malformed> {
    let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

/// A length, of which -1 is that of nothing.
fn size(length: i64) -> Result<Option<usize>, Malformed> {
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    if length > MAX_LENGTH {
        return Err(Malformed);
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_once_it_is_whole_and_not_beyond_its_end() {
        let bytes = b"*4\r\n:7\r\n$5\r\na\r\nbc\r\n*-1\r\n*2\r\n+OK\r\n-ERR no\r\n:8\r\n";
        let expected = Reply::Array(vec![
            Reply::Int(7),
            Reply::Bulk(b"a\r\nbc".to_vec()),
            Reply::Nil,
            Reply::Array(vec![
                Reply::Simple("OK".to_owned()),
                Reply::Error("ERR no".to_owned()),
            ]),
        ]);
        let whole = bytes.len() - b":8\r\n".len();
        for length in 0..whole {
            assert_eq!(Reply::parse(&bytes[..length]), Ok(None), "{length} bytes");
        }
        assert_eq!(Reply::parse(bytes), Ok(Some((expected.clone(), whole))));
        assert_eq!(expected.to_string(), r#"[7 "a\r\nbc" nil [OK ERR no]]"#);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in ["\r\n", "?\r\n", ":x\r\n", "$-2\r\n", "$99999999999\r\n"] {
            assert_eq!(Reply::parse(bytes.as_bytes()), Err(Malformed), "{bytes:?}");
        }
        let deep = "*1\r\n".repeat(MAX_DEPTH + 1);
        assert_eq!(Reply::parse(deep.as_bytes()), Err(Malformed));
    }

    #[test]
    fn a_command_is_an_array_of_strings() {
        let bytes = command(&[b"SET", b"", b"v\r\n"]);
        let (reply, length) = Reply::parse(&bytes).unwrap().unwrap();
        let words: Vec<_> = reply.items().iter().filter_map(Reply::bytes).collect();
        assert_eq!(
            (words, length),
            (vec![&b"SET"[..], b"", b"v\r\n"], bytes.len())
        );
    }
}
