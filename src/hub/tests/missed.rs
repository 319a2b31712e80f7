//! What a session gets of what was said while it was not there.

use super::{Chat, registration, settings};
use crate::{
    hub::{
        request::{Gone, Registration},
        state::Settings,
    },
    ident::{DeviceId, Fingerprint},
    protocol::caps::Dialect,
};

/// A session of another device, or with another client.
pub(super) fn from(name: &str, dialect: Dialect, caps: &str, (device, client): (u8, &str)) -> Registration {
    let device = DeviceId(Fingerprint::new([device; 32]));
    Registration { device, client: client.parse().ok(), ..registration(name, dialect, caps) }
}

/// Alice was in #ops, has read all, and is gone; Bob talks there and to her.
fn gone(caps: &str) -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", caps);
    chat.irc("bob", "message-tags");
    for name in ["alice", "bob"] {
        chat.says(name, "JOIN #ops");
    }
    chat.says("alice", "MODE #ops +o bob");
    chat.gone("alice", Gone::Lost);
    chat.now_ms += 1000;
    chat.says("bob", "PRIVMSG #ops :one");
    chat.says("bob", "PRIVMSG #ops :\u{1}ACTION waves\u{1}");
    chat.says("bob", "@+draft/react=x;+draft/reply=00000000000000000000000001 TAGMSG #ops");
    chat.says("bob", "NOTICE #ops :two");
    chat.now_ms += 1000;
    chat
}

#[test]
fn reactions_alone_are_missed_too_but_not_shown_to_a_new_device() {
    let mut chat = Chat::new();
    for name in ["alice", "bob"] {
        chat.irc(name, "message-tags");
        chat.says(name, "JOIN #ops");
    }
    chat.gone("alice", Gone::Lost);
    chat.says("bob", "@+draft/react=x;+draft/reply=00000000000000000000000001 TAGMSG #ops");
    chat.registers("phone", from("alice", Dialect::Irc, "message-tags", (2, "")));
    assert_eq!(replay(&mut chat, "phone"), [""; 0]);
    chat.comes("alice", "alice", Dialect::Irc, "message-tags");
    let heard = replay(&mut chat, "alice");
    assert!(heard.len() == 2 && heard[0].contains("+draft/react=x"), "{heard:?}");
    chat.says("alice", &heard[1].replace("PING", "PONG"));
    chat.gone("alice", Gone::Lost);
    chat.comes("alice", "alice", Dialect::Irc, "message-tags");
    assert_eq!(replay(&mut chat, "alice"), [""; 0]);
}

/// What the session hears from its last JOIN on, without that.
fn replay(chat: &mut Chat, session: &str) -> Vec<String> {
    let heard = chat.heard(session);
    let after = heard.iter().rposition(|line| line.contains(" 366 ")).map_or(0, |at| at + 1);
    heard[after..].to_vec()
}

#[track_caller]
fn check(caps: &str, expect: &[&str]) {
    let mut chat = gone(caps);
    chat.comes("alice", "alice", Dialect::Irc, caps);
    let heard = replay(&mut chat, "alice");
    let (fence, lines) = heard.split_last().unwrap();
    let mask = |line: &String| match line.split_once("msgid=") {
        Some((before, after)) => format!("{before}msgid=ID{}", &after[26..]),
        None => line.clone(),
    };
    assert_eq!(lines.iter().map(mask).collect::<Vec<_>>(), expect, "{caps}");
    assert!(fence.starts_with("PING conclave-0-"), "{fence}");
    // And live again, once each.
    chat.says("bob", "PRIVMSG #ops :live");
    assert!(chat.heard("alice")[0].ends_with("PRIVMSG #ops :live"));
}

