//! Large rooms: who comes and goes there is told together, and nobody hears anything else, otherwise, or
//! twice for it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{
    registration,
    shell::{House, timeless},
};
use crate::{
    hub::request::Gone,
    journal::Memory,
    protocol::{Message, caps::Dialect},
};

/// Two sessions of one account among them.
const PEOPLE: [(&str, &str, &str); 8] = [
    ("alice", "alice", ""),
    ("alice2", "alice", "extended-join"),
    ("bob", "bob", "away-notify multi-prefix"),
    ("carol", "carol", "server-time message-tags"),
    ("dave", "dave", "extended-join chghost setname echo-message"),
    ("erin", "erin", ""),
    ("frank", "frank", "draft/no-implicit-names"),
    ("grace", "grace", "userhost-in-names"),
];

const ROOMS: [&str; 3] = ["#one", "#two", "#three"];

#[derive(Clone, Debug)]
enum Happening {
    Comes(usize),
    Goes(usize, bool),
    Says(usize, String),
    Reads(usize),
    Pump,
    Pause,
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    let who = 0..PEOPLE.len();
    let room = || prop::sample::select(&ROOMS[..]);
    let line = prop_oneof![
        6 => room().prop_map(|room| format!("JOIN {room}")),
        3 => room().prop_map(|room| format!("PART {room}")),
        2 => room().prop_map(|room| format!("PRIVMSG {room} :hello")),
        1 => room().prop_map(|room| format!("NAMES {room}")),
        1 => room().prop_map(|room| format!("TOPIC {room} :something")),
        1 => (room(), who.clone(), any::<bool>()).prop_map(|(room, who, on)| {
            format!("MODE {room} {}v {}", if on { '+' } else { '-' }, PEOPLE[who].1)
        }),
        1 => (room(), who.clone()).prop_map(|(room, who)| format!("KICK {room} {}", PEOPLE[who].1)),
        1 => Just("AWAY :gone".into()),
        1 => Just("AWAY".into()),
        1 => Just("SETNAME :Another".into()),
        1 => Just("PING x".into()),
        1 => Just("QUIT :bye".into()),
        1 => Just("CAP REQ extended-join".into()),
        1 => Just("CAP REQ -extended-join".into()),
    ];
    prop_oneof![
        4 => who.clone().prop_map(Happening::Comes),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, lost)| Happening::Goes(who, lost)),
        12 => (who.clone(), line).prop_map(|(who, line)| Happening::Says(who, line)),
        2 => who.prop_map(Happening::Reads),
        3 => Just(Happening::Pump),
        2 => Just(Happening::Pause),
        1 => Just(Happening::Tick),
    ]
}

/// What each session has got, without what differs from run to run.
struct Told {
    house: House,
    heard: BTreeMap<&'static str, Vec<String>>,
}

impl Told {
    fn new(large: usize) -> Self {
        let mut house = House::new(Box::<Memory>::default());
        house.paced_from(large);
        let mut told = Self { house, heard: BTreeMap::new() };
        for who in 0..PEOPLE.len() {
            told.does(&Happening::Comes(who));
            for room in ROOMS {
                told.does(&Happening::Says(who, format!("JOIN {room}")));
            }
        }
        told
    }

    fn reads(&mut self, name: &'static str) {
        let lines = self.house.hears(name);
        self.heard.entry(name).or_default().extend(lines.iter().map(|line| timeless(line)));
    }

    /// Whether a session ended whose last words may not have reached it.
    fn does(&mut self, happening: &Happening) -> Option<&'static str> {
        let here = |house: &House, name: &str| house.caps(name).is_some();
        match happening {
            Happening::Comes(who) => {
                let (name, account, caps) = PEOPLE[*who];
                if here(&self.house, name) {
                    return None;
                }
                self.heard.remove(name);
                self.house.goes(name, Gone::Lost);
                let mut registration = registration(account, Dialect::Irc, caps);
                registration.client = Some(name.parse().unwrap());
                self.house.registers(name, registration);
                self.house.pump();
            }
            Happening::Goes(who, lost) => {
                let name = PEOPLE[*who].0;
                if here(&self.house, name) {
                    self.reads(name);
                    let how = if *lost { Gone::Lost } else { Gone::Cut("cut".into()) };
                    self.house.goes(name, how);
                    return Some(name);
                }
            }
            Happening::Says(who, line) => {
                let name = PEOPLE[*who].0;
                if here(&self.house, name) {
                    self.house.says(name, line);
                }
            }
            Happening::Reads(who) => self.reads(PEOPLE[*who].0),
            Happening::Pump => self.house.pump(),
            Happening::Pause => self.house.pause(),
            Happening::Tick => self.house.tick(),
        }
        None
    }

    /// All is said and read.
    fn settles(&mut self) {
        self.house.state().check_lists();
        self.house.pump();
        self.house.pause();
        PEOPLE.iter().for_each(|(name, ..)| self.reads(name));
    }

    /// Who is in each room of an account, and who of them operates it.
    fn truth(&self, account: &str) -> BTreeMap<String, BTreeMap<String, bool>> {
        let state = self.house.state();
        let nick = account.parse().unwrap();
        let present = |nick| state.accounts.get(nick).is_some_and(|account| account.present());
        let rooms = state.accounts[&nick].rooms.iter().map(|id| &state.rooms[id]);
        rooms
            .map(|room| {
                let here = room.members.iter().filter(|(nick, _)| present(nick));
                (room.name.to_string(), here.map(|(nick, member)| (nick.to_string(), member.operator)).collect())
            })
            .collect()
    }
}

