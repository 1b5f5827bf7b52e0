//! What the process uses, as Linux tells it whenever somebody asks.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};

/// This process.
#[derive(Debug)]
pub(super) struct Process;

/// Read at one moment. What the system does not tell is 0.
#[derive(Debug, Default)]
struct Usage {
    cpu_seconds: f64,
    resident_bytes: f64,
    threads: u64,
    open_files: u64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let usage = Usage::read();
        let mut gauge = |name: &str, says: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, says, None, gauge.metric_type())?)
        };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let count = |n: u64| n as f64;
        gauge(
            "process_resident_memory_bytes",
            "Memory that the process has.",
            usage.resident_bytes,
        )?;
        gauge(
            "process_threads",
            "Threads of the process.",
            count(usage.threads),
        )?;
        gauge(
            "process_open_fds",
            "Files and sockets that the process has open.",
            count(usage.open_files),
        )?;
        let cpu = ConstCounter::new(usage.cpu_seconds);
        cpu.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            "Time that processors spent on the process.",
            None,
            cpu.metric_type(),
        )?)
    }
}

impl Usage {
    fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self {
            open_files: open.try_into().unwrap_or(u64::MAX),
            ..Self::of_stat(&stat).unwrap_or_default()
        }
    }

    /// Reads `/proc/PID/stat`: proc_pid_stat(5).
    fn of_stat(stat: &str) -> Option<Self> {
        // The second field is the name, which may have spaces.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (ticks, pages) = ((field(14)? + field(15)?) as f64, field(24)? as f64);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (a_second, a_page) = (clock_ticks_per_second() as f64, page_size() as f64);
        Some(Self {
            cpu_seconds: ticks / a_second,
            resident_bytes: pages * a_page,
            threads: field(20)?,
            open_files: 0,
        })
    }
}
