//! Pages (IRCv3 `draft/chathistory`), messages that are taken back, and conversations, the same on
//! every backend.

use std::sync::Arc;

use super::{Subject, entry, event, latest, message, room, subjects};
use crate::{
    ident::{MsgId, RoomId},
    journal::Entry,
    protocol::{
        chat::{Audience, Kind, Message},
        durable::{Bound, Conversation, Durable, Position},
        past::{Answer, Content, Kept, Newest, Page, Question, Range},
    },
};

const fn id(n: u64) -> Bound {
    Bound::Id(MsgId::new(n, n as u128))
}

/// Every kind of page over a conversation with the messages 1 to 9, one each 10 ms, while another
/// conversation goes on beside it.
#[test]
fn pages_are_cut_at_their_bounds() {
    let at = |n: u64| Bound::Time(10 * n);
    let id = |n: u64| id(10 * n);
    let cases: &[(Range, usize, &[u64])] = &[
        (Range::Latest(None), 3, &[7, 8, 9]),
        (Range::Latest(None), 100, &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Range::Latest(None), 0, &[]),
        (Range::Latest(Some(id(6))), 100, &[7, 8, 9]),
        (Range::Latest(Some(id(6))), 2, &[8, 9]),
        (Range::Latest(Some(at(6))), 100, &[7, 8, 9]),
        (Range::Latest(Some(Bound::Time(69))), 100, &[7, 8, 9]),
        (Range::Latest(Some(Bound::Time(0))), 2, &[8, 9]),
        (Range::Latest(Some(at(9))), 100, &[]),
        (Range::Latest(Some(Bound::Nothing)), 100, &[]),
        (Range::Before(id(4)), 2, &[2, 3]),
        (Range::Before(id(4)), 100, &[1, 2, 3]),
        (Range::Before(id(1)), 2, &[]),
        (Range::Before(at(4)), 2, &[2, 3]),
        (Range::Before(Bound::Time(41)), 2, &[3, 4]),
        (Range::Before(Bound::Time(u64::MAX)), 1, &[9]),
        (Range::Before(Bound::Nothing), 2, &[]),
        (Range::After(id(4)), 2, &[5, 6]),
        (Range::After(id(9)), 2, &[]),
        (Range::After(at(4)), 2, &[5, 6]),
        (Range::After(Bound::Time(39)), 2, &[4, 5]),
        (Range::After(Bound::Nothing), 2, &[]),
        (Range::After(Bound::Id(MsgId::new(1004, 1004))), 2, &[]),
        (Range::Around(id(5)), 1, &[5]),
        (Range::Around(id(5)), 2, &[4, 5]),
        (Range::Around(id(5)), 3, &[4, 5, 6]),
        (Range::Around(at(5)), 3, &[4, 5, 6]),
        (Range::Around(id(1)), 3, &[1, 2, 3]),
        (Range::Around(id(9)), 3, &[7, 8, 9]),
        (Range::Around(id(5)), 100, &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Range::Around(Bound::Time(55)), 2, &[5, 6]),
        (Range::Around(id(5)), 0, &[]),
        (Range::Around(Bound::Nothing), 3, &[]),
        (Range::Between(id(2), id(7)), 100, &[3, 4, 5, 6]),
        (Range::Between(id(7), id(2)), 100, &[3, 4, 5, 6]),
        (Range::Between(id(2), id(7)), 2, &[3, 4]),
        (Range::Between(id(7), id(2)), 2, &[5, 6]),
        (Range::Between(at(2), at(7)), 2, &[3, 4]),
        (Range::Between(at(7), id(2)), 2, &[5, 6]),
        (Range::Between(id(3), id(3)), 2, &[]),
        (Range::Between(id(3), id(4)), 2, &[]),
        (Range::Between(Bound::Time(31), Bound::Time(32)), 2, &[]),
        (Range::Between(Bound::Nothing, id(4)), 2, &[]),
        (Range::Between(id(4), Bound::Nothing), 2, &[]),
    ];
    for mut subject in subjects() {
        for n in 1..=9 {
            subject.journal.append(entry(2 * n, message(10 * n, "alice", room(1), "x")));
            subject.journal.append(entry(2 * n + 1, message(1000 + n, "bob", room(2), "y")));
        }
        subject.settle();
        for (range, most, expect) in cases {
            let page = Page { range: *range, most: *most, ..latest(Conversation::Room(RoomId(1))) };
            assert_eq!(times(&mut subject, &page), expect.iter().map(|n| 10 * n).collect::<Vec<_>>(), "{page:?}");
        }
    }
}

fn times(subject: &mut Subject, page: &Page) -> Vec<u64> {
    super::page(&mut *subject.journal, page).iter().map(Kept::time_ms).collect()
}

