//! The shell: nothing is seen before it is committed, everything in one order, and what could not
//! be kept is refused; over the memory backend and one that commits late and fails.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::{body, registration, replay::agrees_with_itself, settings};
use crate::{
    hub::{
        outbox::{Outbox, Taken},
        request::{Body, Gone, Registration, Request, SessionId},
        state::Settings,
        task::{Door, Hub, Patience},
    },
    journal::{
        Bounds, Journal, Memory,
        late::{Hand, Late},
    },
    platform::{clock, counters::Counters, stop::Stop},
    protocol::{
        Message, Multiline, Taken as Part,
        caps::{Cap, Caps, Dialect},
        durable::Durable,
    },
};

/// A line without what is not the same in two houses: tags, and times of day.
pub(super) fn timeless(line: &str) -> String {
    let line = line.strip_prefix('@').and_then(|line| line.split_once(' ')).map_or(line, |(_, rest)| rest);
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (line.split_once(" 333 "), line.split_once(" :[20")) {
        (Some((start, _)), _) => format!("{start} 333"),
        (_, Some((start, dated))) => format!("{start} :{}", dated.split_once("] ").map_or("", |(_, text)| text)),
        // What a person reads.
        _ if first.len() == 8 && first[1..].contains(':') => rest.into(),
        _ => line.into(),
    }
}

static RANDOM: AtomicU64 = AtomicU64::new(0);

pub(super) struct House {
    hub: Hub,
    door: Arc<Door>,
    people: BTreeMap<&'static str, (SessionId, Arc<Outbox>, Dialect)>,
    batches: BTreeMap<SessionId, Multiline>,
    now_s: u32,
}

impl House {
    pub(super) fn new(journal: Box<dyn Journal>) -> Self {
        Self::with(settings(), journal)
    }

    pub(super) fn with(settings: Settings, journal: Box<dyn Journal>) -> Self {
        let door = Arc::new(Door::new(1000));
        let random = || u128::from(RANDOM.fetch_add(1 << 8, Ordering::Relaxed));
        let counters = Arc::new(Counters::default());
        let hub = Hub::new(settings, journal, Arc::clone(&door), counters, Patience::default(), random).unwrap();
        Self { hub, door, people: BTreeMap::new(), batches: BTreeMap::new(), now_s: clock::monotonic_s() }
    }

    pub(super) fn state(&self) -> &crate::hub::state::State {
        self.hub.state()
    }

    pub(super) fn state_mut(&mut self) -> &mut crate::hub::state::State {
        self.hub.state_mut()
    }

    pub(super) fn late() -> (Self, Hand) {
        let (journal, hand) = Late::new();
        (Self::new(Box::new(journal)), hand)
    }

    pub(super) fn pump(&mut self) {
        self.hub.pump(&mut Context::from_waker(Waker::noop()), None);
    }

    /// Rooms of so many sessions are large.
    pub(super) fn paced_from(&mut self, sessions: usize) {
        self.hub.pace_from(sessions);
    }

    /// The pause is over after which is told who came and went in large rooms.
    pub(super) fn pause(&mut self) {
        self.hub.breathe();
    }

    /// A second passes.
    pub(super) fn tick(&mut self) {
        self.hub.pump(&mut Context::from_waker(Waker::noop()), Some(Body::Tick));
    }

    /// Whether a session may offer another request now.
    pub(super) fn has_room(&self) -> bool {
        self.door.has_room()
    }

