//! The real server, in this process, on a runtime of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use conclave::{
    journal::Memory,
    platform::{clock, counters::Counters},
    server::{self, Options, Signs},
    tls::reload::Live,
};
use tokio::{net::TcpListener, runtime};

use super::Deployment;

/// The longest that a server may take to end.
const END: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) signs: Signs,
    pub(crate) counters: Arc<Counters>,
    pub(crate) live: Arc<Live>,
    /// Where it tells how it is, if it does.
    pub(crate) metrics: Option<SocketAddr>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Server {
    pub(crate) fn start(deployment: &Deployment) -> Self {
        Self::with(deployment, |_| {})
    }

    /// With the limits off that keep anybody from saying too much.
    pub(crate) fn without_shares(deployment: &Deployment) -> Self {
        Self::with(deployment, |options| options.limits = options.limits.clone().without_shares())
    }

    pub(crate) fn with(deployment: &Deployment, change: impl FnOnce(&mut Options)) -> Self {
        Self::run(deployment, change, None)
    }

    /// One that tells how it is.
    pub(crate) fn watched(deployment: &Deployment, change: impl FnOnce(&mut Options)) -> Self {
        Self::run(deployment, change, Some(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()))
    }

    fn run(deployment: &Deployment, change: impl FnOnce(&mut Options), metrics: Option<std::net::TcpListener>) -> Self {
        let mut options = Options::new("#lobby".parse().unwrap());
        change(&mut options);
        let (signs, counters, live) = (Signs::default(), Arc::<Counters>::default(), deployment.live());
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (its_live, its_counters, its_signs) = (Arc::clone(&live), Arc::clone(&counters), signs.clone());
        let told_at = metrics.as_ref().map(|listener| listener.local_addr().unwrap());
        let run = async move {
            let listener = TcpListener::from_std(listener)?;
            let journal = Box::new(Memory::new(options.retention().into()));
            let mut server = server::Server::begin(options, journal, its_live, its_counters, its_signs)?;
            if let Some(metrics) = metrics {
                server.observe(metrics)?;
            }
            server.run(vec![listener]).await
        };
        let thread = std::thread::spawn(move || runtime.block_on(run));
        Self { address, signs, counters, live, metrics: told_at, thread: Some(thread) }
    }

    /// Tells it to end, and waits until it has; tells how long it took.
    pub(crate) fn stop(&mut self) -> Duration {
        let Some(thread) = self.thread.take() else { return Duration::ZERO };
        let start = clock::monotonic();
        self.signs.stop.request();
        thread.join().expect("the server panicked").expect("the server failed");
        let took = clock::monotonic() - start;
        assert!(took < END, "the server took {took:?} to end");
        took
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test has failed already: what it found counts.
            self.signs.stop.request();
        } else {
            self.stop();
        }
    }
}