#[test]
fn pages_end_where_the_question_stands_and_begin_where_one_may_read() {
    for mut subject in subjects() {
        for n in 1..=9 {
            subject.journal.append(entry(n, message(n, "alice", room(1), "x")));
        }
        subject.settle();
        let page = latest(Conversation::Room(RoomId(1)));
        let until = Position { epoch: 0, sequence: 5 };
        let mut at =
            |range, since_ms, until, most| times(&mut subject, &Page { range, since_ms, until, most, ..page.clone() });
        assert_eq!(at(Range::Latest(None), 0, until, 3), [3, 4, 5]);
        assert_eq!(at(Range::After(id(4)), 0, until, 3), [5]);
        assert_eq!(at(Range::Before(id(6)), 0, until, 3), [0u64; 0], "not yet said");
        assert_eq!(at(Range::Before(Bound::Time(8)), 0, until, 2), [4, 5]);
        assert_eq!(at(Range::Around(id(5)), 0, until, 3), [3, 4, 5]);
        assert_eq!(at(Range::Latest(None), 4, until, 3), [4, 5]);
        assert_eq!(at(Range::Before(id(5)), 4, until, 3), [4]);
        assert_eq!(at(Range::After(id(1)), 4, until, 1), [4]);
        assert_eq!(at(Range::Around(id(4)), 4, until, 3), [4, 5]);
        assert_eq!(at(Range::Between(id(2), id(1)), 4, until, 3), [0u64; 0]);
        assert_eq!(at(Range::Latest(None), 99, until, 3), [0u64; 0]);
    }
}

#[test]
fn events_and_reactions_come_only_when_asked_for_and_count_only_then() {
    for mut subject in subjects() {
        for n in 1..=4 {
            let position = Position { epoch: 0, sequence: n };
            subject.journal.append(Entry { position, time_ms: position.sequence, events: vec![event(10 * n)] });
            subject.journal.append(entry(n, message(10 * n + 1, "alice", room(1), "x")));
            let tags = Message { kind: Kind::Tags, ..Message::clone(&message(10 * n + 2, "bob", room(1), "")) };
            subject.journal.append(entry(n, Arc::new(tags)));
        }
        subject.settle();
        let texts = latest(Conversation::Room(RoomId(1)));
        let all = Page { content: Content::Everything, ..texts.clone() };
        assert_eq!(times(&mut subject, &texts), [11, 21, 31, 41]);
        assert_eq!(times(&mut subject, &Page { most: 2, ..texts.clone() }), [31, 41]);
        assert_eq!(times(&mut subject, &Page { range: Range::After(id(10)), most: 2, ..texts }), [11, 21]);
        assert_eq!(times(&mut subject, &Page { most: 4, ..all.clone() }), [32, 40, 41, 42]);
        assert_eq!(times(&mut subject, &Page { range: Range::After(id(20)), most: 3, ..all.clone() }), [21, 22, 30]);
        let found = super::page(&mut *subject.journal, &all);
        assert!(matches!(&found[..2], [Kept::Event(_), Kept::Message(_)]), "{found:?}");
    }
}

#[test]
fn large_items_make_a_short_page_and_the_next_goes_on() {
    for mut subject in subjects() {
        for n in 1..=300 {
            subject.journal.append(entry(n, message(n, "alice", room(1), &"x".repeat(4096))));
        }
        subject.settle();
        let page = Page { most: 300, ..latest(Conversation::Room(RoomId(1))) };
        let newest = times(&mut subject, &page);
        assert_eq!(newest, (173..=300).collect::<Vec<_>>(), "what fits, and the newest of it");
        assert_eq!(times(&mut subject, &Page { range: Range::Before(id(173)), ..page.clone() }).last(), Some(&172));
        assert_eq!(times(&mut subject, &Page { range: Range::After(id(0)), ..page.clone() }), [0u64; 0]);
        assert_eq!(times(&mut subject, &Page { range: Range::After(id(1)), ..page }), (2..=129).collect::<Vec<_>>());
    }
}

/// Bounds by time leave out all of their millisecond; bounds by id do not.
#[test]
fn ids_tell_apart_what_times_do_not() {
    for mut subject in subjects() {
        for (sequence, n) in [(1, 1), (2, 2), (3, 3)] {
            let same = Message { time_ms: 5, ..Message::clone(&message(n, "alice", room(1), "x")) };
            subject.journal.append(entry(sequence, Arc::new(same)));
        }
        subject.settle();
        let mut count = |range| times(&mut subject, &Page { range, ..latest(Conversation::Room(RoomId(1))) }).len();
        assert_eq!(count(Range::After(Bound::Time(5))), 0);
        assert_eq!(count(Range::Before(Bound::Time(5))), 0);
        assert_eq!(count(Range::After(Bound::Time(4))), 3);
        assert_eq!(count(Range::Around(Bound::Time(5))), 3);
        assert_eq!(count(Range::After(id(1))), 2);
        assert_eq!(count(Range::Between(id(3), id(1))), 1);
    }
}

