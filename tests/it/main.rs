//! Integration tests: one binary, one module a subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking what is wrong")]

mod bots;
mod caps;
mod cert;
mod client;
mod clients;
mod cmd;
mod crash;
mod crowd;
mod disk;
mod export;
mod floods;
mod fuzz;
mod handshake;
mod history;
mod hostile;
mod irc;
mod large;
mod libraries;
mod limits;
mod metrics;
mod missed;
mod offline;
mod peers;
mod people;
mod plain;
mod programs;
mod rooms;
mod search;
mod serve;
mod sessions;
mod support;
