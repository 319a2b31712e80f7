//! The journal of `--data none`: in memory, bounded, gone at the end.
//!
//! Every entry is committed at once. What makes up the state is not kept: the hub's own memory
//! lives exactly as long as this.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::{Context, Poll},
};

use super::{CommitError, Conversation, Durable, Entry, Log, Page, Position, Range, ReadError, Store};
use crate::protocol::chat::Message;

/// How much the memory journal keeps.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages of one conversation.
    pub per_conversation: usize,
    /// Octets of all messages, their overhead counted.
    pub bytes: usize,
    /// Age in milliseconds; older ones go as new ones come.
    pub age_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { per_conversation: 10_000, bytes: 64 << 20, age_ms: 30 * 86_400_000 }
    }
}

/// The backend.
#[derive(Debug, Default)]
pub struct Memory {
    bounds: Bounds,
    committed: Option<Position>,
    told: Option<Position>,
    conversations: HashMap<Conversation, VecDeque<Kept>>,
    /// Whose oldest message is the oldest of all; one element for each kept message.
    order: VecDeque<Conversation>,
    bytes: usize,
}

/// A message and its place in the order.
pub(super) type Kept = (Position, Arc<Message>);

/// What a message costs beside what its sender wrote: its struct, reference counts, its places in
/// queues, and a conversation that holds nothing else.
const OVERHEAD: usize = 512;

fn weight(message: &Message) -> usize {
    message.text.len() + message.tags.as_ref().map_or(0, |tags| tags.len()) + OVERHEAD
}

impl Memory {
    /// An empty journal with these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    fn keep(&mut self, position: Position, message: Arc<Message>) {
        let Some(conversation) = Conversation::of(&message) else { return };
        self.bytes += weight(&message);
        let oldest_kept = message.time_ms.saturating_sub(self.bounds.age_ms);
        let ring = self.conversations.entry(conversation.clone()).or_default();
        ring.push_back((position, message));
        if ring.len() > self.bounds.per_conversation {
            // Its place in `order` stays and is skipped when its turn comes.
            self.bytes -= ring.pop_front().map_or(0, |(_, old)| weight(&old));
        } else {
            self.order.push_back(conversation);
        }
        while let Some(first) = self.order.front() {
            let Some(ring) = self.conversations.get_mut(first) else {
                self.order.pop_front();
                continue;
            };
            let expired = ring.front().is_some_and(|(_, old)| old.time_ms < oldest_kept);
            if !expired && self.bytes <= self.bounds.bytes {
                break;
            }
            self.bytes -= ring.pop_front().map_or(0, |(_, old)| weight(&old));
            if ring.is_empty() {
                self.conversations.remove(first);
            }
            self.order.pop_front();
        }
    }

    fn forget(&mut self, conversation: &Conversation) {
        if let Some(ring) = self.conversations.remove(conversation) {
            self.bytes -= ring.iter().map(|(_, old)| weight(old)).sum::<usize>();
            self.order.retain(|other| other != conversation);
        }
    }
}

impl Log for Memory {
    fn append(&mut self, entry: Entry) {
        for event in entry.events {
            match event {
                Durable::Message(message) => self.keep(entry.position, message),
                Durable::RoomRemoved(room) => self.forget(&Conversation::Room(room)),
                _ => {}
            }
        }
        self.committed = Some(entry.position);
    }

    fn commit(&mut self) {}

    fn committed(&self) -> Option<Position> {
        self.committed
    }

    fn poll_committed(&mut self, _: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        match self.committed {
            Some(position) if self.told != self.committed => {
                self.told = self.committed;
                Poll::Ready(Ok(position))
            }
            _ => Poll::Pending,
        }
    }

    fn load(&mut self, _: &mut dyn FnMut(Durable)) -> Result<Option<Position>, ReadError> {
        Ok(self.committed)
    }
}

impl Store for Memory {
    fn page(&mut self, page: &Page) -> Result<Vec<Arc<Message>>, ReadError> {
        Ok(self.conversations.get(&page.conversation).map_or_else(Vec::new, |ring| page_of(ring, page)))
    }
}

/// Cuts a page out of a conversation in its order.
pub(super) fn page_of(ring: &VecDeque<Kept>, page: &Page) -> Vec<Arc<Message>> {
    let first = ring.partition_point(|(_, message)| message.time_ms < page.since_ms);
    let last = ring.partition_point(|(position, _)| *position <= page.until);
    let find = |id| ring.range(..last).rposition(|(_, message)| message.id == id);
    let (start, end) = match page.range {
        Range::Latest => (last.saturating_sub(page.most), last),
        Range::Before(id) => find(id).map_or((0, 0), |at| (at.saturating_sub(page.most), at)),
        Range::After(id) => find(id).map_or((0, 0), |at| (at + 1, last.min(at + 1 + page.most))),
    };
    let start = start.max(first);
    if start >= end { Vec::new() } else { ring.range(start..end).map(|(_, message)| Arc::clone(message)).collect() }
}

#[cfg(test)]
impl Memory {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
