//! What a request says, whatever way it says it: in the query, as a form, or as JSON.
//!
//! Chess clients send the same fields in all three, some without a content type, some with `null` for nothing, and
//! numbers and booleans as what they are or as text.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::time::timeout;

use crate::error::ApiError;
use crate::limits::{BODY_TIMEOUT, MAX_QUOTED};
use zeitnot_game::wire::ErrorCode;

/// The fields of a request by name. Those of the body win over those of the query; an object's fields stand under its
/// name and a dot, so `{"clock": {"limit": 60}}` is `clock.limit=60`.
#[derive(Debug, Default)]
pub struct Params(BTreeMap<String, Field>);

#[derive(Debug)]
enum Field {
    Text(String),
    /// A list, or an object in an object: nothing that a field of ours could be.
    Other,
}

impl Params {
    /// A field as text; empty text counts as nothing.
    ///
    /// # Errors
    /// It is a list or an object.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Field::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(Field::Other) => Err(ApiError::field(
                name,
                "a list or object has no meaning here",
            )),
        }
    }

    /// A field as what it stands for.
    ///
    /// # Errors
    /// It cannot be read as that.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|e| ApiError::field(name, e));
        self.text(name)?.map(parse).transpose()
    }

    /// A field that says yes or no, in the words that clients use; no if it is not there.
    ///
    /// # Errors
    /// It says something else.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let Some(text) = self.text(name)? else {
            return Ok(false);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(ApiError::field(name, "true or false")),
        }
    }

    /// Reads the parts of a request; `content_type` in lower case.
    pub(crate) fn read(query: &str, content_type: &str, body: &[u8]) -> Result<Self, ApiError> {
        let (mut params, mut of_body) = (Self::default(), Self::default());
        params.add_form(query.as_bytes())?;
        if content_type.contains("json") {
            if !body.trim_ascii().is_empty() {
                of_body.add_json(body)?;
            }
        } else if content_type.is_empty() || content_type.contains("form-urlencoded") {
            of_body.add_form(body)?;
        } else if !body.is_empty() {
            let problem = "send application/json or application/x-www-form-urlencoded";
            return Err(ApiError::field("content-type", problem));
        }
        params.0.append(&mut of_body.0);
        Ok(params)
    }

    fn add_form(&mut self, text: &[u8]) -> Result<(), ApiError> {
        for (name, value) in form_urlencoded::parse(text) {
            self.add(name.into_owned(), Field::Text(value.into_owned()))?;
        }
        Ok(())
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), ApiError> {
        let unreadable =
            |problem| ApiError::new(ErrorCode::BadRequest, format!("the body is {problem}"));
        let Member::Object(Members(members)) =
            serde_json::from_slice(body).map_err(|e| unreadable(format!("no JSON: {e}")))?
        else {
            return Err(unreadable("no JSON object".to_owned()));
        };
        for (name, member) in members {
            match member {
                Member::Object(Members(inner)) => {
                    for (inner_name, member) in inner {
                        self.add_member(format!("{name}.{inner_name}"), &member)?;
                    }
                    self.add(name, Field::Other)?;
                }
                plain @ Member::Plain(_) => self.add_member(name, &plain)?,
            }
        }
        Ok(())
    }

    fn add_member(&mut self, name: String, member: &Member) -> Result<(), ApiError> {
        let field = match member {
            Member::Plain(Value::Null) => return Ok(()),
            Member::Plain(Value::Bool(flag)) => Field::Text(flag.to_string()),
            Member::Plain(Value::Number(number)) => Field::Text(number.to_string()),
            Member::Plain(Value::String(text)) => Field::Text(text.clone()),
            Member::Plain(_) | Member::Object(_) => Field::Other,
        };
        self.add(name, field)
    }

    /// Which of two of the same name would count, nobody could know.
    fn add(&mut self, name: String, field: Field) -> Result<(), ApiError> {
        match self.0.entry(name) {
            Entry::Vacant(place) => {
                place.insert(field);
                Ok(())
            }
            Entry::Occupied(taken) => {
                let name: String = taken.key().chars().take(MAX_QUOTED).collect();
                Err(ApiError::field(&name, "it is there more than once"))
            }
        }
    }
}

/// A JSON value whose objects still have what was said twice.
#[derive(Deserialize)]
#[serde(untagged)]
enum Member {
    Object(Members),
    Plain(Value),
}

