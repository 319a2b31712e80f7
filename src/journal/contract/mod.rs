//! What every backend must do, as one suite.

mod pages;
mod search;
mod sent;
mod unread;

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    Bounds, Conversation, Durable, Entry, Journal, Last, Log as _, Memory, Position, ReadError, Retention,
    late::{Hand, Late},
    sqlite::Sqlite,
};
use crate::{
    ident::{DeviceId, Fingerprint, MsgId, RoomId},
    protocol::{
        chat::{Act, Audience, Event, Kind, Message, Source},
        past::{Answer, Content, Kept, Page, Question, Range},
    },
};

/// A message for tests: the `n`th, said at `n` ms.
pub(crate) fn message(n: u64, from: &str, audience: Audience, text: &str) -> Arc<Message> {
    let source = Source { nick: from.parse().unwrap(), user: from.into(), host: "test".into(), bot: false };
    Arc::new(Message {
        id: MsgId::new(n, n.into()),
        time_ms: n,
        source: Arc::new(source),
        device: DeviceId(Fingerprint::new([0; 32])),
        client: None,
        audience,
        kind: Kind::Text,
        relation: None,
        joints: Box::default(),
        text: text.into(),
        tags: None,
    })
}

fn room(n: u64) -> Audience {
    Audience::Room(RoomId(n), "#r".parse().unwrap())
}

fn entry(sequence: u64, message: Arc<Message>) -> Entry {
    Entry { position: Position { epoch: 0, sequence }, time_ms: sequence, events: vec![Durable::Message(message)] }
}

fn poll(journal: &mut dyn Journal) -> Poll<Result<Position, super::CommitError>> {
    journal.poll_committed(&mut Context::from_waker(Waker::noop()))
}

fn latest(conversation: Conversation) -> Page {
    let until = Position { epoch: 9, sequence: 0 };
    Page { conversation, range: Range::Latest(None), content: Content::Texts, since_ms: 0, until, most: 99 }
}

