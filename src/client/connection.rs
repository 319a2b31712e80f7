//! Connections to the server: how one is made, what went wrong with it, and its lines.
//!
//! Knows nothing of the chat. How to connect is a trait, so that tests talk to a server in memory.

use std::{
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    str::FromStr,
    task::{Context, Poll, ready},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    platform::clock,
    protocol::{Framer, LineLimits},
    tls::client::{AlertDescription, ClientStream, ClientTls, ConnectError, sentence},
};

/// How long one address may take, the handshake, and the last bytes of a connection.
const CONNECT: Duration = Duration::from_secs(8);
const HANDSHAKE: Duration = Duration::from_secs(10);
const CLOSE: Duration = Duration::from_secs(1);
/// What is read at once: a TLS record.
const SCRATCH: usize = 16 * 1024;

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The text names no server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no server: give HOST, HOST:PORT or [IPV6]:PORT")]
pub struct AddressError(String);

impl Address {
    /// The port where none is given: IRC over TLS.
    pub const PORT: u16 = 6697;
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressError(text.to_owned());
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            host.parse::<IpAddr>().map_err(|_| wrong())?;
            (host, port.strip_prefix(':').or((port.is_empty()).then_some("")).ok_or_else(wrong)?)
        } else if text.parse::<IpAddr>().is_ok() {
            (text, "")
        } else {
            text.split_once(':').unwrap_or((text, ""))
        };
        let port = if port.is_empty() { Self::PORT } else { port.parse().map_err(|_| wrong())? };
        let plausible = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.starts_with('-') || !host.chars().all(plausible) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// What ends a connection, or kept it from being made.
#[derive(Debug)]
pub enum Trouble {
    /// The network, or the server's own trouble: another try may help.
    Lost(String),
    /// No other try will help.
    Final(Fatal),
}

/// What ends the program.
#[derive(Debug, Error)]
pub enum Fatal {
    /// The server cannot be reached.
    #[error("{0}")]
    Network(String),
    /// The server is not the one that was pinned, or its certificate cannot be used.
    #[error("{0}")]
    ServerIdentity(String),
    /// The server refused our certificate.
    #[error("{0}")]
    Refused(String),
    /// The server lacks what this client needs.
    #[error("{0}")]
    Unfit(String),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Screen(#[from] io::Error),
}

/// Makes connections.
pub trait Dial {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin;

    /// Connects.
    fn dial(&mut self) -> impl Future<Output = Result<Self::Stream, Trouble>>;

    /// What an error of the connection means. What the server still said is appended to `last`.
    fn judge(
        &mut self,
        stream: &mut Self::Stream,
        error: io::Error,
        last: &mut Vec<u8>,
    ) -> impl Future<Output = Trouble>;
}

/// Connects to the pinned server over TLS.
#[derive(Clone, Debug)]
pub struct TlsDial {
    /// Where it is.
    pub address: Address,
    /// What we show, and what is expected.
    pub tls: ClientTls,
}

impl Dial for TlsDial {
    type Stream = ClientStream;

    async fn dial(&mut self) -> Result<ClientStream, Trouble> {
        let tcp = connect(&self.address).await.map_err(Trouble::Lost)?;
        match timeout(HANDSHAKE, self.tls.connect(tcp, &self.address.host)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(self.trouble(error)),
            Err(_) => Err(Trouble::Lost(format!(
                "{} does not answer the TLS handshake: check the address and the port",
                self.address
            ))),
        }
    }

