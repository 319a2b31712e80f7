//! What the hub counts of its work, for whoever reports it; nothing here changes what it does.

use std::time::Instant;

use super::{Hub, member::Member};
use crate::{
    hub::delivery::Delivery,
    platform::{clock, counters::Counters},
    protocol::caps::Dialect,
};

/// The messages that were put into outboxes since it was last counted, by when they came. Requests
/// that came together share a time, so that these are few.
#[derive(Default)]
pub(super) struct Tally(Vec<(Option<Instant>, u64)>);

impl Tally {
    /// Notes what is said.
    pub(super) fn note(&mut self, delivery: &Delivery, arrived: Option<Instant>) {
        // What the sender's other sessions get is the same message.
        let Delivery::Message { own: false, .. } = delivery else { return };
        match self.0.last_mut() {
            Some((time, count)) if *time == arrived => *count += 1,
            _ => self.0.push((arrived, 1)),
        }
    }

    /// Counts what was noted: the messages are in the outboxes now.
    pub(super) fn count(&mut self, counters: &Counters) {
        if self.0.is_empty() {
            return;
        }
        let now = clock::monotonic();
        for (arrived, count) in self.0.drain(..) {
            counters.messages.add(count);
            let took = arrived.map(|arrived| now.saturating_duration_since(arrived)).unwrap_or_default();
            counters.delivery_time.observe_many(took, count);
        }
    }
}

/// What a look at all sessions shows.
#[derive(Default)]
pub(super) struct Look {
    irc: u64,
    plain: u64,
    waiting: u64,
    waiting_most: u64,
    /// What waits in the outboxes and before them.
    pub(super) total: usize,
}

impl Look {
    pub(super) fn at(&mut self, member: &Member) {
        match member.shape.dialect {
            Dialect::Irc => self.irc += 1,
            Dialect::Plain => self.plain += 1,
        }
        let waiting = member.outbox.waiting() as u64;
        self.waiting += waiting;
        self.total += member.waiting();
        self.waiting_most = self.waiting_most.max(waiting);
    }
}

impl Hub {
    /// Sets the gauges, and shows that the hub is alive.
    pub(super) fn report(&self, look: &Look) {
        for (gauge, now) in [
            (&self.counters.irc, look.irc),
            (&self.counters.plain, look.plain),
            (&self.counters.waiting, look.waiting),
            (&self.counters.waiting_most, look.waiting_most),
            (&self.counters.present, self.state.present as u64),
            (&self.counters.rooms, self.state.rooms.len() as u64),
            (&self.counters.staged, self.staged.len() as u64),
            (&self.counters.beat_s, self.now_s.into()),
        ] {
            gauge.set(now);
        }
    }
}
