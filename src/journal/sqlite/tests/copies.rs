//! Copies beside a journal that is in use.

use super::{House, OpenError, in_room, said};
use crate::{
    ident::RoomId,
    journal::{
        Retention,
        sqlite::{Archive, CopyError, backup},
    },
    protocol::durable::{Conversation, Durable, RoomKind, Visibility},
};

fn filled() -> House {
    let mut house = House::new(Retention::default());
    let room = Durable::RoomCreated {
        room: RoomId(1),
        name: "#One".parse().unwrap(),
        kind: RoomKind::Open,
        visibility: Visibility::All,
        founder: None,
        at: 5,
    };
    house.happen([room]);
    house.happen((2..=300).map(|n| said(n, "alice", in_room(n % 2), "word")));
    house
}

#[test]
fn a_copy_is_a_journal_of_one_moment() {
    let mut house = filled();
    let copy = house.dir.path().join("copy.sqlite3");
    backup(&house.file(), &copy).unwrap();
    house.happen([said(301, "alice", in_room(1), "later")]);
    let again = backup(&house.file(), &copy).unwrap_err();
    assert!(matches!(again, CopyError::Files(_)), "{again}");
    let expect = house.all(Conversation::Room(RoomId(0)));
    let mut other = House::closed(Retention::default());
    std::fs::rename(copy, other.file()).unwrap();
    other.open().unwrap();
    assert_eq!(other.all(Conversation::Room(RoomId(0))), expect);
    assert_eq!(other.all(Conversation::Room(RoomId(1))).len(), 149, "not what came later");
    assert_eq!(other.loaded(), house.loaded());
    other.sequence = 400;
    other.happen([said(500, "alice", in_room(1), "goes on")]);
    assert_eq!(other.all(Conversation::Room(RoomId(1))).len(), 150);
}

#[test]
fn what_is_no_journal_is_not_copied() {
    let house = House::closed(Retention::default());
    let to = house.dir.path().join("copy");
    assert!(backup(&house.file(), &to).is_err());
    std::fs::write(house.file(), "no journal").unwrap();
    assert!(matches!(backup(&house.file(), &to), Err(CopyError::Journal(OpenError::Foreign { .. }))));
    assert!(!to.exists());
    assert!(Archive::open(&house.file()).is_err());
}