/// The members of an object in their order.
struct Members(Vec<(String, Member)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        json.deserialize_map(Read)
    }
}

/// A header as text; nothing and what is no text count as empty.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let content_type =
            header_text(request.headers(), &header::CONTENT_TYPE).to_ascii_lowercase();
        let encoding = request.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            // What is small here could be anything there.
            let problem = "bodies are taken as they are, not packed";
            return Err(ApiError::field("content-encoding", problem));
        }
        let slow = |_| ApiError::new(ErrorCode::BadRequest, "the body did not arrive in time");
        let body = timeout(BODY_TIMEOUT, Bytes::from_request(request, state))
            .await
            .map_err(slow)?
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    ApiError::new(ErrorCode::TooLarge, "the body is too large")
                } else {
                    ApiError::new(ErrorCode::BadRequest, "the body cannot be read")
                }
            })?;
        Self::read(&query, &content_type, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json; charset=utf-8";
    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn a_field_is_the_same_in_every_form() {
        let cases = [
            ("query", "clock.limit=60&rated=True", "", ""),
            ("form", "", FORM, "clock.limit=60&rated=on"),
            ("form without a type", "", "", "clock.limit=60&rated=1"),
            (
                "flat JSON",
                "",
                JSON,
                r#"{"clock.limit":60,"rated":true,"fen":null}"#,
            ),
            (
                "nested JSON",
                "",
                JSON,
                r#"{"clock":{"limit":"60"},"rated":"yes"}"#,
            ),
            (
                "body over query",
                "clock.limit=7",
                FORM,
                "clock.limit=+60+&rated=YES&fen=",
            ),
        ];
        for (name, query, content_type, body) in cases {
            let params = Params::read(query, content_type, body.as_bytes()).unwrap();
            assert_eq!(
                params.parsed("clock.limit").unwrap(),
                Some(60_u32),
                "{name}"
            );
            assert!(params.flag("rated").unwrap(), "{name}");
            assert_eq!(params.text("fen").unwrap(), None, "{name}");
        }
        assert!(!Params::read("", JSON, b" ").unwrap().flag("rated").unwrap());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (content_type, body) in [(JSON, "{"), (JSON, "[]"), (JSON, "7"), ("text/html", "x")] {
            let error = Params::read("", content_type, body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadRequest, "{content_type} {body}");
        }
        let params = Params::read("", JSON, br#"{"a":[1],"b":{"c":{}},"n":"x"}"#).unwrap();
        assert!(params.text("a").is_err());
        assert!(params.text("b").is_err());
        assert!(params.text("b.c").is_err());
        assert!(params.parsed::<u32>("n").is_err());
        assert!(params.flag("n").is_err());
    }

    #[test]
    fn what_is_said_twice_is_refused() {
        let cases = [
            ("a=1&a=1", "", ""),
            ("", FORM, "a=1&b=2&a=3"),
            ("", JSON, r#"{"a":1,"a":1}"#),
            ("", JSON, r#"{"a":1,"b":{"c":1,"c":2}}"#),
            ("", JSON, r#"{"b.c":1,"b":{"c":1}}"#),
            ("", JSON, r#"{"a":{},"a":null,"a":1}"#),
        ];
        for (query, content_type, body) in cases {
            let error = Params::read(query, content_type, body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadRequest, "{query}{body}");
            let says = format!("{error:?}");
            assert!(says.contains("more than once"), "{query}{body}: {says}");
        }
    }

    #[test]
    fn json_that_is_deep_or_huge_is_no_danger() {
        let nest = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        let refused = [
            nest(100_000),
            objects(100_000),
            format!(r#"{{"a":{}}}"#, nest(100_000)),
            r#"{"a":1e999}"#.to_owned(),
            r#"{"a":-1e999}"#.to_owned(),
        ];
        for body in refused {
            let error = Params::read("", JSON, body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadRequest);
        }
        let long = format!(
            r#"{{"a":"{}","b":{}}}"#,
            "x".repeat(10_000),
            "9".repeat(300)
        );
        let params = Params::read("", JSON, long.as_bytes()).unwrap();
        assert!(params.parsed::<u32>("a").is_err() && params.parsed::<u32>("b").is_err());
    }
}
