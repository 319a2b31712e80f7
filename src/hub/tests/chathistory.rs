//! IRCv3 `draft/chathistory` with `draft/event-playback`, and HISTORY.

use super::{Chat, settings};
use crate::protocol::caps::Dialect;

const CAPS: &str = "batch server-time message-tags echo-message draft/chathistory";

/// The text of each line of a page, its batch left out.
fn texts(heard: &[String]) -> Vec<&str> {
    let inner = &heard[1..heard.len() - 1];
    inner.iter().map(|line| line.rsplit_once(" :").map_or(line.as_str(), |(_, text)| text)).collect()
}

/// The value of a tag.
fn tag<'a>(line: &'a str, key: &str) -> &'a str {
    let tags = line.strip_prefix('@').and_then(|line| line.split_once(' ')).map_or("", |(tags, _)| tags);
    tags.split(';').find_map(|tag| tag.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
}

/// Alice and bob in `#a`, where alice has said the messages 0 to 4, one each second.
fn talked(caps: &str) -> (Chat, Vec<String>) {
    let mut chat = Chat::new();
    chat.irc("alice", caps);
    chat.irc("bob", caps);
    chat.says("alice", "JOIN #a");
    chat.says("bob", "JOIN #a");
    chat.silence();
    for n in 0..5 {
        chat.passes(1000);
        chat.says("alice", &format!("PRIVMSG #a :{n}"));
    }
    let said = chat.heard("alice");
    chat.silence();
    (chat, said)
}

#[test]
fn a_page_is_a_batch_of_the_lines_as_they_were() {
    let (mut chat, said) = talked(CAPS);
    chat.says("bob", "CHATHISTORY LATEST #A * 2");
    let line = |old: &String| format!("@batch=h;{}", &old[1..]);
    let expect = [":c.test BATCH +h chathistory #a".into(), line(&said[3]), line(&said[4]), ":c.test BATCH -h".into()];
    assert_eq!(chat.heard("bob"), expect);
    chat.says("bob", "CHATHISTORY AFTER #a msgid=00000000000000000000000000 10");
    chat.expect("bob", &[":c.test BATCH +h chathistory #a", ":c.test BATCH -h"]);
    chat.says("bob", "CHATHISTORY BEFORE #a msgid=whatever 10");
    chat.expect("bob", &[":c.test BATCH +h chathistory #a", ":c.test BATCH -h"]);
}

#[test]
fn every_part_by_id_and_by_time() {
    let (mut chat, said) = talked(CAPS);
    for key in ["msgid", "time"] {
        let at = |n: usize| {
            let value = tag(&said[n], key);
            assert!(!value.is_empty());
            format!("{}={value}", if key == "time" { "timestamp" } else { key })
        };
        let cases = [
            (format!("LATEST #a {} 9", at(2)), "3 4"),
            (format!("LATEST #a {} 1", at(2)), "4"),
            (format!("BEFORE #a {} 9", at(3)), "0 1 2"),
            (format!("BEFORE #a {} 2", at(3)), "1 2"),
            (format!("AFTER #a {} 2", at(1)), "2 3"),
            (format!("AROUND #a {} 1", at(2)), "2"),
            (format!("AROUND #a {} 3", at(2)), "1 2 3"),
            (format!("BETWEEN #a {} {} 9", at(0), at(4)), "1 2 3"),
            (format!("BETWEEN #a {} {} 9", at(4), at(0)), "1 2 3"),
            (format!("BETWEEN #a {} {} 2", at(0), at(4)), "1 2"),
            (format!("BETWEEN #a {} {} 2", at(4), at(0)), "2 3"),
        ];
        for (line, expect) in cases {
            chat.says("bob", &format!("CHATHISTORY {line}"));
            assert_eq!(texts(&chat.heard("bob")).join(" "), expect, "{line}");
        }
    }
}

