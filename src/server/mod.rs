//! The server: listens, lets in who may, and gives each connection to its session.
//!
//! What is said is the hub's business, what it looks like the protocol's. Tasks: one accepts on
//! each listener, one per handshake, one per session, one for the hub, one that watches the
//! certificates. Who wants to watch the server itself is answered on a thread of its own.

mod crowd;
mod issued;
mod limits;
mod listener;
mod observe;
mod options;
mod registration;
mod session;
mod watch;

use std::{io, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, runtime::Handle, sync::Notify, task::JoinSet};
use tracing::{info, warn};

pub use observe::is_open;
pub use options::{Flow, History, Limits, Options};

use crate::{
    hub::{
        Settings,
        task::{Door, Hub},
    },
    journal::{Journal, ReadError},
    platform::{clock, counters::Counters, process, stop::Stop},
    protocol::{limits::NETWORK, reply::ServerInfo},
    tls::{self, accept::Turns, reload::Live},
};
use crowd::Crowd;
use issued::Issued;
use limits::{Gate, Purses};
use observe::{Observer, Watched};

/// How long sessions have to take their goodbye when the server ends.
const DRAIN: Duration = Duration::from_millis(2500);

/// The signs that the outside gives to a running server.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    /// End in good order.
    pub stop: Stop,
    /// Read the certificates again now.
    pub reload: Arc<Notify>,
}

/// What all sessions share.
struct Shared {
    info: Arc<ServerInfo>,
    limits: Limits,
    live: Arc<Live>,
    turns: Turns,
    door: Arc<Door>,
    crowd: Arc<Crowd>,
    gate: Arc<Gate>,
    purses: Purses,
    counters: Arc<Counters>,
}

/// A server that has read what it kept, and can be run.
pub struct Server {
    shared: Arc<Shared>,
    hub: Hub,
    issued: Option<Issued>,
    signs: Signs,
    observer: Option<Observer>,
}

impl Server {
    /// Reads what is kept in a journal that the caller has opened.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn begin(
        options: Options,
        journal: Box<dyn Journal>,
        live: Arc<Live>,
        counters: Arc<Counters>,
        signs: Signs,
    ) -> Result<Self, ReadError> {
        let credentials = live.current();
        let info = Arc::new(ServerInfo {
            name: options.name.as_str().into(),
            network: host_of(credentials.network()).into(),
            version: concat!("conclave-", env!("CARGO_PKG_VERSION")).into(),
            created: options.created(),
            motd: options.motd.as_deref().map(Into::into),
            lobby: options.lobby.clone(),
            rooms_per_account: options.limits.rooms_per_account,
        });
        drop(credentials);
        let settings = Settings {
            server: Arc::clone(&info),
            administrators: options.admins.iter().cloned().collect(),
            keep_messages: options.history != History::Off,
            rooms: options.limits.rooms,
            linger_ms: options.limits.linger.as_millis() as u64,
        };
        let door = Arc::new(Door::new(options.limits.inbox));
        let patience = options.limits.patience;
        let hub = Hub::new(settings, journal, Arc::clone(&door), Arc::clone(&counters), patience, random)?
            .with_rehash(Arc::clone(&signs.reload))
            .with_total(options.limits.outboxes);

        let shared = Arc::new(Shared {
            info,
            gate: Arc::new(Gate::new(&options.limits)),
            purses: Purses::new(options.limits.lines, options.admins),
            limits: options.limits,
            live,
            turns: Turns::new(Handle::current().metrics().num_workers()),
            door,
            crowd: Arc::default(),
            counters,
        });
        let mut issued = options.index.map(Issued::new);
        if let Some(issued) = &mut issued {
            // Before anybody is let in: the first message may be to somebody who was never here.
            issued.read(&shared.door);
        }
        // The hub's first beat is due from here on.
        shared.counters.beat_s.set(clock::monotonic_s().into());
        Ok(Self { shared, hub, issued, signs, observer: None })
    }

    /// Tells who comes to this listener, until the server has ended, how it is: metrics, health and
    /// readiness, over plain HTTP. It needs no runtime.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn observe(&mut self, listener: std::net::TcpListener) -> io::Result<()> {
        process::started_s();
        let watched = Watched { shared: Arc::clone(&self.shared), stop: self.signs.stop.clone() };
        self.observer = Some(Observer::start(listener, watched)?);
        Ok(())
    }

    /// Runs it on listeners that the caller has bound, until it is told to stop; then tells everybody,
    /// lets them drain, and ends within five seconds.
    ///
    /// # Errors
    /// When a task of the server's own ended by itself.
    pub async fn run(self, listeners: Vec<TcpListener>) -> anyhow::Result<()> {
        let Self { shared, hub, issued, signs, observer: _observer } = self;
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(listener::accept(listener, Arc::clone(&shared), signs.stop.clone()));
        }
        tasks.spawn(watch::watch(Arc::clone(&shared), issued, signs.clone()));
        tasks.spawn(hub.run(signs.stop.clone()));

        while let Some(ended) = tasks.join_next().await {
            if !signs.stop.is_requested() {
                signs.stop.request();
                ended.context("a task of the server failed")?;
                anyhow::bail!("a task of the server ended by itself");
            }
        }
        // The hub has said goodbye to every registered session; the others learn it here.
        shared.crowd.close_all("The server is shutting down");
        if tokio::time::timeout(DRAIN, shared.crowd.empty()).await.is_err() {
            warn!("some sessions did not take their goodbye in time");
        }
        info!("stopped");
        Ok(())
    }
}

/// The network's id as everybody's host. That of an authority which others made can be any text
/// ("ACME Root CA"); in front of a line only a host's characters may stand.
fn host_of(network: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let host: String = network.chars().map(fits).take(NETWORK).collect();
    let host = host.trim_matches('-');
    if host.is_empty() { "network".into() } else { host.into() }
}

/// Fresh randomness for ids. They need not be secret, only different: should the system have no
/// randomness, the sequence that is mixed in by the hub and the time still tell them apart.
fn random() -> u128 {
    let mut octets = [0; 16];
    match tls::random(&mut octets) {
        Ok(()) => u128::from_ne_bytes(octets),
        Err(error) => {
            warn!(%error, "the system gives no randomness");
            0
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_authority_gives_a_host() {
        for (network, host) in [
            ("example.net", "example.net"),
            ("ACME Root CA", "ACME-Root-CA"),
            (":!@\u{202e} \r\n", "network"),
            ("", "network"),
        ] {
            assert_eq!(super::host_of(network), host);
        }
        assert_eq!(super::host_of(&"x".repeat(99)).len(), 63);
    }
}
