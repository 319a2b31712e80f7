//! What waits for all sessions together is bounded too: where it is too much, those go first for whom
//! the most waits. Who has little waiting is never cut for what others leave.
//!
//! Octets that many share are counted for each of them: what is bounded is never less than the memory.

use super::Hub;
use crate::hub::outbox::Cut;

/// After so many requests it is counted what waits, besides once a second.
const REQUESTS: usize = 1024;

/// Nobody is cut for whom less waits than this: whoever reads has that at times.
const LITTLE: usize = 64 << 10;

/// How much may wait, and when to look.
pub(super) struct Total {
    bound: usize,
    /// Requests since it was last counted.
    requests: usize,
}

impl Default for Total {
    fn default() -> Self {
        Self { bound: usize::MAX, requests: 0 }
    }
}

impl Total {
    /// So many requests are done.
    pub(super) const fn done(&mut self, requests: usize) {
        self.requests += requests;
    }
}

impl Hub {
    /// No more than so many octets wait for all sessions together.
    #[must_use]
    pub fn with_total(self, bound: usize) -> Self {
        Self { total: Total { bound, requests: 0 }, ..self }
    }

    /// Counts now and then what waits. Sessions have had their turn since the hub's last: what is there
    /// now is what they do not take.
    pub(super) fn count_total(&mut self) {
        if self.total.requests >= REQUESTS {
            let waiting = self.members.iter().flatten().map(super::Member::waiting).sum();
            self.bound_total(waiting);
        }
    }

    /// So much waits for all.
    pub(super) fn bound_total(&mut self, mut waiting: usize) {
        self.total.requests = 0;
        if waiting <= self.total.bound {
            return;
        }
        let of = |(at, member): (usize, &Option<super::Member>)| Some((member.as_ref()?.waiting(), at));
        let mut most: Vec<(usize, usize)> =
            self.members.iter().enumerate().filter_map(of).filter(|(waits, _)| *waits >= LITTLE).collect();
        most.sort_unstable();
        // Room for a while, so that this is done seldom.
        let enough = self.total.bound - self.total.bound / 4;
        while waiting > enough
            && let Some((waits, at)) = most.pop()
        {
            if let Some(Some(member)) = self.members.get_mut(at) {
                waiting -= waits;
                self.wakers.extend(member.cut(Cut::Largest));
            }
        }
    }
}
