//! Where everything waits that a session's socket has not taken yet.
//!
//! The outbox
//! - MUST NOT make its pusher wait, whatever the peer does;
//! - MUST give out octets in the order in which they were pushed;
//! - MUST hold no more than its bound: one push beyond it, and the session is cut with a reason;
//! - MUST wake its session at most once for all that is pushed while it sleeps.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;

/// What one line may cost besides at most.
const MOST_OWED: u32 = 1000;

/// A session's outbox: the hub pushes, the session's task drains.
#[derive(Debug)]
pub struct Outbox {
    bound: usize,
    inner: Mutex<Inner>,
    /// When the peer last sent something, in seconds of the hub's ticks.
    heard: AtomicU32,
    /// What the session's lines have cost beyond what the table of commands has.
    owed: AtomicU32,
}

#[derive(Debug, Default)]
struct Inner {
    queue: Queue,
    bytes: usize,
    waker: Option<Waker>,
    /// The socket takes nothing now: more octets are no reason to wake.
    blocked: bool,
    ending: Option<Ending>,
    /// The session is to say when all is taken.
    tell: bool,
    /// When the peer last took something while there was something to take.
    stalled_since: Option<Instant>,
}

/// What waits, in order. One thing that waits, as mostly, takes no memory of its own.
#[derive(Debug, Default)]
struct Queue {
    /// Empty only if there is nothing else.
    first: Bytes,
    rest: VecDeque<Bytes>,
}

impl Queue {
    fn push(&mut self, octets: Bytes) {
        if self.first.is_empty() { self.first = octets } else { self.rest.push_back(octets) }
    }

    /// The first, and no more than `most` octets of it.
    fn pop(&mut self, most: usize) -> Bytes {
        if self.first.len() > most {
            // Dividing what is shared copies nothing.
            return self.first.split_to(most);
        }
        let next = self.rest.pop_front().unwrap_or_default();
        if self.rest.is_empty() {
            // An idle session keeps no buffer.
            self.rest = VecDeque::new();
        }
        std::mem::replace(&mut self.first, next)
    }

    /// Whether nothing waits behind the first.
    fn is_one(&self) -> bool {
        self.rest.is_empty()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        usize::from(!self.first.is_empty()) + self.rest.len()
    }
}

#[derive(Clone, Debug)]
enum Ending {
    /// After what is queued.
    Drained,
    /// At once: only the reason is still worth sending.
    Cut(Cut),
}

/// Why a session is ended from this side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// More waited for it than its outbox holds.
    Overflow,
    /// It took nothing for too long.
    Stalled,
    /// More waited for all sessions together than may, and for this one the most.
    Largest,
    /// It was slowed, and went on saying far more than it may.
    Flood,
    /// It said nothing for so many seconds, and did not answer when asked.
    Silent(u32),
    /// It did not register in time.
    Unregistered,
    /// Its certificate is not good any more, and why.
    Certificate(Arc<str>),
}

impl Cut {
    /// The names that metrics use.
    pub const NAMES: [&str; 7] = ["overflow", "stalled", "silent", "unregistered", "certificate", "flood", "largest"];

    /// The place of its name among [`Cut::NAMES`].
    pub const fn number(&self) -> usize {
        match self {
            Self::Overflow => 0,
            Self::Stalled => 1,
            Self::Silent(_) => 2,
            Self::Unregistered => 3,
            Self::Certificate(_) => 4,
            Self::Flood => 5,
            Self::Largest => 6,
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overflow => f.write_str("SendQ exceeded: you did not read what was sent to you"),
            Self::Largest => f.write_str("SendQ exceeded: too much waits for all, and the most of it for you"),
            Self::Stalled => f.write_str("Send timeout: you did not read what was sent to you"),
            Self::Flood => f.write_str("Excess Flood: you went on sending far more than is taken"),
            Self::Silent(seconds) => write!(f, "Ping timeout: {seconds} seconds"),
            Self::Unregistered => f.write_str("Registration timeout: your client said too little for too long"),
            Self::Certificate(reason) => f.write_str(reason),
        }
    }
}

/// What the session's task finds in its outbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Something that waited alone.
    Alone(Bytes),
    /// So many octets of several things were put into the buffer.
    Octets(usize),
    /// The last thing: the connection ends behind it.
    Last(Bytes),
    /// All was taken, and the hub wants to know.
    Empty,
    /// The connection ends now that all was taken.
    End,
    /// The connection ends at once; nothing that was queued will be taken.
    Cut(Cut),
}

