//! The journal cannot be written, or not even be read: who is told what, and that it goes on.

use super::{registration, replay::agrees_with_itself, shell::House};
use crate::{
    hub::request::Gone,
    journal::late::Hand,
    protocol::{caps::Dialect, durable::Durable},
};

const BROKEN: &str = "The server cannot write to its disk now: what you say is refused until it can";
const MENDED: &str = "The server can write to its disk again: what you say is taken";

/// alice (plain), bob (IRC) and carol (IRC with labels), in #lobby.
fn world() -> (House, Hand) {
    let (mut house, hand) = House::late();
    house.settled(&["alice"], Some(&hand));
    for (name, caps) in [("bob", ""), ("carol", "labeled-response")] {
        house.comes(name, Dialect::Irc, caps);
        house.says(name, "JOIN #lobby");
    }
    house.pump();
    hand.commit(usize::MAX);
    for name in ["alice", "bob", "carol"] {
        assert!(!house.hears(name).is_empty());
    }
    (house, hand)
}

fn texts(hand: &Hand) -> Vec<String> {
    let events = hand.disk().into_iter().flat_map(|entry| entry.events);
    let texts = events.filter_map(|event| match event {
        Durable::Message(message) => Some(message.text.to_string()),
        _ => None,
    });
    texts.collect()
}

/// The trouble begins with a message of alice's.
fn breaks(house: &mut House, hand: &Hand) {
    house.says("alice", "lost");
    house.pump();
    hand.fail();
    let heard = house.hears("alice");
    assert_eq!(heard[0], format!("-!- {BROKEN}"));
    assert!(heard[1].starts_with("-!- this was not done: ") && heard.len() == 2, "{heard:?}");
    for name in ["bob", "carol"] {
        assert_eq!(house.hears(name), [format!(":c.test NOTICE {name} :{BROKEN}")]);
    }
}

#[test]
fn everybody_is_told_once_that_it_fails_and_once_that_it_works_again() {
    let (mut house, hand) = world();
    breaks(&mut house, &hand);
    for _ in 0..3 {
        // What is said meanwhile is refused at once, and nobody hears more of it.
        house.says("alice", "more");
        house.says("carol", "@label=5 PRIVMSG #lobby :more");
        let heard = house.hears("alice");
        assert!(heard[0].starts_with("-!- this was not done: ") && heard.len() == 1, "{heard:?}");
        let heard = house.hears("carol");
        assert!(heard[0].starts_with("@label=5 :c.test FAIL PRIVMSG NOT_KEPT :") && heard.len() == 1, "{heard:?}");
        // The hub tries by itself, in vain.
        house.tick();
        assert_eq!(hand.waiting(), 1);
        hand.fail();
        assert!(house.hears("bob").is_empty());
    }
    assert_eq!(hand.waiting(), 0);
    house.tick();
    house.says("bob", "PRIVMSG #lobby :too early");
    assert!(house.hears("bob").is_empty(), "the answer stays behind the try");
    hand.commit(usize::MAX);
    let heard = house.hears("bob");
    assert_eq!(heard[0], format!(":c.test NOTICE bob :{MENDED}"));
    assert!(heard[1].starts_with(":c.test FAIL PRIVMSG NOT_KEPT :"), "{heard:?}");
    assert_eq!(house.hears("alice"), [format!("-!- {MENDED}")]);
    house.says("alice", "kept");
    house.pump();
    hand.commit(usize::MAX);
    assert_eq!(house.hears("bob"), [":alice!alice@net PRIVMSG #lobby :kept"]);
    assert_eq!(texts(&hand), ["kept"]);
    agrees_with_itself(house.state());
    // Once more, from the start.
    house.hears("alice");
    house.hears("carol");
    breaks(&mut house, &hand);
}

#[test]
fn what_only_asks_is_answered_and_what_ends_ends() {
    let (mut house, hand) = world();
    breaks(&mut house, &hand);
    for (line, answer) in [
        ("PING p", ":c.test PONG c.test p"),
        ("AWAY :lunch", ":c.test 306 bob :You have been marked as being away"),
        ("TOPIC #lobby", ":c.test 331 bob #lobby :No topic is set"),
    ] {
        house.says("bob", line);
        assert_eq!(house.hears("bob"), [answer]);
    }
    house.says("alice", "/names");
    assert_eq!(house.hears("alice"), ["-!- in #lobby: alice bob carol"]);
    for line in ["JOIN #new", "TOPIC #lobby :x", "PART #lobby", "TAGMSG #lobby", "INVITE alice #lobby"] {
        house.says("bob", line);
        let heard = house.hears("bob");
        let verb = line.split(' ').next().unwrap();
        assert!(heard[0].starts_with(&format!(":c.test FAIL {verb} NOT_KEPT :")) && heard.len() == 1, "{heard:?}");
    }
    // Who goes and comes changes nothing on disk, if he is known.
    house.says("bob", "QUIT");
    house.goes("bob", Gone::Lost);
    assert!(house.hears("alice").iter().any(|line| line.starts_with("-!- bob disconnected")));
    house.comes("bob", Dialect::Irc, "");
    assert!(house.hears("bob")[0].contains(" 001 "));
    // Who is not known cannot stay.
    house.comes("dave", Dialect::Irc, "");
    house.says("dave", "JOIN #lobby");
    let heard = house.hears("dave");
    assert_eq!(heard, ["ERROR :The server cannot write to its disk now; try again later", "(end)"]);
    house.goes("dave", Gone::Lost);
    house.tick();
    hand.commit(usize::MAX);
    house.pump();
    house.comes("dave", Dialect::Irc, "");
    house.pump();
    hand.commit(usize::MAX);
    assert!(house.hears("dave")[0].contains(" 001 "));
    agrees_with_itself(house.state());
}

