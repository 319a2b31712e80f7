//! Private messages to people who are not here: kept for those whom the server knows.

use super::{Chat, settings, shell::House};
use crate::{
    hub::{request::Gone, state::Settings},
    protocol::{caps::Dialect, durable::Durable},
};

const CAPS: &str = "message-tags labeled-response batch";

/// alice is here by IRC and pat by hand; bob was here, carol has a certificate, zed is nobody.
fn chat(settings: Settings) -> Chat {
    let mut chat = Chat::with(settings);
    chat.issued(&["Carol"]);
    chat.irc("alice", CAPS);
    chat.irc("bob", "");
    chat.plain("pat");
    chat.says("bob", "QUIT");
    chat.silence();
    chat
}

#[test]
fn what_is_kept_waits_and_the_sender_is_told() {
    let mut chat = chat(settings());
    for (name, shown) in [("bob", "bob"), ("BOB", "bob"), ("carol", "Carol")] {
        chat.says("alice", &format!("PRIVMSG {name} :hi"));
        chat.expect("alice", &[&format!(":c.test 301 alice {shown} :offline, will be delivered")]);
        chat.says("alice", &format!("@label=1 PRIVMSG {name} :\u{1}ACTION waves\u{1}"));
        chat.expect("alice", &[&format!("@label=1 :c.test 301 alice {shown} :offline, will be delivered")]);
        // Neither is ever answered.
        chat.says("alice", &format!("NOTICE {name} :psst"));
        chat.says("alice", &format!("@+draft/react=x TAGMSG {name}"));
        chat.expect("alice", &[]);
        chat.says("pat", &format!("/msg {name} hello"));
        chat.says("pat", &format!("/notice {name} psst"));
        let heard = chat.heard("pat");
        assert!(heard[0].ends_with(&format!(" you -> {shown}: hello")), "{heard:?}");
        assert!(heard[2].ends_with(&format!(" you -> {shown}: psst")), "{heard:?}");
        let told = format!("-!- {shown} is offline; the message will be delivered");
        assert!(heard[1] == told && heard[3] == told && heard.len() == 4, "{heard:?}");
    }
    for name in ["zed", "dora"] {
        chat.says("alice", &format!("PRIVMSG {name} :hi"));
        chat.expect("alice", &[&format!(":c.test 401 alice {name} :No such nick/channel")]);
        chat.says("pat", &format!("/msg {name} hi"));
        chat.expect("pat", &[&format!("-!- nobody is known as {name}; /who lists who is here")]);
    }
}

#[test]
fn the_history_with_somebody_who_was_never_here_can_be_read() {
    let mut chat = chat(settings());
    chat.says("alice", "CHATHISTORY LATEST carol * 9");
    assert!(chat.heard("alice")[0].contains("BATCH +"));
    chat.says("alice", "PRIVMSG carol :hi");
    chat.says("alice", "@+draft/react=x TAGMSG carol");
    chat.silence();
    chat.says("alice", "CHATHISTORY LATEST CAROL * 9");
    let heard = chat.heard("alice");
    assert!(heard.len() == 3 && heard[1].ends_with(" PRIVMSG Carol :hi"), "{heard:?}");
    chat.says("alice", "HISTORY carol 9");
    assert!(chat.heard("alice").concat().contains("hi"));
    chat.says("alice", "CHATHISTORY LATEST zed * 9");
    assert!(chat.heard("alice")[0].contains("FAIL CHATHISTORY INVALID_TARGET"));
    chat.says("pat", "/history carol");
    chat.expect("pat", &["-!- no message with carol is kept"]);
    // She comes, and it is hers; who else asks for it gets his own.
    chat.irc("Carol", CAPS);
    chat.says("Carol", "CHATHISTORY LATEST alice * 9");
    assert!(chat.heard("Carol")[1].ends_with(" PRIVMSG Carol :hi"));
}

