//! Replays as the shell carries them out: page after page, live lines behind them, fences between.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::{registration, shell::House};
use crate::{
    hub::request::Gone,
    journal::{
        Journal, Memory,
        late::{Hand, Late},
    },
    protocol::caps::Dialect,
};

const CAPS: &str = "message-tags server-time batch";

/// The numbers that Bob said, as they come to Alice, and what the server asked.
#[derive(Default)]
struct Ear {
    /// What this session has heard, in order.
    heard: Vec<u32>,
    /// The last fence, and how much had been heard before it.
    fence: Option<(String, usize)>,
    batch: bool,
    ids: BTreeMap<u32, String>,
}

impl Ear {
    fn hear(&mut self, lines: &[String]) {
        for line in lines {
            if let Some(token) = line.strip_prefix("PING ") {
                assert!(!self.batch, "{line} in a batch");
                if token.starts_with("conclave-") {
                    self.fence = Some((token.to_owned(), self.heard.len()));
                }
            } else if line.contains(" BATCH ") {
                assert_eq!(self.batch, line.contains(" BATCH -"), "{line}");
                self.batch = !self.batch;
            } else if let Some((head, number)) = line.split_once(" PRIVMSG #ops :") {
                assert_eq!(self.batch, head.contains("batch=h"), "{line}");
                let number = number.parse().unwrap();
                let id = &head.split_once("msgid=").unwrap().1[..26];
                assert_eq!(self.ids.entry(number).or_insert_with(|| id.to_owned()), id, "one message, one id");
                if let Some(&last) = self.heard.last() {
                    assert_eq!(number, last + 1, "in order, each once, none left out");
                }
                self.heard.push(number);
            }
        }
    }
}

struct Story {
    house: House,
    hand: Option<Hand>,
    ear: Ear,
    here: bool,
    said: u32,
    /// Up to where Alice has confirmed that she has read.
    confirmed: u32,
    /// The same when she came.
    before: u32,
}

impl Story {
    fn new(late: bool) -> Self {
        let (journal, hand) = Late::new();
        let (journal, hand): (Box<dyn Journal>, _) =
            if late { (Box::new(journal), Some(hand)) } else { (Box::<Memory>::default(), None) };
        let house = House::new(journal);
        let mut story = Self { house, hand, ear: Ear::default(), here: true, said: 0, confirmed: 0, before: 0 };
        for name in ["bob", "alice"] {
            story.house.comes(name, Dialect::Irc, CAPS);
            story.house.says(name, "JOIN #ops");
        }
        story.settle();
        story
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            self.house.pump();
            if let Some(hand) = &self.hand {
                hand.commit(usize::MAX);
                hand.answer(1000);
            }
            self.listens();
            self.house.heard("bob");
        }
    }

    fn listens(&mut self) {
        let lines = self.house.heard("alice");
        self.ear.hear(&lines);
        if let Some(first) = self.ear.heard.first() {
            assert_eq!(*first, self.before + 1, "nothing lost, nothing confirmed comes again");
        }
    }

    fn pongs(&mut self) {
        if let Some((token, before)) = self.ear.fence.take().filter(|_| self.here) {
            self.house.says("alice", &format!("PONG {token}"));
            self.confirmed = before.checked_sub(1).map_or(self.confirmed, |at| self.ear.heard[at]);
        }
    }

    fn comes_or_goes(&mut self) {
        if self.here {
            self.house.goes("alice", Gone::Lost);
        } else {
            self.house.comes("alice", Dialect::Irc, CAPS);
        }
        self.here = !self.here;
        self.before = self.confirmed;
        let ids = std::mem::take(&mut self.ear.ids);
        self.ear = Ear { ids, ..Ear::default() };
    }

    fn does(&mut self, deed: &Deed) {
        match deed {
            Deed::Say(lines) => {
                for _ in 0..*lines {
                    if self.said.is_multiple_of(200) {
                        self.house.pump();
                    }
                    self.said += 1;
                    self.house.says("bob", &format!("PRIVMSG #ops :{}", self.said));
                }
            }
            Deed::Pump => self.house.pump(),
            Deed::Commit(most) => self.hand.iter().for_each(|hand| hand.commit(*most)),
            Deed::Answer(most) => self.hand.iter().for_each(|hand| hand.answer(*most)),
            Deed::Listen => self.listens(),
            Deed::Pong => self.pongs(),
            Deed::ComeOrGo => self.comes_or_goes(),
            Deed::Wait(seconds) => self.house.waits(*seconds),
        }
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Say(u32),
    Pump,
    Commit(usize),
    Answer(usize),
    Listen,
    Pong,
    ComeOrGo,
    Wait(u32),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1..6u32).prop_map(Deed::Say),
        1 => (90..230u32).prop_map(Deed::Say),
        3 => Just(Deed::Pump),
        4 => prop_oneof![1..4usize, Just(999)].prop_map(Deed::Commit),
        4 => (0..3usize).prop_map(Deed::Answer),
        4 => Just(Deed::Listen),
        3 => Just(Deed::Pong),
        3 => Just(Deed::ComeOrGo),
        2 => (1..40u32).prop_map(Deed::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// However commits, answers, the taking of pages, live messages, answered fences and lost
    /// connections interleave.
    #[test]
    fn nothing_is_lost_and_only_what_was_not_confirmed_comes_again(deeds in vec(deed(), 1..70), late: bool) {
        let mut story = Story::new(late);
        deeds.iter().for_each(|deed| story.does(deed));
        if !story.here {
            story.comes_or_goes();
        }
        story.settle();
        prop_assert_eq!(story.ear.heard.last().copied().unwrap_or(story.confirmed), story.said);
        // And now all of it is confirmed.
        for _ in 0..2 {
            story.pongs();
            story.settle();
            story.house.waits(15);
            story.settle();
        }
        story.pongs();
        story.settle();
        prop_assert_eq!(story.confirmed, story.said);
        story.comes_or_goes();
        story.comes_or_goes();
        story.settle();
        prop_assert!(story.ear.heard.is_empty());
    }
}

