//! MODE of rooms (Modern IRC, sections "MODE message" and "Channel Modes").

use super::Chat;
use crate::{hub::request::Gone, protocol::limits};

/// alice is operator of #r, bob and the plain session carl are in it, dora is not.
fn room() -> Chat {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.plain("carl");
    chat.irc("dora", "");
    chat.says("alice", "JOIN #r");
    chat.says("bob", "JOIN #r");
    chat.says("carl", "/join #r");
    chat.silence();
    chat
}

#[test]
fn changes_are_said_to_all_in_one_line_as_they_were_given() {
    let mut chat = room();
    chat.says("alice", "MODE #R +iov-t+l BOB carl 05");
    let said = [":alice!alice@net MODE #r +iov-t+l bob carl 5"];
    chat.expect("alice", &said);
    chat.expect("bob", &said);
    chat.expect("carl", &["06:27:00 #r -!- alice set mode +iov-t+l bob carl 5"]);
    chat.expect("dora", &[]);
    chat.says("alice", "MODE #r +io bob");
    chat.expect("alice", &[]);
    chat.says("dora", "MODE #r");
    chat.expect("dora", &[":c.test 324 dora #r +iln 5", ":c.test 329 dora #r 1795242420"]);
    chat.says("bob", "MODE #r -ilnC-o alice");
    chat.expect("bob", &[":bob!bob@net MODE #r -ilno alice"]);
    chat.says("bob", "MODE #r");
    assert_eq!(chat.heard("bob")[0], ":c.test 324 bob #r +");
}

#[test]
fn a_person_at_a_terminal_changes_modes_too() {
    let mut chat = room();
    chat.says("carl", "/mode +s");
    chat.expect("carl", &["-!- only the operators of #r may do that"]);
    chat.says("alice", "MODE #r +o carl");
    chat.silence();
    chat.says("carl", "/mode +s-n");
    chat.expect("carl", &["06:27:00 #r -!- carl set mode +s-n"]);
    chat.says("carl", "/mode #r");
    chat.expect("carl", &["-!- modes of #r: +st"]);
    chat.says("carl", "/mode b");
    chat.expect("carl", &["-!- the list b of #r is empty"]);
    chat.says("carl", "/mode +b eve");
    chat.says("carl", "/mode +b");
    assert_eq!(chat.heard("carl")[1], "-!- #r b: eve!*@* (set by carl)");
}

#[test]
fn refusals() {
    let mut chat = room();
    for (who, line, expect) in [
        ("alice", "MODE #none +i", ":c.test 403 alice #none :No such channel"),
        ("dora", "MODE #r +i", ":c.test 442 dora #r :You're not on that channel"),
        ("bob", "MODE #r +o bob", ":c.test 482 bob #r :You're not a channel operator"),
        ("bob", "MODE #r +b-b x", ":c.test 482 bob #r :You're not a channel operator"),
        ("alice", "MODE #r +o nobody", ":c.test 401 alice nobody :No such nick/channel"),
        ("alice", "MODE #r +o DORA", ":c.test 441 alice dora #r :They aren't on that channel"),
        ("alice", "MODE #r +ov", ":c.test 461 alice MODE :Not enough parameters"),
        ("alice", "MODE #r +l", ":c.test 461 alice MODE :Not enough parameters"),
        ("alice", "MODE #r +xx", ":c.test 472 alice x :is unknown mode char to me"),
        ("alice", "MODE #r +l 0", ":c.test 696 alice #r l 0 :a limit is a number from 1"),
        ("alice", "MODE #r +l +5", ":c.test 696 alice #r l +5 :a limit is a number from 1"),
        ("alice", "MODE #r +l :", ":c.test 696 alice #r l * :a limit is a number from 1"),
        ("alice", "MODE #r +k a,b", ":c.test 525 alice #r :Key is not well-formed"),
        ("alice", "MODE #r +k :a b", ":c.test 525 alice #r :Key is not well-formed"),
        ("alice", "MODE #r +k :", ":c.test 525 alice #r :Key is not well-formed"),
    ] {
        chat.says(who, line);
        assert_eq!(chat.heard(who), [expect], "{line}");
    }
    chat.says("alice", "MODE #r +b :a b");
    assert!(chat.heard("alice")[0].starts_with(":c.test 696 alice #r b * :"));
    chat.says("alice", &format!("MODE #r +k {}", "k".repeat(33)));
    assert!(chat.heard("alice")[0].contains(" 525 "));
    // What is right in a line with errors is done.
    chat.says("alice", "MODE #r +xi");
    let heard = [":alice!alice@net MODE #r +i", ":c.test 472 alice x :is unknown mode char to me"];
    chat.expect("alice", &heard);
    chat.expect("bob", &heard[..1]);
}

