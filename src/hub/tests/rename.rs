//! RENAME (IRCv3 `draft/channel-rename`).

use super::Chat;
use crate::protocol::caps::Dialect;

/// alice founded #r and knows of renaming, bob is in it and his program does not, carl is at a
/// terminal.
fn room() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", "draft/channel-rename");
    chat.irc("bob", "");
    chat.plain("carl");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "TOPIC #r :ours");
    chat.says("alice", "MODE #r +k key");
    chat.says("bob", "JOIN #r key");
    chat.says("carl", "/join #r key");
    chat.silence();
    chat
}

#[test]
fn each_sees_it_in_his_way() {
    let mut chat = room();
    chat.says("alice", "RENAME #R #s :better");
    chat.expect("alice", &[":alice!alice@net RENAME #r #s :better"]);
    chat.expect(
        "bob",
        &[
            ":bob!bob@net PART #r :better",
            ":bob!bob@net JOIN #s",
            ":c.test 332 bob #s :ours",
            ":c.test 333 bob #s alice 1795242420",
            ":c.test 353 bob = #s :@alice bob carl",
            ":c.test 366 bob #s :End of /NAMES list",
        ],
    );
    chat.expect("carl", &["06:27:00 #r -!- alice renamed the room to #s (better)"]);
    chat.says("carl", "hello");
    chat.expect("bob", &[":carl!carl@net PRIVMSG #s :hello"]);
    chat.says("bob", "MODE #s");
    assert_eq!(chat.heard("bob")[0], ":c.test 324 bob #s +knt key", "it is the same room");
    chat.silence();
    // The old name is free.
    chat.says("bob", "JOIN #r");
    assert_eq!(chat.heard("bob")[1], ":c.test 353 bob = #r :@bob");
}

#[test]
fn the_reason_may_be_missing_and_case_may_change() {
    let mut chat = room();
    chat.says("alice", "RENAME #r #R");
    chat.expect("alice", &[":alice!alice@net RENAME #r #R :"]);
    chat.expect("bob", &[]);
    chat.expect("carl", &["06:27:00 #r -!- alice renamed the room to #R"]);
    chat.says("bob", "PRIVMSG #r :x");
    chat.expect("alice", &[":bob!bob@net PRIVMSG #R :x"]);
}

#[test]
fn who_renames_without_the_capability_sees_it_like_others() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response batch");
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.says("alice", "JOIN #r");
    chat.silence();
    chat.says("alice", "@label=1 RENAME #r #s");
    let heard = chat.heard("alice");
    assert_eq!(heard[0], "@label=1 :c.test BATCH +r labeled-response");
    assert_eq!(heard[1..3], ["@batch=r :alice!alice@net PART #r", "@batch=r :alice!alice@net JOIN #s"]);
    assert_eq!(chat.heard("a2")[..2], [":alice!alice@net PART #r", ":alice!alice@net JOIN #s"]);
}

#[test]
fn refusals() {
    let mut chat = room();
    chat.irc("root", "");
    chat.says("root", "JOIN #lobby");
    chat.says("root", "JOIN #hidden");
    chat.says("root", "MODE #hidden +s");
    chat.silence();
    for (who, line, expect) in [
        ("alice", "RENAME #r", ":c.test 461 alice RENAME :Not enough parameters"),
        ("alice", "RENAME #none #s", ":c.test 403 alice #none :No such channel"),
        ("alice", "RENAME #hidden #s", ":c.test 403 alice #hidden :No such channel"),
        ("bob", "RENAME #r #s", ":c.test 482 bob #r :You're not a channel operator"),
        ("root", "RENAME #r #s", ":c.test 442 root #r :You're not on that channel"),
        ("alice", "RENAME #r #a:b", ":c.test 476 alice #a:b :Bad channel name"),
        ("alice", "RENAME #r %s", ":c.test FAIL RENAME CANNOT_RENAME #r %s :a room's name starts with #"),
        ("alice", "RENAME #r #r", ":c.test FAIL RENAME CANNOT_RENAME #r #r :that is its name already"),
        (
            "alice",
            "RENAME #r #HIDDEN",
            ":c.test FAIL RENAME CHANNEL_NAME_IN_USE #r #HIDDEN :another room has that name",
        ),
        ("alice", "RENAME #r #lobby", ":c.test FAIL RENAME CHANNEL_NAME_IN_USE #r #lobby :another room has that name"),
        (
            "root",
            "RENAME #lobby #s",
            ":c.test FAIL RENAME CANNOT_RENAME #lobby #s :this room is where everybody finds the others: it keeps its name",
        ),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who), [expect], "{line}");
    }
}