#[test]
fn what_is_not_kept_does_not_wait() {
    let lines =
        ["PRIVMSG {} :\u{1}VERSION\u{1}", "@+typing=active TAGMSG {}", "PRIVMSG {} :hi", "@+draft/react=x TAGMSG {}"];
    for (keep_messages, refused) in [(true, &lines[..2]), (false, &lines[..])] {
        let mut chat = chat(Settings { keep_messages, ..settings() });
        for name in ["bob", "carol"] {
            for line in refused {
                chat.says("alice", &line.replace("{}", name));
                let refusal = format!(":c.test 401 alice {name} :Not connected; the message was not delivered");
                chat.expect("alice", &[&refusal]);
            }
            chat.says("alice", &format!("NOTICE {name} :\u{1}PING 1\u{1}"));
            chat.expect("alice", &[]);
        }
    }
}

#[test]
fn who_is_here_by_a_program_that_is_not_seen_gets_it_and_is_offline() {
    let mut chat = chat(settings());
    chat.comes("tail", "bob", Dialect::Irc, "conclave.chat/unseen");
    chat.silence();
    chat.says("alice", "PRIVMSG bob :hi");
    chat.expect("alice", &[":c.test 301 alice bob :offline, will be delivered"]);
    chat.expect("tail", &[":alice!alice@net PRIVMSG bob :hi"]);
    chat.says("alice", "@+typing=active TAGMSG bob");
    chat.says("alice", "PRIVMSG bob :\u{1}VERSION\u{1}");
    chat.expect("alice", &[]);
    chat.expect("tail", &[":alice!alice@net PRIVMSG bob :\u{1}VERSION\u{1}"]);
    // A note to oneself is where it belongs.
    chat.says("tail", "PRIVMSG bob :note");
    chat.expect("tail", &[":bob!bob@net PRIVMSG bob :note"]);
    // Who is here and away, is away.
    chat.comes("b2", "bob", Dialect::Irc, "");
    chat.says("b2", "AWAY :lunch");
    chat.says("alice", "PRIVMSG bob :hi");
    chat.expect("alice", &[":c.test 301 alice bob :lunch"]);
    // Who has lost the connection is not here, also while others do not know it yet.
    chat.gone("b2", Gone::Lost);
    chat.says("alice", "PRIVMSG bob :hi");
    chat.expect("alice", &[":c.test 301 alice bob :offline, will be delivered"]);
}

#[test]
fn no_more_than_so_many_wait_until_he_is_here() {
    let mut chat = chat(settings());
    let offline = ":c.test 301 alice bob :offline, will be delivered";
    let full = "@label=1 :c.test FAIL PRIVMSG TOO_MANY_WAITING bob \
                :bob is offline, and 500 of your messages wait there already: this one was not sent";
    for round in 0..2 {
        for _ in 0..500 {
            chat.says("alice", "PRIVMSG bob :hi");
            chat.expect("alice", &[offline]);
        }
        chat.says("alice", "@label=1 PRIVMSG bob :hi");
        chat.expect("alice", &[full]);
        chat.says("alice", "NOTICE bob :hi");
        chat.expect("alice", &[]);
        // It is his letterbox with her alone.
        chat.says("alice", "PRIVMSG carol :hi");
        assert_eq!(chat.heard("alice").len(), 1);
        chat.says("pat", "/msg bob hi");
        assert!(chat.heard("pat")[1].contains("will be delivered"));
        // A program of his that is not seen takes nothing out.
        chat.comes("tail", "bob", Dialect::Irc, "conclave.chat/unseen");
        chat.silence();
        chat.says("alice", "@label=1 PRIVMSG bob :hi");
        chat.expect("alice", &[full]);
        chat.expect("tail", &[]);
        chat.says("tail", "QUIT");
        chat.comes("b2", "bob", Dialect::Irc, "");
        chat.silence();
        for _ in 0..600 {
            chat.says("alice", "PRIVMSG bob :hi");
        }
        chat.expect("alice", &[]);
        assert_eq!(chat.heard("b2").len(), 600, "round {round}");
        chat.says("b2", "QUIT");
        chat.silence();
    }
    // Of all together.
    let names: Vec<&'static str> = (0..10).map(|n| &*format!("n{n}").leak()).collect();
    for name in &names {
        chat.irc(name, "");
        for _ in 0..500 {
            chat.says(name, "PRIVMSG carol :hi");
        }
    }
    chat.silence();
    chat.says("pat", "/msg carol hi");
    chat.expect("pat", &["-!- Carol is offline, and 5000 messages wait there already: this one was not sent"]);
}

