//! What the tests share: a deployment with certificates of every kind, a server in this process, and
//! small clients that wait for lines and never for time.

mod deployment;
mod dice;
pub(crate) mod http;
mod peer;
mod program;
mod proxy;
mod server;

use std::time::Duration;

use conclave::platform::clock;

pub(crate) use deployment::{Deployment, NETWORK, Pair};
pub(crate) use dice::Dice;
pub(crate) use peer::{End, Peer, client_config, handshake};
pub(crate) use program::Program;
pub(crate) use proxy::Proxy;
pub(crate) use server::Server;

/// How long anything may take that should come at once; generous for slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is so that nobody tells: looks again and again.
#[track_caller]
pub(crate) fn until(what: &str, so: impl FnMut() -> bool) {
    until_or(so, || what.to_owned());
}

/// The same; what is wrong is asked for in the end.
#[track_caller]
pub(crate) fn until_or(mut so: impl FnMut() -> bool, wrong: impl FnOnce() -> String) {
    let deadline = clock::monotonic() + PATIENCE;
    while !so() {
        assert!(clock::monotonic() < deadline, "not in {PATIENCE:?}: {}", wrong());
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
