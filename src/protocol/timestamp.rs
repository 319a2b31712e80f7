//! The timestamps of IRCv3 `server-time`, read; `render` writes them.

/// Milliseconds since the epoch of `YYYY-MM-DDThh:mm:ss.sssZ`; `None` for anything else and for
/// times before the epoch.
pub fn parse(text: &str) -> Option<u64> {
    // The library takes other offsets, other separators and names of time zones too.
    let shape = |(at, b): (usize, u8)| match at {
        4 | 7 => b == b'-',
        10 => b == b'T',
        13 | 16 => b == b':',
        19 => b == b'.' || b == b'Z',
        _ => b.is_ascii_digit() || at == text.len() - 1 && b == b'Z',
    };
    if !(20..=30).contains(&text.len()) || !text.ends_with('Z') || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_server_time() {
        for (text, expect) in [
            ("2026-11-21T06:27:00.123Z", Some(1_795_242_420_123)),
            ("2026-11-21T06:27:00Z", Some(1_795_242_420_000)),
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("1969-12-31T23:59:59.000Z", None),
            ("2026-11-21 06:27:00.123Z", None),
            ("2026-11-21T06:27:00.123+01:00", None),
            ("2026-13-21T06:27:00.123Z", None),
            ("2026-11-21T06:27:00.123", None),
            ("+026-11-21T06:27:00.123Z", None),
            ("", None),
            ("Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(parse(text), expect, "{text:?}");
        }
    }
}
