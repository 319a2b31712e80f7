//! Transport security: everything about TLS and the certificates that it shows.
//!
//! TLS 1.3 only, and a certificate on both sides. The server lets in whoever holds a certificate of
//! its authority; the client talks to whoever holds the private key of the pinned public key. What
//! is said inside the tunnel is not known here.

pub mod identity;
pub mod pem;
pub mod pin;
mod provider;

pub use provider::{provider, random, sha256};
