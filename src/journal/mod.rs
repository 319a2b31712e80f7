//! What is kept: the log of durable events in their one order, and the store that pages through
//! the messages and events of each conversation.
//!
//! The hub appends and stages what it would say; what was appended becomes committed, in order,
//! or fails. Backends differ in where they keep things, not in these rules; `contract` (a test
//! suite) holds every backend to them.

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
pub(crate) mod late;
mod memory;
mod ring;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

pub use memory::{Bounds, Memory};

use crate::{
    ident::MsgId,
    protocol::{
        chat::Message,
        durable::{Conversation, Durable, Position},
        past::{Kept, Newest, Page},
    },
};

/// What one request changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order; larger than that of every entry before.
    pub position: Position,
    /// The changes, in order; never empty.
    pub events: Vec<Durable>,
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

    /// Gives back every committed event that makes up the state (messages need not be among
    /// them), in order, and the last committed position.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Position>, ReadError>;
}

/// The kept messages and events.
pub trait Store {
    /// A page of what is committed, the oldest first. Empty when what bounds the range is not kept.
    /// What was taken back is not shown, but still bounds. Fewer items than asked for when together
    /// they are larger than [`PAGE`](crate::protocol::limits::PAGE).
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn page(&mut self, page: &Page) -> Result<Vec<Kept>, ReadError>;

    /// A committed message of the conversation, unless it was taken back.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError>;

    /// Conversations with the time of their newest committed text, the oldest first.
    ///
    /// # Errors
    /// When the backend cannot read what it keeps.
    fn newest(&mut self, newest: &Newest) -> Result<Vec<(Conversation, u64)>, ReadError>;
}

/// A backend is both.
pub trait Journal: Log + Store + Send {}

impl<T: Log + Store + Send> Journal for T {}
