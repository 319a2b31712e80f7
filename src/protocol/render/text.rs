//! Times and pieces of text that both dialects write.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};

fn civil(unix_ms: u64) -> jiff::civil::DateTime {
    // Out of range only some 8,000 years from now: the epoch then.
    let timestamp = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    TimeZone::UTC.to_datetime(timestamp.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Writes IRCv3 `server-time`: `2026-11-21T06:27:00.123Z`.
pub fn server_time(out: &mut String, unix_ms: u64) {
    let t = civil(unix_ms);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    );
}

/// Writes `14:02:11` (UTC).
pub(super) fn clock(out: &mut String, unix_ms: u64) {
    let seconds = unix_ms / 1000 % 86400;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// Writes `2026-11-21`.
pub(super) fn date(out: &mut String, unix_ms: u64) {
    let t = civil(unix_ms);
    let _ = write!(out, "{:04}-{:02}-{:02}", t.year(), t.month(), t.day());
}

/// What is said when what was missed cannot be read.
pub(super) const MISSED_UNREADABLE: &str =
    "the server cannot read now what you missed; you get it when you connect again later";

/// How many unread messages nobody can read any more.
pub(super) fn gone_for_ever(expired: u64) -> String {
    match expired {
        1 => "about 1 unread message was too old and is gone".into(),
        _ => format!("about {} unread messages were too old and are gone", thousands(expired)),
    }
}

/// `1 message`, `4,800 messages`.
pub(super) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// `4,800`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Cuts `text` into pieces of at most `most` octets, behind a blank where that wastes little, and
/// never inside a character. Joined they are the text again.
pub(super) fn pieces(text: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        if text.len() <= most {
            rest = None;
            return Some(text);
        }
        // A limit below one character would make no progress: take one character at least.
        let first = text.chars().next().map_or(1, char::len_utf8);
        let hard = text.floor_char_boundary(most).max(first);
        let soft = text[..hard].rfind(' ').filter(|&at| at > hard / 2);
        let (piece, next) = match soft {
            Some(at) => text.split_at(at + 1),
            None => text.split_at(hard),
        };
        rest = Some(next);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        let mut out = String::new();
        server_time(&mut out, 1_795_242_420_123);
        assert_eq!(out, "2026-11-21T06:27:00.123Z");
        out.clear();
        clock(&mut out, 1_795_242_420_123);
        out.push(' ');
        date(&mut out, 1_795_242_420_123);
        assert_eq!(out, "06:27:00 2026-11-21");
        server_time(&mut out, u64::MAX);
    }

    #[test]
    fn numbers() {
        for (number, text) in [(0, "0"), (999, "999"), (4800, "4,800"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!([counted(1, "word"), counted(2000, "word")], ["1 word", "2,000 words"]);
    }

    proptest! {
        #[test]
        fn pieces_lose_nothing(text in "[a-zé ]{0,200}", most in 1usize..40) {
            let pieces: Vec<&str> = pieces(&text, most).collect();
            for piece in &pieces {
                prop_assert!(piece.len() <= most.max(2));
            }
            prop_assert_eq!(pieces.concat(), text);
        }
    }
}
