//! A backend for tests: commits late, out of step with the hub, and fails when told to.
//!
//! Behaves as a disk does: entries wait until the test commits some of them, a failure loses all
//! that wait, `load` gives back what was committed.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::{
    Bounds, CommitError, Conversation, Durable, Entry, Last, Log, Memory, Position, ReadError, Sent, Store, Ticket,
    prompt::Prompt,
    ring::{Ring, newest_hits},
};
use crate::{
    ident::{MsgId, Nick},
    protocol::{
        chat::Message,
        past::{Answer, Kept, Newest, Question, Search},
    },
};

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Entry>,
    asked: usize,
    disk: Vec<Entry>,
    told: Option<Position>,
    failure: bool,
    unreadable: bool,
    /// How many answers may come, where they come late.
    answers: Option<usize>,
    /// How many questions there were for what is unread.
    questions: usize,
    waker: Option<Waker>,
}

/// The backend.
pub(crate) struct Late(Arc<Mutex<Inner>>, Prompt);

/// The test's hand on a [`Late`].
#[derive(Clone)]
pub(crate) struct Hand(Arc<Mutex<Inner>>);

impl Late {
    pub(crate) fn new() -> (Self, Hand) {
        let inner = Arc::default();
        (Self(Arc::clone(&inner), Prompt::default()), Hand(inner))
    }
}

impl Hand {
    /// How many entries wait for their commit.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().unwrap().asked
    }

    /// Commits at most `most` of the entries that wait.
    pub(crate) fn commit(&self, most: usize) {
        let mut inner = self.0.lock().unwrap();
        let most = most.min(inner.asked);
        inner.asked -= most;
        let done: Vec<Entry> = inner.waiting.drain(..most).collect();
        inner.disk.extend(done);
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }

    /// Loses all that waits.
    pub(crate) fn fail(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.waiting.clear();
        inner.asked = 0;
        inner.failure = true;
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
    }

    /// From now on nothing can be read.
    pub(crate) fn cover(&self) {
        self.0.lock().unwrap().unreadable = true;
    }

    /// From now on answers come when the test says so: so many more.
    pub(crate) fn answer(&self, more: usize) {
        let mut inner = self.0.lock().unwrap();
        inner.answers = Some(inner.answers.unwrap_or_default().saturating_add(more));
    }

    /// What another process finds on this disk.
    pub(crate) fn restarted(&self) -> Late {
        let mut inner = self.0.lock().unwrap();
        inner.waiting.clear();
        inner.asked = 0;
        inner.told = None;
        drop(inner);
        Late(Arc::clone(&self.0), Prompt::default())
    }

    /// From now on no answer comes before the test says so.
    pub(crate) fn hold(&self) {
        self.0.lock().unwrap().answers = Some(0);
    }

    /// How often was asked for what is unread.
    pub(crate) fn questions(&self) -> usize {
        self.0.lock().unwrap().questions
    }

    /// The last entry was made at this time.
    pub(crate) fn date(&self, time_ms: u64) {
        self.0.lock().unwrap().disk.last_mut().unwrap().time_ms = time_ms;
    }

    /// It can be again.
    pub(crate) fn uncover(&self) {
        self.0.lock().unwrap().unreadable = false;
    }

    /// Everything on disk.
    pub(crate) fn disk(&self) -> Vec<Entry> {
        self.0.lock().unwrap().disk.clone()
    }
}

impl Log for Late {
    fn append(&mut self, entry: Entry) {
        self.0.lock().unwrap().waiting.push_back(entry);
    }

    fn commit(&mut self) {
        let mut inner = self.0.lock().unwrap();
        inner.asked = inner.waiting.len();
    }

    fn committed(&self) -> Option<Position> {
        self.0.lock().unwrap().disk.last().map(|entry| entry.position)
    }

