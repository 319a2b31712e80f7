//! The server's handshake: from a connection to who is at its other end.

use std::{fmt, io, sync::Arc, time::Duration};

use rustls::{
    AlertDescription, InvalidMessage, PeerIncompatible,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, UnbufferedStatus},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{Semaphore, SemaphorePermit},
    task::yield_now,
    time::timeout,
};

use super::{
    identity::Identity,
    server::{Credentials, Refusal},
    stream::{Stream, alert, encode},
    verifier::{Finding, with_finding},
};
use crate::ident::DeviceId;

/// How much a refused client may still send, and for how long, before its connection is closed.
/// Closing with unread bytes would reset the connection and take the alert away from the client.
const DRAIN_BYTES: usize = 16 * 1024;
const DRAIN_TIME: Duration = Duration::from_millis(500);

/// What a client's flight takes usually (a post-quantum ClientHello; a certificate and its signature),
/// and at most.
const FLIGHT: usize = 4 * 1024;
const LARGEST_FLIGHT: usize = 32 * 1024;

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// The client's certificate was refused.
    #[error("{refusal} (it calls itself {name}, SHA-256 {device})")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// The name it claims, escaped and shortened.
        name: String,
        /// The certificate.
        device: DeviceId,
    },
    /// The handshake took too long.
    #[error("the handshake was not finished in time")]
    Timeout,
    /// The client, or what calls itself one, broke the protocol, cannot speak it, or refused us.
    #[error("{0}")]
    Tls(rustls::Error),
    /// The connection broke.
    #[error("the connection ended in the handshake: {0}")]
    Io(io::Error),
}

/// How a handshake ended, for logs and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeKind {
    /// The client showed no certificate.
    NoCertificate,
    /// Its certificate is from another authority.
    UnknownAuthority,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not yet valid.
    NotYetValid,
    /// Its certificate was revoked.
    Revoked,
    /// Its certificate is not for clients.
    Purpose,
    /// Its certificate names no account.
    Unfit,
    /// Its certificate cannot be used, or it does not hold the private key.
    BadCertificate,
    /// It does not speak TLS 1.3.
    Version,
    /// It has no algorithm in common with us.
    Incompatible,
    /// It does not speak TLS.
    NotTls,
    /// It refused us (our certificate, most likely).
    RefusedUs,
    /// It took too long.
    Timeout,
    /// The connection broke.
    Gone,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream<IO> {
    /// Does the handshake (RFC 8446, section 2). A client that is refused is told so by an alert, for
    /// which a little more time than the deadline may pass.
    ///
    /// The future is large; the session that follows should not be a part of it, but its own task.
    pub async fn accept(
        mut io: IO,
        credentials: &Credentials,
        turns: &Turns,
        deadline: Duration,
    ) -> Result<(Self, Arc<Identity>), AcceptError> {
        let tls = UnbufferedServerConnection::new(credentials.server_config()).map_err(AcceptError::Tls)?;
        let mut handshake = Handshake { tls, incoming: Vec::new(), outgoing: Vec::new(), finding: None };
        match timeout(deadline, handshake.run(&mut io, turns)).await {
            Err(_) => Err(AcceptError::Timeout),
            Ok(Ok(())) => match handshake.finding {
                Some(Finding::Admitted(identity)) => Ok((Self::new(io, handshake.tls, handshake.incoming), identity)),
                // rustls finishes no handshake without asking the verifier; if it did, nobody is let in.
                _ => Err(AcceptError::Tls(rustls::Error::NoCertificatesPresented)),
            },
            Ok(Err(Broken::Io(error))) => Err(AcceptError::Io(error)),
            Ok(Err(Broken::Tls(error))) => {
                let error = AcceptError::new(error, handshake.finding);
                if error.sent_an_alert() {
                    part(io).await;
                }
                Err(error)
            }
        }
    }
}

