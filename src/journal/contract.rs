//! What every backend must do, as one suite.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    Bounds, Conversation, Durable, Entry, Journal, Log as _, Memory, Page, Position, Range, Store as _,
    late::{Hand, Late},
};
use crate::{
    ident::{DeviceId, Fingerprint, MsgId, RoomId},
    protocol::chat::{Audience, Kind, Message, Source},
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
    Entry { position: Position { epoch: 0, sequence }, events: vec![Durable::Message(message)] }
}

fn poll(journal: &mut dyn Journal) -> Poll<Result<Position, super::CommitError>> {
    journal.poll_committed(&mut Context::from_waker(Waker::noop()))
}

fn latest(conversation: Conversation) -> Page {
    let until = Position { epoch: 9, sequence: 0 };
    Page { conversation, range: Range::Latest, since_ms: 0, until, most: 99 }
}

/// A backend under test: `settle` makes everything that was asked to be committed so.
struct Subject {
    journal: Box<dyn Journal>,
    hand: Option<Hand>,
}

impl Subject {
    fn settle(&mut self) {
        self.journal.commit();
        if let Some(hand) = &self.hand {
            hand.commit(usize::MAX);
        }
    }
}

fn subjects() -> Vec<Subject> {
    let (late, hand) = Late::new();
    vec![
        Subject { journal: Box::new(Memory::new(Bounds::default())), hand: None },
        Subject { journal: Box::new(late), hand: Some(hand) },
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
        assert_eq!(subject.journal.load(&mut |_| {}), Ok(Some(Position { epoch: 0, sequence: 3 })));
    }
}

#[test]
fn pages_are_cut_at_their_bounds() {
    for mut subject in subjects() {
        for n in 1..=9 {
            subject.journal.append(entry(2 * n, message(n, "alice", room(1), "x")));
            subject.journal.append(entry(2 * n + 1, message(100 + n, "bob", room(2), "y")));
        }
        subject.settle();
        let one = Conversation::Room(RoomId(1));
        let id = |n: u64| MsgId::new(n, n.into());
        let mut until = Position { epoch: 0, sequence: 99 };
        let mut at = |range, since_ms, until, most| -> Vec<u64> {
            let page = Page { conversation: one.clone(), range, since_ms, until, most };
            subject.journal.page(&page).unwrap().iter().map(|m| m.time_ms).collect()
        };
        until.sequence = 10;
        assert_eq!(at(Range::Latest, 0, until, 3), [3, 4, 5], "none after the place of the question");
        assert_eq!(at(Range::After(id(4)), 0, until, 3), [5]);
        assert_eq!(at(Range::Before(id(6)), 0, until, 3), [0u64; 0], "not yet said");
        until.sequence = 99;
        let mut page = |range, since, most| at(range, since, until, most);
        assert_eq!(page(Range::Latest, 0, 3), [7, 8, 9]);
        assert_eq!(page(Range::Latest, 8, 3), [8, 9]);
        assert_eq!(page(Range::Latest, 0, 100), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(page(Range::Latest, 0, 0), [0u64; 0]);
        assert_eq!(page(Range::Before(id(4)), 0, 2), [2, 3]);
        assert_eq!(page(Range::Before(id(1)), 0, 2), [0u64; 0]);
        assert_eq!(page(Range::After(id(4)), 0, 2), [5, 6]);
        assert_eq!(page(Range::After(id(9)), 0, 2), [0u64; 0]);
        assert_eq!(page(Range::After(id(104)), 0, 2), [0u64; 0], "of another conversation");
    }
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
        assert_eq!(subject.journal.page(&latest(pair)).unwrap().len(), 2);
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
    assert_eq!(late.load(&mut |_| loaded += 1).unwrap().unwrap().sequence, 3);
    assert_eq!(loaded, 2);
}

#[test]
fn memory_stays_within_its_bounds() {
    let mut memory = Memory::new(Bounds { per_conversation: 5, bytes: 20_000, age_ms: 50 });
    for n in 1..=200 {
        memory.append(entry(n, message(n, "alice", room(n % 3), &"x".repeat(1000))));
        assert!(memory.bytes() <= 20_000);
    }
    let kept = |memory: &mut Memory, room: u64| memory.page(&latest(Conversation::Room(RoomId(room))));
    assert_eq!(kept(&mut memory, 2).unwrap().len(), 5);
    memory.append(entry(201, message(1000, "alice", room(7), "much later")));
    assert_eq!(kept(&mut memory, 2).unwrap().len(), 0, "too old");
    assert_eq!(kept(&mut memory, 7).unwrap().len(), 1);
    memory.append(Entry {
        position: Position { epoch: 0, sequence: 202 },
        events: vec![Durable::RoomRemoved(RoomId(7))],
    });
    assert_eq!(memory.bytes(), 0);
}

#[test]
fn tags_weigh_as_much_as_text() {
    let mut memory = Memory::new(Bounds { per_conversation: 1000, bytes: 100_000, age_ms: 1000 });
    for n in 1..=100 {
        let plain = message(n, "alice", room(1), "");
        let tagged = Message { tags: Some("+".repeat(4000).into()), ..(*plain).clone() };
        memory.append(entry(n, Arc::new(tagged)));
    }
    let kept = memory.page(&latest(Conversation::Room(RoomId(1)))).unwrap().len();
    assert!((1..=25).contains(&kept), "{kept}");
}