    /// The server stops while something else happens; what a session gets from then on.
    pub(super) async fn stops(mut self, name: &str, meanwhile: impl Future<Output = ()>) -> Vec<String> {
        let (_, outbox, _) = self.people.remove(name).unwrap();
        let stop = Stop::new();
        stop.request();
        tokio::join!(self.hub.run(stop), meanwhile);
        let (mut text, mut buffer) = (Vec::new(), [0; 999]);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match outbox.poll_take(&mut cx, &mut buffer) {
                Poll::Ready(Taken::Octets(length)) => text.extend_from_slice(&buffer[..length]),
                Poll::Ready(Taken::Alone(octets) | Taken::Last(octets)) => text.extend_from_slice(&octets),
                _ => break,
            }
        }
        String::from_utf8(text).unwrap().lines().map(Into::into).collect()
    }

    /// The journal has failed, and can be written again.
    pub(super) fn mends(&mut self, hand: &Hand) {
        self.pump();
        self.tick();
        hand.commit(usize::MAX);
        self.pump();
    }

    fn offer(&self, session: SessionId, label: Option<Box<str>>, body: Body) {
        let request = Request { session, label, body };
        self.door.poll_offer(&mut Context::from_waker(Waker::noop()), request).unwrap();
    }

    pub(super) fn comes(&mut self, name: &'static str, dialect: Dialect, caps: &str) {
        self.registers(name, registration(name, dialect, caps));
    }

    pub(super) fn registers(&mut self, name: &'static str, registration: Registration) {
        let outbox = Arc::new(Outbox::new(1 << 20));
        let id = self.door.attach(Arc::clone(&outbox));
        self.people.insert(name, (id, outbox, registration.dialect));
        self.batches.remove(&id);
        self.offer(id, None, Body::Register(Box::new(registration)));
    }

    pub(super) fn says(&self, name: &str, line: &str) {
        let (id, _, dialect) = &self.people[name];
        let (label, body) = body(*dialect, line);
        self.offer(*id, label, body);
    }

    /// These people have a certificate, and no others.
    pub(super) fn issued(&self, names: &[&str]) {
        self.door.issued(names.iter().map(|name| name.parse().unwrap()).collect());
    }

    /// The capabilities of a session that is registered.
    pub(super) fn caps(&self, name: &str) -> Option<Caps> {
        self.hub.state().sessions.get(&self.people.get(name)?.0).map(|session| session.caps)
    }

    /// The same with lines of a batch as parts of one message; whether the hub hears of it, and the
    /// label of the answer.
    pub(super) fn says_line(&mut self, name: &str, line: &str) -> Option<Option<Box<str>>> {
        let (id, _, dialect) = self.people[name];
        let multiline = self.caps(name).is_some_and(|caps| caps.has(Cap::Multiline));
        if !multiline {
            self.batches.remove(&id);
        } else if let Ok(message) = Message::parse(line) {
            match self.batches.entry(id).or_default().take(&message) {
                Part::Not => {}
                Part::Kept => return None,
                Part::Request(label, command) => {
                    self.offer(id, label.clone(), command.map_or_else(Body::Refused, Body::Command));
                    return Some(label);
                }
            }
        }
        let (label, body) = body(dialect, line);
        self.offer(id, label.clone(), body);
        Some(label)
    }

    /// Whether the server ended the session.
    pub(super) fn is_ended(&self, name: &str) -> bool {
        self.people.get(name).is_some_and(|(id, ..)| !self.hub.state().sessions.contains_key(id))
    }

    /// Whether the server cut the session's connection.
    pub(super) fn is_cut(&self, name: &str) -> bool {
        self.people.get(name).is_some_and(|(_, outbox, _)| outbox.is_cut())
    }

    /// How many pushes a session has not taken yet, and of how many octets.
    pub(super) fn queued(&self, name: &str) -> (usize, usize) {
        self.people.get(name).map_or((0, 0), |(_, outbox, _)| outbox.queued())
    }

    /// No more than so many octets wait for all together.
    pub(super) fn with_total(self, bound: usize) -> Self {
        Self { hub: self.hub.with_total(bound), ..self }
    }

    /// Who is here.
    pub(super) fn people(&self) -> Vec<&'static str> {
        self.people.keys().copied().collect()
    }

    /// What a session owes besides what its lines have cost.
    pub(super) fn owed(&self, name: &str) -> u32 {
        self.people.get(name).map_or(0, |(_, outbox, _)| outbox.take_owed())
    }

    /// How much stands in the line of what is said to a session.
    pub(super) fn held(&self, name: &str) -> usize {
        self.people.get(name).map_or(0, |(id, ..)| self.hub.held(*id))
    }

    /// So many seconds pass in which everybody's connection is alive.
    pub(super) fn waits(&mut self, seconds: u32) {
        self.now_s += seconds;
        for (_, outbox, _) in self.people.values() {
            outbox.heard(self.now_s);
        }
        self.hub.watch(self.now_s);
    }

    /// What the session gets from here on is nobody's business.
    pub(super) fn forgets(&mut self, name: &str) {
        self.people.remove(name);
    }

    /// The session's connection ends.
    pub(super) fn goes(&mut self, name: &str, how: Gone) {
        if let Some((id, ..)) = self.people.remove(name) {
            self.door.gone(id, how);
            self.pump();
        }
    }

    /// What a session has got; but not that the journal fails or does no longer, which all are told.
    pub(super) fn heard(&mut self, name: &str) -> Vec<String> {
        let mut heard = self.hears(name);
        heard.retain(|line| ![" to its disk now: ", " to its disk again"].iter().any(|words| line.contains(words)));
        heard
    }

    /// All that a session has got.
    pub(super) fn hears(&mut self, name: &str) -> Vec<String> {
        self.pump();
        let Some((id, outbox, _)) = self.people.get(name) else { return Vec::new() };
        let (mut text, mut buffer) = (Vec::new(), [0; 999]);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match outbox.poll_take(&mut cx, &mut buffer) {
                Poll::Ready(Taken::Octets(length)) => text.extend_from_slice(&buffer[..length]),
                Poll::Ready(Taken::Alone(octets) | Taken::Last(octets)) => text.extend_from_slice(&octets),
                Poll::Ready(Taken::Empty) => {
                    self.door.drained(*id);
                    self.hub.pump(&mut cx, None);
                }
                Poll::Ready(Taken::End) => {
                    text.extend_from_slice(b"(end)\r\n");
                    break;
                }
                _ => break,
            }
        }
        let text = String::from_utf8(text).unwrap();
        // Times differ from run to run.
        let clean = |line: &str| match line.split_once(' ') {
            Some((time, rest)) if time.len() == 8 && time.as_bytes()[2] == b':' => rest.to_owned(),
            _ => line.to_owned(),
        };
        text.split_terminator("\r\n").map(clean).collect()
    }

    #[track_caller]
    pub(super) fn expect(&mut self, name: &str, lines: &[&str]) {
        assert_eq!(self.heard(name), lines, "heard by {name}");
    }

    /// Everybody is in the lobby and has read all.
    pub(super) fn settled(&mut self, names: &[&'static str], hand: Option<&Hand>) {
        for name in names {
            self.comes(name, Dialect::Plain, "");
        }
        self.pump();
        if let Some(hand) = hand {
            hand.commit(usize::MAX);
        }
        for name in names {
            assert!(!self.heard(name).is_empty(), "{name} is welcome");
        }
    }
}

