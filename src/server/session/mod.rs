//! One connection's task: reads lines and offers requests, drains the outbox, ends in good order.
//!
//! It waits on three things at once: the socket's input (not while the hub's inbox is full), its
//! outbox (and the socket's readiness for it), and, until it is registered or once it is ending, a
//! deadline. Only draining the outbox writes to the socket. An idle session holds no buffer: input
//! is read into one of its thread.

mod talk;
mod wire;

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Shared, crowd::Ticket, limits::Place};
use crate::{
    hub::{Cut, Gone, Outbox},
    platform::clock,
    protocol::{Framer, LineLimits, render},
    tls::{
        identity::Identity,
        stream::{End, RECORD, Stream},
    },
};
use talk::{Next, Talk};
use wire::{Ending, Wire};

thread_local! {
    /// The buffers of all sessions of one thread: none is used across an await.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch { input: vec![0; RECORD], output: vec![0; RECORD] });
}

struct Scratch {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Starts the session's task.
pub(super) fn spawn(
    stream: Stream,
    identity: Arc<Identity>,
    outbox: Arc<Outbox>,
    ticket: Ticket,
    place: Place,
    shared: Arc<Shared>,
) {
    let id = shared.door.attach(Arc::clone(&outbox));
    outbox.heard(clock::monotonic_s());
    outbox.push(render::greeting(&shared.info, &identity.account, device_name(&identity)).into());
    shared.counters.sessions.up();
    let wire = Wire::new(stream, outbox, shared.limits.silent);
    let input = Input { framer: Framer::new(LineLimits::FIRST), rest: Vec::new() };
    let talk = Talk::new(id, identity, shared, ticket, place);
    tokio::spawn(Session { wire, input, talk });
}

/// What the owner calls the device.
fn device_name(identity: &Identity) -> &str {
    identity.label.as_ref().map_or("unnamed", |label| label.as_str())
}

/// The whole session.
struct Session {
    wire: Wire,
    input: Input,
    talk: Talk,
}

/// What was read and not yet understood.
struct Input {
    framer: Framer,
    /// Input that came before the session had to wait.
    rest: Vec<u8>,
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        SCRATCH.with_borrow_mut(|scratch| self.turn(cx, scratch))
    }
}

impl Session {
    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Poll<()> {
        if self.wire.ending == Ending::No {
            self.read(cx, &mut scratch.input);
        }
        let done = self.wire.drain(cx, &mut self.talk, scratch);
        if done.is_ready() {
            return Poll::Ready(());
        }
        self.wire.poll_deadline(cx, &mut self.talk)
    }

    /// Reads and understands lines, until there are none, the inbox is full, or others have their
    /// turn.
    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) {
        let Self { wire, input, talk } = self;
        let mut budget = talk.shared.limits.cost_per_turn;
        if talk.poll_held(cx).is_pending() {
            return;
        }
        if talk.persists(|| wire.unread()) {
            wire.outbox.cut(Cut::Flood);
            return;
        }
        loop {
            let rest = std::mem::take(&mut input.rest);
            let mut octets: &[u8] = if rest.is_empty() {
                match wire.stream.poll_read(cx, buffer) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(0)) => return self.end_of_input(cx),
                    Poll::Ready(Ok(length)) => {
                        talk.shared.counters.octets_in.add(length as u64);
                        budget = budget.saturating_sub(talk.octets(length, &wire.outbox, cx));
                        &buffer[..length]
                    }
                    Poll::Ready(Err(_)) => {
                        talk.gone(Gone::Lost);
                        wire.ending = Ending::Closed;
                        return;
                    }
                }
            } else {
                &rest
            };
            wire.outbox.heard(clock::monotonic_s());
            while let Some(line) = input.framer.next_line(&mut octets) {
                let next = talk.line(line, &wire.outbox, cx);
                input.framer.set_limits(talk.limits());
                match next {
                    Next::Go => {}
                    Next::Register => wire.set_deadline(Some(talk.shared.limits.registration)),
                    Next::Registered(before) => {
                        wire.set_deadline(None);
                        wire.answer_to_come = Some(before);
                    }
                    Next::Stop => {
                        wire.ending = Ending::Draining;
                        return;
                    }
                }
                budget = budget.saturating_sub(talk.cost());
                let full = talk.is_held();
                if full || budget == 0 {
                    input.rest = octets.to_vec();
                    if !full {
                        talk.others_turn(cx);
                    }
                    return;
                }
            }
            // A line without end costs too.
            if talk.is_held() {
                return;
            }
            if budget == 0 {
                return talk.others_turn(cx);
            }
        }
    }

    /// The peer has ended its side. A clean end ends the last line too.
    fn end_of_input(&mut self, cx: &mut Context<'_>) {
        let Self { wire, input, talk } = self;
        if wire.stream.end() == Some(End::Clean) {
            if let Some(line) = input.framer.finish() {
                talk.line(line, &wire.outbox, cx);
                if talk.is_held() {
                    // Once the inbox has taken it, the end is read again.
                    wire.set_deadline(None);
                    return;
                }
            }
            talk.gone(Gone::Cut("Connection closed".into()));
            // What the hub still says to earlier lines goes out; then it closes the outbox.
            wire.ending = Ending::Draining;
            wire.set_deadline(Some(wire::GOODBYE));
        } else {
            talk.gone(Gone::Lost);
            wire.ending = Ending::Closed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in the future of a session is there for each of thousands who say nothing. Most of it is
    /// rustls' connection.
    #[test]
    fn a_session_is_small() {
        let (all, tls) = (size_of::<Session>(), size_of::<Stream>());
        assert!(all <= 1792, "{all} octets, {tls} of them the connection's");
        assert!(all - tls <= 512, "{} octets beside the connection", all - tls);
    }
}
