//! One connection's task: reads lines and offers requests, drains the outbox, ends in good order.
//!
//! It waits on three things at once: the socket's input (not while the hub's inbox is full), its
//! outbox (and the socket's readiness for it), and, until it is registered or once it is ending, a
//! deadline. Only draining the outbox writes to the socket. An idle session holds no buffer: input
//! is read into one of its thread.

use std::{
    cell::RefCell,
    future::Future,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Sleep;
use tracing::info;

use super::{
    Shared,
    crowd::Ticket,
    limits::Place,
    registration::{Outcome, Registration, User},
};
use crate::{
    hub::{self, Body, Cut, Gone, Outbox, Request, SessionId, Taken},
    platform::clock,
    protocol::{
        BadLine, FirstLine, Framer, Line, LineLimits, Message,
        caps::{Caps, Dialect},
        command::{self, Command},
        refusal::Refusal,
        render,
    },
    tls::{
        identity::Identity,
        stream::{End, Stream},
    },
};

/// What one record holds at most, and so one turn of reading or writing.
const RECORD: usize = 16 * 1024;

/// How long a session that is ending may take to get its goodbye out.
const GOODBYE: Duration = Duration::from_secs(2);

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
    let deadline = Some(Box::pin(tokio::time::sleep(shared.limits.silent)));
    let wire = Wire { stream, outbox, unsent: Bytes::new(), deadline, ending: Ending::No };
    let input = Input { framer: Framer::new(LineLimits::FIRST), rest: Vec::new() };
    let talk =
        Talk { id, phase: Phase::Fresh, held: None, told: false, identity, shared, _ticket: ticket, _place: place };
    tokio::spawn(Session { wire, input, talk });
}

fn device_name(identity: &Identity) -> &str {
    identity.label.as_ref().map_or("unnamed", |label| label.as_str())
}

/// The whole session.
struct Session {
    wire: Wire,
    input: Input,
    talk: Talk,
}

/// The connection and what waits for it.
struct Wire {
    stream: Stream,
    outbox: Arc<Outbox>,
    /// Taken from the outbox, not yet by the connection.
    unsent: Bytes,
    deadline: Option<Pin<Box<Sleep>>>,
    ending: Ending,
}

/// How far the end of a session has come.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// The peer ended its side: nothing is read any more, what is queued still goes out.
    Draining,
    /// Everything went out: close_notify, then wait for the peer's end.
    Closing,
    /// Closed: what the peer still sends is thrown away until it ends, so that no reset takes the
    /// last lines from it.
    Closed,
}

/// What was read and not yet understood.
struct Input {
    framer: Framer,
    /// Input that came before the session had to wait.
    rest: Vec<u8>,
}

/// Who talks, and how far it has come.
struct Talk {
    id: SessionId,
    phase: Phase,
    /// A request for which the inbox had no room.
    held: Option<Request>,
    /// The hub was told that this session has ended.
    told: bool,
    identity: Arc<Identity>,
    shared: Arc<Shared>,
    _ticket: Ticket,
    _place: Place,
}

enum Phase {
    /// Nothing was said yet.
    Fresh,
    /// An IRC client registers.
    Registering(Box<Registration>),
    /// In the hub.
    Ready(Dialect),
}

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The next line.
    Go,
    /// The session's time to register has begun.
    Register,
    /// The session is registered: it has no deadline any more.
    Registered,
    /// No more lines: it ends.
    Stop,
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
        let mut budget = talk.shared.limits.lines_per_turn;
        if talk.poll_held(cx).is_pending() {
            return;
        }
        loop {
            let rest = std::mem::take(&mut input.rest);
            let mut octets: &[u8] = if rest.is_empty() {
                match wire.stream.poll_read(cx, buffer) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(0)) => return self.end_of_input(cx),
                    Poll::Ready(Ok(length)) => &buffer[..length],
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
                    Next::Registered => wire.set_deadline(None),
                    Next::Stop => {
                        wire.ending = Ending::Draining;
                        return;
                    }
                }
                budget -= 1;
                let full = talk.held.is_some();
                if full || budget == 0 {
                    input.rest = octets.to_vec();
                    if !full {
                        cx.waker().wake_by_ref();
                    }
                    return;
                }
            }
        }
    }

    /// The peer has ended its side. A clean end ends the last line too.
    fn end_of_input(&mut self, cx: &mut Context<'_>) {
        let Self { wire, input, talk } = self;
        if wire.stream.end() == Some(End::Clean) {
            if let Some(line) = input.framer.finish() {
                talk.line(line, &wire.outbox, cx);
            }
            talk.gone(Gone::Cut("Connection closed".into()));
            // What the hub still says to earlier lines goes out; then it closes the outbox.
            wire.ending = Ending::Draining;
            wire.set_deadline(Some(GOODBYE));
        } else {
            talk.gone(Gone::Lost);
            wire.ending = Ending::Closed;
        }
    }
}

