//! How much a journal holds, in words.

use crate::journal::sqlite::Holdings;

/// `12 messages of 3 rooms, 4.2 MiB`.
pub(super) fn holdings(found: &Holdings) -> String {
    let (messages, rooms) = (counted(found.messages, "message"), counted(found.rooms, "room"));
    format!("{messages}, {rooms}, {}", size(found.octets))
}

/// The same; what an older Conclave made is counted when the server has brought it up to date.
pub(super) fn holdings_or_age(found: Option<&Holdings>) -> String {
    found.map_or_else(|| "an older Conclave made it".to_owned(), holdings)
}

/// A number of things.
pub(super) fn counted(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

fn size(octets: u64) -> String {
    let tenths = |unit: u64| octets.saturating_mul(10) / unit;
    match octets {
        0..0x10_0000 => format!("{} KiB", octets.div_ceil(1024)),
        0x10_0000..0x4000_0000 => format!("{}.{} MiB", tenths(1 << 20) / 10, tenths(1 << 20) % 10),
        _ => format!("{}.{} GiB", tenths(1 << 30) / 10, tenths(1 << 30) % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words() {
        let text = |messages, rooms, octets| holdings(&Holdings { messages, rooms, octets });
        assert_eq!(text(0, 1, 1), "0 messages, 1 room, 1 KiB");
        assert_eq!(text(1, 2, 4096), "1 message, 2 rooms, 4 KiB");
        assert_eq!(text(12, 3, 0x10_0000 * 42 / 10), "12 messages, 3 rooms, 4.1 MiB");
        assert_eq!(text(12, 3, 3 << 30), "12 messages, 3 rooms, 3.0 GiB");
    }
}
