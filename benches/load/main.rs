//! Load on a chat server: what it costs to deliver lines, to hold connections and to take new ones. The
//! same for every server that speaks IRC over TLS; docs/performance.md describes the workloads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "a program")]

mod certs;
#[path = "../common/mod.rs"]
mod common;
mod connection;
mod engine;
mod line;
mod options;
mod process;
mod reference;
mod report;
mod self_check;
mod servers;
mod table;
mod workloads;

use std::path::Path;

use certs::Certificates;
use common::Arguments;
use options::{Options, USAGE};
use report::Report;
use servers::{Server, ours::REFERENCE};
use workloads::{Ground, connect, fanout, flooder::Flood, floods, idle, latency, mixed, storm};

/// What is run on a server.
#[derive(Clone, Copy)]
enum Workload {
    Fanout,
    Latency,
    Idle(usize),
    Connect,
    Storm,
    Mixed,
    Flood(Flood),
}

impl Workload {
    /// Those of this name.
    fn parse(name: &str, options: &Options) -> Vec<Self> {
        match name {
            "fanout" => vec![Self::Fanout],
            "latency" => vec![Self::Latency],
            "idle" => options.connections.iter().map(|count| Self::Idle(*count)).collect(),
            "connect" => vec![Self::Connect],
            "storm" => vec![Self::Storm],
            "mixed" => vec![Self::Mixed],
            "floods" => Flood::ALL.into_iter().filter(|flood| options.floods(flood.name())).map(Self::Flood).collect(),
            other => panic!("{other} is no workload; see --help"),
        }
    }

    /// How many certificates it takes.
    fn members(self, options: &Options) -> usize {
        match self {
            Self::Fanout => options.members(100),
            Self::Latency => options.members(100) + options.idle,
            Self::Storm => 100 + options.members(1000),
            Self::Mixed => options.members(500),
            Self::Flood(_) => 101,
            Self::Idle(count) => count,
            Self::Connect => 1000,
        }
    }

    fn run(self, ground: &Ground<'_>) -> Report {
        match self {
            Self::Fanout => fanout::run(ground),
            Self::Latency => latency::run(ground),
            Self::Idle(count) => idle::run(ground, count),
            Self::Connect => connect::run(ground),
            Self::Storm => storm::run(ground),
            Self::Mixed => mixed::run(ground),
            Self::Flood(flood) => floods::run(ground, flood),
        }
    }
}

fn main() {
    let mut first = std::env::args_os().skip(1);
    if first.next().is_some_and(|argument| argument == REFERENCE) {
        let directory = first.next().expect("a directory");
        return reference::serve(Path::new(&directory)).expect("the reference serves");
    }
    let Some(arguments) = Arguments::read(USAGE) else { return checked() };
    let options = Options::read(&arguments);
    let workload = arguments.first().expect("a workload; see --help");
    if workload == "table" {
        return table::run(&arguments, &options);
    }
    let workloads = Workload::parse(workload, &options);
    let most = workloads.iter().map(|workload| workload.members(&options)).max().unwrap_or(0);
    let certificates = Certificates::load(&options.certs, most);
    let mut run = 0;
    for _ in 0..options.repeat {
        for workload in &workloads {
            let clients = certificates.clients(workload.members(&options), options.exchange);
            for &kind in &options.servers {
                let directory = arguments.directory();
                let server = Server::start(kind, &options, &certificates.directory, directory.path());
                run += 1;
                let ground = Ground { options: &options, kind, server: &server, clients: &clients, run };
                workload.run(&ground).print(options.json);
            }
        }
    }
}

/// Nobody asked for a benchmark. `cargo test` runs this, with the names of the tests that are wanted, if any.
fn checked() {
    let mut words = std::env::args().skip(1);
    if words.all(|word| {
        !word.starts_with("--help") && word != "--list" && (word.starts_with('-') || "load".contains(&*word))
    }) {
        self_check::run();
    }
}
