//! What the system says about this process. Where it says nothing, there is nothing.

use std::{fs, sync::OnceLock};

use super::clock;

/// When this process began: seconds since 1970. As far as it knows: when it first asked, which is to be
/// at its start.
pub fn started_s() -> f64 {
    static START: OnceLock<u64> = OnceLock::new();
    *START.get_or_init(clock::unix_ms) as f64 / 1000.0
}

/// The processor time of all threads, seconds.
#[cfg(unix)]
pub fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// This system does not say.
#[cfg(not(unix))]
pub fn cpu_seconds() -> Option<f64> {
    None
}

/// The memory that is in use.
pub fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// How many files are open.
pub fn open_files() -> Option<u64> {
    const OPEN: &str = "/proc/self/fd";

    // Linux 6.2 says it at once; with ten thousand connections counting takes milliseconds.
    match fs::metadata(OPEN).ok()?.len() {
        0 => Some(fs::read_dir(OPEN).ok()?.count() as u64),
        count => Some(count),
    }
}

/// How many files may be open; none: without a limit.
#[cfg(unix)]
pub fn most_files() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Nofile).current
}

/// This system has no such limit.
#[cfg(not(unix))]
pub fn most_files() -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_it() {
        assert!(started_s() > 1.7e9 && started_s() == started_s());
        assert!(cpu_seconds().unwrap() > 0.0);
        assert!(resident_bytes().unwrap() > 1 << 20);
        let (open, most) = (open_files().unwrap(), most_files().unwrap());
        assert!((3..most).contains(&open), "{open} of {most}");
    }
}
