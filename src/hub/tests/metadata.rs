//! Metadata of people and rooms (IRCv3 `draft/metadata-3`).

use std::{convert::Infallible, sync::Arc};

use super::{Chat, body, registration};
use crate::{
    hub::{
        metadata::Early,
        request::{Body, Request, Sequenced, Stamp},
        state::State,
    },
    protocol::{
        caps::Dialect,
        command::Command,
        durable::Durable,
        limits,
        metadata::{Key, Owner},
    },
};

const CAPS: &str = "batch draft/metadata-3";

/// Alice and Bob, who knows metadata and is subscribed to `avatar` and `display-name`.
fn chat() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.irc("bob", CAPS);
    chat.says("bob", "METADATA * SUB avatar display-name");
    chat.silence();
    chat
}

/// Both in `#ops`, whose operator Alice is.
fn together() -> Chat {
    let mut chat = chat();
    chat.says("alice", "JOIN #ops");
    chat.says("bob", "JOIN #ops");
    chat.silence();
    chat
}

#[track_caller]
fn answers(chat: &mut Chat, session: &str, line: &str, expect: &[&str]) {
    chat.says(session, line);
    chat.expect(session, expect);
}

/// Sections "METADATA GET", "METADATA LIST", "METADATA SET", "METADATA CLEAR".
#[test]
fn what_one_sets_one_can_read() {
    let mut chat = chat();
    for (line, expect) in [
        ("METADATA * SET url :http://a b", &[":c.test 761 alice alice url * :http://a b"][..]),
        ("METADATA Alice set avatar x", &[":c.test 761 alice alice avatar * :x"]),
        ("METADATA * SET avatar :->💜<-", &[":c.test 761 alice alice avatar * :->💜<-"]),
        (
            "METADATA * GET none avatar $x",
            &[
                ":c.test BATCH +b metadata alice",
                "@batch=b :c.test 766 alice alice none :Key not set",
                "@batch=b :c.test 761 alice alice avatar * :->💜<-",
                "@batch=b :c.test WARN METADATA INVALID_KEY $x :this can be no key",
                ":c.test BATCH -b",
            ],
        ),
        ("METADATA * SET avatar", &[":c.test 766 alice alice avatar :Key not set"]),
        ("METADATA * SET avatar", &[":c.test 766 alice alice avatar :Key not set"]),
        (
            "METADATA alice LIST",
            &[
                ":c.test BATCH +b metadata alice",
                "@batch=b :c.test 761 alice alice url * :http://a b",
                ":c.test BATCH -b",
            ],
        ),
        (
            "METADATA * CLEAR",
            &[
                ":c.test BATCH +b metadata alice",
                "@batch=b :c.test 766 alice alice url :Key not set",
                ":c.test BATCH -b",
            ],
        ),
        ("METADATA * LIST", &[":c.test BATCH +b metadata alice", ":c.test BATCH -b"]),
    ] {
        answers(&mut chat, "alice", line, expect);
    }
    chat.expect("bob", &[]);
}

/// Without the capability `batch` there are none around the answers.
#[test]
fn an_old_client_can_set_and_read_too() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    answers(&mut chat, "alice", "METADATA * SET avatar x", &[":c.test 761 alice alice avatar * :x"]);
    answers(&mut chat, "alice", "METADATA * LIST", &[":c.test 761 alice alice avatar * :x"]);
    // It is told of nothing by itself.
    answers(
        &mut chat,
        "alice",
        "METADATA * SUB avatar",
        &[":c.test 770 alice avatar", ":c.test 761 alice alice avatar * :x"],
    );
    chat.irc("bob", CAPS);
    chat.says("alice", "JOIN #ops");
    chat.says("bob", "JOIN #ops");
    chat.silence();
    chat.says("bob", "METADATA * SET avatar y");
    chat.expect("alice", &[]);
}

