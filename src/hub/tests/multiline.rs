//! Messages of several lines (IRCv3 `draft/multiline`).

use super::Chat;

const ALL: &str = "batch draft/multiline echo-message labeled-response message-tags server-time account-tag";

/// alice and bob take batches, carol takes tags, dave neither, erin types; all are in the lobby.
fn chat() -> Chat {
    let mut chat = Chat::new();
    for (name, caps) in [("alice", ALL), ("bob", ALL), ("carol", "message-tags"), ("dave", "draft/multiline")] {
        chat.irc(name, caps);
        chat.says(name, "JOIN #lobby");
    }
    chat.plain("erin");
    chat.silence();
    chat
}

/// What was heard, with the message's id and time as words.
fn heard(chat: &mut Chat, who: &str) -> Vec<String> {
    let mask = |line: String| {
        let tags: Vec<&str> =
            line.strip_prefix('@').and_then(|rest| rest.split(' ').next()).unwrap_or("").split(';').collect();
        let mut out = line.clone();
        for tag in tags {
            if let Some(value) = tag.strip_prefix("msgid=").or(tag.strip_prefix("time=")) {
                let name = if tag.starts_with('m') { "ID" } else { "T" };
                out = out.replace(value, name);
            }
        }
        out
    };
    chat.heard(who).into_iter().map(mask).collect()
}

#[test]
fn a_batch_is_one_message_for_everybody() {
    let mut chat = chat();
    for line in [
        "@label=x;+draft/reply=1 BATCH +7 draft/multiline #lobby",
        "@batch=7 PRIVMSG #lobby hello",
        "@batch=7 PRIVMSG #lobby :",
        "@batch=7 privmsg #LOBBY :how is ",
        "@batch=7;draft/multiline-concat PRIVMSG #lobby :everyone?",
    ] {
        chat.says("alice", line);
        chat.expect("bob", &[]);
    }
    chat.says("alice", "BATCH -7");
    let lines = |label: &str| {
        let me = ":alice!alice@net";
        [
            format!("@{label}time=T;account=alice;msgid=ID;+draft/reply=1 {me} BATCH +m draft/multiline #lobby"),
            format!("@batch=m {me} PRIVMSG #lobby :hello"),
            format!("@batch=m {me} PRIVMSG #lobby :"),
            format!("@batch=m {me} PRIVMSG #lobby :how is "),
            format!("@batch=m;draft/multiline-concat {me} PRIVMSG #lobby :everyone?"),
            ":c.test BATCH -m".to_owned(),
        ]
    };
    assert_eq!(heard(&mut chat, "alice"), lines("label=x;"));
    assert_eq!(heard(&mut chat, "bob"), lines(""));
    assert_eq!(
        heard(&mut chat, "carol"),
        [
            "@msgid=ID;+draft/reply=1 :alice!alice@net PRIVMSG #lobby :hello",
            "@+draft/reply=1 :alice!alice@net PRIVMSG #lobby :how is ",
            "@+draft/reply=1 :alice!alice@net PRIVMSG #lobby :everyone?",
        ]
    );
    chat.expect(
        "dave",
        &[
            ":alice!alice@net PRIVMSG #lobby :hello",
            ":alice!alice@net PRIVMSG #lobby :how is ",
            ":alice!alice@net PRIVMSG #lobby :everyone?",
        ],
    );
    chat.expect(
        "erin",
        &["06:27:00 #lobby <alice> hello", "06:27:00 #lobby <alice> ", "06:27:00 #lobby <alice> how is everyone?"],
    );
}

#[test]
fn to_oneself_the_echo_alone_has_the_label() {
    let mut chat = chat();
    // A line that is longer than one may be for others, but not in a batch.
    let long = "x".repeat(490);
    chat.says("alice", "@label=l BATCH +a draft/multiline alice");
    chat.says("alice", &format!("@batch=a PRIVMSG alice :{long}"));
    chat.says("alice", "BATCH -a");
    let heard = heard(&mut chat, "alice");
    let starts: Vec<&str> = heard.iter().map(|line| line.split(" :alice!").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "@time=T;account=alice;msgid=ID",
            "@batch=m",
            "@batch=m;draft/multiline-concat",
            ":c.test BATCH -m",
            "@label=l;time=T;account=alice;msgid=ID",
            "@batch=m",
            "@batch=m;draft/multiline-concat",
            ":c.test BATCH -m",
        ]
    );
}

#[test]
fn several_messages_in_one_answer_are_batches_in_a_batch() {
    let mut chat = chat();
    chat.says("bob", "AWAY :gone");
    chat.silence();
    chat.says("alice", "@label=l BATCH +a draft/multiline bob");
    chat.says("alice", "@batch=a NOTICE bob :1");
    chat.says("alice", "@batch=a NOTICE bob :2");
    chat.says("alice", "BATCH -a");
    assert_eq!(heard(&mut chat, "alice").len(), 4, "a NOTICE is not answered");
    for verb in ["BATCH +a draft/multiline bob", "PRIVMSG bob :1", "PRIVMSG bob :2", "BATCH -a"] {
        let tags = if verb.starts_with('B') { "@label=l" } else { "@batch=a" };
        chat.says("alice", &format!("{tags} {verb}"));
    }
    assert_eq!(
        heard(&mut chat, "alice"),
        [
            "@label=l :c.test BATCH +r labeled-response",
            "@batch=r;time=T;account=alice;msgid=ID :alice!alice@net BATCH +m draft/multiline bob",
            "@batch=m :alice!alice@net PRIVMSG bob :1",
            "@batch=m :alice!alice@net PRIVMSG bob :2",
            "@batch=r :c.test BATCH -m",
            "@batch=r :c.test 301 alice bob :gone",
            ":c.test BATCH -r",
        ]
    );
}

