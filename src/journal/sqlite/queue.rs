//! What the hub has appended, on its way to the thread that writes it.
//!
//! After a failure nothing more is taken until the hub has heard of it: what it appended meanwhile
//! was built on what is lost, and is lost too.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::{
    journal::{CommitError, Entry},
    platform::{clock, counters::Counters},
    protocol::durable::Position,
};

const DEAD: &str = "its thread ended; start the server again";

/// Shared by the hub, who never waits here, and the thread, who does.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// For the thread: there is work.
    work: Condvar,
    /// For whoever waits for the thread.
    rest: Condvar,
    counters: OnceLock<Arc<Counters>>,
}

#[derive(Default)]
struct Inner {
    appended: Vec<Entry>,
    /// Those of which a commit was asked for.
    asked: Vec<Entry>,
    /// Whether the thread is at some of them.
    writing: bool,
    committed: Option<Position>,
    told: Option<Position>,
    failure: Option<CommitError>,
    waker: Option<Waker>,
    /// Chores as of this time are asked for.
    chores: Option<u64>,
    ending: bool,
    /// The thread is no more.
    dead: bool,
}

/// What the thread is to do.
pub(super) enum Work {
    Commit(Vec<Entry>),
    /// As of this time, or of now.
    Chores(Option<u64>),
    End,
}

impl Queue {
    pub(super) fn new(committed: Option<Position>) -> Self {
        let inner = Inner { committed, told: committed, ..Inner::default() };
        Self { inner: Mutex::new(inner), work: Condvar::new(), rest: Condvar::new(), counters: OnceLock::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts here from now on; the first call counts.
    pub(super) fn count_in(&self, counters: Arc<Counters>) {
        let _ = self.counters.set(counters);
    }

    /// So many entries were committed together.
    pub(super) fn committed_in(&self, took: Duration, entries: usize) {
        if let Some(counters) = self.counters.get() {
            counters.commit_time.observe(took);
            counters.commit_size.observe(entries);
        }
    }

    pub(super) fn append(&self, entry: Entry) {
        self.inner().appended.push(entry);
    }

    pub(super) fn commit(&self) {
        let mut inner = self.inner();
        if inner.asked.is_empty() {
            inner.asked = std::mem::take(&mut inner.appended);
        } else {
            let Inner { asked, appended, .. } = &mut *inner;
            asked.append(appended);
        }
        if inner.dead {
            inner.failure = Some(CommitError(DEAD.into()));
        }
        self.work.notify_one();
    }

    pub(super) fn committed(&self) -> Option<Position> {
        self.inner().committed
    }

    pub(super) fn poll_committed(&self, cx: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        let mut inner = self.inner();
        if inner.told != inner.committed
            && let Some(position) = inner.committed
        {
            inner.told = inner.committed;
            return Poll::Ready(Ok(position));
        }
        if let Some(failure) = inner.failure.take() {
            inner.appended.clear();
            inner.asked.clear();
            return Poll::Ready(Err(failure));
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for work; chores are due at `due`, if they are not asked for before.
    pub(super) fn take(&self, due: Instant) -> Work {
        let mut inner = self.inner();
        loop {
            if inner.failure.is_none() && !inner.asked.is_empty() {
                inner.writing = true;
                return Work::Commit(std::mem::take(&mut inner.asked));
            }
            if inner.ending {
                return Work::End;
            }
            if let Some(now_ms) = inner.chores {
                return Work::Chores(Some(now_ms));
            }
            let left = due.saturating_duration_since(clock::monotonic());
            if left.is_zero() {
                return Work::Chores(None);
            }
            let waited = self.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner);
            inner = waited.0;
        }
    }

    /// What became of the entries that were taken.
    pub(super) fn done(&self, outcome: Result<Option<Position>, CommitError>) {
        let mut inner = self.inner();
        inner.writing = false;
        match outcome {
            Ok(position) => inner.committed = position.or(inner.committed),
            Err(failure) => inner.failure = Some(failure),
        }
        self.rest.notify_all();
        if let Some(waker) = inner.waker.take() {
            drop(inner);
            waker.wake();
        }
    }

    /// The chores that were asked for are done.
    pub(super) fn tidied(&self) {
        self.inner().chores = None;
        self.rest.notify_all();
    }

    /// The thread ended in an unforeseen way: nothing will be committed any more.
    pub(super) fn die(&self) {
        self.inner().dead = true;
        self.tidied();
        self.done(Err(CommitError(DEAD.into())));
    }

    /// Nothing more will come: the thread ends when all is written that was to be committed.
    pub(super) fn end(&self) {
        self.inner().ending = true;
        self.work.notify_one();
    }

    /// Waits until nothing that a commit was asked for is left.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        let busy = |inner: &mut Inner| inner.failure.is_none() && (inner.writing || !inner.asked.is_empty());
        drop(self.rest.wait_while(self.inner(), busy).unwrap());
    }

    /// Has the chores done as of this time, and waits for that.
    #[cfg(test)]
    pub(super) fn tidy(&self, now_ms: u64) {
        let mut inner = self.inner();
        inner.chores = Some(now_ms);
        self.work.notify_one();
        drop(self.rest.wait_while(inner, |inner| inner.chores.is_some()).unwrap());
    }
}
