//! What one line carries (Modern IRC, section "Message Format"; IRCv3 `message-tags`): nothing is cut on
//! its way.

use super::Chat;

#[test]
fn what_would_be_cut_for_its_receivers_is_refused() {
    let mut chat = Chat::new();
    chat.irc("alice", "echo-message");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.silence();
    let too_long = ":c.test 417 alice :Input line was too long";
    for (verb, target, open, close) in [
        ("PRIVMSG", "bob", "", ""),
        ("PRIVMSG", "#r", "", ""),
        ("PRIVMSG", "#R", "", ""),
        ("PRIVMSG", "#r", "\u{1}ACTION ", "\u{1}"),
        ("PRIVMSG", "bob,#r,bob", "", ""),
    ] {
        let longest = target.split(',').map(str::len).max().unwrap();
        let room = 510 - ":alice!alice@net  ".len() - verb.len() - longest - " :".len();
        let most = room - open.len() - close.len();
        for (text, fits) in [("x".repeat(most), true), ("x".repeat(most + 1), false), ("é".repeat(most / 2 + 1), false)]
        {
            chat.says("alice", &format!("{verb} {target} :{open}{text}{close}"));
            let (echo, heard) = (chat.heard("alice"), chat.heard("bob"));
            assert_eq!(!heard.is_empty(), fits, "{verb} {target} {}", text.len());
            match fits {
                true => assert!(heard.iter().all(|line| line.contains(&text)) && echo.len() == heard.len()),
                false => assert_eq!(echo, [too_long]),
            }
        }
    }
}

#[test]
fn a_notice_is_never_answered_by_an_error() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response batch");
    chat.irc("bob", "");
    for line in ["NOTICE", "NOTICE bob", "NOTICE bob :", "NOTICE 1,2,3,4,5,6,7,8,9 :x", "NOTICE nobody :x"] {
        chat.says("alice", line);
        chat.expect("alice", &[]);
        chat.says("alice", &format!("@label=1 {line}"));
        chat.expect("alice", &["@label=1 :c.test ACK"]);
    }
    let text = "x".repeat(490);
    chat.says("alice", &format!("NOTICE bob :{text}"));
    let said: Vec<String> =
        chat.heard("bob").iter().map(|line| line.split_once(" NOTICE bob :").unwrap().1.to_owned()).collect();
    assert_eq!((said.len(), said.concat()), (2, text));
    chat.expect("alice", &[]);
}

#[test]
fn names_come_unasked_unless_they_are_not_wanted() {
    let mut chat = Chat::new();
    chat.irc("alice", "draft/no-implicit-names");
    chat.comes("other", "alice", crate::protocol::caps::Dialect::Irc, "");
    chat.silence();
    chat.says("alice", "JOIN #r");
    chat.expect("alice", &[":alice!alice@net JOIN #r"]);
    assert_eq!(chat.heard("other").len(), 3, "another session did not ask for less");
    chat.says("alice", "NAMES #r");
    chat.expect("alice", &[":c.test 353 alice = #r :@alice", ":c.test 366 alice #r :End of /NAMES list"]);
    chat.comes("again", "alice", crate::protocol::caps::Dialect::Irc, "draft/no-implicit-names");
    let heard = chat.heard("again").concat();
    assert!(heard.contains(" JOIN #r") && !heard.contains(" 353 "), "{heard}");
}

#[test]
fn a_person_who_types_need_not_count() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.irc("bob", "");
    chat.says("bob", "JOIN #lobby");
    chat.silence();
    let text = "two words ".repeat(120);
    chat.says("alice", &text);
    let heard = chat.heard("bob");
    let said: String = heard.iter().map(|line| line.split_once(" #lobby :").unwrap().1).collect();
    assert!(heard.len() == 3 && said == text, "{heard:?}");
}

#[test]
fn only_client_only_tags_are_relayed() {
    let mut chat = Chat::new();
    chat.irc("alice", "message-tags server-time account-tag batch labeled-response");
    chat.irc("bob", "message-tags");
    chat.says("alice", "@time=2011;account=root;msgid=x;batch=y;+typing=active;unknown;+draft/react=a\\sb TAGMSG bob");
    let heard = chat.heard("bob").concat();
    let (tags, rest) = heard.split_once(' ').unwrap();
    assert!(tags.starts_with("@msgid=") && tags.ends_with(";+typing=active;+draft/react=a\\sb"), "{heard}");
    assert_eq!((tags.matches(';').count(), rest), (2, ":alice!alice@net TAGMSG bob"));
    chat.says("alice", "@label=1 TAGMSG bob");
    chat.expect("bob", &[]);
    chat.expect("alice", &["@label=1 :c.test ACK"]);
}

#[test]
fn a_target_named_twice_is_told_once_and_many_are_refused() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.silence();
    chat.says("alice", "PRIVMSG bob,BOB,#r,#R :hi");
    chat.expect("bob", &[":alice!alice@net PRIVMSG bob :hi", ":alice!alice@net PRIVMSG #r :hi"]);
    chat.says("alice", "PRIVMSG 1,2,3,4,5,6,7,8,bob :hi");
    chat.expect("bob", &[]);
    chat.expect("alice", &[":c.test 407 alice bob :Too many targets (at most 8)"]);
}
