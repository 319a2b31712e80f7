//! What a session says: its lines become requests to the hub, after its registration.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tracing::info;

use super::{
    super::{
        Shared,
        crowd::Ticket,
        limits::{Allowance, Pace, Place},
        registration::{Outcome, Registration, User},
    },
    device_name,
};
use crate::{
    hub::{self, Body, Gone, Outbox, Request, SessionId},
    platform::clock,
    protocol::{
        BadLine, FirstLine, Line, LineLimits, Message, Multiline, Taken,
        caps::{Cap, Caps, Dialect},
        command::{self, Command, Spec},
        refusal::Refusal,
        render,
        reply::Reply,
    },
    tls::identity::Identity,
};

/// Who talks, and how far it has come.
pub(super) struct Talk {
    id: SessionId,
    phase: Phase,
    /// A request for which the inbox had no room.
    held: Option<Request>,
    allowance: Allowance,
    /// Octets that were read and are not paid.
    octets: u32,
    /// What the last line cost.
    cost: u8,
    /// The hub was told that this session has ended.
    told: bool,
    pub(super) identity: Arc<Identity>,
    pub(super) shared: Arc<Shared>,
    _ticket: Ticket,
    _place: Place,
}

enum Phase {
    /// Nothing was said yet.
    Fresh,
    /// An IRC client registers.
    Registering(Box<Registration>),
    /// In the hub: an IRC client,
    Irc(Irc),
    /// or a person.
    Plain,
}

/// What there is to know of an IRC client to understand its lines.
struct Irc {
    caps: Caps,
    multiline: Multiline,
}

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next line.
    Go,
    /// The session's time to register has begun.
    Register,
    /// The session is registered: it has no deadline any more. So many octets were in its outbox
    /// before the hub heard of it: they go out with the hub's answer.
    Registered(usize),
    /// No more lines: it ends.
    Stop,
}

impl Talk {
    pub(super) fn new(
        id: SessionId,
        identity: Arc<Identity>,
        shared: Arc<Shared>,
        ticket: Ticket,
        place: Place,
    ) -> Self {
        let allowance = shared.purses.allowance(&identity.account, &place, clock::monotonic_ns());
        Self {
            id,
            phase: Phase::Fresh,
            held: None,
            allowance,
            octets: 0,
            cost: 1,
            told: false,
            identity,
            shared,
            _ticket: ticket,
            _place: place,
        }
    }

