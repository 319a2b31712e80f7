//! The server's configuration: what was given, by whom, and what it comes to.
//!
//! Every setting has one name: a flag `--max-connections`, a variable
//! `CONCLAVE_MAX_CONNECTIONS`, a key `max-connections` in the file. The flag wins over the
//! variable, the variable over the file, the file over the default ([`raw`]). All of it is checked
//! before a port opens, and an error names the source of the bad value ([`resolved`]).

pub mod raw;
pub mod resolved;
mod values;

pub use raw::{Layers, Raw};
pub use resolved::{Data, Log, LogFormat, Settings};