#[test]
fn a_persons_long_line_is_a_batch_too() {
    let mut chat = chat();
    let text = "ten chars ".repeat(100);
    chat.says("erin", &text);
    let lines = heard(&mut chat, "bob");
    assert!(lines[0].ends_with(" BATCH +m draft/multiline #lobby") && lines.len() == 5, "{lines:?}");
    assert!(lines[1].starts_with("@batch=m :erin!") && lines[2].starts_with("@batch=m;draft/multiline-concat :erin!"));
    let said: String = lines[1..4].iter().map(|line| line.split_once(" #lobby :").unwrap().1).collect();
    assert_eq!(said, text);
    chat.says("erin", "short");
    assert_eq!(heard(&mut chat, "bob"), ["@time=T;account=erin;msgid=ID :erin!erin@net PRIVMSG #lobby :short"]);
}

#[test]
fn what_is_wrong_is_said_once_and_the_rest_of_the_batch_is_ignored() {
    let begin = "@label=1 BATCH +a draft/multiline #lobby";
    let line = "@batch=a PRIVMSG #lobby :x";
    let long = format!("@batch=a PRIVMSG #lobby :{}", "x".repeat(400));
    let concat = "@batch=a;draft/multiline-concat PRIVMSG #lobby";
    for (lines, fail) in [
        (vec![begin, "@batch=a PRIVMSG #Lobby,bob :x"], "MULTILINE_INVALID_TARGET #lobby #Lobby,bob"),
        (vec![begin, line, "@batch=a NOTICE #lobby :x"], "MULTILINE_INVALID"),
        (vec![begin, line, "@batch=a JOIN #x"], "MULTILINE_INVALID"),
        (vec![begin, line, "@batch=b PRIVMSG #lobby :x"], "MULTILINE_INVALID"),
        (vec![begin, line, "@batch=a;+x PRIVMSG #lobby :x"], "MULTILINE_INVALID"),
        (vec![begin, line, "@batch=a;label=2 PRIVMSG #lobby :x"], "MULTILINE_INVALID"),
        (vec![begin, line, concat], "MULTILINE_INVALID"),
        (vec![begin, &format!("{concat} :first")], "MULTILINE_INVALID"),
        (vec![begin, "@batch=a PRIVMSG #lobby :", "@batch=a PRIVMSG #lobby", "BATCH -a"], "MULTILINE_INVALID"),
        (vec![begin, line, "@batch=a PRIVMSG #lobby :\u{1}VERSION\u{1}", "BATCH -a"], "MULTILINE_INVALID"),
        (vec![begin, "BATCH -a"], "MULTILINE_INVALID"),
        ([vec![begin], vec![line; 33]].concat(), "MULTILINE_MAX_LINES 32"),
        ([vec![begin], vec![&long; 11]].concat(), "MULTILINE_MAX_BYTES 4096"),
        (vec!["@label=1 BATCH +a draft/other #lobby"], "UNKNOWN_TYPE a draft/other"),
        (vec!["@label=1 BATCH +a_b draft/multiline #lobby"], "INVALID_REFTAG a_b"),
        (vec!["@label=1 BATCH +a draft/multiline"], "MULTILINE_INVALID"),
        (vec!["@label=1 BATCH +a draft/multiline #lobby,bob"], "MULTILINE_INVALID"),
        (vec!["@label=1;batch=b BATCH +a draft/multiline #lobby"], "MULTILINE_INVALID"),
        (vec!["@label=1 BATCH -z"], "MULTILINE_INVALID"),
        (vec![begin, line, "BATCH +b draft/multiline #lobby"], "MULTILINE_INVALID"),
    ] {
        let mut chat = chat();
        for line in &lines {
            chat.says("alice", line);
        }
        let heard = chat.heard("alice");
        assert!(
            heard.len() == 1 && heard[0].starts_with(&format!("@label=1 :c.test FAIL BATCH {fail} :")),
            "{lines:?}: {heard:?}"
        );
        if lines[0] == begin && !lines.iter().any(|line| line.starts_with("BATCH")) {
            chat.says("alice", line);
            chat.says("alice", "BATCH -a");
            chat.expect("alice", &[]);
        }
        // The session goes on.
        chat.says("alice", "PRIVMSG bob :fine");
        assert_eq!(chat.heard("bob").len(), 1, "{lines:?}");
    }
}

#[test]
fn lines_between_are_lines_like_others_and_without_the_capability_there_are_no_batches() {
    let mut chat = chat();
    chat.says("alice", "BATCH +a draft/multiline #lobby");
    chat.says("alice", "PING x");
    chat.expect("alice", &[":c.test PONG c.test x"]);
    chat.says("alice", "@batch=a PRIVMSG #lobby :\u{1}ACTION waves\u{1}");
    chat.says("alice", "BATCH -a");
    chat.expect("erin", &["06:27:00 #lobby * alice waves"]);
    chat.silence();
    chat.says("carol", "BATCH +a draft/multiline #lobby");
    chat.expect("carol", &[":c.test 421 carol BATCH :Unknown command"]);
}