impl Wire {
    fn set_deadline(&mut self, after: Option<Duration>) {
        self.deadline = after.map(|after| Box::pin(tokio::time::sleep(after)));
    }

    /// Sends what is queued, as one record and one write for all that there is; ready when the
    /// connection is over.
    fn drain(&mut self, cx: &mut Context<'_>, talk: &mut Talk, scratch: &mut Scratch) -> Poll<()> {
        loop {
            match self.ending {
                Ending::No | Ending::Draining => {
                    if self.poll_push(cx).is_pending() {
                        // The socket takes nothing now; only a cut can change anything.
                        if let Poll::Ready(reason) = self.outbox.poll_cut(cx) {
                            self.cut(talk, &reason);
                            continue;
                        }
                        return Poll::Pending;
                    }
                    match ready!(self.outbox.poll_take(cx, &mut scratch.output)) {
                        Taken::Octets(length) => {
                            let octets = &scratch.output[..length];
                            let sent = match self.stream.poll_send(cx, &[IoSlice::new(octets)]) {
                                Poll::Ready(Ok(sent)) => sent,
                                Poll::Ready(Err(_)) => return self.broken(talk),
                                Poll::Pending => 0,
                            };
                            if sent < length {
                                self.unsent = Bytes::copy_from_slice(&octets[sent..]);
                            }
                        }
                        Taken::End => {
                            talk.gone(Gone::Cut("Connection closed".into()));
                            self.close();
                        }
                        Taken::Cut(reason) => self.cut(talk, &reason),
                    }
                }
                Ending::Closing => {
                    if ready!(self.poll_push(cx)).is_err() || ready!(self.stream.poll_close(cx)).is_err() {
                        return Poll::Ready(());
                    }
                    self.ending = Ending::Closed;
                }
                Ending::Closed => match ready!(self.stream.poll_read(cx, &mut scratch.input)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                },
            }
        }
    }

