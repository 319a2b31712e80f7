//! A journal that the first version made is opened by this one, which goes on with it.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;

use super::{House, contract, everything, in_room, said};
use crate::{
    ident::{DeviceId, Fingerprint, MsgId, RoomId},
    journal::{Last, Log as _, Retention, Store as _},
    protocol::{
        chat::{Act, Kind, Relation, Topic},
        durable::{Conversation, Durable, Origin, Position, RoomKind, Sent, Visibility},
        metadata::Owner,
        modes::{Change, Flag, List, Listed, Status},
        past::{Answer, Content, Kept, Question, Search, Unread},
    },
};

const FIRST: &str = include_str!("../../../../tests/journal/1.sql");

/// The file as the first version left it.
fn made(file: &Path) {
    let conn = Connection::open(file).unwrap();
    conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA foreign_keys = ON").unwrap();
    conn.execute_batch(FIRST).unwrap();
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
}

fn frozen() -> House {
    let mut house = House::closed(Retention::default());
    made(&house.file());
    house.open().unwrap();
    house
}

const AT: Position = Position { epoch: 1, sequence: 4 };

#[test]
fn a_released_schema_does_not_change() {
    assert!(FIRST.starts_with(include_str!("../schema/1.sql")), "append a version, do not change the first");
}

#[test]
fn the_state_is_read() {
    let mut house = frozen();
    let nick = |nick: &str| nick.parse::<crate::ident::Nick>().unwrap();
    let (lobby, ops) = (RoomId(1), RoomId(2));
    let created = |room, name: &str, kind, visibility, founder, at| Durable::RoomCreated {
        room,
        name: name.parse().unwrap(),
        kind,
        visibility,
        founder,
        at,
    };
    let listed = Listed { mask: "*!*@bad".into(), by: nick("alice"), at: 8 };
    let joined = |room, operator, at_ms| Durable::Joined { room, account: nick("bob"), operator, at_ms };
    let cursor = |client: Option<&str>, sequence| Durable::CursorMoved {
        account: nick("bob"),
        origin: Origin {
            device: DeviceId(Fingerprint::new([0; 32])),
            client: client.map(|client| client.parse().unwrap()),
        },
        at: Position { epoch: 0, sequence },
    };
    let metadata = |owner, key: &str, value: &str| Durable::MetadataSet {
        owner,
        key: key.parse().unwrap(),
        value: Some(value.into()),
    };
    let topic = Topic { text: "Welcome".into(), by: nick("alice"), at: 6 };
    let expect = [
        Durable::AccountSeen(nick("alice")),
        Durable::AccountSeen(nick("bob")),
        created(RoomId(3), "#gone", RoomKind::Open, Visibility::SinceJoining, None, 0),
        Durable::RoomRemoved(RoomId(3)),
        created(lobby, "#lobby", RoomKind::Open, Visibility::All, None, 5),
        Durable::TopicSet(lobby, Some(topic)),
        Durable::ModeChanged(lobby, Change::Key(Some("secret".into()))),
        Durable::ModeChanged(lobby, Change::Limit(Some(10))),
        created(ops, "#ops", RoomKind::Encrypted, Visibility::SinceJoining, Some(nick("bob")), 7),
        Durable::ModeChanged(lobby, Change::Flag(Flag::Secret, true)),
        Durable::ModeChanged(lobby, Change::Flag(Flag::TopicLocked, false)),
        Durable::ModeChanged(lobby, Change::Listed(List::Ban, listed)),
        metadata(Owner::Room(lobby), "color", "blue"),
        joined(ops, true, 11),
        joined(lobby, false, 12),
        Durable::ModeChanged(lobby, Change::Status(Status::Voiced, nick("bob"), true)),
        Durable::Invited { room: ops, account: nick("alice") },
        Durable::MarkedRead { account: nick("bob"), target: "#lobby".into(), time_ms: 13 },
        metadata(Owner::Account(nick("bob")), "display-name", "Bob B"),
        cursor(Some("weechat"), 3),
        cursor(None, 4),
    ];
    assert_eq!(house.loaded(), expect);
    assert_eq!(house.journal().load(&mut |_| {}), Ok(Some(Last { position: AT, time_ms: 9000 })));
}

#[test]
fn what_was_said_is_read_and_goes_on() {
    let mut house = frozen();
    let room = Conversation::Room(RoomId(1));
    let kept = house.all(room.clone());
    let [Kept::Message(hello), Kept::Event(join)] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((&*hello.text, hello.source.nick.as_str(), hello.time_ms), ("Hello there", "Alice", 1000));
    assert_eq!(join.act, Act::Join { room: "#lobby".parse().unwrap(), realname: "Bob B".into() });
    assert!(join.source.bot);
    let pair = house.all(Conversation::between("bob".parse().unwrap(), "alice".parse().unwrap()));
    let [Kept::Message(waves)] = &pair[..] else { panic!("{pair:?}") };
    assert_eq!((waves.kind, &*waves.text, waves.tags.as_deref()), (Kind::Action, "waves\ntwice", Some("+x=y")));
    assert_eq!((waves.relation, &*waves.joints), (Some(Relation::Reply(hello.id)), &[2u16][..]));
    let found = house.journal().find(&room, hello.id).unwrap();
    assert_eq!(found.as_ref(), Some(hello));
    let sent = Sent { digest: [0; 32], message: hello.id, time_ms: 8000 };
    assert_eq!(house.journal().sent(&"BOB".parse().unwrap(), "name"), Ok(Some(sent)));

    house.epoch = 1;
    house.sequence = 4;
    let mut more = contract::message(10_000, "bob", in_room(1), "hello again");
    Arc::make_mut(&mut more).id = MsgId::new(10_000, 1);
    house.happen([Durable::Message(Arc::clone(&more)), said(10_001, "alice", in_room(2), "x")]);
    house.open().unwrap();
    assert_eq!(house.page(&everything(room)).last(), Some(&Kept::Message(more)));
    let search = Search {
        account: "bob".parse().unwrap(),
        rooms: vec![(RoomId(1), 0)],
        within: None,
        from: None,
        words: vec!["hello".into()],
        between_ms: (0, u64::MAX),
        until: Position { epoch: 9, sequence: 0 },
        most: 9,
    };
    match contract::ask(house.journal(), Question::Search(search)) {
        Ok(Answer::Search(found)) => assert_eq!(found.len(), 2),
        other => panic!("{other:?}"),
    }
    let unread = Unread {
        account: "bob".parse().unwrap(),
        rooms: vec![RoomId(1)],
        except: None,
        content: Content::Texts,
        after: Position::default(),
        until: Position { epoch: 9, sequence: 0 },
    };
    match contract::ask(house.journal(), Question::Survey(unread, 9)) {
        Ok(Answer::Survey(survey)) => assert_eq!((survey.total, survey.expired), (3, 0), "{survey:?}"),
        other => panic!("{other:?}"),
    }
}
