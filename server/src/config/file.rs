//! `zeitnot.toml`, as flags: what it says is put behind the command line, and one parser reads both.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use toml::{Table, Value};

/// The flags that the file's text stands for, without those that `given` has from elsewhere already.
///
/// # Errors
/// It is no TOML, or a key is no setting, or a value is a table or a date.
pub(super) fn flags(
    text: &str,
    settings: &Command,
    given: &ArgMatches,
) -> Result<Vec<OsString>, String> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    let mut flags = Vec::new();
    for (key, value) in table {
        let setting = settings
            .get_arguments()
            .find(|arg| arg.get_long() == Some(&key) && key != "config")
            .ok_or_else(|| format!("unknown key `{key}`"))?;
        let source = given.value_source(setting.get_id().as_str());
        if matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        ) {
            continue;
        }
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values {
            let value = scalar(&value)
                .ok_or_else(|| format!("`{key}` takes a text, a number or a list of them"))?;
            flags.push(format!("--{key}={value}").into());
        }
    }
    Ok(flags)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is_on) => Some(if *is_on { "on" } else { "off" }.to_owned()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// What clap says of a value from the file, in one line and without the words about flags.
pub(super) fn reason(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    match (
        context(ContextKind::InvalidArg),
        context(ContextKind::InvalidValue),
    ) {
        (Some(flag), Some(value)) => {
            let key = flag.trim_start_matches('-');
            let key = key.split(' ').next().unwrap_or(key);
            format!("`{key}` cannot be \"{value}\"{}", cause.unwrap_or_default())
        }
        _ => error.to_string(),
    }
}
