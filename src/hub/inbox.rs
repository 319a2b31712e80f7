//! Where requests wait for the hub: bounded, in the order of their coming.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::request::{Body, Request};
use crate::platform::clock;

/// The hub's inbox. Sessions offer requests; while it is full they wait (and do not read), and
/// nobody else does.
#[derive(Debug)]
pub struct Inbox {
    bound: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Request>,
    /// When the first of them came.
    since: Option<Instant>,
    hub: Option<Waker>,
    waiting: Vec<Waker>,
    closed: bool,
}

impl Inbox {
    /// An inbox that takes `bound` requests before sessions must wait.
    pub fn new(bound: usize) -> Self {
        Self { bound, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing between lock and unlock can leave the queue half-changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request in; gives it back when the inbox is full, and wakes the session when it is
    /// no longer. After the hub has ended, requests go nowhere.
    pub fn poll_offer(&self, cx: &mut Context<'_>, request: Request) -> Result<(), Request> {
        let hub = {
            let mut inner = self.lock();
            if inner.closed {
                return Ok(());
            }
            // That a connection ended or has taken what it got is always taken: there is one such for each
            // session. So is what the server itself has to say, seldom.
            let insists = matches!(request.body, Body::Gone(_) | Body::Drained | Body::Issued(_));
            if inner.queue.len() >= self.bound && !insists {
                inner.waiting.push(cx.waker().clone());
                return Err(request);
            }
            if inner.queue.is_empty() {
                inner.since = Some(clock::monotonic());
            }
            inner.queue.push_back(request);
            inner.hub.take()
        };
        if let Some(hub) = hub {
            hub.wake();
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn has_room(&self) -> bool {
        let inner = self.lock();
        inner.queue.len() < self.bound
    }

    /// How many requests wait.
    pub fn depth(&self) -> usize {
        self.lock().queue.len()
    }

    /// Moves all requests into `batch` and tells when the first of them came, or remembers to wake the hub.
    pub fn poll_take(&self, cx: &mut Context<'_>, batch: &mut VecDeque<Request>) -> Poll<Option<Instant>> {
        let (waiting, since) = {
            let mut inner = self.lock();
            if inner.queue.is_empty() {
                inner.hub = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if batch.is_empty() {
                std::mem::swap(&mut inner.queue, batch);
            } else {
                batch.append(&mut inner.queue);
            }
            (std::mem::take(&mut inner.waiting), inner.since.take())
        };
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(since)
    }

    /// The hub has ended: nothing is taken any more and nobody waits.
    pub fn close(&self) {
        let waiting = {
            let mut inner = self.lock();
            inner.closed = true;
            inner.queue.clear();
            std::mem::take(&mut inner.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::request::{Gone, SessionId};

    #[test]
    fn full_means_wait_but_a_parting_is_always_taken() {
        let inbox = Inbox::new(2);
        let mut cx = Context::from_waker(Waker::noop());
        let request = |body| Request { session: SessionId(1), label: None, body };
        for _ in 0..2 {
            assert!(inbox.poll_offer(&mut cx, request(Body::Tick)).is_ok());
        }
        assert!(inbox.poll_offer(&mut cx, request(Body::Tick)).is_err());
        assert!(inbox.poll_offer(&mut cx, request(Body::Gone(Gone::Lost))).is_ok());
        let mut batch = VecDeque::new();
        assert!(inbox.poll_take(&mut cx, &mut batch).is_ready());
        assert_eq!(batch.len(), 3);
        assert!(inbox.poll_take(&mut cx, &mut batch).is_pending());
        assert!(inbox.poll_offer(&mut cx, request(Body::Tick)).is_ok());
        inbox.close();
        assert!(inbox.poll_offer(&mut cx, request(Body::Tick)).is_ok());
        batch.clear();
        assert!(inbox.poll_take(&mut cx, &mut batch).is_pending());
    }
}