#[test]
fn what_was_read_stays_read() {
    use crate::protocol::durable::Durable;
    let mut chat = room();
    let mark = |time_ms| Durable::MarkedRead { account: "bob".parse().unwrap(), target: "#r".into(), time_ms };
    chat.state.apply(&mark(5));
    chat.says("alice", "RENAME #r #S");
    let marks = &chat.state.accounts[&"bob".parse().unwrap()].marks;
    assert_eq!((marks.get("#s"), marks.get("#r")), (Some(5), None));
}

#[test]
fn a_person_at_a_terminal_renames() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.says("alice", "/join #r");
    chat.silence();
    chat.says("alice", "/rename #r #s so be it");
    chat.expect("alice", &["06:27:00 #r -!- alice renamed the room to #s (so be it)"]);
    chat.says("alice", "x");
    chat.expect("alice", &["06:27:00 #s <alice> x"]);
    chat.says("alice", "/rename #s #lobby");
    chat.expect("alice", &["-!- another room has that name"]);
}

/// Who is not in a secret room cannot find out by his own marks that it was renamed, and how.
#[test]
fn an_outsiders_marks_stay_where_he_set_them() {
    let mut chat = room();
    chat.says("alice", "MODE #r +s");
    chat.irc("mallory", "draft/read-marker");
    chat.says("mallory", "MARKREAD #r timestamp=2020-01-01T00:00:00.000Z");
    chat.silence();
    chat.says("alice", "RENAME #r #s");
    for (name, mark) in [("#r", "timestamp=2020-01-01T00:00:00.000Z"), ("#s", "*")] {
        chat.says("mallory", &format!("MARKREAD {name}"));
        chat.expect("mallory", &[&format!(":c.test MARKREAD {name} {mark}")]);
    }
}

/// The list of a large room's people is made once, not for each of them.
#[test]
fn all_who_move_share_one_list_of_names() {
    use super::body;
    use crate::{
        hub::{
            delivery::Delivery,
            request::{Request, Sequenced, Stamp},
        },
        protocol::reply::Reply,
    };
    let mut chat = room();
    chat.irc("carol", "");
    chat.says("carol", "JOIN #r key");
    let session = chat.sessions["alice"];
    let (label, body) = body(Dialect::Irc, "RENAME #r #s");
    let request = Request { session, label, body };
    let outputs = chat.state.step(&Sequenced { at: Stamp::default(), request, found: crate::hub::Found::Nothing });
    let replies = outputs.deliveries.iter().filter_map(|delivery| match delivery {
        Delivery::Replies { replies, .. } => Some(replies),
        _ => None,
    });
    let lists: Vec<_> = replies
        .flatten()
        .filter_map(|reply| match reply {
            Reply::Names(_, _, people) => Some(people),
            _ => None,
        })
        .collect();
    assert_eq!(lists.len(), 2);
    assert!(lists[0].shares(lists[1]));
}

/// A list of all for each of all would grow with the square.
#[test]
fn in_a_very_large_room_nobody_is_sent_a_list_unasked() {
    for (sessions, lines) in [(999, 6), (1000, 5)] {
        let mut chat = room();
        for _ in 3..sessions {
            chat.comes("another", "alice", Dialect::Irc, "draft/channel-rename");
        }
        chat.comes("another", "bob", Dialect::Irc, "");
        chat.silence();
        chat.says("alice", "RENAME #r #s");
        let heard = chat.heard("bob");
        assert_eq!((heard.len(), &*heard[1]), (lines, ":bob!bob@net JOIN #s"));
        assert_eq!(heard[lines - 1], ":c.test 366 bob #s :End of /NAMES list");
    }
}