/// Section "Replies".
#[test]
fn refusals() {
    let mut chat = together();
    chat.says("alice", "MODE #ops +s");
    chat.irc("carol", CAPS);
    let too_long = format!("METADATA * SET avatar {}", "v".repeat(limits::METADATA_VALUE + 1));
    let none = ":there is no such person or room to ask about";
    for (line, expect) in [
        ("METADATA", "INVALID_PARAMS * :say what you ask: GET, LIST, SET, CLEAR, SUB, UNSUB, SUBS or SYNC"),
        ("METADATA * SNEEZE", "INVALID_PARAMS SNEEZE :there is no such subcommand"),
        ("METADATA * GET", "INVALID_PARAMS GET :say which keys"),
        ("METADATA * SET Key x", "INVALID_KEY Key :a key has 1 to 32 characters of a-z, 0-9, _ . / and -"),
        (&too_long, "INVALID_VALUE avatar :the value is too long"),
        ("METADATA bob SET avatar x", "KEY_NO_PERMISSION bob avatar :you may not do that with this target"),
        ("METADATA BOB CLEAR", "KEY_NO_PERMISSION bob * :you may not do that with this target"),
        ("METADATA nobody LIST", &format!("INVALID_TARGET nobody {none}")),
        ("METADATA #none LIST", &format!("INVALID_TARGET #none {none}")),
        ("METADATA $a:x SET avatar x", &format!("INVALID_TARGET $a:x {none}")),
        ("METADATA *ALL LIST", &format!("INVALID_TARGET *ALL {none}")),
        ("METADATA bob SUB avatar", &format!("INVALID_TARGET bob {none}")),
        ("METADATA #ops SUBS", &format!("INVALID_TARGET #ops {none}")),
        // A secret room is like one that there is not.
        ("METADATA #ops GET avatar", &format!("INVALID_TARGET #ops {none}")),
        ("METADATA #ops LIST", &format!("INVALID_TARGET #ops {none}")),
        ("METADATA #ops SYNC", &format!("INVALID_TARGET #ops {none}")),
        ("METADATA #ops SET avatar x", &format!("INVALID_TARGET #ops {none}")),
        ("METADATA #ops CLEAR", &format!("INVALID_TARGET #ops {none}")),
    ] {
        answers(&mut chat, "carol", line, &[&format!(":c.test FAIL METADATA {expect}")]);
    }
    chat.expect("bob", &[]);
}

/// A room's is its operators'; an administrator may change everybody's. Section "Notifications".
#[test]
fn rooms_and_rights() {
    let mut chat = together();
    let no = ":you may not do that with this target";
    answers(&mut chat, "alice", "METADATA #OPS SET avatar x", &[":c.test 761 alice #ops avatar * :x"]);
    chat.expect("bob", &[":c.test 761 bob #ops avatar * :x"]);
    // Nothing new is told to nobody.
    answers(&mut chat, "alice", "METADATA #ops SET avatar x", &[":c.test 761 alice #ops avatar * :x"]);
    // Bob is not subscribed to this.
    answers(&mut chat, "alice", "METADATA #ops SET url y", &[":c.test 761 alice #ops url * :y"]);
    chat.expect("bob", &[]);
    let refused = format!(":c.test FAIL METADATA KEY_NO_PERMISSION #ops avatar {no}");
    answers(&mut chat, "bob", "METADATA #ops SET avatar z", &[&refused]);
    let refused = format!(":c.test FAIL METADATA KEY_NO_PERMISSION #ops * {no}");
    answers(&mut chat, "bob", "METADATA #ops CLEAR", &[&refused]);
    chat.irc("root", CAPS);
    answers(&mut chat, "root", "METADATA #ops SET avatar z", &[":c.test 761 root #ops avatar * :z"]);
    chat.expect("bob", &[":c.test 761 bob #ops avatar * :z"]);
    answers(&mut chat, "root", "METADATA alice SET avatar z", &[":c.test 761 root alice avatar * :z"]);
    chat.expect("bob", &[":c.test 761 bob alice avatar * :z"]);
    // Who changes it hears of it once, subscribed or not.
    answers(&mut chat, "bob", "METADATA bob SET avatar b", &[":c.test 761 bob bob avatar * :b"]);
    chat.says("alice", "METADATA #ops CLEAR");
    chat.expect(
        "alice",
        &[
            ":c.test BATCH +b metadata #ops",
            "@batch=b :c.test 766 alice #ops avatar :Key not set",
            "@batch=b :c.test 766 alice #ops url :Key not set",
            ":c.test BATCH -b",
        ],
    );
    chat.expect("bob", &[":c.test 766 bob #ops avatar :Key not set"]);
    // An outsider reads what an open room says, but not of a room that takes only the invited.
    chat.says("alice", "METADATA #ops SET avatar x");
    chat.irc("carol", CAPS);
    chat.says("carol", "METADATA #ops LIST");
    assert_eq!(chat.heard("carol").len(), 3);
    chat.says("alice", "MODE #ops +i");
    for line in ["METADATA #ops GET avatar", "METADATA #ops LIST", "METADATA #ops SYNC"] {
        answers(&mut chat, "carol", line, &[&refused]);
    }
}

