//! NICK (Modern IRC, section "NICK message"), where the nick is the certificate's.

use super::Chat;
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn only_ones_own_name_in_other_capitals() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.plain("carl");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.says("carl", "/join #r");
    chat.silence();
    for (line, answer) in [
        ("NICK Alice", ":c.test 433 bob Alice :Your nickname is your certificate's and cannot be changed"),
        ("NICK carol", ":c.test 433 bob carol :Your nickname is your certificate's and cannot be changed"),
        ("NICK 1x", ":c.test 432 bob 1x :Erroneous nickname"),
        ("NICK", ":c.test 431 bob :No nickname given"),
    ] {
        chat.says("bob", line);
        chat.expect("bob", &[answer]);
    }
    chat.says("alice", "NICK Alice");
    for who in ["alice", "bob"] {
        chat.expect(who, &[":alice!alice@net NICK Alice"]);
    }
    chat.expect("carl", &["06:27:00 -!- alice writes the name Alice now"]);
    // The same once more is nothing new.
    chat.says("alice", "NICK Alice");
    chat.expect("alice", &[]);
    chat.says("alice", "PRIVMSG #r :hi");
    chat.expect("bob", &[":Alice!alice@net PRIVMSG #r :hi"]);
    chat.says("bob", "NAMES #r");
    chat.expect("bob", &[":c.test 353 bob = #r :@Alice bob carl", ":c.test 366 bob #r :End of /NAMES list"]);
}

#[test]
fn it_lasts_as_long_as_the_account_is_present() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.says("alice", "NICK ALICE");
    chat.gone("alice", Gone::Lost);
    chat.silence();
    // Back before anybody saw her go.
    chat.comes("alice", "alice", Dialect::Irc, "");
    chat.says("alice", "PRIVMSG #r :hi");
    chat.expect("bob", &[":ALICE!alice@net PRIVMSG #r :hi"]);
    chat.says("alice", "QUIT");
    chat.expect("bob", &[":ALICE!alice@net QUIT :Quit: "]);
    chat.comes("alice", "alice", Dialect::Irc, "");
    assert_eq!(chat.heard("bob")[0], ":alice!alice@net JOIN #r");
}
