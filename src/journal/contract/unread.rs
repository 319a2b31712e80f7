//! What an account has not read, the same on every backend.

use std::sync::Arc;

use super::{Subject, ask, event, message, room, subjects};
use crate::{
    ident::{DeviceId, Fingerprint, MsgId, Nick, RoomId},
    journal::{Bounds, Entry, Log as _, Memory},
    protocol::{
        chat::{Audience, Kind, Message},
        durable::{Conversation, Durable, Origin, Position, RoomKind, Visibility},
        past::{Answer, Content, Kept, Question, Survey, Unread, UnreadPage},
    },
};

const fn at(sequence: u64) -> Position {
    Position { epoch: 0, sequence }
}

fn entry(sequence: u64, events: Vec<Durable>) -> Entry {
    Entry { position: at(sequence), time_ms: sequence, events }
}

fn said(n: u64, by: &str, to: Audience) -> Durable {
    Durable::Message(message(n, by, to, "x"))
}

fn to(name: &str) -> Audience {
    Audience::Account(name.parse().unwrap())
}

fn created(n: u64) -> Durable {
    let name = format!("#r{n}").parse().unwrap();
    let visibility = Visibility::All;
    Durable::RoomCreated { room: RoomId(n), name, kind: RoomKind::Open, visibility, founder: None, at: 0 }
}

fn joined(n: u64, who: &str) -> Durable {
    Durable::Joined { room: RoomId(n), account: who.parse().unwrap(), operator: false, at_ms: 0 }
}

fn left(n: u64, who: &str) -> Durable {
    Durable::Left { room: RoomId(n), account: who.parse().unwrap() }
}

/// All that Alice has not read in rooms 1 and 2.
fn unread() -> Unread {
    Unread {
        account: "Alice".parse().unwrap(),
        rooms: vec![RoomId(1), RoomId(2)],
        except: None,
        content: Content::Texts,
        after: Position::default(),
        until: Position { epoch: 9, sequence: 0 },
    }
}

/// Alice is in the rooms 1 and 2 from the first position on.
fn begin(subject: &mut Subject) {
    let who = "alice".parse::<Nick>().unwrap();
    let first = vec![Durable::AccountSeen(who), created(1), joined(1, "alice"), created(2), joined(2, "alice")];
    subject.journal.append(entry(1, first));
}

fn page(subject: &mut Subject, unread: &Unread, most: usize) -> UnreadPage {
    match ask(&mut *subject.journal, Question::Unread(unread.clone(), most)) {
        Ok(Answer::Unread(page)) => page,
        other => panic!("{other:?}"),
    }
}

fn survey(subject: &mut Subject, unread: &Unread, most: usize) -> Survey {
    match ask(&mut *subject.journal, Question::Survey(unread.clone(), most)) {
        Ok(Answer::Survey(survey)) => survey,
        other => panic!("{other:?}"),
    }
}

fn times(page: &UnreadPage) -> Vec<u64> {
    page.kept.iter().map(|(_, kept)| kept.time_ms()).collect()
}

fn all(subject: &mut Subject, unread: &Unread) -> Vec<u64> {
    let page = page(subject, unread, 1000);
    assert!(page.complete, "{page:?}");
    assert_eq!(page.end, unread.until);
    times(&page)
}

#[test]
fn rooms_and_people_come_in_the_one_order_of_everything() {
    for mut subject in subjects() {
        begin(&mut subject);
        let story = [
            said(2, "bob", room(1)),
            said(3, "carol", to("ALICE")),
            said(4, "bob", room(2)),
            said(5, "alice", to("carol")),
            said(6, "bob", room(1)),
            said(7, "bob", to("carol")),
            said(8, "bob", room(3)),
            said(9, "dave", to("alice")),
        ];
        for (sequence, event) in (2..).zip(story) {
            subject.journal.append(entry(sequence, vec![event]));
        }
        subject.settle();
        assert_eq!(all(&mut subject, &unread()), [2, 3, 4, 5, 6, 9]);
        let names: Vec<Conversation> = page(&mut subject, &unread(), 99).kept.into_iter().map(|(of, _)| of).collect();
        let pair = |other: &str| Conversation::between("alice".parse().unwrap(), other.parse().unwrap());
        let (one, two) = (Conversation::Room(RoomId(1)), Conversation::Room(RoomId(2)));
        assert_eq!(names, [one.clone(), pair("carol"), two, pair("carol"), one, pair("dave")]);
        let within = |after, until| Unread { after: at(after), until: at(until), ..unread() };
        assert_eq!(all(&mut subject, &within(3, 6)), [4, 5, 6], "from is exclusive, to is inclusive");
        assert_eq!(all(&mut subject, &within(6, 6)), [0u64; 0]);
        assert_eq!(all(&mut subject, &within(9, 99)), [0u64; 0]);
        assert_eq!(all(&mut subject, &Unread { rooms: vec![], ..unread() }), [3, 5, 9]);
    }
}