#[test]
fn nothing_is_seen_before_its_commit_and_then_in_order() {
    let (mut house, hand) = House::late();
    house.settled(&["alice", "bob"], Some(&hand));
    house.comes("carol", Dialect::Irc, "");
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    house.heard("carol");
    house.says("alice", "one");
    house.says("carol", "PING p");
    house.says("bob", "/frob");
    house.says("bob", "two");
    // Nobody hears anything: neither the messages, nor the answer to PING, nor a refusal.
    for name in ["alice", "bob", "carol"] {
        house.expect(name, &[]);
    }
    assert_eq!(hand.waiting(), 2);
    hand.commit(1);
    house.expect("alice", &["#lobby <alice> one"]);
    house.expect("carol", &[":c.test PONG c.test p"]);
    house.expect(
        "bob",
        &["#lobby <alice> one", "-!- there is no command /frob; /help lists them, // starts a line with a slash"],
    );
    hand.commit(1);
    house.expect("alice", &["#lobby <bob> two"]);
    house.expect("bob", &["#lobby <bob> two"]);
}

#[test]
fn history_shows_what_was_said_before_the_question_and_no_more() {
    let (late, hand) = Late::new();
    for (journal, hand) in [(Box::new(late) as Box<dyn Journal>, Some(hand)), (Box::<Memory>::default(), None)] {
        let mut house = House::new(journal);
        house.settled(&["alice"], hand.as_ref());
        for line in ["/join #ops", "one", "/history 3", "two"] {
            house.says("alice", line);
        }
        house.pump();
        if let Some(hand) = &hand {
            hand.commit(usize::MAX);
        }
        let heard = house.heard("alice");
        let page = heard.iter().position(|line| line.ends_with("the last message of #ops:"));
        let page = page.unwrap_or_else(|| panic!("no page: {heard:?}"));
        assert!(heard[page + 1].ends_with("#ops <alice> one"), "{heard:?}");
        assert_eq!(heard[page + 2..page + 4], ["-!- end of history", "#ops <alice> two"]);
    }
}

