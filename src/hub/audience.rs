//! Sessions that hear the same thing.
//!
//! Of a large room there is a picture for each request that waits for its commit. So an audience is kept
//! in blocks, which such pictures share: one that changes copies one block and the list of them, and where
//! two pictures differ is found by looking at the blocks that they do not share.

use std::{cmp::Ordering, fmt, sync::Arc};

use super::request::SessionId;

/// A block that would be larger is divided.
const MOST: usize = 256;

type Block = Arc<Vec<SessionId>>;

/// Sessions that hear the same thing, each once, in the order of their numbers; a clone shares all of them.
#[derive(Clone, Default)]
pub struct Audience {
    /// None of them is empty.
    blocks: Arc<Vec<Block>>,
    len: usize,
}

/// What is different in a newer picture of an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The session is there only now.
    Came(SessionId),
    /// The session is there no longer.
    Went(SessionId),
}

impl Audience {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nobody.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is known at once to be the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = SessionId> + Clone {
        self.blocks.iter().flat_map(|block| block.iter().copied())
    }

    /// Whether the session is among them.
    pub fn contains(&self, session: SessionId) -> bool {
        self.blocks.get(self.block_for(session)).is_some_and(|block| block.binary_search(&session).is_ok())
    }

    /// Adds a session.
    pub fn insert(&mut self, session: SessionId) {
        if self.contains(session) {
            return;
        }
        let at = self.block_for(session).min(self.blocks.len().saturating_sub(1));
        let blocks = Arc::make_mut(&mut self.blocks);
        self.len += 1;
        let Some(block) = blocks.get_mut(at) else { return blocks.push(Arc::new(vec![session])) };
        let block = Arc::make_mut(block);
        let place = block.binary_search(&session).unwrap_or_else(|place| place);
        block.insert(place, session);
        if block.len() > MOST {
            // Numbers are given away in order: who comes last is mostly the greatest.
            let upper = block.split_off(if place + 1 == block.len() { place } else { MOST / 2 });
            blocks.insert(at + 1, Arc::new(upper));
        }
    }

    /// Takes a session out.
    pub fn remove(&mut self, session: SessionId) {
        let at = self.block_for(session);
        let Some(Ok(place)) = self.blocks.get(at).map(|block| block.binary_search(&session)) else { return };
        self.len -= 1;
        let blocks = Arc::make_mut(&mut self.blocks);
        Arc::make_mut(&mut blocks[at]).remove(place);
        if blocks[at].is_empty() {
            blocks.remove(at);
        }
    }

    /// The block in which the session is, if it is in any.
    fn block_for(&self, session: SessionId) -> usize {
        self.blocks.partition_point(|block| block.last().is_some_and(|last| *last < session))
    }

    /// Who has come and who has gone until `newer`.
    pub(super) fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if Arc::ptr_eq(&self.blocks, &newer.blocks) {
            return changes;
        }
        let (mut old, mut new) = (Cursor::of(self), Cursor::of(newer));
        loop {
            if old.at == 0 && new.at == 0 && old.shares_block(&new) {
                (old.block, new.block) = (old.block + 1, new.block + 1);
                continue;
            }
            match (old.session(), new.session()) {
                (None, None) => return changes,
                (Some(before), Some(now)) => match before.cmp(&now) {
                    Ordering::Equal => {
                        old.go_on();
                        new.go_on();
                    }
                    Ordering::Less => changes.push(Change::Went(old.take(before))),
                    Ordering::Greater => changes.push(Change::Came(new.take(now))),
                },
                (Some(before), None) => changes.push(Change::Went(old.take(before))),
                (None, Some(now)) => changes.push(Change::Came(new.take(now))),
            }
        }
    }
}

/// A place in an audience.
struct Cursor<'a> {
    blocks: &'a [Block],
    block: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn of(audience: &'a Audience) -> Self {
        Self { blocks: &audience.blocks, block: 0, at: 0 }
    }

    fn shares_block(&self, other: &Self) -> bool {
        let blocks = self.blocks.get(self.block).zip(other.blocks.get(other.block));
        blocks.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    fn session(&self) -> Option<SessionId> {
        self.blocks.get(self.block)?.get(self.at).copied()
    }

    fn go_on(&mut self) {
        self.at += 1;
        if self.blocks.get(self.block).is_some_and(|block| block.len() == self.at) {
            (self.block, self.at) = (self.block + 1, 0);
        }
    }

    fn take(&mut self, session: SessionId) -> SessionId {
        self.go_on();
        session
    }
}

impl FromIterator<SessionId> for Audience {
    fn from_iter<I: IntoIterator<Item = SessionId>>(sessions: I) -> Self {
        let mut all: Vec<SessionId> = sessions.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        let blocks = if all.len() <= MOST {
            // No copy, and none at all for nobody.
            Some(all).filter(|all| !all.is_empty()).map(Arc::new).into_iter().collect::<Vec<_>>()
        } else {
            all.chunks(MOST).map(|chunk| Arc::new(chunk.to_vec())).collect()
        };
        Self { len: blocks.iter().map(|block| block.len()).sum(), blocks: Arc::new(blocks) }
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a set; and the changes between two pictures are what made one of the other.
        #[test]
        fn it_is_a_set_and_knows_what_changed(
            start in proptest::collection::btree_set(0..3000u32, 0..2000),
            story in proptest::collection::vec((any::<bool>(), 0..3000u32), 0..400),
        ) {
            let old: Audience = start.iter().copied().map(SessionId).collect();
            let (mut audience, mut expect) = (old.clone(), start.clone());
            for (comes, n) in story {
                if comes {
                    audience.insert(SessionId(n));
                    expect.insert(n);
                } else {
                    audience.remove(SessionId(n));
                    expect.remove(&n);
                }
                prop_assert_eq!(audience.contains(SessionId(n)), comes);
                prop_assert_eq!(audience.len(), expect.len());
            }
            prop_assert!(audience.iter().map(|id| id.0).eq(expect.iter().copied()));
            prop_assert!(old.iter().map(|id| id.0).eq(start.iter().copied()), "a picture stays as it was");
            prop_assert!(audience.blocks.iter().all(|block| (1..=MOST).contains(&block.len())));
            let (mut came, mut went) = (BTreeSet::new(), BTreeSet::new());
            for change in old.changes(&audience) {
                let new = match change {
                    Change::Came(id) => came.insert(id.0),
                    Change::Went(id) => went.insert(id.0),
                };
                prop_assert!(new, "each is told once");
            }
            prop_assert!(came.iter().eq(expect.difference(&start)));
            prop_assert!(went.iter().eq(start.difference(&expect)));
        }
    }

    #[test]
    fn pictures_share_what_is_the_same() {
        let old: Audience = (0..10_000).map(SessionId).collect();
        let mut new = old.clone();
        new.remove(SessionId(5000));
        new.insert(SessionId(20_000));
        let shared = old.blocks.iter().zip(new.blocks.iter()).filter(|(old, new)| Arc::ptr_eq(old, new)).count();
        assert!(shared + 2 >= old.blocks.len(), "{shared} of {}", old.blocks.len());
        assert_eq!(old.changes(&new), [Change::Went(SessionId(5000)), Change::Came(SessionId(20_000))]);
    }
}
