//! What is to be gone is not in any file any more.

use super::{House, in_room, said};
use crate::{
    ident::{MsgId, RoomId},
    journal::Retention,
    protocol::durable::{Conversation, Durable},
};

/// Whether a text is anywhere in the directory.
fn somewhere(house: &House, text: &str) -> bool {
    let files = std::fs::read_dir(house.dir.path()).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|octets| memchr::memmem::find(&octets, text.as_bytes()).is_some())
}

fn check(remove: Durable) {
    let mut house = House::new(Retention::default());
    let texts = (1..=20).map(|n| said(n, "alice", in_room(1), &format!("unspeakable{n:02} XyzzyPlugh{n:02}")));
    house.happen(texts.chain([said(99, "alice", in_room(2), "remains")]));
    assert!(somewhere(&house, "XyzzyPlugh07") && somewhere(&house, "unspeakable07"));
    house.happen([remove]);
    house.journal().tidy(0);
    for word in ["XyzzyPlugh07", "xyzzyplugh07", "unspeakable07"] {
        assert!(!somewhere(&house, word), "{word}");
    }
    assert!(somewhere(&house, "remains"));
}

#[test]
fn a_message_that_is_taken_back() {
    check(Durable::Redacted(Conversation::Room(RoomId(1)), MsgId::new(7, 7)));
}

#[test]
fn a_room_that_is_gone() {
    check(Durable::RoomRemoved(RoomId(1)));
}
