//! What a request says, whatever way it says it: in the query, as a form, or as JSON.
//!
//! Chess clients send the same fields in all three, some without a content type, some with `null` for nothing, and
//! numbers and booleans as what they are or as text.

use std::collections::BTreeMap;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde_json::Value;
use tokio::time::timeout;

use crate::error::ApiError;
use crate::limits::BODY_TIMEOUT;
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
        let mut params = Self::default();
        params.add_form(query.as_bytes());
        if content_type.contains("json") {
            if !body.trim_ascii().is_empty() {
                params.add_json(body)?;
            }
        } else if content_type.is_empty() || content_type.contains("form-urlencoded") {
            params.add_form(body);
        } else if !body.is_empty() {
            let problem = "send application/json or application/x-www-form-urlencoded";
            return Err(ApiError::field("content-type", problem));
        }
        Ok(params)
    }

    fn add_form(&mut self, text: &[u8]) {
        for (name, value) in form_urlencoded::parse(text) {
            self.0
                .insert(name.into_owned(), Field::Text(value.into_owned()));
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), ApiError> {
        let unreadable =
            |problem| ApiError::new(ErrorCode::BadRequest, format!("the body is {problem}"));
        let value =
            serde_json::from_slice(body).map_err(|e| unreadable(format!("no JSON: {e}")))?;
        let Value::Object(fields) = value else {
            return Err(unreadable("no JSON object".to_owned()));
        };
        for (name, value) in fields {
            if let Value::Object(inner) = value {
                for (inner_name, value) in inner {
                    self.add_value(format!("{name}.{inner_name}"), value);
                }
                self.0.insert(name, Field::Other);
            } else {
                self.add_value(name, value);
            }
        }
        Ok(())
    }

    fn add_value(&mut self, name: String, value: Value) {
        let field = match value {
            Value::Null => return,
            Value::Bool(flag) => Field::Text(flag.to_string()),
            Value::Number(number) => Field::Text(number.to_string()),
            Value::String(text) => Field::Text(text),
            Value::Array(_) | Value::Object(_) => Field::Other,
        };
        self.0.insert(name, field);
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
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
}