/// Alice is away, and Bob has said so many lines.
fn missed(lines: u32) -> Story {
    let mut story = Story::new(true);
    story.comes_or_goes();
    story.does(&Deed::Say(lines));
    story.settle();
    story
}

#[test]
fn what_is_said_during_a_replay_comes_after_it() {
    let mut story = missed(150);
    let hand = story.hand.clone().unwrap();
    story.comes_or_goes();
    story.does(&Deed::Say(10));
    story.house.pump();
    hand.commit(usize::MAX);
    story.listens();
    story.does(&Deed::Say(10));
    story.house.pump();
    hand.commit(usize::MAX);
    story.settle();
    // The ear holds them to their order and their batches.
    assert_eq!(story.ear.heard, (1..=170).collect::<Vec<_>>());
}

#[test]
fn a_page_is_asked_for_when_the_one_before_was_taken() {
    let mut story = missed(350);
    let hand = story.hand.clone().unwrap();
    let before = hand.questions();
    story.comes_or_goes();
    for _ in 0..10 {
        story.house.pump();
        hand.commit(usize::MAX);
    }
    // Nobody takes anything: not even the welcome went out.
    assert_eq!(hand.questions() - before, 1, "how much there is");
    story.settle();
    assert_eq!((story.ear.heard.len(), hand.questions() - before), (350, 5));
}

