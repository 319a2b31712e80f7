//! Modes of people (Modern IRC, sections "User mode" and "User Modes").

use super::Chat;
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn modes_are_asked_for_set_and_refused() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response");
    chat.irc("bob", "");
    let mode = |changes: &str| format!(":alice MODE alice :{changes}");
    let unknown = ":c.test 501 alice :Unknown MODE flag".to_owned();
    for (line, expect) in [
        ("MODE alice", vec![":c.test 221 alice +".to_owned()]),
        ("MODE ALICE +iB", vec![mode("+Bi")]),
        ("MODE alice", vec![":c.test 221 alice +Bi".to_owned()]),
        ("MODE alice +i", vec![]),
        ("MODE alice -i+w-w+w", vec![mode("+w-i")]),
        // Without a sign letters are set; those that there are count, then the others are refused.
        ("MODE alice iXy", vec![mode("+i"), unknown.clone()]),
        ("MODE alice +é", vec![unknown]),
        ("MODE alice +o", vec![]),
        ("MODE alice :", vec![]),
        ("@label=a MODE alice -o", vec!["@label=a :c.test ACK".to_owned()]),
        ("@label=b MODE alice -B", vec![format!("@label=b {}", mode("-B"))]),
        ("MODE bob", vec![":c.test 502 alice :Can't change mode for other users".to_owned()]),
        ("MODE bob +i", vec![":c.test 502 alice :Can't change mode for other users".to_owned()]),
        ("MODE nobody +i", vec![":c.test 401 alice nobody :No such nick/channel".to_owned()]),
    ] {
        chat.says("alice", line);
        assert_eq!(chat.heard("alice"), expect, "{line}");
    }
    chat.expect("bob", &[]);
}

#[test]
fn modes_are_the_accounts_and_go_with_it() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "");
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.comes("a3", "alice", Dialect::Plain, "");
    chat.silence();
    chat.says("a1", "MODE alice +iw");
    chat.expect("a1", &[":alice MODE alice :+iw"]);
    chat.expect("a2", &[":alice MODE alice :+iw"]);
    chat.expect("a3", &["-!- your modes changed: +iw"]);
    chat.says("a1", "QUIT");
    chat.says("a3", "/quit");
    // Who comes back in time has them still, and reads them with his welcome.
    chat.gone("a2", Gone::Lost);
    chat.comes("a4", "alice", Dialect::Irc, "");
    assert!(chat.heard("a4").contains(&":c.test 221 alice +iw".to_owned()));
    chat.gone("a4", Gone::Lost);
    chat.passes(31_000);
    chat.comes("a5", "alice", Dialect::Irc, "");
    assert!(!chat.heard("a5").iter().any(|line| line.contains(" 221 ")));
    assert!(chat.state.moded.is_empty());
    // A session that is not seen leaves none behind either.
    chat.says("a5", "QUIT");
    chat.comes("a6", "alice", Dialect::Irc, "conclave.chat/unseen");
    chat.says("a6", "MODE alice +B");
    chat.says("a6", "QUIT");
    assert!(chat.state.moded.is_empty());
}

#[test]
fn who_is_invisible_is_not_shown_to_strangers_in_names() {
    let mut chat = Chat::new();
    for name in ["alice", "bob", "carol"] {
        chat.irc(name, "");
    }
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.says("alice", "MODE alice +i");
    chat.silence();
    chat.says("carol", "NAMES #r");
    chat.expect("carol", &[":c.test 353 carol = #r :bob", ":c.test 366 carol #r :End of /NAMES list"]);
    chat.says("bob", "NAMES #r");
    assert_eq!(chat.heard("bob")[0], ":c.test 353 bob = #r :@alice bob");
    chat.says("carol", "JOIN #r");
    assert_eq!(chat.heard("carol")[1], ":c.test 353 carol = #r :@alice bob carol");
}
