//! The client's side of TLS: it shows its certificate, and talks to nobody but the pinned server.

use std::{
    fmt, io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    pin::Pin as PinMut,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, OtherError, SignatureScheme,
    client::{
        ResolvesClientCert, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use thiserror::Error as ThisError;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    identity::{self, Identity, IdentityError, Rules},
    pem::{self, PemError},
    pin::Pin,
    provider,
    server::{Clock, date},
};

pub use super::alert::{name as alert_name, sentence};
pub use rustls::AlertDescription;

/// How much is read after a failure, and for how long, in search of the server's last word.
const LAST_BYTES: usize = 64 * 1024;
const LAST_TIME: Duration = Duration::from_secs(2);

/// The certificate that a client shows, and its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    certified: Arc<CertifiedKey>,
    identity: Result<Identity, IdentityError>,
    validity: RangeInclusive<i64>,
    cert: PathBuf,
}

/// Why a client has no identity.
#[derive(Debug, ThisError)]
pub enum ClientIdentityError {
    /// A file was not taken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The certificate cannot be read.
    #[error("{}: the certificate is malformed; copy the file again from where it was made", .0.display())]
    Malformed(PathBuf),
    /// The key is not the certificate's.
    #[error("the private key {} is not the one of the certificate {}; give the two that were made together", key.display(), cert.display())]
    KeyMismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The key is of a kind that is not supported.
    #[error("{}: the private key is malformed or of an unsupported kind; use ECDSA P-256", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: Error,
    },
}

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

/// The server's public key is none of the pinned ones.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error(
    "the server's key is not the pinned one; it shows {found}, but {} is expected: you may have reached another \
     server, or an impostor, or the server's key was made anew; ask its administrator before you change the pin",
    list(expected)
)]
pub struct WrongPin {
    /// The pins that were given.
    pub expected: Vec<Pin>,
    /// The pin of the key that the server showed.
    pub found: Pin,
}

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

impl ClientIdentity {
    /// Loads a certificate and its private key. One that the server will refuse (expired, say) is
    /// loaded too: the server's word counts, and its alert can be explained.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, ClientIdentityError> {
        let malformed = || ClientIdentityError::Malformed(cert.into());
        let chain = pem::certificates(cert)?;
        let private_key = pem::private_key(key)?;
        let leaf = chain.first().ok_or_else(malformed)?;
        let identity = identity::identify(leaf, Rules::default());
        let validity = identity::validity(leaf).map_err(|_| malformed())?;
        let certified = CertifiedKey::from_der(chain, private_key, &provider()).map_err(|source| match source {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                ClientIdentityError::KeyMismatch { cert: cert.into(), key: key.into() }
            }
            Error::InvalidCertificate(_) => malformed(),
            source => ClientIdentityError::Key { path: key.into(), source },
        })?;
        Ok(Self { certified: Arc::new(certified), identity, validity, cert: cert.into() })
    }

    /// Who the certificate says we are, or why it names nobody.
    pub fn identity(&self) -> Result<&Identity, &IdentityError> {
        self.identity.as_ref()
    }

    /// The first and the last second of the certificate's validity, since 1970.
    pub fn validity(&self) -> RangeInclusive<i64> {
        self.validity.clone()
    }

    /// What is already known to be wrong, or soon will be, for the person to read.
    pub fn warning(&self, now: i64) -> Option<String> {
        const SOON: i64 = 14 * 24 * 3600;
        let (start, end) = (*self.validity.start(), *self.validity.end());
        if let Err(error) = &self.identity {
            Some(format!("the server will refuse {}: {error}", self.cert.display()))
        } else if now > end {
            Some(format!("your certificate expired at {}; the server will refuse it", date(end)))
        } else if now < start {
            Some(format!("your certificate is valid from {}; the server will refuse it until then", date(start)))
        } else if now > end - SOON {
            Some(format!("your certificate expires at {}; have it renewed soon", date(end)))
        } else {
            None
        }
    }
}

impl fmt::Display for ClientIdentity {
    /// `alice/laptop`, `alice`, or the file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Ok(Identity { account, label: Some(label), .. }) => write!(f, "{account}/{label}"),
            Ok(Identity { account, .. }) => write!(f, "{account}"),
            Err(_) => write!(f, "{}", self.cert.display()),
        }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("identity", &self.identity).finish_non_exhaustive()
    }
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
        Error::InvalidCertificate(error) => ConnectError::ServerCertificate(server_certificate(&error)),
        error => ConnectError::Protocol(error),
    }
}

fn server_certificate(error: &CertificateError) -> String {
    // Dates were read from the certificate as signed numbers that are not negative here.
    let at = |time: &UnixTime| date(time.as_secs() as i64);
    match error {
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the server's certificate expired at {}; tell its administrator, or correct this computer's clock",
            at(not_after)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is valid from {}; tell its administrator, or correct this computer's clock",
            at(not_before)
        ),
        CertificateError::InvalidPurpose => {
            "the server's certificate is not one for servers (it lacks the extended key usage serverAuth); tell its \
             administrator"
                .into()
        }
        CertificateError::BadSignature => {
            "the server did not prove that it holds the private key of its certificate".into()
        }
        error => format!("the server's certificate cannot be used: {error}"),
    }
}

fn list(pins: &[Pin]) -> String {
    if pins.is_empty() {
        return "none".into();
    }
    pins.iter().map(Pin::to_string).collect::<Vec<_>>().join(" or ")
}

/// An error like this one, for judging it twice.
fn clone(error: &io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => io::Error::new(error.kind(), inner.clone()),
        None => error.kind().into(),
    }
}

/// Accepts whoever proves to have a pinned key, with a certificate for servers that is in date.
/// Neither the chain nor the name is looked at: the pin says who it is.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Pin>,
}

impl Pinned {
    fn judge(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
        let parsed = identity::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let found = Pin::of_public_key(parsed.public_key().raw);
        if !self.pins.contains(&found) {
            let wrong = WrongPin { expected: self.pins.clone(), found };
            return Err(CertificateError::Other(OtherError(Arc::new(wrong))));
        }
        let (not_before, not_after) = (unix(&parsed.validity().not_before), unix(&parsed.validity().not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext { time: now, not_before });
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext { time: now, not_after });
        }
        match parsed.extended_key_usage() {
            Ok(Some(usage)) if usage.value.server_auth => Ok(()),
            _ => Err(CertificateError::InvalidPurpose),
        }
    }
}

fn unix(time: &x509_parser::time::ASN1Time) -> UnixTime {
    // What is before 1970 is past in any case.
    UnixTime::since_unix_epoch(Duration::from_secs(time.timestamp().try_into().unwrap_or(0)))
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
