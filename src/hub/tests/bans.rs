//! What bans, exceptions and the other modes keep from coming in and from being said (Modern IRC,
//! section "Channel Modes"; IRCv3 `account-extban`; ISUPPORT `EXTBAN`).

use super::Chat;
use crate::hub::request::Gone;

/// alice is operator of #r; bob is nowhere, carl is in the room.
fn room() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("carl", "");
    chat.says("alice", "JOIN #r");
    chat.says("carl", "JOIN #r");
    chat.silence();
    chat
}

impl Chat {
    fn modes(&mut self, changes: &str) {
        self.says("alice", &format!("MODE #r {changes}"));
        self.silence();
    }

    #[track_caller]
    fn kept_out(&mut self, who: &str, number: u16, letter: char) {
        self.says(who, "JOIN #r");
        self.expect(who, &[&format!(":c.test {number} {who} #r :Cannot join channel (+{letter})")]);
    }

    #[track_caller]
    fn comes_in(&mut self, who: &str) {
        self.says(who, "JOIN #r");
        assert_eq!(self.heard(who)[0], format!(":{who}!{who}@net JOIN #r"));
        self.says(who, "PART #r");
        self.silence();
    }

    /// Whether others hear it; who is not heard is told, unless it was a NOTICE.
    #[track_caller]
    fn heard_of(&mut self, who: &str, line: &str) -> bool {
        self.says(who, line);
        let told = self.heard(who) == [format!(":c.test 404 {who} #r :Cannot send to channel")];
        let heard = !self.heard("alice").is_empty();
        assert_ne!(told, heard || line.starts_with("NOTICE"), "{line}");
        heard
    }
}

#[test]
fn who_is_banned_stays_out() {
    let mut chat = room();
    for ban in ["BOB!*@*", "b?b", "*!bob@net", "account:BoB"] {
        chat.modes(&format!("+b {ban}"));
        chat.kept_out("bob", 474, 'b');
        chat.modes(&format!("-b {ban}"));
        chat.comes_in("bob");
    }
    chat.modes("+b *!*@*");
    chat.kept_out("bob", 474, 'b');
    for except in ["bob", "account:bob"] {
        chat.modes(&format!("+e {except}"));
        chat.comes_in("bob");
        chat.modes(&format!("-e {except}"));
    }
    chat.kept_out("bob", 474, 'b');
}

#[test]
fn who_is_banned_is_silent() {
    let mut chat = room();
    assert!(chat.heard_of("carl", "PRIVMSG #r :x"));
    chat.modes("+b carl");
    for line in ["PRIVMSG #r :x", "PRIVMSG #r :\u{1}ACTION x\u{1}", "NOTICE #r :x", "@+a=b TAGMSG #r"] {
        assert!(!chat.heard_of("carl", line), "{line}");
    }
    chat.modes("+v carl");
    assert!(chat.heard_of("carl", "PRIVMSG #r :x"));
    chat.modes("-v+e carl carl");
    assert!(chat.heard_of("carl", "PRIVMSG #r :x"));
}

#[test]
fn who_is_muted_comes_in_and_is_silent() {
    let mut chat = room();
    chat.modes("+b m:BOB!*@*");
    chat.says("bob", "JOIN #r");
    chat.silence();
    assert!(!chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("+e m:*!*bob@*");
    assert!(chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("-e m:*!*bob@*");
    assert!(!chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("-b m:bob");
    assert!(chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("+b m:account:bob");
    assert!(!chat.heard_of("bob", "PRIVMSG #r :x"));
}

#[test]
fn moderated_rooms_hear_operators_and_the_voiced() {
    let mut chat = room();
    chat.modes("+m");
    assert!(!chat.heard_of("carl", "PRIVMSG #r :x"));
    chat.modes("+v carl");
    assert!(chat.heard_of("carl", "PRIVMSG #r :x"));
    chat.says("alice", "PRIVMSG #r :x");
    assert_eq!(chat.heard("carl").len(), 1);
}

#[test]
fn outsiders_speak_only_without_n() {
    let mut chat = room();
    assert!(!chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("-n");
    assert!(chat.heard_of("bob", "PRIVMSG #r :x"));
    chat.modes("+b bob");
    assert!(!chat.heard_of("bob", "PRIVMSG #r :x"));
}

#[test]
fn no_ctcp_but_actions() {
    let mut chat = room();
    assert!(chat.heard_of("carl", "PRIVMSG #r :\u{1}PING 1\u{1}"));
    chat.modes("+C");
    assert!(!chat.heard_of("carl", "PRIVMSG #r :\u{1}PING 1\u{1}"));
    assert!(!chat.heard_of("carl", "NOTICE #r :\u{1}PING 1\u{1}"));
    assert!(!chat.heard_of("carl", "PRIVMSG #r :x\u{1}PING 1\u{1}"), "not behind something else either");
    assert!(chat.heard_of("carl", "PRIVMSG #r :\u{1}ACTION waves\u{1}"));
    assert!(chat.heard_of("carl", "PRIVMSG #r :x"));
}

#[test]
fn closed_rooms() {
    let mut chat = room();
    chat.modes("+i");
    chat.kept_out("bob", 473, 'i');
    chat.modes("+I bob");
    chat.comes_in("bob");
    chat.modes("-iI bob");
    chat.modes("+l 2");
    chat.kept_out("bob", 471, 'l');
    // Who is away is a member all the same.
    chat.gone("carl", Gone::Cut("x".into()));
    chat.kept_out("bob", 471, 'l');
    chat.modes("+l 3");
    chat.comes_in("bob");
}