#[test]
fn whom_the_index_forgets_nobody_knows_unless_he_was_here() {
    let mut chat = chat(settings());
    chat.issued(&["bob", "dora"]);
    for (name, known) in [("carol", false), ("dora", true), ("bob", true)] {
        chat.says("alice", &format!("PRIVMSG {name} :hi"));
        assert_eq!(chat.heard("alice")[0].contains(" 301 "), known, "{name}");
    }
    chat.issued(&[]);
    for (name, known) in [("dora", false), ("bob", true)] {
        chat.says("alice", &format!("PRIVMSG {name} :hi"));
        assert_eq!(chat.heard("alice")[0].contains(" 301 "), known, "{name}");
    }
}

#[test]
fn otherwise_who_was_never_here_is_nobody() {
    let mut chat = chat(settings());
    for (line, expect) in [
        ("WHOIS carol", " 401 alice carol "),
        ("ISON carol", " 303 alice :"),
        ("INVITE carol #a", " 401 alice carol "),
        ("MONITOR + carol", " 731 alice :carol"),
    ] {
        chat.says("alice", "JOIN #a");
        chat.silence();
        chat.says("alice", line);
        let heard = chat.heard("alice");
        assert!(heard[0].contains(expect), "{line}: {heard:?}");
    }
}

/// More than the few lines that a new device sees of what there was: they were promised to him.
#[test]
fn who_comes_for_the_first_time_gets_all_that_waits() {
    let waiting =
        |chat: &mut Chat| -> usize { chat.heard("Carol").iter().filter(|line| line.contains("waits ")).count() };
    for (dialect, count) in [(Dialect::Irc, 120), (Dialect::Plain, 60)] {
        let mut chat = chat(settings());
        chat.says("alice", "JOIN #lobby");
        chat.says("alice", "PRIVMSG #lobby :not hers, it waits for nobody");
        for number in 0..count {
            chat.says("alice", &format!("PRIVMSG carol :waits {number}"));
        }
        chat.comes("Carol", "Carol", dialect, "");
        assert_eq!(waiting(&mut chat), count, "{dialect:?}");
        // Her connection broke before she had confirmed it.
        chat.gone("Carol", Gone::Lost);
        chat.comes("Carol", "Carol", dialect, "");
        let heard = chat.heard("Carol");
        assert_eq!(heard.iter().filter(|line| line.contains("waits ")).count(), count, "{dialect:?}");
        match dialect {
            Dialect::Irc => {
                let fence = heard.last().unwrap().strip_prefix("PING ").unwrap();
                chat.says("Carol", &format!("PONG {fence}"));
            }
            Dialect::Plain => chat.says("Carol", "/quit"),
        }
        chat.gone("Carol", Gone::Lost);
        chat.comes("Carol", "Carol", dialect, "");
        assert_eq!(waiting(&mut chat), 0, "{dialect:?}");
    }
}

/// Who has a certificate is in no journal.
#[test]
fn who_is_known_stays_known_when_a_commit_fails() {
    let (mut house, hand) = House::late();
    house.comes("alice", Dialect::Irc, "");
    house.pump();
    hand.commit(usize::MAX);
    house.heard("alice");
    house.says("alice", "JOIN #lost");
    house.issued(&["carol"]);
    house.says("alice", "PRIVMSG carol :lost");
    house.pump();
    hand.fail();
    house.mends(&hand);
    let heard = house.heard("alice");
    assert!(heard.len() == 2 && heard[1].contains(" FAIL PRIVMSG NOT_KEPT "), "{heard:?}");
    house.says("alice", "PRIVMSG carol :kept");
    assert!(house.heard("alice").is_empty(), "not before it is on disk");
    hand.commit(usize::MAX);
    assert_eq!(house.heard("alice"), [":c.test 301 alice carol :offline, will be delivered"]);
    let last = hand.disk().pop().unwrap().events;
    assert!(matches!(&last[..], [Durable::Message(message)] if *message.text == *"kept"), "{last:?}");
}