/// Sections "Notifications" and "Keys and Values": own sessions, people of shared rooms.
#[test]
fn who_hears_of_a_person() {
    let mut chat = together();
    chat.comes("alice2", "alice", Dialect::Irc, CAPS);
    chat.comes("plain", "bob", Dialect::Plain, "");
    chat.says("alice2", "METADATA * SUB avatar");
    chat.irc("carol", CAPS);
    chat.says("carol", "METADATA * SUB avatar");
    chat.silence();
    answers(&mut chat, "alice", "METADATA * SET avatar x", &[":c.test 761 alice alice avatar * :x"]);
    chat.expect("alice2", &[":c.test 761 alice alice avatar * :x"]);
    chat.expect("bob", &[":c.test 761 bob alice avatar * :x"]);
    chat.expect("carol", &[]);
    chat.expect("plain", &[]);
    chat.says("bob", "METADATA * UNSUB avatar");
    chat.silence();
    chat.says("alice", "METADATA * SET avatar");
    chat.expect("alice2", &[":c.test 766 alice alice avatar :Key not set"]);
    chat.expect("bob", &[]);
}

/// An invisible person, and one who is not here, is nobody to those who share no room with him.
#[test]
fn the_invisible_are_not_revealed() {
    let mut chat = together();
    chat.says("alice", "METADATA * SET avatar x");
    chat.irc("carol", CAPS);
    let list = |who: &str| {
        vec![
            format!(":c.test BATCH +b metadata {who}"),
            format!("@batch=b :c.test 761 carol {who} avatar * :x"),
            ":c.test BATCH -b".into(),
        ]
    };
    chat.says("carol", "METADATA alice LIST");
    assert_eq!(chat.heard("carol"), list("alice"));
    chat.says("alice", "MODE alice +i");
    chat.silence();
    let none = [":c.test FAIL METADATA INVALID_TARGET alice :there is no such person or room to ask about"];
    for line in ["METADATA alice LIST", "METADATA alice GET avatar", "METADATA alice SYNC", "METADATA alice CLEAR"] {
        answers(&mut chat, "carol", line, &none);
    }
    chat.says("carol", "WHOIS alice");
    assert!(!chat.heard("carol").iter().any(|line| line.contains(" 760 ")));
    // Those who share a room with him see him as before.
    chat.says("bob", "WHOIS alice");
    assert!(chat.heard("bob").contains(&":c.test 760 bob alice avatar * :x".to_owned()));
    chat.says("alice", "QUIT");
    answers(&mut chat, "carol", "METADATA alice LIST", &none);
    chat.silence();
    chat.says("bob", "METADATA alice SYNC");
    assert_eq!(chat.heard("bob")[1], "@batch=b :c.test 761 bob alice avatar * :x");
}

/// Sections "METADATA SUB", "METADATA UNSUB", "METADATA SUBS".
#[test]
fn subscriptions() {
    let mut chat = together();
    chat.irc("carol", CAPS);
    for (line, expect) in [
        ("METADATA * SUBS", &[":c.test BATCH +b metadata-subs", ":c.test BATCH -b"][..]),
        (
            "METADATA * SUB url $x avatar",
            &[
                ":c.test 770 carol url avatar",
                ":c.test WARN METADATA INVALID_KEY $x :this can be no key",
                ":c.test 774 carol *ALL 0 :Ask for it by METADATA SYNC",
            ],
        ),
        ("METADATA Carol SUB url", &[":c.test 770 carol url"]),
        (
            "METADATA * SUBS",
            &[":c.test BATCH +b metadata-subs", "@batch=b :c.test 772 carol avatar url", ":c.test BATCH -b"],
        ),
        (
            "METADATA * UNSUB none url $x",
            &[":c.test 771 carol none url", ":c.test WARN METADATA INVALID_KEY $x :this can be no key"],
        ),
        ("METADATA * SUB $x", &[":c.test WARN METADATA INVALID_KEY $x :this can be no key"]),
    ] {
        answers(&mut chat, "carol", line, expect);
    }
    // All the keys, in as many lines as they need.
    for number in 0..limits::METADATA_SUBS / 10 {
        let keys: Vec<String> = (0..10).map(|key| format!("key-{number}-{key}-{}", "k".repeat(20))).collect();
        chat.says("carol", &format!("METADATA * SUB {}", keys.join(" ")));
    }
    let heard = chat.heard("carol");
    let full =
        format!(":c.test FAIL METADATA LIMIT_REACHED key-4-9-{} 50 :there is no room for more keys", "k".repeat(20));
    assert!(heard.contains(&full), "{heard:?}");
    chat.says("carol", "METADATA * SUBS");
    let keys: usize = chat.heard("carol").iter().map(|line| line.matches("key-").count()).sum();
    assert_eq!(keys, limits::METADATA_SUBS - 1);
    // With the capability go its subscriptions.
    chat.says("carol", "CAP REQ -batch");
    chat.says("carol", "CAP REQ batch");
    chat.silence();
    answers(&mut chat, "carol", "METADATA * SUBS", &[":c.test BATCH +b metadata-subs", ":c.test BATCH -b"]);
}

