//! What is unread, for a backend that has everything in memory: who was a member of which room when,
//! what is no longer kept, and the conversations of an account as one line in the order of everything.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    iter::Peekable,
};

use super::{
    STAYS,
    partners::Partners,
    ring::{Ring, Slot},
};
use crate::{
    ident::{MsgId, Nick, RoomId},
    protocol::{
        durable::{Conversation, Position},
        limits,
        past::{Content, Kept, Survey, Unread, UnreadPage},
    },
};

/// Of so many conversations is known what of them is no longer kept, at most.
const CONVERSATIONS: usize = 10_000;

/// In so many parts at most.
const RUNS: usize = 16;

/// A time as a member, both ends included.
#[derive(Clone, Copy, Debug)]
struct Stay {
    from: Position,
    to: Option<Position>,
}

/// Who was a member of which room when.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    rooms: HashMap<RoomId, HashMap<Nick, VecDeque<Stay>>>,
    /// How many have left since it was last looked for what is of no use any more.
    left: usize,
}

impl Memberships {
    pub(super) fn joined(&mut self, room: RoomId, account: Nick, at: Position) {
        let stays = self.rooms.entry(room).or_default().entry(account).or_default();
        if stays.back().is_some_and(|stay| stay.to.is_none()) {
            return;
        }
        if stays.len() == STAYS {
            stays.pop_front();
        }
        stays.push_back(Stay { from: at, to: None });
    }

    /// `oldest`: where the oldest that is kept of a room stands.
    pub(super) fn left(
        &mut self,
        room: RoomId,
        account: &Nick,
        at: Position,
        oldest: impl Fn(RoomId) -> Option<Position>,
    ) {
        let stays = self.rooms.get_mut(&room).and_then(|room| room.get_mut(account));
        if let Some(stay) = stays.and_then(|stays| stays.back_mut()).filter(|stay| stay.to.is_none()) {
            stay.to = Some(at);
        }
        self.left += 1;
        // To look through all each time would be work for whoever comes and goes.
        if self.left > 1024 + self.rooms.values().map(HashMap::len).sum::<usize>() {
            self.left = 0;
            for (&room, accounts) in &mut self.rooms {
                let oldest = oldest(room);
                let of_use = |stay: &Stay| stay.to.is_none_or(|to| oldest.is_some_and(|oldest| to >= oldest));
                accounts.values_mut().for_each(|stays| stays.retain(of_use));
                accounts.retain(|_, stays| !stays.is_empty());
            }
        }
    }

    pub(super) fn forget(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }

    /// Of how many times is known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rooms.values().flat_map(HashMap::values).map(VecDeque::len).sum()
    }

    fn of(&self, room: RoomId, account: &Nick) -> impl Iterator<Item = Stay> {
        self.rooms.get(&room).and_then(|room| room.get(account)).into_iter().flatten().copied()
    }
}

/// Texts that are no longer kept, the oldest first: parts, each with the place of its last text and
/// how many there were.
#[derive(Debug, Default)]
struct Runs(VecDeque<(Position, u64)>);

impl Runs {
    fn add(&mut self, last: Position, texts: u64) {
        self.0.push_back((last, texts));
        while self.0.len() > RUNS {
            // The two neighbours that are least become one: no part is much larger than the others.
            let pairs = self.0.iter().zip(self.0.iter().skip(1)).map(|(one, other)| one.1 + other.1);
            let Some((at, sum)) = pairs.enumerate().min_by_key(|&(_, sum)| sum) else { return };
            self.0.remove(at);
            self.0[at].1 = sum;
        }
    }

    fn last(&self) -> Position {
        self.0.back().map(|&(last, _)| last).unwrap_or_default()
    }

    fn after(&self, after: Position) -> u64 {
        self.0.iter().filter(|&&(last, _)| last > after).map(|&(_, texts)| texts).sum()
    }
}

/// How many texts are no longer kept.
#[derive(Debug, Default)]
pub(super) struct Expired {
    of: HashMap<Conversation, Runs>,
    partners: Partners,
    /// Of conversations of which no more is known: counted for everybody, so that nobody's are
    /// too few.
    others: Runs,
}

impl Expired {
    pub(super) fn add(&mut self, conversation: &Conversation, last: Position) {
        if let Some(runs) = self.of.get_mut(conversation) {
            return runs.add(last, 1);
        }
        if self.of.len() >= CONVERSATIONS {
            let mut all: Vec<(Conversation, Runs)> = self.of.drain().collect();
            all.sort_by_key(|(_, runs)| runs.last());
            let newer = all.split_off(all.len() / 2);
            for (conversation, runs) in all {
                self.partners.remove(&conversation);
                let texts = runs.after(Position::default());
                self.others.add(runs.last(), texts);
            }
            self.of.extend(newer);
        }
        self.partners.add(conversation);
        self.of.entry(conversation.clone()).or_default().add(last, 1);
    }

    pub(super) fn forget(&mut self, conversation: &Conversation) {
        self.of.remove(conversation);
    }

    fn after(&self, conversation: &Conversation, after: Position) -> u64 {
        self.of.get(conversation).map_or(0, |runs| runs.after(after))
    }
}

/// What a question is answered from.
pub(super) struct Shelf<'a> {
    pub conversations: &'a HashMap<Conversation, Ring>,
    pub memberships: &'a Memberships,
    pub expired: &'a Expired,
    /// The account's conversations with others.
    pub pairs: Vec<Conversation>,
}