#[test]
fn who_comes_back_gets_what_he_missed_as_his_client_can_read_it() {
    check(
        "",
        &[
            ":bob!bob@net PRIVMSG #ops :[2026-11-21 06:27:01] one",
            ":bob!bob@net PRIVMSG #ops :\u{1}ACTION [2026-11-21 06:27:01] waves\u{1}",
            ":bob!bob@net NOTICE #ops :[2026-11-21 06:27:01] two",
        ],
    );
    check(
        "server-time",
        &[
            "@time=2026-11-21T06:27:01.000Z :bob!bob@net PRIVMSG #ops :one",
            "@time=2026-11-21T06:27:01.000Z :bob!bob@net PRIVMSG #ops :\u{1}ACTION waves\u{1}",
            "@time=2026-11-21T06:27:01.000Z :bob!bob@net NOTICE #ops :two",
        ],
    );
    check(
        "batch",
        &[
            ":c.test BATCH +h chathistory #ops",
            "@batch=h :bob!bob@net PRIVMSG #ops :[2026-11-21 06:27:01] one",
            "@batch=h :bob!bob@net PRIVMSG #ops :\u{1}ACTION [2026-11-21 06:27:01] waves\u{1}",
            "@batch=h :bob!bob@net NOTICE #ops :[2026-11-21 06:27:01] two",
            ":c.test BATCH -h",
        ],
    );
    check(
        "batch server-time message-tags account-tag",
        &[
            ":c.test BATCH +h chathistory #ops",
            "@batch=h;time=2026-11-21T06:27:01.000Z;account=bob;msgid=ID :bob!bob@net PRIVMSG #ops :one",
            "@batch=h;time=2026-11-21T06:27:01.000Z;account=bob;msgid=ID :bob!bob@net PRIVMSG #ops :\u{1}ACTION waves\u{1}",
            "@batch=h;time=2026-11-21T06:27:01.000Z;account=bob;msgid=ID;+draft/react=x;+draft/reply=00000000000000000000000001 :bob!bob@net TAGMSG #ops",
            "@batch=h;time=2026-11-21T06:27:01.000Z;account=bob;msgid=ID :bob!bob@net NOTICE #ops :two",
            ":c.test BATCH -h",
        ],
    );
}

#[test]
fn who_pages_by_himself_or_wants_nothing_gets_nothing() {
    for caps in ["draft/chathistory", "conclave.chat/no-replay", "conclave.chat/unseen"] {
        let mut chat = gone("server-time");
        chat.comes("alice", "alice", Dialect::Irc, &format!("server-time {caps}"));
        assert_eq!(replay(&mut chat, "alice"), [""; 0], "{caps}");
        // It has not read in another's name.
        chat.gone("alice", Gone::Lost);
        chat.comes("alice", "alice", Dialect::Irc, "server-time");
        assert_eq!(replay(&mut chat, "alice").len(), 4);
    }
    let mut chat = Chat::with(Settings { keep_messages: false, ..settings() });
    for name in ["alice", "bob"] {
        chat.irc(name, "");
        chat.says(name, "JOIN #ops");
    }
    chat.gone("alice", Gone::Lost);
    chat.says("bob", "PRIVMSG #ops :not kept");
    chat.comes("alice", "alice", Dialect::Irc, "");
    assert_eq!(replay(&mut chat, "alice"), [""; 0]);
}

