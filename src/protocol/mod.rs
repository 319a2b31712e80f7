//! The line protocol: lines, messages and commands of both dialects, in and out.
//!
//! No I/O and no state of a chat: what comes in is bounded and checked, what goes out is made safe
//! for its reader.

pub mod caps;
pub mod chat;
pub mod command;
pub mod durable;
pub mod fence;
mod first_line;
mod framing;
pub mod limits;
mod message;
pub mod metadata;
pub mod modes;
mod multiline;
pub mod past;
pub mod refusal;
pub mod render;
pub mod reply;
pub mod roster;
pub mod sanitize;
pub mod sasl;
pub mod tags;
pub mod timestamp;
pub mod words;

pub use first_line::FirstLine;
pub use framing::{BadLine, Framer, Line};
pub use limits::LineLimits;
pub use message::{EncodeError, Message, MessageBuf, Params, ParseError};
pub use multiline::{Multiline, Taken};
pub use tags::{Tag, TagError, Tags};
