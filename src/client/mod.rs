//! The chat client: a core without I/O, and the loop that connects it with a server and a screen.
//!
//! Knows no terminal: [`Screen`] is what it needs of one.

use std::{io, time::Duration};

use tokio::time::{Instant, sleep_until};

pub mod commands;
mod connection;
mod core;
mod event;
mod model;
pub mod pending;
mod reconnect;
mod replies;
mod trust;

pub use self::core::{Core, Now, Options, Output, Source};
pub use connection::{Address, AddressError, Dial, Fatal, TlsDial, Trouble};
pub use event::{Event, Kind, Manner, Place, Record, What};
pub use model::{Model, Room};
pub use reconnect::Backoff;
pub use trust::{Given, Trust, TrustError};

use crate::platform::{clock, stop::Stop};
use connection::Link;
use pending::{Outcome, Request};

/// A connection that held this long was a good one: the next waits start over.
const GOOD: Duration = Duration::from_secs(10);

/// Where the person is.
pub trait Screen {
    /// The next thing that the person does. It may be dropped and called again.
    fn input(&mut self) -> impl Future<Output = Input>;
    /// Shows what happened in the chat.
    fn show(&mut self, event: &Event) -> io::Result<()>;
    /// Shows a typed line that waits for the connection, with its place.
    fn pending(&mut self, place: usize, typed: &str) -> io::Result<()>;
    /// Hears how a request has ended; only a script does ([`Source::Script`]).
    fn answered(&mut self, _: &Outcome) -> io::Result<()> {
        Ok(())
    }
    /// Shows how the connection is doing.
    fn note(&mut self, text: &str) -> io::Result<()>;
    /// The room that text goes to, and whether there is a connection.
    fn status(&mut self, room: Option<&str>, connected: bool) -> io::Result<()>;
}

/// What the person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Typed a line.
    Line(String),
    /// Asks this of the server.
    Ask(Request),
    /// Gave a line that cannot be sent, and why.
    Unfit(String),
    /// Will type no more.
    End,
    /// Wants to be out at once.
    Interrupt,
}

/// How a chat ended without trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything typed was acknowledged, or given up by the person.
    Quit,
    /// The person broke off.
    Interrupted,
}

/// Runs a chat to its end: connects, and connects again whenever the connection is lost. The first
/// connection must succeed. `dice` gives evenly distributed numbers.
pub async fn run<D: Dial, S: Screen>(
    core: &mut Core,
    dial: &mut D,
    screen: &mut S,
    stop: &Stop,
    mut dice: impl FnMut() -> u64,
) -> Result<End, Fatal> {
    let mut desk = Desk { core, screen, stop, wire: Vec::new(), dropped: None, ended: None };
    let mut backoff = Backoff::default();
    loop {
        let dialed = {
            let dialing = dial.dial();
            tokio::pin!(dialing);
            loop {
                tokio::select! {
                    dialed = &mut dialing => break dialed,
                    turn = desk.turn() => turn?,
                }
                if let Some(end) = desk.ended {
                    return desk.leave(end);
                }
            }
        };
        let trouble = match dialed {
            Err(trouble) => trouble,
            Ok(stream) => {
                let since = clock::monotonic();
                let trouble = match desk.connection(stream, dial).await? {
                    Over::Ended(end) => return desk.leave(end),
                    Over::Trouble(trouble) => trouble,
                };
                if desk.core.is_ready() && clock::monotonic().duration_since(since) >= GOOD {
                    backoff.reset();
                }
                trouble
            }
        };
        let was_up = desk.core.is_ready();
        let farewell = desk.core.lost();
        let reason = match trouble {
            Trouble::Final(fatal) => return desk.give_up(fatal),
            Trouble::Lost(reason) => farewell.unwrap_or(reason),
        };
        desk.carry_out()?;
        if let Some(end) = desk.ended {
            return desk.leave(end);
        }
        if !desk.core.was_ready() {
            return Err(Fatal::Network(reason));
        }
        let wait = backoff.next_wait(dice());
        let what = if was_up { "connection lost" } else { "cannot connect" };
        desk.screen.note(&format!("{what} ({reason}); trying again in {:.1} s", wait.as_secs_f32()))?;
        desk.status()?;
        let until = clock::monotonic() + wait;
        loop {
            tokio::select! {
                () = sleep_until(Instant::from_std(until)) => break,
                turn = desk.turn() => turn?,
            }
            if let Some(end) = desk.ended {
                return desk.leave(end);
            }
        }
    }
}

/// How a connection was over.
enum Over {
    Ended(End),
    Trouble(Trouble),
}