/// What a program makes of what it reads.
#[derive(Default)]
struct View {
    rooms: BTreeMap<String, BTreeMap<String, bool>>,
    /// Of which it has seen a list.
    listed: BTreeSet<String>,
}

impl View {
    fn of(me: &str, lines: &[String]) -> Self {
        let mut view = Self::default();
        for line in lines.iter().filter(|line| *line != "(end)") {
            view.take(me, &Message::parse(line).unwrap());
        }
        view
    }

    fn take(&mut self, me: &str, message: &Message<'_>) {
        let who = message.source.and_then(|source| source.split('!').next()).unwrap_or_default();
        let param = |n: usize| message.params.get(n).copied().unwrap_or_default();
        match message.command {
            "JOIN" if who == me => {
                self.listed.remove(param(0));
                self.rooms.insert(param(0).into(), [(me.to_owned(), false)].into());
            }
            "JOIN" => {
                let new = self.rooms.get_mut(param(0)).expect("a room that it is in").insert(who.into(), false);
                assert!(new.is_none() || !self.listed.contains(param(0)), "{who} came twice");
            }
            "PART" | "KICK" => {
                let gone = if message.command == "PART" { who } else { param(1) };
                let room = self.rooms.get_mut(param(0)).expect("a room that it is in");
                let was = room.remove(gone);
                // Who is not here can be put out, too.
                let listed = self.listed.contains(param(0)) && message.command == "PART";
                assert!(was.is_some() || !listed, "{gone} went twice");
                if gone == me {
                    self.rooms.remove(param(0));
                    self.listed.remove(param(0));
                }
            }
            "QUIT" => {
                let was = self.rooms.values_mut().filter_map(|room| room.remove(who)).count();
                let listed = self.rooms.keys().all(|room| self.listed.contains(room));
                assert!(was > 0 || !listed, "{who} went twice");
            }
            "MODE" if param(0).starts_with('#') => {
                let mut on = true;
                let mut names = message.params[2..].iter();
                for letter in param(1).chars() {
                    match letter {
                        '+' | '-' => on = letter == '+',
                        'o' => {
                            let name = *names.next().unwrap();
                            if let Some(member) = self.rooms.get_mut(param(0)).and_then(|room| room.get_mut(name)) {
                                *member = on;
                            }
                        }
                        'v' => {
                            names.next();
                        }
                        _ => {}
                    }
                }
            }
            "353" => {
                if let Some(room) = self.rooms.get_mut(param(2)) {
                    for name in param(3).split(' ') {
                        let plain = name.trim_start_matches(['@', '+']).split('!').next().unwrap();
                        room.insert(plain.into(), name.starts_with('@'));
                    }
                }
            }
            "366" => {
                self.listed.insert(param(1).into());
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Paced or not, each session gets the same in the same order, and a program that follows what it
    /// reads knows who is there.
    #[test]
    fn pacing_changes_only_when_something_is_said(story in prop::collection::vec(happening(), 1..160)) {
        let (mut at_once, mut paced) = (Told::new(usize::MAX), Told::new(2));
        for happening in &story {
            at_once.does(happening);
            if let Some(name) = paced.does(happening) {
                let (all, got) = (&at_once.heard[name], &paced.heard[name]);
                prop_assert!(all.starts_with(got), "{} got\n{:#?}\nof\n{:#?}", name, got, all);
            }
        }
        at_once.settles();
        paced.settles();
        for (name, account, caps) in PEOPLE {
            if paced.house.caps(name).is_none() {
                continue;
            }
            prop_assert_eq!(&at_once.heard[name], &paced.heard[name], "{} got", name);
            let view = View::of(account, &paced.heard[name]);
            let truth = paced.truth(account);
            prop_assert!(view.rooms.keys().eq(truth.keys()), "{} is in {:?}", name, view.rooms);
            if !caps.contains("no-implicit-names") {
                prop_assert_eq!(&view.rooms, &truth, "{} sees", name);
            }
        }
    }
}

/// A room of so many, of whom so many leave at once and come back.
const MEMBERS: usize = 1000;
const LEAVING: usize = 200;

#[test]
fn a_storm_is_a_few_pushes_for_each() {
    let mut house = House::new(Box::<Memory>::default());
    let names: Vec<&'static str> = (0..MEMBERS).map(|n| &*format!("m{n}").leak()).collect();
    for name in &names {
        house.comes(name, Dialect::Irc, "draft/no-implicit-names");
        house.says(name, "JOIN #big");
        house.pump();
    }
    house.pause();
    for name in &names {
        house.hears(name);
    }
    let (leaving, staying) = names.split_at(LEAVING);
    let lines =
        |house: &mut House, name: &str, what: &str| house.hears(name).iter().filter(|line| line.contains(what)).count();

    leaving.iter().for_each(|name| house.goes(name, Gone::Cut("the switch".into())));
    house.pause();
    for name in staying {
        let (pushes, octets) = house.queued(name);
        // The first is told at once.
        assert!(pushes <= 2 && octets < 64 * LEAVING, "{pushes} pushes, {octets} octets");
        assert_eq!(lines(&mut house, name, " QUIT :"), LEAVING);
    }
    for name in leaving {
        house.comes(name, Dialect::Irc, "draft/no-implicit-names");
    }
    house.pump();
    house.pause();
    for name in staying {
        let (pushes, octets) = house.queued(name);
        assert!(pushes <= 2 && octets < 64 * LEAVING, "{pushes} pushes, {octets} octets");
        assert_eq!(lines(&mut house, name, " JOIN #big"), LEAVING);
    }
    for (n, name) in leaving.iter().enumerate() {
        let (pushes, _) = house.queued(name);
        assert!(pushes <= 4, "{pushes} pushes");
        // His own, and of those who came after him.
        assert_eq!(lines(&mut house, name, " JOIN #big"), LEAVING - n);
    }
}

#[test]
fn who_comes_alone_is_seen_at_once_and_others_after_a_pause() {
    let mut house = House::new(Box::<Memory>::default());
    house.paced_from(2);
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        house.comes(name, Dialect::Irc, "draft/no-implicit-names");
    }
    for name in ["alice", "bob"] {
        house.says(name, "JOIN #big");
        house.hears(name);
    }
    house.pause();
    house.pause();
    house.hears("alice");
    let mut joins = |who: &str, pause: bool, expect: &[&str]| {
        house.says(who, "JOIN #big");
        house.pump();
        if pause {
            house.pause();
        }
        house.expect("alice", expect);
    };
    joins("carol", false, &[":carol!carol@net JOIN #big"]);
    joins("dave", false, &[]);
    joins("erin", true, &[":dave!dave@net JOIN #big", ":erin!erin@net JOIN #big"]);
    // What is said to everybody does not wait, and comes after what came before it.
    for line in ["PART #big", "JOIN #big", "PRIVMSG #big :hello"] {
        house.says("dave", line);
    }
    let dave = ":dave!dave@net";
    house.expect(
        "alice",
        &["PART #big", "JOIN #big", "PRIVMSG #big :hello"].map(|line| &*format!("{dave} {line}").leak()),
    );
}

/// The lists of many who come at once are not in memory together: each page follows the one before it.
#[test]
fn a_long_list_comes_page_by_page_and_what_is_said_meanwhile_after_it() {
    let mut house = House::new(Box::<Memory>::default());
    for n in 0..3000 {
        let name = &*format!("somebody-with-a-long-name-{n}").leak();
        house.comes(name, Dialect::Irc, "draft/no-implicit-names");
        house.says(name, "JOIN #big");
        house.pump();
        house.forgets(name);
    }
    house.comes("alice", Dialect::Irc, "labeled-response batch");
    house.comes("bob", Dialect::Irc, "");
    house.pump();
    for (name, line) in [("alice", "@label=x JOIN #big"), ("bob", "JOIN #big"), ("bob", "LIST"), ("bob", "WHO #big")] {
        house.says(name, line);
    }
    house.says("alice", "PRIVMSG #big :hello");
    house.pump();
    house.pause();
    for name in ["alice", "bob"] {
        let (_, octets) = house.queued(name);
        assert!((30_000..40_000).contains(&octets), "{octets} octets at once for {name}");
    }
    let bob = house.hears("bob");
    let of = |what: &str| bob.iter().position(|line| line.contains(what)).unwrap();
    let last = |what: &str| bob.iter().rposition(|line| line.contains(what)).unwrap();
    assert!(of(" JOIN #big") < of(" 353 ") && last(" 353 ") + 1 == of(" 366 "), "the list is one piece");
    assert!(of(" 366 ") < of(" 321 ") && of(" 323 ") < of(" 352 ") && last(" 352 ") + 1 == of(" 315 "));
    assert_eq!(bob.iter().filter(|line| line.contains(" 352 ")).count(), 3002);
    assert_eq!(last("hello"), bob.len() - 1);
    let alice = house.hears("alice");
    let names = alice.iter().filter_map(|line| Some(line.split_once(" 353 ")?.1.split_once(':')?.1.split(' ').count()));
    assert_eq!(names.sum::<usize>(), 3001);
    let (end, bob) = (alice.iter().position(|line| line.ends_with("BATCH -r")).unwrap(), alice.len() - 1);
    assert!(
        alice[..=end]
            .iter()
            .skip_while(|line| !line.starts_with("@label=x"))
            .skip(1)
            .all(|line| { line.starts_with("@batch=r ") || line.ends_with("BATCH -r") })
    );
    assert!(end < bob && alice[bob].ends_with(":bob!bob@net JOIN #big"), "{:?}", &alice[end..]);
}