/// Whose turn it is to do a step of a handshake: one of them, and then everything else that is ready.
///
/// A step (signatures, key exchange) takes a hundred times as long as a line of chat. When everybody comes
/// back at once, those who talk wait for one step at most.
#[derive(Debug)]
pub struct Turns(Semaphore);

impl Turns {
    /// Turns for so many threads.
    pub fn new(threads: usize) -> Self {
        Self(Semaphore::new(threads))
    }

    /// Waits for a turn; it lasts until what is given back is dropped.
    async fn next(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        let turn = self.0.acquire().await.ok();
        yield_now().await;
        turn
    }
}

/// A handshake under way.
struct Handshake {
    tls: UnbufferedServerConnection,
    /// What has come and is not understood yet.
    incoming: Vec<u8>,
    /// What is to be sent.
    outgoing: Vec<u8>,
    /// What the verifier found.
    finding: Option<Finding>,
}

/// Why a handshake came to nothing.
enum Broken {
    Tls(rustls::Error),
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Handshake {
    async fn run(&mut self, io: &mut (impl AsyncRead + AsyncWrite + Unpin), turns: &Turns) -> Result<(), Broken> {
        loop {
            self.read(io).await?;
            let turn = turns.next().await;
            let (outcome, finding) = with_finding(|| self.step());
            drop(turn);
            self.finding = finding.or_else(|| self.finding.take());
            // A flight is one write; so is the alert of a refusal.
            if !self.outgoing.is_empty() {
                let sent = io.write_all(&self.outgoing).await;
                self.outgoing.clear();
                // Why we refuse says more than that the client did not hear it.
                outcome.as_ref().map_err(|error| Broken::Tls(error.clone())).and(sent.map_err(Broken::Io))?;
            }
            if outcome.map_err(Broken::Tls)? == Progress::Done {
                return Ok(());
            }
        }
    }

    async fn read(&mut self, io: &mut (impl AsyncRead + Unpin)) -> Result<(), Broken> {
        let filled = self.incoming.len();
        if filled >= LARGEST_FLIGHT {
            return Err(Broken::Tls(InvalidMessage::HandshakePayloadTooLarge.into()));
        }
        self.incoming.reserve(FLIGHT);
        match io.read_buf(&mut self.incoming).await? {
            0 => Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }

    /// Understands all that has come, and answers.
    fn step(&mut self) -> Result<Progress, rustls::Error> {
        let mut used = 0;
        let outcome = loop {
            let UnbufferedStatus { discard, state } = self.tls.process_tls_records(&mut self.incoming[used..]);
            let outcome = match state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.outgoing).map(|()| None),
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(None)
                }
                Ok(ConnectionState::BlockedHandshake) => Ok(Some(Progress::Blocked)),
                // What the client has said already stays where it is.
                Ok(ConnectionState::WriteTraffic(_) | ConnectionState::ReadTraffic(_)) => Ok(Some(Progress::Done)),
                // No early data is offered; and a client that ends here has said all that it will.
                Ok(_) => Err(rustls::Error::General("the client ended in the handshake".into())),
                Err(error) => Err(error),
            };
            used += discard;
            match outcome {
                Ok(None) => {}
                Ok(Some(Progress::Done)) if self.tls.is_handshaking() => break Ok(Progress::Blocked),
                Ok(Some(progress)) => break Ok(progress),
                Err(error) => break Err(error),
            }
        };
        self.incoming.drain(..used);
        if outcome.is_err() {
            alert(&mut self.tls, &mut self.outgoing)?;
        }
        outcome
    }
}

/// How far a handshake is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// The client must say more.
    Blocked,
    Done,
}

impl AcceptError {
    fn new(error: rustls::Error, finding: Option<Finding>) -> Self {
        match (error, finding) {
            (rustls::Error::InvalidCertificate(_), Some(Finding::Refused { refusal, name, device })) => {
                Self::Refused { refusal, name, device }
            }
            (error, _) => Self::Tls(error),
        }
    }