/// The core with its person, and what the core wants done.
struct Desk<'a, S> {
    core: &'a mut Core,
    screen: &'a mut S,
    stop: &'a Stop,
    /// What is to be sent.
    wire: Vec<u8>,
    /// The core gave the connection up.
    dropped: Option<String>,
    ended: Option<End>,
}

impl<S: Screen> Desk<'_, S> {
    /// One connection, from its first line to its end.
    async fn connection<D: Dial>(&mut self, stream: D::Stream, dial: &mut D) -> Result<Over, Fatal> {
        let mut link = Link::new(stream);
        self.core.connected(now());
        loop {
            self.carry_out()?;
            self.status()?;
            link.queue(&mut self.wire);
            if let Some(end) = self.ended {
                link.close().await;
                return Ok(Over::Ended(end));
            }
            if let Some(reason) = self.dropped.take() {
                return Ok(Over::Trouble(Trouble::Lost(reason)));
            }
            let deadline = self.core.deadline();
            let sleep = async {
                match deadline {
                    Some(deadline) => sleep_until(Instant::from_std(deadline)).await,
                    None => std::future::pending().await,
                }
            };
            let error = tokio::select! {
                came = link.exchange() => match came {
                    Ok(Some((framer, mut bytes))) => {
                        while let Some(line) = framer.next_line(&mut bytes) {
                            self.core.received(now(), line);
                        }
                        continue;
                    }
                    Ok(None) => return Ok(Over::Trouble(Trouble::Lost("the server closed the connection".into()))),
                    Err(error) => error,
                },
                turn = self.turn() => {
                    turn?;
                    continue;
                }
                () = sleep => {
                    self.core.tick(now());
                    continue;
                }
            };
            let mut last = Vec::new();
            let trouble = dial.judge(&mut link.stream, error, &mut last).await;
            let mut bytes = &last[..];
            while let Some(line) = link.framer.next_line(&mut bytes) {
                self.core.received(now(), line);
            }
            return Ok(Over::Trouble(trouble));
        }
    }

    /// One thing that the person does.
    async fn turn(&mut self) -> Result<(), Fatal> {
        let input = tokio::select! {
            () = self.stop.requested() => Input::Interrupt,
            input = self.screen.input(), if self.core.wants_input() => input,
        };
        match input {
            Input::Line(line) => self.core.typed(now(), &line),
            Input::Ask(request) => self.core.ask(now(), request),
            Input::Unfit(why) => self.core.unfit(now(), &why),
            Input::End => self.core.input_ended(now()),
            Input::Interrupt => {
                self.core.interrupted();
                self.ended = Some(End::Interrupted);
            }
        }
        self.carry_out()?;
        self.status()
    }

    /// Does what the core wants done.
    fn carry_out(&mut self) -> Result<(), Fatal> {
        while let Some(output) = self.core.next_output() {
            match output {
                Output::Send(line) => {
                    self.wire.extend_from_slice(line.as_bytes());
                    self.wire.extend_from_slice(b"\r\n");
                }
                Output::Show(event) => self.screen.show(&event)?,
                Output::Pending(place, typed) => self.screen.pending(place, &typed)?,
                Output::Answered(outcome) => self.screen.answered(&outcome)?,
                Output::Note(text) => self.screen.note(&text)?,
                Output::Drop(reason) => self.dropped = Some(reason),
                Output::Unfit(why) => return Err(Fatal::Unfit(why)),
                Output::End => self.ended = self.ended.or(Some(End::Quit)),
            }
        }
        Ok(())
    }

    fn status(&mut self) -> Result<(), Fatal> {
        // While leaving, the prompt stays what it was.
        let connected = self.core.is_ready() || self.core.is_leaving();
        Ok(self.screen.status(self.core.model().current(), connected)?)
    }

    /// Tells what stays unsent.
    fn leave(self, end: End) -> Result<End, Fatal> {
        self.tell_unsent()?;
        Ok(end)
    }

    fn give_up(self, fatal: Fatal) -> Result<End, Fatal> {
        self.tell_unsent()?;
        Err(fatal)
    }

    fn tell_unsent(self) -> Result<(), Fatal> {
        match self.core.unsent() {
            0 => Ok(()),
            1 => Ok(self.screen.note("1 line was not acknowledged by the server")?),
            count => Ok(self.screen.note(&format!("{count} lines were not acknowledged by the server"))?),
        }
    }
}

fn now() -> Now {
    Now { at: clock::monotonic(), unix_ms: clock::unix_ms() }
}

#[cfg(test)]
mod tests;
