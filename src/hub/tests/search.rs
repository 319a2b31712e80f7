//! SEARCH (`soju.im/search`) and `/search`: messages by their words, only where one may read.

use super::{Chat, settings};
use crate::protocol::{caps::Dialect, durable::Visibility};

const CAPS: &str = "batch server-time message-tags labeled-response soju.im/search";

/// Alice, bob and carol, who have said this and that; eve, who is in no room of theirs.
fn talked() -> Chat {
    let mut chat = Chat::new();
    for name in ["alice", "bob", "carol", "eve"] {
        chat.irc(name, CAPS);
    }
    for (who, line) in [
        ("alice", "JOIN #a,#b"),
        ("bob", "JOIN #a"),
        ("carol", "JOIN #c"),
        ("eve", "JOIN #e"),
        ("alice", "PRIVMSG #a :Lunch at noon?"),
        ("bob", "PRIVMSG #a :\u{1}ACTION wants lunch\u{1}"),
        ("alice", "NOTICE #b :lunch: cancelled"),
        ("carol", "PRIVMSG #c :lunch without alice"),
        ("alice", "PRIVMSG bob :the LUNCH plan"),
        ("bob", "PRIVMSG alice :lunch plan it is"),
        ("carol", "PRIVMSG bob :secret lunch"),
        ("bob", "PRIVMSG #a :lunchtime"),
    ] {
        chat.passes(1000);
        chat.says(who, line);
    }
    chat.silence();
    chat
}

/// The target and the text of each hit of a batch.
#[track_caller]
fn hits(heard: &[String]) -> Vec<String> {
    let (first, last) = (heard.first().unwrap(), heard.last().unwrap());
    assert!(first.ends_with(":c.test BATCH +h soju.im/search") && last.ends_with("BATCH -h"), "{heard:?}");
    let hit = |line: &String| {
        assert!(line.starts_with("@batch=h;time=2026-11-21T06:27:") && line.contains(";msgid="), "{line}");
        let (head, text) = line.split_once(" :").unwrap().1.split_once(" :").unwrap();
        format!("{} {text}", head.rsplit_once(' ').unwrap().1)
    };
    heard[1..heard.len() - 1].iter().map(hit).collect()
}

#[track_caller]
fn check(chat: &mut Chat, who: &str, asked: &str, expect: &[&str]) {
    chat.says(who, &format!("SEARCH {asked}"));
    assert_eq!(hits(&chat.heard(who)), expect, "{asked}");
}

#[test]
fn everywhere_or_in_one_place() {
    let mut chat = talked();
    let noon = "#a Lunch at noon?";
    let all = [
        noon,
        "#a \u{1}ACTION wants lunch\u{1}",
        "#b lunch: cancelled",
        "bob the LUNCH plan",
        "alice lunch plan it is",
    ];
    check(&mut chat, "alice", "text=lunch", &all);
    check(&mut chat, "alice", "lunch", &all);
    check(&mut chat, "alice", "text=lunch;in=#A", &all[..2]);
    check(&mut chat, "alice", "#a lunch", &all[..2]);
    check(&mut chat, "alice", "text=lunch*;in=#a", &[all[0], all[1], "#a lunchtime"]);
    check(&mut chat, "alice", ":#b lunch", &all[2..3]);
    check(&mut chat, "alice", "BOB lunch", &all[3..]);
    check(&mut chat, "alice", "text=lunch;in=bob", &all[3..]);
    check(&mut chat, "alice", "text=lunch;from=Bob", &[all[1], all[4]]);
    check(&mut chat, "alice", "plan lunch", &all[3..]);
    check(&mut chat, "alice", "in=#a;text=lunch\\snoon", &all[..1]);
    check(&mut chat, "alice", "noon lunch", &all[..1]);
    check(&mut chat, "alice", "nobody lunch", &[]);
    check(&mut chat, "alice", "text=lunch;limit=5", &all);
    check(&mut chat, "alice", "text=lunch;after=2026-11-21T06:27:09Z", &all[3..]);
    check(&mut chat, "alice", "text=lunch;before=2026-11-21T06:27:05.000Z", &all[..1]);
    check(&mut chat, "alice", "text=sandwich", &[]);
}

