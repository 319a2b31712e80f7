//! CAP and AUTHENTICATE after registration (IRCv3 Capability Negotiation 3.2, `sasl` 3.2), and what
//! carries a label (`labeled-response`).

use super::{Chat, settings};
use crate::protocol::caps::{Cap, CapVersion};

/// A chat on a server with a name of this length.
fn server_named(length: usize) -> Chat {
    let mut settings = settings();
    let mut server = (*settings.server).clone();
    server.name = format!("{}.test", "x".repeat(length - 5)).into();
    settings.server = server.into();
    Chat::with(settings)
}

#[test]
fn what_does_not_fit_one_line_goes_on_for_version_302_only() {
    for length in [6, 40, 63] {
        let mut chat = server_named(length);
        chat.irc("alice", "");
        chat.says("alice", "CAP LS");
        let heard = chat.heard("alice");
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(!heard[0].contains('=') && heard[0].contains(" CAP alice LS :account-notify "), "{heard:?}");
        for settled in Cap::ALL.map(Cap::name).into_iter().filter(|name| !name.starts_with("draft/")) {
            assert!(heard[0].split([' ', ':']).any(|word| word == settled), "{settled}: {heard:?}");
        }
        chat.says("alice", "CAP LS 302");
        let heard = chat.heard("alice");
        let (last, rest) = heard.split_last().unwrap();
        assert!(rest.iter().all(|line| line.contains(" CAP alice LS * :")), "{heard:?}");
        assert!(last.contains(" CAP alice LS :"), "{heard:?}");
        let words: Vec<&str> = heard.iter().map(|line| line.rsplit_once(" :").unwrap().1).collect();
        assert_eq!(words.join(" "), Cap::offer(CapVersion::V302), "the same, and in order");
    }
}

#[test]
fn a_list_or_an_acknowledgement_of_everything_is_divided_too() {
    let mut chat = server_named(110);
    // Whether it is seen, a session says when it comes.
    chat.irc("alice", "");
    chat.says("alice", "CAP REQ conclave.chat/unseen");
    assert!(chat.heard("alice")[0].ends_with(" CAP alice NAK :conclave.chat/unseen"));
    chat.irc("alice", "conclave.chat/unseen");
    let all = Cap::ALL.map(Cap::name);
    let (first, second) = all.split_at(14);
    for half in [first, second] {
        chat.says("alice", &format!("CAP REQ :{}", half.join(" ")));
        let name = format!("{}.test", "x".repeat(105));
        chat.expect("alice", &[&format!(":{name} CAP alice ACK :{}", half.join(" "))]);
    }
    chat.says("alice", &format!("CAP REQ :{}", all.join(" ")));
    let acknowledged: Vec<String> =
        chat.heard("alice").iter().map(|line| line.split_once(" ACK :").unwrap().1.to_owned()).collect();
    assert!(acknowledged.len() == 2 && acknowledged.join(" ") == all.join(" "), "{acknowledged:?}");
    chat.says("alice", "CAP LS 302");
    chat.silence();
    chat.says("alice", "CAP LIST");
    let heard = chat.heard("alice");
    assert!(heard.len() == 2 && heard[0].contains(" LIST * :") && heard[1].contains(" LIST :"), "{heard:?}");
}

#[test]
fn version_302_keeps_cap_notify() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    let cases = [
        ("CAP REQ :cap-notify", ":c.test CAP alice ACK :cap-notify"),
        ("CAP REQ :-cap-notify", ":c.test CAP alice ACK :-cap-notify"),
        ("CAP LIST", ":c.test CAP alice LIST :"),
        ("CAP LS 302", ""),
        ("CAP LIST", ":c.test CAP alice LIST :cap-notify"),
        ("CAP REQ :batch -cap-notify", ":c.test CAP alice NAK :batch -cap-notify"),
        ("CAP LIST", ":c.test CAP alice LIST :cap-notify"),
        ("CAP FROB", ":c.test 410 alice FROB :Invalid CAP command"),
    ];
    for (line, expect) in cases {
        chat.says("alice", line);
        let heard = chat.heard("alice");
        assert!(expect.is_empty() || heard == [expect], "{line}: {heard:?}");
    }
}

#[test]
fn sasl_again_says_the_same() {
    let mut chat = Chat::new();
    chat.irc("alice", "sasl");
    for _ in 0..2 {
        chat.says("alice", "AUTHENTICATE EXTERNAL");
        chat.expect("alice", &["AUTHENTICATE +"]);
        chat.says("alice", "AUTHENTICATE YWxpY2U=");
        chat.expect(
            "alice",
            &[
                ":c.test 900 alice alice!alice@net alice :You are now logged in as alice",
                ":c.test 903 alice :SASL authentication successful",
            ],
        );
    }
    chat.says("alice", "AUTHENTICATE EXTERNAL");
    chat.says("alice", "AUTHENTICATE Ym9i");
    chat.expect("alice", &["AUTHENTICATE +", ":c.test 904 alice :SASL authentication failed"]);
    chat.says("alice", "AUTHENTICATE *");
    chat.expect("alice", &[":c.test 906 alice :SASL authentication aborted"]);
}

#[test]
fn every_command_answers_its_label() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response batch sasl");
    let cases = [
        ("PONG x", "@label=1 :c.test ACK"),
        ("CAP END", "@label=1 :c.test ACK"),
        ("NICK alice", "@label=1 :c.test ACK"),
        ("NO_SUCH_COMMAND x", "@label=1 :c.test 421 alice NO_SUCH_COMMAND :Unknown command"),
        ("AUTHENTICATE EXTERNAL", "@label=1 AUTHENTICATE +"),
        ("USER a 0 * :a", "@label=1 :c.test 462 alice :You may not reregister"),
        ("PING x", "@label=1 :c.test PONG c.test x"),
    ];
    for (line, expect) in cases {
        chat.says("alice", &format!("@label=1 {line}"));
        assert_eq!(chat.heard("alice"), [expect], "{line}");
    }
}