/// The answer to CHATHISTORY stands where the question was asked, and so does what is taken back.
#[test]
fn pages_and_redactions_wait_for_their_commit() {
    let (mut house, hand) = House::late();
    house.comes("alice", Dialect::Irc, "batch message-tags echo-message draft/message-redaction");
    house.says("alice", "JOIN #ops");
    house.says("alice", "PRIVMSG #ops :one");
    house.says("alice", "CHATHISTORY LATEST #ops * 9");
    house.says("alice", "PRIVMSG #ops :two");
    house.expect("alice", &[]);
    hand.commit(usize::MAX);
    let heard = house.heard("alice");
    let texts: Vec<&str> = heard.iter().filter_map(|line| Some(line.split_once("PRIVMSG #ops :")?.1)).collect();
    assert_eq!(texts, ["one", "one", "two"], "said, shown, said");
    let id = heard
        .iter()
        .find_map(|line| line.strip_prefix("@msgid=")?.split_once(' ').filter(|(_, rest)| rest.ends_with(":one")));
    let id = id.unwrap().0.to_owned();

    for _ in 0..2 {
        house.says("alice", &format!("REDACT #ops {id}"));
        house.expect("alice", &[]);
        hand.fail();
        let heard = house.heard("alice");
        assert!(heard[0].starts_with(":c.test FAIL REDACT NOT_KEPT :"), "{heard:?}");
        house.mends(&hand);
    }
    house.says("alice", &format!("REDACT #ops {id}"));
    house.pump();
    hand.commit(usize::MAX);
    assert!(house.heard("alice")[0].ends_with(&format!(" REDACT #ops {id}")));
    house.says("alice", "CHATHISTORY LATEST #ops * 9");
    assert_eq!(house.heard("alice").len(), 3, "only the second is left");
}

#[test]
fn what_cannot_be_read_is_said_so() {
    let (mut house, hand) = House::late();
    house.comes("alice", Dialect::Irc, "");
    house.says("alice", "JOIN #ops");
    house.pump();
    hand.commit(usize::MAX);
    house.heard("alice");
    hand.cover();
    let times = "timestamp=2020-01-01T00:00:00.000Z timestamp=2030-01-01T00:00:00.000Z";
    for (line, expect) in [
        ("HISTORY #ops 3".into(), "* HISTORY_FAILED :"),
        ("CHATHISTORY LATEST #ops * 9".into(), "CHATHISTORY MESSAGE_ERROR LATEST #ops :"),
        (format!("CHATHISTORY TARGETS {times} 9"), "CHATHISTORY MESSAGE_ERROR TARGETS :"),
        ("REDACT #ops 00000000000000000000000000".into(), "REDACT UNKNOWN_MSGID #ops 00000000000000000000000000 :"),
    ] {
        house.says("alice", &line);
        let heard = house.heard("alice");
        assert!(heard[0].starts_with(&format!(":c.test FAIL {expect}")), "{heard:?}");
    }
}

