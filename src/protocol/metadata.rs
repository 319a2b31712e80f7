//! What people and rooms say about themselves (IRCv3 `draft/metadata-3`): keys and values, whose
//! they are, and what a session is told of them.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use crate::{
    ident::{Nick, RoomId},
    protocol::limits,
};

/// The target that stands for everybody and every room that a session hears of.
pub const ALL: &str = "*ALL";

/// A key: 1 to [`limits::METADATA_KEY`] characters of `a-z`, `0-9` and `_./-` (section "Keys and
/// Values").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

/// The text can be no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

impl Key {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_./-".contains(&b);
        let good = (1..=limits::METADATA_KEY).contains(&text.len()) && text.bytes().all(allowed);
        if good { Ok(Self(text.into())) } else { Err(NoKey) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What somebody, or a room, has set.
pub type Values = BTreeMap<Key, Arc<str>>;

/// Whose metadata.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A person's.
    Account(Nick),
    /// A room's.
    Room(RoomId),
}

/// One key of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// 761 with the value; 766 where there is none.
    Key {
        /// Whose, as it is written.
        target: Arc<str>,
        /// Which.
        key: Key,
        /// What it is.
        value: Option<Arc<str>>,
    },
    /// WARN: this can be no key.
    NoKey(Box<str>),
}

/// What a session is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataReply {
    /// What a key is now.
    Row(Row),
    /// Keys of a target, together (batch `metadata`).
    Rows(Arc<str>, Vec<Row>),
    /// These keys are subscribed to (770).
    Subscribed(Vec<Key>),
    /// These no longer (771).
    Unsubscribed(Vec<Key>),
    /// All that are (772, batch `metadata-subs`).
    Subscriptions(Vec<Key>),
    /// There is more than fits now: ask for this target by SYNC (774).
    Later(Arc<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let longest = "k".repeat(limits::METADATA_KEY);
        for good in ["display-name", "avatar", "im.xmpp", "example.org/key_1", "0", &longest] {
            assert_eq!(good.parse::<Key>().map(|key| key.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Avatar", "a b", "$url$", "ключ", "a:b", "*", &format!("{longest}k")] {
            assert_eq!(bad.parse::<Key>(), Err(NoKey), "{bad:?}");
        }
    }
}
