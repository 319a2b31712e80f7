//! The names of sent messages in memory: for as long as they must be known, if there is room.

use std::collections::{HashMap, VecDeque};

use super::RESENT_MS;
use crate::{ident::Nick, protocol::durable::Sent};

/// So many names of one account at most: beyond, its oldest are forgotten before their time.
const PER_ACCOUNT: usize = 20_000;

/// So many in all (about 50 MiB): beyond, the oldest are.
const TOTAL: usize = 200_000;

/// What became of the messages that were sent under names.
#[derive(Debug, Default)]
pub(super) struct Names {
    accounts: HashMap<Nick, Account>,
    /// Whose oldest name is the oldest of all; one element for each name.
    order: VecDeque<Nick>,
}

#[derive(Debug, Default)]
struct Account {
    known: HashMap<Box<str>, Sent>,
    order: VecDeque<Box<str>>,
}

impl Account {
    /// Forgets the oldest.
    fn pop(&mut self) {
        if let Some(id) = self.order.pop_front() {
            self.known.remove(&id);
        }
    }

    fn oldest_ms(&self) -> Option<u64> {
        self.known.get(self.order.front()?).map(|sent| sent.time_ms)
    }
}

impl Names {
    pub(super) fn get(&self, account: &Nick, id: &str) -> Option<Sent> {
        self.accounts.get(account)?.known.get(id).copied()
    }

    pub(super) fn add(&mut self, account: &Nick, id: Box<str>, sent: Sent) {
        let names = self.accounts.entry(account.clone()).or_default();
        if names.known.insert(id.clone(), sent).is_some() {
            return;
        }
        names.order.push_back(id);
        if names.order.len() > PER_ACCOUNT {
            // Its place in `order` goes to the new one.
            names.pop();
        } else {
            self.order.push_back(account.clone());
        }
        let over = sent.time_ms.saturating_sub(RESENT_MS);
        while let Some(first) = self.order.front() {
            if let Some(names) = self.accounts.get_mut(first) {
                if self.order.len() <= TOTAL && names.oldest_ms().is_none_or(|oldest| oldest >= over) {
                    break;
                }
                names.pop();
                if names.order.is_empty() {
                    self.accounts.remove(first);
                }
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::MsgId;

    fn sent(n: u64) -> Sent {
        Sent { digest: [0; 32], message: MsgId::new(n, n.into()), time_ms: n }
    }

    #[test]
    fn names_are_forgotten_after_their_time_and_where_there_are_too_many() {
        let (alice, bob): (Nick, Nick) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let mut names = Names::default();
        names.add(&bob, "b".into(), sent(1));
        for n in 0..=PER_ACCOUNT as u64 {
            names.add(&alice, n.to_string().into(), sent(n + 2));
        }
        assert_eq!(names.get(&alice, "0"), None, "too many");
        assert_eq!(names.get(&alice, "1"), Some(sent(3)));
        assert_eq!(names.get(&bob, "b"), Some(sent(1)), "somebody else's take no place of his");
        assert_eq!(names.order.len(), PER_ACCOUNT + 1);

        let last = RESENT_MS + 3;
        names.add(&bob, "c".into(), sent(last));
        assert_eq!(names.get(&bob, "b"), None, "too old");
        assert_eq!(names.get(&alice, "1"), Some(sent(3)), "just within its time");
        names.add(&bob, "d".into(), sent(2 * last));
        assert_eq!((names.order.len(), names.accounts.len()), (1, 1));

        for n in 0..TOTAL as u64 + 1000 {
            let who: Nick = format!("x{}", n % 100).parse().unwrap();
            names.add(&who, n.to_string().into(), sent(2 * last + n));
        }
        assert_eq!(names.order.len(), TOTAL);
        assert_eq!(names.accounts.values().map(|names| names.known.len()).sum::<usize>(), TOTAL);
        assert_eq!(names.get(&bob, "d"), None);
    }
}
