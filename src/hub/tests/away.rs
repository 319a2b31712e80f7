//! AWAY (Modern IRC, section "AWAY message"), IRCv3 `away-notify` and `draft/pre-away`.

use super::{Chat, registration};
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn the_others_see_the_sum_of_the_sessions() {
    let mut chat = Chat::new();
    chat.irc("bob", "away-notify");
    chat.irc("carol", "");
    chat.plain("dave");
    chat.comes("a1", "alice", Dialect::Irc, "away-notify");
    chat.comes("a2", "alice", Dialect::Irc, "away-notify");
    for who in ["bob", "carol", "a1"] {
        chat.says(who, "JOIN #r");
    }
    chat.says("dave", "/join #r");
    chat.says("a1", "JOIN #s");
    chat.says("bob", "JOIN #s");
    chat.silence();
    chat.says("a1", "AWAY :lunch");
    chat.expect("a1", &[":c.test 306 alice :You have been marked as being away"]);
    chat.expect("bob", &[]);
    chat.says("carol", "PRIVMSG alice :x");
    chat.expect("carol", &[]);
    chat.silence();
    chat.says("a2", "AWAY :dinner");
    // Once, however many rooms they share; to nobody who did not ask, nor to herself.
    chat.expect("bob", &[":alice!alice@net AWAY :dinner"]);
    chat.expect("carol", &[]);
    chat.expect("dave", &[]);
    chat.expect("a1", &[]);
    chat.says("carol", "PRIVMSG alice :x");
    chat.expect("carol", &[":c.test 301 carol alice :dinner"]);
    chat.says("carol", "NOTICE alice :x");
    chat.expect("carol", &[]);
    chat.says("dave", "/msg alice x");
    assert!(chat.heard("dave").contains(&"-!- alice is away: dinner".to_owned()));
    // Who says it again says nothing new; another reason is.
    chat.says("a2", "AWAY :dinner");
    chat.expect("bob", &[]);
    chat.says("a2", "AWAY :supper");
    chat.expect("bob", &[":alice!alice@net AWAY :supper"]);
    // The last session that is there goes: she is away as the other one says.
    chat.says("a2", "AWAY");
    chat.expect("bob", &[":alice!alice@net AWAY"]);
    chat.gone("a2", Gone::Lost);
    chat.expect("bob", &[":alice!alice@net AWAY :lunch"]);
    // One more that is there: she is back. One that is not seen is not.
    chat.comes("a3", "alice", Dialect::Irc, "conclave.chat/unseen");
    chat.expect("bob", &[]);
    chat.comes("a4", "alice", Dialect::Irc, "");
    chat.expect("bob", &[":alice!alice@net AWAY"]);
}

#[test]
fn who_comes_away_is_shown_so() {
    let mut chat = Chat::new();
    chat.irc("bob", "away-notify");
    chat.irc("carol", "");
    chat.irc("alice", "away-notify");
    chat.says("bob", "JOIN #r");
    chat.says("carol", "JOIN #r");
    chat.says("alice", "AWAY :at sea");
    chat.silence();
    chat.says("alice", "JOIN #r");
    chat.expect("bob", &[":alice!alice@net JOIN #r", ":alice!alice@net AWAY :at sea"]);
    chat.expect("carol", &[":alice!alice@net JOIN #r"]);
    assert!(!chat.heard("alice").iter().any(|line| line.contains(" AWAY")));
    // A lost connection makes nobody come back, and who is gone is not away.
    chat.gone("alice", Gone::Lost);
    chat.expect("bob", &[]);
    chat.passes(31_000);
    chat.expect("bob", &[":alice!alice@net QUIT :Connection lost"]);
    chat.comes("alice2", "alice", Dialect::Irc, "");
    chat.expect("bob", &[":alice!alice@net JOIN #r"]);
}

#[test]
fn who_says_it_before_he_is_registered_comes_away() {
    let mut chat = Chat::new();
    chat.irc("bob", "away-notify");
    chat.says("bob", "JOIN #r");
    chat.irc("alice", "");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "QUIT");
    chat.silence();
    let come = |chat: &mut Chat, session, away: &str| {
        let mut registration = registration("alice", Dialect::Irc, "draft/pre-away");
        registration.away = Some(away.into());
        chat.registers(session, registration);
    };
    come(&mut chat, "a1", "*");
    chat.expect("bob", &[":alice!alice@net JOIN #r", ":alice!alice@net AWAY :*"]);
    // To a person the star says nothing.
    chat.plain("carl");
    chat.says("carl", "/msg alice hi");
    chat.expect("carl", &["06:27:00 you -> alice: hi", "-!- alice is away"]);
    // For no reason counts less than any reason, also a newer one.
    come(&mut chat, "a2", "gone fishing");
    chat.expect("bob", &[":alice!alice@net AWAY :gone fishing"]);
    come(&mut chat, "a3", "*");
    chat.expect("bob", &[]);
    chat.comes("a4", "alice", Dialect::Irc, "");
    chat.expect("bob", &[":alice!alice@net AWAY"]);
    chat.says("a4", "AWAY *");
    chat.expect("bob", &[":alice!alice@net AWAY :gone fishing"]);
}
