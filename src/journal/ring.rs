//! One conversation in memory, in its order: what pages are cut out of.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    ident::MsgId,
    protocol::{
        chat::Message,
        durable::{Bound, Conversation, Position},
        limits,
        past::{Content, Kept, Page, Range, Search},
    },
};

/// What an item costs beside what its sender wrote: its struct, reference counts, its places in
/// queues, and a conversation that holds nothing else.
const OVERHEAD: usize = 768;

/// The place of an item. What is taken back leaves its place behind, so that who pages by its id
/// still finds where he was.
#[derive(Debug)]
pub(super) struct Slot {
    pub position: Position,
    pub id: MsgId,
    time_ms: u64,
    /// Beside `kept`, so that looking for texts among events follows no pointer.
    pub text: bool,
    pub kept: Option<Kept>,
}

impl Slot {
    pub(super) fn weight(&self) -> usize {
        OVERHEAD + self.octets()
    }

    /// See [`Kept::heads`].
    pub(super) fn heads(&self) -> usize {
        self.kept.as_ref().map_or(0, Kept::heads)
    }

    /// See [`Kept::octets`].
    pub(super) fn octets(&self) -> usize {
        self.kept.as_ref().map_or(0, Kept::octets)
    }
}

/// A message that was looked for, and its place in the order.
type Hit = (Position, Arc<Message>);

/// The newest of what was found in conversations, as many as were asked for; the oldest first.
pub(super) fn newest_hits(
    search: &Search,
    rings: impl Iterator<Item = (Conversation, Vec<Hit>)>,
) -> Vec<(Conversation, Arc<Message>)> {
    let mut hits: Vec<(Conversation, Hit)> =
        rings.flat_map(|(conversation, hits)| hits.into_iter().map(move |hit| (conversation.clone(), hit))).collect();
    hits.sort_by_key(|(_, (position, message))| (*position, message.id));
    hits.drain(..hits.len().saturating_sub(search.most));
    hits.into_iter().map(|(conversation, (_, message))| (conversation, message)).collect()
}

/// The items, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Ring(VecDeque<Slot>);

