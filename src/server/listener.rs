//! Accepts connections under limits and does their handshakes, each in a task of its own that
//! ends by starting the session.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
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

/// What every accepted connection inherits. Each of these only makes things better: a socket that refuses
/// one still works.
fn tune(listener: &TcpListener) -> io::Result<()> {
    let socket = SockRef::from(listener);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    socket.set_tcp_keepalive(&keepalive)
}

/// Accepts until the server stops. No error of one connection, nor of the system, ends it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: Stop) {
    let mut complained = false;
    if let Err(error) = tune(&listener) {
        debug!(%error, "a socket option was refused");
    }
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
                        tokio::spawn(handshake(tcp, peer, place, Arc::clone(&shared)));
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

async fn handshake(tcp: TcpStream, peer: SocketAddr, mut place: Place, shared: Arc<Shared>) {
    let (credentials, began) = (shared.live.current(), clock::monotonic());
    let accepted = tokio::select! {
        accepted = Stream::accept(tcp, &credentials, &shared.turns, shared.limits.handshake) => accepted,
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
    session::spawn(stream, identity, outbox, ticket, place, shared);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_inherit_what_the_listener_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tune(&listener).unwrap();
        let _near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        assert!(far.nodelay().unwrap(), "each small write goes out at once");
        assert!(SockRef::from(&far).keepalive().unwrap(), "who is gone without a word is found out");
    }
}
