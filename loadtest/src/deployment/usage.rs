//! What a process uses, as `/proc` tells: any process by its id.

use std::time::Duration;

use anyhow::Context as _;

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All that is in RAM: `VmRSS`.
    pub resident: u64,
    /// Of it what is the process's own, not of files: `RssAnon`.
    pub anonymous: u64,
}

/// The time that a process was at work on any core, in all of its threads, since it began.
///
/// # Errors
/// There is no such process.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    // The one advances by 10 ms, the other lacks threads that have ended: neither says more than it was.
    Ok(counted_ticks(pid)?.max(time_of_threads(pid)))
}

fn counted_ticks(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} has no times"))?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks * 1000 / per_second))
}

/// What the scheduler has counted for the threads that there are; nothing on a machine where it does not count.
fn time_of_threads(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let time = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        // The first field of three, in nanoseconds.
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.into_iter().flatten().filter_map(time).sum())
}

/// The memory that a process has now.
///
/// # Errors
/// There is no such process.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let field = |name| bytes(&text, name).with_context(|| format!("{path} has no {name}"));
    Ok(Memory {
        resident: field("VmRSS:")?,
        anonymous: field("RssAnon:")?,
    })
}

/// The sum of the fields `utime` and `stime` (proc(5)), the 14th and the 15th. The second, the name in parentheses, may
/// hold anything, also spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// A line like `VmRSS:     1234 kB`.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0";
        assert_eq!(ticks(stat), Some(281));
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        while cpu_time(pid).unwrap() == before {
            std::hint::spin_loop();
        }
        assert!(cpu_time(pid).unwrap() >= counted_ticks(pid).unwrap());
        let memory = memory(pid).unwrap();
        assert!(memory.anonymous > 0 && memory.resident > memory.anonymous);
        assert!(super::memory(u32::MAX).is_err());
    }
}
