//! A backend for tests: commits late, out of step with the hub, and fails when told to.
//!
//! Behaves as a disk does: entries wait until the test commits some of them, a failure loses all
//! that wait, `load` gives back what was committed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::{CommitError, Conversation, Durable, Entry, Log, Page, Position, ReadError, Store, memory::page_of};
use crate::protocol::chat::Message;

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Entry>,
    asked: usize,
    disk: Vec<Entry>,
    told: Option<Position>,
    failure: bool,
    waker: Option<Waker>,
}

/// The backend.
pub(crate) struct Late(Arc<Mutex<Inner>>);

/// The test's hand on a [`Late`].
#[derive(Clone)]
pub(crate) struct Hand(Arc<Mutex<Inner>>);

impl Late {
    pub(crate) fn new() -> (Self, Hand) {
        let inner = Arc::default();
        (Self(Arc::clone(&inner)), Hand(inner))
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

    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Position>, ReadError> {
        let inner = self.0.lock().unwrap();
        inner.disk.iter().flat_map(|entry| &entry.events).cloned().for_each(apply);
        Ok(inner.disk.last().map(|entry| entry.position))
    }
}

impl Store for Late {
    fn page(&mut self, page: &Page) -> Result<Vec<Arc<Message>>, ReadError> {
        let inner = self.0.lock().unwrap();
        let kept = |entry: &Entry, event: &Durable| match event {
            Durable::Message(m) if Conversation::of(m).as_ref() == Some(&page.conversation) => {
                Some((entry.position, Arc::clone(m)))
            }
            _ => None,
        };
        let ring = inner.disk.iter().flat_map(|entry| entry.events.iter().filter_map(move |event| kept(entry, event)));
        Ok(page_of(&ring.collect(), page))
    }
}
