//! MessagePack from and to JSON, as far as messages of ours need it: no binaries, no extensions. Pure.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// Lists and maps within each other.
const MAX_DEPTH: usize = 16;

/// Writes a value behind what is there.
pub(super) fn write(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0xc0),
        Value::Bool(value) => bytes.push(if *value { 0xc3 } else { 0xc2 }),
        Value::Number(number) => match number.as_u64() {
            Some(number) => write_unsigned(number, bytes),
            None => {
                bytes.push(0xcb);
                bytes.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => {
            write_length(text.len(), (0xa0, 32, 0xda), bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Array(values) => {
            write_length(values.len(), (0x90, 16, 0xdc), bytes);
            values.iter().for_each(|value| write(value, bytes));
        }
        Value::Object(fields) => {
            write_length(fields.len(), (0x80, 16, 0xde), bytes);
            for (name, value) in fields {
                write(&Value::from(&**name), bytes);
                write(value, bytes);
            }
        }
    }
}

fn write_unsigned(number: u64, bytes: &mut Vec<u8>) {
    if let Ok(small @ 0..=0x7f) = u8::try_from(number) {
        bytes.push(small);
    } else if let Ok(number) = u32::try_from(number) {
        bytes.push(0xce);
        bytes.extend(number.to_be_bytes());
    } else {
        bytes.push(0xcf);
        bytes.extend(number.to_be_bytes());
    }
}

/// A length in the first byte where it is less than `most`, else in 16 bits. Messages of ours are shorter than that.
fn write_length(length: usize, (small, most, long): (u8, usize, u8), bytes: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(length) if usize::from(length) < most => bytes.push(small | length),
        Ok(_) | Err(_) => {
            bytes.push(long);
            bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
}

/// The first value as JSON, and what is behind it.
///
/// # Errors
/// It is cut off, or nothing that JSON has.
pub(super) fn to_json(bytes: &[u8]) -> anyhow::Result<(String, &[u8])> {
    let mut reader = Reader { rest: bytes };
    let mut json = String::new();
    reader.value(&mut json, 0)?;
    Ok((json, reader.rest))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, json: &mut String, depth: usize) -> anyhow::Result<()> {
        ensure!(depth < MAX_DEPTH, "too deep");
        let [first] = self.take()?;
        match first {
            0x00..=0x7f => json.push_str(&first.to_string()),
            0x80..=0x8f => self.map(usize::from(first & 0x0f), json, depth)?,
            0x90..=0x9f => self.array(usize::from(first & 0x0f), json, depth)?,
            0xa0..=0xbf => self.text(usize::from(first & 0x1f), json)?,
            0xc0 => json.push_str("null"),
            0xc2 => json.push_str("false"),
            0xc3 => json.push_str("true"),
            0xca => json.push_str(&f32::from_be_bytes(self.take()?).to_string()),
            // A whole number is written without a point.
            0xcb => json.push_str(&f64::from_be_bytes(self.take()?).to_string()),
            0xcc => json.push_str(&u8::from_be_bytes(self.take()?).to_string()),
            0xcd => json.push_str(&u16::from_be_bytes(self.take()?).to_string()),
            0xce => json.push_str(&u32::from_be_bytes(self.take()?).to_string()),
            0xcf => json.push_str(&u64::from_be_bytes(self.take()?).to_string()),
            0xd0 => json.push_str(&i8::from_be_bytes(self.take()?).to_string()),
            0xd1 => json.push_str(&i16::from_be_bytes(self.take()?).to_string()),
            0xd2 => json.push_str(&i32::from_be_bytes(self.take()?).to_string()),
            0xd3 => json.push_str(&i64::from_be_bytes(self.take()?).to_string()),
            0xd9 => {
                let [length] = self.take()?;
                self.text(length.into(), json)?;
            }
            0xda => {
                let length = u16::from_be_bytes(self.take()?);
                self.text(length.into(), json)?;
            }
            0xdc => {
                let length = u16::from_be_bytes(self.take()?);
                self.array(length.into(), json, depth)?;
            }
            0xde => {
                let length = u16::from_be_bytes(self.take()?);
                self.map(length.into(), json, depth)?;
            }
            0xe0..=0xff => json.push_str(&first.cast_signed().to_string()),
            _ => bail!("{first:#04x} is nothing that JSON has"),
        }
        Ok(())
    }

    fn map(&mut self, length: usize, json: &mut String, depth: usize) -> anyhow::Result<()> {
        json.push('{');
        for number in 0..length {
            if number > 0 {
                json.push(',');
            }
            self.value(json, depth + 1)?;
            json.push(':');
            self.value(json, depth + 1)?;
        }
        json.push('}');
        Ok(())
    }

    fn array(&mut self, length: usize, json: &mut String, depth: usize) -> anyhow::Result<()> {
        json.push('[');
        for number in 0..length {
            if number > 0 {
                json.push(',');
            }
            self.value(json, depth + 1)?;
        }
        json.push(']');
        Ok(())
    }

    fn text(&mut self, length: usize, json: &mut String) -> anyhow::Result<()> {
        let (text, rest) = self.rest.split_at_checked(length).context("cut off")?;
        self.rest = rest;
        json.push_str(&serde_json::to_string(std::str::from_utf8(text)?)?);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> anyhow::Result<[u8; N]> {
        let (some, rest) = self.rest.split_first_chunk().context("cut off")?;
        self.rest = rest;
        Ok(*some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let long = "x".repeat(300);
        let value = json!({
            "t": "move", "n": null, "yes": true, "small": 7, "large": 70_000, "huge": 1_764_000_000_123_u64,
            "less": -3, "text": "a \"b\"\n", "long": long, "list": [1, [2, false], {}],
        });
        let mut bytes = Vec::new();
        write(&value, &mut bytes);
        bytes.push(0xc0);
        let (json, rest) = to_json(&bytes).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        assert_eq!(rest, [0xc0]);
    }

    #[test]
    fn numbers_of_all_widths_are_read() {
        let cases: [(&[u8], &str); 8] = [
            (&[0xcc, 200], "200"),
            (&[0xcd, 1, 0], "256"),
            (
                &[0xcb, 0x42, 0x79, 0xab, 0x69, 0x7e, 0x80, 0x00, 0x00],
                "1764000000000",
            ),
            (&[0xd0, 0xfe], "-2"),
            (&[0xd1, 0xff, 0], "-256"),
            (&[0xff], "-1"),
            (&[0xca, 0x3f, 0x80, 0, 0], "1"),
            (&[0xd9, 1, b'a'], "\"a\""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(to_json(bytes).unwrap().0, expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_cut_off_or_nothing_of_json_is_an_error() {
        let deep = vec![0x91; MAX_DEPTH + 1];
        let cases: [&[u8]; 6] = [
            &[],
            &[0xcd, 1],
            &[0xa2, b'a'],
            &[0xa1, 0xff],
            &[0xc4, 0],
            &deep,
        ];
        for bytes in cases {
            assert!(to_json(bytes).is_err(), "{bytes:?}");
        }
    }
}
