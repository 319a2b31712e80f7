//! A small client of either dialect: sends lines, waits for lines.
//!
//! Every wait ends after [`PATIENCE`] with the whole transcript. That something does not come is
//! never waited for: [`Peer::lines`] asks the server something and gives all that came before the
//! answer, which is everything, since each session's lines keep their order.

use std::{
    collections::VecDeque,
    fmt::Write,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conclave::tls::{self, pem};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Deployment, PATIENCE, Pair, Server};

/// How a client looks to a server that it does not know: TLS with the certificate, if any.
pub(crate) fn client_config(deployment: &Deployment, pair: Option<&Pair>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(deployment.authority().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    Arc::new(match pair {
        Some(pair) => {
            let chain = pem::certificates(&pair.certificate).unwrap();
            config.with_client_auth_cert(chain, pem::private_key(&pair.key).unwrap()).unwrap()
        }
        None => config.with_no_client_auth(),
    })
}

/// The TCP connection and the client's half of the handshake; whether the server lets one in shows
/// only at the first read.
pub(crate) async fn handshake(
    address: SocketAddr,
    config: Arc<ClientConfig>,
    receive_buffer: Option<u32>,
) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let tcp = socket.connect(address).await?;
    tcp.set_nodelay(true)?;
    tls(tcp, config).await
}

async fn tls(tcp: TcpStream, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    Box::pin(TlsConnector::from(config).connect(ServerName::try_from("localhost").unwrap(), tcp)).await
}

/// What the first line from the server holds.
const GREETING: &str = " NOTICE * :You are ";

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With close_notify.
    Clean,
    /// Without.
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Plain,
    Irc,
}

pub(crate) struct Peer {
    name: String,
    dialect: Dialect,
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
    lines: VecDeque<String>,
    transcript: String,
    end: Option<End>,
}

impl Peer {
    /// Connects and reads the greeting; says nothing.
    pub(crate) async fn connect(deployment: &Deployment, server: &Server, pair: &Pair) -> Self {
        Self::connect_with(deployment, server.address, pair, None).await
    }

    pub(crate) async fn connect_with(
        deployment: &Deployment,
        address: SocketAddr,
        pair: &Pair,
        receive_buffer: Option<u32>,
    ) -> Self {
        let connected = handshake(address, client_config(deployment, Some(pair)), receive_buffer);
        let mut peer = match timeout(PATIENCE, connected).await {
            Ok(Ok(stream)) => Self::new(pair, stream),
            Ok(Err(error)) => panic!("{pair:?} cannot connect: {error}"),
            Err(_) => panic!("{pair:?} cannot connect in {PATIENCE:?}"),
        };
        peer.expect(GREETING).await;
        peer
    }

