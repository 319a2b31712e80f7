//! IRCv3 bot mode: `B` as mode and WHO flag, 335, and the tag `bot`.

use super::Chat;
use crate::protocol::caps::Dialect;

#[test]
fn a_bot_is_known_as_one_everywhere() {
    let mut chat = Chat::new();
    chat.irc("robo", "echo-message message-tags");
    chat.irc("alice", "message-tags");
    chat.irc("bob", "server-time");
    for who in ["robo", "alice", "bob"] {
        chat.says(who, "JOIN #r");
    }
    chat.says("robo", "MODE robo +B");
    chat.silence();
    let tagged = |line: &str| line.split(' ').next().is_some_and(|tags| tags.split([';', '@']).any(|tag| tag == "bot"));
    for line in ["PRIVMSG #r :beep", "NOTICE alice :beep", "TOPIC #r :beep", "PART #r", "JOIN #r"] {
        chat.says("robo", line);
        let heard = chat.heard("alice");
        assert!(!heard.is_empty() && heard.iter().all(|line| tagged(line)), "{line}: {heard:?}");
        assert!(!chat.heard("bob").iter().any(|line| tagged(line)), "only with message-tags");
    }
    assert!(tagged(&chat.heard("robo")[0]), "his own echo too");
    chat.says("bob", "WHOIS robo");
    assert!(chat.heard("bob").contains(&":c.test 335 bob robo :is a bot".to_owned()));
    chat.says("bob", "WHO robo");
    assert_eq!(chat.heard("bob")[0], ":c.test 352 bob #r robo net c.test robo HB@ :0 robo");
    chat.says("bob", "WHO robo %nf");
    assert_eq!(chat.heard("bob")[0], ":c.test 354 bob robo HB@");

    chat.says("robo", "MODE robo -B");
    chat.silence();
    chat.says("robo", "PRIVMSG #r :I am a human");
    assert!(!tagged(&chat.heard("alice")[0]));
    chat.says("bob", "WHOIS robo");
    assert!(!chat.heard("bob").iter().any(|line| line.contains(" 335 ")));
}

#[test]
fn who_goes_as_a_bot_says_so_and_comes_back_as_none() {
    let mut chat = Chat::new();
    chat.irc("alice", "message-tags");
    chat.irc("robo", "");
    chat.says("alice", "JOIN #r");
    chat.says("robo", "JOIN #r");
    chat.says("robo", "MODE robo +B");
    chat.silence();
    chat.says("robo", "QUIT");
    assert!(chat.heard("alice")[0].contains(";bot "));
    chat.comes("robo2", "robo", Dialect::Irc, "");
    assert!(!chat.heard("alice")[0].contains(";bot "));
}
