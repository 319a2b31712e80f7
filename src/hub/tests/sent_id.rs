//! `conclave.chat/id`: what is sent again is not said again.

use super::{Chat, registration, settings, shell::House};
use crate::{
    hub::{request::Gone, state::Settings},
    journal::late::Hand,
    protocol::caps::Dialect,
};

const CAPS: &str = "conclave.chat/id message-tags echo-message labeled-response batch server-time draft/multiline";

fn room(settings: Settings) -> Chat {
    let mut chat = Chat::with(settings);
    for (name, caps) in [("alice", CAPS), ("bob", "draft/multiline"), ("carol", CAPS)] {
        chat.irc(name, caps);
        chat.says(name, "JOIN #a");
    }
    chat.plain("pat");
    chat.silence();
    chat
}

/// Says something, a while later again, and expects the same answer and nobody to hear it twice.
#[track_caller]
fn twice(chat: &mut Chat, who: &str, lines: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for heard_by_others in [true, false] {
        lines.split('\n').for_each(|line| chat.says(who, line));
        answers.push(chat.heard(who));
        let others: usize = ["alice", "bob", "carol", "pat"].iter().map(|other| chat.heard(other).len()).sum();
        assert_eq!(others > 0, heard_by_others, "{lines}");
        chat.now_ms += 60_000;
    }
    assert_eq!(answers[0], answers[1], "{lines}");
    answers.remove(0)
}

#[test]
fn what_is_sent_again_is_answered_as_the_first_time_and_nobody_hears_it() {
    for keep_messages in [true, false] {
        let mut chat = room(Settings { keep_messages, ..settings() });
        chat.comes("a2", "alice", Dialect::Irc, "");
        chat.says("alice", "MODE #a +o bob");
        chat.silence();
        for lines in [
            "@conclave.chat/id=1;label=x PRIVMSG #a :one",
            "@label=x;conclave.chat/id=2;+draft/reply=z NOTICE #A :two",
            "@conclave.chat/id=3 PRIVMSG bob :three",
            "@conclave.chat/id=4 PRIVMSG @#a :four",
            "@conclave.chat/id=5 PRIVMSG BOB :\u{1}ACTION waves\u{1}",
            "@conclave.chat/id=6 PRIVMSG bob :\u{1}VERSION\u{1}",
            "@conclave.chat/id=7;+draft/react=x TAGMSG #a",
            "@conclave.chat/id=8;label=m BATCH +q draft/multiline #a\n@batch=q PRIVMSG #a :one\n\
             @batch=q;draft/multiline-concat PRIVMSG #a :two\nBATCH -q",
            "@conclave.chat/id=9 PRIVMSG pat :psst",
        ] {
            let answer = twice(&mut chat, "alice", lines);
            assert!(answer.concat().contains(";msgid="), "{answer:?}");
            chat.silence();
        }
        // To oneself, who hears it also as its receiver: the answer is the echo.
        chat.says("alice", "@conclave.chat/id=10 PRIVMSG alice :note");
        let first = chat.heard("alice");
        chat.says("alice", "@conclave.chat/id=10 PRIVMSG alice :note");
        assert_eq!(chat.heard("alice"), first[..1]);
    }
}

#[test]
fn without_an_echo_the_answer_is_an_ack_or_nothing() {
    let mut chat = room(settings());
    chat.comes("c2", "carol", Dialect::Irc, "conclave.chat/id labeled-response batch");
    chat.silence();
    let ack = "@label=x :c.test ACK";
    assert_eq!(twice(&mut chat, "c2", "@conclave.chat/id=1;label=x PRIVMSG #a :one"), [ack]);
    assert_eq!(twice(&mut chat, "c2", "@conclave.chat/id=2 PRIVMSG #a :one"), [""; 0]);
    // Another session of the account knows it too; another account does not.
    chat.silence();
    chat.says("carol", "@conclave.chat/id=1 PRIVMSG #a :one");
    assert_eq!(chat.heard("carol").len(), 1);
    chat.expect("bob", &[]);
    chat.says("alice", "@conclave.chat/id=1 PRIVMSG #a :one");
    assert_eq!(chat.heard("bob").len(), 1);
}