impl Ring {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What all of it weighs.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(Slot::weight).sum()
    }

    /// When the oldest happened.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        self.0.front().map(|slot| slot.time_ms)
    }

    /// Adds an item; tells what it weighs.
    pub(super) fn push(&mut self, position: Position, kept: Kept) -> usize {
        let (id, time_ms, text) = (kept.id(), kept.time_ms(), kept.is_text());
        let slot = Slot { position, id, time_ms, text, kept: Some(kept) };
        let weight = slot.weight();
        self.0.push_back(slot);
        weight
    }

    /// Drops the oldest.
    pub(super) fn pop(&mut self) -> Option<Slot> {
        self.0.pop_front()
    }

    /// Where the oldest stands.
    pub(super) fn first(&self) -> Option<Position> {
        self.0.front().map(|slot| slot.position)
    }

    /// The part between two places, the first excluded, the second included; for [`Ring::span`].
    pub(super) fn between(&self, after: Position, until: Position) -> (usize, usize) {
        let place = |position| self.0.partition_point(|slot| slot.position <= position);
        (place(after), place(until))
    }

    /// A part.
    pub(super) fn span(&self, from: usize, to: usize) -> impl Iterator<Item = &Slot> {
        self.0.range(from.min(to)..to)
    }

    /// Drops what a message said; tells by how much the ring is lighter now.
    pub(super) fn redact(&mut self, id: MsgId) -> usize {
        let Some(slot) = self.0.iter_mut().rfind(|slot| slot.id == id) else { return 0 };
        let before = slot.weight();
        if matches!(slot.kept, Some(Kept::Message(_))) {
            slot.kept = None;
            slot.text = false;
        }
        before - slot.weight()
    }

    /// The message of this id, unless it was taken back.
    pub(super) fn find(&self, id: MsgId) -> Option<Arc<Message>> {
        match &self.0.iter().rfind(|slot| slot.id == id)?.kept {
            Some(Kept::Message(message)) => Some(Arc::clone(message)),
            _ => None,
        }
    }

    /// When the newest text was said that stands no later than `until` in the order.
    pub(super) fn newest_text_ms(&self, until: Position) -> Option<u64> {
        let end = self.0.partition_point(|slot| slot.position <= until);
        self.0.range(..end).rfind(|slot| slot.text).map(|slot| slot.time_ms)
    }

    /// The messages that are looked for and were said since this time, the newest first.
    /// `left`: how many octets may be looked through; where none are left, that is the end.
    pub(super) fn search<'a>(
        &'a self,
        search: &'a Search,
        since_ms: u64,
        left: &'a mut usize,
    ) -> impl Iterator<Item = Hit> + 'a {
        let first = self.0.partition_point(|slot| slot.time_ms < since_ms);
        let last = self.0.partition_point(|slot| slot.position <= search.until);
        let slots = self.0.range(first..last.max(first)).rev();
        let within = slots.take_while(|slot| {
            *left = left.saturating_sub(slot.octets());
            *left > 0
        });
        within.filter_map(|slot| match &slot.kept {
            Some(Kept::Message(message)) if search.finds(message) => Some((slot.position, Arc::clone(message))),
            _ => None,
        })
    }

    /// Cuts a page out.
    pub(super) fn page(&self, page: &Page) -> Vec<Kept> {
        let first = self.0.partition_point(|slot| slot.time_ms < page.since_ms);
        let last = self.0.partition_point(|slot| slot.position <= page.until);
        self.cut(page, first, last).unwrap_or_default()
    }

    /// `None`: a bound is nowhere.
    fn cut(&self, page: &Page, first: usize, last: usize) -> Option<Vec<Kept>> {
        let find = |bound| self.place(bound, last);
        let newest = |from, to| self.newest(page, first.max(from), last.min(to));
        let oldest = |from, to| self.oldest(page, first.max(from), last.min(to));
        Some(match page.range {
            Range::Latest(None) => newest(first, last),
            Range::Latest(Some(bound)) => newest(find(bound)?.1, last),
            Range::Before(bound) => newest(first, find(bound)?.0),
            Range::After(bound) => oldest(find(bound)?.1, last),
            Range::Around(bound) => {
                let (middle, _) = find(bound)?;
                let (mut older, mut newer) = (newest(first, middle), oldest(middle, last));
                newer.truncate(page.most - older.len().min(page.most / 2));
                older.drain(..older.len().saturating_sub(page.most - newer.len()));
                older.append(&mut newer);
                older
            }
            Range::Between(one, other) => {
                let (one, other) = (find(one)?, find(other)?);
                if one.0 <= other.0 { oldest(one.1, other.0) } else { newest(other.1, one.0) }
            }
        })
    }

    /// Where a bound stands: what is before it ends at the first index, what is after it starts at
    /// the second.
    fn place(&self, bound: Bound, last: usize) -> Option<(usize, usize)> {
        match bound {
            Bound::Nothing => None,
            Bound::Id(id) => {
                let at = self.0.range(..last).rposition(|slot| slot.id == id)?;
                Some((at, at + 1))
            }
            Bound::Time(time) => {
                let before = self.0.partition_point(|slot| slot.time_ms < time);
                Some((before, self.0.partition_point(|slot| slot.time_ms <= time)))
            }
        }
    }

    fn oldest(&self, page: &Page, from: usize, to: usize) -> Vec<Kept> {
        if from >= to { Vec::new() } else { taken(page, self.0.range(from..to)) }
    }

    fn newest(&self, page: &Page, from: usize, to: usize) -> Vec<Kept> {
        if from >= to {
            return Vec::new();
        }
        let mut found = taken(page, self.0.range(from..to).rev());
        found.reverse();
        found
    }
}

/// As much as a page holds of what it shows.
fn taken<'a>(page: &Page, slots: impl Iterator<Item = &'a Slot>) -> Vec<Kept> {
    let mut octets = 0;
    let fits = |slot: &&Slot| {
        octets += slot.octets() + slot.heads();
        octets <= limits::PAGE
    };
    let shown = slots.filter(|slot| match page.content {
        Content::Texts => slot.text,
        Content::Messages => matches!(slot.kept, Some(Kept::Message(_))),
        Content::Everything => slot.kept.is_some(),
    });
    shown.take(page.most).take_while(fits).filter_map(|slot| slot.kept.clone()).collect()
}
