//! Rooms, messages, presence: what each sees of the others.

use std::sync::Arc;

use super::{Chat, settings};
use crate::{hub::request::Gone, protocol::caps::Dialect};

#[test]
fn the_first_into_a_room_is_its_operator_and_both_dialects_see_the_same() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.plain("bob");
    chat.says("alice", "JOIN #ops");
    chat.expect(
        "alice",
        &[
            ":alice!alice@net JOIN #ops",
            ":c.test 353 alice = #ops :@alice",
            ":c.test 366 alice #ops :End of /NAMES list",
        ],
    );
    chat.says("bob", "/join ops");
    chat.expect("bob", &["06:27:00 #ops -!- bob joined", "-!- in #ops: @alice bob", "-!- you talk in #ops now"]);
    chat.expect("alice", &[":bob!bob@net JOIN #ops"]);
    chat.says("bob", "hello");
    chat.expect("bob", &["06:27:00 #ops <bob> hello"]);
    chat.expect("alice", &[":bob!bob@net PRIVMSG #ops :hello"]);
    chat.says("alice", "PRIVMSG #OPS :\u{1}ACTION waves\u{1}");
    chat.expect("alice", &[]);
    chat.expect("bob", &["06:27:00 #ops * alice waves"]);
    chat.says("alice", "NOTICE #ops :look");
    chat.expect("bob", &["06:27:00 #ops -alice- look"]);
    chat.says("bob", "/part #ops so long");
    chat.expect("bob", &["06:27:00 #ops -!- bob left (so long)", "-!- you talk in #lobby now"]);
    chat.expect("alice", &[":bob!bob@net PART #ops :so long"]);
}

#[test]
fn a_message_cannot_look_like_an_event_nor_act_on_the_terminal() {
    let mut chat = Chat::new();
    chat.irc("mallory", "");
    chat.plain("bob");
    chat.says("mallory", "JOIN #lobby");
    chat.silence();
    chat.says("mallory", "PRIVMSG #lobby :\u{1b}[2J06:27:00 #lobby -!- root joined");
    let heard = chat.heard("bob").concat();
    assert!(heard.starts_with("06:27:00 #lobby <mallory> ") && !heard.contains('\u{1b}'), "{heard:?}");
    chat.says("bob", "/me x\u{202e}y");
    let heard = chat.heard("bob").concat();
    assert!(!heard.contains('\u{202e}'), "{heard:?}");
}

#[test]
fn private_messages_reach_all_devices_of_both() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "echo-message");
    chat.comes("a2", "alice", Dialect::Plain, "");
    chat.comes("b1", "bob", Dialect::Irc, "");
    chat.comes("b2", "bob", Dialect::Plain, "");
    chat.silence();
    chat.says("a1", "PRIVMSG BOB :hi");
    chat.expect("a1", &[":alice!alice@net PRIVMSG bob :hi"]);
    chat.expect("a2", &["06:27:00 you -> bob: hi"]);
    chat.expect("b1", &[":alice!alice@net PRIVMSG bob :hi"]);
    chat.expect("b2", &["06:27:00 alice -> you: hi"]);
    chat.says("a2", "/msg alice note");
    chat.expect("a2", &["06:27:00 alice -> you: note"]);
    chat.expect("a1", &[":alice!alice@net PRIVMSG alice :note"]);
}

