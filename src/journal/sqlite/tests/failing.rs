//! A commit that fails loses what was built on it, is told once, and the next one works.

use std::task::Poll;

use rusqlite::Connection;

use super::{House, at, everything, in_room, said};
use crate::{
    ident::{MsgId, RoomId},
    journal::{Log as _, Retention, Store as _, contract},
    protocol::{
        durable::{Conversation, Durable, Sent},
        past::{Kept, Question},
    },
};

/// From now on no item can be written, as if the disk were full; or again.
fn disk(house: &House, full: bool) {
    let conn = Connection::open(house.file()).unwrap();
    conn.execute_batch(match full {
        true => "CREATE TRIGGER full BEFORE INSERT ON items BEGIN SELECT raise(FAIL, 'secret'); END",
        false => "DROP TRIGGER full",
    })
    .unwrap();
}

fn times(house: &mut House) -> Vec<u64> {
    house.all(Conversation::Room(RoomId(1))).iter().map(Kept::time_ms).collect()
}

#[test]
fn what_was_built_on_it_is_lost_too_and_then_it_goes_on() {
    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "kept")]);
    disk(&house, true);
    let name = |n: u64| Durable::Sent {
        account: "alice".parse().unwrap(),
        id: format!("n{n}").into(),
        sent: Sent { digest: [0; 32], message: MsgId::new(n, n.into()), time_ms: n },
    };
    let seen = Durable::AccountSeen("zoe".parse().unwrap());
    house.append(vec![seen.clone(), name(2), said(2, "alice", in_room(1), "lost")]);
    house.journal().commit();
    house.append(vec![said(3, "alice", in_room(1), "asked for before anybody heard of the failure")]);
    house.journal().commit();
    let settle = house.journal().settler();
    settle();
    house.append(vec![said(4, "alice", in_room(1), "appended before anybody heard of the failure")]);
    let known = |house: &mut House| house.journal().sent(&"alice".parse().unwrap(), "n2").unwrap().is_some();
    assert!(known(&mut house));
    let failure = house.commit();
    assert!(matches!(&failure, Poll::Ready(Err(error)) if !error.to_string().contains("secret")), "{failure:?}");
    assert!(house.poll().is_pending(), "told once");
    assert!(!known(&mut house));
    assert_eq!(house.journal().committed(), Some(at(1)));
    assert!(!house.loaded().contains(&seen), "all of an entry or nothing");
    assert_eq!(times(&mut house), [1]);

    house.append(vec![said(5, "alice", in_room(1), "fails again")]);
    assert!(matches!(house.commit(), Poll::Ready(Err(_))));
    disk(&house, false);
    house.happen([said(6, "alice", in_room(1), "works")]);
    assert_eq!(times(&mut house), [1, 6]);
    house.open().unwrap();
    assert_eq!(times(&mut house), [1, 6]);
}

#[test]
fn what_was_committed_before_the_failure_is_told_before_it() {
    let mut house = House::new(Retention::default());
    house.append(vec![said(1, "alice", in_room(1), "kept")]);
    house.journal().commit();
    let settle = house.journal().settler();
    settle();
    disk(&house, true);
    house.append(vec![said(2, "alice", in_room(1), "lost")]);
    assert_eq!(house.commit(), Poll::Ready(Ok(at(1))));
    assert!(matches!(house.poll(), Poll::Ready(Err(_))));
    assert!(house.poll().is_pending());
}

#[test]
fn a_file_that_is_gone_fails_and_is_not_made_anew() {
    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "kept")]);
    let away = house.dir.path().join("away");
    std::fs::rename(house.file(), &away).unwrap();
    disk_of(&away, "CREATE TRIGGER full BEFORE INSERT ON items BEGIN SELECT raise(FAIL, 'x'); END");
    for n in 2..4 {
        house.append(vec![said(n, "alice", in_room(1), "lost")]);
        // SQLite may go on with the file that it has open, under whatever name.
        let _ = house.commit();
    }
    assert!(!house.file().exists(), "an empty journal in its place would be worse");
}

fn disk_of(file: &std::path::Path, sql: &str) {
    // The log that belongs to it is elsewhere: this is another writer of the bare file.
    let _ = Connection::open(file).and_then(|conn| conn.execute_batch(sql));
}

#[test]
fn what_cannot_be_read_says_so_and_can_be_again() {
    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "kept")]);
    let conn = Connection::open(house.file()).unwrap();
    conn.execute_batch("ALTER TABLE items RENAME TO hidden").unwrap();
    let page = Question::Page(everything(Conversation::Room(RoomId(1))));
    let (room, id) = (Conversation::Room(RoomId(1)), MsgId::new(1, 1));
    for _ in 0..2 {
        assert!(contract::ask(house.journal(), page.clone()).is_err());
        assert!(house.journal().find(&room, id).is_err());
    }
    conn.execute_batch("ALTER TABLE hidden RENAME TO items").unwrap();
    assert!(contract::ask(house.journal(), page).is_ok());
    assert!(house.journal().find(&room, id).unwrap().is_some());
}
