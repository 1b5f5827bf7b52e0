//! Logs: sentences on stderr, for people on a terminal, as JSON elsewhere.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::LogForm;

/// Begins to log. `RUST_LOG` chooses what; without it, what an operator should know.
pub fn init(form: Option<LogForm>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let form = form.unwrap_or_else(|| {
        if stderr().is_terminal() {
            LogForm::Text
        } else {
            LogForm::Json
        }
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_target(false);
    match form {
        LogForm::Text => lines.with_ansi(stderr().is_terminal()).init(),
        LogForm::Json => lines.json().flatten_event(true).init(),
    }
}
