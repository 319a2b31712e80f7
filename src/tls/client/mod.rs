//! The client's side of TLS: it shows its certificate, and talks to nobody but the pinned server.

mod identity;
mod pinned;

use std::{
    fmt, io,
    pin::Pin as PinMut,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, Error, OtherError,
    client::{ResolvesClientCert, Resumption},
    pki_types::ServerName,
    sign::SingleCertAndKey,
    version::TLS13,
};
use thiserror::Error as ThisError;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{pin::Pin, provider, server::Clock};
use pinned::Pinned;

pub use identity::{ClientIdentity, ClientIdentityError};
pub use pinned::WrongPin;

pub use super::alert::{name as alert_name, sentence};
pub use rustls::AlertDescription;

/// How much is read after a failure, and for how long, in search of the server's last word.
const LAST_BYTES: usize = 64 * 1024;
const LAST_TIME: Duration = Duration::from_secs(2);

/// How a client connects: with which identity, and to which keys.
#[derive(Clone)]
pub struct ClientTls {
    connector: TlsConnector,
    identity: Arc<ClientIdentity>,
}

/// A connection to the pinned server.
///
/// The server judges our certificate only after our handshake is done: a refusal arrives as an
/// error of the first read, see [`classify`], or of a write, see [`ClientStream::verdict`].
#[derive(Debug)]
pub struct ClientStream<IO = TcpStream>(pub(super) TlsStream<IO>);

/// Why there is no connection, or no longer.
#[derive(Debug, ThisError)]
pub enum ConnectError {
    /// The network failed, or the server went away.
    #[error("the connection failed: {0}")]
    Network(#[source] io::Error),
    /// Another server answered.
    #[error(transparent)]
    WrongPin(WrongPin),
    /// The server's certificate has the right key, but cannot be accepted.
    #[error("{0}")]
    ServerCertificate(String),
    /// The server refused us; [`sentence`] says what that means.
    #[error("the server refused the connection with the TLS alert {}", alert_name(*.0))]
    Refused(AlertDescription),
    /// What answered does not speak TLS as it should.
    #[error("what answers there is no TLS 1.3 server ({0}); check the address and the port")]
    Protocol(Error),
    /// The server's name is no name.
    #[error("{0:?} is neither a host name nor an IP address")]
    Name(String),
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Prepares connections to a server that has one of the pinned keys.
    pub fn new(pins: Vec<Pin>, identity: ClientIdentity) -> Result<Self, ConnectError> {
        let connector = connector(pins, Arc::new(SingleCertAndKey::from(identity.certified.clone())))?;
        Ok(Self { connector, identity: Arc::new(identity) })
    }

    /// Who we say we are.
    pub fn identity(&self) -> &ClientIdentity {
        &self.identity
    }

    /// Does the handshake. The name tells a proxy on the way where to go (SNI); it is not compared
    /// with the certificate, since the pin says more.
    pub async fn connect<IO>(&self, io: IO, name: &str) -> Result<ClientStream<IO>, ConnectError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let server = ServerName::try_from(name).map_err(|_| ConnectError::Name(name.into()))?.to_owned();
        // Boxed: its buffers would live on in the future of the whole session.
        Box::pin(self.connector.connect(server, io)).await.map(ClientStream).map_err(classify)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> ClientStream<IO> {
    /// Why a read or a write failed. The server may have said so before the connection broke: what
    /// it still sent is read to the end, and appended to `last`.
    pub async fn verdict(&mut self, error: io::Error, last: &mut Vec<u8>) -> ConnectError {
        if let error @ ConnectError::Refused(_) = classify(clone(&error)) {
            return error;
        }
        let mut left = LAST_BYTES;
        let mut scratch = [0; 4096];
        let read = async {
            while left > 0 {
                match self.0.read(&mut scratch).await {
                    Ok(0) => break,
                    Ok(length) => {
                        last.extend_from_slice(&scratch[..length]);
                        left = left.saturating_sub(length);
                    }
                    Err(error) => return Some(classify(error)),
                }
            }
            None
        };
        match timeout(LAST_TIME, read).await {
            Ok(Some(refused @ ConnectError::Refused(_))) => refused,
            _ => classify(error),
        }
    }

    /// The name of the key exchange that was used.
    pub fn key_exchange(&self) -> &'static str {
        let group = self.0.get_ref().1.negotiated_key_exchange_group();
        group.and_then(|group| group.name().as_str()).unwrap_or("unknown")
    }

    /// What the connection runs on.
    pub fn get_ref(&self) -> &IO {
        self.0.get_ref().0
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ClientStream<IO> {
    fn poll_read(mut self: PinMut<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<IO> {
    fn poll_write(mut self: PinMut<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        PinMut::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: PinMut<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: PinMut<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.0).poll_shutdown(cx)
    }
}

pub(super) fn connector(pins: Vec<Pin>, shown: Arc<dyn ResolvesClientCert>) -> Result<TlsConnector, ConnectError> {
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(Clock))
        .with_protocol_versions(&[&TLS13])
        .map_err(ConnectError::Protocol)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { pins }))
        .with_client_cert_resolver(shown);
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What an error of a [`ClientStream`] means.
pub fn classify(error: io::Error) -> ConnectError {
    match error.downcast::<Error>() {
        Ok(error) => classify_tls(error),
        Err(error) => ConnectError::Network(error),
    }
}

fn classify_tls(error: Error) -> ConnectError {
    match error {
        Error::AlertReceived(alert) => ConnectError::Refused(alert),
        Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            match other.downcast_ref::<WrongPin>() {
                Some(wrong) => ConnectError::WrongPin(wrong.clone()),
                None => ConnectError::ServerCertificate(format!("the server's certificate cannot be used: {other}")),
            }
        }
        Error::InvalidCertificate(error) => ConnectError::ServerCertificate(pinned::sentence(&error)),
        error => ConnectError::Protocol(error),
    }
}

/// An error like this one, for judging it twice.
fn clone(error: &io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => io::Error::new(error.kind(), inner.clone()),
        None => error.kind().into(),
    }
}
