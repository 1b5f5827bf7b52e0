//! What the operator's page shows, as JSON: how the node is, how the last minute was, and what is wrong in words.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::limits::SLOW_ANSWER;
use crate::metrics::{Buckets, METRICS};
use crate::monitor::{BUCKETS, Monitor, NodeSeen, Sample, Serving, Unready};

/// `GET /status.json`
#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    uptime_seconds: u64,
    /// Nothing while the node starts.
    serving: Option<Serving>,
    reasons: Vec<Unready>,
    sockets: i64,
    streams: i64,
    rooms: i64,
    buckets: u32,
    silent_buckets: i64,
    /// What was counted in each of the last seconds, the oldest first.
    moves: Vec<u64>,
    messages: Vec<u64>,
    frames: Vec<u64>,
    /// The time that 99 of 100 answers took at most, second by second; nothing in a second without any.
    p99_ms: Vec<Option<f64>>,
    last_minute: LastMinute,
    /// All nodes of the store, this one included.
    nodes: Vec<NodeSeen>,
    /// What is wrong, a sentence each.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LastMinute {
    answers: u64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
}

/// How the node is.
pub(super) async fn status(State(monitor): State<Monitor>) -> Json<Status> {
    let (seconds, minute) = (monitor.seconds(), monitor.minute());
    let each = |count: fn(&Sample) -> u64| seconds.iter().map(count).collect();
    let mut status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: monitor.uptime().as_secs(),
        serving: monitor.serving(),
        reasons: monitor.unready(),
        sockets: METRICS.sockets.get(),
        streams: METRICS.streams.get(),
        rooms: METRICS.rooms.get(),
        buckets: BUCKETS,
        silent_buckets: METRICS.silent_buckets.get(),
        moves: each(|second| second.moves),
        messages: each(|second| second.messages),
        frames: each(|second| second.frames),
        p99_ms: seconds
            .iter()
            .map(|second| ms(&second.answers, 0.99))
            .collect(),
        last_minute: LastMinute {
            answers: minute.answers.count(),
            p50_ms: ms(&minute.answers, 0.5),
            p99_ms: ms(&minute.answers, 0.99),
        },
        nodes: monitor.nodes(),
        problems: Vec::new(),
    };
    status.problems = problems(&status, &minute);
    Json(status)
}

fn ms(buckets: &Buckets, part: f64) -> Option<f64> {
    let span = buckets.quantile(part)?;
    Some((span.as_secs_f64() * 1e5).round() / 100.0)
}

/// What is wrong, with what to do about it where that is known.
fn problems(status: &Status, minute: &Sample) -> Vec<String> {
    let mut problems = Vec::new();
    for reason in &status.reasons {
        problems.push(match reason {
            Unready::Starting => "The node starts: it connects to its store.".to_owned(),
            Unready::Draining => {
                "The node leaves: it takes nobody new, and its sockets go elsewhere.".to_owned()
            }
            Unready::Store => {
                "The store does not answer: no move is taken, and clocks stand still. \
                Is it running, and can this machine reach it?"
                    .to_owned()
            }
        });
    }
    if status.silent_buckets > 0 && !status.reasons.contains(&Unready::Store) {
        let (silent, all) = (status.silent_buckets, status.buckets);
        problems.push(format!(
            "{silent} of the {all} buckets of the store do not answer: the games there stand still."
        ));
    }
    let max_sockets = status.serving.as_ref().map(|serving| serving.max_sockets);
    let open = usize::try_from(status.sockets + status.streams).unwrap_or(0);
    if let Some(max) = max_sockets.filter(|max| open * 10 > max * 9) {
        problems.push(format!(
            "{open} sockets are open, and {max} are allowed: more nodes are needed, or a higher --max-sockets."
        ));
    }
    let p99 = minute.answers.quantile(0.99);
    if let Some(p99) = p99.filter(|p99| *p99 > SLOW_ANSWER) {
        let (p99, slow) = (p99.as_millis(), SLOW_ANSWER.as_millis());
        problems.push(format!(
            "One answer in a hundred took {p99} ms or longer; more than {slow} ms is felt."
        ));
    }
    let counted = [
        (
            minute.failed_appends,
            "appends got no answer from the store",
        ),
        (
            minute.sockets_refused,
            "sockets were refused because the node had as many as it takes",
        ),
        (
            minute.accept_failures,
            "times no connection could be accepted: raise the limit of open files",
        ),
        (
            minute.too_slow,
            "sockets were closed because their client did not read what was sent",
        ),
        (
            minute.unknown_keys,
            "tokens were signed with keys that this node does not know: do all nodes have the same?",
        ),
        (
            minute.resets,
            "games began again because the store had another log of them: it has lost moves",
        ),
        (
            minute.lost_probes,
            "probes of the subscriptions did not come back: games here learned later of moves elsewhere",
        ),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    problems.extend(counted.map(|(count, what)| format!("In the last minute {count} {what}.")));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(change: impl FnOnce(&mut Status)) -> Status {
        let mut status = Status {
            version: "0",
            uptime_seconds: 1,
            serving: Some(Serving {
                node: "a".into(),
                store: "redis",
                max_sockets: 100,
                watched_at: "127.0.0.1:9090".into(),
            }),
            reasons: Vec::new(),
            sockets: 90,
            streams: 0,
            rooms: 0,
            buckets: BUCKETS,
            silent_buckets: 0,
            moves: Vec::new(),
            messages: Vec::new(),
            frames: Vec::new(),
            p99_ms: Vec::new(),
            last_minute: LastMinute {
                answers: 0,
                p50_ms: None,
                p99_ms: None,
            },
            nodes: Vec::new(),
            problems: Vec::new(),
        };
        change(&mut status);
        status
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let calm = Sample::default();
        let counted = |change: fn(&mut Sample)| {
            let mut sample = Sample::default();
            change(&mut sample);
            sample
        };
        let slow = crate::metrics::Histogram::default();
        slow.observe(std::time::Duration::from_millis(600));
        let slow = Sample {
            answers: slow.buckets(),
            ..calm
        };
        let cases = [
            (status(|_| {}), calm, None),
            (
                status(|s| s.reasons = vec![Unready::Starting]),
                calm,
                Some("The node starts"),
            ),
            (
                status(|s| s.reasons = vec![Unready::Draining]),
                calm,
                Some("The node leaves"),
            ),
            (
                status(|s| {
                    s.reasons = vec![Unready::Store];
                    s.silent_buckets = 256;
                }),
                calm,
                Some("The store does not answer"),
            ),
            (
                status(|s| s.silent_buckets = 85),
                calm,
                Some("85 of the 256 buckets"),
            ),
            (
                status(|s| s.streams = 1),
                calm,
                Some("91 sockets are open, and 100 are allowed"),
            ),
            (status(|_| {}), slow, Some("One answer in a hundred took")),
            (
                status(|_| {}),
                counted(|s| s.unknown_keys = 3),
                Some("3 tokens were signed with keys"),
            ),
            (
                status(|_| {}),
                counted(|s| s.failed_appends = 7),
                Some("7 appends got no answer"),
            ),
        ];
        for (status, minute, expected) in cases {
            let problems = problems(&status, &minute);
            assert_eq!(
                problems.len(),
                usize::from(expected.is_some()),
                "{problems:?}"
            );
            let said = problems.first().map_or("", String::as_str);
            assert!(said.contains(expected.unwrap_or_default()), "{said}");
        }
    }
}
