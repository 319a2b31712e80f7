//! What was said before: how it is asked for, and how it is put together with what is said meanwhile.

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
};

use crate::{
    client::{
        Event, Record,
        pending::{Aim, Request},
    },
    protocol::sanitize::for_terminal,
};

/// How many messages of the history are shown at most.
pub(crate) const MOST: usize = 10_000;
/// How many lines wait at most while the history comes, and how many ids are remembered.
const HELD: usize = 2 * MOST;
/// How many messages a server gives at once.
const PAGE: usize = 100;
/// The same, for one that has no pages.
const AT_ONCE: usize = 500;

/// A part of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// The newest page.
    Latest,
    /// The page before the message of this id.
    Before(&'a str),
    /// The last messages, from a server that has no pages.
    Whole,
}

/// Asks for a part of the history, of which so many messages are wanted. The one place that knows how
/// this is asked (IRCv3 `draft/chathistory`).
pub(super) fn history(target: &str, part: Part<'_>, lines: usize) -> Request {
    let page = |which: &str, from: &str| {
        let most = lines.min(PAGE).to_string();
        ("CHATHISTORY", vec![which.to_owned(), target.to_owned(), from.to_owned(), most])
    };
    let (command, params) = match part {
        Part::Latest => page("LATEST", "*"),
        Part::Before(id) => page("BEFORE", &format!("msgid={id}")),
        Part::Whole => ("HISTORY", vec![target.to_owned(), lines.min(AT_ONCE).to_string()]),
    };
    Request { command, params, typed: format!("the history of {}", for_terminal(target)), aim: Aim::Other }
}

/// The lines that came while the history was awaited, and the history's own, page by page from its end.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Each with the number of its page; what is said meanwhile has the number 0.
    events: VecDeque<(u32, Record, Event)>,
    number: u32,
    /// How many messages of the history are there.
    past: usize,
    /// The first message of the page that comes: the next one is the one before it.
    first: Option<String>,
    /// How far back the pages go (milliseconds since 1970).
    reached: u64,
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
        if let Some(id) = record.id.as_ref().filter(|_| record.past) {
            self.past += 1;
            if self.first.is_none() {
                (self.first, self.reached) = (Some(id.clone()), record.at);
            }
        }
        if self.events.len() >= HELD {
            self.events.pop_front();
        }
        let number = if record.past { self.number + 1 } else { 0 };
        self.events.push_back((number, record, event));
    }

    /// A page has come: the message before which the next one lies, if more is wanted and there may
    /// be more.
    pub(super) fn next(&mut self, wanted: Wanted) -> Option<String> {
        // Before an empty page there is nothing.
        let first = self.first.take()?;
        self.number += 1;
        (self.past < wanted.lines && self.reached >= wanted.since).then_some(first)
    }

    /// Whether more is wanted than is shown.
    pub(super) fn is_cut(&self, wanted: Wanted) -> bool {
        self.past >= MOST && self.reached > wanted.since
    }

    /// Everything in its order, each line once.
    pub(super) fn finish(self, wanted: Wanted, seen: &mut Seen) -> Vec<(Record, Event)> {
        let old = |record: &Record| record.past && record.at < wanted.since;
        let new = self.events.into_iter().filter(|(_, record, _)| !old(record) && seen.is_new(record));
        let mut events: Vec<_> = new.collect();
        // What is said comes between the lines of the history; a room's time never steps back. Of one
        // millisecond, a later page is the earlier part.
        events.sort_by_key(|(number, record, _)| (record.at, Reverse(*number)));
        let past = events.iter().filter(|(_, record, _)| record.past).count();
        let mut skip = past.saturating_sub(wanted.lines);
        events.retain(|(_, record, _)| {
            let skipped = record.past && skip > 0;
            skip -= usize::from(skipped);
            !skipped
        });
        events.into_iter().map(|(_, record, event)| (record, event)).collect()
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
    fn of_one_millisecond_a_later_page_is_the_earlier_part() {
        let lines = [(Some("live"), 7, false, "five"), (Some("c"), 7, true, "three"), (Some("d"), 7, true, "four")];
        let mut pages = page(&lines);
        let wanted = Wanted { lines: 10, since: 0 };
        assert_eq!(pages.next(wanted).as_deref(), Some("c"));
        for (id, text) in [("a", "one"), ("b", "two"), ("c", "three")] {
            let (record, event) = line(Some(id), 7, true, text);
            pages.push(record, event);
        }
        assert_eq!(texts(pages, 10, 0, &mut Seen::default()), ["one", "two", "three", "four", "five"]);
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
    }

    #[test]
    fn pages_are_asked_for_as_far_back_as_is_wanted() {
        let params = |part, lines| history("#ops", part, lines).params.join(" ");
        assert_eq!(params(Part::Latest, 9999), "LATEST #ops * 100");
        assert_eq!(params(Part::Before("x"), 7), "BEFORE #ops msgid=x 7");
        assert_eq!(params(Part::Whole, 9999), "#ops 500");

        let wanted = |lines, since| Wanted { lines, since };
        let next = |ids: &[(&str, u64)], wanted| {
            let mut pages = page(&[(Some("live"), 40, false, "x")]);
            for (id, at) in ids {
                let (record, event) = line(Some(id), *at, true, "x");
                pages.push(record, event);
            }
            let next = pages.next(wanted);
            // The next page has nothing.
            assert_eq!(pages.next(wanted), None);
            next
        };
        let ids = &[("d", 30), ("e", 31)][..];
        assert_eq!(next(ids, wanted(4, 10)).as_deref(), Some("d"));
        assert_eq!(next(ids, wanted(4, 30)).as_deref(), Some("d"));
        assert_eq!(next(ids, wanted(4, 31)), None, "it goes far enough back");
        assert_eq!(next(ids, wanted(2, 0)), None, "there are as many as are wanted");
        assert_eq!(next(&[], wanted(4, 0)), None);
    }
}