#[test]
fn what_cannot_be_read_is_told_and_comes_when_it_can() {
    let mut story = missed(150);
    let hand = story.hand.clone().unwrap();
    for answers in [0usize, 1, 2] {
        // Nothing, the survey, and the first page: a question has its answer when it is asked.
        hand.hold();
        story.comes_or_goes();
        if answers == 0 {
            hand.cover();
        }
        story.house.pump();
        hand.commit(usize::MAX);
        let mut lines = story.house.heard("alice");
        if answers == 2 {
            hand.answer(1);
            lines.extend(story.house.heard("alice"));
        }
        hand.cover();
        hand.answer(9);
        lines.extend(story.house.heard("alice"));
        assert_eq!(lines.iter().filter(|line| line.contains(" BATCH +")).count(), answers / 2);
        story.does(&Deed::Say(1));
        story.house.pump();
        hand.commit(usize::MAX);
        lines.extend(story.house.heard("alice"));
        assert!(lines.iter().any(|line| line.contains("cannot read now what you missed")), "{answers}");
        let live = format!("PRIVMSG #ops :{}", story.said);
        assert!(lines.last().unwrap().ends_with(&live), "she is live");
        // What she confirms now does not count.
        story.house.waits(30);
        let after = story.house.heard("alice");
        assert!(!after.iter().any(|line| line.contains("conclave-")), "{after:?}");
        hand.uncover();
        story.comes_or_goes();
    }
    story.comes_or_goes();
    story.settle();
    assert_eq!(story.ear.heard, (1..=story.said).collect::<Vec<_>>());
}

#[test]
fn fences_come_in_the_quiet_and_one_at_a_time() {
    let mut story = Story::new(false);
    let fences = |story: &mut Story, seconds: u32| -> Vec<String> {
        story.house.waits(seconds);
        let lines = story.house.heard("alice");
        lines.into_iter().filter(|line| line.starts_with("PING conclave-")).collect()
    };
    assert_eq!(fences(&mut story, 60), [""; 0], "nothing was said");
    story.does(&Deed::Say(3));
    story.house.pump();
    assert_eq!(fences(&mut story, 14), [""; 0]);
    let first = fences(&mut story, 1);
    assert_eq!(first.len(), 1);
    story.does(&Deed::Say(300));
    story.house.pump();
    assert_eq!(fences(&mut story, 60), [""; 0], "one at a time");
    story.house.says("alice", &first[0].replace("PING", "PONG"));
    story.house.pump();
    assert_eq!(fences(&mut story, 1).len(), 1);
    // What is kept nowhere need not be confirmed.
    story.house.says("bob", "@+typing=active TAGMSG #ops");
    story.house.says("bob", "PRIVMSG @#ops :to operators");
    story.house.says("bob", "TOPIC #ops :x");
    story.house.pump();
    story.pongs();
    assert_eq!(fences(&mut story, 60), [""; 0]);
}

/// Who is about to leave asks for his fence: it comes before the PONG, if there is anything to confirm.
#[test]
fn who_asks_for_a_fence_confirms_before_he_leaves() {
    let mut story = Story::new(false);
    story.house.says("alice", "PING conclave-fence");
    story.house.expect("alice", &[":c.test PONG c.test conclave-fence"]);
    story.does(&Deed::Say(3));
    story.house.pump();
    story.house.says("alice", "PING conclave-fence");
    let heard = story.house.heard("alice");
    assert!(heard[3].starts_with("PING conclave-0-"), "{heard:?}");
    assert_eq!(heard[4..], [":c.test PONG c.test conclave-fence"]);
    story.house.says("alice", &heard[3].replace("PING", "PONG"));
    story.house.says("alice", "PING conclave-fence");
    story.house.expect("alice", &[":c.test PONG c.test conclave-fence"]);
    story.house.says("alice", "QUIT");
    story.house.pump();
    story.does(&Deed::Say(1));
    story.house.comes("alice", Dialect::Irc, CAPS);
    story.house.pump();
    let again = story.house.heard("alice");
    assert_eq!(again.iter().filter(|line| line.contains(" PRIVMSG ")).count(), 1, "{again:?}");
}

