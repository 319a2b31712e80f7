//! The journal of `--data none`: in memory, bounded, gone at the end.
//!
//! Every entry is committed at once. What makes up the state is not kept: the hub's own memory
//! lives exactly as long as this.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    CommitError, Last, Log, ReadError, Retention, Store, Ticket,
    names::Names,
    partners::Partners,
    prompt::Prompt,
    ring::{Ring, newest_hits},
    unread::{Expired, Memberships, Shelf},
};
use crate::{
    ident::{MsgId, Nick},
    protocol::{
        chat::Message,
        durable::{Conversation, Durable, Position, Sent},
        past::{Answer, Kept, Newest, Page, Question, Search, Unread},
    },
};

/// How much the memory journal keeps.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages and events of one conversation.
    pub per_conversation: usize,
    /// The same, of all together.
    pub total: usize,
    /// Octets of all of them, their overhead counted.
    pub bytes: usize,
    /// Age in milliseconds; older ones go as new ones come.
    pub age_ms: u64,
}

/// So many octets of texts are looked through in one search, which nobody waits for long: more than all
/// there is, unless somebody fills it with long ones.
const SEARCHED: usize = 16 << 20;

impl Default for Bounds {
    fn default() -> Self {
        Self { per_conversation: 10_000, total: usize::MAX, bytes: 64 << 20, age_ms: 30 * 86_400_000 }
    }
}

impl From<Retention> for Bounds {
    /// As much as is wanted, and as there is memory for.
    fn from(retention: Retention) -> Self {
        let bounds = Self::default();
        let count = |wanted: Option<u64>| wanted.map(|wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
        Self {
            per_conversation: count(retention.per_conversation).unwrap_or(bounds.per_conversation),
            total: count(retention.total).unwrap_or(bounds.total),
            bytes: bounds.bytes,
            age_ms: retention.age_ms.unwrap_or(u64::MAX),
        }
    }
}

/// The backend.
#[derive(Debug, Default)]
pub struct Memory {
    bounds: Bounds,
    committed: Option<Last>,
    told: Option<Position>,
    conversations: HashMap<Conversation, Ring>,
    partners: Partners,
    names: Names,
    /// Whose oldest item is the oldest of all; one element for each kept item.
    order: VecDeque<Conversation>,
    /// How many elements of `order` are left of rooms that are gone.
    stale: usize,
    bytes: usize,
    memberships: Memberships,
    expired: Expired,
    prompt: Prompt,
}

impl Memory {
    /// An empty journal with these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    fn keep(&mut self, position: Position, conversation: Conversation, kept: Kept) {
        let oldest_kept = kept.time_ms().saturating_sub(self.bounds.age_ms);
        let ring = match self.conversations.entry(conversation.clone()) {
            Entry::Occupied(ring) => ring.into_mut(),
            Entry::Vacant(place) => {
                self.partners.add(&conversation);
                place.insert(Ring::default())
            }
        };
        self.bytes += ring.push(position, kept);
        if ring.len() > self.bounds.per_conversation {
            // Its place in `order` stays and is skipped when its turn comes.
            self.bytes -= drop_oldest(ring, &conversation, &mut self.expired);
        } else {
            self.order.push_back(conversation);
        }
        while let Some(first) = self.order.front() {
            let Some(ring) = self.conversations.get_mut(first) else {
                self.order.pop_front();
                self.stale = self.stale.saturating_sub(1);
                continue;
            };
            let expired = ring.oldest_ms().is_some_and(|oldest| oldest < oldest_kept);
            let many = self.order.len() - self.stale > self.bounds.total;
            if !expired && !many && self.bytes <= self.bounds.bytes {
                break;
            }
            self.bytes -= drop_oldest(ring, first, &mut self.expired);
            if ring.len() == 0 {
                self.conversations.remove(first);
                self.partners.remove(first);
            }
            self.order.pop_front();
        }
    }

    fn forget(&mut self, conversation: &Conversation) {
        if let Some(ring) = self.conversations.remove(conversation) {
            self.bytes -= ring.weight();
            // To look through all for each room that goes would be work for whoever makes and leaves
            // rooms: they are as many as the rest first. Numbers of rooms are never given again.
            self.stale += ring.len();
            if self.stale > self.order.len() / 2 {
                self.order.retain(|other| self.conversations.contains_key(other));
                self.stale = 0;
            }
        }
    }
}

/// Tells what it weighed.
fn drop_oldest(ring: &mut Ring, conversation: &Conversation, expired: &mut Expired) -> usize {
    ring.pop().map_or(0, |slot| {
        if slot.text {
            expired.add(conversation, slot.position);
        }
        slot.weight()
    })
}

