//! INVITE (Modern IRC, section "INVITE message"; IRCv3 `invite-notify`).

use super::Chat;
use crate::{hub::request::Gone, protocol::caps::Dialect};

/// alice is operator of #r and carl is in it.
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

#[test]
fn an_invitation_opens_every_door_once() {
    for closed in ["+i", "+l 1", "+k key", "+b bob", "+ib bob"] {
        let mut chat = room();
        chat.says("alice", &format!("MODE #r {closed}"));
        chat.silence();
        chat.says("bob", "JOIN #r");
        assert_eq!(chat.heard("bob").len(), 1, "{closed}");
        chat.says("alice", "INVITE BOB #R");
        chat.expect("alice", &[":c.test 341 alice bob #r"]);
        chat.expect("bob", &[":alice!alice@net INVITE bob #r"]);
        chat.expect("carl", &[]);
        chat.says("bob", "JOIN #r");
        assert_eq!(chat.heard("bob")[0], ":bob!bob@net JOIN #r", "{closed}");
        chat.says("bob", "PART #r");
        chat.silence();
        chat.says("bob", "JOIN #r");
        let heard = chat.heard("bob");
        assert!(heard.len() == 1 && !heard[0].contains("JOIN #r"), "used up: {heard:?}");
    }
}

#[test]
fn refusals() {
    let mut chat = room();
    for (who, line, expect) in [
        ("alice", "INVITE bob", ":c.test 461 alice INVITE :Not enough parameters"),
        ("alice", "INVITE bob #none", ":c.test 403 alice #none :No such channel"),
        ("alice", "INVITE nobody #r", ":c.test 401 alice nobody :No such nick/channel"),
        ("alice", "INVITE CARL #r", ":c.test 443 alice carl #r :is already on channel"),
        ("bob", "INVITE alice #r", ":c.test 442 bob #r :You're not on that channel"),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who), [expect], "{line}");
    }
    // Everybody in it invites, but not whom the operators keep out.
    chat.says("carl", "INVITE bob #r");
    chat.expect("carl", &[":c.test 341 carl bob #r"]);
    for mode in ["+i", "-i+b bob", "+s"] {
        chat.says("alice", &format!("MODE #r {mode}"));
        chat.silence();
        chat.says("carl", "INVITE bob #r");
        chat.expect("carl", &[":c.test 482 carl #r :You're not a channel operator"]);
    }
    chat.says("bob", "INVITE carl #r");
    chat.expect("bob", &[":c.test 403 bob #r :No such channel"]);
}

#[test]
fn who_is_away_finds_it_with_invite_alone() {
    let mut chat = room();
    chat.gone("bob", Gone::Cut("bye".into()));
    chat.says("alice", "JOIN #a");
    chat.silence();
    for room in ["#r", "#a", "#r"] {
        chat.says("alice", &format!("INVITE bob {room}"));
        chat.expect("alice", &[&format!(":c.test 341 alice bob {room}")]);
    }
    chat.comes("bob", "bob", Dialect::Irc, "");
    chat.silence();
    chat.says("bob", "INVITE");
    chat.expect("bob", &[":c.test 336 bob #a", ":c.test 336 bob #r", ":c.test 337 bob :End of /INVITE list"]);
    chat.says("bob", "JOIN #a");
    chat.says("alice", "PART #r");
    chat.says("carl", "PART #r");
    chat.silence();
    chat.says("bob", "INVITE");
    chat.expect("bob", &[":c.test 337 bob :End of /INVITE list"]);
}

#[test]
fn members_who_asked_are_told_and_all_sessions_of_the_invited() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "invite-notify account-tag");
    chat.comes("a2", "alice", Dialect::Irc, "invite-notify account-tag");
    chat.irc("carl", "invite-notify");
    chat.irc("dora", "");
    chat.plain("eve");
    chat.comes("b1", "bob", Dialect::Irc, "account-tag");
    chat.comes("b2", "bob", Dialect::Plain, "");
    for who in ["a1", "carl", "dora"] {
        chat.says(who, "JOIN #r");
    }
    chat.says("eve", "/join #r");
    chat.silence();
    chat.says("a1", "INVITE bob #r");
    chat.expect("a1", &[":c.test 341 alice bob #r"]);
    chat.expect("a2", &["@account=alice :alice!alice@net INVITE bob #r"]);
    chat.expect("carl", &[":alice!alice@net INVITE bob #r"]);
    chat.expect("dora", &[]);
    chat.expect("eve", &["06:27:00 #r -!- alice invited bob"]);
    chat.expect("b1", &["@account=alice :alice!alice@net INVITE bob #r"]);
    chat.expect("b2", &["-!- alice invites you into #r; /join #r"]);
}

#[test]
fn a_person_at_a_terminal_invites() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.plain("bob");
    chat.says("alice", "/join #r");
    chat.silence();
    chat.says("alice", "/invite bob");
    chat.expect("alice", &["-!- bob is invited into #r"]);
    chat.expect("bob", &["-!- alice invites you into #r; /join #r"]);
    chat.says("bob", "/invite");
    chat.expect("bob", &["-!- you are invited into #r; /join #r"]);
}
