//! What a person is shown: free of the wire and of the screen.
//!
//! Texts are as their authors wrote them: who shows them makes them safe for its screen.

/// Something to be shown, with the time when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970, by the server's clock where it tells.
    pub at: u64,
    /// What happened.
    pub what: What,
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
    /// Anything else, as a sentence.
    Happened {
        /// The room that it belongs to.
        room: Option<String>,
        /// The sentence.
        text: String,
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