/// Who pages by time finds each message of a burst once.
#[test]
fn the_messages_of_a_burst_have_times_of_their_own() {
    let mut house = House::new(Box::<Memory>::default());
    house.comes("alice", Dialect::Irc, "server-time batch");
    house.says("alice", "JOIN #ops");
    for n in 0..50 {
        house.says("alice", &format!("PRIVMSG #ops :{n}"));
    }
    house.heard("alice");
    let (mut bound, mut found) = ("*".to_owned(), Vec::new());
    loop {
        let part = if bound == "*" { "LATEST" } else { "BEFORE" };
        house.says("alice", &format!("CHATHISTORY {part} #ops {bound} 7"));
        let heard = house.heard("alice");
        let page: Vec<(&str, &str)> = heard[1..heard.len() - 1]
            .iter()
            .map(|line| line.strip_prefix("@batch=h;time=").unwrap().split_once(' ').unwrap())
            .collect();
        let Some((time, _)) = page.first() else { break };
        bound = format!("timestamp={time}");
        found.extend(page.iter().rev().map(|(_, line)| line.rsplit_once(':').unwrap().1.parse::<u32>().unwrap()));
    }
    assert_eq!(found, (0..50).rev().collect::<Vec<_>>());
}

#[test]
fn history_never_looks_as_if_it_was_said_now() {
    let mut house = House::new(Box::<Memory>::default());
    house.settled(&["alice"], None);
    house.says("alice", "hello");
    house.comes("old", Dialect::Irc, "");
    house.comes("new", Dialect::Irc, "server-time");
    for name in ["old", "new"] {
        house.says(name, "JOIN #lobby");
    }
    for name in ["old", "new"] {
        house.heard(name);
        house.says(name, "HISTORY #lobby 5");
    }
    let heard = house.heard("old");
    assert!(heard.iter().all(|line| line.starts_with(":c.test NOTICE old :")), "{heard:?}");
    assert!(heard[1].ends_with(" #lobby <alice> hello") && heard[1].contains(" :20"), "{heard:?}");
    let heard = house.heard("new");
    assert!(
        heard[0].starts_with("@time=") && heard[0].ends_with(":alice!alice@net PRIVMSG #lobby :hello"),
        "{heard:?}"
    );
}

#[test]
fn only_one_of_two_racing_joins_founds_the_room() {
    let (mut house, hand) = House::late();
    house.settled(&["alice", "bob"], Some(&hand));
    house.says("alice", "/join #new");
    house.says("bob", "/join #new");
    house.pump();
    hand.commit(usize::MAX);
    let heard = house.heard("bob");
    assert!(heard.contains(&"-!- in #new: @alice bob".to_owned()), "{heard:?}");
}

#[test]
fn a_failed_commit_refuses_what_changed_and_answers_what_asked() {
    let (mut house, hand) = House::late();
    house.settled(&["alice", "bob"], Some(&hand));
    house.comes("carol", Dialect::Irc, "labeled-response");
    house.pump();
    hand.commit(usize::MAX);
    house.heard("carol");
    house.says("alice", "lost");
    house.says("bob", "/join #new");
    house.says("carol", "@label=7 JOIN #new");
    house.says("carol", "PING p");
    house.says("bob", "/rooms");
    house.pump();
    hand.fail();
    house.expect("alice", &["-!- this was not done: the server cannot write to its disk now; try again later"]);
    house.expect(
        "bob",
        &["-!- this was not done: the server cannot write to its disk now; try again later", "-!- #lobby (2)"],
    );
    let heard = house.heard("carol");
    assert!(heard[0].starts_with("@label=7 :c.test FAIL JOIN NOT_KEPT "), "{heard:?}");
    assert_eq!(heard[1], ":c.test PONG c.test p");

    // Then it is tried again, and the state is what is on disk.
    house.mends(&hand);
    house.says("bob", "still here");
    house.says("bob", "/join #new");
    house.pump();
    hand.commit(usize::MAX);
    house.expect("alice", &["#lobby <bob> still here"]);
    let heard = house.heard("bob");
    assert_eq!(heard[0], "#lobby <bob> still here", "the session's room survived");
    assert!(heard.contains(&"-!- in #new: @bob".to_owned()), "{heard:?}");
}