impl Log for Memory {
    fn append(&mut self, entry: super::Entry) {
        for event in entry.events {
            match event {
                Durable::Message(message) => {
                    let Some(conversation) = Conversation::of(&message) else { continue };
                    self.keep(entry.position, conversation, Kept::Message(message));
                }
                Durable::Event(room, event) => {
                    self.keep(entry.position, Conversation::Room(room), Kept::Event(event));
                }
                Durable::Redacted(conversation, id) => {
                    if let Some(ring) = self.conversations.get_mut(&conversation) {
                        self.bytes -= ring.redact(id);
                    }
                }
                Durable::Sent { account, id, sent } => self.names.add(&account, id, sent),
                Durable::RoomRemoved(room) => {
                    let conversation = Conversation::Room(room);
                    self.forget(&conversation);
                    self.expired.forget(&conversation);
                    self.memberships.forget(room);
                }
                Durable::Joined { room, account, .. } => self.memberships.joined(room, account, entry.position),
                Durable::Left { room, account } => {
                    let conversations = &self.conversations;
                    let oldest = |room| conversations.get(&Conversation::Room(room)).and_then(Ring::first);
                    self.memberships.left(room, &account, entry.position, oldest);
                }
                _ => {}
            }
        }
        self.committed = Some(Last { position: entry.position, time_ms: entry.time_ms });
    }

    fn commit(&mut self) {}

    fn committed(&self) -> Option<Position> {
        self.committed.map(|last| last.position)
    }

    fn poll_committed(&mut self, _: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        match self.committed {
            Some(last) if self.told != Some(last.position) => {
                self.told = Some(last.position);
                Poll::Ready(Ok(last.position))
            }
            _ => Poll::Pending,
        }
    }

    fn load(&mut self, _: &mut dyn FnMut(Durable)) -> Result<Option<Last>, ReadError> {
        Ok(self.committed)
    }
}

impl Store for Memory {
    fn ask(&mut self, ticket: Ticket, question: Question) {
        let answer = match &question {
            Question::Page(page) => Ok(Answer::Page(self.page(page))),
            Question::Newest(newest) => Ok(Answer::Newest(self.newest(newest))),
            Question::Search(search) => self.search(search).map(Answer::Search),
            Question::Survey(unread, most) => Ok(Answer::Survey(self.shelf(unread).survey(unread, *most))),
            Question::Unread(unread, most) => Ok(Answer::Unread(self.shelf(unread).page(unread, *most))),
        };
        self.prompt.answer(ticket, answer);
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        self.prompt.poll(cx)
    }

    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError> {
        Ok(self.conversations.get(conversation).and_then(|ring| ring.find(id)))
    }

    fn sent(&mut self, account: &Nick, id: &str) -> Result<Option<Sent>, ReadError> {
        Ok(self.names.get(account, id))
    }
}

impl Memory {
    fn shelf(&self, unread: &Unread) -> Shelf<'_> {
        let Self { conversations, memberships, expired, partners, .. } = self;
        Shelf { conversations, memberships, expired, pairs: partners.of(&unread.account).collect() }
    }

    fn page(&self, page: &Page) -> Vec<Kept> {
        self.conversations.get(&page.conversation).map_or_else(Vec::new, |ring| ring.page(page))
    }

    fn newest(&self, newest: &Newest) -> Vec<(Conversation, u64)> {
        let rooms = newest.rooms.iter().map(|&(room, since_ms)| (Conversation::Room(room), since_ms));
        let pairs = self.partners.of(&newest.account).map(|pair| (pair, 0));
        let mut found: Vec<(Conversation, u64)> = rooms
            .chain(pairs)
            .filter_map(|(conversation, since_ms)| {
                let time_ms = self.conversations.get(&conversation)?.newest_text_ms(newest.until)?;
                (time_ms >= since_ms && newest.holds(time_ms)).then_some((conversation, time_ms))
            })
            .collect();
        newest.cut(&mut found);
        found
    }

    fn search(&self, search: &Search) -> Result<Vec<(Conversation, Arc<Message>)>, ReadError> {
        let rooms = search.rooms.iter().map(|&(room, _)| Conversation::Room(room));
        let all = rooms.chain(self.partners.of(&search.account));
        let mut left = SEARCHED;
        let found: Vec<_> = all
            .filter_map(|conversation| {
                let since_ms = search.reads(&conversation)?;
                let ring = self.conversations.get(&conversation)?;
                let hits = ring.search(search, since_ms, &mut left).take(search.most).collect();
                Some((conversation, hits))
            })
            .collect();
        match left {
            0 => Err(ReadError("there is too much to look through at once".into())),
            _ => Ok(newest_hits(search, found.into_iter())),
        }
    }
}

#[cfg(test)]
impl Memory {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn stays(&self) -> usize {
        self.memberships.len()
    }

    pub(super) fn places(&self) -> usize {
        self.order.len()
    }

    pub(super) fn partners(&self) -> usize {
        self.partners.people()
    }
}