impl Outbox {
    /// An empty outbox that holds at most `bound` octets.
    pub fn new(bound: usize) -> Self {
        Self { bound, inner: Mutex::default(), heard: AtomicU32::new(0), owed: AtomicU32::new(0) }
    }

    /// How many octets it holds at most.
    pub const fn bound(&self) -> usize {
        self.bound
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing between lock and unlock can leave the queue half-changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds octets; gives back the waker of a session that sleeps, for the caller to wake once
    /// its whole batch is pushed.
    pub fn push(&self, octets: Bytes) -> Option<Waker> {
        if octets.is_empty() {
            return None;
        }
        let mut inner = self.lock();
        if inner.ending.is_some() {
            return None;
        }
        inner.bytes += octets.len();
        if inner.bytes > self.bound {
            return inner.cut(Cut::Overflow);
        }
        inner.queue.push(octets);
        if inner.blocked { None } else { inner.waker.take() }
    }

    /// Asks the session to say, once, when it has taken all that is queued; gives back the waker of
    /// one that sleeps.
    pub fn tell_when_empty(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.tell = true;
        if inner.blocked { None } else { inner.waker.take() }
    }

    /// Whether all that was pushed has gone out to the socket, and was not thrown away.
    pub fn is_taken(&self) -> bool {
        let inner = self.lock();
        inner.bytes == 0 && !inner.blocked && !matches!(inner.ending, Some(Ending::Cut(_)))
    }

    /// Ends the session once it has taken what is queued.
    pub fn close(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.ending.get_or_insert(Ending::Drained);
        inner.waker.take()
    }

    /// Ends the session at once, with a reason.
    pub fn cut(&self, reason: Cut) -> Option<Waker> {
        self.lock().cut(reason)
    }

    /// How many pushes wait, and of how many octets.
    #[cfg(test)]
    pub(super) fn queued(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.queue.len(), inner.bytes)
    }

    /// Whether the session was cut.
    pub fn is_cut(&self) -> bool {
        matches!(self.lock().ending, Some(Ending::Cut(_)))
    }

