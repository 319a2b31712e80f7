//! What the benchmarks need: arguments, dice, percentiles, tables, and where they run.

#![allow(dead_code, reason = "not all need everything")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// What the command line says.
pub(crate) struct Arguments {
    given: Vec<String>,
}

impl Arguments {
    /// `None` where nobody asked for a benchmark: `cargo test --all-targets` runs the program, too, and
    /// a test is never timed.
    pub(crate) fn read(usage: &str) -> Option<Self> {
        let mut given: Vec<String> = std::env::args().skip(1).collect();
        if given.iter().any(|argument| argument == "--help") {
            println!("{usage}");
            return None;
        }
        let before = given.len();
        given.retain(|argument| argument != "--bench");
        (given.len() < before).then_some(Self { given })
    }

    /// These words.
    pub(crate) fn of(given: Vec<String>) -> Self {
        Self { given }
    }

    /// The word in front of all flags.
    pub(crate) fn first(&self) -> Option<&str> {
        self.given.first().map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// Whether the flag is there.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.given.iter().any(|argument| argument == flag)
    }

    /// What stands after the flag.
    pub(crate) fn value(&self, flag: &str) -> Option<&str> {
        let at = self.given.iter().position(|argument| argument == flag)?;
        self.given.get(at + 1).map(String::as_str)
    }

    /// The numbers after the flag, with commas between them.
    pub(crate) fn numbers(&self, flag: &str, default: &str) -> Vec<usize> {
        let list = self.value(flag).unwrap_or(default);
        list.split(',').map(|number| number.parse().expect("a list of numbers")).collect()
    }

    /// Where files go: an empty directory in the one that is given, removed at the end.
    pub(crate) fn directory(&self) -> tempfile::TempDir {
        let parent =
            self.value("--dir").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
        tempfile::Builder::new().prefix("bench-").tempdir_in(parent).expect("a directory for files")
    }
}

/// The same numbers each time (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Small numbers often, large ones seldom: each has about the share 1/n.
    pub(crate) fn skewed(&mut self, end: u64) -> u64 {
        let share = self.roll() as f64 / u64::MAX as f64;
        (((end + 1) as f64).powf(share) as u64 - 1).min(end - 1)
    }
}

/// How long something took, each time.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest time that so many of a hundred do not exceed; zero where nothing was measured.
    pub(crate) fn percentile(&mut self, percent: usize) -> Duration {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// `1.5 ms`.
pub(crate) fn shown(time: Duration) -> String {
    let us = time.as_secs_f64() * 1e6;
    match us {
        us if us < 1e2 => format!("{us:.1} us"),
        us if us < 1e3 => format!("{us:.0} us"),
        us if us < 1e5 => format!("{:.2} ms", us / 1e3),
        us if us < 1e6 => format!("{:.0} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

/// Rows of cells, the first to the left and the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let _ = if column == 0 { write!(out, "{cell:width$}") } else { write!(out, "  {cell:>width$}") };
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// The machine, and on what kind of file system the directory is.
pub(crate) fn place(directory: &Path) -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(" an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let release = read("/proc/sys/kernel/osrelease");
    let mounts = read("/proc/self/mounts");
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    });
    let under = mounts.filter(|(_, at, _)| directory.starts_with(at)).max_by_key(|(_, at, _)| at.len());
    let (device, _, kind) = under.unwrap_or(("?", "/", "an unknown file system"));
    format!(
        "{} ({cores} cores), Linux {}, files on {kind} ({device})",
        model.trim_start_matches(['\t', ':', ' ']),
        release.trim()
    )
}
