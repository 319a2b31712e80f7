//! Messages to a room's operators (Modern IRC, ISUPPORT `STATUSMSG`).

use super::Chat;
use crate::protocol::caps::Dialect;

#[test]
fn only_who_has_the_status_hears_it_and_all_devices_of_the_sender() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.comes("c1", "carl", Dialect::Irc, "echo-message");
    chat.comes("c2", "carl", Dialect::Irc, "");
    chat.plain("dora");
    for who in ["alice", "bob", "c1"] {
        chat.says(who, "JOIN #r");
    }
    chat.says("dora", "/join #r");
    chat.says("alice", "MODE #r +vo bob dora");
    chat.silence();

    chat.says("c1", "PRIVMSG @#R :help");
    chat.expect("alice", &[":carl!carl@net PRIVMSG @#r :help"]);
    chat.expect("dora", &["06:27:00 @#r <carl> help"]);
    chat.expect("bob", &[]);
    chat.expect("c1", &[":carl!carl@net PRIVMSG @#r :help"]);
    chat.expect("c2", &[":carl!carl@net PRIVMSG @#r :help"]);

    chat.says("dora", "/msg +#r hm");
    chat.expect("dora", &["06:27:00 +#r <dora> hm"]);
    for who in ["alice", "bob"] {
        chat.expect(who, &[":dora!dora@net PRIVMSG +#r :hm"]);
    }
    chat.expect("c1", &[]);

    chat.says("bob", "NOTICE @#r :look");
    chat.expect("dora", &["06:27:00 @#r -bob- look"]);
}

#[test]
fn who_may_not_speak_in_the_room_may_not_speak_to_its_operators() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.says("alice", "JOIN #r");
    chat.silence();
    for (line, expect) in [
        ("PRIVMSG @#r :x", ":c.test 404 bob #r :Cannot send to channel"),
        ("PRIVMSG @#none :x", ":c.test 403 bob #none :No such channel"),
        ("PRIVMSG @alice :x", ":c.test 401 bob @alice :No such nick/channel"),
        ("PRIVMSG %#r :x", ":c.test 401 bob %#r :No such nick/channel"),
    ] {
        chat.says("bob", line);
        chat.expect("bob", &[expect]);
    }
    chat.says("alice", "MODE #r +s");
    chat.says("bob", "PRIVMSG @#r :x");
    chat.expect("bob", &[":c.test 403 bob #r :No such channel"]);
}

#[test]
fn it_is_kept_nowhere() {
    use crate::{
        hub::{Request, Sequenced, SessionId, Stamp},
        protocol::durable::Durable,
    };
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.says("alice", "JOIN #r");
    for (line, kept) in [("PRIVMSG #r :x", true), ("PRIVMSG @#r :x", false)] {
        let (label, body) = super::body(Dialect::Irc, line);
        let request = Request { session: SessionId(0), label, body };
        let outputs = chat.state.step(&Sequenced { at: Stamp::default(), request, found: crate::hub::Found::Nothing });
        assert_eq!(outputs.events.iter().any(|event| matches!(event, Durable::Message(_))), kept, "{line}");
    }
}