    /// Gets what was taken out of the outbox out of the house.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(self.stream.poll_send(cx, &[IoSlice::new(&self.unsent)]))?;
            let _ = self.unsent.split_to(sent);
        }
        if self.stream.is_blocked() { self.stream.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn close(&mut self) {
        self.ending = Ending::Closing;
        self.set_deadline(Some(GOODBYE));
    }

    /// Ends at once; the reason is all that is still worth sending, after what is on its way.
    fn cut(&mut self, talk: &mut Talk, cut: &Cut) {
        let reason = cut.to_string();
        info!(account = %talk.identity.account, device = %talk.identity.device, reason, "cut");
        if matches!(cut, Cut::Overflow | Cut::Stalled) {
            talk.shared.counters.cut_slow.up();
        }
        let goodbye = format!("ERROR :{reason}\r\n");
        talk.gone(Gone::Cut(reason.into()));
        self.unsent = [&self.unsent[..], goodbye.as_bytes()].concat().into();
        self.close();
    }

    fn broken(&mut self, talk: &mut Talk) -> Poll<()> {
        talk.gone(Gone::Lost);
        Poll::Ready(())
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, talk: &mut Talk) -> Poll<()> {
        let Some(deadline) = &mut self.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        if self.ending != Ending::No {
            return Poll::Ready(());
        }
        self.cut(talk, &Cut::Unregistered);
        // The new deadline and the goodbye must be polled.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Talk {
    const fn limits(&self) -> LineLimits {
        match self.phase {
            Phase::Fresh => LineLimits::FIRST,
            Phase::Registering(_) | Phase::Ready(Dialect::Irc) => LineLimits::IRC_CLIENT,
            Phase::Ready(Dialect::Plain) => LineLimits::PLAIN,
        }
    }

    /// Tries again to hand in the request that waits.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(request) = self.held.take() {
            self.held = self.shared.door.poll_offer(cx, request).err();
        }
        if self.held.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn offer(&mut self, cx: &mut Context<'_>, label: Option<Box<str>>, body: Body) {
        let request = Request { session: self.id, label, body };
        self.held = self.shared.door.poll_offer(cx, request).err();
    }

    /// Tells the hub, once, that this session has ended.
    fn gone(&mut self, how: Gone) {
        if !std::mem::replace(&mut self.told, true) {
            self.shared.door.gone(self.id, how);
        }
    }

    fn line(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        if matches!(line, Line::Bad(_)) {
            self.shared.counters.bad_lines.up();
        }
        match &mut self.phase {
            Phase::Fresh => self.first_line(line, outbox, cx),
            Phase::Registering(_) => self.register(line, outbox, cx),
            Phase::Ready(Dialect::Plain) => {
                let command = match line {
                    Line::Text(text) => command::from_plain(text),
                    Line::Bad(bad) => Some(Err(refusal(bad, LineLimits::PLAIN))),
                };
                if let Some(command) = command {
                    self.offer(cx, None, body(command));
                }
                Next::Go
            }
            Phase::Ready(Dialect::Irc) => {
                let (label, command) = match line {
                    Line::Text("") => return Next::Go,
                    Line::Text(text) => understand(text),
                    Line::Bad(bad) => (None, Err(refusal(bad, LineLimits::IRC_CLIENT))),
                };
                self.offer(cx, label, body(command));
                Next::Go
            }
        }
    }

    /// The first line decides the dialect.
    fn first_line(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        let first = match line {
            Line::Text(text) => match FirstLine::judge(text) {
                FirstLine::Irc => {
                    self.phase = Phase::Registering(Box::default());
                    return match self.register(line, outbox, cx) {
                        Next::Go => Next::Register,
                        next => next,
                    };
                }
                FirstLine::Http => {
                    let answer = "ERROR :This is a chat server (Conclave), not a web server\r\n";
                    return self.end(outbox, answer.into(), "HTTP on the chat port");
                }
                FirstLine::Plain => command::from_plain(text),
            },
            Line::Bad(bad) => Some(Err(refusal(bad, LineLimits::PLAIN))),
        };
        self.join_hub(Dialect::Plain, User::default(), Caps::NONE, first, cx);
        Next::Registered
    }

    fn register(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        let Phase::Registering(registration) = &mut self.phase else { return Next::Go };
        let (info, account) = (&self.shared.info, &self.identity.account);
        let mut answer = String::new();
        let outcome = match line {
            Line::Text("") => Outcome::More,
            Line::Text(text) => match Message::parse(text) {
                Ok(message) => registration.line(info, account, &message, &mut answer),
                Err(_) => Outcome::More,
            },
            Line::Bad(bad) => {
                let text = bad.to_string();
                answer.push_str(&render::numeric_before_registration(info, 417, &[], &text));
                Outcome::More
            }
        };
        // A session that reads is polled again right after this; nobody else need be woken.
        outbox.push(answer.into());
        match outcome {
            Outcome::More => Next::Go,
            Outcome::Quit => self.end(outbox, "ERROR :Quit\r\n".into(), "Quit"),
            Outcome::Done(user, caps) => {
                self.join_hub(Dialect::Irc, user, caps, None, cx);
                Next::Registered
            }
        }
    }

    fn end(&mut self, outbox: &Outbox, answer: String, reason: &str) -> Next {
        outbox.push(answer.into());
        outbox.close();
        self.gone(Gone::Cut(reason.into()));
        Next::Stop
    }

    fn join_hub(
        &mut self,
        dialect: Dialect,
        user: User,
        caps: Caps,
        first: Option<Result<Command, Refusal>>,
        cx: &mut Context<'_>,
    ) {
        self.phase = Phase::Ready(dialect);
        let identity = &self.identity;
        let registration = hub::Registration {
            account: identity.account.clone(),
            device: identity.device,
            device_label: device_name(identity).into(),
            client: user.client,
            dialect,
            caps,
            user: user.name,
            realname: user.realname,
            first,
        };
        self.offer(cx, None, Body::Register(Box::new(registration)));
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.gone(Gone::Lost);
        self.shared.counters.sessions.down();
        info!(account = %self.identity.account, device = %self.identity.device, "disconnected");
    }
}

fn body(command: Result<Command, Refusal>) -> Body {
    match command {
        Ok(command) => Body::Command(command),
        Err(refusal) => Body::Refused(refusal),
    }
}

/// An IRC line of a registered session: its label and what it asks for.
fn understand(text: &str) -> (Option<Box<str>>, Result<Command, Refusal>) {
    match Message::parse(text) {
        Err(_) => (None, Err(Refusal::BadLine("INVALID_LINE", "it is no IRC message"))),
        Ok(message) => {
            let label = message.tags.get("label").filter(|label| !label.is_empty() && label.len() <= 64);
            (label.map(|label| label.into()), command::from_irc(&message))
        }
    }
}

fn refusal(bad: BadLine, limits: LineLimits) -> Refusal {
    match bad {
        BadLine::TooLong => Refusal::TooLong(limits.body),
        BadLine::Nul => Refusal::BadLine("INVALID_LINE", "it holds a NUL byte"),
        BadLine::StrayCr => Refusal::BadLine("INVALID_LINE", "it holds a carriage return in its middle"),
        BadLine::NotUtf8 => Refusal::BadLine("INVALID_UTF8", "it is not valid UTF-8; set your client to UTF-8"),
    }
}
