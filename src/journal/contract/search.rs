//! Messages by their words, the same on every backend.

use std::sync::Arc;

use super::{Subject, entry, event, message, room, subjects};
use crate::{
    ident::{MsgId, RoomId},
    journal::{Entry, Log as _, Memory},
    protocol::{
        chat::{Audience, Kind, Message},
        durable::{Conversation, Durable, Position},
        past::{Answer, Question, Search},
        words,
    },
};

fn position(sequence: u64) -> Position {
    Position { epoch: 0, sequence }
}

/// What alice, who is in the rooms 1 and 2, looks for.
fn search(text: &str) -> Search {
    Search {
        account: "alice".parse().unwrap(),
        rooms: vec![(RoomId(1), 0), (RoomId(2), 0), (RoomId(9), 0)],
        within: None,
        from: None,
        words: words::wanted(text),
        between_ms: (0, u64::MAX),
        until: Position { epoch: 9, sequence: 0 },
        most: 99,
    }
}

/// When it was said, and where it was found: the messages of these tests have different times.
fn found(subject: &mut Subject, search: &Search) -> Vec<u64> {
    match super::ask(&mut *subject.journal, Question::Search(search.clone())) {
        Ok(Answer::Search(found)) => {
            for (conversation, message) in &found {
                assert_eq!(Some(conversation), Conversation::of(message).as_ref());
            }
            found.iter().map(|(_, message)| message.time_ms).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn to(name: &str) -> Audience {
    Audience::Account(name.parse().unwrap())
}

/// Each text is the message of its number, from 1, in room 1.
fn told(texts: &[&str]) -> Vec<Subject> {
    let mut all = subjects();
    for subject in &mut all {
        for (n, text) in (1..).zip(texts) {
            subject.journal.append(entry(n, message(n, "bob", room(1), text)));
        }
        subject.settle();
    }
    all
}

fn check(texts: &[&str], cases: &[(&str, &[u64])]) {
    for mut subject in told(texts) {
        for (asked, expect) in cases {
            assert_eq!(found(&mut subject, &search(asked)), *expect, "{asked:?}");
        }
    }
}

#[test]
fn all_words_whole_and_without_regard_to_case() {
    check(
        &[
            "The quick fox",
            "a FOX, quick!",
            "foxes are quick",
            "fox",
            "quicksand fox-trot",
            "nothing\nof the fox\nquick",
        ],
        &[
            ("fox", &[1, 2, 4, 5, 6]),
            ("Fox QUICK", &[1, 2, 6]),
            ("quick fox quick", &[1, 2, 6]),
            ("fox trot", &[5]),
            ("fox-trot", &[5]),
            ("fo*", &[1, 2, 3, 4, 5, 6]),
            ("fox* quick*", &[1, 2, 3, 5, 6]),
            ("foxe*", &[3]),
            ("ox", &[]),
            ("fox nowhere", &[]),
            ("nowhere*", &[]),
            ("nothin*", &[6]),
            ("no*", &[6]),
            ("n*", &[]),
        ],
    );
}

#[test]
fn letters_of_every_script() {
    check(
        &[
            "Caf\u{e9} um die Ecke",
            "CAF\u{c9}",
            "Stra\u{df}e",
            "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43c}\u{438}\u{440}",
            "\u{4f60}\u{597d}\u{4e16}\u{754c}",
            "\u{1f44d} 100 \u{1f44d}",
            "\u{39f}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3b5}\u{3cd}\u{3c2}",
        ],
        &[
            ("caf\u{e9}", &[1, 2]),
            ("caf*", &[1, 2]),
            ("STRASSE", &[3]),
            ("stra\u{df}*", &[3]),
            ("\u{41c}\u{418}\u{420}", &[4]),
            ("\u{4e16}\u{754c}", &[5]),
            ("\u{597d}", &[5]),
            ("100", &[6]),
            ("10*", &[6]),
            ("\u{39f}\u{394}\u{3a5}\u{3a3}\u{3a3}\u{395}\u{38e}\u{3a3}", &[7]),
        ],
    );
}

/// Whatever somebody looks for, it is words: no quotation, operator, column or comment of a query language.
#[test]
fn what_is_typed_is_never_a_query() {
    check(
        &[
            "cats and dogs",
            "cats or dogs",
            "near the dogs 5",
            "text not in rowid",
            "say \"cats dogs\" it's 100% select_drop",
            "dogs",
        ],
        &[
            ("cats AND dogs", &[1]),
            ("cats OR dogs", &[2]),
            ("cats NOT dogs", &[]),
            ("NEAR(the dogs, 5)", &[3]),
            ("text:dogs", &[]),
            ("text : not", &[4]),
            ("{text rowid}: in", &[4]),
            ("-dogs", &[1, 2, 3, 5, 6]),
            ("\"dogs cats\"", &[1, 2, 5]),
            ("\"dogs", &[1, 2, 3, 5, 6]),
            ("(((cats", &[1, 2, 5]),
            ("^cats + dogs", &[1, 2, 5]),
            ("it's", &[5]),
            ("100%", &[5]),
            ("%", &[]),
            ("_", &[]),
            ("*", &[]),
            ("\"*\" **", &[]),
            ("select drop", &[5]),
            ("dogs' OR '1'='1", &[]),
            ("dogs; -- comment", &[]),
            ("", &[]),
        ],
    );
}

#[test]
fn the_newest_come_and_the_oldest_of_them_first() {
    for mut subject in subjects() {
        for n in 1..=300 {
            let place = [room(1), room(2), to("alice")][n as usize % 3].clone();
            subject.journal.append(entry(n, message(n, "bob", place, "again")));
        }
        subject.settle();
        let newest = Search { most: 20, ..search("again") };
        assert_eq!(found(&mut subject, &newest), (281..=300).collect::<Vec<_>>());
        let until = Search { until: position(100), most: 2, ..search("again") };
        assert_eq!(found(&mut subject, &until), [99, 100]);
        assert_eq!(found(&mut subject, &Search { most: 0, ..search("again") }), [0u64; 0]);
    }
}

#[test]
fn by_whom_and_when() {
    for mut subject in subjects() {
        for n in 1..=9 {
            let from = ["alice", "bob", "carol"][n as usize % 3];
            subject.journal.append(entry(n, message(10 * n, from, room(1), "word")));
        }
        subject.settle();
        let from = |name: &str| Search { from: Some(name.parse().unwrap()), ..search("word") };
        assert_eq!(found(&mut subject, &from("BOB")), [10, 40, 70]);
        assert_eq!(found(&mut subject, &from("dora")), [0u64; 0]);
        assert_eq!(found(&mut subject, &Search { most: 1, ..from("bob") }), [70]);
        let mut between =
            |from, to, most| found(&mut subject, &Search { between_ms: (from, to), most, ..search("word") });
        assert_eq!(between(20, 40, 9), [20, 30, 40], "both included");
        assert_eq!(between(21, 49, 1), [40]);
        assert_eq!(between(40, 20, 9), [0u64; 0]);
        assert_eq!(between(95, u64::MAX, 9), [0u64; 0]);
    }
}

#[test]
fn only_what_one_may_read() {
    for mut subject in subjects() {
        let said = [
            message(10, "bob", room(1), "word"),
            message(20, "bob", room(2), "word"),
            message(30, "bob", room(3), "word of a room that is not hers"),
            message(40, "alice", to("Bob"), "word"),
            message(50, "bob", to("ALICE"), "word"),
            message(60, "bob", to("carol"), "word between others"),
            message(70, "alice", to("alice"), "word to herself"),
        ];
        for (sequence, message) in (1..).zip(said) {
            subject.journal.append(entry(sequence, message));
        }
        subject.settle();
        assert_eq!(found(&mut subject, &search("word")), [10, 20, 40, 50, 70]);
        let since = |since_ms| Search { rooms: vec![(RoomId(1), since_ms), (RoomId(2), 0)], ..search("word") };
        assert_eq!(found(&mut subject, &since(10)), [10, 20, 40, 50, 70]);
        assert_eq!(found(&mut subject, &since(11)), [20, 40, 50, 70]);
        let within = |conversation| Search { within: Some(conversation), ..search("word") };
        let pair = |one: &str, other: &str| Conversation::between(one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(found(&mut subject, &within(Conversation::Room(RoomId(2)))), [20]);
        assert_eq!(found(&mut subject, &within(Conversation::Room(RoomId(3)))), [0u64; 0], "she is not in it");
        assert_eq!(found(&mut subject, &within(pair("bob", "alice"))), [40, 50]);
        assert_eq!(found(&mut subject, &within(pair("bob", "carol"))), [0u64; 0], "not hers");
        assert_eq!(found(&mut subject, &within(pair("bob", "dora"))), [0u64; 0]);
        assert_eq!(found(&mut subject, &Search { rooms: vec![], ..search("word") }), [40, 50, 70]);
    }
}

#[test]
fn what_is_gone_is_not_found() {
    for mut subject in subjects() {
        for (n, place) in [(1, room(1)), (2, room(2)), (3, room(1)), (4, to("alice")), (5, to("alice"))] {
            subject.journal.append(entry(n, message(n, "bob", place, "word")));
        }
        let pair = Conversation::between("alice".parse().unwrap(), "bob".parse().unwrap());
        let events = vec![
            Durable::Redacted(Conversation::Room(RoomId(1)), MsgId::new(3, 3)),
            Durable::Redacted(pair, MsgId::new(4, 4)),
            Durable::RoomRemoved(RoomId(2)),
        ];
        subject.journal.append(Entry { position: position(6), time_ms: 6, events });
        subject.settle();
        assert_eq!(found(&mut subject, &search("word")), [1, 5]);
        assert_eq!(found(&mut subject, &Search { most: 2, ..search("word") }), [1, 5], "what is gone does not count");
    }
}

#[test]
fn what_is_no_text_is_not_found() {
    for mut subject in subjects() {
        let kinds = [Kind::Text, Kind::Action, Kind::Notice, Kind::Tags, Kind::Opaque];
        for (n, kind) in (1..).zip(kinds) {
            let kept = Message { kind, ..Message::clone(&message(n, "bob", room(1), "word")) };
            subject.journal.append(entry(n, Arc::new(kept)));
        }
        subject.journal.append(Entry { position: position(7), time_ms: 7, events: vec![event(7)] });
        subject.settle();
        assert_eq!(found(&mut subject, &search("word")), [1, 2, 3]);
        assert_eq!(found(&mut subject, &search("t")), [0u64; 0], "a topic");
    }
}

/// It is answered at once, while all others wait.
#[test]
fn a_search_in_memory_ends_also_where_there_is_much_to_look_through() {
    let mut memory = Memory::default();
    let much = "x".repeat(4000);
    for n in 1..=5_000 {
        memory.append(entry(n, message(n, "bob", room(1), if n == 4_999 { "needle" } else { &much })));
    }
    let answer =
        |memory: &mut Memory, text, most| super::ask(memory, Question::Search(Search { most, ..search(text) }));
    assert!(matches!(answer(&mut memory, "needle", 1), Ok(Answer::Search(found)) if found.len() == 1));
    assert!(answer(&mut memory, "nowhere", 1).is_err(), "that there is none would be no answer");
}