#[test]
fn rooms_and_people_each_have_a_batch_in_the_order_in_which_they_occur() {
    let mut chat = Chat::new();
    let caps = "batch server-time";
    for name in ["alice", "bob"] {
        chat.irc(name, caps);
        chat.says(name, "JOIN #ops");
        chat.says(name, "JOIN #dev");
    }
    chat.comes("phone", "alice", Dialect::Irc, "");
    chat.registers("phone", from("alice", Dialect::Irc, "", (2, "")));
    chat.gone("alice", Gone::Lost);
    for (who, line) in [
        ("bob", "PRIVMSG #dev :1"),
        ("bob", "PRIVMSG alice :2"),
        ("bob", "PRIVMSG #ops :3"),
        ("phone", "PRIVMSG bob :4"),
        ("phone", "PRIVMSG #dev :5"),
        ("bob", "PRIVMSG alice :6"),
    ] {
        chat.says(who, line);
    }
    let time = "@batch=h;time=2026-11-21T06:27:00.000Z";
    let all = |echo: bool| -> Vec<String> {
        let mut lines = vec![
            ":c.test BATCH +h chathistory #dev".to_owned(),
            format!("{time} :bob!bob@net PRIVMSG #dev :1"),
            format!("{time} :alice!alice@net PRIVMSG #dev :5"),
            ":c.test BATCH -h".into(),
            ":c.test BATCH +h chathistory bob".into(),
            format!("{time} :bob!bob@net PRIVMSG alice :2"),
            format!("{time} :alice!alice@net PRIVMSG bob :4"),
            format!("{time} :bob!bob@net PRIVMSG alice :6"),
            ":c.test BATCH -h".into(),
            ":c.test BATCH +h chathistory #ops".into(),
            format!("{time} :bob!bob@net PRIVMSG #ops :3"),
            ":c.test BATCH -h".into(),
        ];
        if !echo {
            lines.remove(6);
        }
        lines
    };
    for echo in [false, true] {
        let caps = if echo { "batch server-time echo-message" } else { caps };
        chat.comes("alice", "alice", Dialect::Irc, caps);
        let heard = replay(&mut chat, "alice");
        assert_eq!(heard[..heard.len() - 1], all(echo));
        chat.gone("alice", Gone::Lost);
    }
}

#[test]
fn ones_own_lines_come_again_only_to_who_wants_his_echo() {
    for (caps, expect) in [("", 0), ("echo-message", 2)] {
        let mut chat = Chat::new();
        chat.irc("alice", "");
        chat.says("alice", "JOIN #ops");
        chat.says("alice", "PRIVMSG #ops :mine");
        chat.gone("alice", Gone::Lost);
        chat.comes("alice", "alice", Dialect::Irc, caps);
        assert_eq!(replay(&mut chat, "alice").len(), expect, "{caps:?}");
    }
}

#[test]
fn each_device_and_each_program_has_a_cursor_of_its_own() {
    let mut chat = Chat::new();
    chat.irc("bob", "");
    chat.says("bob", "JOIN #ops");
    let origins = [(1, ""), (2, ""), (1, "irssi"), (2, "irssi")];
    let names = ["one", "two", "three", "four"];
    for (name, origin) in names.into_iter().zip(origins) {
        chat.registers(name, from("alice", Dialect::Irc, "", origin));
    }
    chat.says("one", "JOIN #ops");
    chat.silence();
    for (number, name) in names.into_iter().enumerate() {
        chat.says("bob", &format!("PRIVMSG #ops :{number}"));
        let fence = chat.fence(name);
        chat.says(name, &format!("PONG {fence}"));
    }
    for name in names {
        chat.gone(name, Gone::Lost);
    }
    for (number, (name, origin)) in names.into_iter().zip(origins).enumerate() {
        chat.registers(name, from("alice", Dialect::Irc, "", origin));
        let heard = replay(&mut chat, name);
        let texts: Vec<&str> = heard.iter().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
        let missed: Vec<String> = (number + 1..4).map(|n| n.to_string()).collect();
        assert_eq!(texts, missed, "{origin:?}");
    }
}

