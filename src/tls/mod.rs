//! Transport security: everything about TLS and the certificates that it shows.
//!
//! TLS 1.3 only, and a certificate on both sides. The server lets in whoever holds a certificate of
//! its authority; the client talks to whoever holds the private key of the pinned public key. What
//! is said inside the tunnel is not known here.

pub mod accept;
mod alert;
mod authority;
pub mod client;
#[cfg(test)]
mod handshake_tests;
pub mod identity;
mod numbers;
pub mod pem;
pub mod pin;
mod provider;
pub mod reload;
mod revocation;
pub mod server;
pub mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod testing;
mod verifier;

pub use numbers::{CrlNumbers, NumbersError};
pub use provider::{provider, random, sha256};
pub use revocation::{CrlError, CrlNumber};
