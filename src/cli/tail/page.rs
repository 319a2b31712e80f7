//! What was said before: how it is asked for, and how it is put together with what is said meanwhile.

use std::collections::{HashSet, VecDeque};

use crate::{
    client::{
        Event, Record,
        pending::{Aim, Request},
    },
    protocol::sanitize::for_terminal,
};

/// How many messages the server gives at once.
pub(crate) const MOST: usize = 500;
/// How many lines wait at most while the history comes, and how many ids are remembered.
const HELD: usize = 10_000;

/// Asks for the last messages. The one place that knows how this is asked.
pub(super) fn history(target: &str, lines: usize) -> Request {
    Request {
        command: "HISTORY",
        params: vec![target.to_owned(), lines.min(MOST).to_string()],
        typed: format!("the history of {}", for_terminal(target)),
        aim: Aim::Other,
    }
}

/// The lines that came while the history was awaited, and the history's own.
#[derive(Debug, Default)]
pub(super) struct Page {
    events: VecDeque<(Record, Event)>,
}

/// What of the past is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// So many of the last lines.
    pub(super) lines: usize,
    /// None of before (milliseconds since 1970).
    pub(super) since: u64,
}

impl Page {
    pub(super) fn push(&mut self, record: Record, event: Event) {
        if self.events.len() >= HELD {
            self.events.pop_front();
        }
        self.events.push_back((record, event));
    }

    /// Whether the server gave as much as it gives at once, and there may be more that is wanted.
    pub(super) fn is_cut(&self, wanted: Wanted) -> bool {
        let past = || self.events.iter().filter(|(record, _)| record.past && record.id.is_some());
        past().count() >= MOST && past().all(|(record, _)| record.at > wanted.since)
    }

    /// Everything in its order, each line once.
    pub(super) fn finish(self, wanted: Wanted, seen: &mut Seen) -> Vec<(Record, Event)> {
        let old = |record: &Record| record.past && record.at < wanted.since;
        let new = self.events.into_iter().filter(|(record, _)| !old(record) && seen.is_new(record));
        let mut events: Vec<_> = new.collect();
        // What is said comes between the lines of the history; a room's time never steps back.
        events.sort_by_key(|(record, _)| record.at);
        let past = events.iter().filter(|(record, _)| record.past).count();
        let mut skip = past.saturating_sub(wanted.lines);
        events.retain(|(record, _)| {
            let skipped = record.past && skip > 0;
            skip -= usize::from(skipped);
            !skipped
        });
        events
    }
}

/// The lines that were seen last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<String>,
    ids: HashSet<String>,
    /// Whether the last line with an id was there before: those without are its later pieces.
    repeated: bool,
}

impl Seen {
    /// Notes a line, and tells whether it is new.
    pub(super) fn is_new(&mut self, record: &Record) -> bool {
        let Some(id) = &record.id else { return !(self.repeated && record.kind.is_said()) };
        self.repeated = !self.ids.insert(id.clone());
        if !self.repeated {
            self.order.push_back(id.clone());
            if self.order.len() > HELD
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
        !self.repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Kind, What};

    fn line(id: Option<&str>, at: u64, past: bool, text: &str) -> (Record, Event) {
        let record = Record {
            at,
            id: id.map(ToOwned::to_owned),
            nick: "bob".into(),
            account: None,
            target: Some("#ops".into()),
            kind: Kind::Message,
            text: text.into(),
            whom: None,
            past,
        };
        (record, Event { at, what: What::Happened { room: None, text: text.into() }, record: None })
    }

    fn page(lines: &[(Option<&str>, u64, bool, &str)]) -> Page {
        let mut page = Page::default();
        for &(id, at, past, text) in lines {
            let (record, event) = line(id, at, past, text);
            page.push(record, event);
        }
        page
    }

    fn texts(page: Page, lines: usize, since: u64, seen: &mut Seen) -> Vec<String> {
        page.finish(Wanted { lines, since }, seen).into_iter().map(|(record, _)| record.text).collect()
    }

    #[test]
    fn what_is_said_while_the_history_comes_stands_once_and_in_its_place() {
        let lines = [
            (Some("c"), 3, false, "three"),
            (Some("a"), 1, true, "one"),
            (None, 1, true, "one, continued"),
            (Some("b"), 2, true, "two"),
            (Some("c"), 3, true, "three"),
            (Some("d"), 4, false, "four"),
        ];
        let mut seen = Seen::default();
        assert_eq!(texts(page(&lines), 10, 0, &mut seen), ["one", "one, continued", "two", "three", "four"]);
        // The next time only what is new.
        let more = [(Some("a"), 1, true, "one"), (None, 1, true, "one, continued"), (Some("e"), 5, true, "five")];
        assert_eq!(texts(page(&more), 10, 0, &mut seen), ["five"]);
    }

    #[test]
    fn as_much_of_the_past_as_is_wanted() {
        let lines = [
            (Some("a"), 1, true, "one"),
            (Some("b"), 2, true, "two"),
            (Some("c"), 3, true, "three"),
            (Some("d"), 4, false, "four"),
        ];
        let texts = |lines_wanted, since| texts(page(&lines), lines_wanted, since, &mut Seen::default());
        assert_eq!(texts(2, 0), ["two", "three", "four"]);
        assert_eq!(texts(0, 0), ["four"]);
        assert_eq!(texts(10, 2), ["two", "three", "four"]);
        assert_eq!(texts(1, 2), ["three", "four"]);
    }

    #[test]
    fn that_there_is_more_is_noticed() {
        let ids: Vec<String> = (0..MOST).map(|id| id.to_string()).collect();
        let mut page = Page::default();
        for (at, id) in ids.iter().enumerate() {
            let (record, event) = line(Some(id), at as u64 + 100, true, "x");
            page.push(record, event);
        }
        let wanted = |since| Wanted { lines: MOST, since };
        assert!(page.is_cut(wanted(0)) && !page.is_cut(wanted(100)));
        assert!(!Page::default().is_cut(wanted(0)));
        assert_eq!(history("#ops", 9999).params, ["#ops", "500"]);
    }
}
