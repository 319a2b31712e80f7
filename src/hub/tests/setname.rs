//! SETNAME (IRCv3 `setname`), `chghost`, `extended-join`: what others learn of a person's names.

use super::{Chat, registration};
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn a_new_real_name_is_told_to_who_asked_for_it() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "setname labeled-response");
    chat.comes("a2", "alice", Dialect::Irc, "setname");
    chat.irc("bob", "setname");
    chat.irc("carol", "");
    chat.irc("stranger", "setname");
    for who in ["a1", "bob", "carol"] {
        chat.says(who, "JOIN #r");
    }
    chat.silence();
    chat.says("a1", "@label=n SETNAME :Bruce Wayne");
    let line = ":alice!alice@net SETNAME :Bruce Wayne";
    chat.expect("a1", &[&format!("@label=n {line}")]);
    chat.expect("a2", &[line]);
    chat.expect("bob", &[line]);
    chat.expect("carol", &[]);
    chat.expect("stranger", &[]);
    chat.says("carol", "WHOIS alice");
    assert_eq!(chat.heard("carol")[0], ":c.test 311 carol alice alice net * :Bruce Wayne");
    // Without the capability it is done in silence.
    chat.says("carol", "SETNAME Carol");
    chat.expect("carol", &[]);
    chat.expect("bob", &[":carol!carol@net SETNAME :Carol"]);
    let long = "x".repeat(151);
    for bad in ["SETNAME :", "SETNAME :   ", &format!("SETNAME :{long}")] {
        chat.says("bob", bad);
        chat.expect("bob", &[":c.test FAIL SETNAME INVALID_REALNAME :a real name has 1 to 150 octets"]);
    }
    chat.says("bob", "SETNAME");
    chat.expect("bob", &[":c.test 461 bob SETNAME :Not enough parameters"]);
    chat.says("bob", &format!("SETNAME :{}", &long[1..]));
    assert_eq!(chat.heard("bob").len(), 1);
}

#[test]
fn extended_join_has_account_and_real_name() {
    let mut chat = Chat::new();
    chat.irc("alice", "extended-join");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "SETNAME :Bob the Builder");
    chat.silence();
    chat.says("bob", "JOIN #r");
    chat.expect("alice", &[":bob!bob@net JOIN #r bob :Bob the Builder"]);
    assert_eq!(chat.heard("bob")[0], ":bob!bob@net JOIN #r");
}

#[test]
fn who_comes_back_in_time_as_another_is_told_as_that() {
    let mut chat = Chat::new();
    chat.irc("new", "chghost setname");
    chat.irc("old", "");
    chat.plain("person");
    chat.irc("stranger", "chghost");
    chat.irc("alice", "");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "JOIN #s");
    for who in ["new", "old"] {
        chat.says(who, "JOIN #r,#s");
    }
    chat.says("person", "/join #r");
    chat.gone("alice", Gone::Lost);
    chat.silence();
    let mut back = registration("alice", Dialect::Irc, "chghost");
    (back.user, back.realname) = ("phone".into(), "Alice".into());
    chat.registers("a2", back);
    chat.expect("new", &[":alice!alice@net CHGHOST phone net", ":alice!phone@net SETNAME :Alice"]);
    chat.expect(
        "old",
        &[
            ":alice!alice@net QUIT :Changing hostname",
            ":alice!phone@net JOIN #r",
            ":alice!phone@net MODE #r +o alice",
            ":alice!phone@net JOIN #s",
            ":alice!phone@net MODE #s +o alice",
        ],
    );
    chat.expect("person", &[]);
    chat.expect("stranger", &[]);
    // A second session is another view of the same person, and one that is not seen changes nothing.
    let mut second = registration("alice", Dialect::Irc, "");
    (second.user, second.realname) = ("desk".into(), "Alice".into());
    chat.registers("a3", second);
    let mut unseen = registration("alice", Dialect::Irc, "conclave.chat/unseen");
    (unseen.user, unseen.realname) = ("cron".into(), "Cron".into());
    chat.registers("a4", unseen);
    chat.expect("new", &[]);
    chat.expect("old", &[]);
}

#[test]
fn a_session_that_is_not_seen_is_not_given_away_by_its_real_name() {
    let mut chat = Chat::new();
    chat.comes("seen", "alice", Dialect::Irc, "");
    chat.irc("bob", "setname");
    chat.says("seen", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.gone("seen", Gone::Cut("gone".into()));
    chat.comes("a1", "alice", Dialect::Irc, "conclave.chat/unseen setname");
    chat.comes("a2", "alice", Dialect::Irc, "conclave.chat/unseen setname");
    chat.silence();
    chat.says("a1", "SETNAME :Cron");
    chat.expect("a1", &[":alice!alice@net SETNAME :Cron"]);
    chat.expect("a2", &[":alice!alice@net SETNAME :Cron"]);
    chat.expect("bob", &[]);
}
