//! What waits behind a question: bounded, its asker's own, and in nobody else's way; over a journal
//! that answers late.

use super::{registration, shell::House};
use crate::{
    hub::request::Gone,
    journal::{Memory, late::Hand},
    protocol::caps::Dialect,
};

const CAPS: &str = "batch message-tags draft/chathistory";

fn house(names: &[&'static str]) -> (House, Hand) {
    let (mut house, hand) = House::late();
    for name in names {
        house.comes(name, Dialect::Irc, CAPS);
        house.says(name, "JOIN #ops");
    }
    house.pump();
    hand.commit(usize::MAX);
    for name in names {
        assert!(!house.heard(name).is_empty(), "{name} is welcome");
    }
    hand.hold();
    (house, hand)
}

#[test]
fn who_asks_faster_than_the_journal_answers_is_cut() {
    let (mut house, _hand) = house(&["alice"]);
    for n in 0..20_000 {
        house.says("alice", "SEARCH text=rollback");
        if n % 500 == 0 {
            house.pump();
        }
    }
    house.pump();
    assert!(house.is_cut("alice"), "questions take memory too");
}

#[test]
fn what_is_not_said_to_a_session_takes_no_place_in_its_line() {
    let (mut house, hand) = house(&["alice", "bob"]);
    house.comes("deaf", Dialect::Irc, "draft/chathistory");
    house.pump();
    hand.commit(usize::MAX);
    house.says("deaf", "JOIN #ops");
    house.pump();
    hand.commit(usize::MAX);
    house.heard("deaf");
    house.says("deaf", "CHATHISTORY LATEST #ops * 1");
    house.pump();
    for _ in 0..20 {
        house.says("bob", "@+draft/react=x TAGMSG #ops");
    }
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    assert_eq!(house.held("deaf"), 1, "the question alone");
}

/// The number of a session is given again while the journal is still at the question of the one before.
#[test]
fn an_answer_never_goes_to_whom_the_number_of_its_asker_was_given() {
    let (mut house, hand) = house(&["alice", "bob"]);
    house.says("alice", "PRIVMSG #ops :the secret");
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    house.says("alice", "CHATHISTORY LATEST #ops * 9");
    let much = "x".repeat(400);
    for n in 0..4_000 {
        house.says("bob", &format!("PRIVMSG #ops :{much}"));
        if n % 500 == 0 {
            house.pump();
            hand.commit(usize::MAX);
        }
    }
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    assert!(house.is_cut("alice"), "too much waits behind her question");
    house.goes("alice", Gone::Lost);
    house.comes("eve", Dialect::Irc, CAPS);
    house.pump();
    hand.commit(usize::MAX);
    house.heard("eve");
    house.says("eve", "CHATHISTORY LATEST #eve * 9");
    house.says("eve", "JOIN #eve");
    house.says("eve", "CHATHISTORY LATEST #eve * 9");
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    hand.answer(usize::MAX);
    let heard = house.heard("eve");
    assert!(!heard.iter().any(|line| line.contains("secret")), "{heard:?}");
    assert!(heard.iter().any(|line| line.contains("BATCH +")), "her own answer comes: {heard:?}");
}

#[test]
fn the_questions_of_one_account_take_turns_with_those_of_others() {
    let (mut house, hand) = house(&["alice", "bob"]);
    let phones = ["phone0", "phone1", "phone2", "phone3"];
    for phone in phones {
        house.registers(phone, registration("alice", Dialect::Irc, CAPS));
        house.pump();
        hand.commit(usize::MAX);
        house.heard(phone);
        house.says(phone, "CHATHISTORY LATEST #ops * 9");
        house.says(phone, "CHATHISTORY LATEST #ops * 9");
    }
    house.pump();
    house.says("bob", "CHATHISTORY LATEST #ops * 9");
    house.pump();
    hand.answer(2);
    let heard = house.heard("bob");
    assert!(heard.iter().any(|line| line.contains("BATCH +")), "behind one question of alice's: {heard:?}");
    hand.answer(usize::MAX);
    for phone in phones {
        let heard = house.heard(phone);
        assert_eq!(heard.iter().filter(|line| line.contains("BATCH +")).count(), 2, "{phone}: {heard:?}");
    }
}

#[test]
fn who_leaves_while_he_waits_for_his_turn_keeps_nobody_waiting() {
    let (mut house, hand) = house(&["alice", "bob"]);
    for phone in ["one", "two", "three"] {
        house.registers(phone, registration("alice", Dialect::Irc, CAPS));
        house.pump();
        hand.commit(usize::MAX);
        house.heard(phone);
        house.says(phone, "CHATHISTORY LATEST #ops * 9");
        house.pump();
    }
    house.goes("one", Gone::Lost);
    house.goes("two", Gone::Lost);
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    hand.answer(usize::MAX);
    let heard = house.heard("three");
    assert!(heard.iter().any(|line| line.contains("BATCH +")), "{heard:?}");
}

/// A journal in memory answers in the hub's own time.
#[test]
fn others_have_their_turn_between_the_answers_to_one() {
    let mut house = House::new(Box::<Memory>::default());
    house.comes("alice", Dialect::Irc, CAPS);
    for _ in 0..100 {
        house.says("alice", "SEARCH text=rollback");
    }
    house.pump();
    assert!(house.held("alice") > 50, "{}", house.held("alice"));
    for _ in 0..100 {
        house.pump();
    }
    assert_eq!(house.held("alice"), 0, "all are answered in the end");
}

/// While nothing is committed, sessions wait at the inbox: the memory does not fill.
#[test]
fn so_many_requests_wait_for_the_journal_and_no_more() {
    let (mut house, hand) = house(&["alice"]);
    let mut said = 0;
    while house.has_room() && said < 20_000 {
        house.says("alice", "PRIVMSG #ops :x");
        said += 1;
        if said % 500 == 0 {
            house.pump();
        }
    }
    assert!((4_096..6_000).contains(&said), "{said}");
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    assert!(house.has_room(), "and it goes on");
}

/// The order never steps back in time, not even when the clock did while the server was off.
#[test]
fn a_restart_goes_on_where_the_time_was() {
    let (_house, hand) = house(&["alice"]);
    let late = crate::platform::clock::unix_ms() + 3_600_000;
    hand.date(late);
    let before = hand.disk().len();
    let mut again = House::new(Box::new(hand.restarted()));
    again.comes("bob", Dialect::Irc, CAPS);
    again.pump();
    hand.commit(usize::MAX);
    assert_eq!(hand.disk().len(), before + 1);
    assert!(hand.disk().last().unwrap().time_ms >= late);
}

/// Who has asked before the server stops gets his answer before the goodbye.
#[tokio::test(start_paused = true)]
async fn who_has_asked_is_answered_before_the_end() {
    let (mut house, hand) = house(&["alice"]);
    house.says("alice", "CHATHISTORY LATEST #ops * 9");
    house.pump();
    let answers = async {
        tokio::task::yield_now().await;
        hand.answer(usize::MAX);
        hand.commit(0);
    };
    let heard = house.stops("alice", answers).await;
    let page = heard.iter().position(|line| line.contains("BATCH +")).unwrap();
    assert!(heard[page + 1..].iter().any(|line| line.starts_with("ERROR")), "{heard:?}");
}
