//! Watching the server: metrics for Prometheus, and whether it lives and is ready, over plain HTTP.
//!
//! All of it runs on a thread and a runtime of its own: whatever is asked here, and however often, keeps
//! nobody waiting who chats, and it still answers when the hub does not. What it tells are counts, which
//! are read as they stand; a lock is held only for as long as a number is copied. Names of people and
//! rooms are not told, and could not be: the counts know none.

mod families;
mod health;
mod http;
mod text;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::runtime;

use super::Shared;
use crate::platform::{clock, stop::Stop};

/// What is told of.
pub(super) struct Watched {
    pub(super) shared: Arc<Shared>,
    /// The server's sign to stop.
    pub(super) stop: Stop,
}

/// The thread that answers; ended when dropped.
pub(super) struct Observer {
    end: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Answers who comes to this listener.
    pub(super) fn start(listener: TcpListener, watched: Watched) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let end = Stop::default();
        let told = end.clone();
        let answers = async move {
            tokio::select! {
                () = told.requested() => {}
                () = http::serve(listener, Arc::new(move |path: &str| page(&watched, path))) => {}
            }
        };
        let thread = thread::Builder::new().name("observe".into()).spawn(move || runtime.block_on(answers))?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.end.request();
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Whether these pages could be read from another machine.
pub fn is_open(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// What there is under a path.
fn page(watched: &Watched, path: &str) -> Option<http::Page> {
    let now_s = clock::monotonic_s();
    match path {
        "/metrics" => Some(http::Page::metrics(families::all(watched, now_s).write())),
        "/healthz" => Some(http::Page::verdict(health::alive(watched, now_s))),
        "/readyz" => Some(http::Page::verdict(health::ready(watched, now_s))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_or_others_too() {
        for (address, open) in
            [("127.0.0.1:1", false), ("[::1]:1", false), ("0.0.0.0:1", true), ("[::]:1", true), ("192.0.2.1:1", true)]
        {
            assert_eq!(is_open(address.parse().unwrap()), open, "{address}");
        }
    }
}
