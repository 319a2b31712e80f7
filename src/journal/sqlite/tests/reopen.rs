//! What was committed is there again after the journal was closed and opened, and nothing else.

use std::sync::Arc;

use super::{House, at, everything, in_room, said, special, to};
use crate::{
    ident::{DeviceId, Fingerprint, MsgId, RoomId},
    journal::{Last, Log as _, Retention},
    protocol::{
        chat::{Act, Audience, Event, Kind, Relation, Source},
        durable::{Conversation, Durable, Origin, RoomKind, Visibility},
        limits,
        past::Kept,
    },
};

/// One event for each act.
fn events(first: u64) -> Vec<Durable> {
    let source = |nick: &str| Source {
        nick: nick.parse().unwrap(),
        user: "~x".into(),
        host: "net".into(),
        bot: nick.starts_with('B'),
    };
    let room = || "#R".parse().unwrap();
    let bob = || "Bob".parse().unwrap();
    let acts = [
        Act::Join { room: room(), realname: "Al Ice".into() },
        Act::Part(room(), None),
        Act::Part(room(), Some("bye".into())),
        Act::Kick { room: room(), who: bob(), reason: "why".into() },
        Act::Quit("gone".into()),
        Act::Topic(room(), "".into()),
        Act::Mode(room(), "+ov alice bob".into()),
        Act::Invite { room: room(), who: bob() },
        Act::Rename { from: "#old".parse().unwrap(), to: room(), reason: None },
        Act::Rename { from: "#old".parse().unwrap(), to: room(), reason: Some("new".into()) },
        Act::Away(None),
        Act::Away(Some("lunch".into())),
        Act::Nick(bob()),
        Act::SetName("New Name".into()),
        Act::Host(Arc::new(source("Bot"))),
        Act::Redact { target: "#r".into(), id: MsgId::new(7, 8), reason: None },
        Act::Redact { target: "bob".into(), id: MsgId::new(7, 9), reason: Some("typo".into()) },
        Act::Wallops("hear".into()),
        Act::Kill { who: bob(), reason: "rude".into() },
    ];
    let source = Arc::new(source("Alice"));
    let event =
        |(n, act)| Arc::new(Event { id: MsgId::new(n, n.into()), time_ms: n, source: Arc::clone(&source), act });
    (first..).zip(acts).map(event).map(|event| Durable::Event(RoomId(1), event)).collect()
}

#[test]
fn messages_and_events_are_as_they_were() {
    let mut house = House::new(Retention::default());
    let id = MsgId::new(1, 1);
    let mut happened = vec![
        said(1, "alice", in_room(1), "plain"),
        special(2, in_room(1), |m| m.kind = Kind::Action),
        special(3, in_room(1), |m| m.kind = Kind::Notice),
        special(4, in_room(1), |m| {
            (m.kind, m.tags, m.relation) = (Kind::Tags, Some("+r=x".into()), Some(Relation::Reaction(id)));
        }),
        special(5, in_room(1), |m| (m.kind, m.text) = (Kind::Opaque, "\u{0}\u{1}".repeat(40_000).into())),
        special(6, in_room(1), |m| (m.text, m.joints) = ("a\nbc".into(), [1, 300].into())),
        special(7, in_room(1), |m| m.client = Some("weechat".parse().unwrap())),
        special(8, in_room(1), |m| m.relation = Some(Relation::Reply(id))),
        special(9, in_room(1), |m| m.relation = Some(Relation::Edit(id))),
        special(10, in_room(1), |m| m.relation = Some(Relation::Redaction(id))),
        special(11, in_room(1), |m| Arc::make_mut(&mut m.source).bot = true),
        special(12, Audience::Room(RoomId(1), "#Old-Name".parse().unwrap()), |m| m.text = "".into()),
    ];
    happened.extend(events(20));
    let kept = |happened: &[Durable]| -> Vec<Kept> {
        let kept = happened.iter().map(|event| match event {
            Durable::Message(message) => Kept::Message(Arc::clone(message)),
            Durable::Event(_, event) => Kept::Event(Arc::clone(event)),
            other => panic!("{other:?}"),
        });
        kept.collect()
    };
    let pair =
        [said(50, "alice", to("Bob"), "hi"), said(51, "BOB", to("alice"), "ho"), said(52, "bob", to("Bob"), "me")];
    house.happen(happened.iter().chain(&pair).cloned());
    let between = |one: &str, other: &str| Conversation::between(one.parse().unwrap(), other.parse().unwrap());
    for _ in 0..2 {
        let room = house.all(Conversation::Room(RoomId(1)));
        let shown = |kept: &[Kept]| kept.iter().map(|kept| format!("{kept:?}")).collect::<Vec<_>>();
        assert_eq!(room, kept(&happened));
        assert_eq!(shown(&room), shown(&kept(&happened)), "capitals too");
        assert_eq!(house.all(between("bob", "ALICE")), kept(&pair[..2]));
        assert_eq!(house.all(between("bob", "bob")), kept(&pair[2..]));
        house.open().unwrap();
    }
}

