//! The modes of rooms and people, by their letters (Modern IRC, section "Modes").

use std::sync::Arc;

use crate::ident::Nick;

/// A mode of a room that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// `i`: only who is invited comes in.
    InviteOnly,
    /// `m`: only operators and voiced people speak.
    Moderated,
    /// `C`: no CTCP but actions.
    NoCtcp,
    /// `n`: only members speak.
    NoExternal,
    /// `s`: outsiders do not see it.
    Secret,
    /// `t`: only operators set the topic.
    TopicLocked,
}

/// A mode of a room that is a list of masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// `b`: who fits may not come in, nor speak.
    Ban,
    /// `e`: who fits is not concerned by bans.
    Except,
    /// `I`: who fits needs no invitation.
    InviteExcept,
}

/// What a member is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// `o`, shown as `@`.
    Operator,
    /// `v`, shown as `+`.
    Voiced,
}

impl Flag {
    /// Every flag, in the order of the letters.
    pub const ALL: [Self; 6] =
        [Self::NoCtcp, Self::InviteOnly, Self::Moderated, Self::NoExternal, Self::Secret, Self::TopicLocked];

    /// Its letter.
    pub const fn letter(self) -> char {
        match self {
            Self::InviteOnly => 'i',
            Self::Moderated => 'm',
            Self::NoCtcp => 'C',
            Self::NoExternal => 'n',
            Self::Secret => 's',
            Self::TopicLocked => 't',
        }
    }

    /// The flag of this letter.
    pub fn by_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.letter() == letter)
    }
}

impl List {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::Ban, Self::Except, Self::InviteExcept];

    /// Its letter.
    pub const fn letter(self) -> char {
        match self {
            Self::Ban => 'b',
            Self::Except => 'e',
            Self::InviteExcept => 'I',
        }
    }

    /// The list of this letter.
    pub fn by_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.letter() == letter)
    }
}

impl Status {
    /// Every status, the highest first.
    pub const ALL: [Self; 2] = [Self::Operator, Self::Voiced];

    /// Its letter.
    pub const fn letter(self) -> char {
        match self {
            Self::Operator => 'o',
            Self::Voiced => 'v',
        }
    }

    /// What stands in front of a nick that has it.
    pub const fn prefix(self) -> char {
        match self {
            Self::Operator => '@',
            Self::Voiced => '+',
        }
    }

    /// The status of this letter.
    pub fn by_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.letter() == letter)
    }

    /// The status of this prefix.
    pub fn by_prefix(prefix: char) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.prefix() == prefix)
    }
}

/// An entry of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The mask: `nick!user@host` with `*` and `?`.
    pub mask: Box<str>,
    /// Who put it there.
    pub by: Nick,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// One change of a room's modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A flag is on or off.
    Flag(Flag, bool),
    /// `k`: coming in takes this key, or none.
    Key(Option<Arc<str>>),
    /// `l`: no more than so many members come in by themselves.
    Limit(Option<u32>),
    /// A mask is on a list.
    Listed(List, Listed),
    /// A mask is on a list no longer.
    Unlisted(List, Box<str>),
    /// A member has a status, or has it no longer.
    Status(Status, Nick, bool),
}