#[test]
fn a_new_device_sees_the_newest_of_what_there_was() {
    let mut chat = Chat::new();
    chat.irc("bob", "");
    chat.says("bob", "JOIN #ops");
    chat.irc("alice", "");
    chat.says("bob", "PRIVMSG #ops :before she came");
    chat.says("alice", "JOIN #ops");
    for n in 0..70 {
        chat.says("bob", &format!("PRIVMSG #ops :{n}"));
    }
    chat.registers("phone", from("alice", Dialect::Irc, "server-time", (2, "")));
    let heard = replay(&mut chat, "phone");
    let texts: Vec<&str> = heard.iter().filter_map(|line| Some(line.split_once("#ops :")?.1)).collect();
    assert_eq!(texts, (20..70).map(|n| n.to_string()).collect::<Vec<_>>(), "the newest 50, and nothing is said of it");
    assert_eq!(heard.len(), 51, "and a fence");

    chat.registers("shell", from("alice", Dialect::Plain, "", (3, "")));
    let heard = chat.heard("shell");
    let from_head: Vec<&String> = heard.iter().skip_while(|line| !line.contains("the last")).collect();
    assert_eq!(from_head[0], "-!- the last 20 messages before you came:");
    assert_eq!((&**from_head[1], &**from_head[20]), ("06:27:00 #ops <bob> 50", "06:27:00 #ops <bob> 69"));
    assert_eq!(from_head[21], "-!- you are up to date");

    // It was its first time only.
    chat.gone("phone", Gone::Lost);
    chat.registers("phone", from("alice", Dialect::Irc, "server-time", (2, "")));
    assert_eq!(replay(&mut chat, "phone"), [""; 0]);
}

#[test]
fn who_was_put_out_or_left_reads_nothing_of_that_room() {
    for (leaves, expect) in [("KICK #ops alice", &[""; 0][..]), ("KICK #ops alice\nINVITE", &["again"])] {
        let mut chat = Chat::new();
        for name in ["bob", "alice"] {
            chat.irc(name, "");
            chat.says(name, "JOIN #ops");
        }
        chat.registers("phone", from("alice", Dialect::Irc, "conclave.chat/unseen", (2, "")));
        chat.gone("alice", Gone::Lost);
        chat.says("bob", "PRIVMSG #ops :member");
        chat.says("bob", leaves.lines().next().unwrap());
        chat.says("bob", "PRIVMSG #ops :meanwhile");
        if leaves.contains("INVITE") {
            chat.says("phone", "JOIN #ops");
            chat.says("bob", "PRIVMSG #ops :again");
        }
        chat.comes("alice", "alice", Dialect::Irc, "");
        let heard = chat.heard("alice");
        let texts: Vec<&str> = heard.iter().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
        // What was said while she was a member is hers, if she is one again.
        let expect: Vec<&str> = expect.iter().flat_map(|text| ["member", *text]).collect();
        assert_eq!(texts, expect, "{leaves}");
    }
}

#[test]
fn a_room_comes_under_the_name_that_it_has_now() {
    let mut chat = gone("batch server-time");
    chat.says("bob", "RENAME #ops #work :better");
    chat.says("bob", "PRIVMSG #work :three");
    chat.comes("alice", "alice", Dialect::Irc, "batch server-time");
    let heard = replay(&mut chat, "alice");
    assert_eq!(heard[0], ":c.test BATCH +h chathistory #work");
    assert!(heard[1].ends_with(" PRIVMSG #work :one") && heard[4].ends_with(" PRIVMSG #work :three"), "{heard:?}");
    assert_eq!(heard.len(), 7);
}

#[test]
fn more_than_a_bound_is_told_and_the_newest_shown() {
    let mut chat = Chat::new();
    for name in ["bob", "alice"] {
        chat.irc(name, "");
        chat.says(name, "JOIN #ops");
    }
    chat.registers("shell", from("alice", Dialect::Plain, "", (3, "")));
    for name in ["alice", "shell"] {
        chat.gone(name, Gone::Lost);
    }
    for n in 0..6234 {
        chat.says("bob", &format!("PRIVMSG #ops :{n}"));
    }
    chat.comes("alice", "alice", Dialect::Irc, "");
    let heard = replay(&mut chat, "alice");
    assert_eq!(
        heard[0],
        ":c.test NOTICE alice :1,234 older messages of the time you were away are not shown: HISTORY and CHATHISTORY have what is kept"
    );
    let fences = heard.iter().filter(|line| line.starts_with("PING conclave-0-")).count();
    assert_eq!((heard.len(), fences), (5051, 50), "a fence after each page");
    assert!(heard[1].ends_with("] 1234") && heard[5049].ends_with("] 6233"), "{}", heard[1]);

    chat.registers("shell", from("alice", Dialect::Plain, "", (3, "")));
    let heard = chat.heard("shell");
    let head = heard.iter().position(|line| line == "-!- 6,234 missed messages:").unwrap();
    assert_eq!(heard[head + 1], "-!- the first 6,034 are not shown; /history has them");
    assert_eq!(heard[head + 2], "06:27:00 #ops <bob> 6034");
    assert_eq!(heard[head + 201..], ["06:27:00 #ops <bob> 6233", "-!- you are up to date"]);
}