    /// Whether nothing may be read: a request waits for room in the hub's inbox, or what was said is
    /// more than this session may say and not yet paid.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some() || self.allowance.is_waiting()
    }

    pub(super) const fn limits(&self) -> LineLimits {
        match self.phase {
            Phase::Fresh => LineLimits::FIRST,
            Phase::Registering(_) | Phase::Irc(_) => LineLimits::IRC_CLIENT,
            Phase::Plain => LineLimits::PLAIN,
        }
    }

    /// Tries again to hand in the request that waits; ready when the session may be read.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(request) = self.held.take() {
            self.held = self.shared.door.poll_offer(cx, request).err();
        }
        if self.held.is_some() { Poll::Pending } else { self.allowance.poll_paid(cx) }
    }

    /// So much was read. Tells what it costs: a line as long as most is paid as a line.
    pub(super) fn octets(&mut self, read: usize, outbox: &Outbox, cx: &mut Context<'_>) -> usize {
        // A read is not larger than a record.
        self.octets += read as u32;
        let cost = self.octets / OCTETS;
        self.octets %= OCTETS;
        self.pay(cost, outbox, cx);
        cost as usize
    }

    /// Pays for what was said; who has nothing left is not read for a while, and told so once.
    fn pay(&mut self, cost: u32, outbox: &Outbox, cx: &mut Context<'_>) {
        let Pace::Wait(nanos) = self.allowance.pay(cost, clock::monotonic_ns) else { return };
        self.shared.counters.slowed.up();
        self.allowance.wait(nanos, cx);
        if self.held.is_some() || !self.allowance.is_to_be_told() {
            return;
        }
        match &self.phase {
            // It has said nothing yet; what it is to be told in, its first line decides.
            Phase::Fresh => return,
            Phase::Registering(registration) => {
                let told = [Reply::Refused(slowed())];
                let caps = registration.caps();
                outbox.push(render::replies_before_registration(&self.shared.info, caps, None, &told));
            }
            Phase::Irc(_) | Phase::Plain => {
                let request = Request { session: self.id, label: None, body: Body::Refused(slowed()) };
                self.held = self.shared.door.poll_offer(cx, request).err();
            }
        }
        self.allowance.told();
        self.shared.counters.throttled.up();
        info!(account = %self.identity.account, device = %self.identity.device, "slowed");
    }

    /// Whether this session is to be cut, which leaves so much unread while it is slowed.
    pub(super) fn persists(&mut self, unread: impl FnOnce() -> usize) -> bool {
        self.allowance.is_slowed() && self.allowance.persists(unread(), self.shared.limits.flood, clock::monotonic_ns())
    }

    /// There is more to read, after the others had their turn.
    pub(super) fn others_turn(&self, cx: &Context<'_>) {
        self.shared.counters.turns_spent.up();
        cx.waker().wake_by_ref();
    }

    fn offer(&mut self, cx: &mut Context<'_>, label: Option<Box<str>>, body: Body) {
        self.cost = body.cost();
        let request = Request { session: self.id, label, body };
        self.held = self.shared.door.poll_offer(cx, request).err();
    }

    /// What the last line has cost, as the table of commands has it.
    pub(super) fn cost(&self) -> usize {
        self.cost.into()
    }

    /// Tells the hub that all was taken that it has said.
    pub(super) fn drained(&self) {
        if !self.told {
            self.shared.door.drained(self.id);
        }
    }

    /// Tells the hub, once, that this session has ended.
    pub(super) fn gone(&mut self, how: Gone) {
        if !std::mem::replace(&mut self.told, true) {
            self.shared.door.gone(self.id, how);
        }
    }

    /// Understands a line, and pays for it.
    pub(super) fn line(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        self.cost = 1;
        let next = self.understand(line, outbox, cx);
        self.pay(u32::from(self.cost) + outbox.take_owed(), outbox, cx);
        next
    }

    fn understand(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        self.shared.counters.lines.up();
        if line.text().is_err() {
            self.shared.counters.bad_lines.up();
        }
        match &mut self.phase {
            Phase::Fresh => self.first_line(line, outbox, cx),
            Phase::Registering(_) => self.register(line, outbox, cx),
            Phase::Plain => {
                let command = match line.text() {
                    Ok(text) => command::from_plain(text),
                    Err(bad) => Some(Err(refusal(bad, LineLimits::PLAIN))),
                };
                if let Some(command) = command {
                    self.offer(cx, None, body(command));
                }
                Next::Go
            }
            Phase::Irc(irc) => {
                if let Some((label, command)) = irc.understand(line) {
                    self.offer(cx, label, body(command));
                }
                Next::Go
            }
        }
    }

    /// The first line decides the dialect.
    fn first_line(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        let first = match line.text() {
            Ok(text) => match FirstLine::judge(text) {
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
            Err(bad) => Some(Err(refusal(bad, LineLimits::PLAIN))),
        };
        let before = outbox.waiting();
        self.join_hub(Dialect::Plain, User::default(), Caps::NONE, first, cx);
        Next::Registered(before)
    }

    fn register(&mut self, line: Line<'_>, outbox: &Outbox, cx: &mut Context<'_>) -> Next {
        let Phase::Registering(registration) = &mut self.phase else { return Next::Go };
        let (info, account) = (&self.shared.info, &self.identity.account);
        let (mut replies, mut label, mut outcome) = (Vec::new(), None, Outcome::More);
        match line {
            Line::Text("") => return Next::Go,
            Line::Text(text) => match Message::parse(text) {
                Ok(message) => {
                    label = message.label();
                    outcome = registration.line(account, &info.network, &message, &mut replies);
                }
                Err(_) => replies.push(Reply::Refused(NO_MESSAGE)),
            },
            unread => {
                let (of, refusal) = unreadable(unread);
                label = of;
                replies.push(Reply::Refused(refusal));
            }
        }
        // A session that reads is polled again right after this; nobody else need be woken.
        outbox.push(render::replies_before_registration(info, registration.caps(), label.as_deref(), &replies));
        match outcome {
            Outcome::More => Next::Go,
            Outcome::Quit => self.end(outbox, "ERROR :Quit\r\n".into(), "Quit"),
            Outcome::Done(user, caps) => {
                let before = outbox.waiting();
                self.join_hub(Dialect::Irc, user, caps, None, cx);
                Next::Registered(before)
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
        self.phase = match dialect {
            Dialect::Irc => Phase::Irc(Irc::new(caps)),
            Dialect::Plain => Phase::Plain,
        };
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
            away: user.away,
            metadata: user.metadata,
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

/// So many octets cost as much as an ordinary line.
const OCTETS: u32 = 1024;

/// What is said to who says too much.
fn slowed() -> Refusal {
    let what = "you are sending too fast: your lines are taken more slowly from here on, and none is lost";
    Refusal::fail("*", "RATE_LIMITED", &[], what)
}

/// What a line is that the parser cannot take apart.
const NO_MESSAGE: Refusal = Refusal::BadLine("INVALID_LINE", "it is no IRC message");

/// What a line asks for, and the label of the answer.
type Asked = (Option<Box<str>>, Result<Command, Refusal>);

impl Irc {
    fn new(caps: Caps) -> Self {
        Self { caps, multiline: Multiline::default() }
    }

    /// Reads a line; `None` when more lines belong to it.
    fn understand(&mut self, line: Line<'_>) -> Option<Asked> {
        let message = match line {
            Line::Text("") => return None,
            Line::Text(text) => Message::parse(text).map_err(|_| (None, NO_MESSAGE)),
            unread => Err(unreadable(unread)),
        };
        let message = match message {
            Ok(message) => message,
            Err((label, refusal)) => return Some((label.or_else(|| self.multiline.garbled()), Err(refusal))),
        };
        if self.caps.has(Cap::Multiline) {
            match self.multiline.take(&message) {
                Taken::Not => {}
                Taken::Kept => return None,
                Taken::Request(label, command) => return Some((label, command)),
            }
        }
        let command = command::from_irc(&message);
        if let Ok(Command::Cap(cap)) = &command {
            // As the hub will decide it: it is a matter of the list alone.
            cap.carry_out_registered(&mut self.caps);
            if !self.caps.has(Cap::Multiline) {
                // Lines of a batch that is open are no part of it any more.
                self.multiline = Multiline::default();
            }
        }
        Some((message.label(), command))
    }
}

/// Why a program's line is not taken; with its label and its command, where they can be read.
fn unreadable(line: Line<'_>) -> (Option<Box<str>>, Refusal) {
    let bad = match line {
        Line::Garbled(start) => {
            let start = Message::parse(start).ok();
            let verb = start.as_ref().and_then(|start| Spec::by_verb(start.command)).map_or("*", |spec| spec.verb);
            let what = format!("that line was not sent: {NOT_UTF8}");
            return (start.and_then(|start| start.label()), Refusal::fail(verb, "INVALID_UTF8", &[], what));
        }
        Line::Bad(bad) => bad,
        Line::Text(_) => return (None, NO_MESSAGE),
    };
    (None, refusal(bad, LineLimits::IRC_CLIENT))
}

const NOT_UTF8: &str = "it is not valid UTF-8; set your client to UTF-8";

fn refusal(bad: BadLine, limits: LineLimits) -> Refusal {
    match bad {
        BadLine::TooLong => Refusal::TooLong(limits.body),
        BadLine::Nul => Refusal::BadLine("INVALID_LINE", "it holds a NUL byte"),
        BadLine::StrayCr => Refusal::BadLine("INVALID_LINE", "it holds a carriage return in its middle"),
        BadLine::NotUtf8 => Refusal::BadLine("INVALID_UTF8", NOT_UTF8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hub and the session must not differ on what was negotiated.
    #[test]
    fn what_the_hub_refuses_is_not_taken_for_negotiated() {
        let mut irc = Irc::new(Caps::NONE);
        let mut asks = |text| irc.understand(Line::Text(text)).map(|(_, command)| command.is_ok());
        assert_eq!(asks("CAP REQ :draft/multiline conclave.chat/unseen"), Some(true), "refused by the hub");
        assert_eq!(asks("BATCH +a draft/multiline #x"), Some(false));
        assert_eq!(asks("CAP REQ draft/multiline"), Some(true));
        assert_eq!(asks("CAP REQ :-draft/multiline conclave.chat/unseen"), Some(true), "refused by the hub");
        assert_eq!(asks("BATCH +a draft/multiline #x"), None);
    }

    #[test]
    fn a_batch_ends_with_its_capability() {
        let mut irc = Irc::new(Caps::of(&[Cap::Multiline]));
        let mut asks = |text| irc.understand(Line::Text(text)).map(|(_, command)| command.is_ok());
        assert_eq!(asks("BATCH +a draft/multiline #x"), None);
        assert_eq!(asks("@batch=a PRIVMSG #x :one"), None);
        assert_eq!(asks("CAP REQ -draft/multiline"), Some(true));
        assert_eq!(asks("CAP REQ draft/multiline"), Some(true));
        assert_eq!(asks("@batch=a PRIVMSG #x :two"), Some(false));
        assert_eq!(asks("BATCH -a"), Some(false));
    }

    #[test]
    fn a_label_has_at_most_64_octets() {
        for (label, taken) in [("x".repeat(64), true), ("x".repeat(65), false), (String::new(), false)] {
            let line = format!("@label={label} PING a");
            let (found, command) = Irc::new(Caps::NONE).understand(Line::Text(&line)).unwrap();
            assert_eq!(found.is_some(), taken, "{label:?}");
            assert!(command.is_ok());
        }
    }

    #[test]
    fn what_cannot_be_read_is_answered_as_what_it_was_to_be() {
        for (start, label, verb) in [
            ("@label=1 PRIVMSG #x :hi", Some("1"), "PRIVMSG"),
            ("user a 0 * :", None, "USER"),
            ("@label=1 PRIVM", Some("1"), "*"),
            ("@label=1", None, "*"),
            ("", None, "*"),
        ] {
            let (found, command) = Irc::new(Caps::NONE).understand(Line::Garbled(start)).unwrap();
            let Err(Refusal::Fail(fail)) = command else { panic!("{start:?} is taken") };
            assert_eq!((found.as_deref(), fail.verb, fail.code), (label, verb, "INVALID_UTF8"), "{start:?}");
        }
    }

    #[test]
    fn a_message_that_lacks_a_line_is_not_sent() {
        for bad in [Line::Garbled("@batch=a PRIVMSG #x :"), Line::Bad(BadLine::TooLong), Line::Text(":x")] {
            let mut irc = Irc::new(Caps::of(&[Cap::Multiline]));
            let mut says = |text| irc.understand(Line::Text(text));
            assert!(says("@label=1 BATCH +a draft/multiline #x").is_none());
            assert!(says("@batch=a PRIVMSG #x :one").is_none());
            let (label, command) = irc.understand(bad).unwrap();
            assert!(label.as_deref() == Some("1") && command.is_err(), "{bad:?}");
            assert!(irc.understand(Line::Text("@batch=a PRIVMSG #x :three")).is_none());
            assert!(irc.understand(Line::Text("BATCH -a")).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn batches_are_read_once_their_capability_is_there() {
        let mut irc = Irc::new(Caps::NONE);
        let mut asks = |text| irc.understand(Line::Text(text)).map(|(_, command)| command.is_ok());
        assert_eq!(asks("BATCH +a draft/multiline #x"), Some(false));
        assert_eq!(asks("CAP REQ :draft/multiline nope"), Some(true));
        assert_eq!(asks("BATCH +a draft/multiline #x"), Some(false));
        assert_eq!(asks("CAP REQ draft/multiline"), Some(true));
        assert_eq!(asks("BATCH +a draft/multiline #x"), None);
        assert_eq!(asks("@batch=a PRIVMSG #x :one"), None);
        assert_eq!(asks("BATCH -a"), Some(true));
    }
}
