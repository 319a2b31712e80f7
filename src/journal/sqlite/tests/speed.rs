//! How fast it is with a million messages. Run by hand:
//! `cargo test --release --lib sqlite::tests::speed -- --ignored --nocapture`.

use std::time::Instant;

use super::{House, at, everything, in_room, said, to};
use crate::{
    ident::{MsgId, RoomId},
    journal::{Log as _, Retention, contract},
    platform::clock,
    protocol::{
        durable::{Bound, Conversation, Durable},
        past::{Content, Newest, Page, Question, Range, Search, Unread},
    },
};

const MESSAGES: u64 = 1_000_000;
const BATCH: u64 = 1000;
const WORDS: [&str; 8] = ["the", "server", "lunch", "deploy", "maybe", "tomorrow", "meeting", "release"];

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start: Instant = clock::monotonic();
    let done = work();
    println!("{what}: {:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    done
}

#[test]
#[ignore = "takes minutes"]
fn a_million_messages() {
    let mut house = House::new(Retention::default());
    let joined =
        |room| Durable::Joined { room: RoomId(room), account: "bob".parse().unwrap(), operator: false, at_ms: 0 };
    house.happen((0..100).map(joined));
    let before = house.sequence;
    timed("append a million", || {
        for batch in 0..MESSAGES / BATCH {
            house.happen((0..BATCH).map(|n| {
                let n = batch * BATCH + n;
                let word = |of: u64| WORDS[(n / of % 8) as usize];
                let text = format!("{} {} {} {} number{n} is what is said here", word(1), word(8), word(64), word(512));
                let audience = if n.is_multiple_of(50) { to("bob") } else { in_room(n % 100) };
                said(n, ["alice", "bob", "carol"][(n % 3) as usize], audience, &text)
            }));
        }
    });
    let size = std::fs::metadata(house.file()).unwrap().len();
    println!("{} MB", size >> 20);
    timed("open", || house.open().unwrap());
    timed("load", || house.journal().load(&mut |_| {}).unwrap());
    let latest = Page { most: 100, ..everything(Conversation::Room(RoomId(1))) };
    let middle = 500_001;
    for (what, range) in [
        ("latest", Range::Latest(None)),
        ("before an id", Range::Before(Bound::Id(MsgId::new(middle, middle.into())))),
        ("after a time", Range::After(Bound::Time(middle))),
        ("around a time", Range::Around(Bound::Time(middle))),
    ] {
        for content in [Content::Texts, Content::Everything] {
            let page = Page { range, content, ..latest.clone() };
            timed(what, || assert_eq!(house.page(&page).len(), 100));
        }
    }
    let rooms: Vec<(RoomId, u64)> = (0..100).map(|room| (RoomId(room), 0)).collect();
    let (account, until): (crate::ident::Nick, _) = ("bob".parse().unwrap(), at(MESSAGES * 2));
    let newest = Newest { account: account.clone(), rooms: rooms.clone(), between_ms: (0, u64::MAX), until, most: 99 };
    timed("newest", || contract::ask(house.journal(), Question::Newest(newest)).unwrap());
    for unread in [1000, 100_000, 1_000_000] {
        let after = at(before + MESSAGES - unread);
        let rooms = rooms.iter().map(|(room, _)| *room).collect();
        let unread = Unread { account: account.clone(), rooms, except: None, content: Content::Texts, after, until };
        timed("survey", || println!("{:?}", contract::ask(house.journal(), Question::Survey(unread.clone(), 5000))));
        timed("unread", || contract::ask(house.journal(), Question::Unread(unread, 200)).unwrap());
    }
    for words in [&["number777777"][..], &["lunch", "deploy"], &["the"], &["number77*"], &["n*"], &["nowhere"]] {
        let search = Search {
            account: account.clone(),
            rooms: rooms.clone(),
            within: None,
            from: None,
            words: words.iter().map(|word| (*word).into()).collect(),
            between_ms: (0, u64::MAX),
            until,
            most: 50,
        };
        for rooms in [100, 1] {
            let search = Search { rooms: search.rooms[..rooms].to_vec(), ..search.clone() };
            timed(&format!("search {words:?} in {rooms}"), || {
                let found = contract::ask(house.journal(), Question::Search(search));
                println!("{:?}", found.map(|found| format!("{found:?}").matches("Message {").count()));
            });
        }
    }
    timed("one message a commit, a hundred of them", || {
        for n in 0..100 {
            house.happen([said(MESSAGES + n, "alice", in_room(1), "one more")]);
        }
    });
    house.retention = Retention { total: Some(MESSAGES - 50_000), ..Retention::default() };
    house.open().unwrap();
    timed("remove 50,000", || house.journal().tidy(0));
}