#[test]
fn what_is_gone_is_told() {
    let mut chat = Chat::new();
    for name in ["bob", "alice"] {
        chat.irc(name, "");
        chat.says(name, "JOIN #ops");
    }
    chat.registers("shell", from("alice", Dialect::Plain, "", (3, "")));
    for name in ["alice", "shell"] {
        chat.gone(name, Gone::Lost);
    }
    for n in 0..12 {
        chat.says("bob", &format!("PRIVMSG #ops :{n}"));
    }
    // Longer than the journal keeps anything.
    chat.now_ms += 31 * 86_400_000;
    chat.says("bob", "JOIN #other");
    chat.comes("alice", "alice", Dialect::Irc, "");
    let heard = replay(&mut chat, "alice");
    assert_eq!(heard[0], ":c.test NOTICE alice :about 12 unread messages were too old and are gone");
    let fence = heard[1].strip_prefix("PING ").unwrap();
    chat.says("alice", &format!("PONG {fence}"));
    chat.gone("alice", Gone::Lost);
    chat.comes("alice", "alice", Dialect::Irc, "");
    assert_eq!(replay(&mut chat, "alice"), [""; 0], "told once");
    chat.registers("shell", from("alice", Dialect::Plain, "", (3, "")));
    let heard = chat.heard("shell");
    assert!(heard.contains(&"-!- about 12 unread messages were too old and are gone".to_owned()), "{heard:?}");
}

#[test]
fn long_messages_come_as_they_do_live() {
    let mut chat = Chat::new();
    for name in ["bob", "alice"] {
        chat.irc(name, "batch draft/multiline message-tags");
        chat.says(name, "JOIN #ops");
    }
    chat.gone("alice", Gone::Lost);
    let long = format!("{}{}", "x".repeat(300), " y".repeat(50));
    let concat = format!("@batch=1;draft/multiline-concat PRIVMSG #ops :{long}");
    for line in ["BATCH +1 draft/multiline #ops", "@batch=1 PRIVMSG #ops :one", "@batch=1 PRIVMSG #ops :", &concat] {
        chat.says("bob", line);
    }
    chat.says("bob", "BATCH -1");
    for (caps, expect) in [
        (
            "batch server-time draft/multiline",
            &[
                "BATCH +h chathistory #ops",
                "BATCH +m draft/multiline #ops",
                "PRIVMSG #ops :one",
                "PRIVMSG #ops :xx",
                "BATCH -m",
                "BATCH -h",
            ][..],
        ),
        (
            "batch draft/multiline",
            &[
                "BATCH +h chathistory #ops",
                "BATCH +m draft/multiline #ops",
                "PRIVMSG #ops :[2026-11-21 06:27:00] one",
                "PRIVMSG #ops :xx",
                "BATCH -m",
                "BATCH -h",
            ],
        ),
        ("", &["PRIVMSG #ops :[2026-11-21 06:27:00] one", "PRIVMSG #ops :[2026-11-21 06:27:00] xx"]),
    ] {
        chat.comes("alice", "alice", Dialect::Irc, caps);
        let heard = replay(&mut chat, "alice");
        assert_eq!(heard.len(), expect.len() + 1, "{caps}: {heard:?}");
        for (line, expect) in heard.iter().zip(expect) {
            assert!(line.contains(expect), "{caps}: {line} for {expect}");
        }
        chat.gone("alice", Gone::Lost);
    }
}