/// Section "METADATA SUB": the current values of new keys.
#[test]
fn a_new_subscription_tells_what_is_set_already() {
    let mut chat = together();
    chat.says("alice", "METADATA * SET url x");
    chat.says("alice", "METADATA #ops SET url y");
    chat.silence();
    answers(
        &mut chat,
        "bob",
        "METADATA * SUB url avatar",
        &[
            ":c.test 770 bob url avatar",
            ":c.test BATCH +b metadata *ALL",
            "@batch=b :c.test 761 bob #ops url * :y",
            "@batch=b :c.test 761 bob alice url * :x",
            ":c.test BATCH -b",
        ],
    );
}

/// Section "Automatic synchronization": JOIN, and what the others learn of the newcomer.
#[test]
fn who_joins_learns_what_the_room_and_its_people_say() {
    let mut chat = chat();
    chat.says("alice", "JOIN #ops");
    chat.says("alice", "METADATA #ops SET display-name :The Ops");
    chat.says("alice", "METADATA * SET display-name Alice");
    chat.says("alice", "METADATA * SET url x");
    chat.says("alice", "METADATA * SUB display-name");
    chat.says("bob", "METADATA * SET display-name Bob");
    chat.silence();
    answers(
        &mut chat,
        "bob",
        "JOIN #ops",
        &[
            ":bob!bob@net JOIN #ops",
            ":c.test 353 bob = #ops :@alice bob",
            ":c.test 366 bob #ops :End of /NAMES list",
            ":c.test BATCH +b metadata #ops",
            "@batch=b :c.test 761 bob #ops display-name * :The Ops",
            "@batch=b :c.test 761 bob alice display-name * :Alice",
            "@batch=b :c.test 761 bob bob display-name * :Bob",
            ":c.test BATCH -b",
        ],
    );
    chat.expect("alice", &[":bob!bob@net JOIN #ops", ":c.test 761 alice bob display-name * :Bob"]);
    // They have met: nothing about him is new in another room.
    chat.says("alice", "JOIN #two");
    chat.silence();
    chat.says("bob", "JOIN #two");
    chat.expect("alice", &[":bob!bob@net JOIN #two"]);
    // Who does not know metadata sees nothing of it; who is not subscribed, an empty batch.
    chat.irc("carol", "");
    chat.irc("dave", CAPS);
    chat.says("carol", "JOIN #ops");
    chat.says("dave", "JOIN #ops");
    assert!(!chat.heard("carol").iter().any(|line| line.contains("BATCH")));
    assert!(chat.heard("dave").ends_with(&[":c.test BATCH +b metadata #ops".into(), ":c.test BATCH -b".into()]));
}

