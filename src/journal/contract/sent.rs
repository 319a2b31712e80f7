//! The names of sent messages, the same on every backend.

use super::{Subject, message, poll, room, subjects};
use crate::{
    ident::MsgId,
    journal::{Entry, RESENT_MS},
    protocol::durable::{Durable, Position, Sent},
};

fn sent(n: u64) -> Sent {
    Sent { digest: [n as u8; 32], message: MsgId::new(n, n.into()), time_ms: n }
}

fn name(sequence: u64, account: &str, id: &str, time_ms: u64) -> Entry {
    let events = vec![
        Durable::Message(message(sequence, account, room(1), "x")),
        Durable::Sent { account: account.parse().unwrap(), id: id.into(), sent: sent(time_ms) },
    ];
    Entry { position: Position { epoch: 0, sequence }, time_ms, events }
}

#[track_caller]
fn check(subject: &mut Subject, account: &str, id: &str, expect: Option<u64>) {
    assert_eq!(subject.journal.sent(&account.parse().unwrap(), id), Ok(expect.map(sent)), "{account} {id}");
}

#[test]
fn a_name_is_known_at_once_to_its_account_and_for_its_time() {
    for mut subject in subjects() {
        check(&mut subject, "alice", "1", None);
        subject.journal.append(name(1, "alice", "a", 1));
        check(&mut subject, "alice", "a", Some(1));
        check(&mut subject, "ALICE", "a", Some(1));
        check(&mut subject, "alice", "A", None);
        check(&mut subject, "bob", "a", None);
        subject.settle();
        check(&mut subject, "alice", "a", Some(1));
        // Without a message too, as where none are kept.
        let mut alone = name(2, "bob", "a", 2);
        alone.events.remove(0);
        subject.journal.append(alone);
        subject.settle();
        check(&mut subject, "bob", "a", Some(2));
        check(&mut subject, "alice", "a", Some(1));
        // Neither others of the same account nor its last day change it.
        for n in 3..1000 {
            subject.journal.append(name(n, "alice", &format!("n{n}"), n));
        }
        subject.journal.append(name(1000, "carol", "late", RESENT_MS));
        subject.settle();
        check(&mut subject, "alice", "a", Some(1));
        check(&mut subject, "alice", "n999", Some(999));
        check(&mut subject, "carol", "late", Some(RESENT_MS));
    }
}

#[test]
fn a_commit_that_fails_takes_the_name_back() {
    for mut subject in subjects() {
        let Some(hand) = subject.hand.clone() else { continue };
        subject.journal.append(name(1, "alice", "kept", 1));
        subject.settle();
        assert!(poll(&mut *subject.journal).is_ready());
        subject.journal.append(name(2, "alice", "lost", 2));
        subject.journal.commit();
        check(&mut subject, "alice", "lost", Some(2));
        hand.fail();
        assert!(poll(&mut *subject.journal).is_ready());
        check(&mut subject, "alice", "lost", None);
        check(&mut subject, "alice", "kept", Some(1));
        subject.journal.append(name(3, "alice", "lost", 3));
        subject.settle();
        check(&mut subject, "alice", "lost", Some(3));
    }
}
