//! Accepts connections under limits and does their handshakes, each in a task of its own that
//! ends by starting the session.
//!
//! All of this happens on a thread of its own: a handshake takes a hundred times as long as a line, and
//! when everybody comes back at once, those who talk must not wait for those who come.

use std::{io, net::SocketAddr, sync::Arc, thread, time::Duration};

use anyhow::Context;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinSet,
};
use tracing::{debug, info, warn};

use super::{
    Shared,
    limits::{Full, Place},
    session, watch,
};
use crate::{
    hub::{Cut, Outbox},
    platform::{clock, stop::Stop},
    tls::{
        accept::{AcceptError, HandshakeKind},
        stream::{self, Stream},
    },
};

/// How long to wait when the system has no more files or memory for a connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Starts the thread that accepts on all listeners until the server stops. Sessions run in the runtime of
/// the caller. Gives back a future that waits for the thread's end.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn spawn(
    listeners: Vec<std::net::TcpListener>,
    shared: &Arc<Shared>,
    stop: &Stop,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + Send + 'static> {
    let (shared, sessions, stop) = (Arc::clone(shared), Handle::current(), stop.clone());
    let (ended, end) = oneshot::channel();
    let work = move || drop(ended.send(run(listeners, &shared, &sessions, &stop)));
    thread::Builder::new().name("handshakes".into()).spawn(work).context("cannot start a thread")?;
    Ok(async { end.await.context("the thread that does handshakes failed")?.context("cannot accept connections") })
}

fn run(listeners: Vec<std::net::TcpListener>, shared: &Arc<Shared>, sessions: &Handle, stop: &Stop) -> io::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let listener = TcpListener::from_std(listener)?;
            tasks.spawn(accept(listener, Arc::clone(shared), sessions.clone(), stop.clone()));
        }
        while tasks.join_next().await.transpose()?.is_some() {}
        Ok(())
    })
}

/// Accepts until the server stops. No error of one connection, nor of the system, ends it.
async fn accept(listener: TcpListener, shared: Arc<Shared>, sessions: Handle, stop: Stop) {
    let mut complained = false;
    shared.counters.accepting.set(1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.requested() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                complained = false;
                shared.counters.accepting.set(1);
                shared.counters.accepted.up();
                match shared.gate.enter(peer.ip(), clock::monotonic_ns()) {
                    Ok(place) => {
                        tokio::spawn(handshake(tcp, peer, place, Arc::clone(&shared), sessions.clone()));
                    }
                    Err(full) => over_limit(&shared, peer, full),
                }
            }
            // The peer was gone before we came to it.
            Err(error) if is_the_peers(&error) => debug!(%error, "a connection was not accepted"),
            Err(error) => {
                shared.counters.accepting.set(0);
                shared.counters.accept_errors.up();
                if !std::mem::replace(&mut complained, true) {
                    warn!(%error, "connections cannot be accepted now; trying again");
                }
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn over_limit(shared: &Shared, peer: SocketAddr, full: Full) {
    shared.counters.over_limit.up(full as usize);
    let limit = match full {
        Full::Total => "--max-connections",
        Full::Address => "--max-per-address",
        Full::Arrivals => "--connect-rate",
        Full::Handshakes => "--max-handshakes",
    };
    debug!(%peer, limit, "a connection is over the limit");
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Each of these only makes things better: a socket that refuses one still works.
fn tune(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    SockRef::from(tcp).set_tcp_keepalive(&keepalive)
}

async fn handshake(tcp: TcpStream, peer: SocketAddr, mut place: Place, shared: Arc<Shared>, sessions: Handle) {
    if let Err(error) = tune(&tcp) {
        debug!(%peer, %error, "a socket option was refused");
    }
    let (credentials, began) = (shared.live.current(), clock::monotonic());
    let accepted = tokio::select! {
        accepted = Stream::accept(tcp, &credentials, shared.limits.handshake) => accepted,
        () = place.evicted() => {
            shared.counters.handshakes_evicted.up();
            Err(AcceptError::Timeout)
        }
    };
    let (stream, identity) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return refused(&shared, peer, &error),
    };
    place.established();
    shared.counters.handshakes_ok.up();
    shared.counters.handshake_time.observe(clock::monotonic() - began);
    shared.counters.key_exchanges.up(stream::number_of_key_exchange(stream.key_exchange()));
    let stream = match stream.try_map(|tcp| move_to(tcp, &sessions)) {
        Ok(stream) => stream,
        Err(error) => return warn!(%peer, %error, "the system does not watch a connection"),
    };
    let identity = Arc::new(identity);
    let outbox = Arc::new(Outbox::new(shared.limits.outbox));
    let ticket = shared.crowd.join(Arc::clone(&outbox), Arc::clone(&identity));
    // The certificates may have been replaced during the handshake; whoever joins the crowd after
    // that is judged here, whoever joined before by the one who replaced them.
    let current = shared.live.current();
    if current.generation() != credentials.generation()
        && let Err(refusal) = current.recheck(&identity, clock::unix_now())
    {
        info!(%peer, account = %identity.account, device = %identity.device, %refusal, "refused after the handshake");
        outbox.cut(Cut::Certificate(watch::sentence(&refusal).into()));
    }
    info!(%peer, account = %identity.account, device = %identity.device, key_exchange = stream.key_exchange(), "connected");
    session::spawn(stream, identity, outbox, ticket, place, shared, &sessions);
}

/// From here on another runtime waits for the socket.
fn move_to(tcp: TcpStream, sessions: &Handle) -> io::Result<TcpStream> {
    let tcp = tcp.into_std()?;
    let _inside = sessions.enter();
    TcpStream::from_std(tcp)
}

fn refused(shared: &Shared, peer: SocketAddr, error: &AcceptError) {
    let kind = error.kind();
    shared.counters.handshakes_failed.up(kind as usize);
    match kind {
        HandshakeKind::Gone | HandshakeKind::NotTls | HandshakeKind::Timeout => {
            debug!(%peer, kind = kind.as_str(), %error, "no handshake");
        }
        _ => {
            info!(%peer, kind = kind.as_str(), %error, "handshake refused");
        }
    }
}
