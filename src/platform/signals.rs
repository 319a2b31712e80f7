//! Signals of the system to a process that runs for long.

use std::io;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// To end (SIGINT, SIGTERM).
    Stop,
    /// To read its files again (SIGHUP).
    Reload,
}

/// The signals of this process. While it lives they no longer end the process by themselves.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over. Must be called within a tokio runtime.
    #[cfg(unix)]
    pub fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one. Safe to drop and call again.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.interrupt.recv() => Event::Stop,
            _ = self.terminate.recv() => Event::Stop,
            _ = self.hangup.recv() => Event::Reload,
        }
    }

    /// Takes Ctrl-C over, the only one here. Must be called within a tokio runtime.
    #[cfg(not(unix))]
    pub fn install() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one. Safe to drop and call again.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> Event {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Event::Stop
    }
}

/// Stops this process and those that were started with it, as Ctrl-Z on a terminal does, until they
/// are continued. Does nothing where nobody could continue them (no shell watches over them), and on
/// systems without this. To be called from the main thread, which takes the signal: when this
/// returns, the stop is over.
#[cfg(unix)]
pub fn suspend() -> io::Result<()> {
    use rustix::process::{Signal, kill_current_process_group};

    // The whole group: a script that started the program would wait for it and not give way.
    Ok(kill_current_process_group(Signal::TSTP)?)
}

/// Does nothing: this system has no such thing.
#[cfg(not(unix))]
pub fn suspend() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn signals_become_events() {
        let mut signals = Signals::install().unwrap();
        for (signal, event) in [(Signal::HUP, Event::Reload), (Signal::TERM, Event::Stop), (Signal::INT, Event::Stop)] {
            kill_process(getpid(), signal).unwrap();
            assert_eq!(signals.next().await, event);
        }
    }
}
