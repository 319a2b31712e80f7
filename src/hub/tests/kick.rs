//! KICK (Modern IRC, section "KICK message").

use super::Chat;
use crate::{hub::request::Gone, protocol::caps::Dialect};

fn room() -> Chat {
    let mut chat = Chat::new();
    for who in ["alice", "bob", "carl", "dora"] {
        chat.irc(who, "");
    }
    for who in ["alice", "bob", "carl"] {
        chat.says(who, "JOIN #r");
    }
    chat.silence();
    chat
}

#[test]
fn everybody_sees_it_and_the_kicked_is_out() {
    let mut chat = room();
    chat.says("alice", "KICK #R BOB :too loud");
    for who in ["alice", "bob", "carl"] {
        chat.expect(who, &[":alice!alice@net KICK #r bob :too loud"]);
    }
    chat.says("alice", "PRIVMSG #r :x");
    chat.expect("bob", &[]);
    chat.silence();
    // Without a reason the kicker's name is one (RFC 2812, section 3.2.8).
    chat.says("alice", "KICK #r carl");
    chat.expect("carl", &[":alice!alice@net KICK #r carl :alice"]);
    chat.says("bob", "JOIN #r");
    assert_eq!(chat.heard("bob")[0], ":bob!bob@net JOIN #r", "no ban");
}

#[test]
fn several_at_once_make_several_lines() {
    let mut chat = room();
    chat.says("alice", "KICK #r bob,nobody,carl :x");
    chat.expect(
        "alice",
        &[
            ":alice!alice@net KICK #r bob :x",
            ":c.test 441 alice nobody #r :They aren't on that channel",
            ":alice!alice@net KICK #r carl :x",
        ],
    );
    chat.says("alice", "JOIN #s");
    for who in ["bob", "carl"] {
        chat.says(who, "JOIN #r,#s");
    }
    chat.silence();
    chat.says("alice", "KICK #r,#s bob,carl");
    chat.expect("alice", &[":alice!alice@net KICK #r bob :alice", ":alice!alice@net KICK #s carl :alice"]);
}

#[test]
fn refusals() {
    let mut chat = room();
    chat.says("alice", "MODE #r +v bob");
    chat.silence();
    for (who, line, expect) in [
        ("alice", "KICK #none bob", ":c.test 403 alice #none :No such channel"),
        ("alice", "KICK #r dora", ":c.test 441 alice dora #r :They aren't on that channel"),
        ("alice", "KICK #r", ":c.test 461 alice KICK :Not enough parameters"),
        ("alice", "KICK #r ,", ":c.test 461 alice KICK :Not enough parameters"),
        ("alice", "KICK #r,#s a,b,c", ":c.test 461 alice KICK :Not enough parameters"),
        ("alice", "KICK #r 1,2,3,4,5,6,7,8,9", ":c.test 407 alice 9 :Too many targets (at most 8)"),
        ("dora", "KICK #r bob", ":c.test 442 dora #r :You're not on that channel"),
        ("bob", "KICK #r alice", ":c.test 482 bob #r :You're not a channel operator"),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who), [expect], "{line}");
    }
    chat.says("alice", "MODE #r +s");
    chat.silence();
    chat.says("dora", "KICK #r bob");
    chat.expect("dora", &[":c.test 403 dora #r :No such channel"]);
}

#[test]
fn an_operator_kicks_operators_and_the_last_one_out_ends_the_room() {
    let mut chat = room();
    chat.says("alice", "MODE #r +o bob");
    chat.silence();
    chat.says("bob", "KICK #r alice,carl,bob :over");
    assert_eq!(chat.heard("bob").len(), 3);
    chat.says("bob", "MODE #r");
    chat.expect("bob", &[":c.test 403 bob #r :No such channel"]);
}

#[test]
fn members_who_are_away_are_put_out_too() {
    let mut chat = room();
    chat.gone("bob", Gone::Cut("bye".into()));
    chat.silence();
    chat.says("alice", "KICK #r bob :gone");
    chat.expect("carl", &[":alice!alice@net KICK #r bob :gone"]);
    chat.comes("bob", "bob", Dialect::Irc, "");
    assert!(!chat.heard("bob").iter().any(|line| line.contains("#r")));
    chat.expect("carl", &[]);
}

#[test]
fn all_sessions_leave_and_a_person_talks_where_he_did_before() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.comes("b1", "bob", Dialect::Plain, "");
    chat.comes("b2", "bob", Dialect::Plain, "");
    chat.comes("b3", "bob", Dialect::Irc, "");
    chat.says("alice", "JOIN #r");
    chat.says("b1", "/join #r");
    chat.silence();
    chat.says("alice", "KICK #r bob :out");
    chat.expect("b1", &["06:27:00 #r -!- alice put bob out of the room (out)", "-!- you talk in #lobby now"]);
    chat.expect("b2", &["06:27:00 #r -!- alice put bob out of the room (out)"]);
    chat.expect("b3", &[":alice!alice@net KICK #r bob :out"]);
    chat.says("b1", "x");
    chat.expect("b2", &["06:27:00 #lobby <bob> x"]);
    // The same when he leaves himself on another device.
    chat.says("b1", "/join #s");
    chat.says("b2", "/join #s");
    chat.silence();
    chat.says("b3", "PART #s");
    for who in ["b1", "b2"] {
        chat.expect(who, &["06:27:00 #s -!- bob left", "-!- you talk in #lobby now"]);
    }
}

#[test]
fn a_person_at_a_terminal_kicks() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.irc("bob", "");
    chat.says("alice", "/join #r");
    chat.says("bob", "JOIN #r");
    chat.silence();
    chat.says("alice", "/kick BOB too loud");
    chat.expect("alice", &["06:27:00 #r -!- alice put bob out of the room (too loud)"]);
    chat.expect("bob", &[":alice!alice@net KICK #r bob :too loud"]);
    chat.says("alice", "/kick bob");
    chat.expect("alice", &["-!- bob is not in #r"]);
    chat.says("alice", "/kick");
    chat.expect("alice", &["-!- usage: /kick [#ROOM] NAME [REASON]"]);
}