#[test]
fn a_name_is_good_for_one_message() {
    let mut chat = room(settings());
    chat.says("alice", "@conclave.chat/id=1 PRIVMSG #a :one");
    chat.silence();
    for (line, expect) in [
        ("@conclave.chat/id=1 PRIVMSG #a :two", "PRIVMSG ID_REUSED 1"),
        ("@conclave.chat/id=1 NOTICE #a :one", "NOTICE ID_REUSED 1"),
        ("@conclave.chat/id=1 PRIVMSG bob :one", "PRIVMSG ID_REUSED 1"),
        ("@conclave.chat/id=1 TAGMSG bob", "TAGMSG ID_REUSED 1"),
        ("@conclave.chat/id=1;+x PRIVMSG #a :one", "PRIVMSG ID_REUSED 1"),
        ("@conclave.chat/id PRIVMSG #a :one", "PRIVMSG ID_INVALID *"),
        ("@conclave.chat/id=a\\sb NOTICE #a :one", "NOTICE ID_INVALID *"),
        ("@conclave.chat/id=2 PRIVMSG #a,bob :one", "PRIVMSG ID_INVALID *"),
    ] {
        chat.says("alice", line);
        let heard = chat.heard("alice");
        assert!(heard.len() == 1 && heard[0].contains(&format!(":c.test FAIL {expect} :")), "{line}: {heard:?}");
        for other in ["bob", "carol", "pat"] {
            chat.expect(other, &[]);
        }
    }
}

#[test]
fn what_is_refused_is_not_remembered() {
    type Lines<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Lines<'_>, Lines<'_>); 4] = [
        ("#a", " 404 ", &[("alice", "MODE #a +m")], &[("alice", "MODE #a -m")]),
        ("#a", " 404 ", &[("alice", "MODE #a +b carol")], &[("alice", "MODE #a -b carol")]),
        ("#b", " 403 ", &[], &[("alice", "JOIN #b"), ("carol", "JOIN #b")]),
        ("#a,", " 404 ", &[("carol", "PART #a")], &[("carol", "JOIN #a")]),
    ];
    for (target, refusal, trouble, mended) in cases {
        let mut chat = room(settings());
        let line = format!("@conclave.chat/id=1 PRIVMSG {target} :hi");
        trouble.iter().for_each(|(who, line)| chat.says(who, line));
        chat.silence();
        for _ in 0..2 {
            chat.says("carol", &line);
            let heard = chat.heard("carol");
            assert!(heard.len() == 1 && heard[0].contains(refusal), "{heard:?}");
        }
        mended.iter().for_each(|(who, line)| chat.says(who, line));
        chat.silence();
        let answer = twice(&mut chat, "carol", &line);
        assert!(answer[0].ends_with(" :hi"), "{answer:?}");
    }
}

#[test]
fn the_original_counts_whatever_became_of_its_room() {
    let mut chat = room(settings());
    let line = "@conclave.chat/id=1 PRIVMSG #a :one";
    chat.says("carol", line);
    let original = chat.heard("carol");
    chat.silence();
    for change in ["MODE #a +m", "MODE #a +b carol", "KICK #a carol", "MODE #a +s", "RENAME #a #b", "PART #b"] {
        chat.says("alice", change);
        chat.silence();
        chat.says("carol", line);
        assert_eq!(chat.heard("carol"), original, "after {change}");
        chat.expect("bob", &[]);
    }
    // Another room has the name now: it was not said there.
    chat.says("bob", "JOIN #a");
    chat.silence();
    chat.says("carol", line);
    assert_eq!(chat.heard("carol"), original);
    chat.expect("bob", &[]);
}

#[test]
fn the_tag_counts_only_where_it_was_negotiated_and_is_never_relayed() {
    let mut chat = room(settings());
    chat.says("alice", "@conclave.chat/id=1 PRIVMSG #a :one");
    assert!(chat.heard("alice").iter().chain(&chat.heard("carol")).all(|line| !line.contains("conclave.chat")));
    chat.silence();
    for _ in 0..2 {
        chat.says("bob", "@conclave.chat/id=1 PRIVMSG #a :one");
        chat.says("bob", "@conclave.chat/id PRIVMSG #a,carol :two");
        chat.expect("bob", &[]);
        assert_eq!(chat.heard("carol").len(), 3);
    }
    chat.silence();
    chat.says("alice", "CAP REQ -conclave.chat/id");
    chat.says("alice", "@conclave.chat/id=1 PRIVMSG #a :another");
    assert_eq!(chat.heard("carol").len(), 1);
    // A name that nobody could give is not known either.
    chat.says("alice", "CAP REQ conclave.chat/id");
    chat.says("alice", "@conclave.chat/id=1 PRIVMSG #a :one");
    chat.expect("carol", &[]);
}

const ECHO: &str = "conclave.chat/id message-tags echo-message labeled-response batch";

