//! How single values are written.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use anyhow::{bail, ensure};

/// `on`, `off` and their kin.
pub(super) fn switch(text: &str) -> anyhow::Result<bool> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => bail!("on or off is expected"),
    }
}

/// A number within bounds.
pub(super) fn number(text: &str, bounds: RangeInclusive<usize>) -> anyhow::Result<usize> {
    match text.parse() {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => bail!("a number from {} to {} is expected", bounds.start(), bounds.end()),
    }
}

/// An age such as `12h`, `30d` or `8w`.
pub(super) fn age(text: &str) -> anyhow::Result<Duration> {
    const HOUR: u64 = 3600;

    let unit = text.chars().next_back().and_then(|unit| match unit {
        'm' => Some(60),
        'h' => Some(HOUR),
        'd' => Some(24 * HOUR),
        'w' => Some(7 * 24 * HOUR),
        'y' => Some(365 * 24 * HOUR),
        _ => None,
    });
    let seconds = unit.and_then(|unit| u64::from(text[..text.len() - 1].parse::<u32>().ok()?).checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=3_153_600_000) => Ok(Duration::from_secs(seconds)),
        _ => bail!("an age such as 12h, 30d, 8w or 1y, or forever, or off is expected"),
    }
}

/// Where to listen.
pub(super) fn listen(text: &str) -> anyhow::Result<SocketAddr> {
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => bail!("an address and a port are expected, such as 127.0.0.1:6697, 0.0.0.0:6697 or [::]:6697"),
    }
}

/// Where metrics are told: an address and a port, a port of this machine, or nowhere.
pub(super) fn metrics(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    const PORT: u16 = 9697;

    let here = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Ok(port) = text.parse::<u16>() {
        // Also 0 and 1, which a switch would take for off and on.
        return Ok(here(port));
    }
    match (switch(text), text.parse()) {
        (Ok(true), _) => Ok(here(PORT)),
        (Ok(false), _) => Ok(None),
        (_, Ok(address)) => Ok(Some(address)),
        _ => bail!("an address and a port are expected, such as 127.0.0.1:{PORT}, or a port alone, or on, or off"),
    }
}

/// A server's name: a host name with a dot.
pub(super) fn server_name(text: &str) -> anyhow::Result<String> {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    ensure!(
        text.len() <= 63 && text.contains('.') && text.split('.').all(label),
        "a name such as chat.example.org is expected: letters, digits and -, at least one dot, at most 63 characters"
    );
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(parse: impl Fn(&str) -> anyhow::Result<T>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(parse(text).is_ok(), "{text:?}");
        }
        for text in bad {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn values() {
        check(switch, &["on", "off", "true", "0"], &["", "On", "maybe"]);
        check(|t| number(t, 1..=9), &["1", "9"], &["", "0", "10", "-1", "1.0", "x", "99999999999999999999999"]);
        check(
            age,
            &["1m", "12h", "30d", "8w", "100y"],
            &["", "0d", "30", "d", "-1d", "1.5d", "30x", "101y", "9999999999d", "3é"],
        );
        check(listen, &["127.0.0.1:6697", "[::]:0"], &["", "6697", "localhost:6697", "127.0.0.1", "127.0.0.1:70000"]);
        check(
            server_name,
            &["conclave.local", "a.b-c.d1"],
            &["", "local", ".a", "a.", "a..b", "a b.c", "-a.b", "ä.b", &"a.".repeat(40)],
        );
        check(
            metrics,
            &["on", "off", "9697", "0", "0.0.0.0:1", "[::1]:0"],
            &["", "localhost:1", "127.0.0.1", "70000", "-1"],
        );
        let at = |text| metrics(text).unwrap().map(|address| address.to_string());
        assert_eq!(
            [at("on"), at("off"), at("80"), at("1"), at("[::]:80")],
            [
                Some("127.0.0.1:9697".into()),
                None,
                Some("127.0.0.1:80".into()),
                Some("127.0.0.1:1".into()),
                Some("[::]:80".into())
            ]
        );
        assert_eq!(age("30d").unwrap(), Duration::from_secs(30 * 86_400));
    }
}
