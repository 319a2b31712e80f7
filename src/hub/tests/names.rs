//! NAMES (Modern IRC, section "NAMES message"; for several rooms, RFC 2812, section 3.2.5).

use super::Chat;

/// alice and bob are in #r, carl in none; alice is alone in #s, which is secret.
fn rooms() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("carl", "");
    chat.says("alice", "JOIN #r,#s");
    chat.says("alice", "MODE #s +s");
    chat.says("bob", "JOIN #r");
    chat.silence();
    chat
}

#[test]
fn the_symbol_says_whether_a_room_is_secret() {
    let mut chat = rooms();
    chat.says("alice", "NAMES #S");
    chat.expect("alice", &[":c.test 353 alice @ #s :@alice", ":c.test 366 alice #s :End of /NAMES list"]);
    chat.says("alice", "NAMES #r");
    chat.expect("alice", &[":c.test 353 alice = #r :@alice bob", ":c.test 366 alice #r :End of /NAMES list"]);
}

#[test]
fn of_what_one_does_not_see_only_the_end() {
    let mut chat = rooms();
    for room in ["#s", "#none", "none", "#a\u{200b}"] {
        chat.says("carl", &format!("NAMES {room}"));
        chat.expect("carl", &[&format!(":c.test 366 carl {room} :End of /NAMES list")]);
    }
    chat.says("carl", "NAMES");
    chat.expect("carl", &[":c.test 366 carl * :End of /NAMES list"]);
}

#[test]
fn several_rooms_are_one_list() {
    let mut chat = rooms();
    chat.says("alice", "NAMES #r,#none,#s");
    chat.expect(
        "alice",
        &[
            ":c.test 353 alice = #r :@alice bob",
            ":c.test 353 alice @ #s :@alice",
            ":c.test 366 alice #r,#none,#s :End of /NAMES list",
        ],
    );
    chat.says("carl", "NAMES #r,#s");
    chat.expect("carl", &[":c.test 353 carl = #r :@alice bob", ":c.test 366 carl #r,#s :End of /NAMES list"]);
    chat.says("carl", "NAMES #1,#2,#3,#4,#5,#6,#7,#8,#9");
    chat.expect("carl", &[":c.test 407 carl #9 :Too many targets (at most 8)"]);
    // As long as names can be, the answer is a line.
    let names: Vec<String> = (0..8).map(|n| format!("#{n}{}", "x".repeat(55))).collect();
    chat.says("carl", &format!("NAMES {}", names.join(",")));
    assert_eq!(chat.heard("carl").len(), 1);
}

#[test]
fn who_is_invisible_is_seen_by_members_only() {
    let mut chat = rooms();
    chat.says("bob", "MODE bob +i");
    chat.silence();
    chat.says("carl", "NAMES #r");
    assert_eq!(chat.heard("carl")[0], ":c.test 353 carl = #r :@alice");
    chat.says("alice", "NAMES #r");
    assert_eq!(chat.heard("alice")[0], ":c.test 353 alice = #r :@alice bob");
}
