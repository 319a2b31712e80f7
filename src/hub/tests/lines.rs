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
        ("NOTICE", "bob", "", ""),
        ("PRIVMSG", "#r", "", ""),
        ("NOTICE", "#R", "", ""),
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
