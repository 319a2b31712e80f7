//! What a person is shown: free of the wire and of the screen.
//!
//! Texts are as their authors wrote them: who shows them makes them safe for its screen. Beside the
//! sentences for a person stands, for programs, the [`Record`] of the line that told of it.

/// Something to be shown, with the time when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970, by the server's clock where it tells.
    pub at: u64,
    /// What happened.
    pub what: What,
    /// The same for a program. None: words of the server or of the client about something else.
    pub record: Option<Box<Record>>,
}

/// A line of the chat in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Milliseconds since 1970, by the server's clock where it tells.
    pub at: u64,
    /// The message's id. The later pieces of a message in several lines have none.
    pub id: Option<String>,
    /// Who.
    pub nick: String,
    /// The account, where the server tells.
    pub account: Option<String>,
    /// The room or the person. None: everybody who sees him.
    pub target: Option<String>,
    /// What kind of line.
    pub kind: Kind,
    /// The text, the topic, the modes or the reason.
    pub text: String,
    /// Who was removed.
    pub whom: Option<String>,
    /// It was not said just now: a part of the history, or of what was missed.
    pub past: bool,
}

/// What kind of line a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Said.
    Message,
    /// Done: `* alice waves`.
    Action,
    /// Said, and not to be answered by machine.
    Notice,
    /// Came into the room.
    Join,
    /// Left the room.
    Part,
    /// Is gone.
    Quit,
    /// Removed somebody from the room.
    Kick,
    /// Set the topic.
    Topic,
    /// Set modes.
    Mode,
    /// Gave the room another name, which is the text. Only exports hold it.
    Rename,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Action => "action",
            Self::Notice => "notice",
            Self::Join => "join",
            Self::Part => "part",
            Self::Quit => "quit",
            Self::Kick => "kick",
            Self::Topic => "topic",
            Self::Mode => "mode",
            Self::Rename => "rename",
        }
    }

    /// Whether somebody says something, in whatever way.
    pub const fn is_said(self) -> bool {
        matches!(self, Self::Message | Self::Action | Self::Notice)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody said something.
    Said {
        /// Where.
        place: Place,
        /// Who.
        from: String,
        /// How.
        manner: Manner,
        /// The text.
        text: String,
    },
    /// Something that was said once, and was looked for.
    Found(Box<What>),
    /// Anything else, as a sentence.
    Happened {
        /// The room that it belongs to.
        room: Option<String>,
        /// The sentence.
        text: String,
    },
    /// Somebody took a message back.
    TakenBack {
        /// The room where it was said.
        room: Option<String>,
        /// Who took it back.
        by: String,
        /// Who had said it, and when (milliseconds since 1970), if it was seen.
        said: Option<(String, u64)>,
        /// Why, or nothing.
        reason: String,
    },
    /// The server refused a line that was typed.
    NotSent {
        /// The line as it was typed.
        text: String,
        /// Why it was refused.
        reason: String,
    },
}

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a room.
    Room(String),
    /// To us alone.
    ToUs,
    /// By us, to this person alone.
    To(String),
}

/// How something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As text.
    Text,
    /// As an action: `* alice waves`.
    Action,
    /// As a notice, which nobody answers by machine.
    Notice,
}
