//! JOIN, PART and TOPIC (Modern IRC, sections of these names).

use super::Chat;

#[test]
fn lists_of_rooms_with_their_keys() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #a,#b,#c");
    chat.says("alice", "MODE #a +k one");
    chat.says("alice", "MODE #c +k three");
    chat.silence();
    chat.says("bob", "JOIN #a,x,#b,#c one,,two,three");
    let heard = chat.heard("bob");
    let kept: Vec<&str> =
        heard.iter().map(String::as_str).filter(|line| !line.contains(" 353 ") && !line.contains(" 366 ")).collect();
    assert_eq!(
        kept,
        [":bob!bob@net JOIN #a", ":c.test 403 bob x :No such channel", ":bob!bob@net JOIN #b", ":bob!bob@net JOIN #c",]
    );
    // There already, nothing is said; a label is answered.
    chat.says("bob", "JOIN #a");
    chat.expect("bob", &[]);
}

#[test]
fn the_order_is_join_topic_names() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "TOPIC #r :ours");
    chat.silence();
    chat.says("bob", "JOIN #R");
    chat.expect(
        "bob",
        &[
            ":bob!bob@net JOIN #r",
            ":c.test 332 bob #r :ours",
            ":c.test 333 bob #r alice 1795242420",
            ":c.test 353 bob = #r :@alice bob",
            ":c.test 366 bob #r :End of /NAMES list",
        ],
    );
    chat.says("bob", "JOIN 0");
    chat.expect("bob", &[":bob!bob@net PART #r"]);
    chat.says("bob", "JOIN 0");
    chat.expect("bob", &[]);
}

#[test]
fn parting_from_several_rooms() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #a,#b,#c");
    chat.says("alice", "MODE #c +s");
    chat.says("bob", "JOIN #a");
    chat.silence();
    chat.says("bob", "PART #A,#b,#c,#none :so long");
    chat.expect(
        "bob",
        &[
            ":bob!bob@net PART #a :so long",
            ":c.test 442 bob #b :You're not on that channel",
            ":c.test 403 bob #c :No such channel",
            ":c.test 403 bob #none :No such channel",
        ],
    );
    chat.says("bob", "PART");
    chat.expect("bob", &[":c.test 461 bob PART :Not enough parameters"]);
}

#[test]
fn topics_are_the_members() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("carl", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.silence();
    for (who, line, expect) in [
        ("bob", "TOPIC #r", ":c.test 331 bob #r :No topic is set"),
        ("bob", "TOPIC #r :x", ":c.test 482 bob #r :You're not a channel operator"),
        ("carl", "TOPIC #r", ":c.test 331 carl #r :No topic is set"),
        ("carl", "TOPIC #r :x", ":c.test 442 carl #r :You're not on that channel"),
        ("carl", "TOPIC #none", ":c.test 403 carl #none :No such channel"),
        ("carl", "TOPIC", ":c.test 461 carl TOPIC :Not enough parameters"),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who), [expect], "{line}");
    }
    chat.says("alice", "MODE #r -t+s");
    chat.silence();
    chat.says("bob", "TOPIC #R :x");
    chat.expect("bob", &[":bob!bob@net TOPIC #r :x"]);
    chat.says("carl", "TOPIC #r");
    chat.expect("carl", &[":c.test 403 carl #r :No such channel"]);
    chat.says("bob", "TOPIC #r :");
    chat.silence();
    chat.says("bob", "TOPIC #r");
    chat.expect("bob", &[":c.test 331 bob #r :No topic is set"]);
}
