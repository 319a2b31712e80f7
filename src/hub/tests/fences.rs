//! How far a session has read, and what of it moves the cursor of its origin.

use super::{Chat, missed::from};
use crate::{
    hub::request::Gone,
    protocol::{
        caps::Dialect,
        durable::{Durable, Origin, Position},
    },
};

/// Alice and Bob in #ops, where Bob says the numbers from `1` on.
fn talk(most: usize) -> Chat {
    let mut chat = Chat::new();
    for name in ["alice", "bob"] {
        chat.irc(name, "message-tags server-time");
        chat.says(name, "JOIN #ops");
    }
    chat.silence();
    (1..=most).for_each(|n| chat.says("bob", &format!("PRIVMSG #ops :{n}")));
    chat
}

/// The numbers, each with its id.
fn numbers(lines: &[String]) -> Vec<(String, String)> {
    let number = |line: &String| {
        let (head, text) = line.split_once(" PRIVMSG #ops :")?;
        let id = head.split_once("msgid=").map_or("", |(_, rest)| &rest[..26]);
        Some((text.to_owned(), id.to_owned()))
    };
    lines.iter().filter_map(number).collect()
}

fn comes_again(chat: &mut Chat) -> Vec<(String, String)> {
    chat.gone("alice", Gone::Lost);
    chat.comes("alice", "alice", Dialect::Irc, "message-tags server-time");
    numbers(&chat.heard("alice"))
}

fn texts(numbers: &[(String, String)]) -> Vec<&str> {
    numbers.iter().map(|(text, _)| &**text).collect()
}

#[test]
fn what_was_not_confirmed_comes_again_under_the_same_id_and_the_rest_does_not() {
    let mut chat = talk(3);
    let live = numbers(&chat.heard("alice"));
    assert_eq!(texts(&live), ["1", "2", "3"]);
    assert_eq!(comes_again(&mut chat), live, "no fence was answered");
    let fence = chat.fence("alice");
    chat.says("bob", "PRIVMSG #ops :4");
    chat.says("alice", &format!("PONG c.test :{fence}"));
    let four = numbers(&chat.heard("alice"));
    assert_eq!(comes_again(&mut chat), four, "behind the fence");
    let fence = chat.fence("alice");
    chat.says("alice", &format!("PONG {fence}"));
    assert_eq!(comes_again(&mut chat), []);
}

#[test]
fn what_was_not_given_out_cannot_be_confirmed_nor_taken_back() {
    let mut chat = talk(3);
    let fence = chat.fence("alice");
    chat.says("bob", "PRIVMSG #ops :4");
    for token in ["conclave-0-99", "conclave-9-1", "conclave-0-18446744073709551615", "nonsense", ""] {
        chat.says("alice", &format!("PONG :{token}"));
    }
    assert_eq!(texts(&comes_again(&mut chat)), ["1", "2", "3", "4"]);
    // Of a session that is gone.
    chat.says("alice", &format!("PONG {fence}"));
    chat.says("alice", "PONG conclave-0-1");
    assert_eq!(texts(&comes_again(&mut chat)), ["4"]);
    // Somebody else's.
    chat.says("bob", &format!("PONG {fence}"));
    assert_eq!(texts(&comes_again(&mut chat)), ["4"]);
}

#[test]
fn sessions_of_one_origin_hold_its_cursor_at_the_least() {
    let mut chat = talk(2);
    chat.comes("second", "alice", Dialect::Irc, "message-tags server-time");
    assert_eq!(texts(&numbers(&chat.heard("second"))), ["1", "2"]);
    chat.says("bob", "PRIVMSG #ops :3");
    let fence = chat.fence("second");
    chat.says("second", &format!("PONG {fence}"));
    chat.says("bob", "PRIVMSG #ops :4");
    chat.comes("third", "alice", Dialect::Irc, "message-tags server-time");
    assert_eq!(texts(&numbers(&chat.heard("third"))), ["1", "2", "3", "4"], "the first has confirmed nothing");
    for name in ["alice", "third"] {
        chat.gone(name, Gone::Lost);
    }
    chat.comes("third", "alice", Dialect::Irc, "message-tags server-time");
    assert_eq!(texts(&numbers(&chat.heard("third"))), ["4"], "the second alone counts now");
}