/// A journal that commits late, alice in #a with bob, and all of it committed and heard.
fn late() -> (House, Hand) {
    let (mut house, hand) = House::late();
    for (name, caps) in [("alice", ECHO), ("bob", "")] {
        house.comes(name, Dialect::Irc, caps);
        house.says(name, "JOIN #a");
    }
    commit(&mut house, &hand);
    for name in ["alice", "bob"] {
        house.heard(name);
    }
    (house, hand)
}

fn commit(house: &mut House, hand: &Hand) {
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
}

/// Her connection breaks, and another takes its place.
fn again(house: &mut House) {
    house.goes("alice", Gone::Lost);
    house.registers("alice", registration("alice", Dialect::Irc, ECHO));
    house.pump();
}

/// Of what was heard, the id of the message.
fn id_of(heard: &[String]) -> String {
    let echo = heard.iter().find(|line| line.contains(" PRIVMSG #a :one")).unwrap_or_else(|| panic!("{heard:?}"));
    echo.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap().to_owned()
}

/// How often bob heard the message.
fn times(house: &mut House) -> usize {
    house.heard("bob").iter().filter(|line| line.ends_with(" PRIVMSG #a :one")).count()
}

const LINE: &str = "@label=x;conclave.chat/id=1 PRIVMSG #a :one";

#[test]
fn sent_again_before_and_after_the_commit_it_is_said_once() {
    let (mut house, hand) = late();
    house.says("alice", LINE);
    house.pump();
    again(&mut house);
    house.says("alice", LINE);
    house.says("alice", LINE);
    house.pump();
    assert!(house.heard("alice").is_empty() && times(&mut house) == 0, "nothing before its commit");
    commit(&mut house, &hand);
    let heard = house.heard("alice");
    assert_eq!(heard.iter().filter(|line| line.contains("label=x")).count(), 2);
    assert_eq!(times(&mut house), 1);
    let id = id_of(&heard);
    again(&mut house);
    house.says("alice", LINE);
    commit(&mut house, &hand);
    assert_eq!(id_of(&house.heard("alice")), id);
    assert_eq!(times(&mut house), 0);
}

#[test]
fn a_commit_that_fails_takes_the_name_back_and_what_was_said_before_stands() {
    let (mut house, hand) = late();
    house.says("alice", LINE);
    house.pump();
    again(&mut house);
    fails(&mut house, &hand);
    assert_eq!(times(&mut house), 0);
    house.heard("alice");
    house.says("alice", LINE);
    commit(&mut house, &hand);
    let id = id_of(&house.heard("alice"));
    assert_eq!(times(&mut house), 1);

    // Sent again while the commit of something else fails, and while nothing can be kept: it was said,
    // and is not refused.
    house.says("bob", "PRIVMSG #a :lost");
    house.says("alice", LINE);
    house.pump();
    hand.fail();
    assert_eq!(id_of(&house.heard("alice")), id);
    house.says("alice", LINE);
    house.says("alice", &LINE.replace("id=1", "id=2"));
    let heard = house.heard("alice");
    assert!(id_of(&heard[..1]) == id && heard[1].contains(" FAIL PRIVMSG NOT_KEPT "), "{heard:?}");
    let heard = house.heard("bob");
    assert!(heard.len() == 1 && heard[0].contains(" FAIL PRIVMSG NOT_KEPT "), "{heard:?}");
    house.mends(&hand);

    // Both in the commit that fails: neither was said.
    for _ in 0..2 {
        house.says("alice", &LINE.replace("id=1", "id=2"));
    }
    house.pump();
    fails(&mut house, &hand);
    let heard = house.heard("alice");
    assert_eq!(heard.iter().filter(|line| line.contains(" FAIL PRIVMSG NOT_KEPT ")).count(), 2, "{heard:?}");
    house.says("alice", &LINE.replace("id=1", "id=2"));
    commit(&mut house, &hand);
    assert_ne!(id_of(&house.heard("alice")), id);
    assert_eq!(times(&mut house), 1);
}

fn fails(house: &mut House, hand: &Hand) {
    hand.fail();
    house.mends(hand);
}

#[test]
fn whether_it_was_said_is_never_guessed() {
    let (mut house, hand) = late();
    hand.cover();
    house.says("alice", LINE);
    house.says("alice", "PRIVMSG #a :without a name");
    commit(&mut house, &hand);
    let heard = house.heard("alice");
    assert!(heard[0].starts_with("@label=x :c.test FAIL PRIVMSG ID_UNREADABLE 1 :"), "{heard:?}");
    assert_eq!(times(&mut house), 0);
    assert_eq!(heard.len(), 2);
}
