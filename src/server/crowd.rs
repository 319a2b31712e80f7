//! Everybody who is connected: to look at their certificates again, and to close them all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::sync::Notify;

use crate::{
    hub::{Cut, Outbox},
    tls::identity::Identity,
};

/// The connections that got through their handshake.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    inner: Mutex<Inner>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    people: Slab<(Arc<Outbox>, Arc<Identity>)>,
}

/// A connection's place in the crowd; left when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    crowd: Arc<Crowd>,
    key: usize,
}

impl Crowd {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing between lock and unlock can leave the slab half-changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(self: &Arc<Self>, outbox: Arc<Outbox>, identity: Arc<Identity>) -> Ticket {
        Ticket { key: self.lock().people.insert((outbox, identity)), crowd: Arc::clone(self) }
    }

    /// Cuts everybody for whom `judge` finds a reason and who is not cut already.
    pub(super) fn cut(&self, judge: impl Fn(&Identity) -> Option<Cut>) {
        let mut wakers = Vec::new();
        for (_, (outbox, identity)) in &self.lock().people {
            if !outbox.is_cut()
                && let Some(reason) = judge(identity)
            {
                wakers.extend(outbox.cut(reason));
            }
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Ends everybody who does not end already, after what is queued for him.
    pub(super) fn close_all(&self, reason: &str) {
        let goodbye = bytes::Bytes::from(format!("ERROR :{reason}\r\n"));
        let mut wakers = Vec::new();
        for (_, (outbox, _)) in &self.lock().people {
            wakers.extend(outbox.push(goodbye.clone()));
            wakers.extend(outbox.close());
        }
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Waits until nobody is left.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().people.is_empty() {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.crowd.lock();
        inner.people.try_remove(self.key);
        if inner.people.is_empty() {
            drop(inner);
            self.crowd.emptied.notify_waiters();
        }
    }
}