/// Section "Automatic synchronization": MONITOR; and "Notifications": who is watched.
#[test]
fn watched_people() {
    let mut chat = chat();
    chat.says("alice", "METADATA * SET avatar x");
    chat.says("alice", "METADATA * SET url y");
    let batch = [":c.test BATCH +b metadata alice", "@batch=b :c.test 761 bob alice avatar * :x", ":c.test BATCH -b"];
    let online = ":c.test 730 bob :alice!alice@net";
    answers(
        &mut chat,
        "bob",
        "MONITOR + alice,nobody",
        &[online, ":c.test 731 bob :nobody", batch[0], batch[1], batch[2]],
    );
    chat.says("alice", "METADATA * SET avatar z");
    chat.expect("bob", &[":c.test 761 bob alice avatar * :z"]);
    chat.says("alice", "METADATA * SET avatar x");
    chat.says("alice", "QUIT");
    chat.silence();
    chat.comes("alice", "alice", Dialect::Irc, CAPS);
    chat.expect("bob", &[online, batch[0], batch[1], batch[2]]);
    chat.silence();
    // An invisible person is seen to be here, and no more.
    chat.says("alice", "MODE alice +i");
    chat.says("alice", "METADATA * SET avatar z");
    chat.expect("bob", &[]);
    answers(&mut chat, "bob", "MONITOR S", &[online, ":c.test 731 bob :nobody", batch[0], batch[2]]);
    // Very many come later.
    let many: Vec<String> = (0..60).map(|number| format!("n{number}")).collect();
    for name in &many {
        let name: &'static str = Box::leak(name.clone().into_boxed_str());
        chat.irc(name, "");
        chat.says(name, "METADATA * SET avatar x");
    }
    chat.says("bob", &format!("MONITOR + {}", many.join(",")));
    assert_eq!(chat.heard("bob").last().unwrap(), ":c.test 774 bob *ALL 0 :Ask for it by METADATA SYNC");
}

/// Sections "Postponed synchronization" and "METADATA SYNC".
#[test]
fn a_large_room_says_it_later() {
    let mut chat = chat();
    chat.says("alice", "JOIN #ops");
    for number in 0..100 {
        let (owner, key) = (format!("n{number}").parse().unwrap(), "avatar".parse().unwrap());
        let room = chat.state.room_named("#ops").unwrap().0;
        chat.state.apply(&Durable::Joined {
            room,
            account: format!("n{number}").parse().unwrap(),
            operator: false,
            at_ms: 0,
        });
        chat.state.apply(&Durable::MetadataSet { owner: Owner::Account(owner), key, value: Some("x".into()) });
    }
    chat.says("alice", "METADATA * SET avatar x");
    chat.silence();
    chat.says("bob", "JOIN #ops");
    let heard = chat.heard("bob");
    assert_eq!(heard.last().unwrap(), ":c.test 774 bob #ops 0 :Ask for it by METADATA SYNC");
    for (target, batch) in [("#ops", "#ops"), ("*ALL", "*ALL")] {
        chat.says("bob", &format!("METADATA {target} SYNC"));
        let heard = chat.heard("bob");
        assert_eq!(heard[0], format!(":c.test BATCH +b metadata {batch}"));
        // Who is here comes first.
        assert_eq!(heard[1], "@batch=b :c.test 761 bob alice avatar * :x");
        assert_eq!(heard.len(), 103);
    }
}

/// IRCv3 `labeled-response` and `batch`, section "Nested batch".
#[test]
fn labels() {
    let mut chat = Chat::new();
    chat.irc("alice", "batch draft/metadata-3 labeled-response");
    answers(&mut chat, "alice", "@label=1 METADATA * SET url x", &["@label=1 :c.test 761 alice alice url * :x"]);
    answers(
        &mut chat,
        "alice",
        "@label=2 METADATA * GET url",
        &["@label=2 :c.test BATCH +b metadata alice", "@batch=b :c.test 761 alice alice url * :x", ":c.test BATCH -b"],
    );
    answers(
        &mut chat,
        "alice",
        "@label=3 METADATA * SUB url",
        &[
            "@label=3 :c.test BATCH +r labeled-response",
            "@batch=r :c.test 770 alice url",
            "@batch=r :c.test BATCH +b metadata *ALL",
            "@batch=b :c.test 761 alice alice url * :x",
            "@batch=r :c.test BATCH -b",
            ":c.test BATCH -r",
        ],
    );
}

