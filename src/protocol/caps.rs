//! The IRCv3 capabilities that the server offers, and what a session looks like to the renderer.
//!
//! Implements the names of IRCv3 Capability Negotiation 3.2 (`CAP LS 302`).

use std::fmt;

/// A capability that a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cap {
    /// `account-tag`: every line from a person carries his account.
    AccountTag,
    /// `batch`: groups of lines (needed by labeled responses of several lines).
    Batch,
    /// `cap-notify`: told when the list changes; implied by `CAP LS 302`.
    CapNotify,
    /// `echo-message`: the sending session sees its own messages.
    EchoMessage,
    /// `labeled-response`: an answer carries the label of its request.
    LabeledResponse,
    /// `message-tags`: client-only tags, `msgid`, TAGMSG.
    MessageTags,
    /// `multi-prefix`: all status prefixes in NAMES and WHO.
    MultiPrefix,
    /// `sasl`: EXTERNAL only; the certificate is the account anyway.
    Sasl,
    /// `server-time`: every line carries its time.
    ServerTime,
}

impl Cap {
    /// Every capability, in the order of `CAP LS`.
    pub const ALL: [Self; 9] = [
        Self::AccountTag,
        Self::Batch,
        Self::CapNotify,
        Self::EchoMessage,
        Self::LabeledResponse,
        Self::MessageTags,
        Self::MultiPrefix,
        Self::Sasl,
        Self::ServerTime,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountTag => "account-tag",
            Self::Batch => "batch",
            Self::CapNotify => "cap-notify",
            Self::EchoMessage => "echo-message",
            Self::LabeledResponse => "labeled-response",
            Self::MessageTags => "message-tags",
            Self::MultiPrefix => "multi-prefix",
            Self::Sasl => "sasl",
            Self::ServerTime => "server-time",
        }
    }

    /// The value that `CAP LS 302` shows after `=`.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::Sasl => Some("EXTERNAL"),
            _ => None,
        }
    }

    /// The capability of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cap| cap.name() == name)
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Caps(u32);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// The set of the given ones.
    pub const fn of(caps: &[Cap]) -> Self {
        let mut set = 0;
        let mut i = 0;
        while i < caps.len() {
            set |= 1 << caps[i] as u8;
            i += 1;
        }
        Self(set)
    }

    /// Whether the set holds `cap`.
    pub const fn has(self, cap: Cap) -> bool {
        self.0 & (1 << cap as u8) != 0
    }

    /// The set with `cap`.
    #[must_use]
    pub const fn with(self, cap: Cap) -> Self {
        Self(self.0 | 1 << cap as u8)
    }

    /// The set without `cap`.
    #[must_use]
    pub const fn without(self, cap: Cap) -> Self {
        Self(self.0 & !(1 << cap as u8))
    }

    /// What both sets hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The capabilities of the set, in the order of `CAP LS`.
    pub fn iter(self) -> impl Iterator<Item = Cap> {
        Cap::ALL.into_iter().filter(move |&cap| self.has(cap))
    }

    /// Applies a `CAP REQ` list (`echo-message -batch`): all of it or, when a name is unknown,
    /// nothing.
    pub fn request(self, list: &str) -> Option<Self> {
        list.split(' ').filter(|name| !name.is_empty()).try_fold(self, |set, name| match name.strip_prefix('-') {
            Some(name) => Cap::by_name(name).map(|cap| set.without(cap)),
            None => Cap::by_name(name).map(|cap| set.with(cap)),
        })
    }

    /// Whether any capability was negotiated that lets lines carry tags to the client.
    pub const fn tags(self) -> bool {
        self.0 & Self::of(&[Cap::AccountTag, Cap::Batch, Cap::LabeledResponse, Cap::MessageTags, Cap::ServerTime]).0
            != 0
    }
}

impl fmt::Debug for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Cap::name)).finish()
    }
}

/// Which of the two dialects a session speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// RFC 1459 lines with IRCv3, for programs.
    Irc,
    /// Lines for a person with `openssl s_client` or a shell script.
    Plain,
}

/// All that decides how one and the same thing looks on a session's wire. Sessions of equal
/// shape share the rendered octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The dialect.
    pub dialect: Dialect,
    /// The negotiated capabilities; empty for the plain dialect.
    pub caps: Caps,
}

impl Shape {
    /// A plain session.
    pub const PLAIN: Self = Self { dialect: Dialect::Plain, caps: Caps::NONE };

    /// An IRC session with these capabilities.
    pub const fn irc(caps: Caps) -> Self {
        Self { dialect: Dialect::Irc, caps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_whole_or_not_at_all() {
        let set = Caps::NONE.request("server-time batch ").unwrap();
        assert_eq!(set, Caps::of(&[Cap::ServerTime, Cap::Batch]));
        assert_eq!(set.request("-batch echo-message"), Some(Caps::of(&[Cap::ServerTime, Cap::EchoMessage])));
        for bad in ["server-time no-such-cap", "-no-such-cap", "SERVER-TIME", "sasl=EXTERNAL"] {
            assert_eq!(Caps::NONE.request(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_table_of_capabilities_is_in_order_of_its_numbers() {
        for (number, cap) in Cap::ALL.into_iter().enumerate() {
            assert_eq!(cap as usize, number);
            assert_eq!(Cap::by_name(cap.name()), Some(cap));
        }
    }
}
