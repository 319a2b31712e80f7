//! MONITOR (IRCv3 `monitor`) and `extended-monitor`.

use super::Chat;
use crate::{
    hub::request::Gone,
    protocol::{caps::Dialect, limits},
};

#[test]
fn who_watches_is_told_that_people_come_and_go() {
    let mut chat = Chat::new();
    chat.irc("watcher", "labeled-response");
    chat.irc("bob", "");
    chat.says("watcher", "MONITOR + Bob,Alice,*!x@y");
    chat.expect("watcher", &[":c.test 730 watcher :bob!bob@net", ":c.test 731 watcher :Alice,*!x@y"]);
    // Presence counts: neither one session more nor one less, nor one that is not seen.
    chat.comes("a1", "alice", Dialect::Irc, "");
    chat.expect("watcher", &[":c.test 730 watcher :alice!alice@net"]);
    chat.comes("a2", "alice", Dialect::Irc, "");
    chat.says("a1", "QUIT");
    chat.gone("a2", Gone::Lost);
    chat.expect("watcher", &[]);
    chat.passes(31_000);
    chat.expect("watcher", &[":c.test 731 watcher :alice"]);
    chat.comes("a3", "alice", Dialect::Irc, "conclave.chat/unseen");
    chat.expect("watcher", &[]);

    chat.says("watcher", "MONITOR L");
    chat.expect("watcher", &[":c.test 732 watcher :Alice,Bob", ":c.test 733 watcher :End of MONITOR list"]);
    chat.says("watcher", "MONITOR s");
    chat.expect("watcher", &[":c.test 730 watcher :bob!bob@net", ":c.test 731 watcher :Alice"]);
    chat.says("watcher", "@label=x MONITOR - BOB,nobody");
    chat.expect("watcher", &["@label=x :c.test ACK"]);
    chat.says("bob", "QUIT");
    chat.expect("watcher", &[]);
    chat.says("watcher", "MONITOR C");
    chat.says("watcher", "MONITOR L");
    chat.expect("watcher", &[":c.test 733 watcher :End of MONITOR list"]);
    for bad in ["MONITOR", "MONITOR +", "MONITOR x", "MONITOR -"] {
        chat.says("watcher", bad);
        chat.expect("watcher", &[":c.test 461 watcher MONITOR :Not enough parameters"]);
    }
    assert!(chat.state.watchers.is_empty());
}

#[test]
fn a_list_has_an_end_and_goes_with_its_session() {
    let mut chat = Chat::new();
    chat.irc("watcher", "");
    for chunk in 0..limits::MONITOR / 20 {
        let names: Vec<String> = (0..20).map(|n| format!("n{chunk}x{n}")).collect();
        chat.says("watcher", &format!("MONITOR + {}", names.join(",")));
    }
    chat.silence();
    chat.says("watcher", "MONITOR + n0x0,more,andmore");
    chat.expect(
        "watcher",
        &[":c.test 731 watcher :n0x0", ":c.test 734 watcher 100 more,andmore :Monitor list is full."],
    );
    // However long the names, no line is longer than it may be (the harness looks).
    let long: Vec<String> = (0..16).map(|n| format!("{}{n:02}", "z".repeat(28))).collect();
    chat.says("watcher", &format!("MONITOR + {}", long.join(",")));
    let heard = chat.heard("watcher");
    assert!(heard.len() > 1 && heard.iter().all(|line| line.ends_with(" :Monitor list is full.")), "{heard:?}");
    assert_eq!(heard.concat().matches("zz0").count() + heard.concat().matches("zz1").count(), 16);
    chat.says("watcher", "MONITOR L");
    assert_eq!(chat.heard("watcher").iter().map(|line| line.matches('x').count()).sum::<usize>(), 100);
    assert_eq!(chat.state.watchers.len(), 100);
    chat.gone("watcher", Gone::Lost);
    assert!(chat.state.watchers.is_empty());
}

#[test]
fn who_watches_closely_learns_more_and_nothing_twice() {
    let mut chat = Chat::new();
    let all = "extended-monitor away-notify setname chghost";
    chat.irc("near", all);
    chat.irc("far", all);
    chat.irc("deaf", "extended-monitor");
    chat.irc("plainly", "away-notify setname chghost");
    chat.irc("alice", "");
    for who in ["near", "far", "deaf", "plainly"] {
        chat.says(who, "MONITOR + alice");
    }
    chat.says("near", "JOIN #r");
    chat.says("alice", "JOIN #r");
    chat.silence();
    for (line, seen) in [
        ("AWAY :afk", ":alice!alice@net AWAY :afk"),
        ("AWAY", ":alice!alice@net AWAY"),
        ("SETNAME :new name", ":alice!alice@net SETNAME :new name"),
    ] {
        chat.says("alice", line);
        chat.expect("near", &[seen]);
        chat.expect("far", &[seen]);
        chat.expect("deaf", &[]);
        chat.expect("plainly", &[]);
    }
    chat.says("far", "MONITOR C");
    chat.says("alice", "AWAY :x");
    chat.expect("far", &[]);
}