#[test]
fn what_is_in_no_journal_stands_when_a_commit_fails() {
    let (mut house, hand) = House::late();
    house.comes("root", Dialect::Irc, "");
    house.comes("alice", Dialect::Irc, "");
    house.comes("bob", Dialect::Irc, "away-notify");
    house.says("alice", "JOIN #r");
    house.says("bob", "JOIN #r");
    house.pump();
    hand.commit(usize::MAX);
    for name in ["root", "alice", "bob"] {
        house.heard(name);
    }
    house.says("alice", "TOPIC #r :not kept");
    house.says("alice", "AWAY :at sea");
    house.says("bob", "MODE bob +i");
    house.says("root", "KILL bob :enough");
    house.pump();
    hand.fail();
    let heard = house.heard("alice");
    assert!(heard[0].starts_with(":c.test FAIL TOPIC NOT_KEPT "), "{heard:?}");
    assert_eq!(heard[1], ":c.test 306 alice :You have been marked as being away");
    assert_eq!(heard[2], ":bob!bob@net QUIT :Killed (root (enough))");
    let heard = house.heard("bob");
    assert_eq!(heard[..2], [":alice!alice@net AWAY :at sea", ":bob MODE bob :+i"]);
    assert_eq!(heard.last().map(String::as_str), Some("(end)"));
}

#[test]
fn lusers_counts_who_is_not_registered_yet() {
    let mut house = House::new(Box::new(Memory::new(Bounds::default())));
    let waiting = house.door.attach(Arc::new(Outbox::new(99)));
    house.comes("alice", Dialect::Irc, "");
    assert!(house.heard("alice").contains(&":c.test 253 alice 1 :unregistered connections".to_owned()));
    house.comes("bob", Dialect::Irc, "");
    house.heard("bob");
    house.says("bob", "QUIT");
    house.says("alice", "LUSERS");
    assert!(house.heard("alice").contains(&":c.test 253 alice 1 :unregistered connections".to_owned()));
    house.door.gone(waiting, Gone::Lost);
    house.says("alice", "PING done");
    house.heard("alice");
    house.says("alice", "LUSERS");
    let heard = house.heard("alice");
    assert!(heard.len() > 5 && !heard.iter().any(|line| line.contains(" 253 ")), "{heard:?}");
}

#[test]
fn a_session_that_came_in_a_failed_commit_is_sent_away_and_who_left_stays_away() {
    let (mut house, hand) = House::late();
    house.settled(&["alice", "bob"], Some(&hand));
    house.comes("carol", Dialect::Plain, "");
    house.says("bob", "/quit");
    let (bob, ..) = house.people["bob"];
    house.pump();
    house.door.gone(bob, Gone::Lost);
    house.pump();
    hand.fail();
    let heard = house.heard("carol");
    assert_eq!(heard, ["-!- goodbye: The server cannot write to its disk now; try again later", "(end)"]);
    assert_eq!(house.heard("bob"), ["-!- goodbye: Quit", "(end)"]);
    house.expect("alice", &["-!- bob disconnected (Quit)"]);
    house.says("alice", "/names");
    house.says("alice", "/who");
    house.expect("alice", &["-!- in #lobby: alice", "-!- alice in #lobby"]);
}