/// Asks, and waits for the answer.
pub(crate) fn ask(journal: &mut dyn Journal, question: Question) -> Result<Answer, ReadError> {
    struct Bell(std::thread::Thread);
    impl std::task::Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Bell(std::thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    journal.ask(7, question);
    loop {
        match journal.poll_answer(&mut cx) {
            Poll::Ready((ticket, answer)) => {
                assert_eq!(ticket, 7);
                return answer;
            }
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The page that is asked for.
pub(crate) fn page(journal: &mut dyn Journal, page: &Page) -> Vec<Kept> {
    match ask(journal, Question::Page(page.clone())) {
        Ok(Answer::Page(kept)) => kept,
        other => panic!("{other:?}"),
    }
}

/// A backend under test: `settle` makes everything that was asked to be committed so.
struct Subject {
    journal: Box<dyn Journal>,
    hand: Option<Hand>,
    /// Waits for what was asked to be committed.
    wait: Box<dyn Fn()>,
}

impl Subject {
    fn settle(&mut self) {
        self.journal.commit();
        if let Some(hand) = &self.hand {
            hand.commit(usize::MAX);
        }
        (self.wait)();
    }
}

fn on_disk() -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let journal = Sqlite::open(&dir.path().join("journal.sqlite3"), Retention::default()).unwrap();
    let settle = journal.settler();
    // The directory is there as long as the journal is.
    let wait = move || {
        assert!(dir.path().exists());
        settle();
    };
    Subject { journal: Box::new(journal), hand: None, wait: Box::new(wait) }
}

fn subjects() -> Vec<Subject> {
    let (late, hand) = Late::new();
    vec![
        Subject { journal: Box::new(Memory::new(Bounds::default())), hand: None, wait: Box::new(|| {}) },
        Subject { journal: Box::new(late), hand: Some(hand), wait: Box::new(|| {}) },
        on_disk(),
    ]
}

#[test]
fn commits_in_order_and_says_so_once() {
    for mut subject in subjects() {
        assert_eq!(poll(&mut *subject.journal), Poll::Pending, "nothing was appended");
        for n in 1..=3 {
            subject.journal.append(entry(n, message(n, "alice", room(1), "x")));
        }
        subject.settle();
        assert_eq!(poll(&mut *subject.journal), Poll::Ready(Ok(Position { epoch: 0, sequence: 3 })));
        assert_eq!(poll(&mut *subject.journal), Poll::Pending, "said once");
        assert_eq!(
            subject.journal.load(&mut |_| {}),
            Ok(Some(Last { position: Position { epoch: 0, sequence: 3 }, time_ms: 3 }))
        );
    }
}

/// An event for tests: the `n`th, at `n` ms, in room 1.
fn event(n: u64) -> Durable {
    let by = message(n, "alice", room(1), "");
    let act = Act::Topic("#r".parse().unwrap(), "t".into());
    Durable::Event(RoomId(1), Arc::new(Event { id: by.id, time_ms: n, source: Arc::clone(&by.source), act }))
}

#[test]
fn a_pair_is_one_conversation_whoever_speaks() {
    for mut subject in subjects() {
        let to = |name: &str| Audience::Account(name.parse().unwrap());
        subject.journal.append(entry(1, message(1, "alice", to("Bob"), "hi")));
        subject.journal.append(entry(2, message(2, "bob", to("ALICE"), "ho")));
        subject.journal.append(entry(3, message(3, "bob", to("carol"), "secret")));
        subject.settle();
        let pair = Conversation::between("ALICE".parse().unwrap(), "bob".parse().unwrap());
        assert_eq!(page(&mut *subject.journal, &latest(pair)).len(), 2);
    }
}

#[test]
fn a_failure_loses_what_waited_and_only_that() {
    let (mut late, hand) = Late::new();
    late.append(entry(1, message(1, "alice", room(1), "kept")));
    late.commit();
    hand.commit(1);
    late.append(entry(2, message(2, "alice", room(1), "lost")));
    late.commit();
    hand.fail();
    assert!(matches!(poll(&mut late), Poll::Ready(Ok(p)) if p.sequence == 1));
    assert!(matches!(poll(&mut late), Poll::Ready(Err(_))));
    assert_eq!(poll(&mut late), Poll::Pending);
    late.append(entry(3, message(3, "alice", room(1), "again")));
    late.commit();
    hand.commit(1);
    let mut loaded = 0;
    assert_eq!(late.load(&mut |_| loaded += 1).unwrap().unwrap().position.sequence, 3);
    assert_eq!(loaded, 2);
}

#[test]
fn memory_stays_within_its_bounds() {
    let mut memory = Memory::new(Bounds { per_conversation: 5, bytes: 30_000, age_ms: 50, ..Bounds::default() });
    for n in 1..=200 {
        memory.append(entry(n, message(n, "alice", room(n % 3), &"x".repeat(1000))));
        assert!(memory.bytes() <= 30_000);
    }
    let kept = |memory: &mut Memory, room: u64| page(memory, &latest(Conversation::Room(RoomId(room))));
    assert_eq!(kept(&mut memory, 2).len(), 5);
    memory.append(entry(201, message(1000, "alice", room(7), "much later")));
    assert_eq!(kept(&mut memory, 2).len(), 0, "too old");
    assert_eq!(kept(&mut memory, 7).len(), 1);
    memory.append(Entry {
        position: Position { epoch: 0, sequence: 202 },
        time_ms: 202,
        events: vec![Durable::RoomRemoved(RoomId(7))],
    });
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn all_rooms_together_have_a_limit_too() {
    let mut memory = Memory::new(Bounds { per_conversation: 5, total: 7, ..Bounds::default() });
    for n in 1..=60 {
        memory.append(entry(n, message(n, "alice", room(n % 3 + n / 40 * 10), "x")));
        if n == 30 {
            let removed = vec![Durable::RoomRemoved(RoomId(0))];
            memory.append(Entry { position: Position { epoch: 0, sequence: 31 }, time_ms: 31, events: removed });
        }
        let kept = |room: u64| page(&mut memory, &latest(Conversation::Room(RoomId(room)))).len();
        let kept: usize = (0..13).map(kept).sum();
        assert!(kept <= 7 && (n != 39 || kept == 7), "{kept}");
    }
    let kept = |room: u64| page(&mut memory, &latest(Conversation::Room(RoomId(room)))).len();
    assert_eq!((0..13).map(kept).sum::<usize>(), 7);
}

#[test]
fn events_count_and_what_is_taken_back_is_lighter() {
    let mut memory = Memory::new(Bounds { per_conversation: 5, bytes: 100_000, age_ms: 1000, ..Bounds::default() });
    for n in 1..=20 {
        memory.append(Entry { position: Position { epoch: 0, sequence: n }, time_ms: n, events: vec![event(n)] });
    }
    let all = Page { content: Content::Everything, ..latest(Conversation::Room(RoomId(1))) };
    assert_eq!(page(&mut memory, &all).len(), 5);
    memory.append(entry(21, message(21, "alice", room(1), &"x".repeat(3000))));
    let before = memory.bytes();
    let redacted = Durable::Redacted(Conversation::Room(RoomId(1)), MsgId::new(21, 21));
    for sequence in [22, 23] {
        memory.append(Entry {
            position: Position { epoch: 0, sequence },
            time_ms: sequence,
            events: vec![redacted.clone()],
        });
        assert_eq!(memory.bytes(), before - 3000);
    }
    let removed = vec![Durable::RoomRemoved(RoomId(1))];
    memory.append(Entry { position: Position { epoch: 0, sequence: 24 }, time_ms: 24, events: removed });
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn who_spoke_with_whom_is_forgotten_with_what_they_said() {
    let mut memory = Memory::new(Bounds { per_conversation: 5, bytes: 10_000, age_ms: 50, ..Bounds::default() });
    memory.append(entry(1, message(1, "alice", Audience::Account("bob".parse().unwrap()), "hi")));
    memory.append(entry(2, message(1000, "carol", Audience::Account("dora".parse().unwrap()), "ho")));
    assert_eq!(memory.partners(), 2, "carol and dora");
}

#[test]
fn tags_weigh_as_much_as_text() {
    let mut memory = Memory::new(Bounds { per_conversation: 1000, bytes: 100_000, age_ms: 1000, ..Bounds::default() });
    for n in 1..=100 {
        let plain = message(n, "alice", room(1), "");
        let tagged = Message { tags: Some("+".repeat(4000).into()), ..(*plain).clone() };
        memory.append(entry(n, Arc::new(tagged)));
    }
    let kept = page(&mut memory, &latest(Conversation::Room(RoomId(1)))).len();
    assert!((1..=25).contains(&kept), "{kept}");
}

#[test]
fn little_is_left_of_rooms_that_are_gone_and_the_rest_goes_in_its_order() {
    let mut memory = Memory::new(Bounds { per_conversation: 9, bytes: 30_000, age_ms: 1000, ..Bounds::default() });
    let to = |n: u64| message(n, "alice", room(n), "x");
    for n in 1..=9 {
        memory.append(entry(n, to(n)));
    }
    for n in 10..1000 {
        let gone = vec![Durable::Message(to(n)), Durable::RoomRemoved(RoomId(n))];
        memory.append(Entry { position: Position { epoch: 0, sequence: n }, time_ms: n, events: gone });
        assert!(memory.places() <= 20, "{}", memory.places());
    }
    memory.append(entry(1000, to(1000)));
    let mut kept = |room: u64| page(&mut memory, &latest(Conversation::Room(RoomId(room)))).len();
    assert_eq!((kept(1), kept(9), kept(500), kept(1000)), (1, 1, 0, 1));
    for n in 1001..1040 {
        memory.append(entry(n, to(n)));
        assert!(memory.bytes() <= 30_000);
    }
    let mut kept = |room: u64| page(&mut memory, &latest(Conversation::Room(RoomId(room)))).len();
    assert_eq!((kept(1), kept(9), kept(1000), kept(1039)), (0, 0, 0, 1));
}