/// From page to page until the end; each begins where the one before ended.
#[test]
fn pages_divide_no_position_and_lose_nothing() {
    for mut subject in subjects() {
        begin(&mut subject);
        let mut n = 10;
        for (sequence, items) in (2..).zip([1, 3, 2, 1, 4, 1, 1]) {
            let events = (0..items).map(|item| {
                n += 1;
                said(n, "bob", if item % 2 == 0 { room(1) } else { to("alice") })
            });
            subject.journal.append(entry(sequence, events.collect()));
        }
        subject.settle();
        let until = at(50);
        for (most, sizes) in [
            (1, &[1, 3, 2, 1, 4, 1, 1][..]),
            (2, &[1, 3, 2, 1, 4, 2]),
            (3, &[1, 3, 3, 4, 2]),
            (4, &[4, 3, 4, 2]),
            (100, &[13]),
        ] {
            let (mut unread, mut found, mut number) = (Unread { until, ..unread() }, Vec::new(), Vec::new());
            loop {
                let page = page(&mut subject, &unread, most);
                found.extend(times(&page));
                number.push(page.kept.len());
                assert!(page.end > unread.after && page.end <= until, "{page:?}");
                if page.complete {
                    assert_eq!(page.end, until);
                    break;
                }
                unread.after = page.end;
            }
            // A backend may learn only by another page that there is no more.
            if number.last() == Some(&0) {
                number.pop();
            }
            assert_eq!(number, sizes, "{most} at most");
            found.sort_unstable();
            assert_eq!(found, (11..=23).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_large_page_is_a_short_one() {
    for mut subject in subjects() {
        begin(&mut subject);
        for n in 2..=300 {
            let text = "x".repeat(4096);
            subject.journal.append(entry(n, vec![Durable::Message(message(n, "bob", room(1 + n % 2), &text))]));
        }
        subject.settle();
        let first = page(&mut subject, &unread(), 1000);
        assert_eq!((times(&first), first.end, first.complete), ((2..=129).collect(), at(129), false));
        let second = page(&mut subject, &Unread { after: first.end, ..unread() }, 1000);
        assert_eq!(times(&second), (130..=257).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_said_while_one_was_no_member_is_not_ones_to_read() {
    for mut subject in subjects() {
        let story = [
            vec![created(1), joined(1, "bob"), said(1, "bob", room(1))],
            vec![said(2, "bob", room(1))],
            vec![joined(1, "alice"), said(3, "bob", room(1))],
            vec![said(4, "bob", room(1))],
            vec![said(5, "bob", room(1)), left(1, "alice")],
            vec![said(6, "bob", room(1)), said(106, "bob", to("alice"))],
            vec![joined(1, "alice")],
            vec![said(8, "bob", room(1))],
            vec![left(1, "bob"), created(2), joined(2, "alice"), left(2, "alice"), said(9, "alice", room(2))],
            vec![said(10, "carol", room(2))],
        ];
        for (sequence, events) in (1..).zip(story) {
            subject.journal.append(entry(sequence, events));
        }
        subject.settle();
        assert_eq!(all(&mut subject, &unread()), [3, 4, 5, 106, 8, 9]);
        assert_eq!(survey(&mut subject, &unread(), 99).total, 6);
        assert_eq!(all(&mut subject, &Unread { rooms: vec![RoomId(1)], ..unread() }), [3, 4, 5, 106, 8]);
        assert_eq!(all(&mut subject, &Unread { rooms: vec![RoomId(2)], ..unread() }), [106, 9]);
        let bobs = Unread { account: "bob".parse().unwrap(), ..unread() };
        assert_eq!(all(&mut subject, &bobs), [1, 2, 3, 4, 5, 6, 106, 8]);
        assert_eq!(all(&mut subject, &Unread { after: at(4), until: at(7), ..unread() }), [5, 106]);
    }
}

#[test]
fn a_room_that_is_gone_is_forgotten() {
    for mut subject in subjects() {
        begin(&mut subject);
        let story = [
            vec![said(2, "bob", room(1)), said(3, "alice", room(2))],
            vec![left(1, "alice"), Durable::RoomRemoved(RoomId(1))],
            vec![said(4, "alice", room(2))],
        ];
        for (sequence, events) in (2..).zip(story) {
            subject.journal.append(entry(sequence, events));
        }
        subject.settle();
        assert_eq!(all(&mut subject, &Unread { rooms: vec![RoomId(2)], ..unread() }), [3, 4]);
    }
}

#[test]
fn what_was_said_from_here_is_known_here() {
    let device = |n| DeviceId(Fingerprint::new([n; 32]));
    let of = |n: u64, by: &str, device, client: Option<&str>| {
        let client = client.map(|client| client.parse().unwrap());
        Durable::Message(Arc::new(Message { device, client, ..Message::clone(&message(n, by, room(1), "x")) }))
    };
    for mut subject in subjects() {
        begin(&mut subject);
        let story = [
            of(2, "alice", device(1), None),
            of(3, "alice", device(1), Some("irssi")),
            of(4, "alice", device(2), None),
            of(5, "bob", device(3), None),
            of(6, "alice", device(1), Some("weechat")),
        ];
        for (sequence, event) in (2..).zip(story) {
            subject.journal.append(entry(sequence, vec![event]));
        }
        subject.settle();
        for (n, client, expect) in [
            (1, None, &[3, 4, 5, 6][..]),
            (1, Some("irssi"), &[2, 4, 5, 6]),
            (1, Some("tail"), &[2, 3, 4, 5, 6]),
            (2, None, &[2, 3, 5, 6]),
            (9, None, &[2, 3, 4, 5, 6]),
        ] {
            let origin = Origin { device: device(n), client: client.map(|client| client.parse().unwrap()) };
            let unread = Unread { except: Some(origin), ..unread() };
            assert_eq!(all(&mut subject, &unread), expect, "{unread:?}");
            assert_eq!(survey(&mut subject, &unread, 99).total, expect.len() as u64);
        }
    }
}

#[test]
fn what_is_taken_back_is_not_unread_and_the_rest_by_what_is_asked_for() {
    for mut subject in subjects() {
        begin(&mut subject);
        let tags = Message { kind: Kind::Tags, ..Message::clone(&message(3, "bob", room(1), "")) };
        let story = [
            said(2, "bob", room(1)),
            Durable::Message(Arc::new(tags)),
            event(4),
            said(5, "bob", room(1)),
            Durable::Redacted(Conversation::Room(RoomId(1)), MsgId::new(2, 2)),
        ];
        for (sequence, event) in (2..).zip(story) {
            subject.journal.append(entry(sequence, vec![event]));
        }
        subject.settle();
        assert_eq!(all(&mut subject, &unread()), [5]);
        assert_eq!(all(&mut subject, &Unread { content: Content::Messages, ..unread() }), [3, 5]);
        assert_eq!(all(&mut subject, &Unread { content: Content::Everything, ..unread() }), [3, 4, 5]);
        for content in [Content::Texts, Content::Messages, Content::Everything] {
            assert_eq!(survey(&mut subject, &Unread { content, ..unread() }, 99).total, 1, "texts alone");
        }
    }
}

#[test]
fn a_survey_counts_all_and_tells_where_the_newest_begin() {
    for mut subject in subjects() {
        begin(&mut subject);
        for n in 2..=20 {
            subject.journal.append(entry(n, vec![said(n, "bob", if n % 3 == 0 { to("alice") } else { room(1) })]));
        }
        subject.settle();
        let asked = Unread { after: at(4), until: at(19), ..unread() };
        let found = survey(&mut subject, &asked, 99);
        assert_eq!((found.total, found.expired, found.from), (15, 0, at(4)));
        for most in [1, 5, 14, 15] {
            let found = survey(&mut subject, &asked, most);
            assert_eq!((found.total, found.expired), (15, 0));
            assert!(found.from >= asked.after);
            let newest = all(&mut subject, &Unread { after: found.from, ..asked.clone() });
            assert_eq!(newest, (20 - most as u64..=19).collect::<Vec<_>>(), "the newest {most}");
        }
        let nothing = survey(&mut subject, &Unread { after: at(20), ..unread() }, 5);
        assert_eq!((nothing.total, nothing.expired), (0, 0));
        assert!(nothing.from >= at(20));
    }
}

fn kept(memory: &mut Memory, after: u64) -> (u64, u64) {
    match ask(memory, Question::Survey(Unread { after: at(after), ..unread() }, 999)) {
        Ok(Answer::Survey(survey)) => (survey.total, survey.expired),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_memory_has_no_room_for_is_counted_and_never_too_little() {
    let mut memory = Memory::new(Bounds { per_conversation: 10, bytes: 1 << 20, age_ms: 10_000, total: usize::MAX });
    memory.append(entry(1, vec![created(1), joined(1, "alice"), created(3), joined(3, "bob")]));
    for n in 2..=501 {
        memory.append(entry(n, vec![said(n, "bob", room(1)), said(n, "bob", room(3))]));
    }
    assert_eq!(kept(&mut memory, 0), (10, 490));
    for after in 1..=500 {
        let truth = 501 - after - 10u64.min(501 - after);
        let (total, expired) = kept(&mut memory, after);
        assert_eq!(total, 10u64.min(501 - after));
        assert!((truth..=truth + 100).contains(&expired), "{expired} for {truth}");
    }
    assert_eq!(kept(&mut memory, 491), (10, 0), "nothing is gone of what he has not read");
    // What two people said to each other long ago, and nothing since.
    memory.append(entry(600, vec![said(600, "carol", to("alice")), said(601, "alice", to("carol"))]));
    memory.append(entry(601, vec![said(90_000, "bob", room(4))]));
    assert_eq!(kept(&mut memory, 599), (0, 2));
    // Who comes later has missed nothing.
    memory.append(entry(602, vec![joined(1, "dave")]));
    let dave = Unread { account: "dave".parse().unwrap(), ..unread() };
    let Ok(Answer::Survey(found)) = ask(&mut memory, Question::Survey(dave, 9)) else { panic!() };
    assert_eq!((found.total, found.expired), (0, 0));
}

#[test]
fn who_comes_and_goes_costs_memory_little() {
    let mut memory = Memory::new(Bounds { per_conversation: 10, bytes: 1 << 20, age_ms: 10_000, total: usize::MAX });
    memory.append(entry(1, vec![created(1), joined(1, "bob")]));
    for n in 2..=10_000 {
        let who = format!("guest{n}");
        memory.append(entry(n, vec![joined(1, &who), said(n, "bob", room(1)), left(1, &who), joined(1, "alice")]));
        memory.append(entry(n + 20_000, vec![left(1, "alice")]));
    }
    assert!(memory.stays() < 5000, "{}", memory.stays());
}

/// A time as a member is a part of each page: there must not be as many as somebody likes.
#[test]
fn of_who_comes_and_goes_the_last_times_count() {
    for mut subject in subjects() {
        subject.journal.append(entry(1, vec![created(1), joined(1, "bob")]));
        for n in 2..=80 {
            let events = vec![left(1, "alice"), joined(1, "alice")];
            subject.journal.append(entry(2 * n, events));
            subject.journal.append(entry(2 * n + 1, vec![said(2 * n + 1, "bob", room(1))]));
        }
        subject.settle();
        assert_eq!(survey(&mut subject, &unread(), 999).total, 32);
        let expect: Vec<u64> = (49..=80).map(|n| 2 * n + 1).collect();
        assert_eq!(all(&mut subject, &unread()), expect);
    }
}

#[test]
fn the_kept_of_a_page_is_what_was_said() {
    for mut subject in subjects() {
        begin(&mut subject);
        subject.journal.append(entry(2, vec![said(2, "bob", room(1))]));
        subject.settle();
        let found = page(&mut subject, &unread(), 9);
        let message = message(2, "bob", room(1), "x");
        assert_eq!(found.kept, [(Conversation::Room(RoomId(1)), Kept::Message(message))]);
    }
}