#[test]
fn what_is_taken_back_is_gone_but_still_a_place_in_the_order() {
    for mut subject in subjects() {
        for n in 1..=3 {
            subject.journal.append(entry(n, message(n, "alice", room(1), "x")));
        }
        subject.settle();
        let one = Conversation::Room(RoomId(1));
        let id_of = |n: u64| MsgId::new(n, n.into());
        let found = subject.journal.find(&one, id_of(2)).unwrap();
        assert_eq!(found.map(|message| message.time_ms), Some(2));
        assert_eq!(subject.journal.find(&one, id_of(9)), Ok(None));
        assert_eq!(subject.journal.find(&Conversation::Room(RoomId(2)), id_of(2)), Ok(None), "elsewhere");

        let position = Position { epoch: 0, sequence: 4 };
        let events = vec![Durable::Redacted(one.clone(), id_of(2)), Durable::Redacted(one.clone(), id_of(9))];
        subject.journal.append(Entry { position, time_ms: position.sequence, events });
        subject.settle();
        assert_eq!(subject.journal.find(&one, id_of(2)), Ok(None));
        let all = Page { content: Content::Everything, ..latest(one) };
        assert_eq!(times(&mut subject, &all), [1, 3]);
        assert_eq!(times(&mut subject, &Page { most: 2, ..all.clone() }), [1, 3], "it does not count");
        assert_eq!(times(&mut subject, &Page { range: Range::Before(id(2)), ..all.clone() }), [1]);
        assert_eq!(times(&mut subject, &Page { range: Range::After(id(2)), ..all }), [3]);
    }
}

#[test]
fn conversations_are_found_by_their_newest_text() {
    for mut subject in subjects() {
        let to = |name: &str| Audience::Account(name.parse().unwrap());
        let said = [
            message(10, "alice", room(1), "x"),
            message(20, "alice", to("Bob"), "x"),
            message(30, "carol", to("ALICE"), "x"),
            message(40, "bob", to("carol"), "secret"),
            message(50, "alice", room(2), "x"),
            message(60, "bob", to("alice"), "x"),
            message(70, "alice", to("alice"), "a note"),
            message(80, "bob", room(3), "not hers"),
        ];
        for (sequence, message) in (1..).zip(said) {
            subject.journal.append(entry(sequence, message));
        }
        let position = Position { epoch: 0, sequence: 9 };
        subject.journal.append(Entry { position, time_ms: position.sequence, events: vec![event(90)] });
        subject.settle();
        let pair = |other: &str| Conversation::between("alice".parse().unwrap(), other.parse().unwrap());
        let (one, two) = (Conversation::Room(RoomId(1)), Conversation::Room(RoomId(2)));
        let all = vec![(one.clone(), 10), (pair("carol"), 30), (two, 50), (pair("bob"), 60), (pair("alice"), 70)];
        let newest = Newest {
            account: "Alice".parse().unwrap(),
            rooms: vec![(RoomId(1), 0), (RoomId(2), 0), (RoomId(9), 0)],
            between_ms: (0, 1000),
            until: position,
            most: 99,
        };
        let mut found = |newest: Newest| match super::ask(&mut *subject.journal, Question::Newest(newest)) {
            Ok(Answer::Newest(found)) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(newest.clone()), all);
        assert_eq!(found(Newest { between_ms: (1000, 0), ..newest.clone() }), all);
        assert_eq!(found(Newest { most: 2, ..newest.clone() }), all[..2]);
        assert_eq!(found(Newest { most: 2, between_ms: (1000, 0), ..newest.clone() }), all[3..]);
        assert_eq!(found(Newest { between_ms: (10, 60), ..newest.clone() }), all[1..3], "exclusive");
        assert_eq!(found(Newest { rooms: vec![(RoomId(2), 51)], most: 1, ..newest.clone() }), all[1..2]);
        let until = Position { epoch: 0, sequence: 2 };
        assert_eq!(found(Newest { until, ..newest }), [(one, 10), (pair("bob"), 20)]);
    }
}

/// Each line of a message has a head of its own when it is read: many short ones are much.
#[test]
fn a_page_of_many_lines_has_fewer_messages() {
    for mut subject in subjects() {
        for n in 1..=200 {
            let mut lines = Message::clone(&message(n, "alice", room(1), &"x\n".repeat(31)));
            lines.tags = Some(format!("+x={}", "y".repeat(250)).into());
            subject.journal.append(entry(n, Arc::new(lines)));
        }
        subject.settle();
        let page = Page { most: 200, ..latest(Conversation::Room(RoomId(1))) };
        let found = super::page(&mut *subject.journal, &page).len();
        assert!((10..=32).contains(&found), "{found} messages of 32 lines with 512 octets around each");
    }
}