/// Sections "`draft/metadata-3` Capability" (`max-keys`, `max-value-bytes`) and "Keys and Values".
#[test]
fn limits_hold_and_the_longest_line_fits() {
    let mut chat = Chat::new();
    let longest = "n".repeat(crate::ident::Nick::MAX);
    chat.comes("alice", Box::leak(longest.clone().into_boxed_str()), Dialect::Irc, CAPS);
    chat.silence();
    let room = format!("#{}", "r".repeat(crate::ident::RoomName::MAX - 1));
    chat.says("alice", &format!("JOIN {room}"));
    let value = "v".repeat(limits::METADATA_VALUE);
    for number in 0..limits::METADATA_KEYS {
        let key = format!("{number:0width$}", width = limits::METADATA_KEY);
        chat.silence();
        chat.says("alice", &format!("METADATA {room} SET {key} {value}"));
        let heard = chat.heard("alice").concat();
        // The server's name in the tests is shorter than the longest that there can be.
        assert!(heard.ends_with(&value) && heard.len() + 63 - "c.test".len() <= limits::IRC_BODY - 2, "{heard}");
    }
    let full = format!(":c.test FAIL METADATA LIMIT_REACHED {room} 32 :there is no room for more keys");
    answers(&mut chat, "alice", &format!("METADATA {room} SET one-more x"), &[&full]);
    let none = format!(":c.test 766 {longest} {room} one-more :Key not set");
    answers(&mut chat, "alice", &format!("METADATA {room} SET one-more"), &[&none]);
    // A key that is there may change.
    chat.says("alice", &format!("METADATA {room} SET {:0width$} x", 0, width = limits::METADATA_KEY));
    assert!(chat.heard("alice").concat().ends_with(" * :x"));
}

/// Section "Automatic synchronization": the registration; and `before-connect`.
#[test]
fn what_was_said_before_the_registration_comes_true() {
    let mut chat = together();
    chat.says("alice", "METADATA * SET url old");
    let mut early = Early::default();
    let mut told = Vec::new();
    for line in [
        "METADATA * SET avatar x",
        "METADATA * SET url",
        "METADATA * SUB avatar url",
        "METADATA * GET avatar none",
        "METADATA * LIST",
        "METADATA * UNSUB url",
        "METADATA * SUBS",
        "METADATA * SYNC",
        "METADATA bob SET avatar x",
    ] {
        let (_, Body::Command(Command::Metadata(metadata))) = body(Dialect::Irc, line) else { panic!("{line}") };
        let server = Arc::clone(&chat.state.settings.server);
        let alice = "alice".parse().unwrap();
        let shape = crate::protocol::caps::Shape::irc(registration("alice", Dialect::Irc, CAPS).caps);
        let octets = crate::protocol::render::replies(&server, &alice, shape, None, &early.ask(&metadata));
        told.extend(String::from_utf8(octets.to_vec()).unwrap().lines().map(str::to_owned));
    }
    assert_eq!(
        told,
        [
            ":c.test 761 alice * avatar * :x",
            ":c.test 766 alice * url :Key not set",
            ":c.test 770 alice avatar url",
            ":c.test BATCH +b metadata *",
            "@batch=b :c.test 761 alice * avatar * :x",
            "@batch=b :c.test 766 alice * none :Key not set",
            ":c.test BATCH -b",
            ":c.test BATCH +b metadata *",
            "@batch=b :c.test 761 alice * avatar * :x",
            ":c.test BATCH -b",
            ":c.test 771 alice url",
            ":c.test BATCH +b metadata-subs",
            "@batch=b :c.test 772 alice avatar",
            ":c.test BATCH -b",
            ":c.test 774 alice * 0 :Ask for it by METADATA SYNC",
            ":c.test FAIL METADATA INVALID_TARGET bob :there is no such person or room to ask about",
        ]
    );
    chat.silence();
    chat.registers("alice2", crate::hub::Registration { metadata: early, ..registration("alice", Dialect::Irc, CAPS) });
    let heard = chat.heard("alice2");
    let at = heard.iter().position(|line| line == ":c.test BATCH +b metadata alice").expect("the own batch");
    assert_eq!(heard[at + 1..at + 3], ["@batch=b :c.test 761 alice alice avatar * :x", ":c.test BATCH -b"]);
    let end = heard.iter().position(|line| line.contains(" 422 ")).expect("the end of the welcome");
    assert!(at < end);
    assert!(heard.ends_with(&[
        ":c.test BATCH +b metadata *ALL".into(),
        "@batch=b :c.test 761 alice alice avatar * :x".into(),
        ":c.test BATCH -b".into(),
    ]));
    chat.expect("bob", &[":c.test 761 bob alice avatar * :x"]);
}

