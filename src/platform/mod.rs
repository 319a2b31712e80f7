//! What the operating system gives: time, files, limits, and the sign to stop.
//!
//! Differences between systems are settled here; the floors above do not ask which one they run
//! on. Knows nothing of chat, certificates or configuration.

pub mod clock;
pub mod counters;
pub mod files;
pub mod histogram;
pub mod limits;
pub mod listen;
pub mod process;
pub mod reader;
pub mod signals;
pub mod stop;