#[test]
fn a_failed_commit_takes_back_no_cursor_for_long() {
    let mut story = missed(0);
    let hand = story.hand.clone().unwrap();
    story.comes_or_goes();
    story.settle();
    story.does(&Deed::Say(5));
    story.settle();
    story.house.waits(15);
    story.settle();
    let fence = story.ear.fence.take().unwrap().0;
    story.house.says("alice", &format!("PONG {fence}"));
    story.house.says("alice", "PING x");
    story.house.pump();
    hand.fail();
    let lines = story.house.heard("alice");
    assert!(
        lines.iter().any(|line| line.ends_with("PONG c.test x")) && !lines.iter().any(|line| line.contains("FAIL"))
    );
    // The server tries to write again, and can.
    for _ in 0..3 {
        story.house.tick();
        story.settle();
    }
    story.does(&Deed::Say(1));
    story.settle();
    story.house.waits(15);
    story.settle();
    story.pongs();
    story.settle();
    story.comes_or_goes();
    story.comes_or_goes();
    story.settle();
    assert_eq!(story.ear.heard, [0u32; 0]);
}

/// The server ends and starts again: its journal has the cursors.
#[test]
fn a_restart_keeps_what_was_confirmed_and_what_was_not() {
    let mut story = missed(3);
    story.comes_or_goes();
    story.settle();
    story.pongs();
    story.settle();
    story.does(&Deed::Say(2));
    story.settle();
    assert_eq!((story.confirmed, story.ear.heard.len()), (3, 5));
    story.before = story.confirmed;
    story.house = House::new(Box::new(story.hand.as_ref().unwrap().restarted()));
    story.house.comes("bob", Dialect::Irc, CAPS);
    story.here = false;
    story.comes_or_goes();
    story.settle();
    story.does(&Deed::Say(1));
    story.settle();
    assert_eq!(story.ear.heard, [4, 5, 6]);
}

#[test]
fn a_person_sees_what_he_missed_between_a_head_and_an_end() {
    let mut house = House::new(Box::<Memory>::default());
    house.comes("bob", Dialect::Irc, "");
    house.says("bob", "JOIN #lobby");
    let shell = |house: &mut House| {
        house.registers("shell", registration("carol", Dialect::Plain, ""));
        house.heard("shell")
    };
    shell(&mut house);
    house.goes("shell", Gone::Lost);
    for n in 0..120 {
        house.says("bob", &format!("PRIVMSG #lobby :{n}"));
    }
    house.pump();
    let heard = shell(&mut house);
    let head = heard.iter().position(|line| line == "-!- 120 missed messages:").unwrap_or_else(|| panic!("{heard:?}"));
    assert_eq!(heard[head + 1..=head + 120], (0..120).map(|n| format!("#lobby <bob> {n}")).collect::<Vec<_>>());
    assert_eq!(heard[head + 121..], ["-!- you are up to date"]);
    // He types, and has read it.
    house.says("shell", "/rooms");
    house.heard("shell");
    house.says("bob", "PRIVMSG #lobby :seen, not confirmed");
    house.heard("shell");
    house.goes("shell", Gone::Lost);
    let heard = shell(&mut house);
    assert!(heard.contains(&"-!- 1 missed message:".to_owned()), "{heard:?}");
    // His connection ends in good order.
    house.goes("shell", Gone::Cut("Connection closed".into()));
    assert!(!shell(&mut house).iter().any(|line| line.contains("missed")));
    // He leaves with a command, and has got its answer.
    house.says("bob", "PRIVMSG #lobby :last");
    house.says("shell", "/quit");
    let heard = house.heard("shell");
    assert!(heard.ends_with(&["(end)".into()]), "{heard:?}");
    house.goes("shell", Gone::Cut("Connection closed".into()));
    assert!(!shell(&mut house).iter().any(|line| line.contains("missed")));
}

/// What did not go out was not read, whatever he types.
#[test]
fn what_waits_in_the_outbox_is_not_read() {
    let mut house = House::new(Box::<Memory>::default());
    house.comes("bob", Dialect::Irc, "");
    house.says("bob", "JOIN #lobby");
    house.registers("shell", registration("carol", Dialect::Plain, ""));
    house.heard("shell");
    house.says("bob", "PRIVMSG #lobby :one");
    house.pump();
    house.says("shell", "/rooms");
    house.pump();
    house.goes("shell", Gone::Cut("Send timeout".into()));
    house.registers("shell", registration("carol", Dialect::Plain, ""));
    assert!(house.heard("shell").contains(&"-!- 1 missed message:".to_owned()));
}
