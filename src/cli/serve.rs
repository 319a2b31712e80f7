//! `conclave serve`: the server, from its settings to its end.
//!
//! Everything is checked before a port opens; then the listeners are bound, the runtime is built,
//! and signals are turned into the server's stop and reload.

use std::{env, net::TcpListener, path::PathBuf, sync::Arc};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tracing::{info, warn};

use self::{keeping::Keeping, log::Teller};
use super::exit::{Exit, Failure, OrExit, print};
use crate::{
    config::{Layers, Raw, Settings},
    journal::Journal,
    platform::{
        clock, limits, listen,
        signals::{Event, Signals},
    },
    server::{self, Server, Signs},
    tls::reload::Live,
};

mod keeping;
mod log;

/// What `conclave serve` is told.
#[derive(clap::Args)]
#[command(after_help = "Each of these, --config and --check apart, can also be given as a variable \
(CONCLAVE_MAX_CONNECTIONS=500) or in the file of --config or CONCLAVE_CONFIG (max-connections = 500). \
The command line wins over the environment, and that over the file.")]
pub struct Args {
    /// A file of settings (TOML), each named as here without the --
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check everything, open no port, and end
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    settings: Raw,
}

/// Files that are not connections: listeners, certificates while they are read, the log.
const SPARE_FILES: u64 = 32;

/// Sockets that listen already.
struct Listeners {
    chat: Vec<TcpListener>,
    metrics: Option<TcpListener>,
}

/// Runs the server until it is told to stop.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let layers = Layers::collect(args.settings, args.config.as_deref(), |name| env::var_os(name));
    let settings = layers.and_then(|layers| Settings::resolve(&layers)).or_exit(Exit::Config)?;
    keeping::usable(&settings.data)?;
    let numbers = keeping::numbers(&settings.data);
    let live = Live::after(numbers, settings.files.clone(), settings.rules).or_exit(Exit::Config)?;
    log::install(settings.log);
    let tell = Teller(settings.log.format);
    if args.check {
        for warning in live.current().warnings(clock::unix_now()) {
            tell.warn(warning);
        }
        keeping::check(&settings.data)?;
        print("the configuration is good; no port was opened\n")?;
        return Ok(Exit::Ok);
    }
    let keeping = keeping::open(&settings)?;
    live.keep_numbers().or_exit(Exit::Config)?;
    let inherited = listen::inherited(|name| env::var_os(name)).or_exit(Exit::Config)?;
    let metrics = metrics(&settings, tell)?;
    let chat = if inherited.is_empty() { listen::bind(&settings.listen).or_exit(Exit::Network)? } else { inherited };
    tell.what_is_kept(&settings, keeping.found);
    tell.who(&live.current());
    let Keeping { journal, directory, .. } = keeping;
    let ended = serve(settings, journal, live, Listeners { chat, metrics });
    // Ours until the journal is closed.
    drop(directory);
    ended
}

fn serve(settings: Settings, journal: Box<dyn Journal>, live: Live, listeners: Listeners) -> Result<Exit, Failure> {
    let files = limits::raise_open_files();
    let connections = settings.options.limits.connections;
    if connections != usize::MAX && connections as u64 > files.saturating_sub(SPARE_FILES) {
        // Not an error: the server goes on when it cannot accept, and says so.
        warn!(files, connections, "the system allows fewer open files than the connections that are allowed");
    }
    let runtime = runtime(settings.threads.get()).context("cannot start the server's threads")?;
    let exit = runtime.block_on(until_stopped(settings, journal, Arc::new(live), listeners));
    // What still runs after a second signal is not waited for.
    runtime.shutdown_background();
    exit
}

async fn until_stopped(
    settings: Settings,
    journal: Box<dyn Journal>,
    live: Arc<Live>,
    listeners: Listeners,
) -> Result<Exit, Failure> {
    let mut signals = Signals::install().context("cannot take over the signals")?;
    let signs = Signs::default();
    let data = settings.data;
    let server = Server::begin(settings.options, journal, live, Arc::default(), signs.clone());
    let mut server = server.map_err(|error| keeping::unread(&data, &error)).or_exit(Exit::Config)?;
    let Listeners { chat, metrics } = listeners;
    let chat = chat.into_iter().map(tokio::net::TcpListener::from_std).collect::<Result<Vec<_>, _>>();
    let chat = chat.context("cannot watch the listening sockets")?;
    for listener in &chat {
        let address = listener.local_addr().context("cannot tell where the server listens")?;
        // Connections are taken from here on: the system queues them.
        print(format_args!("listening on {address}\n"))?;
    }
    if let Some(listener) = metrics {
        let address = listener.local_addr().context("cannot tell where metrics are told")?;
        server.observe(listener).context("cannot start the thread that tells metrics")?;
        print(format_args!("metrics on http://{address}/metrics\n"))?;
    }
    let mut server = std::pin::pin!(server.run(chat));
    loop {
        tokio::select! {
            ended = &mut server => return ended.map(|()| Exit::Ok).map_err(Failure::from),
            event = signals.next() => match event {
                Event::Reload => signs.reload.notify_one(),
                Event::Stop if signs.stop.is_requested() => return Ok(Exit::Interrupted),
                Event::Stop => {
                    info!("stopping; a second signal ends the server at once");
                    signs.stop.request();
                }
            }
        }
    }
}

/// Listens where metrics are told, before the chat's port opens.
fn metrics(settings: &Settings, tell: Teller) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = settings.metrics else { return Ok(None) };
    let bound = listen::bind(&[address]).context("--metrics").or_exit(Exit::Network)?;
    if server::is_open(address) {
        tell.warn(format_args!(
            "metrics are told on {address} to everybody who can reach it, in clear and without a password; \
            let nobody but your monitoring reach it, or give an address of this machine"
        ));
    }
    Ok(bound.into_iter().next())
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}