/// The state is ahead of the disk as long as that cannot be read: nobody hears of what it has too much.
#[test]
fn what_cannot_be_read_either_is_not_built_upon() {
    let (mut house, hand) = world();
    hand.cover();
    house.says("bob", "JOIN #lost");
    house.pump();
    hand.fail();
    let heard = house.hears("bob");
    assert!(heard[1].starts_with(":c.test FAIL JOIN NOT_KEPT :") && heard.len() == 2, "{heard:?}");
    for _ in 0..3 {
        house.tick();
        assert_eq!(hand.waiting(), 0, "nothing is written before the state is what is on disk");
    }
    house.says("bob", "PRIVMSG #lobby :hi");
    assert!(house.hears("bob")[0].starts_with(":c.test FAIL PRIVMSG NOT_KEPT :"));
    house.says("bob", "PING p");
    assert_eq!(house.hears("bob"), [":c.test PONG c.test p"]);
    // Nobody comes in now, known or not; also who speaks at once.
    house.registers("alice2", registration("alice", Dialect::Irc, ""));
    house.says("alice2", "PRIVMSG #lobby :hi");
    assert_eq!(house.hears("alice2"), ["ERROR :The server cannot write to its disk now; try again later", "(end)"]);
    house.goes("alice2", Gone::Lost);
    house.says("carol", "QUIT");
    assert!(house.hears("carol").ends_with(&["(end)".into()]));
    house.goes("carol", Gone::Lost);

    hand.uncover();
    house.tick();
    house.says("bob", "WHOIS bob");
    hand.commit(usize::MAX);
    let heard = house.hears("bob");
    assert!(heard.iter().any(|line| line.ends_with(MENDED)), "{heard:?}");
    assert!(heard.contains(&":c.test 319 bob bob :#lobby".into()), "{heard:?}");
    house.says("bob", "PRIVMSG #lobby :kept");
    house.pump();
    hand.commit(usize::MAX);
    assert!(house.hears("alice").ends_with(&["#lobby <bob> kept".into()]));
    assert_eq!(texts(&hand), ["kept"]);
    agrees_with_itself(house.state());
}

/// Who comes behind a try that fails is not forgotten in between.
#[test]
fn who_is_sent_away_behind_a_try_hears_it() {
    let (mut house, hand) = world();
    breaks(&mut house, &hand);
    house.tick();
    house.comes("dave", Dialect::Plain, "");
    house.says("dave", "hello");
    assert!(house.hears("dave").is_empty());
    hand.fail();
    assert_eq!(house.hears("dave"), ["-!- goodbye: The server cannot write to its disk now; try again later", "(end)"]);
    house.goes("dave", Gone::Lost);
    house.tick();
    house.comes("alice3", Dialect::Irc, "");
    hand.fail();
    house.goes("alice3", Gone::Lost);
    agrees_with_itself(house.state());
}

/// A message that is sent again under its name was kept before the trouble: that is the answer.
#[test]
fn what_was_kept_is_acknowledged_also_now() {
    let (mut house, hand) = world();
    house.comes("dave", Dialect::Irc, "conclave.chat/id echo-message message-tags");
    house.says("dave", "JOIN #lobby");
    house.says("dave", "@conclave.chat/id=1 PRIVMSG #lobby :kept");
    house.pump();
    hand.commit(usize::MAX);
    let echo = house.hears("dave").pop().unwrap();
    assert!(echo.ends_with(" PRIVMSG #lobby :kept"), "{echo}");
    house.hears("alice");
    house.hears("bob");
    house.hears("carol");
    breaks(&mut house, &hand);
    house.hears("dave");
    house.says("dave", "@conclave.chat/id=1 PRIVMSG #lobby :kept");
    assert_eq!(house.hears("dave"), [echo]);
    house.says("dave", "@conclave.chat/id=2 PRIVMSG #lobby :new");
    assert!(house.hears("dave")[0].starts_with(":c.test FAIL PRIVMSG NOT_KEPT :"));
    assert!(house.hears("bob").is_empty());
    assert_eq!(hand.waiting(), 0);
    // It has left no trace, and is said when it is sent once more.
    house.tick();
    hand.commit(usize::MAX);
    house.pump();
    house.says("dave", "@conclave.chat/id=2 PRIVMSG #lobby :new");
    house.pump();
    hand.commit(usize::MAX);
    assert!(house.hears("bob").last().is_some_and(|line| line.ends_with(":new")));
    assert_eq!(texts(&hand), ["kept", "new"]);
}
