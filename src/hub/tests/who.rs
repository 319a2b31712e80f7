//! WHO (Modern IRC, section "WHO message") and IRCv3 WHOX.

use super::Chat;

fn nicks(chat: &mut Chat, who: &str, line: &str) -> String {
    chat.says(who, line);
    let heard = chat.heard(who);
    let (end, rows) = heard.split_last().unwrap();
    assert!(end.contains(" 315 "), "{line}: {heard:?}");
    rows.iter().map(|row| row.split(' ').nth(7).unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn names_masks_and_rooms() {
    let mut chat = Chat::new();
    for name in ["alice", "alfred", "bob", "root"] {
        chat.irc(name, "");
    }
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.says("root", "OPER x y");
    chat.silence();
    for (line, expect) in [
        ("WHO", "alfred alice bob root"),
        ("WHO *", "alfred alice bob root"),
        ("WHO 0", "alfred alice bob root"),
        ("WHO al*", "alfred alice"),
        ("WHO AL?CE", "alice"),
        ("WHO Alice", "alice"),
        ("WHO *!al*@net", "alfred alice"),
        ("WHO nobody", ""),
        ("WHO #r", "alice bob"),
        ("WHO #none", ""),
        ("WHO * o", "root"),
        ("WHO #r o", ""),
    ] {
        assert_eq!(nicks(&mut chat, "bob", line), expect, "{line}");
    }
    chat.says("bob", "AWAY :lunch");
    chat.silence();
    chat.says("alice", "WHO #R");
    chat.expect(
        "alice",
        &[
            ":c.test 352 alice #r alice net c.test alice H@ :0 alice",
            ":c.test 352 alice #r bob net c.test bob G :0 bob",
            ":c.test 315 alice #R :End of /WHO list",
        ],
    );
    chat.says("root", "WHO alice");
    assert_eq!(chat.heard("root")[0], ":c.test 352 root #r alice net c.test alice H@ :0 alice");
}

#[test]
fn who_is_invisible_is_found_by_name_or_in_a_common_room() {
    let mut chat = Chat::new();
    for name in ["alice", "bob"] {
        chat.irc(name, "");
    }
    chat.says("alice", "MODE alice +i");
    chat.says("alice", "JOIN #r");
    chat.silence();
    for (line, expect) in [("WHO", "bob"), ("WHO al*", ""), ("WHO alic?", ""), ("WHO #r", ""), ("WHO alice", "alice")] {
        assert_eq!(nicks(&mut chat, "bob", line), expect, "{line}");
    }
    chat.says("bob", "WHO alice");
    assert_eq!(chat.heard("bob")[0], ":c.test 352 bob * alice net c.test alice H :0 alice", "her rooms stay hidden");
    assert_eq!(nicks(&mut chat, "alice", "WHO al*"), "alice", "one sees oneself");
    chat.says("bob", "JOIN #r");
    chat.silence();
    for (line, expect) in [("WHO", "alice bob"), ("WHO al*", "alice"), ("WHO #r", "alice bob")] {
        assert_eq!(nicks(&mut chat, "bob", line), expect, "{line}");
    }
}

#[test]
fn who_is_not_here_is_in_no_list_and_people_read_it_too() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.plain("bob");
    chat.irc("ghost", "conclave.chat/unseen");
    chat.says("alice", "JOIN #lobby");
    chat.says("alice", "QUIT");
    chat.silence();
    chat.says("bob", "/who");
    chat.expect("bob", &["-!- bob in #lobby"]);
    chat.says("bob", "/who alice");
    chat.expect("bob", &["-!- nobody fits alice"]);
}

#[test]
fn whox_gives_the_fields_in_the_order_of_the_specification() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "SETNAME :Alice of Wonderland");
    chat.silence();
    chat.now_ms += 5000;
    let all = "7 #r alice 255.255.255.255 net c.test alice H@ 0 5 alice 1 :Alice of Wonderland";
    for (fields, expect) in [
        ("%tcuihsnfdlaor,7", all),
        ("%roaldfnshiuct,7", all),
        ("%tn,321", "321 alice"),
        ("%na", "alice alice"),
        ("%c", "#r"),
        ("%nzQ", "alice"),
        ("%tn", "0 alice"),
        ("%tn,1234", "0 alice"),
        ("%tn,a b", "0 alice"),
        ("%r", ":Alice of Wonderland"),
    ] {
        chat.says("bob", &format!("WHO alice {fields}"));
        chat.expect("bob", &[&format!(":c.test 354 bob {expect}"), ":c.test 315 bob alice :End of /WHO list"]);
    }
    chat.says("alice", "WHO bob %co");
    assert_eq!(chat.heard("alice")[0], ":c.test 354 alice * n/a");
}

#[test]
fn every_prefix_is_shown_to_who_asked_for_it() {
    let mut chat = Chat::new();
    chat.irc("alice", "multi-prefix");
    chat.irc("bob", "userhost-in-names");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    let (&id, _) = chat.state.rooms.iter().next().unwrap();
    let voiced =
        crate::protocol::modes::Change::Status(crate::protocol::modes::Status::Voiced, "alice".parse().unwrap(), true);
    chat.state.apply(&crate::protocol::durable::Durable::ModeChanged(id, voiced));
    chat.silence();
    for (who, line, expect) in [
        ("alice", "NAMES #r", ":c.test 353 alice = #r :@+alice bob"),
        ("bob", "NAMES #r", ":c.test 353 bob = #r :@alice!alice@net bob!bob@net"),
        ("alice", "WHO alice", ":c.test 352 alice #r alice net c.test alice H@+ :0 alice"),
        ("bob", "WHO alice", ":c.test 352 bob #r alice net c.test alice H@ :0 alice"),
        ("alice", "WHO alice %f", ":c.test 354 alice H@+"),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who)[0], expect, "{line}");
    }
    chat.says("alice", "WHOIS alice");
    assert!(chat.heard("alice").contains(&":c.test 319 alice alice :@+#r".to_owned()));
    chat.says("bob", "WHOIS alice");
    assert!(chat.heard("bob").contains(&":c.test 319 bob alice :@#r".to_owned()));
}