#[test]
fn the_lines_are_as_they_were_and_a_label_is_on_the_batch() {
    let mut chat = Chat::new();
    chat.irc("alice", &format!("{CAPS} echo-message"));
    for line in ["JOIN #a", "@+draft/reply=x PRIVMSG #a :one word"] {
        chat.says("alice", line);
    }
    let said = chat.heard("alice").pop().unwrap();
    chat.says("alice", "@label=7 SEARCH text=word");
    let expect = [
        "@label=7 :c.test BATCH +h soju.im/search".into(),
        format!("@batch=h;{}", &said[1..]),
        ":c.test BATCH -h".into(),
    ];
    assert_eq!(chat.heard("alice"), expect);
    assert!(said.contains("+draft/reply=x"), "{said}");
}

#[test]
fn more_than_is_shown_is_told() {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.comes("pat", "alice", Dialect::Plain, "");
    chat.says("alice", "JOIN #a");
    for n in 0..120 {
        chat.passes(10);
        chat.says("alice", &format!("PRIVMSG #a :word {n}"));
    }
    chat.silence();
    for (asked, number) in [("word", 20), ("text=word;limit=3", 3), ("text=word;limit=1000", 100)] {
        chat.says("alice", &format!("SEARCH {asked}"));
        let mut heard = chat.heard("alice");
        let note =
            format!(":c.test NOTE SEARCH MORE_FOUND {number} :more was found than is shown, which is the newest");
        assert_eq!(heard.remove(0), note);
        let hits = hits(&heard);
        assert_eq!((hits.len(), hits.last().unwrap().as_str()), (number, "#a word 119"));
    }
    chat.says("alice", "@label=x SEARCH word");
    let heard = chat.heard("alice");
    assert_eq!(heard[0], "@label=x :c.test BATCH +r labeled-response");
    assert!(heard[1].starts_with("@batch=r :c.test NOTE") && heard[2].starts_with("@batch=r :c.test BATCH +h"));
    chat.says("pat", "/search word");
    let heard = chat.heard("pat");
    assert_eq!(heard[0], "-!- more was found than is shown; the newest 20:");
    assert_eq!(heard.len(), 22);
    chat.says("pat", "/search 11*");
    assert_eq!(chat.heard("pat").len(), 11 + 2, "11 and 110 to 119");
}

#[test]
fn as_a_person_reads_it() {
    let mut chat = talked();
    chat.comes("pat", "bob", Dialect::Plain, "");
    chat.comes("old", "bob", Dialect::Irc, "server-time message-tags");
    chat.silence();
    let all = [
        "-!- 5 messages were found:",
        "2026-11-21 06:27:05 #a <alice> Lunch at noon?",
        "2026-11-21 06:27:06 #a * bob wants lunch",
        "2026-11-21 06:27:09 alice -> you: the LUNCH plan",
        "2026-11-21 06:27:10 you -> alice: lunch plan it is",
        "2026-11-21 06:27:11 carol -> you: secret lunch",
        "-!- end of the search",
    ];
    chat.says("pat", "/search lunch");
    chat.expect("pat", &all);
    chat.says("old", "SEARCH text=lunch");
    let heard = chat.heard("old");
    let notices = all.map(|line| format!(":c.test NOTICE bob :{line}"));
    assert_eq!(heard, notices, "who does not know the capability must not take them for new");
    chat.says("pat", "/search #a noon");
    chat.expect("pat", &["-!- 1 message was found in #a:", all[1], "-!- end of the search"]);
    chat.says("pat", "/find carol lunch");
    chat.expect("pat", &["-!- 1 message was found with carol:", all[5], "-!- end of the search"]);
    chat.says("pat", "/search sandwich");
    chat.expect("pat", &["-!- nothing was found"]);
    chat.says("pat", "/search #a sandwich");
    chat.expect("pat", &["-!- nothing was found in #a"]);
    for line in ["/search", "/search ...", "/search #a"] {
        chat.says("pat", line);
        chat.expect("pat", &["-!- usage: /search [#ROOM|NAME] WORDS"]);
    }
}

