//! What processes of this machine use, second by second.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{interval_at, sleep_until};
use zeitnot_loadtest::deployment::usage::{cpu_time, memory};

use crate::site::Part;

/// From one look to the next.
const PERIOD: Duration = Duration::from_secs(1);

/// Looks that are kept.
const MAX_SAMPLES: usize = 7200;

/// One process.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Usage {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

/// One second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sample {
    /// Its number, from 0 on.
    pub(crate) second: usize,
    /// Cores at work in it.
    pub(crate) cores: f64,
    /// Bytes in RAM at its end.
    pub(crate) resident: u64,
}

/// Looks at processes until it is asked what they used.
#[derive(Debug)]
pub(crate) struct Sampler {
    looking: JoinHandle<Vec<Usage>>,
    end: tokio::sync::oneshot::Sender<()>,
}

impl Sampler {
    /// Begins at a moment; this process is looked at too.
    pub(crate) fn start(mut parts: Vec<Part>, from: Instant) -> Self {
        parts.push(Part {
            name: "load tool".to_owned(),
            pid: std::process::id(),
        });
        let (end, ended) = tokio::sync::oneshot::channel();
        Self {
            looking: tokio::spawn(look(parts, from, ended)),
            end,
        }
    }

    pub(crate) async fn finish(self) -> Vec<Usage> {
        // It may have ended by itself.
        let _ = self.end.send(());
        self.looking.await.unwrap_or_default()
    }
}

async fn look(
    parts: Vec<Part>,
    from: Instant,
    mut ended: tokio::sync::oneshot::Receiver<()>,
) -> Vec<Usage> {
    let usage = |part: &Part| Usage {
        name: part.name.clone(),
        samples: Vec::new(),
    };
    let mut usages: Vec<Usage> = parts.iter().map(usage).collect();
    sleep_until(from.into()).await;
    let mut before: Vec<_> = parts.iter().map(|part| cpu_time(part.pid).ok()).collect();
    let mut ticks = interval_at((from + PERIOD).into(), PERIOD);
    for second in 0..MAX_SAMPLES {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut ended => break,
        }
        for ((part, usage), before) in parts.iter().zip(&mut usages).zip(&mut before) {
            // A process that has ended uses nothing.
            let (Ok(cpu), Ok(memory)) = (cpu_time(part.pid), memory(part.pid)) else {
                continue;
            };
            let worked = cpu.saturating_sub(before.unwrap_or(cpu));
            *before = Some(cpu);
            usage.samples.push(Sample {
                second,
                cores: worked.as_secs_f64() / PERIOD.as_secs_f64(),
                resident: memory.resident,
            });
        }
    }
    usages
}
