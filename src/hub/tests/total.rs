//! What waits for all together is bounded, and who makes much work for others pays for it.

use super::shell::House;
use crate::{
    journal::{Bounds, Memory},
    protocol::caps::Dialect,
};

const KIB: usize = 1024;

fn house(names: &[&'static str]) -> House {
    let mut house = House::new(Box::new(Memory::new(Bounds::default()))).with_total(KIB * KIB);
    for name in names {
        house.comes(name, Dialect::Irc, "");
        house.pump();
    }
    for name in names {
        house.heard(name);
    }
    house
}

/// Somebody who does not read is sent so much.
fn fill(house: &mut House, name: &str, octets: usize) {
    let line = format!("PRIVMSG {name} :{}", "x".repeat(450));
    while house.queued(name).1 < octets && !house.is_cut(name) {
        house.says("talker", &line);
        house.pump();
    }
}

#[test]
fn the_largest_go_first_and_the_small_never() {
    let mut house = house(&["talker", "much", "more", "little"]);
    fill(&mut house, "little", 60 * KIB);
    fill(&mut house, "much", 400 * KIB);
    house.waits(1);
    assert!(!["much", "little"].iter().any(|name| house.is_cut(name)), "there is room");
    fill(&mut house, "more", 600 * KIB);
    house.waits(1);
    let cut = ["talker", "much", "more", "little"].map(|name| house.is_cut(name));
    assert_eq!(cut, [false, false, true, false]);
    // Nobody is cut for less, whatever there is in all.
    let mut crowd = house_of_little();
    crowd.waits(1);
    assert!(!crowd.people().iter().any(|name| crowd.is_cut(name)));
}

fn house_of_little() -> House {
    let names: Vec<&'static str> = (0..20).map(|n| &*Box::leak(format!("u{n}").into_boxed_str())).collect();
    let mut house = house(&[&["talker"], &names[..]].concat());
    for name in names {
        fill(&mut house, name, 60 * KIB);
    }
    house
}

#[test]
fn it_is_counted_before_a_second_is_over() {
    let mut house = house(&["talker", "deaf", "other"]);
    fill(&mut house, "other", 300 * KIB);
    // It does not become 4 MiB, which one outbox holds.
    fill(&mut house, "deaf", 3 * KIB * KIB);
    assert!(house.is_cut("deaf") && !house.is_cut("other"));
}

#[test]
fn a_large_answer_is_paid_by_who_asks() {
    let mut house = house(&["talker"]);
    house.says("talker", "JOIN #r");
    for _ in 0..100 {
        house.says("talker", &format!("PRIVMSG #r :{}", "x".repeat(400)));
    }
    house.heard("talker");
    assert_eq!(house.owed("talker"), 0);
    house.says("talker", "HISTORY #r 10");
    house.heard("talker");
    assert_eq!(house.owed("talker"), 0, "what everybody asks for is paid as it stands in the table");
    house.says("talker", "HISTORY #r 100");
    house.heard("talker");
    let owed = house.owed("talker");
    assert!((2..=4).contains(&owed), "{owed}");
    assert_eq!(house.owed("talker"), 0, "once");
}

#[test]
fn what_is_told_to_very_many_is_paid_by_who_says_it() {
    let names: Vec<&'static str> = (0..1030).map(|n| &*Box::leak(format!("u{n}").into_boxed_str())).collect();
    let mut house = house(&names);
    for some in names.chunks(100) {
        for name in some {
            house.says(name, "JOIN #large");
        }
        house.pump();
    }
    house.owed("u0");
    house.says("u0", "PRIVMSG #large :hello");
    house.pump();
    assert_eq!(house.owed("u0"), 1);
}