    /// Connects from another address; `None` when the server lets go of the connection at once.
    pub(crate) async fn try_connect(
        deployment: &Deployment,
        address: SocketAddr,
        pair: &Pair,
        from: IpAddr,
    ) -> Option<Self> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let tcp = socket.connect(address).await.unwrap();
        let stream = timeout(PATIENCE, tls(tcp, client_config(deployment, Some(pair)))).await.unwrap().ok()?;
        let mut peer = Self::new(pair, stream);
        peer.expect(GREETING).await;
        Some(peer)
    }

    fn new(pair: &Pair, stream: TlsStream<TcpStream>) -> Self {
        let name = pair.certificate.file_stem().unwrap().to_string_lossy().into_owned();
        let (buffer, lines, transcript) = (Vec::new(), VecDeque::new(), String::new());
        Self { name, dialect: Dialect::Plain, stream, buffer, lines, transcript, end: None }
    }

    /// A plain session, in the lobby; the lines of its coming are read.
    pub(crate) async fn plain(deployment: &Deployment, server: &Server, pair: &Pair) -> Self {
        let mut peer = Self::connect(deployment, server, pair).await;
        peer.send("").await;
        peer.lines().await;
        peer
    }

    /// A registered IRC session with these capabilities; the lines of its coming are read.
    pub(crate) async fn irc(deployment: &Deployment, server: &Server, pair: &Pair, caps: &str) -> Self {
        let mut peer = Self::connect(deployment, server, pair).await;
        peer.register(caps).await;
        peer
    }

    /// Registers as an IRC client does; gives the lines of the welcome.
    pub(crate) async fn register(&mut self, caps: &str) -> Vec<String> {
        self.dialect = Dialect::Irc;
        self.send("CAP LS 302").await;
        self.send("NICK whoever").await;
        self.send("USER test@harness 0 * :Test Person").await;
        self.expect(" CAP * LS :").await;
        if !caps.is_empty() {
            self.send(&format!("CAP REQ :{caps}")).await;
            self.expect(" ACK ").await;
        }
        self.send("CAP END").await;
        self.expect(" 001 ").await;
        self.lines().await
    }

    /// Takes the session, which is registered by other means, for one of the IRC dialect.
    pub(crate) fn speaks_irc(&mut self) {
        self.dialect = Dialect::Irc;
    }

    pub(crate) async fn send(&mut self, line: &str) {
        self.send_octets(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends octets that need not be lines. That the server has closed meanwhile is seen by the
    /// next read.
    pub(crate) async fn send_octets(&mut self, octets: &[u8]) {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(300)]);
        let _ = writeln!(self.transcript, "-> {}", shown.trim_end_matches(['\r', '\n']).escape_debug());
        let sent = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        match timeout(PATIENCE, sent).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let _ = writeln!(self.transcript, "   (not sent: {error})");
            }
            Err(_) => panic!("{} cannot send\n{}", self.name, self.transcript),
        }
    }

    /// The next line; `None` when the connection has ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> impl Future<Output = Option<String>> {
        let caller = Location::caller();
        async move {
            match timeout(PATIENCE, self.read_line()).await {
                Ok(line) => line,
                Err(_) => panic!("{caller}: no line came for {}\n{}", self.name, self.transcript),
            }
        }
    }

    /// Reads until a line that holds these words; gives it.
    #[track_caller]
    pub(crate) fn expect(&mut self, words: &str) -> impl Future<Output = String> {
        let caller = Location::caller();
        async move {
            loop {
                match timeout(PATIENCE, self.read_line()).await {
                    Ok(Some(line)) if line.contains(words) => return line,
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        panic!("{caller}: the connection of {} ended, before: {words}\n{}", self.name, self.transcript)
                    }
                    Err(_) => panic!("{caller}: {} did not get: {words}\n{}", self.name, self.transcript),
                }
            }
        }
    }

    /// All lines that the server has for this session until now.
    #[track_caller]
    pub(crate) fn lines(&mut self) -> impl Future<Output = Vec<String>> {
        self.until_answered(Location::caller())
    }

    /// [`Peer::lines`] with times and ids made equal.
    #[track_caller]
    pub(crate) fn sees(&mut self) -> impl Future<Output = Vec<String>> {
        let caller = Location::caller();
        async move { self.until_answered(caller).await.iter().map(|line| steady(line)).collect() }
    }

    /// Sends a line and gives all that comes of it, with times and ids made equal.
    #[track_caller]
    pub(crate) fn does(&mut self, line: &str) -> impl Future<Output = Vec<String>> {
        let caller = Location::caller();
        async move {
            self.send(line).await;
            self.until_answered(caller).await.iter().map(|line| steady(line)).collect()
        }
    }

    async fn until_answered(&mut self, caller: &'static Location<'static>) -> Vec<String> {
        static TOKENS: AtomicUsize = AtomicUsize::new(1);
        let token = TOKENS.fetch_add(1, Ordering::Relaxed);
        let (question, answer) = match self.dialect {
            Dialect::Irc => (format!("PING token-{token}"), format!(" token-{token}")),
            Dialect::Plain => (format!("/token-{token}"), format!("there is no command /token-{token};")),
        };
        self.send(&question).await;
        let mut lines = Vec::new();
        loop {
            match timeout(PATIENCE, self.read_line()).await {
                Ok(Some(line)) if line.contains(&answer) => return lines,
                Ok(Some(line)) => lines.push(line),
                Ok(None) => panic!("{caller}: the connection of {} ended\n{}", self.name, self.transcript),
                Err(_) => panic!("{caller}: {} is not answered\n{}", self.name, self.transcript),
            }
        }
    }

    /// Reads until the server ends the connection; gives the lines and how it ended.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> impl Future<Output = (Vec<String>, End)> {
        let caller = Location::caller();
        async move {
            let mut lines = Vec::new();
            loop {
                match timeout(PATIENCE, self.read_line()).await {
                    Ok(Some(line)) => lines.push(line),
                    Ok(None) => return (lines, self.end.unwrap_or(End::Cut)),
                    Err(_) => panic!("{caller}: the connection of {} does not end\n{}", self.name, self.transcript),
                }
            }
        }
    }

    /// Ends this side with close_notify and waits for the server's end.
    pub(crate) async fn close(mut self) -> (Vec<String>, End) {
        let _ = self.stream.shutdown().await;
        self.rest().await
    }

    /// Ends the connection without a word, as a broken network does.
    pub(crate) fn vanish(self) {
        socket2::SockRef::from(self.stream.get_ref().0).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Sends octets past TLS, and ends this side of the connection below it.
    pub(crate) async fn send_below_tls(&mut self, octets: &[u8]) {
        let tcp = self.stream.get_mut().0;
        tcp.write_all(octets).await.unwrap();
        tcp.shutdown().await.unwrap();
    }

    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }

    async fn read_line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.end.is_some() {
                return None;
            }
            self.buffer.reserve(16 * 1024);
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => self.end = Some(End::Clean),
                Ok(_) => self.split(),
                Err(error) => {
                    let _ = writeln!(self.transcript, "   ({error})");
                    self.end = Some(End::Cut);
                }
            }
        }
    }

    fn split(&mut self) {
        let Some(last) = self.buffer.iter().rposition(|octet| *octet == b'\n') else { return };
        let rest = self.buffer.split_off(last + 1);
        let whole = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).expect("the server sends UTF-8");
        for line in whole.split_terminator('\n') {
            let line = line.strip_suffix('\r').unwrap_or_else(|| panic!("no CR LF: {line:?}"));
            let _ = writeln!(self.transcript, "<- {}", line.escape_debug());
            self.lines.push_back(line.to_owned());
        }
    }
}

/// A line with what differs from run to run made equal: `T` for times, `ID` for ids.
fn steady(line: &str) -> String {
    let mut line = line.to_owned();
    if let Some(rest) = line.strip_prefix('@') {
        let (tags, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let tag = |tag: &str| match tag.split_once('=') {
            Some(("time", _)) => "time=T".to_owned(),
            Some(("msgid", _)) => "msgid=ID".to_owned(),
            _ => tag.to_owned(),
        };
        let tags: Vec<String> = tags.split(';').map(tag).collect();
        return format!("@{} {rest}", tags.join(";"));
    }
    let digits = |text: &str, shape: &str| {
        text.len() > shape.len()
            && text.bytes().zip(shape.bytes()).all(|(b, s)| if s == b'9' { b.is_ascii_digit() } else { b == s })
    };
    if digits(&line, "9999-99-99 ") {
        line.replace_range(..10, "D");
        if digits(&line[2..], "99:99:99 ") {
            line.replace_range(2..10, "T");
        }
    } else if digits(&line, "99:99:99 ") {
        line.replace_range(..8, "T");
    }
    line
}
