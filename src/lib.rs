//! Conclave: private chat over mutual TLS.
//!
//! The house is built in floors: a module imports only from floors below it (`ARCHITECTURE.md`
//! draws them, `tests/floors.rs` holds the table and fails when an import climbs).

pub mod cli;
pub mod client;
pub mod config;
pub mod hub;
pub mod ident;
pub mod journal;
pub mod pki;
pub mod platform;
pub mod protocol;
pub mod server;
pub mod tls;
pub mod ui;
