//! WHOIS, WHOWAS, USERHOST, ISON (Modern IRC, section "User-Based Queries").

use super::{Chat, settings};
use crate::{
    hub::{request::Gone, state::Settings},
    protocol::{caps::Dialect, limits},
};

#[test]
fn everything_in_its_order_and_what_is_private_for_oneself_and_administrators() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("root", "account-notify");
    chat.says("alice", "JOIN #r");
    chat.says("alice", "MODE alice +B");
    chat.says("alice", "AWAY :at sea");
    chat.silence();
    chat.now_ms += 3000;
    let full = [
        "311 W alice alice net * :alice",
        "319 W alice :@#r",
        "312 W alice c.test :net",
        "301 W alice :at sea",
        "335 W alice :is a bot",
        "379 W alice :is using modes +B",
        "330 W alice alice :is logged in as",
        "276 W alice :has client certificate fingerprint 0101010101010101010101010101010101010101010101010101010101010101 (device laptop)",
        "671 W alice :is using a secure connection",
        "317 W alice 3 1795242420 :seconds idle, signon time",
        "318 W alice :End of /WHOIS list",
    ];
    for (who, private, accounts) in [("bob", false, false), ("alice", true, false), ("root", true, true)] {
        chat.says(who, "WHOIS ALICE");
        let expect: Vec<String> = full
            .iter()
            .filter(|line| private || !line.starts_with("379") && !line.starts_with("276"))
            .filter(|line| accounts || !line.starts_with("330"))
            .map(|line| format!(":c.test {}", line.replacen('W', who, 1)))
            .collect();
        assert_eq!(chat.heard(who), expect);
    }
}

#[test]
fn servers_and_people_who_are_none() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("ghost", "conclave.chat/unseen");
    for (line, first) in [
        ("WHOIS c.test alice", "311 alice alice alice net * :alice"),
        ("WHOIS *.test alice", "311 alice alice alice net * :alice"),
        ("WHOIS alice alice", "311 alice alice alice net * :alice"),
        ("WHOIS other.example alice", "402 alice other.example :No such server"),
        ("WHOIS nobody", "401 alice nobody :No such nick/channel"),
        ("WHOIS nobody nobody", "401 alice nobody :No such nick/channel"),
        ("WHOIS al*", "401 alice al* :No such nick/channel"),
        ("WHOIS ghost", "401 alice ghost :No such nick/channel"),
        ("WHOIS", "431 alice :No nickname given"),
    ] {
        chat.says("alice", line);
        let heard = chat.heard("alice");
        assert_eq!(heard[0], format!(":c.test {first}"), "{line}");
        if first.starts_with("401") {
            assert!(heard.len() == 2 && heard[1].contains(" 318 "), "{line}: {heard:?}");
        }
    }
    chat.says("ghost", "WHOIS ghost");
    assert!(chat.heard("ghost")[0].contains(" 311 "), "oneself one can always ask for");
}

#[test]
fn rooms_that_the_asker_may_not_know_of_are_not_shown() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #open");
    chat.says("alice", "JOIN #hidden");
    let id = chat.state.names[&"#hidden".parse().unwrap()];
    let secret = crate::protocol::modes::Change::Flag(crate::protocol::modes::Flag::Secret, true);
    chat.state.apply(&crate::protocol::durable::Durable::ModeChanged(id, secret));
    let rooms = |chat: &mut Chat, who| {
        chat.says(who, "WHOIS alice");
        chat.heard(who).into_iter().find_map(|line| Some(line.split_once(" alice :@#")?.1.to_owned()))
    };
    chat.silence();
    assert_eq!(rooms(&mut chat, "bob").as_deref(), Some("open"));
    assert_eq!(rooms(&mut chat, "alice").as_deref(), Some("open @#hidden"));
    chat.says("alice", "MODE alice +i");
    chat.silence();
    assert_eq!(rooms(&mut chat, "bob"), None);
    chat.says("bob", "JOIN #open");
    chat.silence();
    assert_eq!(rooms(&mut chat, "bob").as_deref(), Some("open"));
}

#[test]
fn whowas_remembers_the_newest_first_and_not_too_many() {
    let mut chat = Chat::with(Settings { linger_ms: 0, ..settings() });
    chat.irc("alice", "");
    chat.says("alice", "WHOWAS bob");
    chat.expect(
        "alice",
        &[":c.test 406 alice bob :There was no such nickname", ":c.test 369 alice bob :End of WHOWAS"],
    );
    for _ in 0..3 {
        chat.irc("bob", "");
        chat.gone("bob", Gone::Lost);
        chat.now_ms += 1000;
    }
    let was = |second: u64| {
        [
            ":c.test 314 alice bob bob net * :bob".to_owned(),
            format!(":c.test 312 alice bob c.test :2026-11-21T06:27:0{second}.000Z"),
        ]
    };
    for (line, seconds) in [
        ("WHOWAS BOB", vec![2, 1, 0]),
        ("WHOWAS bob 2", vec![2, 1]),
        ("WHOWAS bob 1 c.test", vec![2]),
        ("WHOWAS bob 0", vec![2, 1, 0]),
        ("WHOWAS bob -1", vec![2, 1, 0]),
    ] {
        chat.says("alice", line);
        let name = line.split(' ').nth(1).unwrap();
        let mut expect: Vec<String> = seconds.into_iter().flat_map(was).collect();
        expect.push(format!(":c.test 369 alice {name} :End of WHOWAS"));
        assert_eq!(chat.heard("alice"), expect, "{line}");
    }
    chat.says("alice", "WHOWAS");
    chat.expect("alice", &[":c.test 431 alice :No nickname given"]);
    for _ in 0..limits::WHOWAS + 5 {
        chat.irc("carol", "");
        chat.gone("carol", Gone::Lost);
    }
    assert_eq!(chat.state.were.len(), limits::WHOWAS);
}

#[test]
fn userhost_and_ison() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("ghost", "conclave.chat/unseen");
    chat.says("bob", "AWAY :x");
    chat.silence();
    for (line, expect) in [
        ("USERHOST ALICE nobody bob ghost", ":c.test 302 alice :alice=+alice@net bob=-bob@net"),
        ("USERHOST nobody", ":c.test 302 alice :"),
        ("USERHOST a b c d e alice", ":c.test 302 alice :"),
        ("USERHOST", ":c.test 461 alice USERHOST :Not enough parameters"),
        ("ISON Alice nobody :bob ghost", ":c.test 303 alice :alice bob"),
        ("ISON nobody", ":c.test 303 alice :"),
        ("ISON", ":c.test 461 alice ISON :Not enough parameters"),
    ] {
        chat.says("alice", line);
        chat.expect("alice", &[expect]);
    }
    // However long the names: no line is longer than it may be (the harness looks).
    let names: Vec<String> =
        (0..5).map(|n| format!("{n}").replace(char::is_numeric, "n").repeat(31) + &n.to_string()).collect();
    for name in &names {
        chat.comes(Box::leak(name.clone().into_boxed_str()), name, Dialect::Irc, "");
    }
    chat.silence();
    chat.says("alice", &format!("USERHOST {}", names.join(" ")));
    assert_eq!(chat.heard("alice").concat().matches("@net").count(), 5);
}