#[test]
fn without_batches_the_lines_come_alone_and_a_label_goes_on_the_batch() {
    let (mut chat, _) = talked("draft/chathistory");
    chat.says("bob", "CHATHISTORY LATEST #a * 2");
    chat.expect("bob", &[":alice!alice@net PRIVMSG #a :3", ":alice!alice@net PRIVMSG #a :4"]);
    chat.says("bob", "CHATHISTORY TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2030-01-01T00:00:00.000Z 9");
    chat.expect("bob", &[":c.test CHATHISTORY TARGETS #a 2026-11-21T06:27:05.000Z"]);
    chat.comes("b2", "bob", Dialect::Irc, "batch labeled-response draft/chathistory");
    chat.silence();
    chat.says("b2", "@label=7 CHATHISTORY LATEST #a * 2");
    chat.expect(
        "b2",
        &[
            "@label=7 :c.test BATCH +h chathistory #a",
            "@batch=h :alice!alice@net PRIVMSG #a :3",
            "@batch=h :alice!alice@net PRIVMSG #a :4",
            ":c.test BATCH -h",
        ],
    );
    chat.says("b2", "@label=8 CHATHISTORY LATEST #none * 2");
    assert!(chat.heard("b2")[0].starts_with("@label=8 :c.test FAIL CHATHISTORY INVALID_TARGET LATEST #none :"));
}

#[test]
fn people_page_through_what_they_said_to_each_other() {
    let mut chat = Chat::new();
    for name in ["alice", "bob", "carol"] {
        chat.irc(name, CAPS);
    }
    for (from, to, text) in
        [("alice", "bob", "1"), ("bob", "ALICE", "2"), ("carol", "bob", "x"), ("alice", "alice", "3")]
    {
        chat.passes(10);
        chat.says(from, &format!("PRIVMSG {to} :{text}"));
    }
    chat.silence();
    for (who, with, expect) in
        [("alice", "BOB", "1 2"), ("bob", "alice", "1 2"), ("alice", "alice", "3"), ("alice", "carol", "")]
    {
        chat.says(who, &format!("CHATHISTORY LATEST {with} * 9"));
        let heard = chat.heard(who);
        assert_eq!(heard[0], format!(":c.test BATCH +h chathistory {}", with.to_ascii_lowercase()));
        assert_eq!(texts(&heard).join(" "), expect, "{who} with {with}");
    }
}

#[test]
fn only_members_read_and_who_may_not_know_a_room_learns_nothing() {
    let (mut chat, _) = talked(CAPS);
    chat.irc("eve", CAPS);
    let fail = |target: &str| {
        format!(
            ":c.test FAIL CHATHISTORY INVALID_TARGET LATEST {target} :there is no such room or person, or you may not read it"
        )
    };
    for target in ["#a", "#none", "nobody", "#", "x,y", "*"] {
        chat.says("eve", &format!("CHATHISTORY LATEST {target} * 9"));
        assert_eq!(chat.heard("eve"), [fail(target)]);
    }
    chat.says("bob", "PART #a");
    chat.silence();
    chat.says("bob", "CHATHISTORY LATEST #a * 9");
    assert_eq!(chat.heard("bob"), [fail("#a")]);
    chat.says("bob", "CHATHISTORY TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2030-01-01T00:00:00.000Z 9");
    chat.expect("bob", &[":c.test BATCH +h draft/chathistory-targets", ":c.test BATCH -h"]);
}

#[test]
fn bad_questions() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.says("alice", "JOIN #a");
    chat.silence();
    let time = "timestamp=2026-01-01T00:00:00.000Z";
    for (line, context) in [
        (String::new(), "*"),
        ("FROB #a * 9".into(), "FROB"),
        ("LATEST".into(), "LATEST"),
        ("latest #a *".into(), "LATEST"),
        ("LATEST #a * 9 9".into(), "LATEST"),
        ("LATEST #a * 0".into(), "LATEST"),
        ("LATEST #a * -1".into(), "LATEST"),
        ("LATEST #a * x".into(), "LATEST"),
        ("LATEST #a x 9".into(), "LATEST"),
        ("BEFORE #a * 9".into(), "BEFORE"),
        ("AFTER #a timestamp=yesterday 9".into(), "AFTER"),
        (format!("BETWEEN #a {time} 9"), "BETWEEN"),
        (format!("TARGETS {time} msgid=x 9"), "TARGETS"),
        (format!("TARGETS {time} {time}"), "TARGETS"),
    ] {
        chat.says("alice", &format!("CHATHISTORY {line}"));
        let heard = chat.heard("alice");
        let expect = format!(":c.test FAIL CHATHISTORY INVALID_PARAMS {context} :");
        assert!(heard.len() == 1 && heard[0].starts_with(&expect), "{line}: {heard:?}");
    }
    chat.says("alice", "CHATHISTORY LATEST #a * 99999");
    assert_eq!(chat.heard("alice").len(), 2, "a limit above the most is the most");
}

