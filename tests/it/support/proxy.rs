//! A network that is slow and breaks: connections go through here, and some are cut in the middle of
//! whatever is on its way.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{Dice, PATIENCE};

/// The proxy; it ends with its runtime.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    dice: Mutex<Dice>,
    breaks: AtomicBool,
    cuts: AtomicUsize,
    /// Nothing gets through, and what was under way is cut.
    closed: watch::Sender<bool>,
}

/// After so many octets a connection is cut: of those to the server, and of those from it.
struct Budget {
    there: usize,
    back: usize,
}

impl Proxy {
    /// Passes on to this server. Nothing is cut yet.
    pub(crate) async fn start(target: SocketAddr, dice: Dice) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (breaks, cuts, closed) = (AtomicBool::new(false), AtomicUsize::new(0), watch::Sender::new(false));
        let shared = Arc::new(Shared { target, dice: Mutex::new(dice), breaks, cuts, closed });
        let of_all = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&of_all).pass(client));
            }
        });
        Self { address, shared }
    }

    /// Whether connections are cut from now on.
    pub(crate) fn breaks(&self, breaks: bool) {
        self.shared.breaks.store(breaks, Ordering::SeqCst);
    }

    /// Cuts every connection and lets none through, until it is opened again.
    pub(crate) fn close(&self, closed: bool) {
        self.shared.closed.send_replace(closed);
    }

    /// How many were.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

/// Octets on their way, and when each part arrives.
#[derive(Default)]
struct Way {
    parts: VecDeque<(Instant, Vec<u8>)>,
}

impl Way {
    /// Hands on what has arrived by now.
    async fn deliver(&mut self, now: Instant, to: &mut TcpStream) -> bool {
        while self.parts.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, octets)) = self.parts.pop_front() else { break };
            if to.write_all(&octets).await.is_err() {
                return false;
            }
        }
        true
    }
}

impl Shared {
    async fn pass(self: Arc<Self>, mut client: TcpStream) {
        let mut closed = self.closed.subscribe();
        if *closed.borrow_and_update() {
            return;
        }
        // A server that is not there is a connection that ends at once.
        let Ok(mut server) = TcpStream::connect(self.target).await else { return };
        let (mut budget, latency, loses) = self.nature();
        let (mut there, mut back) = (Way::default(), Way::default());
        let (mut of_client, mut of_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        loop {
            let first = [&there, &back].into_iter().filter_map(|way| Some(way.parts.front()?.0)).min();
            let arrival = async {
                match first {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let (way, octets, left) = tokio::select! {
                _ = closed.changed() => break,
                () = arrival => {
                    let now = Instant::now();
                    if there.deliver(now, &mut server).await && back.deliver(now, &mut client).await {
                        continue;
                    }
                    break;
                }
                read = client.read(&mut of_client) => (&mut there, &of_client[..read.unwrap_or(0)], &mut budget.there),
                read = server.read(&mut of_server) => (&mut back, &of_server[..read.unwrap_or(0)], &mut budget.back),
            };
            if octets.is_empty() {
                // One side has ended; what it has sent may arrive or not.
                if !loses {
                    let end = Instant::now() + latency;
                    let _ = there.deliver(end, &mut server).await && back.deliver(end, &mut client).await;
                }
                break;
            }
            if self.breaks.load(Ordering::SeqCst) && octets.len() >= *left {
                // A part of it arrives, and nothing of what was said before that is still on its way.
                if way.parts.is_empty() {
                    way.parts.push_back((Instant::now(), octets[..*left].to_vec()));
                    let now = Instant::now();
                    let _ = there.deliver(now, &mut server).await && back.deliver(now, &mut client).await;
                }
                self.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
            *left = left.saturating_sub(octets.len()).max(1);
            way.parts.push_back((Instant::now() + latency, octets.to_vec()));
        }
        // The client learns of it when the server's session is over, so that a session that comes next is
        // the only one.
        let _ = server.shutdown().await;
        let drained = async { while server.read(&mut of_server).await.is_ok_and(|length| length > 0) {} };
        let _ = timeout(PATIENCE, drained).await;
    }

    /// How the next connection is: when it is cut, how long everything takes, and whether what is on its
    /// way is lost when a side ends.
    fn nature(&self) -> (Budget, Duration, bool) {
        let mut dice = self.dice.lock().unwrap();
        let latency = if dice.percent(40) { 0 } else { dice.between(1, 40) };
        // Most of what goes to the server is small: the handshake and some lines.
        let budget = match dice.between(1, 10) {
            1..=3 => Budget { there: dice.between(1, 9_000), back: usize::MAX },
            4 | 5 => Budget { there: usize::MAX, back: dice.between(1, 9_000) },
            _ => Budget { there: usize::MAX, back: dice.between(5_000, 200_000) },
        };
        (budget, Duration::from_millis(latency as u64), dice.percent(50))
    }
}
