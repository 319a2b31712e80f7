//! IRCv3 `draft/message-redaction`.

use super::Chat;
use crate::protocol::caps::Dialect;

const CAPS: &str = "message-tags echo-message draft/message-redaction draft/event-playback";

fn id_of(line: &str) -> String {
    line.split([';', ' ']).find_map(|tag| tag.trim_start_matches('@').strip_prefix("msgid=")).unwrap().into()
}

/// Says it, and gives back the message's id; everybody has read it.
fn said(chat: &mut Chat, who: &str, line: &str) -> String {
    chat.says(who, line);
    let id = id_of(&chat.heard(who)[0]);
    chat.silence();
    id
}

/// Without the event's own tags.
fn bare(heard: Vec<String>) -> Vec<String> {
    heard
        .into_iter()
        .map(|line| if line.starts_with('@') { line.split_once(' ').unwrap().1.into() } else { line })
        .collect()
}

/// Alice, operator of `#a`, and bob and plain carol in it; dora is old-fashioned.
fn room() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.irc("bob", CAPS);
    chat.irc("dora", "echo-message");
    chat.plain("carol");
    for name in ["alice", "bob", "dora"] {
        chat.says(name, "JOIN #a");
    }
    chat.says("carol", "/join #a");
    chat.silence();
    chat
}

#[test]
fn authors_and_operators_take_messages_back() {
    let mut chat = room();
    for (author, who, reason) in [("bob", "bob", ""), ("bob", "alice", " :too loud"), ("alice", "alice", "")] {
        let id = said(&mut chat, author, "PRIVMSG #a :oops");
        chat.says(who, &format!("REDACT #A {id}{reason}"));
        let line = format!(":{who}!{who}@net REDACT #a {id}{reason}");
        for reader in ["alice", "bob"] {
            assert_eq!(bare(chat.heard(reader)), [line.as_str()], "{reader}");
        }
        chat.expect("dora", &[]);
        let reason = if reason.is_empty() { "" } else { " (too loud)" };
        chat.expect("carol", &[&format!("06:27:00 #a -!- {who} took back what was said at 06:27:00{reason}")]);
        // It is nowhere any more, and cannot be taken back twice.
        for question in ["HISTORY #a 9", "CHATHISTORY LATEST #a * 9"] {
            chat.says("bob", question);
            assert!(!chat.heard("bob").concat().contains("oops"));
        }
        chat.says(who, &format!("REDACT #a {id}"));
        let heard = chat.heard(who);
        assert!(heard[0].starts_with(&format!(":c.test FAIL REDACT UNKNOWN_MSGID #a {id} :")), "{heard:?}");
    }
}

#[test]
fn others_do_not() {
    let mut chat = room();
    let id = said(&mut chat, "alice", "PRIVMSG #a :mine");
    let direct = said(&mut chat, "alice", "PRIVMSG bob :for you");
    chat.irc("eve", CAPS);
    let other = "00000000000000000000000000";
    for (who, target, id, expect) in [
        ("bob", "#a", id.as_str(), format!("REDACT_FORBIDDEN #a {id}")),
        ("bob", "alice", &direct, format!("REDACT_FORBIDDEN alice {direct}")),
        ("bob", "alice", &id, format!("UNKNOWN_MSGID alice {id}")),
        ("alice", "#a", other, format!("UNKNOWN_MSGID #a {other}")),
        ("alice", "#a", "nonexistent", "UNKNOWN_MSGID #a nonexistent".into()),
        ("eve", "#a", &id, "INVALID_TARGET #a".into()),
        ("eve", "#none", &id, "INVALID_TARGET #none".into()),
        ("eve", "nobody", &id, "INVALID_TARGET nobody".into()),
        ("eve", "alice", &direct, format!("UNKNOWN_MSGID alice {direct}")),
    ] {
        chat.says(who, &format!("REDACT {target} {id}"));
        let heard = chat.heard(who);
        assert!(heard[0].starts_with(&format!(":c.test FAIL REDACT {expect} :")), "{heard:?}");
        for reader in ["alice", "bob", "carol"] {
            chat.expect(reader, &[]);
        }
    }
    chat.says("alice", "REDACT #a");
    chat.expect("alice", &[":c.test 461 alice REDACT :Not enough parameters"]);
    chat.says("alice", "CHATHISTORY LATEST #a * 9");
    assert!(chat.heard("alice").concat().contains("mine"));
}

#[test]
fn private_messages_in_all_sessions_of_both() {
    let mut chat = room();
    chat.comes("a2", "alice", Dialect::Irc, CAPS);
    chat.silence();
    let id = said(&mut chat, "alice", "PRIVMSG bob :oops");
    chat.says("a2", &format!("REDACT bob {id} :sorry"));
    for reader in ["alice", "a2", "bob"] {
        assert_eq!(bare(chat.heard(reader)), [format!(":alice!alice@net REDACT bob {id} :sorry")], "{reader}");
    }
    chat.expect("carol", &[]);
    let note = said(&mut chat, "alice", "PRIVMSG alice :note");
    chat.says("alice", &format!("REDACT alice {note}"));
    for reader in ["alice", "a2"] {
        assert_eq!(bare(chat.heard(reader)), [format!(":alice!alice@net REDACT alice {note}")], "{reader}");
    }
}

#[test]
fn reactions_too() {
    let mut chat = room();
    let id = said(&mut chat, "bob", "@+draft/react=x TAGMSG #a");
    chat.says("alice", "CHATHISTORY LATEST #a * 9");
    assert!(chat.heard("alice").concat().contains("+draft/react=x"));
    chat.says("bob", &format!("REDACT #a {id}"));
    assert_eq!(bare(chat.heard("alice")), [format!(":bob!bob@net REDACT #a {id}")]);
    chat.says("alice", "CHATHISTORY LATEST #a * 9");
    assert!(!chat.heard("alice").concat().contains("+draft/react=x"));
}

#[test]
fn the_answer_is_labeled() {
    let mut chat = room();
    chat.comes("b2", "bob", Dialect::Irc, "batch labeled-response draft/message-redaction");
    chat.comes("b3", "bob", Dialect::Irc, "batch labeled-response");
    chat.silence();
    for (session, expect) in [("b2", "@label=1 :bob!bob@net REDACT #a"), ("b3", "@label=1 :c.test ACK")] {
        let id = said(&mut chat, "bob", "PRIVMSG #a :x");
        chat.says(session, &format!("@label=1 REDACT #a {id}"));
        let heard = chat.heard(session);
        assert!(heard.len() == 1 && heard[0].starts_with(expect), "{heard:?}");
        chat.silence();
    }
}