/// A session that came in a failed commit comes again: others have not heard of it before.
#[test]
fn who_came_in_a_failed_commit_is_seen_once_and_who_left_too_is_gone() {
    let (mut house, hand) = House::late();
    for name in ["alice", "bob", "carol"] {
        house.comes(name, Dialect::Irc, "sasl");
        house.says(name, "JOIN #r");
    }
    for name in ["bob", "carol"] {
        house.says(name, "QUIT");
    }
    house.pump();
    hand.commit(usize::MAX);
    for name in ["bob", "carol"] {
        house.goes(name, Gone::Lost);
    }
    house.heard("alice");
    house.says("alice", "TOPIC #r :lost");
    house.says("alice", "AUTHENTICATE EXTERNAL");
    house.comes("bob", Dialect::Irc, "sasl");
    house.says("bob", "AWAY :at sea");
    house.says("bob", "AUTHENTICATE EXTERNAL");
    house.comes("carol", Dialect::Irc, "conclave.chat/unseen");
    house.registers("bob2", registration("bob", Dialect::Irc, "conclave.chat/unseen"));
    house.registers("carol2", registration("carol", Dialect::Irc, ""));
    house.goes("carol2", Gone::Lost);
    hand.fail();
    let heard = house.heard("alice");
    assert!(heard[0].starts_with(":c.test FAIL TOPIC NOT_KEPT "), "{heard:?}");
    assert_eq!(heard[1..], ["AUTHENTICATE +", ":bob!bob@net JOIN #r"]);
    let heard = house.heard("bob");
    assert!(heard.ends_with(&["AUTHENTICATE +".to_owned()]), "{heard:?}");
    assert!(heard.contains(&":c.test 306 bob :You have been marked as being away".to_owned()));
    agrees_with_itself(house.state());
    house.says("alice", "WHOIS bob");
    assert!(house.heard("alice").contains(&":c.test 301 alice bob :at sea".to_owned()));
    for name in ["bob", "carol", "bob2"] {
        house.goes(name, Gone::Lost);
    }
    agrees_with_itself(house.state());
    assert_eq!(house.state().sessions.len(), 1);
}

#[test]
fn a_session_that_is_not_seen_outlasts_a_failed_commit() {
    let (mut house, hand) = House::late();
    for (name, caps) in [("alice", ""), ("tail", "conclave.chat/unseen")] {
        house.comes(name, Dialect::Irc, caps);
        house.says(name, "JOIN #r");
    }
    house.pump();
    hand.commit(usize::MAX);
    house.heard("tail");
    house.says("alice", "PRIVMSG #r :lost");
    house.pump();
    hand.fail();
    house.mends(&hand);
    agrees_with_itself(house.state());
    house.says("alice", "PRIVMSG #r :kept");
    house.pump();
    hand.commit(usize::MAX);
    house.expect("tail", &[":alice!alice@net PRIVMSG #r :kept"]);
    house.goes("tail", Gone::Lost);
    agrees_with_itself(house.state());
}

/// An account whose first session came in a failed commit is in no journal.
#[test]
fn who_is_in_no_journal_is_new_when_he_comes_again() {
    let (mut house, hand) = House::late();
    house.comes("alice", Dialect::Irc, "");
    house.pump();
    hand.fail();
    assert!(house.heard("alice")[0].starts_with("ERROR :"));
    house.goes("alice", Gone::Lost);
    // There is nothing yet to try it with but the next who comes.
    house.mends(&hand);
    house.comes("alice", Dialect::Irc, "");
    house.pump();
    hand.commit(usize::MAX);
    assert!(house.heard("alice")[0].contains(" 001 "));
    let events = hand.disk().into_iter().flat_map(|entry| entry.events).collect::<Vec<_>>();
    assert!(
        matches!(&events[..], [Durable::AccountSeen(nick), Durable::CursorMoved { .. }] if nick.as_str() == "alice"),
        "{events:?}"
    );
}

