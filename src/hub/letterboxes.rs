//! How many private messages wait for people who are not here. Counted since their last session, so
//! that nobody fills the journal with what nobody reads.

use std::collections::BTreeMap;

use crate::{ident::Nick, protocol::limits};

/// Those who are not here and for whom something waits.
#[derive(Debug, Default)]
pub(super) struct Letterboxes(BTreeMap<Nick, Letterbox>);

#[derive(Debug, Default)]
struct Letterbox {
    total: usize,
    from: BTreeMap<Nick, usize>,
}

/// Why no more goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Of this sender.
    OfHis,
    /// Of anybody.
    OfAll,
}

impl Letterboxes {
    /// One more message of this sender waits for this person, if it may.
    pub(super) fn put(&mut self, to: &Nick, from: &Nick) -> Result<(), Full> {
        let letterbox = self.0.entry(to.clone()).or_default();
        let his = letterbox.from.get(from).copied().unwrap_or_default();
        if his >= limits::WAITING_FROM_ONE {
            return Err(Full::OfHis);
        }
        if letterbox.total >= limits::WAITING {
            return Err(Full::OfAll);
        }
        letterbox.total += 1;
        letterbox.from.insert(from.clone(), his + 1);
        Ok(())
    }

    /// The person is here.
    pub(super) fn empty(&mut self, of: &Nick) {
        self.0.remove(of);
    }
}
