//! What a process costs, as the system counts it.

use std::{fs, time::Duration};

/// What a process has used since its start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// By the scheduler, in nanoseconds; of threads that still run.
    pub(crate) busy: Duration,
    user_ticks: u64,
    system_ticks: u64,
    /// How often it waited for something.
    pub(crate) waits: u64,
}

/// What a process holds, in octets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) proportional: u64,
    pub(crate) anonymous: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Self {
        let mut usage = Self::default();
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
            let ns = read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok());
            usage.busy += Duration::from_nanos(ns.unwrap_or(0));
            let waits = read("status").lines().find_map(|line| number(line.strip_prefix("voluntary_ctxt_switches:")?));
            usage.waits += waits.unwrap_or(0);
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in parentheses may hold anything.
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, after)| after).split(' ').skip(11);
        let mut ticks = || fields.next().and_then(|ticks| ticks.parse().ok()).unwrap_or(0);
        (usage.user_ticks, usage.system_ticks) = (ticks(), ticks());
        usage
    }

    /// Since an earlier time.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            user_ticks: self.user_ticks.saturating_sub(earlier.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(earlier.system_ticks),
            waits: self.waits.saturating_sub(earlier.waits),
        }
    }

    /// The part of it within the kernel, of one.
    pub(crate) fn in_kernel(self) -> f64 {
        self.system_ticks as f64 / (self.user_ticks + self.system_ticks).max(1) as f64
    }

    pub(crate) fn us(self) -> f64 {
        self.busy.as_secs_f64() * 1e6
    }
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Self {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let field = |name: &str| {
            let kib = rollup.lines().find_map(|line| number(line.strip_prefix(name)?));
            kib.unwrap_or(0) * 1024
        };
        Self { resident: field("Rss:"), proportional: field("Pss:"), anonymous: field("Anonymous:") }
    }

    /// The most that it ever held.
    pub(crate) fn peak(pid: u32) -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().find_map(|line| number(line.strip_prefix("VmHWM:")?)).unwrap_or(0) * 1024
    }
}

/// The first number of `   12 kB`.
fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