#[test]
fn a_secret_room_has_no_modes_for_outsiders() {
    let mut chat = room();
    chat.says("alice", "MODE #r +s");
    chat.silence();
    for line in ["MODE #r", "MODE #r b", "MODE #r +i"] {
        chat.says("dora", line);
        chat.expect("dora", &[":c.test 403 dora #r :No such channel"]);
    }
}

#[test]
fn lists_are_read_by_everybody_who_sees_the_room() {
    let mut chat = room();
    chat.says("alice", "MODE #r +beI eve fay!f g@h");
    chat.expect("alice", &[":alice!alice@net MODE #r +beI eve!*@* fay!f@* *!g@h"]);
    chat.says("dora", "MODE #r +beI");
    chat.expect(
        "dora",
        &[
            ":c.test 367 dora #r eve!*@* alice 1795242420",
            ":c.test 368 dora #r :End of channel ban list",
            ":c.test 348 dora #r fay!f@* alice 1795242420",
            ":c.test 349 dora #r :End of channel exception list",
            ":c.test 346 dora #r *!g@h alice 1795242420",
            ":c.test 347 dora #r :End of channel invite exception list",
        ],
    );
    // The same mask in other case is no other; off it goes as it stands there.
    chat.says("alice", "MODE #r +b EVE");
    chat.expect("alice", &[]);
    chat.says("alice", "MODE #r -bb EVE!*@* nobody");
    chat.expect("alice", &[":alice!alice@net MODE #r -b eve!*@*"]);
    chat.says("dora", "MODE #r bb");
    chat.expect("dora", &[":c.test 368 dora #r :End of channel ban list"]);
}

#[test]
fn a_key_changes_and_goes() {
    let mut chat = room();
    chat.says("alice", "MODE #r +k one");
    chat.expect("alice", &[":alice!alice@net MODE #r +k one"]);
    chat.says("alice", "MODE #r +k one");
    chat.expect("alice", &[]);
    chat.says("dora", "JOIN #r");
    chat.expect("dora", &[":c.test 475 dora #r :Cannot join channel (+k)"]);
    chat.says("alice", "MODE #r -k wrong");
    chat.expect("alice", &[":alice!alice@net MODE #r -k *"]);
    chat.says("alice", "MODE #r -k");
    chat.expect("alice", &[]);
    chat.says("dora", "JOIN #r");
    assert_eq!(chat.heard("dora")[0], ":dora!dora@net JOIN #r");
}

#[test]
fn lines_and_lists_have_limits() {
    let mut chat = room();
    let letters = "b".repeat(9);
    chat.says("alice", &format!("MODE #r +{letters} 1 2 3 4 5 6 7 8 9"));
    let heard = chat.heard("alice");
    assert_eq!(heard[0].matches("!*@*").count(), limits::MODES, "{heard:?}");
    assert_eq!(heard[1], ":c.test 696 alice #r * * :at most 8 changes with a parameter go into one line");
    assert_eq!(heard.len(), 2);
    // Of long masks one line cannot hold eight: every line is a whole one.
    let long = |n: usize| format!("{n}{}", "x".repeat(100));
    for n in 0..3 {
        chat.says("alice", &format!("MODE #r +bbb {} {} {}", long(3 * n), long(3 * n + 1), long(3 * n + 2)));
        assert_eq!(chat.heard("alice").len(), 2);
    }
    for n in 0..100 {
        chat.says("alice", &format!("MODE #r +e z{n}"));
    }
    chat.silence();
    chat.says("alice", "MODE #r +I one");
    chat.expect("alice", &[":c.test 478 alice #r I :Channel list is full"]);
    chat.says("alice", "MODE #r e");
    assert_eq!(chat.heard("alice").len(), limits::LISTED - 17 + 1);
    // A hostile line is no more work than an honest one.
    chat.says("alice", "MODE #r +o carl");
    chat.silence();
    let strange: String = ('\u{100}'..'\u{400}').collect();
    chat.says("carl", &format!("/mode +{strange}{}", "+i-i".repeat(300)));
    assert_eq!(chat.heard("carl").len(), limits::MODES);
}