#[test]
fn refusals() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.plain("bob");
    let cases = [
        ("PRIVMSG nobody :x", ":c.test 401 alice nobody :No such nick/channel"),
        ("PRIVMSG #none :x", ":c.test 403 alice #none :No such channel"),
        ("PRIVMSG #lobby :x", ":c.test 404 alice #lobby :Cannot send to channel"),
        ("PRIVMSG", ":c.test 411 alice :No recipient given (PRIVMSG)"),
        ("PRIVMSG bob", ":c.test 412 alice :No text to send"),
        ("PRIVMSG bob :", ":c.test 412 alice :No text to send"),
        ("FROB", ":c.test 421 alice FROB :Unknown command"),
        ("NICK bob", ":c.test 433 alice bob :Your nickname is your certificate's and cannot be changed"),
        ("NICK 1x", ":c.test 432 alice 1x :Erroneous nickname"),
        ("PART #lobby", ":c.test 442 alice #lobby :You're not on that channel"),
        ("JOIN", ":c.test 461 alice JOIN :Not enough parameters"),
        ("JOIN &x", ":c.test 403 alice &x :No such channel"),
        ("JOIN #a\u{200b}", ":c.test 476 alice #a\u{200b} :Bad channel name"),
        ("USER a b c d", ":c.test 462 alice :You may not reregister"),
        ("AUTHENTICATE EXTERNAL", ":c.test 904 alice :SASL authentication failed"),
        ("CAP FROB", ":c.test 410 alice FROB :Invalid CAP command"),
        ("MODE bob", ":c.test 502 alice :Can't change mode for other users"),
        ("MODE alice +x", ":c.test 501 alice :Unknown MODE flag"),
        ("TOPIC #lobby :x", ":c.test 442 alice #lobby :You're not on that channel"),
    ];
    for (line, expect) in cases {
        chat.says("alice", line);
        assert_eq!(chat.heard("alice"), [expect], "{line}");
    }
    chat.says("alice", "NOTICE nobody :x");
    chat.expect("alice", &[]);
    chat.says("bob", "/part");
    chat.silence();
    chat.says("bob", "is anybody here?");
    chat.expect("bob", &["-!- you are in no room; /join #ROOM first, /rooms lists them"]);
    chat.says("bob", "/frob");
    chat.expect("bob", &["-!- there is no command /frob; /help lists them, // starts a line with a slash"]);
}

#[test]
fn limits_of_rooms() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.says("alice", "JOIN #1,#2,#3,#4,#5");
    chat.silence();
    chat.says("alice", "JOIN #6");
    chat.expect("alice", &[":c.test 405 alice #6 :You have joined too many channels (at most 5)"]);
    chat.says("alice", "JOIN 0");
    chat.silence();
    assert!(chat.state.rooms.is_empty(), "an empty room is gone");
    for name in ["b", "c", "d", "e"] {
        chat.irc(name, "");
        for n in 0..5 {
            chat.says(name, &format!("JOIN #{name}{n}"));
        }
    }
    chat.says("alice", "JOIN #new");
    chat.expect("alice", &[":c.test 405 alice #new :This server has as many channels as it may hold"]);
}

#[test]
fn presence_is_the_accounts_not_the_sessions() {
    let mut chat = Chat::new();
    chat.irc("watcher", "");
    chat.says("watcher", "JOIN #r");
    chat.comes("a1", "alice", Dialect::Irc, "");
    chat.says("a1", "JOIN #r");
    chat.silence();
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.expect("watcher", &[]);
    assert!(chat.heard("a2").contains(&":alice!alice@net JOIN #r".to_owned()), "put back into its rooms");
    chat.says("a1", "QUIT :bye");
    chat.expect("a1", &["ERROR :Quit: bye", "(closed)"]);
    chat.expect("watcher", &[]);

    chat.gone("a2", Gone::Lost);
    chat.passes(29_000);
    chat.expect("watcher", &[]);
    chat.comes("a3", "alice", Dialect::Irc, "");
    chat.passes(60_000);
    chat.expect("watcher", &[]);

    chat.gone("a3", Gone::Lost);
    chat.passes(31_000);
    chat.expect("watcher", &[":alice!alice@net QUIT :Connection lost"]);
    chat.says("watcher", "NAMES #r");
    chat.expect("watcher", &[":c.test 353 watcher = #r :@watcher", ":c.test 366 watcher #r :End of /NAMES list"]);
    chat.says("watcher", "PRIVMSG alice :x");
    chat.expect("watcher", &[":c.test 301 watcher alice :offline, will be delivered"]);

    chat.comes("a4", "alice", Dialect::Irc, "");
    chat.expect("watcher", &[":alice!alice@net JOIN #r"]);
    chat.gone("a4", Gone::Cut("Ping timeout".into()));
    chat.expect("watcher", &[":alice!alice@net QUIT :Ping timeout"]);

    // Who was back in time and then leaves is gone.
    chat.comes("a5", "alice", Dialect::Irc, "");
    chat.gone("a5", Gone::Lost);
    chat.comes("a6", "alice", Dialect::Irc, "");
    chat.says("a6", "QUIT");
    chat.silence();
    chat.says("watcher", "WHO alice");
    chat.expect("watcher", &[":c.test 315 watcher alice :End of /WHO list"]);
}