#[test]
fn events_are_played_back_to_who_can_take_them() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.irc("bob", &format!("{CAPS} draft/event-playback extended-join"));
    for (who, line) in [
        ("alice", "JOIN #a"),
        ("bob", "JOIN #a"),
        ("alice", "TOPIC #a :work"),
        ("alice", "PRIVMSG #a :hello"),
        ("alice", "@+typing=active TAGMSG #a"),
        ("alice", "@+draft/react=x;+draft/reply=y TAGMSG #a"),
        ("alice", "PRIVMSG #a :\u{1}VERSION\u{1}"),
        ("bob", "PART #a :bye"),
        ("bob", "JOIN #a"),
    ] {
        chat.passes(10);
        chat.says(who, line);
    }
    // Who comes and goes stays a member: no part of the room's history.
    chat.says("alice", "QUIT");
    chat.irc("alice", CAPS);
    chat.silence();
    chat.says("bob", "CHATHISTORY LATEST #a * 99");
    let heard = chat.heard("bob");
    let bare = |line: &String| {
        let line = if line.starts_with('@') { line.split_once(' ').unwrap().1 } else { line };
        line.split_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(
        heard.iter().map(bare).collect::<Vec<_>>(),
        [
            "BATCH +h chathistory #a",
            "JOIN #a alice :alice",
            "JOIN #a bob :bob",
            "TOPIC #a :work",
            "PRIVMSG #a :hello",
            "TAGMSG #a",
            "PART #a :bye",
            "JOIN #a bob :bob",
            "BATCH -h"
        ]
    );
    assert!(heard[1..8].iter().all(|line| tag(line, "batch") == "h" && tag(line, "msgid").len() == 26), "{heard:?}");
    assert_eq!(tag(&heard[5], "+draft/react"), "x");
    chat.says("alice", "CHATHISTORY LATEST #a * 99");
    assert_eq!(texts(&chat.heard("alice")), ["hello"]);
    chat.says("alice", &format!("CHATHISTORY AFTER #a msgid={} 99", tag(&heard[3], "msgid")));
    assert_eq!(texts(&chat.heard("alice")), ["hello"], "an event bounds whether it is shown or not");
}

#[test]
fn conversations_in_the_order_of_their_newest_message() {
    let mut chat = Chat::new();
    for name in ["alice", "bob", "carol"] {
        chat.irc(name, CAPS);
    }
    chat.says("alice", "JOIN #A,#b");
    chat.says("bob", "JOIN #c");
    for (from, to) in
        [("alice", "#a"), ("alice", "bob"), ("alice", "#b"), ("carol", "alice"), ("bob", "carol"), ("bob", "#c")]
    {
        chat.passes(1000);
        chat.says(from, &format!("PRIVMSG {to} :x"));
    }
    chat.passes(1000);
    chat.says("alice", "TOPIC #a :not a message");
    chat.silence();
    let at = |second: u32| format!("timestamp=2026-11-21T06:27:{second:02}.000Z");
    for (from, to, most, expect) in [
        (0, 59, 9, "#A 1, bob 2, #b 3, carol 4"),
        (59, 0, 9, "#A 1, bob 2, #b 3, carol 4"),
        (0, 59, 2, "#A 1, bob 2"),
        (59, 0, 2, "#b 3, carol 4"),
        (1, 4, 9, "bob 2, #b 3"),
        (30, 40, 9, ""),
    ] {
        chat.says("alice", &format!("CHATHISTORY TARGETS {} {} {most}", at(from), at(to)));
        let heard = chat.heard("alice");
        assert_eq!(heard[0], ":c.test BATCH +h draft/chathistory-targets");
        let rows = heard[1..heard.len() - 1].iter().map(|line| {
            let row = line.strip_prefix("@batch=h :c.test CHATHISTORY TARGETS ").unwrap();
            row.replace("2026-11-21T06:27:0", "").replace(".000Z", "")
        });
        assert_eq!(rows.collect::<Vec<_>>().join(", "), expect, "{from} {to} {most}");
    }
}

