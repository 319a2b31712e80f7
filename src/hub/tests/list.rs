//! LIST and its filters (Modern IRC, section "LIST message"; ISUPPORT `ELIST`).

use super::Chat;

/// What carl, who is in none, sees of the rooms: two people in the old #old, with an old topic,
/// and one in #new, which has none.
#[track_caller]
fn check(query: &str, expect: &[&str]) {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.irc("bob", "");
    chat.irc("carl", "");
    chat.says("alice", "JOIN #old");
    chat.says("bob", "JOIN #old");
    chat.says("alice", "TOPIC #old :ours");
    chat.passes(180_000);
    chat.says("alice", "JOIN #new,#hidden");
    chat.says("alice", "MODE #hidden +s");
    chat.passes(60_000);
    chat.silence();
    chat.says("carl", query);
    let heard = chat.heard("carl");
    let (first, last) = (heard.first().unwrap(), heard.last().unwrap());
    assert!(first.contains(" 321 ") && last == ":c.test 323 carl :End of /LIST", "{query}: {heard:?}");
    let rows = heard[1..heard.len() - 1].iter().map(|row| row.strip_prefix(":c.test 322 carl ").unwrap());
    assert_eq!(rows.collect::<Vec<_>>(), expect, "{query}");
}

const NEW: &str = "#new 1 :";
const OLD: &str = "#old 2 :ours";

#[test]
fn names_masks_and_numbers() {
    check("LIST", &[NEW, OLD]);
    check("LIST #OLD,#none,#hidden", &[OLD]);
    check("LIST *ew", &[NEW]);
    check("LIST #O?D", &[OLD]);
    check("LIST *idd*", &[]);
    check("LIST !*ew", &[OLD]);
    check("LIST >1", &[OLD]);
    check("LIST <2", &[NEW]);
    check("LIST >0,<2", &[NEW]);
    check("LIST #old,#new >1", &[OLD]);
}

#[test]
fn ages() {
    check("LIST C>2", &[OLD]);
    check("LIST c<2", &[NEW]);
    check("LIST C<0", &[]);
    check("LIST C>0", &[NEW, OLD]);
    check("LIST T>2", &[OLD]);
    check("LIST T<10", &[OLD]);
    check("LIST T<4", &[]);
    check("LIST C<18446744073709551615", &[NEW, OLD]);
}

#[test]
fn a_member_sees_his_secret_room_and_outsiders_no_invisible_people() {
    let mut chat = Chat::new();
    chat.irc("alice", "");
    chat.plain("bob");
    chat.says("alice", "JOIN #s");
    chat.says("alice", "MODE #s +s");
    chat.silence();
    chat.says("alice", "LIST #s");
    assert_eq!(chat.heard("alice")[1], ":c.test 322 alice #s 1 :");
    chat.says("bob", "/rooms #s");
    chat.expect("bob", &["-!- there is no room yet; /join #NAME makes one"]);
    chat.says("alice", "MODE #s -s");
    chat.says("alice", "MODE alice +i");
    chat.says("bob", "/rooms #s");
    chat.expect("bob", &["-!- #s (0)"]);
}

#[test]
fn a_room_is_listed_once_however_often_it_is_named() {
    check("LIST #old,#new,#OLD,#old,#nothing", &[OLD, NEW]);
}
