//! The name of an account, and the labels of its devices and clients.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use thiserror::Error;

/// A nickname (Modern IRC, section "Clients"): 1 to 32 ASCII characters, a letter or one of
/// ``[ ] \ ` _ ^ { | }`` first, then also digits and `-`.
///
/// Two nicks are the same when they differ only in ASCII case (`CASEMAPPING=ascii`). Cloning
/// shares the text.
#[derive(Clone)]
pub struct Nick(Arc<str>);

/// An account is named by its nick: the certificate's CN.
pub type Account = Nick;

/// Why a text is no nick that a person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NickError {
    /// No character at all.
    #[error("the name is empty")]
    Empty,
    /// More than [`Nick::MAX`] characters.
    #[error("the name is longer than 32 characters")]
    TooLong,
    /// A character that IRC does not allow in a nick, or not in front.
    #[error("a name has only ASCII letters, digits and []\\`_^{{|}}-, and starts with neither a digit nor -")]
    Character,
    /// A name that services or servers use, so that a person who had it could deceive others.
    #[error("this name is reserved")]
    Reserved,
}

/// Names that clients and people take for the server's own.
const RESERVED: [&str; 18] = [
    "alis", "authserv", "botserv", "chanserv", "conclave", "everyone", "global", "helpserv", "here", "history",
    "histserv", "hostserv", "infoserv", "memoserv", "nickserv", "operserv", "server", "you",
];

impl Nick {
    /// The most characters that a nick has (ISUPPORT `NICKLEN`).
    pub const MAX: usize = 32;

    /// The name as its certificate writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case: equal for names that are the same.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Nick {
    type Err = NickError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let special = |b: u8| b"[]\\`_^{|}".contains(&b);
        let mut bytes = text.bytes();
        let first = bytes.next().ok_or(NickError::Empty)?;
        if text.len() > Self::MAX {
            return Err(NickError::TooLong);
        }
        if !(first.is_ascii_alphabetic() || special(first))
            || !bytes.all(|b| b.is_ascii_alphanumeric() || special(b) || b == b'-')
        {
            return Err(NickError::Character);
        }
        if RESERVED.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            return Err(NickError::Reserved);
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for Nick {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Nick {}

impl Ord for Nick {
    fn cmp(&self, other: &Self) -> Ordering {
        let folded = self.0.bytes().map(|b| b.to_ascii_lowercase());
        folded.cmp(other.0.bytes().map(|b| b.to_ascii_lowercase()))
    }
}

impl PartialOrd for Nick {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Nick {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
        state.write_u8(0xff);
    }
}

impl fmt::Display for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Nick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The label's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = LabelError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let ok = !text.is_empty()
                    && text.len() <= 32
                    && !text.starts_with('-')
                    && !text.starts_with('.')
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                if ok { Ok(Self(text.into())) } else { Err(LabelError) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

/// The text is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a label has 1 to 32 ASCII letters, digits, '-', '_' or '.', and starts with neither '-' nor '.'")]
pub struct LabelError;

label! {
    /// What a person calls one of his devices (`laptop`), from the certificate.
    DeviceLabel
}
label! {
    /// Which program a session is (`weechat`), from the part after `@` in USER's username.
    ClientLabel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(), NickError>) {
        assert_eq!(text.parse::<Nick>().map(|_| ()), expect, "{text:?}");
    }

    #[test]
    fn alphabet_length_and_reserved_names() {
        for good in ["a", "Alice", "[x]", "a-1", "_", &"n".repeat(32)] {
            check(good, Ok(()));
        }
        check("", Err(NickError::Empty));
        check(&"n".repeat(33), Err(NickError::TooLong));
        for bad in ["1a", "-a", "*", "a b", "a!b", "a@b", "conclave.local", "#a", "zoë", "a\0", "a\r"] {
            check(bad, Err(NickError::Character));
        }
        for reserved in ["NickServ", "CHANSERV", "you", "Conclave"] {
            check(reserved, Err(NickError::Reserved));
        }
    }

    #[test]
    fn case_makes_no_difference() {
        use std::collections::HashSet;
        let set: HashSet<Nick> = ["Alice", "ALICE", "alice", "alic"].map(|n| n.parse().unwrap()).into();
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn labels() {
        for good in ["laptop", "Pixel-8", "a.b_c"] {
            assert!(good.parse::<DeviceLabel>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "../x", "-x", ".x", "a/b", "é", &"x".repeat(33)] {
            assert!(bad.parse::<ClientLabel>().is_err(), "{bad}");
        }
    }
}
