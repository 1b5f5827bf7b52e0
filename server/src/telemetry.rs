//! Logs: sentences on stderr, for people on a terminal, as JSON elsewhere.

use std::fmt;
use std::io::{IsTerminal as _, stderr};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{self, Format, FormatEvent, Json, JsonFields, Writer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogForm;

/// Begins to log. `RUST_LOG` chooses what; without it, what an operator should know. Lines for machines name the node.
pub fn init(form: Option<LogForm>, node: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let form = form.unwrap_or_else(|| {
        if stderr().is_terminal() {
            LogForm::Text
        } else {
            LogForm::Json
        }
    });
    let all = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_fit_to_print));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_target(false);
    match form {
        LogForm::Text => all.with(lines.with_ansi(stderr().is_terminal())).init(),
        LogForm::Json => {
            let named = Named {
                node: serde_json::Value::from(node).to_string(),
                line: format::format()
                    .json()
                    .flatten_event(true)
                    .with_target(false),
            };
            let lines = lines.fmt_fields(JsonFields::new()).event_format(named);
            all.with(lines).init();
        }
    }
}

/// Libraries that tell, below `info`, what they carry: tokens, passwords, what people say to each other.
const CARRIERS: [&str; 10] = [
    "axum",
    "fred",
    "hyper",
    "log",
    "redis_protocol",
    "rustls",
    "sqlx",
    "tokio_tungstenite",
    "tower",
    "tungstenite",
];

/// Whatever `RUST_LOG` asks for, nobody can switch on what must not be written down.
fn is_fit_to_print(what: &Metadata<'_>) -> bool {
    let mut carriers = CARRIERS.iter();
    *what.level() <= Level::INFO || !carriers.any(|name| what.target().starts_with(name))
}

/// JSON lines that begin with the node's name, so that those of many nodes can be told apart in one place.
struct Named {
    /// As JSON.
    node: String,
    line: Format<Json>,
}

impl<S> FormatEvent<S, JsonFields> for Named
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.line
            .format_event(context, Writer::new(&mut line), event)?;
        let rest = line.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{\"node\":{},{rest}", self.node)
    }
}
