//! A real server over TLS: how many messages a second it acknowledges, and how long each sender waits
//! for that. An acknowledgement means that the message is in the journal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "a program")]

mod common;

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Arguments, Times, place, shown, table};
use conclave::{
    pki::{
        Directory,
        directory::{Days, InitOptions, NewDevice},
    },
    platform::clock::{monotonic, unix_now},
    tls::{self, pem},
};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const USAGE: &str =
    "cargo bench --bench throughput -- [--senders N,N,...] [--window N,N,...] [--seconds N] [--dir DIRECTORY]
    [--threads N] [--ids] [--json]

Starts the server with --data none and with its journal in DIRECTORY (target/), and has 1, 10 and 100
senders (--senders), each with 1 line and with 64 lines (--window) under way, say something to a room of
their own. With --ids each message has a name by which it could be sent again (conclave.chat/id).";

/// What passes before it is measured.
const WARMUP: Duration = Duration::from_secs(1);

/// A running server.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(certs: &Path, data: &str, threads: &str) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--limits", "off", "--log", "error", "--threads", threads];
        let mut child = Command::new(env!("CARGO_BIN_EXE_conclave"))
            .args(arguments)
            .args(["--data", data, "--certs"])
            .arg(certs)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("listening on ")?.parse().ok());
        // It may go on talking.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the server listens") }
    }

    /// How long it has kept a processor busy.
    fn busy(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        let ticks: u64 = after.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        // USER_HZ is 100 on every Linux.
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, and a certificate for each sender.
fn certificates(root: &Path, senders: usize) -> Vec<Arc<ClientConfig>> {
    let directory = Directory::new(root.join("certs"));
    let hosts = vec!["localhost".parse().unwrap()];
    directory.init(&InitOptions { network: None, hosts }, unix_now()).unwrap();
    let authority = directory.ca().unwrap().certificate().clone();
    let config = |n| {
        let account = format!("sender{n}").parse().unwrap();
        let device = NewDevice { account, device: "main".parse().unwrap(), days: Days(1) };
        let issued = directory.issue(&device, unix_now()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        let config =
            ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions().unwrap();
        let chain = pem::certificates(&issued.certificate).unwrap();
        let key = pem::private_key(&issued.key.unwrap()).unwrap();
        Arc::new(config.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap())
    };
    (0..senders).map(config).collect()
}

/// One connection: lines in, lines out.
struct Peer {
    stream: TlsStream<TcpStream>,
    octets: Vec<u8>,
    input: String,
    output: String,
}

impl Peer {
    async fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = Box::pin(TlsConnector::from(config).connect(name, tcp)).await.unwrap();
        Self { stream, octets: vec![0; 16 << 10], input: String::new(), output: String::new() }
    }

    async fn flush(&mut self) {
        if !self.output.is_empty() {
            self.stream.write_all(self.output.as_bytes()).await.unwrap();
            self.stream.flush().await.unwrap();
            self.output.clear();
        }
    }

    /// Waits for more, and calls back for each whole line.
    async fn read(&mut self, mut line: impl FnMut(&str, &mut String)) {
        let length = self.stream.read(&mut self.octets).await.unwrap();
        assert!(length > 0, "the server has ended the connection");
        self.input.push_str(std::str::from_utf8(&self.octets[..length]).unwrap());
        let mut start = 0;
        while let Some(end) = self.input[start..].find("\r\n") {
            let text = &self.input[start..start + end];
            match text.strip_prefix("PING ").or_else(|| text.split_once(" PING ").map(|(_, token)| token)) {
                Some(token) if !text.contains(" PRIVMSG ") => drop(write!(self.output, "PONG {token}\r\n")),
                _ => line(text, &mut self.output),
            }
            start += end + 2;
        }
        self.input.drain(..start);
    }

    async fn until(&mut self, words: &[&str]) {
        let mut seen = false;
        while !seen {
            self.flush().await;
            self.read(|line, _| seen |= words.iter().any(|words| line.contains(words))).await;
        }
    }
}

#[derive(Clone, Copy)]
struct Load {
    senders: usize,
    window: usize,
    seconds: u64,
    ids: bool,
}

/// What one sender has measured.
async fn sender(address: SocketAddr, config: Arc<ClientConfig>, n: usize, load: Load, ready: Arc<Barrier>) -> Times {
    let mut peer = Peer::connect(address, config).await;
    let ids = if load.ids { " conclave.chat/id message-tags" } else { "" };
    let _ = write!(peer.output, "CAP REQ :echo-message{ids}\r\nNICK sender{n}\r\nUSER bench 0 * :bench\r\nCAP END\r\n");
    peer.until(&[" 422 ", " 376 "]).await;
    let _ = write!(peer.output, "JOIN #room{n}\r\n");
    peer.until(&[" 366 "]).await;
    ready.wait().await;
    let begin = monotonic() + WARMUP;
    let end = begin + Duration::from_secs(load.seconds);
    let (mut times, mut number) = (Times::default(), 0u64);
    let mut under_way: VecDeque<Instant> = VecDeque::new();
    loop {
        let now = monotonic();
        while now < end && under_way.len() < load.window {
            let id = if load.ids { format!("@conclave.chat/id={n}-{number} ") } else { String::new() };
            let _ = write!(
                peer.output,
                "{id}PRIVMSG #room{n} :{number} about as long as what people say to each other in a room\r\n"
            );
            under_way.push_back(now);
            number += 1;
        }
        peer.flush().await;
        if under_way.is_empty() {
            return times;
        }
        let under_way = &mut under_way;
        let times = &mut times;
        peer.read(|line, _| {
            assert!(line.contains(" PRIVMSG #room"), "{line}");
            let (now, sent) = (monotonic(), under_way.pop_front().unwrap());
            if now >= begin && now < end {
                times.add(now - sent);
            }
        })
        .await;
    }
}

async fn run(address: SocketAddr, configs: &[Arc<ClientConfig>], load: Load) -> Times {
    let ready = Arc::new(Barrier::new(load.senders));
    let tasks = configs.iter().take(load.senders).enumerate();
    let tasks: Vec<_> = tasks
        .map(|(n, config)| tokio::spawn(sender(address, Arc::clone(config), n, load, Arc::clone(&ready))))
        .collect();
    let mut all = Times::default();
    for task in tasks {
        all.append(task.await.unwrap());
    }
    all
}

/// One row: the cells of the table, and the same for programs.
fn row(times: &mut Times, busy: Duration, journal: &str, load: Load) -> (Vec<String>, serde_json::Value) {
    let all = times.count() as f64 * (load.seconds + WARMUP.as_secs()) as f64 / load.seconds as f64;
    let (median, p99, each) = (times.percentile(50), times.percentile(99), busy.as_secs_f64() * 1e6 / all);
    let rate = times.count() as u64 / load.seconds;
    let cells = [
        journal.to_owned(),
        load.senders.to_string(),
        load.window.to_string(),
        rate.to_string(),
        shown(median),
        shown(p99),
        format!("{each:.0} us"),
    ];
    let json = serde_json::json!({
        "journal": journal, "senders": load.senders, "window": load.window, "messages_per_s": rate,
        "median_us": median.as_secs_f64() * 1e6, "p99_us": p99.as_secs_f64() * 1e6, "server_cpu_us": each,
    });
    (cells.to_vec(), json)
}

fn main() {
    let Some(arguments) = Arguments::read(USAGE) else { return };
    let directory = arguments.directory();
    let senders = arguments.numbers("--senders", "1,10,100");
    let windows = arguments.numbers("--window", "1,64");
    let seconds = arguments.numbers("--seconds", "3")[0] as u64;
    let threads = arguments.value("--threads").unwrap_or("1");
    let configs = certificates(directory.path(), senders.iter().copied().max().unwrap_or(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let head = ["journal", "senders", "under way", "messages/s", "ack median", "ack p99", "server CPU each"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for journal in ["none", "SQLite"] {
        for (&senders, &window) in
            senders.iter().flat_map(|senders| windows.iter().map(move |window| (senders, window)))
        {
            let load = Load { senders, window, seconds, ids: arguments.has("--ids") };
            // Each begins with nothing.
            let data = directory.path().join(format!("data-{senders}-{window}"));
            let data = if journal == "none" { "none" } else { data.to_str().unwrap() };
            let server = Server::start(&directory.path().join("certs"), data, threads);
            let before = server.busy();
            let mut times = runtime.block_on(run(server.address, &configs, load));
            let (cells, json) = row(&mut times, server.busy() - before, journal, load);
            if arguments.has("--json") {
                println!("{json}");
            }
            rows.push(cells);
        }
    }
    if !arguments.has("--json") {
        println!("{}\n\n{}", place(directory.path()), table(&rows));
    }
}
