//! How sessions reach the hub.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
};

use slab::Slab;

use crate::{
    hub::{
        inbox::Inbox,
        outbox::Outbox,
        request::{Body, Gone, Request, SessionId},
    },
    ident::Nick,
};

/// How sessions reach the hub.
#[derive(Debug)]
pub struct Door {
    pub(super) inbox: Inbox,
    slots: Mutex<Slab<Arc<Outbox>>>,
}

impl Door {
    /// A door with an inbox of so many requests.
    pub fn new(inbox: usize) -> Self {
        Self { inbox: Inbox::new(inbox), slots: Mutex::default() }
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, Slab<Arc<Outbox>>> {
        // Nothing between lock and unlock can leave the slab half-changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new session its id. It is given back with [`Body::Gone`], which must follow.
    pub fn attach(&self, outbox: Arc<Outbox>) -> SessionId {
        // Fewer sessions than a u32 holds: each has an open file.
        SessionId(self.slots().insert(outbox) as u32)
    }

    /// Offers a request; see [`Inbox::poll_offer`].
    pub fn poll_offer(&self, cx: &mut Context<'_>, request: Request) -> Result<(), Request> {
        self.inbox.poll_offer(cx, request)
    }

    /// Says who has a certificate to come with.
    pub fn issued(&self, people: BTreeSet<Nick>) {
        self.insist(SessionId::NOBODY, Body::Issued(Arc::new(people)));
    }

    /// Says that a session's outbox is empty, which the hub wanted to know.
    pub fn drained(&self, session: SessionId) {
        self.insist(session, Body::Drained);
    }

    /// How many requests wait in the inbox.
    pub fn depth(&self) -> usize {
        self.inbox.depth()
    }

    #[cfg(test)]
    pub(in crate::hub) fn has_room(&self) -> bool {
        self.inbox.has_room()
    }

    /// Says that a session's connection has ended.
    pub fn gone(&self, session: SessionId, how: Gone) {
        self.insist(session, Body::Gone(how));
    }

    /// Hands in what is never turned away.
    fn insist(&self, session: SessionId, body: Body) {
        let request = Request { session, label: None, body };
        let _ = self.inbox.poll_offer(&mut Context::from_waker(Waker::noop()), request);
    }
}