#[test]
fn history_off_keeps_no_events_either() {
    let mut chat = Chat::with(crate::hub::Settings { keep_messages: false, ..settings() });
    chat.irc("alice", &format!("{CAPS} draft/event-playback"));
    for line in ["JOIN #a", "TOPIC #a :t", "PRIVMSG #a :x", "@+draft/react=x TAGMSG #a"] {
        chat.says("alice", line);
    }
    chat.silence();
    chat.says("alice", "CHATHISTORY LATEST #a * 99");
    chat.expect("alice", &[":c.test BATCH +h chathistory #a", ":c.test BATCH -h"]);
}

#[test]
fn people_read_messages_only() {
    let mut chat = Chat::new();
    chat.plain("alice");
    for line in ["/join #a", "/topic work", "hello"] {
        chat.says("alice", line);
    }
    chat.silence();
    chat.says("alice", "/history");
    chat.expect(
        "alice",
        &["-!- the last message of #a:", "2026-11-21 06:27:00 #a <alice> hello", "-!- end of history"],
    );
}

/// What the operators do is history too, under the name that the room has now; whoever only comes
/// back is none.
#[test]
fn what_the_operators_did_is_played_back_once() {
    let mut chat = Chat::new();
    let caps = format!("{CAPS} draft/event-playback draft/channel-rename");
    chat.irc("alice", &caps);
    chat.irc("bob", "");
    for (who, line) in [
        ("alice", "JOIN #a"),
        ("bob", "JOIN #a"),
        ("alice", "MODE #a +v bob"),
        ("bob", "PRIVMSG #a :hi"),
        ("alice", "INVITE carol #a"),
        ("alice", "RENAME #a #b :better"),
        ("alice", "KICK #b bob :enough"),
        ("alice", "QUIT"),
    ] {
        chat.passes(10);
        chat.says(who, line);
    }
    chat.irc("alice", &caps);
    chat.says("alice", "CHATHISTORY LATEST #b * 99");
    let heard = chat.heard("alice");
    let bare = |line: &String| line.split(' ').skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(
        heard[1..heard.len() - 1].iter().map(bare).collect::<Vec<_>>(),
        ["JOIN #b", "JOIN #b", "MODE #b +v bob", "PRIVMSG #b :hi", "RENAME #a #b :better", "KICK #b bob :enough"]
    );
    // Who was put out reads it no more; nor does the old name lead anywhere.
    for (who, name) in [("bob", "#b"), ("alice", "#a")] {
        chat.says(who, &format!("CHATHISTORY LATEST {name} * 99"));
        let heard = chat.heard(who);
        assert!(heard.last().unwrap().contains("FAIL CHATHISTORY INVALID_TARGET LATEST"), "{heard:?}");
    }
}

#[test]
fn a_message_of_several_lines_is_a_batch_within_the_page() {
    let mut chat = Chat::new();
    chat.irc("alice", "batch draft/multiline labeled-response");
    chat.comes("old", "alice", Dialect::Irc, "");
    chat.says("alice", "JOIN #a");
    for line in ["BATCH +1 draft/multiline #a", "@batch=1 PRIVMSG #a :x", "@batch=1 PRIVMSG #a :y", "BATCH -1"] {
        chat.says("alice", line);
    }
    chat.says("alice", "PRIVMSG #a :z");
    chat.silence();
    chat.says("alice", "@label=1 CHATHISTORY LATEST #a * 2");
    let me = ":alice!alice@net";
    chat.expect(
        "alice",
        &[
            "@label=1 :c.test BATCH +h chathistory #a",
            &format!("@batch=h {me} BATCH +m draft/multiline #a"),
            &format!("@batch=m {me} PRIVMSG #a :x"),
            &format!("@batch=m {me} PRIVMSG #a :y"),
            "@batch=h :c.test BATCH -m",
            &format!("@batch=h {me} PRIVMSG #a :z"),
            ":c.test BATCH -h",
        ],
    );
    chat.says("old", "CHATHISTORY LATEST #a * 2");
    chat.expect(
        "old",
        &[&format!("{me} PRIVMSG #a :x"), &format!("{me} PRIVMSG #a :y"), &format!("{me} PRIVMSG #a :z")],
    );
}
