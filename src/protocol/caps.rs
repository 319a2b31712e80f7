//! The IRCv3 capabilities that the server offers, and what a session looks like to the renderer.
//!
//! Implements the names of IRCv3 Capability Negotiation 3.2 (`CAP LS 302`).

use std::fmt;

/// What `CAP LS 302` says of multi-line messages: [`limits::MULTILINE_OCTETS`] and
/// [`limits::MULTILINE_LINES`].
///
/// [`limits::MULTILINE_OCTETS`]: crate::protocol::limits::MULTILINE_OCTETS
/// [`limits::MULTILINE_LINES`]: crate::protocol::limits::MULTILINE_LINES
const MULTILINE: &str = "max-bytes=4096,max-lines=32";

/// What it says of metadata: [`limits::METADATA_SUBS`] and the other limits there.
///
/// [`limits::METADATA_SUBS`]: crate::protocol::limits::METADATA_SUBS
const METADATA: &str = "before-connect,max-subs=50,max-keys=32,max-key-bytes=32,max-value-bytes=300";

/// A capability that a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cap {
    /// `account-notify`: told when a person's account changes: it never does, since it is the nick.
    AccountNotify,
    /// `account-tag`: every line from a person carries his account.
    AccountTag,
    /// `away-notify`: told when people go away and come back.
    AwayNotify,
    /// `batch`: groups of lines (needed by labeled responses of several lines).
    Batch,
    /// `cap-notify`: told when the list changes; implied by `CAP LS 302`.
    CapNotify,
    /// `chghost`: told when a person's username changes.
    ChgHost,
    /// `conclave.chat/id`: ours: a message may carry a name (tag `conclave.chat/id`) by which it is known when it is sent again.
    SentId,
    /// `conclave.chat/no-replay`: ours: is not told what it missed.
    NoReplay,
    /// `conclave.chat/unseen`: ours: the session does not make its account present.
    Unseen,
    /// `draft/channel-rename`: a room that gets another name needs no leaving and coming.
    ChannelRename,
    /// `draft/chathistory`: asks for kept messages by itself.
    Chathistory,
    /// `draft/event-playback`: kept events too, not only messages.
    EventPlayback,
    /// `draft/message-redaction`: told when a message is taken back.
    MessageRedaction,
    /// `draft/metadata-3`: told what people and rooms say about themselves, for the keys that it
    /// subscribes to.
    Metadata,
    /// `draft/multiline`: messages of several lines.
    Multiline,
    /// `draft/no-implicit-names`: no list of people after JOIN.
    NoImplicitNames,
    /// `draft/pre-away`: may be away before it is registered.
    PreAway,
    /// `draft/read-marker`: told up to when a conversation was read on another device.
    ReadMarker,
    /// `echo-message`: the sending session sees its own messages.
    EchoMessage,
    /// `extended-join`: JOIN with account and real name.
    ExtendedJoin,
    /// `extended-monitor`: told more about watched people than that they come and go.
    ExtendedMonitor,
    /// `invite-notify`: told when others are invited.
    InviteNotify,
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
    /// `setname`: told when real names change.
    SetName,
    /// `soju.im/search`: looks for messages by their words.
    Search,
    /// `standard-replies`: reads FAIL, WARN and NOTE.
    StandardReplies,
    /// `userhost-in-names`: NAMES with user and host.
    UserhostInNames,
}

impl Cap {
    /// Every capability, in the order of `CAP LS`.
    pub const ALL: [Self; 31] = [
        Self::AccountNotify,
        Self::AccountTag,
        Self::AwayNotify,
        Self::Batch,
        Self::CapNotify,
        Self::ChgHost,
        Self::SentId,
        Self::NoReplay,
        Self::Unseen,
        Self::ChannelRename,
        Self::Chathistory,
        Self::EventPlayback,
        Self::MessageRedaction,
        Self::Metadata,
        Self::Multiline,
        Self::NoImplicitNames,
        Self::PreAway,
        Self::ReadMarker,
        Self::EchoMessage,
        Self::ExtendedJoin,
        Self::ExtendedMonitor,
        Self::InviteNotify,
        Self::LabeledResponse,
        Self::MessageTags,
        Self::MultiPrefix,
        Self::Sasl,
        Self::ServerTime,
        Self::SetName,
        Self::Search,
        Self::StandardReplies,
        Self::UserhostInNames,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountNotify => "account-notify",
            Self::AccountTag => "account-tag",
            Self::AwayNotify => "away-notify",
            Self::Batch => "batch",
            Self::CapNotify => "cap-notify",
            Self::ChgHost => "chghost",
            Self::SentId => "conclave.chat/id",
            Self::NoReplay => "conclave.chat/no-replay",
            Self::Unseen => "conclave.chat/unseen",
            Self::ChannelRename => "draft/channel-rename",
            Self::Chathistory => "draft/chathistory",
            Self::EventPlayback => "draft/event-playback",
            Self::MessageRedaction => "draft/message-redaction",
            Self::Metadata => "draft/metadata-3",
            Self::Multiline => "draft/multiline",
            Self::NoImplicitNames => "draft/no-implicit-names",
            Self::PreAway => "draft/pre-away",
            Self::ReadMarker => "draft/read-marker",
            Self::EchoMessage => "echo-message",
            Self::ExtendedJoin => "extended-join",
            Self::ExtendedMonitor => "extended-monitor",
            Self::InviteNotify => "invite-notify",
            Self::LabeledResponse => "labeled-response",
            Self::MessageTags => "message-tags",
            Self::MultiPrefix => "multi-prefix",
            Self::Sasl => "sasl",
            Self::ServerTime => "server-time",
            Self::SetName => "setname",
            Self::Search => "soju.im/search",
            Self::StandardReplies => "standard-replies",
            Self::UserhostInNames => "userhost-in-names",
        }
    }

    /// The value that `CAP LS 302` shows after `=`.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::Sasl => Some("EXTERNAL"),
            Self::Metadata => Some(METADATA),
            Self::Multiline => Some(MULTILINE),
            _ => None,
        }
    }

    /// The capability of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cap| cap.name() == name)
    }

    /// What `CAP LS` offers to a client that asks for this version.
    pub fn offer(version: CapVersion) -> String {
        let show = |cap: Self| match cap.value().filter(|_| version == CapVersion::V302) {
            Some(value) => format!("{}={value}", cap.name()),
            None => cap.name().to_owned(),
        };
        Self::ALL.map(show).join(" ")
    }
}

