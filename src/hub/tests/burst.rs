//! What is said in one turn of the hub is what would have been said in many.

use proptest::prelude::*;

use super::shell::{House, timeless};
use crate::{hub::request::Gone, journal::Memory, protocol::caps::Dialect};

/// Sessions that look unlike each other, of three accounts.
const PEOPLE: [(&str, &str, Dialect, &str); 7] = [
    ("alice", "alice", Dialect::Irc, ""),
    ("alice-too", "alice", Dialect::Irc, "echo-message labeled-response batch"),
    ("bob", "bob", Dialect::Irc, "echo-message"),
    ("carol", "carol", Dialect::Irc, "message-tags"),
    ("dave", "dave", Dialect::Plain, ""),
    ("erin", "erin", Dialect::Irc, ""),
    ("frank", "frank", Dialect::Irc, "draft/multiline batch"),
];

const LINES: [&str; 12] = [
    "PRIVMSG #one :hello",
    "PRIVMSG #one :and hello again",
    "PRIVMSG #one :hello",
    "PRIVMSG #two :there",
    "NOTICE #one :so",
    "PRIVMSG bob :only you",
    "TOPIC #one :what it is about",
    "TAGMSG #one",
    "PING x",
    "PART #one",
    "JOIN #one",
    "AWAY :gone",
];

struct Told {
    house: House,
    heard: Vec<Vec<String>>,
}

impl Told {
    fn new() -> Self {
        let mut house = House::new(Box::<Memory>::default());
        for (name, account, dialect, caps) in PEOPLE {
            let mut registration = super::registration(account, dialect, caps);
            registration.client = Some(name.parse().unwrap());
            house.registers(name, registration);
            for line in ["JOIN #one", "JOIN #two"] {
                house.says(name, &line.replace("JOIN ", if dialect == Dialect::Irc { "JOIN " } else { "/join " }));
            }
            house.pump();
        }
        Self { house, heard: vec![Vec::new(); PEOPLE.len()] }
    }

    fn says(&self, who: usize, line: &str) {
        let (name, _, dialect, _) = PEOPLE[who];
        match dialect {
            Dialect::Irc => self.house.says(name, line),
            Dialect::Plain => self.house.says(name, line.split_once(" :").map_or("/who", |(_, text)| text)),
        }
    }

    fn reads(&mut self) {
        for (at, (name, ..)) in PEOPLE.into_iter().enumerate() {
            let lines = self.house.hears(name).into_iter().map(|line| timeless(&line));
            self.heard[at].extend(lines);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn in_one_turn_or_in_many(
        story in prop::collection::vec((0..PEOPLE.len(), 0..LINES.len()), 1..60),
        turns in prop::collection::vec(1..20_usize, 1..10),
        gone in 0..PEOPLE.len(),
    ) {
        let (mut many, mut few) = (Told::new(), Told::new());
        let (mut turns, mut left) = (turns.into_iter().cycle(), 0);
        for (at, &(who, line)) in story.iter().enumerate() {
            if at == story.len() / 2 {
                // Somebody else gets the number.
                for told in [&mut many, &mut few] {
                    told.house.pump();
                    told.reads();
                    told.house.goes(PEOPLE[gone].0, Gone::Lost);
                    let mut again = super::registration(PEOPLE[gone].1, PEOPLE[gone].2, PEOPLE[gone].3);
                    again.client = Some(PEOPLE[gone].0.parse().unwrap());
                    told.house.registers(PEOPLE[gone].0, again);
                }
            }
            many.says(who, LINES[line]);
            many.house.pump();
            few.says(who, LINES[line]);
            if left == 0 {
                few.house.pump();
                left = turns.next().unwrap_or(1);
            }
            left -= 1;
        }
        for told in [&mut many, &mut few] {
            told.house.pump();
            told.reads();
        }
        for (at, (name, ..)) in PEOPLE.iter().enumerate() {
            prop_assert_eq!(&many.heard[at], &few.heard[at], "{} heard", name);
        }
    }
}

#[test]
fn a_turn_is_one_push_for_each() {
    let mut told = Told::new();
    told.reads();
    for n in 0..50 {
        told.says(0, &format!("PRIVMSG #one :{n}"));
        told.says(2, &format!("PRIVMSG #one :{n}"));
    }
    told.house.pump();
    let pushes = |name: &str| told.house.queued(name).0;
    for name in ["carol", "erin", "frank", "dave"] {
        assert_eq!(pushes(name), 1, "{name}");
    }
    // Her own lines go to her other session only, his are echoed in their place.
    assert_eq!((pushes("alice"), pushes("bob")), (50, 100));
}
