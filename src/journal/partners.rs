//! Who has spoken with whom.

use std::collections::{BTreeSet, HashMap};

use crate::{ident::Nick, protocol::durable::Conversation};

/// Who has spoken with whom, both ways.
#[derive(Debug, Default)]
pub(super) struct Partners(HashMap<Nick, BTreeSet<Nick>>);

impl Partners {
    pub(super) fn add(&mut self, conversation: &Conversation) {
        if let Conversation::Pair(one, other) = conversation {
            self.0.entry(one.clone()).or_default().insert(other.clone());
            self.0.entry(other.clone()).or_default().insert(one.clone());
        }
    }

    pub(super) fn remove(&mut self, conversation: &Conversation) {
        let Conversation::Pair(one, other) = conversation else { return };
        for (one, other) in [(one, other), (other, one)] {
            if let Some(partners) = self.0.get_mut(one) {
                partners.remove(other);
                if partners.is_empty() {
                    self.0.remove(one);
                }
            }
        }
    }

    /// The conversations of an account.
    pub(super) fn of(&self, account: &Nick) -> impl Iterator<Item = Conversation> {
        let partners = self.0.get(account).into_iter().flatten();
        partners.map(|other| Conversation::between(account.clone(), other.clone()))
    }

    /// How many people there are.
    #[cfg(test)]
    pub(super) fn people(&self) -> usize {
        self.0.len()
    }
}