#[test]
fn sessions_of_one_account_share_its_rooms() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "");
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.silence();
    chat.says("a1", "JOIN #r");
    let joined =
        [":alice!alice@net JOIN #r", ":c.test 353 alice = #r :@alice", ":c.test 366 alice #r :End of /NAMES list"];
    chat.expect("a1", &joined);
    chat.expect("a2", &joined);
    chat.says("a1", "PRIVMSG #r :x");
    chat.expect("a1", &[]);
    chat.expect("a2", &[":alice!alice@net PRIVMSG #r :x"]);
    chat.says("a2", "PART #r");
    chat.expect("a1", &[":alice!alice@net PART #r"]);
}

#[test]
fn away_is_the_sum_of_the_sessions() {
    let mut chat = Chat::new();
    chat.comes("a1", "alice", Dialect::Irc, "");
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.irc("bob", "");
    chat.says("a1", "AWAY :lunch");
    chat.expect("a1", &[":c.test 306 alice :You have been marked as being away"]);
    chat.says("bob", "PRIVMSG alice :x");
    chat.expect("bob", &[]);
    chat.says("a2", "AWAY :gone");
    chat.says("bob", "PRIVMSG alice :x");
    chat.expect("bob", &[":c.test 301 bob alice :gone"]);
    chat.says("a1", "AWAY");
    chat.says("bob", "PRIVMSG alice :x");
    chat.expect("bob", &[]);
}

#[test]
fn topics() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.plain("bob");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "/join #r");
    chat.silence();
    chat.says("bob", "/topic mine");
    chat.expect("bob", &["-!- only the operators of #r may do that"]);
    chat.says("alice", "TOPIC #r :ours");
    chat.expect("alice", &[":alice!alice@net TOPIC #r :ours"]);
    chat.expect("bob", &["06:27:00 #r -!- alice set the topic: ours"]);
    chat.says("alice", "TOPIC #r");
    chat.expect("alice", &[":c.test 332 alice #r :ours", ":c.test 333 alice #r alice 1795242420"]);
    chat.says("bob", "/topic");
    chat.expect("bob", &["-!- topic of #r: ours (set by alice)"]);
    chat.says("alice", &format!("TOPIC #r :{}", "x".repeat(400)));
    chat.expect("alice", &[":c.test 417 alice :Input line was too long"]);
    chat.says("alice", "TOPIC #r :");
    chat.says("bob", "/rooms");
    assert_eq!(chat.heard("bob")[1..], ["-!- #lobby (1)", "-!- #r (2)"]);
}

#[test]
fn the_lobby_is_the_administrators() {
    let mut chat = Chat::new();
    chat.plain("bob");
    chat.says("bob", "/topic mine");
    chat.expect("bob", &["-!- only the operators of #lobby may do that"]);
    chat.irc("root", "");
    chat.says("root", "JOIN #lobby");
    assert_eq!(chat.heard("root")[1], ":c.test 353 root = #lobby :bob @root");
    chat.says("root", "OPER root x");
    chat.says("root", "WHOIS root");
    assert!(chat.heard("root").contains(&":c.test 313 root root :is an administrator of this server".to_owned()));
}

#[test]
fn only_oneself_and_administrators_see_devices() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "account-tag");
    chat.irc("root", "account-tag");
    // To a client that knows no accounts, the certificates of others are as little news as 330.
    chat.comes("old", "root", Dialect::Irc, "");
    for (who, sees) in [("alice", true), ("bob", false), ("root", true), ("old", false)] {
        chat.says(who, "WHOIS alice");
        assert_eq!(chat.heard(who).iter().any(|line| line.contains(" 276 ")), sees, "{who}");
    }
    chat.says("bob", "WHOIS nobody");
    chat.expect("bob", &[":c.test 401 bob nobody :No such nick/channel", ":c.test 318 bob nobody :End of /WHOIS list"]);
}

