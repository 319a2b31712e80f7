//! The batches that are open on a connection (IRCv3 `batch`): which answer or replay a line is part of.

use std::collections::HashMap;

use crate::protocol::Message;

/// How many may be open at once: no server of ours opens more than a few.
const MOST: usize = 256;

/// The open batches, by their names.
#[derive(Debug, Default)]
pub(super) struct Batches {
    open: HashMap<String, Batch>,
}

#[derive(Debug)]
struct Batch {
    /// The label of the request that the batch answers.
    label: Option<String>,
    /// The batch that it is in.
    parent: Option<String>,
    purpose: Purpose,
}

/// Why lines are in a batch that were said earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// They are not, or are an answer.
    Other,
    /// It is played back what was missed.
    Replay,
    /// They were looked for.
    Found,
}

impl Batches {
    /// Opens or closes the batch that a BATCH message tells of. An answer that is complete with it:
    /// its label.
    pub(super) fn take(&mut self, message: &Message<'_>) -> Option<String> {
        let name = message.params.nth(0)?;
        if let Some(name) = name.strip_prefix('+') {
            if self.open.len() < MOST {
                self.open.insert(name.to_owned(), Batch::of(message));
            }
            None
        } else {
            self.open.remove(name.strip_prefix('-')?)?.label
        }
    }

    /// The label of the answer that a line in the batch of this name is part of.
    pub(super) fn label(&self, name: Option<&str>) -> Option<&str> {
        self.around(name).find_map(|batch| batch.label.as_deref())
    }

    /// Whether a line in the batch of this name was said earlier.
    pub(super) fn is_replay(&self, name: Option<&str>) -> bool {
        self.around(name).any(|batch| batch.purpose == Purpose::Replay)
    }

    /// Whether a line in the batch of this name was looked for.
    pub(super) fn is_found(&self, name: Option<&str>) -> bool {
        self.around(name).any(|batch| batch.purpose == Purpose::Found)
    }

    /// The batch of this name and those that it is in.
    fn around(&self, name: Option<&str>) -> impl Iterator<Item = &Batch> {
        let first = name.and_then(|name| self.open.get(name));
        // A parent is opened before its child: a circle would need a server that lies.
        std::iter::successors(first, |batch| self.open.get(batch.parent.as_deref()?)).take(MOST)
    }
}

impl Batch {
    fn of(message: &Message<'_>) -> Self {
        let tag = |name| message.tags.get(name).map(String::from);
        let purpose = match message.params.nth(1) {
            Some("chathistory") => Purpose::Replay,
            Some("soju.im/search") => Purpose::Found,
            _ => Purpose::Other,
        };
        Self { label: tag("label"), parent: tag("batch"), purpose }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(batches: &mut Batches, line: &str) -> Option<String> {
        batches.take(&Message::parse(line).unwrap())
    }

    #[test]
    fn what_is_inside_belongs_to_what_is_around_it() {
        let mut batches = Batches::default();
        assert_eq!(take(&mut batches, "@label=7 :s BATCH +a labeled-response"), None);
        assert_eq!(take(&mut batches, "@batch=a :s BATCH +b chathistory #x"), None);
        assert_eq!((batches.label(Some("b")), batches.is_replay(Some("b"))), (Some("7"), true));
        assert_eq!((batches.label(Some("a")), batches.is_replay(Some("a"))), (Some("7"), false));
        assert_eq!((batches.label(None), batches.label(Some("c"))), (None, None));
        assert_eq!(take(&mut batches, ":s BATCH -b"), None);
        assert_eq!(take(&mut batches, ":s BATCH -a").as_deref(), Some("7"));
        assert_eq!(take(&mut batches, ":s BATCH -a"), None);
    }

    #[test]
    fn a_lying_server_costs_no_more_than_its_lies() {
        let mut batches = Batches::default();
        take(&mut batches, "@batch=b :s BATCH +a x");
        take(&mut batches, "@batch=a :s BATCH +b x");
        assert_eq!(batches.label(Some("a")), None);
        (0..2 * MOST).for_each(|name| drop(take(&mut batches, &format!(":s BATCH +{name} x"))));
        assert_eq!(batches.open.len(), MOST);
    }
}
