//! What the command line asks for.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    certs::Exchange,
    common::Arguments,
    servers::{Attached, Kind},
};

pub(crate) const USAGE: &str = "cargo bench --bench load -- WORKLOAD [options]

Workloads:
  fanout    members in one room, senders with lines under way: cost and number of deliveries
  latency   members in one room, lines at a fixed rate: how long a delivery takes
  idle      connections that do nothing: memory of each
  connect   handshakes and registrations, some at a time: cost of each

Options:
  --server NAME,...    reference, conclave, conclave-sqlite, ngircd, inspircd, ergo; all: those that are
                       installed (default: reference,conclave)
  --address A:P --pid N   the server that runs there, instead of one that is started
  --members N          in the room (100)              --senders N      of them (10)
  --under-way N        lines of each sender (32)      --rate N         lines a second, in all (200)
  --length N           octets of a text (100)         --seconds N      that are measured (3)
  --window-by all|observer   a line is done when all have it, or when one member has it (all)
  --connections N,...  for idle (600,2000)            --rooms own|one|none   of idle members (own)
  --concurrent N       connections that are made at a time (32)
  --kx x25519|x25519mlkem768 (x25519)                 --caps none|modern     (none)
  --threads N          of the server under test (1)   --limits on|off        of it (off)
  --server-args 'ARGS' more for conclave serve        --conclave FILE        its program
  --ergo FILE          the program of Ergo            --certs DIR            where certificates are kept
  --repeat N           rounds, one server after the other (1)
  --dir DIRECTORY      for files (target)             --json                 a line of JSON for each result";

/// Which capabilities members ask for.
const MODERN: &[&str] = &["server-time", "message-tags", "echo-message"];

/// When a line counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowBy {
    All,
    Observer,
}

/// In which rooms idle members are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rooms {
    Own,
    One,
    None,
}

/// All of it.
pub(crate) struct Options {
    pub(crate) servers: Vec<Kind>,
    pub(crate) attached: Option<Attached>,
    pub(crate) members: usize,
    pub(crate) senders: usize,
    pub(crate) under_way: u32,
    pub(crate) window_by: WindowBy,
    pub(crate) rate: u32,
    pub(crate) length: usize,
    pub(crate) seconds: f64,
    pub(crate) connections: Vec<usize>,
    pub(crate) rooms: Rooms,
    pub(crate) concurrent: usize,
    pub(crate) exchange: Exchange,
    pub(crate) caps: &'static [&'static str],
    pub(crate) threads: usize,
    pub(crate) limits: String,
    pub(crate) server_args: Vec<String>,
    pub(crate) conclave: PathBuf,
    pub(crate) ergo: Option<PathBuf>,
    pub(crate) certs: PathBuf,
    pub(crate) repeat: usize,
    pub(crate) json: bool,
}

impl Options {
    pub(crate) fn read(arguments: &Arguments) -> Self {
        let number = |flag, default| arguments.numbers(flag, default)[0];
        let one_of = |flag, first| arguments.value(flag).unwrap_or(first);
        let path = |flag, default: &str| PathBuf::from(arguments.value(flag).unwrap_or(default));
        let attached = arguments.value("--address").map(|address| Attached {
            address: address.parse::<SocketAddr>().expect("--address A:P"),
            pid: number("--pid", "0") as u32,
        });
        let ergo = arguments.value("--ergo").map(PathBuf::from);
        let servers = match arguments.value("--server") {
            None if attached.is_some() => vec![Kind::Conclave],
            None => vec![Kind::Reference, Kind::Conclave],
            Some("all") => Kind::installed(ergo.as_deref()),
            Some(names) => names.split(',').map(|name| Kind::parse(name).expect("a server's name")).collect(),
        };
        Self {
            servers,
            attached,
            members: number("--members", "100"),
            senders: number("--senders", "10"),
            under_way: number("--under-way", "32") as u32,
            window_by: match one_of("--window-by", "all") {
                "all" => WindowBy::All,
                "observer" => WindowBy::Observer,
                other => panic!("--window-by {other}"),
            },
            rate: number("--rate", "200") as u32,
            length: number("--length", "100"),
            seconds: one_of("--seconds", "3").parse().expect("--seconds N"),
            connections: arguments.numbers("--connections", "600,2000"),
            rooms: match one_of("--rooms", "own") {
                "own" => Rooms::Own,
                "one" => Rooms::One,
                "none" => Rooms::None,
                other => panic!("--rooms {other}"),
            },
            concurrent: number("--concurrent", "32"),
            exchange: match one_of("--kx", "x25519") {
                "x25519" => Exchange::X25519,
                "x25519mlkem768" => Exchange::X25519MlKem768,
                other => panic!("--kx {other}"),
            },
            caps: match one_of("--caps", "none") {
                "none" => &[],
                "modern" => MODERN,
                other => panic!("--caps {other}"),
            },
            threads: number("--threads", "1"),
            limits: one_of("--limits", "off").to_owned(),
            server_args: one_of("--server-args", "").split_whitespace().map(str::to_owned).collect(),
            conclave: path("--conclave", env!("CARGO_BIN_EXE_conclave")),
            ergo,
            certs: path("--certs", concat!(env!("CARGO_TARGET_TMPDIR"), "/load-certs")),
            repeat: number("--repeat", "1"),
            json: arguments.has("--json"),
        }
    }
}
