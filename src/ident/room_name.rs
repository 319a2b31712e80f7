//! The name and the stable number of a room.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use thiserror::Error;

/// A room's number: given once, kept through every renaming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// A room's name (Modern IRC, section "Channels"): `#` and 1 to 63 more octets of UTF-8 without
/// space, comma, colon, control characters or characters that change the direction of text.
///
/// Two names are the same when they differ only in ASCII case. Cloning shares the text.
#[derive(Clone)]
pub struct RoomName(Arc<str>);

/// Why a text is no room name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RoomNameError {
    /// It does not start with `#`.
    #[error("a room's name starts with #")]
    Prefix,
    /// Nothing follows the `#`.
    #[error("a room needs a name after the #")]
    Empty,
    /// More than [`RoomName::MAX`] octets.
    #[error("a room's name has at most 64 octets")]
    TooLong,
    /// A character that would break the line or deceive the reader.
    #[error("a room's name has no space, comma, colon, control or invisible character")]
    Character,
}

impl RoomName {
    /// The most octets that a name has, `#` counted (ISUPPORT `CHANNELLEN`).
    pub const MAX: usize = 64;

    /// The name as it was first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case: equal for names that are the same.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn refused(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, ',' | ':')
        // Zero width, direction marks and overrides, isolates, and the byte order mark.
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{61c}')
}

impl FromStr for RoomName {
    type Err = RoomNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('#').ok_or(RoomNameError::Prefix)?;
        if rest.is_empty() {
            return Err(RoomNameError::Empty);
        }
        if text.len() > Self::MAX {
            return Err(RoomNameError::TooLong);
        }
        if rest.contains(refused) {
            return Err(RoomNameError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for RoomName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for RoomName {}

impl Ord for RoomName {
    fn cmp(&self, other: &Self) -> Ordering {
        let folded = self.0.bytes().map(|b| b.to_ascii_lowercase());
        folded.cmp(other.0.bytes().map(|b| b.to_ascii_lowercase()))
    }
}

impl PartialOrd for RoomName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for RoomName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
        state.write_u8(0xff);
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(), RoomNameError>) {
        assert_eq!(text.parse::<RoomName>().map(|_| ()), expect, "{text:?}");
    }

    #[test]
    fn alphabet_and_length() {
        for good in ["#a", "#Ops", "##c", "#zürich", "#a.b-c", &("#".to_owned() + &"n".repeat(63))] {
            check(good, Ok(()));
        }
        for bad in ["", "a", "&a", " #a"] {
            check(bad, Err(RoomNameError::Prefix));
        }
        check("#", Err(RoomNameError::Empty));
        check(&("#".to_owned() + &"n".repeat(64)), Err(RoomNameError::TooLong));
        for bad in ["#a b", "#a,b", "#a:b", "#a\u{7}", "#a\0", "#a\r", "#\u{202e}a", "#a\u{200b}"] {
            check(bad, Err(RoomNameError::Character));
        }
    }

    #[test]
    fn only_ascii_case_is_folded() {
        assert_eq!("#Ops".parse::<RoomName>(), "#OPS".parse());
        assert_ne!("#ä".parse::<RoomName>(), "#Ä".parse());
    }
}
