//! IRCv3 `draft/read-marker`.

use super::Chat;
use crate::protocol::caps::Dialect;

const CAPS: &str = "draft/read-marker";
const EARLY: &str = "timestamp=2026-01-01T00:00:00.000Z";
const LATE: &str = "timestamp=2026-02-01T00:00:00.000Z";

#[test]
fn marks_only_go_forward_and_all_sessions_hear() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.comes("a2", "alice", Dialect::Irc, CAPS);
    chat.comes("a3", "alice", Dialect::Irc, "");
    chat.comes("a4", "alice", Dialect::Plain, "");
    chat.irc("bob", CAPS);
    chat.says("alice", "JOIN #Room");
    chat.says("bob", "JOIN #Room");
    chat.silence();
    for (target, shown) in [("#room", "#Room"), ("BOB", "bob"), ("nobody", "nobody"), ("#none", "#none")] {
        let mark = |mark: &str| format!(":c.test MARKREAD {shown} {mark}");
        chat.says("alice", &format!("MARKREAD {target}"));
        chat.expect("alice", &[&mark("*")]);
        chat.expect("a2", &[]);
        for (set, stored, heard) in
            [(EARLY, EARLY, true), (LATE, LATE, true), (EARLY, LATE, false), (LATE, LATE, false)]
        {
            chat.says("alice", &format!("MARKREAD {target} {set}"));
            chat.expect("alice", &[&mark(stored)]);
            let expect: &[String] = if heard { &[mark(stored)] } else { &[] };
            assert_eq!(chat.heard("a2"), expect);
        }
        chat.says("a3", &format!("MARKREAD {target}"));
        chat.expect("a3", &[&mark(LATE)]);
    }
    for name in ["a3", "a4", "bob"] {
        chat.expect(name, &[]);
    }
    chat.says("bob", "MARKREAD #room");
    chat.expect("bob", &[":c.test MARKREAD #Room *"]);
}

#[test]
fn nothing_is_read_before_it_is_said() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.says("alice", "MARKREAD bob timestamp=2999-01-01T00:00:00.000Z");
    chat.expect("alice", &[":c.test MARKREAD bob timestamp=2026-11-21T06:27:00.000Z"]);
}

#[test]
fn marks_come_with_the_rooms() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    let joined = |mark: &str| {
        [
            ":alice!alice@net JOIN #a".to_owned(),
            format!(":c.test MARKREAD #a {mark}"),
            ":c.test 353 alice = #a :@alice".into(),
            ":c.test 366 alice #a :End of /NAMES list".into(),
        ]
    };
    chat.says("alice", "JOIN #a");
    assert_eq!(chat.heard("alice"), joined("*"));
    chat.says("alice", &format!("MARKREAD #A {LATE}"));
    chat.silence();
    chat.comes("a2", "alice", Dialect::Irc, CAPS);
    let heard = chat.heard("a2");
    assert_eq!(heard[heard.len() - 4..], joined(LATE));
    chat.says("alice", "PART #a");
    chat.silence();
    chat.comes("a3", "alice", Dialect::Irc, "");
    chat.silence();
    chat.says("alice", "JOIN #a");
    assert_eq!(chat.heard("alice"), joined(LATE));
    assert_eq!(chat.heard("a2"), joined(LATE));
    assert!(!chat.heard("a3").concat().contains("MARKREAD"));
}

/// Whose client knows of no renaming leaves and comes in again: he sees his own mark, not that of
/// who renamed the room.
#[test]
fn nobody_sees_the_marks_of_others() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.irc("bob", CAPS);
    for (name, mark) in [("alice", LATE), ("bob", EARLY)] {
        chat.says(name, "JOIN #a");
        chat.says(name, &format!("MARKREAD #a {mark}"));
    }
    chat.silence();
    chat.says("alice", "RENAME #a #b");
    for (name, mark) in [("alice", LATE), ("bob", EARLY)] {
        let marks: Vec<String> = chat.heard(name).into_iter().filter(|line| line.contains("MARKREAD")).collect();
        assert_eq!(marks, [format!(":c.test MARKREAD #b {mark}")]);
    }
}

#[test]
fn bad_marks() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    for (line, expect) in [
        ("MARKREAD", "NEED_MORE_PARAMS :"),
        ("MARKREAD :", "NEED_MORE_PARAMS :"),
        ("MARKREAD #a *", "INVALID_PARAMS #a * :"),
        ("MARKREAD #a timestamp=*", "INVALID_PARAMS #a timestamp=* :"),
        ("MARKREAD #a timestamp=yesterday", "INVALID_PARAMS #a timestamp=yesterday :"),
        ("MARKREAD #a,#b", "INVALID_PARAMS #a,#b :"),
        ("MARKREAD :a b", "INVALID_PARAMS * :"),
    ] {
        chat.says("alice", line);
        let heard = chat.heard("alice");
        assert!(
            heard.len() == 1 && heard[0].starts_with(&format!(":c.test FAIL MARKREAD {expect}")),
            "{line}: {heard:?}"
        );
    }
}

#[test]
fn an_account_has_so_many_marks_and_the_oldest_go() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.says("alice", &format!("MARKREAD first {LATE}"));
    chat.says("alice", &format!("MARKREAD oldest {EARLY}"));
    for n in 0..499 {
        chat.says("alice", &format!("MARKREAD n{n} {LATE}"));
    }
    chat.silence();
    for (name, mark) in [("first", LATE), ("n498", LATE), ("oldest", "*")] {
        chat.says("alice", &format!("MARKREAD {name}"));
        chat.expect("alice", &[&format!(":c.test MARKREAD {name} {mark}")]);
    }
}