    fn sent_an_alert(&self) -> bool {
        match self {
            Self::Refused { .. } => true,
            Self::Tls(error) => !matches!(error, rustls::Error::AlertReceived(_)),
            Self::Timeout | Self::Io(_) => false,
        }
    }

    /// The short form for logs and counters.
    pub fn kind(&self) -> HandshakeKind {
        use HandshakeKind as Kind;
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::UnknownAuthority => Kind::UnknownAuthority,
                Refusal::Expired => Kind::Expired,
                Refusal::NotYetValid => Kind::NotYetValid,
                Refusal::Revoked => Kind::Revoked,
                Refusal::Purpose => Kind::Purpose,
                Refusal::Unfit(_) => Kind::Unfit,
                Refusal::Malformed(_) => Kind::BadCertificate,
            },
            Self::Timeout => Kind::Timeout,
            Self::Io(_) => Kind::Gone,
            Self::Tls(error) => match error {
                rustls::Error::NoCertificatesPresented => Kind::NoCertificate,
                rustls::Error::InvalidCertificate(_) => Kind::BadCertificate,
                rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => Kind::Version,
                rustls::Error::AlertReceived(_) => Kind::RefusedUs,
                rustls::Error::PeerIncompatible(
                    PeerIncompatible::SupportedVersionsExtensionRequired
                    | PeerIncompatible::ServerDoesNotSupportTls12Or13
                    | PeerIncompatible::Tls12NotOffered
                    | PeerIncompatible::Tls12NotOfferedOrEnabled
                    | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
                ) => Kind::Version,
                rustls::Error::PeerIncompatible(_) => Kind::Incompatible,
                _ => Kind::NotTls,
            },
        }
    }
}

impl HandshakeKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::NoCertificate,
        Self::UnknownAuthority,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::Purpose,
        Self::Unfit,
        Self::BadCertificate,
        Self::Version,
        Self::Incompatible,
        Self::NotTls,
        Self::RefusedUs,
        Self::Timeout,
        Self::Gone,
    ];

    /// The name that logs and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Purpose => "purpose",
            Self::Unfit => "unfit",
            Self::BadCertificate => "bad_certificate",
            Self::Version => "version",
            Self::Incompatible => "incompatible",
            Self::NotTls => "not_tls",
            Self::RefusedUs => "refused_us",
            Self::Timeout => "timeout",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for HandshakeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes leave of a refused client, so that it reads the alert.
async fn part(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let drain = async {
        io.shutdown().await?;
        let mut scratch = [0; 1024];
        let mut left = DRAIN_BYTES;
        while left > 0 {
            match io.read(&mut scratch).await? {
                0 => break,
                length => left = left.saturating_sub(length),
            }
        }
        io::Result::Ok(())
    };
    // It is gone anyhow, however the rest goes.
    let _ = timeout(DRAIN_TIME, drain).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn for_each_step_everything_else_has_its_turn() {
        let (turns, seen) = (Arc::new(Turns::new(1)), Arc::<Mutex<Vec<&str>>>::default());
        let steps: Vec<_> = (0..3)
            .map(|_| {
                let (turns, seen) = (Arc::clone(&turns), Arc::clone(&seen));
                tokio::spawn(async move {
                    let turn = turns.next().await;
                    seen.lock().unwrap().push("step");
                    drop(turn);
                })
            })
            .collect();
        let talks = Arc::clone(&seen);
        let chat = tokio::spawn(async move {
            for _ in 0..50 {
                talks.lock().unwrap().push("chat");
                yield_now().await;
            }
        });
        for step in steps {
            step.await.unwrap();
        }
        chat.await.unwrap();
        let seen = seen.lock().unwrap();
        let steps = |until: usize| seen[..until].iter().filter(|what| **what == "step").count();
        assert_eq!(steps(seen.len()), 3);
        assert!((0..seen.len()).all(|until| 2 * steps(until) <= until), "{seen:?}");
    }
}