#[test]
fn answers_carry_the_label_of_their_request() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response batch echo-message");
    chat.irc("bob", "labeled-response batch");
    for (line, expect) in [
        ("@label=1 PING x", vec!["@label=1 :c.test PONG c.test x"]),
        ("@label=2 PONG x", vec!["@label=2 :c.test ACK"]),
        ("@label=3 NOTICE nobody :x", vec!["@label=3 :c.test ACK"]),
        ("@label=4 PRIVMSG bob :x", vec!["@label=4 :alice!alice@net PRIVMSG bob :x"]),
        ("@label=a\\sb FROB", vec!["@label=a\\sb :c.test 421 alice FROB :Unknown command"]),
        (
            "@label=5 JOIN #r",
            vec![
                "@label=5 :c.test BATCH +r labeled-response",
                "@batch=r :alice!alice@net JOIN #r",
                "@batch=r :c.test 353 alice = #r :@alice",
                "@batch=r :c.test 366 alice #r :End of /NAMES list",
                ":c.test BATCH -r",
            ],
        ),
        ("PING y", vec![":c.test PONG c.test y"]),
    ] {
        chat.says("alice", line);
        assert_eq!(chat.heard("alice"), expect, "{line}");
    }
    chat.says("bob", "@label=6 PRIVMSG alice :x");
    assert_eq!(chat.heard("bob").first().unwrap(), ":alice!alice@net PRIVMSG bob :x");
    chat.silence();
    chat.says("bob", "@label=7 PRIVMSG alice :x");
    chat.expect("bob", &["@label=7 :c.test ACK"]);
}

#[test]
fn tags_go_to_those_who_negotiated_them() {
    let mut chat = Chat::new();
    chat.irc("alice", "message-tags");
    chat.irc("bob", "message-tags server-time account-tag");
    chat.irc("old", "");
    chat.plain("plain");
    for who in ["alice", "bob", "old"] {
        chat.says(who, "JOIN #lobby");
    }
    chat.silence();
    chat.says("alice", "@+typing=active;x=y TAGMSG #lobby");
    let heard = chat.heard("bob");
    assert_eq!(heard.len(), 1);
    let message = crate::protocol::Message::parse(&heard[0]).unwrap();
    assert_eq!(message.command, "TAGMSG");
    assert_eq!(message.tags.get("+typing").as_deref(), Some("active"));
    assert_eq!(message.tags.get("x"), None, "not for clients to say");
    assert_eq!(message.tags.get("time").as_deref(), Some("2026-11-21T06:27:00.000Z"));
    assert_eq!(message.tags.get("account").as_deref(), Some("alice"));
    assert!(message.tags.get("msgid").is_some());
    for who in ["alice", "old", "plain"] {
        chat.expect(who, &[]);
    }
    chat.says("alice", "@+x=1 PRIVMSG #lobby :hi");
    chat.expect("old", &[":alice!alice@net PRIVMSG #lobby :hi"]);
    chat.says("old", "CAP REQ message-tags");
    chat.silence();
    chat.says("alice", "@+x=1 PRIVMSG #lobby :hi");
    assert!(chat.heard("old")[0].contains("+x=1"), "the session's shape changed in its place");
}

#[test]
fn a_long_message_is_carried_whole_in_several_lines() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.irc("bob", "message-tags");
    chat.says("bob", "JOIN #lobby");
    chat.silence();
    let text = "wörd ".repeat(300);
    chat.says("alice", &text);
    let heard = chat.heard("bob");
    assert!(heard.len() > 2);
    let words: String = heard.iter().map(|line| line.rsplit_once(" :").unwrap().1.to_owned() + " ").collect();
    assert_eq!(words.replace(' ', ""), text.replace(' ', ""), "nothing is lost but blanks between lines");
    assert_eq!(heard.iter().filter(|line| line.contains("msgid=")).count(), 1, "one message, one id");
    assert_eq!(chat.heard("alice").len(), 1);
}

#[test]
fn history_is_for_members() {
    let mut chat = Chat::new();
    chat.plain("alice");
    chat.irc("bob", "");
    chat.says("bob", "JOIN #secret");
    chat.silence();
    chat.says("alice", "/history #secret");
    chat.expect("alice", &["-!- you are not in #secret; /join #secret first"]);
    chat.says("alice", "/history");
    chat.expect("alice", &["-!- no message of #lobby is kept"]);
    chat.says("alice", "/history bob 5");
    chat.expect("alice", &["-!- no message with bob is kept"]);
}

#[test]
fn nothing_is_kept_with_history_off() {
    use crate::protocol::durable::Durable;
    for keep in [true, false] {
        let mut chat = Chat::with(crate::hub::Settings { keep_messages: keep, ..settings() });
        chat.plain("alice");
        let at = crate::hub::Stamp::default();
        let (label, body) = super::body(Dialect::Plain, "hello");
        let request = crate::hub::Request { session: crate::hub::SessionId(0), label, body };
        let outputs = chat.state.step(&crate::hub::Sequenced { at, request, found: crate::hub::Found::Nothing });
        assert_eq!(outputs.events.iter().any(|event| matches!(event, Durable::Message(_))), keep);
        assert!(!outputs.deliveries.is_empty(), "delivered all the same");
    }
}