/// The version of capability negotiation that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapVersion {
    /// 3.1: no values, one line for each answer.
    V301,
    /// 3.2: values, answers of several lines, `cap-notify`.
    V302,
}

impl CapVersion {
    /// The version that `CAP LS` names: the highest below it that the server knows.
    pub fn of(number: &str) -> Self {
        if number.parse::<u64>().is_ok_and(|number| number >= 302) { Self::V302 } else { Self::V301 }
    }
}

/// A set of capabilities; and with it, since it lasts as long, whether the client speaks version
/// 302 of their negotiation.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Caps(u32);

impl Caps {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// Stands for version 302.
    const V302: u32 = 1 << 31;

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

    /// The set of a client that has sent `CAP LS` with this version: it keeps the highest, and 302
    /// brings `cap-notify`.
    #[must_use]
    pub const fn speaking(self, version: CapVersion) -> Self {
        match version {
            CapVersion::V301 => self,
            CapVersion::V302 => Self(self.0 | Self::V302).with(Cap::CapNotify),
        }
    }

    /// The version of the negotiation that the client speaks.
    pub const fn version(self) -> CapVersion {
        if self.0 & Self::V302 == 0 { CapVersion::V301 } else { CapVersion::V302 }
    }

    /// Applies a `CAP REQ` list (`echo-message -batch`): all of it or, when a name is unknown,
    /// nothing. Version 302 cannot do without `cap-notify`.
    pub fn request(self, list: &str) -> Option<Self> {
        list.split(' ').filter(|name| !name.is_empty()).try_fold(self, |set, name| {
            let (wanted, name) = name.strip_prefix('-').map_or((true, name), |name| (false, name));
            let cap = Cap::by_name(name)?;
            match cap {
                _ if wanted => Some(set.with(cap)),
                Cap::CapNotify if set.version() == CapVersion::V302 => None,
                _ => Some(set.without(cap)),
            }
        })
    }

    /// The names of the set, as `CAP LIST` shows them.
    pub fn names(self) -> String {
        self.iter().map(Cap::name).collect::<Vec<_>>().join(" ")
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
    fn version_302_stays_and_brings_cap_notify() {
        let old = Caps::NONE.speaking(CapVersion::of("301")).request("cap-notify").unwrap();
        assert_eq!(old.request("-cap-notify"), Some(Caps::NONE));
        for number in ["302", "307", "99999999"] {
            let new = Caps::NONE.speaking(CapVersion::of(number)).speaking(CapVersion::of("x"));
            assert_eq!((new.version(), new.names().as_str()), (CapVersion::V302, "cap-notify"), "{number}");
            assert_eq!(new.request("cap-notify"), Some(new));
            assert_eq!(new.request("batch -cap-notify"), None);
        }
    }

    #[test]
    fn values_name_the_limits() {
        use crate::protocol::limits::{METADATA_KEY, METADATA_KEYS, METADATA_SUBS, METADATA_VALUE};
        use crate::protocol::limits::{MULTILINE_LINES, MULTILINE_OCTETS};
        assert_eq!(MULTILINE, format!("max-bytes={MULTILINE_OCTETS},max-lines={MULTILINE_LINES}"));
        let keys = format!("max-keys={METADATA_KEYS},max-key-bytes={METADATA_KEY}");
        let metadata = format!("before-connect,max-subs={METADATA_SUBS},{keys},max-value-bytes={METADATA_VALUE}");
        assert_eq!(METADATA, metadata);
    }

    #[test]
    fn the_table_of_capabilities_is_in_order_of_its_numbers() {
        for (number, cap) in Cap::ALL.into_iter().enumerate() {
            assert_eq!(cap as usize, number);
            assert_eq!(Cap::by_name(cap.name()), Some(cap));
        }
    }
}
