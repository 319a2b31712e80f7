//! KILL (Modern IRC, section "KILL message").

use super::Chat;
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn a_killed_person_loses_all_sessions_and_stays_a_member() {
    let mut chat = Chat::new();
    chat.irc("root", "labeled-response batch");
    chat.comes("b1", "bob", Dialect::Irc, "");
    chat.comes("b2", "bob", Dialect::Plain, "");
    chat.comes("b3", "bob", Dialect::Irc, "conclave.chat/unseen");
    chat.irc("alice", "");
    chat.says("b1", "JOIN #r");
    chat.says("alice", "JOIN #r");
    chat.silence();
    chat.says("alice", "KILL bob :no");
    chat.expect("alice", &[":c.test 481 alice :Permission Denied- You're not an IRC operator"]);
    chat.says("root", "KILL nobody :x");
    chat.expect("root", &[":c.test 401 root nobody :No such nick/channel"]);
    chat.says("root", "KILL");
    chat.expect("root", &[":c.test 461 root KILL :Not enough parameters"]);

    chat.says("root", "@label=k KILL BOB :too loud");
    chat.expect("root", &["@label=k :c.test ACK"]);
    let bye = [
        ":root!root@net KILL bob :too loud",
        ":bob!bob@net QUIT :Killed (root (too loud))",
        "ERROR :Closing Link: c.test (Killed (root (too loud)))",
        "(closed)",
    ];
    chat.expect("b1", &bye);
    chat.expect("b3", &bye);
    chat.expect(
        "b2",
        &[
            "06:27:00 -!- root ended the connections of bob (too loud)",
            "06:27:00 -!- bob disconnected (Killed (root (too loud)))",
            "-!- goodbye: Closing Link: c.test (Killed (root (too loud)))",
            "(closed)",
        ],
    );
    chat.expect("alice", &[":bob!bob@net QUIT :Killed (root (too loud))"]);
    // What such a session still says is not heard, and that its connection ends changes nothing.
    chat.says("b1", "PRIVMSG #r :but");
    chat.gone("b1", Gone::Lost);
    chat.passes(60_000);
    chat.expect("alice", &[]);
    chat.comes("b4", "bob", Dialect::Irc, "");
    chat.expect("alice", &[":bob!bob@net JOIN #r", ":bob!bob@net MODE #r +o bob"]);
    assert!(chat.heard("b4").contains(&":bob!bob@net JOIN #r".to_owned()), "he is still a member");
}

#[test]
fn who_lingers_is_gone_at_once_and_one_can_end_oneself() {
    let mut chat = Chat::new();
    chat.irc("root", "");
    chat.irc("bob", "");
    chat.irc("alice", "");
    chat.says("bob", "JOIN #r");
    chat.says("alice", "JOIN #r");
    chat.gone("bob", Gone::Lost);
    chat.silence();
    chat.says("root", "KILL bob");
    chat.expect("alice", &[":bob!bob@net QUIT :Killed (root (No reason))"]);
    chat.passes(60_000);
    chat.expect("alice", &[]);
    chat.says("root", "KILL root :enough");
    chat.expect(
        "root",
        &[
            ":root!root@net KILL root :enough",
            ":root!root@net QUIT :Killed (root (enough))",
            "ERROR :Closing Link: c.test (Killed (root (enough)))",
            "(closed)",
        ],
    );
    assert_eq!(chat.state.present, 1);
}