#[test]
fn what_is_committed_makes_up_the_state_after_a_restart() {
    let (mut house, hand) = House::late();
    house.settled(&["alice", "bob"], Some(&hand));
    house.says("alice", "/join #ops");
    house.says("alice", "/topic work");
    house.says("bob", "/join #ops");
    house.says("bob", "/part #lobby");
    house.pump();
    hand.commit(usize::MAX);
    house.pump();
    let mut state = crate::hub::State::new(settings());
    let mut applied = 0;
    for event in hand.disk().iter().flat_map(|entry| &entry.events) {
        state.apply(event);
        applied += 1;
    }
    assert!(applied > 5);
    let (id, room) = state.room_named("#ops").unwrap();
    assert_eq!(room.topic.as_ref().map(|topic| &*topic.text), Some("work"));
    let operator = |name: &str| room.members[&name.parse().unwrap()].operator;
    assert!(operator("alice") && !operator("bob"));
    assert_eq!(state.accounts[&"bob".parse().unwrap()].rooms, [id]);
}

/// What happens in one generated story.
#[derive(Clone, Debug)]
enum Happening {
    Say(usize, u32),
    Pump,
    Commit(usize),
    Fail,
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (0..3usize, any::<u32>()).prop_map(|(who, n)| Happening::Say(who, n)),
        3 => Just(Happening::Pump),
        3 => (1..4usize).prop_map(Happening::Commit),
        1 => Just(Happening::Fail),
        2 => Just(Happening::Tick),
    ]
}

proptest! {
    /// However commits come and fail: everybody hears the same messages in the same order, that
    /// is the order on disk, and each line was either heard by its sender or refused to him.
    #[test]
    fn everybody_hears_what_is_on_disk_in_its_order(story in prop::collection::vec(happening(), 1..60), late: bool) {
        let names = ["alice", "bob", "carol"];
        let (mut house, hand) = if late {
            let (house, hand) = House::late();
            (house, Some(hand))
        } else {
            (House::new(Box::new(Memory::new(Bounds::default()))), None)
        };
        house.settled(&names, hand.as_ref());
        let mut heard: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut said = 0;
        for happening in &story {
            match happening {
                Happening::Say(who, n) => {
                    house.says(names[*who], &format!("{n}"));
                    said += 1;
                }
                Happening::Pump => house.pump(),
                Happening::Commit(most) => { if let Some(hand) = &hand { hand.commit(*most); } }
                Happening::Fail => { if let Some(hand) = &hand { hand.fail(); } }
                Happening::Tick => house.tick(),
            }
            for name in names {
                let lines = house.heard(name);
                heard.entry(name).or_default().extend(lines);
            }
        }
        for _ in 0..2 {
            house.pump();
            if let Some(hand) = &hand { hand.commit(usize::MAX); }
            for name in names {
                let lines = house.heard(name);
                heard.entry(name).or_default().extend(lines);
            }
        }
        let messages = |name: &str| -> Vec<String> {
            heard[name].iter().filter(|line| line.starts_with("#lobby <")).cloned().collect()
        };
        let refused: usize = heard.values().flatten().filter(|line| line.starts_with("-!- this was not done")).count();
        let order = messages("alice");
        prop_assert_eq!(&order, &messages("bob"));
        prop_assert_eq!(&order, &messages("carol"));
        prop_assert_eq!(order.len() + refused, said, "each line is said or refused");
        if let Some(hand) = &hand {
            let on_disk: Vec<String> = hand.disk().iter().flat_map(|entry| &entry.events).filter_map(|event| match event {
                Durable::Message(m) => Some(format!("#lobby <{}> {}", m.source.nick, m.text)),
                _ => None,
            }).collect();
            prop_assert_eq!(order, on_disk);
        } else {
            prop_assert_eq!(refused, 0);
        }
    }
}
