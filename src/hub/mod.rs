//! The chat itself: rooms, accounts with their sessions, presence, and what each request does.
//!
//! [`State`] is a pure function's memory: [`State::step`] takes one sequenced request and gives
//! back what to keep and what to say to whom; time, ids and randomness come in with the request.
//! [`task`] is the thin shell that owns the sessions' outboxes and the journal, and lets nothing
//! be seen that is not committed.

mod access;
mod account;
mod audience;
mod cursors;
mod delivery;
mod inbox;
mod letterboxes;
mod mask;
mod metadata;
mod outbox;
mod request;
mod room;
mod sought;
mod state;
mod step;
pub mod task;
#[cfg(test)]
mod tests;

pub use audience::Audience;
pub use delivery::{Delivery, Lookup, Missed, Outputs, Why};
pub use inbox::Inbox;
pub use metadata::Early;
pub use outbox::{Cut, Outbox, Taken};
pub use request::{Body, Gone, Registration, Request, Sequenced, SessionId, Stamp};
pub use sought::{Found, Sought};
pub use state::{Settings, State};