#[test]
fn members_who_are_away_have_a_status_too() {
    let mut chat = room();
    chat.gone("bob", Gone::Cut("bye".into()));
    chat.silence();
    chat.says("alice", "MODE #r +ov bob bob");
    chat.expect("alice", &[":alice!alice@net MODE #r +ov bob bob"]);
    // The others learn it again when he comes: to their programs QUIT was the end of it.
    chat.comes("bob", "bob", crate::protocol::caps::Dialect::Irc, "");
    chat.expect("alice", &[":bob!bob@net JOIN #r", ":bob!bob@net MODE #r +ov bob bob"]);
    assert!(chat.heard("bob").contains(&":c.test 353 bob = #r :@alice @bob carl".to_owned()));
}

#[test]
fn a_founder_keeps_his_room() {
    let mut chat = room();
    chat.says("alice", "MODE #r +o bob");
    chat.says("bob", "MODE #r -o alice");
    chat.silence();
    chat.says("alice", "MODE #r +i");
    chat.expect("alice", &[":c.test 482 alice #r :You're not a channel operator"]);
    chat.says("alice", "MODE #r +oo alice carl");
    chat.expect("alice", &[":c.test 482 alice #r :You're not a channel operator"]);
    chat.says("alice", "MODE #r +o Alice");
    chat.expect("alice", &[":alice!alice@net MODE #r +o alice"]);
    chat.silence();
    chat.says("alice", "PART #r");
    chat.silence();
    chat.says("alice", "JOIN #r");
    chat.expect(
        "alice",
        &[
            ":alice!alice@net JOIN #r",
            ":c.test 353 alice = #r :@alice @bob carl",
            ":c.test 366 alice #r :End of /NAMES list",
            ":alice!alice@net MODE #r +o alice",
        ],
    );
    chat.expect("bob", &[":alice!alice@net JOIN #r", ":alice!alice@net MODE #r +o alice"]);
}

#[test]
fn the_lobby_obeys_administrators_whatever_they_are_there() {
    let mut chat = Chat::new();
    chat.plain("bob");
    chat.irc("root", "");
    chat.says("root", "JOIN #lobby");
    chat.says("root", "MODE #lobby +o bob");
    chat.says("bob", "/mode -o root");
    chat.silence();
    chat.says("root", "MODE #lobby +m");
    chat.expect("root", &[":root!root@net MODE #lobby +m"]);
    chat.says("root", "TOPIC #lobby :ours");
    chat.expect("root", &[":root!root@net TOPIC #lobby :ours"]);
}

#[test]
fn an_answer_carries_its_label() {
    let mut chat = Chat::new();
    chat.irc("alice", "labeled-response batch");
    chat.says("alice", "JOIN #r");
    chat.silence();
    chat.says("alice", "@label=1 MODE #r +i");
    chat.expect("alice", &["@label=1 :alice!alice@net MODE #r +i"]);
    chat.says("alice", "@label=2 MODE #r +i");
    chat.expect("alice", &["@label=2 :c.test ACK"]);
    chat.says("alice", "@label=3 MODE #r +x-i");
    let heard = chat.heard("alice");
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert_eq!(heard[0], "@label=3 :c.test BATCH +r labeled-response");
}