    async fn judge(&mut self, stream: &mut ClientStream, error: io::Error, last: &mut Vec<u8>) -> Trouble {
        let error = stream.verdict(error, last).await;
        self.trouble(error)
    }
}

impl TlsDial {
    fn trouble(&self, error: ConnectError) -> Trouble {
        match error {
            ConnectError::Network(error) => Trouble::Lost(match error.kind() {
                io::ErrorKind::UnexpectedEof => format!("{} closed the connection", self.address),
                _ => format!("the connection to {} broke: {error}", self.address),
            }),
            ConnectError::Refused(alert) if is_our_fault(alert) => {
                Trouble::Final(Fatal::Refused(sentence(alert, self.tls.identity(), clock::unix_now())))
            }
            ConnectError::Refused(alert) => Trouble::Lost(sentence(alert, self.tls.identity(), clock::unix_now())),
            error @ (ConnectError::WrongPin(_) | ConnectError::ServerCertificate(_)) => {
                Trouble::Final(Fatal::ServerIdentity(error.to_string()))
            }
            error @ (ConnectError::Protocol(_) | ConnectError::Name(_)) => Trouble::Lost(error.to_string()),
        }
    }
}

/// Whether the server refused what we are, so that another try is refused as well.
fn is_our_fault(alert: AlertDescription) -> bool {
    !matches!(alert, AlertDescription::InternalError | AlertDescription::UserCanceled | AlertDescription::CloseNotify)
}

async fn connect(address: &Address) -> Result<TcpStream, String> {
    let found = timeout(CONNECT, lookup_host((address.host.as_str(), address.port))).await;
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(format!("the host {} is not known: {error}", address.host)),
        Err(_) => return Err(format!("the host {} is not known: the name service does not answer", address.host)),
    };
    let mut problem = format!("the host {} has no address", address.host);
    for socket in found {
        match timeout(CONNECT, TcpStream::connect(socket)).await {
            Ok(Ok(tcp)) => {
                // A chat's lines are short, and each is to go at once. What cannot be set is slower only.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                problem = format!("nobody listens at {address}: is the server running, and the port right?");
            }
            Ok(Err(error)) => problem = format!("{address} cannot be reached: {error}"),
            Err(_) => problem = format!("{address} does not answer"),
        }
    }
    Err(problem)
}

/// A connection's two directions, polled by one task.
pub(super) struct Link<S> {
    pub(super) stream: S,
    pub(super) framer: Framer,
    scratch: Box<[u8]>,
    out: Vec<u8>,
    written: usize,
    flushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(super) fn new(stream: S) -> Self {
        let framer = Framer::new(LineLimits::IRC_SERVER);
        Self { stream, framer, scratch: vec![0; SCRATCH].into(), out: Vec::new(), written: 0, flushed: true }
    }

    /// Takes over what is to be sent.
    pub(super) fn queue(&mut self, bytes: &mut Vec<u8>) {
        self.out.append(bytes);
    }

    /// Sends what is queued until something comes in. Nothing is lost when it is dropped and called
    /// again. `None`: the server ended the connection.
    pub(super) async fn exchange(&mut self) -> io::Result<Option<(&mut Framer, &[u8])>> {
        let length = poll_fn(|cx| self.poll_exchange(cx)).await?;
        Ok((length > 0).then_some((&mut self.framer, &self.scratch[..length])))
    }

    /// Sends what is queued and says goodbye to the transport, within bounds. Reads on until the
    /// other side has closed: what is closed with bytes unread takes back the bytes just sent.
    pub(super) async fn close(mut self) {
        let goodbye = async {
            poll_fn(|cx| self.poll_send(cx)).await?;
            self.stream.shutdown().await?;
            while self.stream.read(&mut self.scratch).await? > 0 {}
            io::Result::Ok(())
        };
        // Whoever is gone already needs no goodbye.
        let _ = timeout(CLOSE, goodbye).await;
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        let mut buffer = ReadBuf::new(&mut self.scratch);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            let length = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.written..]))?;
            if length == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += length;
            self.flushed = false;
        }
        self.out.clear();
        self.written = 0;
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<(&str, u16, &str)>) {
        let parsed = text.parse::<Address>().ok();
        let shown = parsed.as_ref().map(ToString::to_string);
        let parts = parsed.as_ref().map(|address| (address.host.as_str(), address.port, shown.as_deref().unwrap()));
        assert_eq!(parts, expect, "{text:?}");
    }

    #[test]
    fn addresses() {
        check("localhost", Some(("localhost", 6697, "localhost:6697")));
        check("chat.example.org:7000", Some(("chat.example.org", 7000, "chat.example.org:7000")));
        check("127.0.0.1:1", Some(("127.0.0.1", 1, "127.0.0.1:1")));
        check("::1", Some(("::1", 6697, "[::1]:6697")));
        check("[::1]", Some(("::1", 6697, "[::1]:6697")));
        check("[::1]:99", Some(("::1", 99, "[::1]:99")));
        for bad in ["", ":1", "a:b", "a:70000", "[::1", "[::1]x", "[a]:1", "a b", "-x", "a/b", "a;b"] {
            check(bad, None);
        }
    }
}