#[test]
fn what_was_not_committed_is_not_there() {
    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "kept")]);
    house.append(vec![said(2, "alice", in_room(1), "never asked to be committed")]);
    house.open().unwrap();
    assert_eq!(house.page(&everything(Conversation::Room(RoomId(1)))).len(), 1);
    let last = house.journal().load(&mut |_| {}).unwrap();
    assert_eq!(last, Some(Last { position: at(1), time_ms: 1 }));
    assert!(house.poll().is_pending(), "nothing has moved since it was opened");
    assert_eq!(house.journal().committed(), Some(at(1)));
}

#[test]
fn what_was_to_be_committed_is_written_before_the_end() {
    let mut house = House::new(Retention::default());
    for n in 1..=500 {
        house.append(vec![said(n, "alice", in_room(1), "x")]);
        house.journal().commit();
    }
    house.open().unwrap();
    assert_eq!(house.all(Conversation::Room(RoomId(1))).len(), 500);
}

#[test]
fn numbers_of_rooms_are_not_given_again() {
    let mut house = House::new(Retention::default());
    let room = |n, name: &str| Durable::RoomCreated {
        room: RoomId(n),
        name: name.parse().unwrap(),
        kind: RoomKind::Open,
        visibility: Visibility::All,
        founder: None,
        at: 5,
    };
    house.happen([room(1, "#one"), room(2, "#two"), Durable::RoomRemoved(RoomId(2))]);
    house.open().unwrap();
    let loaded = house.loaded();
    assert!(loaded.contains(&room(1, "#one")), "{loaded:?}");
    let made = loaded.iter().position(|event| matches!(event, Durable::RoomCreated { room: RoomId(2), .. }));
    let removed = loaded.iter().position(|event| *event == Durable::RoomRemoved(RoomId(2)));
    assert!(made < removed && made.is_some(), "{loaded:?}");
}

#[test]
fn nothing_is_left_beside_the_file_when_it_is_closed() {
    for n in 0..50 {
        let mut house = House::new(Retention::default());
        house.happen([said(n, "alice", in_room(1), "x")]);
        house.journal = None;
        let names = std::fs::read_dir(house.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["journal.sqlite3", "journal.sqlite3-lock"]);
    }
}

#[test]
fn of_an_account_the_newest_cursors_are_left_and_none_goes_back() {
    let mut house = House::new(Retention::default());
    let cursor = |n: u8, sequence: u64| {
        let client = n.is_multiple_of(2).then(|| "irssi".parse().unwrap());
        let origin = Origin { device: DeviceId(Fingerprint::new([n / 2; 32])), client };
        Durable::CursorMoved { account: "alice".parse().unwrap(), origin, at: at(sequence) }
    };
    house.happen([Durable::AccountSeen("alice".parse().unwrap())]);
    house.happen((0..200).map(|n| cursor(n, 1000 + u64::from(n) / 3)));
    house.happen([cursor(199, 9000), cursor(199, 5)]);
    house.open().unwrap();
    let mut left: Vec<Durable> =
        house.loaded().into_iter().filter(|event| matches!(event, Durable::CursorMoved { .. })).collect();
    assert_eq!(left.len(), limits::CURSORS);
    assert_eq!(left.pop(), Some(cursor(199, 9000)));
    let places = left.iter().map(|event| match event {
        Durable::CursorMoved { at, .. } => at.sequence,
        _ => 0,
    });
    assert_eq!(places.min(), Some(1000 + 137 / 3));
}