    fn poll_committed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        let mut inner = self.0.lock().unwrap();
        let newest = inner.disk.last().map(|entry| entry.position);
        if newest != inner.told {
            inner.told = newest;
            return Poll::Ready(Ok(newest.unwrap_or_default()));
        }
        if std::mem::take(&mut inner.failure) {
            // A failure that comes while entries were appended after it loses those too: they
            // were built on what failed.
            inner.waiting.clear();
            inner.asked = 0;
            return Poll::Ready(Err(CommitError("the test says so".into())));
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Last>, ReadError> {
        let inner = self.0.lock().unwrap();
        if inner.unreadable {
            return Err(ReadError("the test says so".into()));
        }
        inner.disk.iter().flat_map(|entry| &entry.events).cloned().for_each(apply);
        Ok(inner.disk.last().map(|entry| Last { position: entry.position, time_ms: entry.time_ms }))
    }
}

/// The committed conversation, read from the start as a disk would be.
fn ring(disk: &[Entry], conversation: &Conversation) -> Ring {
    let mut ring = Ring::default();
    for entry in disk {
        for event in &entry.events {
            match event {
                Durable::Message(m) if Conversation::of(m).as_ref() == Some(conversation) => {
                    ring.push(entry.position, Kept::Message(Arc::clone(m)));
                }
                Durable::Event(room, event) if Conversation::Room(*room) == *conversation => {
                    ring.push(entry.position, Kept::Event(Arc::clone(event)));
                }
                Durable::Redacted(of, id) if of == conversation => {
                    ring.redact(*id);
                }
                Durable::RoomRemoved(room) if Conversation::Room(*room) == *conversation => ring = Ring::default(),
                _ => {}
            }
        }
    }
    ring
}

/// The conversations in which anything was said, some of them more than once.
fn said(disk: &[Entry]) -> impl Iterator<Item = Conversation> {
    disk.iter().flat_map(|entry| &entry.events).filter_map(|event| match event {
        Durable::Message(message) => Conversation::of(message),
        _ => None,
    })
}

impl Late {
    fn ring(&self, conversation: &Conversation) -> Result<Ring, ReadError> {
        let inner = self.0.lock().unwrap();
        if inner.unreadable {
            return Err(ReadError("the test says so".into()));
        }
        Ok(ring(&inner.disk, conversation))
    }
}

impl Store for Late {
    fn ask(&mut self, ticket: Ticket, question: Question) {
        let answer = match &question {
            Question::Page(page) => self.ring(&page.conversation).map(|ring| Answer::Page(ring.page(page))),
            Question::Newest(newest) => self.newest(newest).map(Answer::Newest),
            Question::Search(search) => self.search(search).map(Answer::Search),
            Question::Survey(..) | Question::Unread(..) => return self.unread(ticket, question),
        };
        self.1.answer(ticket, answer);
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        let mut inner = self.0.lock().unwrap();
        if inner.answers == Some(0) {
            return Poll::Pending;
        }
        let answer = self.1.poll(cx);
        if answer.is_ready() {
            inner.answers = inner.answers.map(|more| more.saturating_sub(1));
        }
        answer
    }

    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError> {
        Ok(self.ring(conversation)?.find(id))
    }

    fn sent(&mut self, account: &Nick, id: &str) -> Result<Option<Sent>, ReadError> {
        let inner = self.0.lock().unwrap();
        if inner.unreadable {
            return Err(ReadError("the test says so".into()));
        }
        let events = inner.disk.iter().chain(&inner.waiting).flat_map(|entry| &entry.events);
        Ok(events.rev().find_map(|event| match event {
            Durable::Sent { account: of, id: name, sent } if of == account && **name == *id => Some(*sent),
            _ => None,
        }))
    }
}

impl Late {
    /// As the memory backend answers it, after it has read the whole disk.
    fn unread(&mut self, ticket: Ticket, question: Question) {
        let mut inner = self.0.lock().unwrap();
        inner.questions += 1;
        if inner.unreadable {
            return self.1.answer(ticket, Err(ReadError("the test says so".into())));
        }
        let everything =
            Bounds { per_conversation: usize::MAX, bytes: usize::MAX, age_ms: u64::MAX, total: usize::MAX };
        let mut memory = Memory::new(everything);
        inner.disk.iter().cloned().for_each(|entry| memory.append(entry));
        memory.ask(ticket, question);
        while let Poll::Ready((ticket, answer)) = memory.poll_answer(&mut Context::from_waker(Waker::noop())) {
            self.1.answer(ticket, answer);
        }
    }

    fn newest(&mut self, newest: &Newest) -> Result<Vec<(Conversation, u64)>, ReadError> {
        let inner = self.0.lock().unwrap();
        if inner.unreadable {
            return Err(ReadError("the test says so".into()));
        }
        let mut found = Vec::new();
        for conversation in said(&inner.disk) {
            let since_ms = match &conversation {
                Conversation::Room(id) => newest.rooms.iter().find(|(room, _)| room == id).map(|&(_, since)| since),
                Conversation::Pair(one, other) => [one, other].contains(&&newest.account).then_some(0),
            };
            let Some(since_ms) = since_ms.filter(|_| !found.iter().any(|(known, _)| *known == conversation)) else {
                continue;
            };
            if let Some(time_ms) = ring(&inner.disk, &conversation).newest_text_ms(newest.until)
                && time_ms >= since_ms
                && newest.holds(time_ms)
            {
                found.push((conversation, time_ms));
            }
        }
        newest.cut(&mut found);
        Ok(found)
    }

    fn search(&self, search: &Search) -> Result<Vec<(Conversation, Arc<Message>)>, ReadError> {
        let inner = self.0.lock().unwrap();
        if inner.unreadable {
            return Err(ReadError("the test says so".into()));
        }
        let said: HashSet<Conversation> = said(&inner.disk).collect();
        let found = said.into_iter().filter_map(|conversation| {
            let since_ms = search.reads(&conversation)?;
            let hits = ring(&inner.disk, &conversation).search(search, since_ms, &mut { usize::MAX }).collect();
            Some((conversation, hits))
        });
        Ok(newest_hits(search, found))
    }
}