#[test]
fn a_person_has_read_what_went_out_to_him_before_he_typed() {
    let mut chat = talk(0);
    chat.registers("shell", from("carol", Dialect::Plain, "", (1, "")));
    chat.says("shell", "/join #ops");
    let comes = |chat: &mut Chat| {
        chat.silence();
        chat.registers("shell", from("carol", Dialect::Plain, "", (1, "")));
        let heard = chat.heard("shell");
        heard.into_iter().skip_while(|line| !line.contains("missed message")).collect::<Vec<_>>()
    };
    chat.says("bob", "PRIVMSG #ops :1");
    chat.says("bob", "PRIVMSG #ops :2");
    chat.gone("shell", Gone::Lost);
    let one = ["-!- 2 missed messages:", "06:27:00 #ops <bob> 1", "06:27:00 #ops <bob> 2", "-!- you are up to date"];
    assert_eq!(comes(&mut chat), one);
    chat.gone("shell", Gone::Lost);
    assert_eq!(comes(&mut chat), one, "he typed nothing");
    chat.says("shell", "/rooms");
    chat.says("bob", "PRIVMSG #ops :3");
    chat.gone("shell", Gone::Lost);
    chat.now_ms += 86_400_000;
    let one = ["-!- 1 missed message:", "2026-11-21 06:27:00 #ops <bob> 3", "-!- you are up to date"];
    assert_eq!(comes(&mut chat), one, "of yesterday");
    // A clean end.
    chat.gone("shell", Gone::Cut("Connection closed".into()));
    assert_eq!(comes(&mut chat), [""; 0]);
    chat.says("bob", "PRIVMSG #ops :4");
    chat.says("shell", "/quit");
    chat.gone("shell", Gone::Cut("Connection closed".into()));
    assert_eq!(comes(&mut chat), [""; 0]);
    // What he said himself, he sees when it was not confirmed.
    chat.says("shell", "/msg bob hello");
    chat.gone("shell", Gone::Lost);
    assert_eq!(comes(&mut chat)[1], "06:27:00 you -> bob: hello");
}

/// Somebody who says goodbye before he was answered has not read the answers.
#[test]
fn a_goodbye_confirms_what_went_out_with_it() {
    let mut chat = talk(0);
    chat.registers("shell", from("carol", Dialect::Plain, "", (1, "")));
    chat.says("shell", "/msg bob one");
    chat.says("shell", "/quit");
    // The connection broke before the end.
    chat.gone("shell", Gone::Lost);
    chat.registers("shell", from("carol", Dialect::Plain, "", (1, "")));
    chat.says("shell", "/msg bob two");
    chat.says("shell", "/quit");
    assert_eq!(chat.state.parted.len(), 1);
    chat.gone("shell", Gone::Cut("Connection closed".into()));
    assert!(chat.state.parted.is_empty());
    chat.silence();
    chat.registers("shell", from("carol", Dialect::Plain, "", (1, "")));
    assert!(!chat.heard("shell").iter().any(|line| line.contains("missed")));
}

#[test]
fn an_account_has_few_cursors() {
    let mut chat = talk(1);
    for n in 0..200 {
        chat.registers("phone", from("alice", Dialect::Irc, "", (2, &format!("c{n}"))));
        chat.gone("phone", Gone::Lost);
    }
    let alice = "alice".parse().unwrap();
    assert_eq!(chat.state.accounts[&alice].cursors.len(), 64);
    // One that is gone is one of a new device.
    let registration = from("alice", Dialect::Irc, "", (2, "c1"));
    let origin = Origin { device: registration.device, client: registration.client };
    assert_eq!(chat.state.accounts[&alice].cursors.get(&origin), None);
    chat.registers("phone", from("alice", Dialect::Irc, "", (2, "c1")));
    assert!(chat.heard("phone").iter().any(|line| line.ends_with("] 1")));
    let at = Position { epoch: 0, sequence: 1 };
    chat.state.apply(&Durable::CursorMoved { account: "new".parse().unwrap(), origin, at });
}

/// A program that begins to page by itself holds nothing back.
#[test]
fn who_asks_for_pages_later_has_no_cursor_from_there() {
    let mut chat = talk(2);
    chat.comes("second", "alice", Dialect::Irc, "message-tags server-time");
    let fence = chat.fence("alice");
    chat.says("alice", &format!("PONG {fence}"));
    chat.says("second", "CAP REQ draft/chathistory");
    chat.says("bob", "PRIVMSG #ops :3");
    let fence = chat.fence("second");
    chat.says("second", &format!("PONG {fence}"));
    assert_eq!(texts(&comes_again(&mut chat)), ["3"]);
}
