//! What the command line asks for.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

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
  storm     members of a large room leave and come back while others chat
  mixed     rooms of different sizes, private messages, people who come, go and look back
  floods    one client does too much of something while others chat
  table     all of these on all servers, one after the other, and one table

Options:
  --server NAME,...    reference, conclave, conclave-sqlite, ngircd, inspircd, ergo; all: those that are
                       installed (default: reference,conclave; for table: all)
  --address A:P --pid N   the server that runs there, instead of one that is started
  --members N          in the room (100; storm 1000, mixed 500)
  --senders N          of them (10)                   --under-way N    lines of each sender (32)
  --rate N             lines a second, in all (200; mixed 500)
  --length N           octets of a text (100)         --seconds N      that are measured (3)
  --warmup N           seconds before that (1)        --repeat N       rounds, one server after the other (1)
  --window-by all|observer   a line is done when all have it, or when one member has it (all)
  --connections N,...  for idle (600,2000)            --rooms own|one|none   of idle members (own)
  --idle N             connections beside those of latency (0)
  --concurrent N       connections that are made at a time (32)
  --leavers N          of a storm (200)               --leave quit|part|cut  (quit)
  --within N           seconds in which they leave and come back (10)
  --floods NAME,...    lines, tags, joins, pages, handshakes, unread (all)
  --kx x25519|x25519mlkem768 (x25519)                 --caps none|modern     (none)
  --threads N          of the server under test (1)   --limits on|off        of it (off; floods: on)
  --server-args 'ARGS' more for conclave serve        --conclave FILE        its program
  --ergo FILE          the program of Ergo            --certs DIR            where certificates are kept
  --quick              a small table                  --json                 a line of JSON for each result
  --json-file FILE     these lines, beside the table  --dir DIRECTORY        for files (target)";

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

/// How members leave in a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Quit,
    Part,
    Cut,
}

impl Leave {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Part => "part",
            Self::Cut => "are cut",
        }
    }
}

/// All of it.
pub(crate) struct Options {
    pub(crate) servers: Vec<Kind>,
    pub(crate) attached: Option<Attached>,
    members: Option<usize>,
    pub(crate) senders: usize,
    pub(crate) under_way: u32,
    pub(crate) window_by: WindowBy,
    rate: Option<u32>,
    pub(crate) length: usize,
    pub(crate) seconds: f64,
    pub(crate) warmup: Duration,
    pub(crate) idle: usize,
    pub(crate) leavers: usize,
    pub(crate) leave: Leave,
    pub(crate) within: f64,
    pub(crate) connections: Vec<usize>,
    pub(crate) rooms: Rooms,
    pub(crate) concurrent: usize,
    pub(crate) exchange: Exchange,
    pub(crate) caps: &'static [&'static str],
    pub(crate) threads: usize,
    pub(crate) limits: Option<String>,
    pub(crate) server_args: Vec<String>,
    pub(crate) conclave: PathBuf,
    pub(crate) ergo: Option<PathBuf>,
    pub(crate) certs: PathBuf,
    floods: Option<String>,
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
            None if arguments.first() != Some("table") => vec![Kind::Reference, Kind::Conclave],
            None | Some("all") => Kind::installed(ergo.as_deref()),
            Some(names) => names.split(',').map(|name| Kind::parse(name).expect("a server's name")).collect(),
        };
        Self {
            servers,
            attached,
            members: arguments.value("--members").map(|number| number.parse().expect("--members N")),
            senders: number("--senders", "10"),
            under_way: number("--under-way", "32") as u32,
            window_by: match one_of("--window-by", "all") {
                "all" => WindowBy::All,
                "observer" => WindowBy::Observer,
                other => panic!("--window-by {other}"),
            },
            rate: arguments.value("--rate").map(|number| number.parse().expect("--rate N")),
            length: number("--length", "100"),
            seconds: one_of("--seconds", "3").parse().expect("--seconds N"),
            warmup: Duration::from_secs_f64(one_of("--warmup", "1").parse().expect("--warmup N")),
            idle: number("--idle", "0"),
            leavers: number("--leavers", "200"),
            leave: match one_of("--leave", "quit") {
                "quit" => Leave::Quit,
                "part" => Leave::Part,
                "cut" => Leave::Cut,
                other => panic!("--leave {other}"),
            },
            within: one_of("--within", "10").parse().expect("--within N"),
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
            limits: arguments
                .value("--limits")
                .or((arguments.first() == Some("floods")).then_some("on"))
                .map(str::to_owned),
            server_args: one_of("--server-args", "").split_whitespace().map(str::to_owned).collect(),
            conclave: path("--conclave", env!("CARGO_BIN_EXE_conclave")),
            ergo,
            certs: path("--certs", concat!(env!("CARGO_TARGET_TMPDIR"), "/load-certs")),
            floods: arguments.value("--floods").map(str::to_owned),
            repeat: number("--repeat", "1"),
            json: arguments.has("--json"),
        }
    }

    /// How many members, where the workload has so many by itself.
    pub(crate) fn members(&self, default: usize) -> usize {
        self.members.unwrap_or(default)
    }

    /// Whether this flood is wanted.
    pub(crate) fn floods(&self, name: &str) -> bool {
        self.floods.as_ref().is_none_or(|names| names.split(',').any(|wanted| wanted == name))
    }

    /// How many lines a second, where the workload has so many by itself.
    pub(crate) fn rate(&self, default: u32) -> u32 {
        self.rate.unwrap_or(default)
    }
}