impl Shelf<'_> {
    pub(super) fn survey(&self, unread: &Unread, most: usize) -> Survey {
        let mut texts: Vec<Position> = Vec::new();
        for line in self.lines(unread) {
            texts.extend(line.slots().filter(|slot| slot.text && counts(slot, unread)).map(|slot| slot.position));
        }
        texts.sort_unstable();
        let skipped = texts.len().saturating_sub(most);
        let from = skipped.checked_sub(1).map_or(unread.after, |last| texts[last]);
        Survey { total: texts.len() as u64, expired: self.gone(unread), from }
    }

    fn gone(&self, unread: &Unread) -> u64 {
        let pairs = self.expired.partners.of(&unread.account);
        let pairs: u64 = pairs.map(|pair| self.expired.after(&pair, unread.after)).sum();
        let rooms = unread.rooms.iter().map(|&room| {
            let stays = self.memberships.of(room, &unread.account);
            // What was gone before he came was not his.
            match stays.map(|stay| stay.from).min() {
                Some(first) => self.expired.after(&Conversation::Room(room), unread.after.max(before(first))),
                None => 0,
            }
        });
        pairs + rooms.sum::<u64>() + self.expired.others.after(unread.after)
    }

    pub(super) fn page(&self, unread: &Unread, most: usize) -> UnreadPage {
        let mut page = UnreadPage { kept: Vec::new(), end: unread.until, complete: true };
        let (mut octets, mut last, mut group) = (0, unread.after, Vec::new());
        let mut line = Merged::of(self.lines(unread), unread).peekable();
        while let Some((conversation, slot)) = line.next() {
            let at = slot.position;
            octets += slot.octets() + slot.heads();
            group.extend(slot.kept.clone().map(|kept| (conversation.clone(), kept)));
            if line.peek().is_some_and(|(_, next)| next.position == at) {
                continue;
            }
            // All of one position is there.
            if !page.kept.is_empty() && (page.kept.len() + group.len() > most || octets > limits::PAGE) {
                return UnreadPage { end: last, complete: false, ..page };
            }
            page.kept.append(&mut group);
            last = at;
        }
        page
    }

    /// The parts of each conversation that are the question's.
    fn lines(&self, unread: &Unread) -> Vec<Line<'_>> {
        let spans = |conversation: Conversation, stays: &mut dyn Iterator<Item = Stay>| {
            let (conversation, ring) = self.conversations.get_key_value(&conversation)?;
            let spans = stays.map(|stay| {
                let until = stay.to.map_or(unread.until, |to| to.min(unread.until));
                ring.between(unread.after.max(before(stay.from)), until)
            });
            Some(Line { conversation, ring, spans: spans.filter(|(from, to)| from < to).collect() })
        };
        let rooms = unread
            .rooms
            .iter()
            .filter_map(|&room| spans(Conversation::Room(room), &mut self.memberships.of(room, &unread.account)));
        let always = || std::iter::once(Stay { from: Position::default(), to: None });
        let pairs = self.pairs.iter().filter_map(|pair| spans(pair.clone(), &mut always()));
        rooms.chain(pairs).collect()
    }
}

/// The place before another.
const fn before(at: Position) -> Position {
    match at.sequence.checked_sub(1) {
        Some(sequence) => Position { sequence, ..at },
        None if at.epoch > 0 => Position { epoch: at.epoch - 1, sequence: u64::MAX },
        None => at,
    }
}

/// Whether it is among what was asked for, were it a text.
fn counts(slot: &Slot, unread: &Unread) -> bool {
    match (&slot.kept, &unread.except) {
        (Some(Kept::Message(message)), Some(except)) => {
            let from_here = message.device == except.device && message.client == except.client;
            !from_here || message.source.nick != unread.account
        }
        (kept, _) => kept.is_some(),
    }
}

fn shown(slot: &Slot, unread: &Unread) -> bool {
    let content = match unread.content {
        Content::Texts => slot.text,
        Content::Messages => matches!(slot.kept, Some(Kept::Message(_))),
        Content::Everything => true,
    };
    content && counts(slot, unread)
}

/// Parts of one conversation.
struct Line<'a> {
    conversation: &'a Conversation,
    ring: &'a Ring,
    spans: Vec<(usize, usize)>,
}

impl<'a> Line<'a> {
    fn slots(self) -> impl Iterator<Item = &'a Slot> {
        let ring = self.ring;
        self.spans.into_iter().flat_map(move |(from, to)| ring.span(from, to))
    }
}

/// What is left of a conversation.
type Slots<'a> = Peekable<Box<dyn Iterator<Item = &'a Slot> + 'a>>;

/// Several conversations as one line.
struct Merged<'a> {
    lines: Vec<(&'a Conversation, Slots<'a>)>,
    /// The next of each line: where it stands, and which line it is.
    next: BinaryHeap<Reverse<(Position, MsgId, usize)>>,
}

impl<'a> Merged<'a> {
    fn of(lines: Vec<Line<'a>>, unread: &'a Unread) -> Self {
        let mut merged = Self { lines: Vec::new(), next: BinaryHeap::new() };
        for line in lines {
            let conversation = line.conversation;
            let slots: Box<dyn Iterator<Item = &'a Slot> + 'a> =
                Box::new(line.slots().filter(|slot| shown(slot, unread)));
            merged.lines.push((conversation, slots.peekable()));
            merged.queue(merged.lines.len() - 1);
        }
        merged
    }

    fn queue(&mut self, line: usize) {
        if let Some(slot) = self.lines[line].1.peek() {
            self.next.push(Reverse((slot.position, slot.id, line)));
        }
    }
}

impl<'a> Iterator for Merged<'a> {
    type Item = (&'a Conversation, &'a Slot);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, _, line)) = self.next.pop()?;
        let (conversation, slots) = &mut self.lines[line];
        let found = (*conversation, slots.next()?);
        self.queue(line);
        Some(found)
    }
}
