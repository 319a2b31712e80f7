//! One connection of the server: the handshake, and then bytes in and out.
//!
//! What is under it (tokio-rustls) does not show, so that it can change. What the bytes mean is not
//! known here.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustls::{AlertDescription, PeerIncompatible};
use thiserror::Error;
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    identity::Identity,
    server::{Credentials, Refusal},
    verifier::{Finding, with_finding},
};
use crate::ident::DeviceId;

/// The most bytes that rustls keeps encrypted while the socket takes none.
pub const SEND_BUFFER: usize = 64 * 1024;

/// How much a refused client may still send, and for how long, before its connection is closed.
/// Closing with unread bytes would reset the connection and take the alert away from the client.
const DRAIN_BYTES: usize = 16 * 1024;
const DRAIN_TIME: Duration = Duration::from_millis(500);

/// The server's end of a connection whose client was let in.
#[derive(Debug)]
pub struct Stream<IO = TcpStream> {
    tls: TlsStream<IO>,
    end: Option<End>,
}

/// How a client ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It said so (close_notify).
    Clean,
    /// The connection ended without a word: an attacker or a broken network may have cut it.
    Cut,
}

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
    /// Does the handshake. A client that is refused is told so by an alert, for which a little more
    /// time than the deadline may pass.
    ///
    /// The future is large; the session that follows should not be a part of it, but its own task.
    pub async fn accept(
        io: IO,
        credentials: &Credentials,
        deadline: Duration,
    ) -> Result<(Self, Identity), AcceptError> {
        let acceptor = TlsAcceptor::from(credentials.server_config());
        let handshake = acceptor.accept_with(io, |session| session.set_buffer_limit(Some(SEND_BUFFER))).into_fallible();
        let (result, finding) = with_finding(timeout(deadline, handshake)).await;
        match (result, finding) {
            (Err(_), _) => Err(AcceptError::Timeout),
            (Ok(Ok(tls)), Some(Finding::Admitted(identity))) => Ok((Self { tls, end: None }, identity)),
            // rustls finishes no handshake without asking the verifier; if it did, nobody is let in.
            (Ok(Ok(_)), _) => Err(AcceptError::Tls(rustls::Error::NoCertificatesPresented)),
            (Ok(Err((error, io))), finding) => {
                let error = AcceptError::new(error, finding);
                if error.sent_an_alert() {
                    part(io).await;
                }
                Err(error)
            }
        }
    }

    /// Reads some bytes; 0 when the client has ended its side ([`Stream::end`] tells how).
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(0));
        }
        // One system call: AsyncRead would try to fill the buffer and meet an empty socket.
        let (length, end) = match ready!(Pin::new(&mut self.tls).poll_fill_buf(cx)) {
            Ok([]) => (0, Some(End::Clean)),
            Ok(bytes) => {
                let length = bytes.len().min(buf.len());
                buf[..length].copy_from_slice(&bytes[..length]);
                (length, None)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => (0, Some(End::Cut)),
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.end = end;
        Pin::new(&mut self.tls).consume(length);
        Poll::Ready(Ok(length))
    }

    /// How the client ended its side, once it has.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Sends bytes as one record (of up to 16 KiB; more bytes are several records) and one write.
    ///
    /// The count that it returns was taken and must not be sent again, even while a part of it waits
    /// for the socket: until [`Stream::poll_flush`] is ready, at most [`SEND_BUFFER`] bytes wait, and
    /// no more are taken.
    pub fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let taken = ready!(Pin::new(&mut self.tls).poll_write_vectored(cx, bufs))?;
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    /// Writes what the socket did not take yet.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    /// Whether bytes wait for the socket.
    pub fn is_blocked(&self) -> bool {
        self.tls.get_ref().1.wants_write()
    }

    /// Says that nothing more will come (close_notify), flushes, and ends the write side.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }

    /// The name of the key exchange that was used.
    pub fn key_exchange(&self) -> &'static str {
        let group = self.tls.get_ref().1.negotiated_key_exchange_group();
        group.and_then(|group| group.name().as_str()).unwrap_or("unknown")
    }

    /// What the connection runs on.
    pub fn get_ref(&self) -> &IO {
        self.tls.get_ref().0
    }
}

impl AcceptError {
    fn new(error: io::Error, finding: Option<Finding>) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(error) => match (error, finding) {
                (rustls::Error::InvalidCertificate(_), Some(Finding::Refused { refusal, name, device })) => {
                    Self::Refused { refusal, name, device }
                }
                (error, _) => Self::Tls(error),
            },
            Err(error) => Self::Io(error),
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

/// The names of the key exchanges, for metrics; the last stands for all others.
pub const KEY_EXCHANGES: [&str; 4] = ["X25519MLKEM768", "X25519", "secp256r1", "other"];

/// The place of a key exchange among [`KEY_EXCHANGES`].
pub fn number_of_key_exchange(name: &str) -> usize {
    KEY_EXCHANGES.iter().position(|known| *known == name).unwrap_or(KEY_EXCHANGES.len() - 1)
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