/// What is cleared before the registration goes, and no more is taken than a person may have.
#[test]
fn early_requests_are_bounded() {
    let ask = |early: &mut Early, line: &str| {
        let (_, Body::Command(Command::Metadata(metadata))) = body(Dialect::Irc, line) else { panic!("{line}") };
        early.ask(&metadata).len()
    };
    let mut early = Early::default();
    for number in 0..1000 {
        assert_eq!(ask(&mut early, &format!("METADATA * SET k{number} x")), 1);
        ask(&mut early, &format!("METADATA * SET n{number}"));
        ask(&mut early, &format!("METADATA * SUB k{number}"));
    }
    assert_eq!(early.values.len(), limits::METADATA_KEYS);
    assert_eq!(early.subscriptions.iter().count(), limits::METADATA_SUBS);
    ask(&mut early, "METADATA * CLEAR");
    assert!(early.cleared && early.values.is_empty());
    let mut chat = Chat::new();
    chat.irc("alice", CAPS);
    chat.says("alice", "METADATA * SET url x");
    chat.registers("alice2", crate::hub::Registration { metadata: early, ..registration("alice", Dialect::Irc, CAPS) });
    let heard = chat.heard("alice2");
    chat.silence();
    assert!(
        heard.contains(&":c.test BATCH +b metadata alice".to_owned()) && !heard.iter().any(|l| l.contains(" 761 "))
    );
    answers(&mut chat, "alice", "METADATA * LIST", &[":c.test BATCH +b metadata alice", ":c.test BATCH -b"]);
}

/// What people say about themselves outlives their sessions, and a failed commit what was kept.
#[test]
fn it_is_kept() {
    let mut chat = together();
    chat.says("alice", "METADATA * SET avatar x");
    chat.says("alice", "METADATA #ops SET avatar y");
    chat.says("alice", "QUIT");
    chat.irc("alice", CAPS);
    answers(
        &mut chat,
        "alice",
        "METADATA * GET avatar",
        &[":c.test BATCH +b metadata alice", "@batch=b :c.test 761 alice alice avatar * :x", ":c.test BATCH -b"],
    );
    let (alice, key): (crate::ident::Nick, Key) = ("alice".parse().unwrap(), "avatar".parse().unwrap());
    let set = |value: Option<&str>| Durable::MetadataSet {
        owner: Owner::Account(alice.clone()),
        key: key.clone(),
        value: value.map(Into::into),
    };
    let kept = [set(Some("committed")), set(Some("z"))];
    let load = |apply: &mut dyn FnMut(Durable)| -> Result<(), Infallible> {
        kept.iter().cloned().for_each(apply);
        Ok(())
    };
    chat.state.reload(load).unwrap();
    chat.says("alice", "METADATA * GET avatar");
    assert_eq!(chat.heard("alice")[1], "@batch=b :c.test 761 alice alice avatar * :z");
}

/// Both dialects: a person reads it in WHOIS.
#[test]
fn plain_whois() {
    let mut chat = together();
    chat.plain("dave");
    chat.says("alice", "METADATA * SET display-name :Alice \u{202e}Smith");
    chat.silence();
    chat.says("dave", "/whois alice");
    let heard = chat.heard("dave").join("\n");
    assert!(heard.contains("-!- alice: display-name is Alice ") && !heard.contains('\u{202e}'), "{heard}");
}

/// Changing commands are refused when they were not kept; the others are done again.
#[test]
fn which_change_others() {
    for (line, changes) in [
        ("METADATA * SET a b", true),
        ("METADATA * CLEAR", true),
        ("METADATA * LIST", false),
        ("METADATA * GET a", false),
        ("METADATA * SUB a", false),
        ("METADATA *ALL SYNC", false),
    ] {
        let (_, Body::Command(command)) = body(Dialect::Irc, line) else { panic!("{line}") };
        assert_eq!(command.changes_others(), changes, "{line}");
    }
}

/// The same requests leave the same events behind.
#[test]
fn a_change_is_one_durable_event() {
    let mut state = State::new(super::settings());
    let step = |state: &mut State, body| {
        let request = Request { session: crate::hub::SessionId(0), label: None, body };
        state.step(&Sequenced { at: Stamp::default(), request, found: crate::hub::Found::Nothing })
    };
    step(&mut state, Body::Register(Box::new(registration("alice", Dialect::Irc, CAPS))));
    for (line, events) in [
        ("METADATA * SET a b", 1),
        ("METADATA * SET a b", 0),
        ("METADATA * SET c d", 1),
        ("METADATA * LIST", 0),
        ("METADATA * CLEAR", 2),
        ("METADATA * SET a", 0),
    ] {
        assert_eq!(step(&mut state, body(Dialect::Irc, line).1).events.len(), events, "{line}");
    }
}