    /// Whether the session was cut, and why; for a session whose socket takes nothing now. It is
    /// woken by a cut, but not by more octets.
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<Cut> {
        let mut inner = self.lock();
        match &inner.ending {
            Some(Ending::Cut(reason)) => Poll::Ready(reason.clone()),
            _ => {
                inner.blocked = true;
                inner.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Gives what comes next, as much as `buffer` holds at most, or remembers whom to wake.
    pub fn poll_take(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Taken> {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.blocked) {
            inner.stalled_since = None;
        }
        if let Some(Ending::Cut(reason)) = &inner.ending {
            return Poll::Ready(Taken::Cut(reason.clone()));
        }
        if inner.bytes > 0 {
            inner.stalled_since = None;
            return Poll::Ready(inner.take(buffer));
        }
        if inner.ending.is_some() {
            return Poll::Ready(Taken::End);
        }
        if std::mem::take(&mut inner.tell) {
            return Poll::Ready(Taken::Empty);
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Remembers whom to wake for more than so many octets or for the end; false if that is here already.
    pub fn wait_for_more(&self, cx: &mut Context<'_>, than: usize) -> bool {
        let mut inner = self.lock();
        let waits = inner.bytes <= than && inner.ending.is_none();
        if waits {
            inner.waker = Some(cx.waker().clone());
        }
        waits
    }

    /// How many octets wait.
    pub fn waiting(&self) -> usize {
        self.lock().bytes
    }

    /// The session has made so much work with its lines besides what they cost.
    pub fn owe(&self, cost: usize) {
        if cost > 0 {
            self.owed.fetch_add(u32::try_from(cost).unwrap_or(u32::MAX).min(MOST_OWED), Ordering::Relaxed);
        }
    }

    /// What it owes, once.
    pub fn take_owed(&self) -> u32 {
        // Seldom anything: a look is cheaper than taking it.
        if self.owed.load(Ordering::Relaxed) == 0 { 0 } else { self.owed.swap(0, Ordering::Relaxed) }
    }

    /// Notes that the peer is alive.
    pub fn heard(&self, now_s: u32) {
        self.heard.store(now_s, Ordering::Relaxed);
    }

    /// For how many seconds the peer has said nothing.
    pub fn silent_for(&self, now_s: u32) -> u32 {
        now_s.saturating_sub(self.heard.load(Ordering::Relaxed))
    }

    /// For how long something has waited, here or at the socket, without the peer taking anything.
    pub fn stalled(&self, now: Instant) -> std::time::Duration {
        let mut inner = self.lock();
        let waits = inner.bytes > 0 || inner.blocked;
        if !waits || matches!(inner.ending, Some(Ending::Cut(_))) {
            inner.stalled_since = None;
            return std::time::Duration::ZERO;
        }
        now.saturating_duration_since(*inner.stalled_since.get_or_insert(now))
    }
}

impl Inner {
    fn take(&mut self, buffer: &mut [u8]) -> Taken {
        if self.queue.is_one() {
            let octets = self.queue.pop(buffer.len());
            self.bytes -= octets.len();
            return if self.bytes == 0 && self.ending.is_some() { Taken::Last(octets) } else { Taken::Alone(octets) };
        }
        let mut filled = 0;
        while filled < buffer.len() {
            let octets = self.queue.pop(buffer.len() - filled);
            if octets.is_empty() {
                break;
            }
            buffer[filled..filled + octets.len()].copy_from_slice(&octets);
            filled += octets.len();
        }
        self.bytes -= filled;
        Taken::Octets(filled)
    }

    fn cut(&mut self, reason: Cut) -> Option<Waker> {
        if !matches!(self.ending, Some(Ending::Cut(_))) {
            self.ending = Some(Ending::Cut(reason));
            self.queue = Queue::default();
            self.bytes = 0;
        }
        self.waker.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(outbox: &Outbox, size: usize) -> Poll<Taken> {
        outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut vec![0; size]).map(|taken| match taken {
            Taken::Alone(octets) | Taken::Last(octets) => Taken::Octets(octets.len()),
            taken => taken,
        })
    }

    /// All that comes out, `size` octets at a time at most.
    fn drain(outbox: &Outbox, size: usize) -> String {
        let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(taken) = outbox.poll_take(&mut cx, &mut buffer) {
            match taken {
                Taken::Alone(octets) => {
                    assert!(octets.len() <= size);
                    all.extend_from_slice(&octets);
                }
                Taken::Octets(length) => all.extend_from_slice(&buffer[..length]),
                taken => panic!("{taken:?}"),
            }
        }
        assert_eq!(outbox.queued(), (0, 0));
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn order_is_kept_across_small_buffers() {
        for size in 1..20 {
            let outbox = Outbox::new(100);
            for part in ["hello ", "w", "", "orld", ", and all"] {
                outbox.push(part.into());
            }
            assert_eq!(drain(&outbox, size), "hello world, and all", "{size}");
            outbox.push("alone".into());
            assert_eq!(drain(&outbox, size), "alone", "{size}");
        }
    }

    #[test]
    fn what_is_last_is_known_as_such() {
        let outbox = Outbox::new(100);
        let taken = |outbox: &Outbox| outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut [0; 4]);
        for part in ["one", "two", "three"] {
            outbox.push(part.into());
        }
        outbox.close();
        assert_eq!(taken(&outbox), Poll::Ready(Taken::Octets(4)));
        assert_eq!(taken(&outbox), Poll::Ready(Taken::Octets(4)));
        assert_eq!(taken(&outbox), Poll::Ready(Taken::Last("ree".into())));
        assert_eq!(taken(&outbox), Poll::Ready(Taken::End));
    }

    #[test]
    fn who_waits_for_more_is_woken_by_it() {
        let (outbox, mut cx) = (Outbox::new(100), Context::from_waker(Waker::noop()));
        outbox.push("greeting".into());
        assert!(outbox.wait_for_more(&mut cx, 8));
        assert!(outbox.push("welcome".into()).is_some());
        assert!(!outbox.wait_for_more(&mut cx, 8), "it is here");
        assert!(outbox.wait_for_more(&mut cx, 15));
        assert!(outbox.close().is_some());
        assert!(!outbox.wait_for_more(&mut cx, 15), "nothing more comes");
    }

    #[test]
    fn what_waits_alone_is_not_copied() {
        let (outbox, octets) = (Outbox::new(100), Bytes::from("hello".repeat(9)));
        outbox.push(octets.clone());
        let taken = outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut [0; 40]);
        let Poll::Ready(Taken::Alone(taken)) = taken else { panic!("{taken:?}") };
        assert_eq!((taken.len(), taken.as_ptr()), (40, octets.as_ptr()));
        assert_eq!(drain(&outbox, 40), "hello");
    }

    #[test]
    fn beyond_the_bound_the_session_is_cut() {
        let outbox = Outbox::new(10);
        outbox.push("12345".into());
        outbox.push("12345".into());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(outbox.poll_cut(&mut cx).is_pending());
        assert!(outbox.push("x".into()).is_some(), "a cut wakes also who is blocked");
        let Poll::Ready(reason) = outbox.poll_cut(&mut cx) else { panic!("not cut") };
        assert_eq!(take(&outbox, 9), Poll::Ready(Taken::Cut(reason)));
        outbox.push("more".into());
        assert_eq!(outbox.lock().bytes, 0, "nothing grows after the cut");
    }

    #[test]
    fn each_reason_has_its_name() {
        let reasons = [
            Cut::Overflow,
            Cut::Stalled,
            Cut::Silent(1),
            Cut::Unregistered,
            Cut::Certificate("it was revoked".into()),
            Cut::Flood,
            Cut::Largest,
        ];
        let names: Vec<&str> = reasons.iter().map(|reason| Cut::NAMES[reason.number()]).collect();
        assert_eq!(names, Cut::NAMES);
    }

    #[test]
    fn closing_lets_what_is_queued_out_first() {
        let outbox = Outbox::new(10);
        outbox.push("bye".into());
        outbox.close();
        outbox.push("late".into());
        assert_eq!(take(&outbox, 9), Poll::Ready(Taken::Octets(3)));
        assert_eq!(take(&outbox, 9), Poll::Ready(Taken::End));
    }

    #[test]
    fn who_is_asked_says_once_when_all_is_taken() {
        let outbox = Outbox::new(10);
        assert!(take(&outbox, 9).is_pending());
        assert!(outbox.tell_when_empty().is_some(), "a sleeper is woken");
        outbox.push("1234".into());
        assert!(!outbox.is_taken());
        assert_eq!(take(&outbox, 3), Poll::Ready(Taken::Octets(3)));
        assert_eq!(take(&outbox, 3), Poll::Ready(Taken::Octets(1)));
        assert!(outbox.is_taken());
        assert_eq!(take(&outbox, 3), Poll::Ready(Taken::Empty));
        assert!(take(&outbox, 3).is_pending());
        assert!(outbox.poll_cut(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(!outbox.is_taken(), "the socket does not take it");
        assert!(take(&outbox, 3).is_pending());
        assert!(outbox.is_taken());
        outbox.push("1234".into());
        outbox.cut(Cut::Stalled);
        assert!(!outbox.is_taken(), "what was thrown away was not taken");
    }

    #[test]
    fn a_sleeper_is_woken_once() {
        let outbox = Outbox::new(10);
        assert!(outbox.push("a".into()).is_none(), "nobody sleeps yet");
        assert!(take(&outbox, 9).is_ready());
        assert!(take(&outbox, 9).is_pending());
        assert!(outbox.push("b".into()).is_some());
        assert!(outbox.push("c".into()).is_none());
    }

    #[test]
    fn who_is_blocked_is_not_woken_by_more() {
        let outbox = Outbox::new(10);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(outbox.poll_cut(&mut cx).is_pending());
        assert!(outbox.push("a".into()).is_none());
        assert!(outbox.close().is_some());
    }

    #[test]
    fn a_stall_begins_when_something_waits() {
        let outbox = Outbox::new(10);
        let start = crate::platform::clock::monotonic();
        let second = std::time::Duration::from_secs(1);
        assert!(outbox.stalled(start).is_zero());
        outbox.push("a".into());
        assert!(outbox.stalled(start + second).is_zero());
        assert_eq!(outbox.stalled(start + 3 * second), 2 * second);
        assert!(take(&outbox, 9).is_ready());
        assert!(outbox.stalled(start + 9 * second).is_zero());

        // What was taken but does not get out of the socket is a stall too, also at the end.
        outbox.close();
        assert!(outbox.poll_cut(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(outbox.stalled(start + 10 * second).is_zero());
        assert_eq!(outbox.stalled(start + 15 * second), 5 * second);
    }
}
