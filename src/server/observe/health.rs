//! Whether the server lives, and whether it can do its work.

use super::Watched;
use crate::platform::clock;

/// For so many seconds the hub may not have turned; it does so every second.
const BEAT: u64 = 5;

/// How long ago the hub turned, seconds.
pub(super) fn beat_age(watched: &Watched, now_s: u32) -> u64 {
    u64::from(now_s).saturating_sub(watched.shared.counters.beat_s.get())
}

/// Whether the chat goes on; or why not.
pub(super) fn alive(watched: &Watched, now_s: u32) -> Result<(), String> {
    match beat_age(watched, now_s) {
        0..=BEAT => Ok(()),
        age => Err(format!("the chat has stood still for {age} seconds")),
    }
}

/// Whether who comes now can come in and talk; or why not.
pub(super) fn ready(watched: &Watched, now_s: u32) -> Result<(), String> {
    alive(watched, now_s)?;
    let counters = &watched.shared.counters;
    if watched.stop.is_requested() {
        return Err("the server is stopping".into());
    }
    if counters.accepting.get() == 0 {
        return Err("connections cannot be accepted now: see the log".into());
    }
    if counters.journal_trouble.get() != 0 {
        return Err("the journal cannot be written: see the log, and the disk of the data directory".into());
    }
    let (not_before, not_after) = watched.shared.live.current().validity();
    match clock::unix_now() {
        now if now > not_after => Err("the server's certificate has expired: renew it".into()),
        now if now < not_before => Err("the server's certificate is not yet valid: check the clock".into()),
        _ => Ok(()),
    }
}
