//! What is kept: the log of durable events in their one order, and the store that pages through
//! the messages and events of each conversation.
//!
//! The hub appends and stages what it would say; what was appended becomes committed, in order,
//! or fails. Backends differ in where they keep things, not in these rules; `contract` (a test
//! suite) holds every backend to them.

#[cfg(test)]
pub(crate) mod contract;
mod directory;
#[cfg(test)]
pub(crate) mod late;
mod memory;
mod names;
mod partners;
mod prompt;
mod ring;
pub mod sqlite;
mod unread;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

pub use directory::{Directory, DirectoryError, journal_in};
pub use memory::{Bounds, Memory};

use crate::{
    ident::{MsgId, Nick},
    platform::counters::Counters,
    protocol::{
        chat::Message,
        durable::{Conversation, Durable, Position, Sent},
        past::{Answer, Question},
    },
};

/// What one request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order; larger than that of every entry before.
    pub position: Position,
    /// When, milliseconds since the epoch; never less than that of an entry before.
    pub time_ms: u64,
    /// The changes, in order; never empty.
    pub events: Vec<Durable>,
}

/// The place and time of the last committed entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// Its place in the order.
    pub position: Position,
    /// Milliseconds since the epoch.
    pub time_ms: u64,
}

/// What is kept of messages and events; what makes up the state is kept always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// None older than this, milliseconds.
    pub age_ms: Option<u64>,
    /// At most so many of one room, or of what two people said to each other.
    pub per_conversation: Option<u64>,
    /// At most so many in all.
    pub total: Option<u64>,
}

impl Retention {
    /// Nothing of what is said or happens.
    pub const NOTHING: Self = Self { age_ms: Some(0), per_conversation: Some(0), total: Some(0) };
}

/// A commit failed: nothing appended since the last success is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the journal could not be written: {0}")]
pub struct CommitError(pub String);

/// The journal could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the journal could not be read: {0}")]
pub struct ReadError(pub String);

/// The ordered log.
///
/// A backend
/// - MUST NOT block in `append`, `commit` and `poll_committed`;
/// - MUST commit entries in the order of `append`, all or none of each;
/// - MUST, after it has reported a failure, hold nothing of what was appended and not reported as
///   committed before, and take further entries as if nothing had happened;
/// - MUST NOT report a position as committed that a crash could lose, as far as it claims to keep
///   anything at all;
/// - MUST NOT keep the text and the tags of a message any longer once its [`Durable::Redacted`] is
///   committed.
pub trait Log {
    /// Takes the next entry.
    fn append(&mut self, entry: Entry);

    /// Asks for all that was appended to be committed, now or soon.
    fn commit(&mut self);

    /// The last position that is committed at this moment.
    fn committed(&self) -> Option<Position>;

    /// The last committed position, each time that it has moved; or the failure, once.
    fn poll_committed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Position, CommitError>>;

    /// Counts from now on how long its commits take, and how much each of them holds; for backends in
    /// which a commit takes any time.
    fn count_in(&mut self, _counters: Arc<Counters>) {}

    /// Gives back every committed event that makes up the state (messages need not be among
    /// them), in order, and where and when the last one was.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Last>, ReadError>;
}

/// How long the names of sent messages are known, milliseconds: seven days, whatever else is kept.
pub const RESENT_MS: u64 = 7 * 86_400_000;

/// An account's times in a room of which is known, at most; the oldest is forgotten. Each is a part of
/// what must be looked through for what the account has not read.
const STAYS: usize = 32;

/// Names a question until it is answered; the asker gives it.
pub type Ticket = u64;

/// What is kept, to be read. Only what is committed is seen, if it is not said otherwise.
///
/// A backend MUST NOT block in `ask` and `poll_answer`. Looking for one thing by its id may read a
/// few pages of the disk.
pub trait Store {
    /// Asks a question. It is answered once, with what is committed at any moment after this; what
    /// was asked later may be answered sooner.
    fn ask(&mut self, ticket: Ticket, question: Question);

    /// The next answer, or the reason why there is none.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)>;

    /// A message of the conversation, unless it was taken back.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError>;

    /// What became of the message that the account sent under this name; known for at least
    /// [`RESENT_MS`]. Sees also what was appended and is not committed yet.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn sent(&mut self, account: &Nick, id: &str) -> Result<Option<Sent>, ReadError>;
}

/// A backend is both.
pub trait Journal: Log + Store + Send {}

impl<T: Log + Store + Send> Journal for T {}
