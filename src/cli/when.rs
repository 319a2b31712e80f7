//! A moment on the command line: how long ago, or a time.

use anyhow::anyhow;
use jiff::{Span, Timestamp, civil::DateTime, tz::TimeZone};

use super::exit::{Exit, Failure, OrExit};

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// So long ago.
    Ago(Span),
    /// Then.
    At(Timestamp),
    /// Then, by the clocks here.
    Local(DateTime),
}

impl When {
    /// Understands `2h30m`, `2026-11-21`, `2026-11-21 14:00` and `2026-11-21T14:00:00Z`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is no age like 10m, 2h30m or 1d, and no time like 2026-11-21 or 2026-11-21T14:00");
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::Local(at));
        }
        let span: Span = text.parse().map_err(|_| wrong())?;
        if span.is_negative() { Err(wrong()) } else { Ok(Self::Ago(span)) }
    }

    /// Milliseconds since 1970; a day is one of the calendar.
    fn unix_ms(self, now_ms: u64, zone: &TimeZone) -> Option<u64> {
        let at = match self {
            Self::At(at) => at,
            Self::Local(at) => at.to_zoned(zone.clone()).ok()?.timestamp(),
            Self::Ago(span) => {
                let now = Timestamp::from_millisecond(now_ms.try_into().ok()?).ok()?;
                now.to_zoned(zone.clone()).checked_sub(span).ok()?.timestamp()
            }
        };
        // What was before 1970 is as early as can be.
        Some(at.as_millisecond().try_into().unwrap_or(0))
    }

    /// The same; what cannot be counted is an error of who gave the flag.
    pub(super) fn or_usage(self, flag: &str, now_ms: u64, zone: &TimeZone) -> Result<u64, Failure> {
        self.unix_ms(now_ms, zone).ok_or_else(|| anyhow!("{flag}: that is too long ago")).or_exit(Exit::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<u64>) {
        const NOON: u64 = 1_767_268_800_000;
        let at = When::parse(text).ok().and_then(|when| when.unix_ms(NOON, &TimeZone::UTC));
        assert_eq!(at.map(|at| (NOON as i64 - at as i64) / 1000), expect.map(|ago| ago as i64), "{text}");
    }

    #[test]
    fn ages_and_times() {
        check("10m", Some(600));
        check("2h30m", Some(9000));
        check("1d", Some(86_400));
        check("90 seconds", Some(90));
        check("2026-01-01T11:59:00Z", Some(60));
        check("2026-01-01T12:59:00+01:00", Some(60));
        check("2026-01-01", Some(12 * 3600));
        check("2026-01-01 11:59:30", Some(30));
        check("2026-01-01T11:59", Some(60));
        check("1000000y", None);
        for wrong in ["", "x", "-5m", "5", "2026-01", "2026-13-01", "yesterday"] {
            check(wrong, None);
        }
    }
}
