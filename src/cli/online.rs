//! What every client of the command line does while it is connected: its runtime, its signals, its
//! dice, and the exit code of what ended it.

use std::io;

use super::exit::{Exit, Failure, OrExit, note};
use crate::{
    client::{Fatal, Options, Source, TlsDial, Trust},
    platform::{clock, signals::Signals, stop::Stop},
    tls,
};

/// The runtime of a client: one thread, since one connection and one person are little work.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().or_exit(Exit::Failure)
}

/// How to connect to the server that is trusted.
pub(super) fn dial(trust: &Trust) -> Result<TlsDial, Failure> {
    Ok(TlsDial { address: trust.address.clone(), tls: trust.tls().or_exit(Exit::Config)? })
}

/// The options of a client that gives whole requests. Says nothing but what is to be minded.
pub(super) fn script(trust: &Trust, program: &'static str, rooms: Vec<String>) -> Result<Options, Failure> {
    if let Some(warning) = trust.identity.warning(clock::unix_now()) {
        note(format_args!("-- warning: {warning}"));
    }
    let account = trust.account().or_exit(Exit::Config)?;
    Ok(Options { account, rooms, source: Source::Script, origin: origin()?, program })
}

/// What tells this run of the program from all others.
pub(super) fn origin() -> Result<String, Failure> {
    Ok(format!("{:016x}", random()?))
}

/// Evenly distributed numbers. Without randomness TLS would not have come this far; a fixed number
/// only wastes the jitter.
pub(super) fn dice() -> u64 {
    random().unwrap_or(u64::MAX)
}

fn random() -> Result<u64, Failure> {
    let mut octets = [0; 8];
    tls::random(&mut octets).or_exit(Exit::Failure)?;
    Ok(u64::from_ne_bytes(octets))
}

/// The first Ctrl-C (or SIGTERM, or the end of the terminal) asks to stop.
pub(super) fn on_signals(stop: &Stop) -> io::Result<()> {
    let (mut signals, stop) = (Signals::install()?, stop.clone());
    tokio::spawn(async move {
        signals.next().await;
        stop.request();
    });
    Ok(())
}

/// The exit code of what ended a client.
pub(super) fn failure(fatal: Fatal) -> Failure {
    let exit = match &fatal {
        Fatal::Network(_) => Exit::Network,
        Fatal::ServerIdentity(_) => Exit::ServerIdentity,
        Fatal::Refused(_) => Exit::Refused,
        // Whoever read the output has left: nobody is to be told.
        Fatal::Screen(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Fatal::Unfit(_) | Fatal::Screen(_) => Exit::Failure,
    };
    Failure { exit, error: fatal.into() }
}