#[test]
fn a_request_of_a_session_that_left_is_not_answered() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response");
    chat.says("alice", "QUIT");
    chat.silence();
    chat.says("alice", "@label=1 PING x");
    chat.gone("alice", Gone::Lost);
    chat.expect("alice", &[]);
    assert_eq!(chat.state.counts().sessions, 0);
    assert_eq!(chat.state.counts().people, 0);
}

/// [`Chat::heard`] holds every IRC line to 512 octets.
#[test]
fn the_longest_names_and_quoted_words_stay_within_a_line() {
    let longest = "n".repeat(63);
    let mut own = settings();
    let server = Arc::make_mut(&mut own.server);
    server.name = format!("{}.x", "s".repeat(61)).into();
    server.network = longest.as_str().into();
    let mut chat = Chat::with(own);
    const NAME: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
    const OTHER: &str = "oooooooooooooooooooooooooooooooo";
    chat.irc(NAME, "server-time message-tags account-tag");
    chat.irc(OTHER, "");
    let room = format!("#{longest}");
    for who in [NAME, OTHER] {
        chat.says(who, &format!("JOIN {room}"));
    }
    let topic = "t".repeat(300);
    let text = "x".repeat(450);
    for line in [
        format!("TOPIC {room} :{topic}"),
        format!("TOPIC {room}"),
        format!("AWAY :{text}"),
        format!("PRIVMSG {room} :{}", "é".repeat(200)),
        format!("PRIVMSG {text} :x"),
        format!("WHO {text}"),
        format!("WHOIS {NAME}"),
        format!("WHOIS {text}"),
        format!("NAMES #{text}"),
        format!("PING {text}"),
        format!("CAP REQ :{text}"),
        format!("FROB{text}"),
        format!("HELP {text}"),
        "LIST".into(),
        "LUSERS".into(),
        format!("PART {room} :{text}"),
        format!("JOIN {room}"),
        "VERSION".into(),
        format!("MODE {room} +oov {NAME} {OTHER} {OTHER}"),
        format!("MODE {room} +bbb {text} {topic} {}", "b".repeat(100)),
        format!("MODE {room} b"),
        format!("MODE {room} +k {text}"),
        format!("INVITE {text} {room}"),
        format!("KICK {room} {text}"),
        format!("KICK {room} {OTHER} :{text}"),
        format!("INVITE {OTHER} {room}"),
        format!("RENAME {room} #{text}"),
        format!("QUIT :{text}"),
    ] {
        chat.says(NAME, &line);
        let heard = chat.heard(NAME);
        assert!(!heard.is_empty() || line.starts_with("PRIVMSG #"), "{line}");
        let seen = chat.heard(OTHER);
        // Whole, not cut.
        let end = match &line {
            line if line.starts_with(&format!("TOPIC {room} :")) => &topic[..],
            line if line.starts_with(&format!("KICK {room} {OTHER}")) => &text[..270],
            line if line.ends_with(OTHER) => OTHER,
            line if line == "VERSION" => {
                let tokens = heard.iter().filter(|line| line.contains(" 005 "));
                assert!(tokens.clone().count() > 1 && tokens.clone().all(|line| line.ends_with(" by this server")));
                continue;
            }
            _ => continue,
        };
        assert!(seen[seen.len() - 1].ends_with(end), "{line}: {seen:?}");
    }
}

#[test]
fn a_room_with_a_key_takes_it() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.state.rooms.values_mut().for_each(|room| room.modes.key = Some("sesame".into()));
    for wrong in ["JOIN #r", "JOIN #r Sesame"] {
        chat.says("bob", wrong);
        chat.expect("bob", &[":c.test 475 bob #r :Cannot join channel (+k)"]);
    }
    chat.says("bob", "MODE #r");
    assert_eq!(chat.heard("bob")[0], ":c.test 324 bob #r +knt *", "the key is for members");
    chat.says("bob", "JOIN #r sesame");
    assert_eq!(chat.heard("bob")[0], ":bob!bob@net JOIN #r");
    chat.says("bob", "MODE #r");
    assert_eq!(chat.heard("bob")[0], ":c.test 324 bob #r +knt sesame");
}