#[test]
fn who_may_not_read_learns_nothing() {
    let mut chat = talked();
    chat.says("alice", "MODE #a +s");
    chat.comes("pat", "eve", Dialect::Plain, "");
    chat.silence();
    check(&mut chat, "eve", "lunch", &[]);
    let fail = ":c.test FAIL SEARCH INVALID_PARAMS in :there is no such room or person, or you may not read it";
    for place in ["#a", "#none", "#", "#x y", "nobody", "*", ""] {
        chat.says("eve", &format!("SEARCH :text=lunch;in={place}"));
        chat.expect("eve", &[fail]);
        if place.starts_with('#') {
            chat.says("pat", &format!("/search {place} lunch"));
            chat.expect("pat", &["-!- there is no such room or person, or you may not read it"]);
        }
    }
    // Their words with others are not hers, nor is what they said where she is.
    check(&mut chat, "eve", "alice lunch", &[]);
    check(&mut chat, "eve", "text=lunch;from=alice", &[]);
    check(&mut chat, "carol", "lunch", &["#c lunch without alice", "bob secret lunch"]);
    // Who leaves reads no more, and who comes reads what the room shows to him.
    chat.state.rooms.values_mut().for_each(|room| room.visibility = Visibility::SinceJoining);
    chat.says("bob", "PART #a");
    chat.says("eve", "JOIN #a");
    chat.passes(1000);
    chat.says("alice", "PRIVMSG #a :lunch again");
    chat.silence();
    check(&mut chat, "eve", "lunch", &["#a lunch again"]);
    check(&mut chat, "eve", "#a noon", &[]);
    chat.state.rooms.values_mut().for_each(|room| room.visibility = Visibility::All);
    check(&mut chat, "eve", "#a noon", &["#a Lunch at noon?"]);
    check(&mut chat, "bob", "lunch", &["bob the LUNCH plan", "alice lunch plan it is", "bob secret lunch"]);
}

#[test]
fn rooms_are_called_as_they_are_now_and_what_is_gone_is_gone() {
    let mut chat = talked();
    chat.irc("alice", &format!("{CAPS} echo-message draft/channel-rename draft/message-redaction"));
    chat.says("alice", "RENAME #a #new");
    chat.says("alice", "PRIVMSG #new :lunch in a new room");
    let said = chat.heard("alice").pop().unwrap();
    check(&mut chat, "alice", "#new lunch in", &["#new lunch in a new room"]);
    check(&mut chat, "alice", "text=noon", &["#new Lunch at noon?"]);
    let id = said.split(";msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap();
    chat.says("alice", &format!("REDACT #new {id}"));
    chat.silence();
    check(&mut chat, "alice", "#new lunch in", &[]);
    for line in ["PART #b", "JOIN #b"] {
        chat.says("alice", line);
    }
    chat.silence();
    check(&mut chat, "alice", "text=cancelled", &[]);
}

#[test]
fn what_is_typed_is_words_whatever_it_looks_like() {
    let mut chat = talked();
    for asked in [
        ":\"lunch\" OR \"noon\"",
        ":lunch) OR (noon",
        ":NEAR(lunch noon)",
        ":* * *lunch* or \"",
        "text=\"lunch\";in=nobody",
        ":text:lunch OR noon",
        ":-lunch \u{1}\u{2}\u{202e}",
    ] {
        chat.says("alice", &format!("SEARCH {asked}"));
        let heard = chat.heard("alice");
        assert!(heard[0].contains(" BATCH +h soju.im/search") || heard[0].contains(" FAIL SEARCH INVALID_PARAMS "));
    }
    for asked in [":...", "text=%", ":*", "text=\"*\"", "in=#a"] {
        chat.says("alice", &format!("SEARCH {asked}"));
        chat.expect("alice", &[":c.test FAIL SEARCH INVALID_PARAMS text :say which words to look for"]);
    }
    chat.says("alice", "SEARCH");
    chat.expect("alice", &[":c.test 461 alice SEARCH :Not enough parameters"]);
}

#[test]
fn where_nothing_is_kept_nothing_is_found() {
    let mut chat = Chat::with(crate::hub::Settings { keep_messages: false, ..settings() });
    chat.irc("alice", CAPS);
    for line in ["JOIN #a", "PRIVMSG #a :lunch"] {
        chat.says("alice", line);
    }
    chat.silence();
    check(&mut chat, "alice", "lunch", &[]);
}
