//! What one address and one account may take of the server: places, handshakes, new connections, and
//! lines by what they cost.
//!
//! All of it is counted in buckets ([`bucket`]) that fill again with time. The [`Gate`] stands before a
//! connection, the [`Allowance`] before each of its lines. What is bounded here is never thrown away:
//! a line that is too much waits in its sender's socket.

mod allowance;
mod bucket;
mod gate;

pub(super) use allowance::{Allowance, Pace, Purses};
pub(super) use gate::{Full, Gate, Place};
