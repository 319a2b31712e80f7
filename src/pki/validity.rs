//! From when until when a certificate is valid.

use jiff::Timestamp;
use time::OffsetDateTime;

use crate::pki::PkiError;

/// The seconds of a day.
pub const DAY: i64 = 86_400;

/// How long before its making a certificate becomes valid (seconds), for peers whose clock is late.
pub const BACKDATE: i64 = 300;

/// The first and the last second in which a certificate is valid, since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

impl Validity {
    /// Valid from now (and [`BACKDATE`] before) for so many days.
    pub const fn days(now: i64, days: u32) -> Self {
        Self { not_before: now - BACKDATE, not_after: now + days as i64 * DAY }
    }

    /// The same, but ending not later than the other.
    pub fn within(self, other: Self) -> Self {
        Self { not_after: self.not_after.min(other.not_after), ..self }
    }

    /// Whether the moment is in it.
    pub const fn contains(&self, now: i64) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// A moment as a person reads it, in UTC: `2027-02-24 10:15 UTC`.
pub fn day(moment: i64) -> String {
    Timestamp::from_second(moment)
        .map_or_else(|_| format!("{moment} s after 1970"), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// A moment as the certificate library wants it.
pub(super) fn moment(seconds: i64) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| PkiError::Time(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validity_starts_a_little_early_and_ends_with_its_authority() {
        let now = 1_800_000_000;
        let one = Validity::days(now, 1);
        assert!(one.contains(now - BACKDATE) && one.contains(now + DAY));
        assert!(!one.contains(now - BACKDATE - 1) && !one.contains(now + DAY + 1));
        assert_eq!(Validity::days(now, 9).within(one), one);
    }

    #[test]
    fn a_moment_is_readable() {
        assert_eq!(day(0), "1970-01-01 00:00 UTC");
        assert_eq!(day(i64::MAX), "9223372036854775807 s after 1970");
    }
}
