//! What is too old or too much goes, from the disk too.

use super::{House, in_room, said, to};
use crate::{
    ident::RoomId,
    journal::{RESENT_MS, Retention, Store as _},
    protocol::{
        durable::{Conversation, Durable, Sent},
        past::Kept,
    },
};

fn times(house: &mut House, room: u64) -> Vec<u64> {
    house.all(Conversation::Room(RoomId(room))).iter().map(Kept::time_ms).collect()
}

/// Messages 1 to 30 in three rooms, one after the other, and a pair.
fn filled(retention: Retention) -> House {
    let mut house = House::new(retention);
    house.happen((1..=30).map(|n| said(n, "alice", in_room(n % 3), "word")));
    house.happen([said(31, "alice", to("bob"), "word")]);
    house
}

#[test]
fn what_is_too_old() {
    let mut house = filled(Retention { age_ms: Some(1000), ..Retention::default() });
    house.journal().tidy(1005);
    assert_eq!(times(&mut house, 0), [6, 9, 12, 15, 18, 21, 24, 27, 30]);
    assert_eq!(times(&mut house, 1), [7, 10, 13, 16, 19, 22, 25, 28]);
    assert_eq!(times(&mut house, 2)[0], 5);
    house.journal().tidy(3000);
    assert_eq!(times(&mut house, 0), [0u64; 0]);
    house.happen([said(32, "alice", in_room(1), "and it goes on")]);
    assert_eq!(times(&mut house, 1), [32]);
}

#[test]
fn what_is_too_much_of_one_conversation_or_of_all() {
    let mut house = filled(Retention { per_conversation: Some(3), ..Retention::default() });
    house.journal().tidy(0);
    assert_eq!(times(&mut house, 0), [24, 27, 30]);
    assert_eq!(times(&mut house, 1), [22, 25, 28]);
    house.retention = Retention { total: Some(4), ..Retention::default() };
    house.open().unwrap();
    house.journal().tidy(0);
    assert_eq!([times(&mut house, 0), times(&mut house, 1), times(&mut house, 2)], [vec![30], vec![28], vec![29]]);
}

#[test]
fn names_of_sent_messages_outlive_them_for_their_time() {
    let mut house = House::new(Retention::NOTHING);
    let sent = Sent { digest: [1; 32], message: crate::ident::MsgId::new(1, 1), time_ms: 1 };
    let account = "alice".parse().unwrap();
    house.happen([Durable::Sent { account, id: "one".into(), sent }]);
    let known = |house: &mut House| house.journal().sent(&"ALICE".parse().unwrap(), "one").unwrap();
    house.journal().tidy(RESENT_MS * 2);
    assert_eq!(known(&mut house), Some(sent), "the clock alone says nothing");
    house.sequence = RESENT_MS;
    house.happen([said(5, "alice", in_room(1), "x")]);
    house.journal().tidy(RESENT_MS);
    assert_eq!(known(&mut house), Some(sent));
    house.sequence = RESENT_MS + 10;
    house.happen([said(5, "alice", in_room(1), "x")]);
    house.journal().tidy(RESENT_MS + 11);
    assert_eq!(known(&mut house), None);
}

#[test]
fn the_file_becomes_smaller() {
    let mut house = House::new(Retention { age_ms: Some(1_000_000), ..Retention::default() });
    house.happen((1..=5000).map(|n| said(n, "alice", in_room(1), &format!("word{n} {}", "x".repeat(400)))));
    house.journal().tidy(5000);
    let size = |house: &House| std::fs::metadata(house.file()).unwrap().len();
    let log = |house: &House| std::fs::metadata(house.dir.path().join("journal.sqlite3-wal")).unwrap().len();
    let before = size(&house);
    assert!(before > 2_000_000, "{before}");
    house.journal().tidy(1_004_900);
    assert_eq!(times(&mut house, 1).len(), 101);
    let after = size(&house);
    assert!(after < before / 4, "{before} to {after}");
    assert_eq!(log(&house), 0);
}
