//! What no sequence of commands may lead to: a line that breaks the grammar or its limits, an answer
//! without its label, a batch that stays open, a message that somebody hears who is not meant to, a
//! secret room or an invisible person that an outsider learns of, or a state that the journal would
//! not make again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    registration,
    replay::{Tape, agrees_with_itself, same_after_replay},
    settings,
    shell::House,
};
use crate::{
    hub::{request::Gone, state::Settings},
    ident::{Nick, RoomId},
    protocol::{
        LineLimits, Message,
        caps::{Cap, Dialect},
        durable::Durable,
        modes::Flag,
    },
};

/// Sessions: what the test calls them, whose they are, what they have negotiated.
const SESSIONS: [(&str, &str, &str, Dialect); 12] = [
    (
        "alice",
        "alice",
        "message-tags server-time labeled-response batch echo-message draft/message-redaction draft/metadata-3 conclave.chat/id soju.im/search",
        Dialect::Irc,
    ),
    ("bob", "bob", "", Dialect::Irc),
    (
        "carol",
        "carol",
        "labeled-response batch extended-join away-notify invite-notify multi-prefix draft/metadata-3",
        Dialect::Irc,
    ),
    (
        "mallory",
        "mallory",
        "labeled-response batch message-tags draft/chathistory draft/event-playback extended-monitor away-notify setname draft/metadata-3 soju.im/search",
        Dialect::Irc,
    ),
    ("trudy", "trudy", "userhost-in-names draft/read-marker draft/channel-rename draft/multiline", Dialect::Irc),
    ("root", "root", "server-time account-tag", Dialect::Irc),
    ("pat", "pat", "", Dialect::Plain),
    (
        "alice2",
        "alice",
        "labeled-response batch draft/multiline message-tags draft/read-marker chghost setname invite-notify conclave.chat/id",
        Dialect::Irc,
    ),
    ("bob2", "bob", "", Dialect::Plain),
    (
        "carol2",
        "carol",
        "conclave.chat/unseen conclave.chat/id labeled-response batch echo-message draft/multiline",
        Dialect::Irc,
    ),
    ("mallory2", "mallory", "draft/multiline batch labeled-response draft/channel-rename", Dialect::Irc),
    (IVY, IVY, "labeled-response batch", Dialect::Irc),
];

/// She is invisible (`+i`) whenever she is here, and does nothing that others must hear: who has never
/// shared a room with her never reads her name.
const IVY: &str = "ivy";

const WORDS: [&str; 61] = [
    "conclave-0-40",
    "#open",
    "#secret",
    "#other",
    "#lobby",
    "#fresh",
    "#SECRET",
    "#sec*",
    "@#secret",
    "+#open",
    "alice",
    "bob",
    "carol",
    "mallory",
    "trudy",
    "pat",
    "root",
    "nobody",
    "*",
    "0",
    "",
    "a*",
    "?ob",
    "#open,#secret",
    "alice,bob",
    "+o",
    "-o",
    "+b",
    "+e",
    "+I",
    "+s",
    "-s",
    "+i",
    "-i",
    "+m",
    "+l",
    "+k",
    "-k",
    "+v-v",
    "+ntsi",
    "bob!*@*",
    "*!*@net",
    "5",
    "-1",
    "LATEST",
    "TARGETS",
    "*ALL",
    "text=word*;in=#secret;limit=100",
    "text=one;from=alice",
    "word*",
    "SET",
    "GET",
    "SYNC",
    "url",
    "BEFORE",
    "msgid=00000000000000000000000000",
    "timestamp=2020-01-01T00:00:00.000Z",
    "%tcuihsnfdlaor,7",
    "o",
    "\u{e9}\u{1f44d}\u{202e}",
    "\u{3}4\u{1}x",
];

const VERBS: [&str; 42] = [
    "JOIN",
    "PART",
    "PRIVMSG",
    "NOTICE",
    "TAGMSG",
    "NAMES",
    "WHO",
    "WHOIS",
    "WHOWAS",
    "TOPIC",
    "LIST",
    "MODE",
    "KICK",
    "INVITE",
    "RENAME",
    "AWAY",
    "SETNAME",
    "MOTD",
    "LUSERS",
    "VERSION",
    "TIME",
    "INFO",
    "ADMIN",
    "USERHOST",
    "ISON",
    "METADATA",
    "MONITOR",
    "HISTORY",
    "CHATHISTORY",
    "SEARCH",
    "MARKREAD",
    "REDACT",
    "OPER",
    "WALLOPS",
    "HELP",
    "NICK",
    "USER",
    "PING",
    "CAP",
    "AUTHENTICATE",
    "PONG",
    "FROB",
];

/// What one session does.
#[derive(Clone, Debug)]
enum Deed {
    Says(Said),
    /// It is gone with its connection, or cut off; or it comes back if it was gone.
    GoesOrComes(usize, bool),
}

/// Lines of one session, which may be those of a batch; `$` in them becomes a word that occurs nowhere
/// else.
#[derive(Clone, Debug)]
struct Said {
    who: usize,
    label: bool,
    line: String,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => said().prop_map(Deed::Says),
        1 => (0..SESSIONS.len(), any::<bool>()).prop_map(|(who, lost)| Deed::GoesOrComes(who, lost)),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let room = || select(vec!["#open", "#secret", "#secret", "#other", "#lobby", "#fresh"]);
    let person = || select(vec!["alice", "bob", "carol", "mallory", "trudy", "pat", "nobody", "dora"]);
    let sensible = prop_oneof![
        room().prop_map(|room| format!("JOIN {room}")),
        room().prop_map(|room| format!("PART {room} :$")),
        (select(vec!["PRIVMSG", "NOTICE"]), room()).prop_map(|(verb, room)| format!("{verb} {room} :$")),
        (select(vec!["@", "+"]), room()).prop_map(|(status, room)| format!("PRIVMSG {status}{room} :$")),
        (person(), room()).prop_map(|(to, room)| format!("PRIVMSG {to},{room} :$")),
        // A few names and texts, so that some is sent again, and some under another's name.
        (0..3u8, select(vec!["PRIVMSG", "NOTICE"]), prop_oneof![room(), person()], select(vec!["one", "two", "$"]))
            .prop_map(|(id, verb, to, text)| format!("@conclave.chat/id={id} {verb} {to} :{text}")),
        (0..3u8, room()).prop_map(|(id, to)| {
            format!("@conclave.chat/id={id} BATCH +q draft/multiline {to}\n@batch=q PRIVMSG {to} :$ one\nBATCH -q")
        }),
        room().prop_map(|room| format!("@+draft/react=$ TAGMSG {room}")),
        room().prop_map(|room| format!("TOPIC {room} :$")),
        (room(), person()).prop_map(|(room, who)| format!("KICK {room} {who} :$")),
        (person(), room()).prop_map(|(who, room)| format!("INVITE {who} {room}")),
        (room(), select(vec!["+s", "-s", "+i", "+m", "-n", "+l 1", "+k key", "+b *!*@*", "+o bob", "+v carol"]))
            .prop_map(|(room, mode)| format!("MODE {room} {mode}")),
        (room(), room()).prop_map(|(room, new)| format!("RENAME {room} {new} :$")),
        room().prop_map(|room| format!("CHATHISTORY LATEST {room} * 50")),
        (prop_oneof![room(), person(), Just("*")], select(vec!["word*", "one", "two word*"]))
            .prop_map(|(scope, words)| format!("SEARCH {scope} {words}")),
        (room(), person()).prop_map(|(room, from)| format!("SEARCH text=word*;limit=100;in={room};from={from}")),
        person().prop_map(|from| format!("SEARCH text=word*;limit=100;from={from}")),
        Just("CHATHISTORY TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2099-01-01T00:00:00.000Z 50".to_owned()),
        (select(vec!["HISTORY", "WHO", "NAMES", "LIST", "MODE", "TOPIC", "MARKREAD"]), room())
            .prop_map(|(verb, room)| format!("{verb} {room}")),
        (
            prop_oneof![room(), person(), select(vec!["*", "*ALL"])],
            select(vec!["SET url :$", "SET avatar $", "SET url", "CLEAR", "GET url avatar", "LIST", "SYNC"]),
        )
            .prop_map(|(target, ask)| format!("METADATA {target} {ask}")),
        select(vec!["SUB url avatar", "UNSUB url", "SUBS"]).prop_map(|ask| format!("METADATA * {ask}")),
        person().prop_map(|who| format!("WHOIS {who}")),
        person().prop_map(|who| format!("MONITOR + {who}")),
        Just("AWAY :gone".to_owned()),
        (select(vec!["PRIVMSG", "NOTICE"]), prop_oneof![room(), person()], any::<bool>()).prop_map(
            |(verb, to, joined)| {
                let joined = if joined { ";draft/multiline-concat" } else { "" };
                format!(
                    "BATCH +q draft/multiline {to}\n@batch=q {verb} {to} :$ one\n@batch=q{joined} {verb} {to} :$ two\nBATCH -q"
                )
            }
        ),
        (select(vec!["", "-"]), select(CAPS.to_vec())).prop_map(|(sign, cap)| format!("CAP REQ :{sign}{cap}")),
        (select(CAPS.to_vec()), select(CAPS.to_vec())).prop_map(|(one, other)| format!("CAP REQ :{one} -{other}")),
        person().prop_map(|who| format!("KILL {who} :$")),
        select(vec!["JOIN 0", "QUIT :so long", "MODE alice +Bi", "MODE bob -i+w", "AWAY", "OPER a b", "SETNAME :$", "INVITE"])
            .prop_map(str::to_owned),
    ];
    let anything =
        (select(VERBS.to_vec()), vec(select(WORDS.to_vec()), 0..5), any::<bool>()).prop_map(|(verb, words, last)| {
            match words.split_last() {
                Some((end, words)) if last => {
                    let words: String =
                        words.iter().filter(|word| !word.is_empty()).map(|word| format!(" {word}")).collect();
                    format!("{verb}{words} :{end}{}", if words.len() > 20 { "x".repeat(400) } else { String::new() })
                }
                _ => {
                    let words: String =
                        words.iter().filter(|word| !word.is_empty()).map(|word| format!(" {word}")).collect();
                    format!("{verb}{words}")
                }
            }
        });
    let line = prop_oneof![4 => sensible, 3 => anything];
    (0..SESSIONS.len(), any::<bool>(), line).prop_map(|(who, label, line)| Said { who, label, line })
}

const CAPS: [&str; 14] = [
    "batch",
    "labeled-response",
    "draft/multiline",
    "message-tags",
    "conclave.chat/unseen",
    "draft/metadata-3",
    "away-notify",
    "extended-monitor",
    "setname",
    "chghost",
    "draft/read-marker",
    "echo-message",
    "conclave.chat/id",
    "soju.im/search",
];

/// Who knows what: the accounts that may hear a word.
#[derive(Default)]
struct Meant {
    people: BTreeSet<Nick>,
    rooms: BTreeSet<RoomId>,
    /// Everybody who may see the room: it is the room's topic or metadata.
    topic: bool,
    /// Everybody: it is what a person calls himself or says about himself, or why he was killed.
    metadata: bool,
}

struct World {
    house: House,
    words: Vec<Meant>,
    /// Who has ever been told of a room by an invitation or by having been in it.
    knows: BTreeSet<(Nick, RoomId)>,
    /// Who has ever shared a room with the invisible.
    met: BTreeSet<Nick>,
    events: Arc<Mutex<Vec<Durable>>>,
}

fn nick(name: &str) -> Nick {
    name.parse().unwrap()
}

impl World {
    fn new(linger_ms: u64) -> Self {
        let (tape, events) = Tape::new();
        let house = House::with(Settings { linger_ms, ..settings() }, Box::new(tape));
        house.issued(&["dora", "bob"]);
        let mut world = Self { house, words: Vec::new(), knows: BTreeSet::new(), met: BTreeSet::new(), events };
        (0..SESSIONS.len()).for_each(|who| world.comes(who));
        for (name, line) in [
            ("alice", "JOIN #secret"),
            ("alice", "MODE #secret +s"),
            ("bob", "JOIN #secret"),
            ("alice", "JOIN #open"),
            ("mallory", "JOIN #open"),
            ("carol", "JOIN #open,#other"),
            ("trudy", "JOIN #other"),
        ] {
            world.house.says(name, line);
        }
        world.hear();
        world
    }

    fn comes(&mut self, who: usize) {
        let (name, account, caps, dialect) = SESSIONS[who];
        self.house.registers(name, registration(account, dialect, caps));
        if name == IVY {
            self.house.says(IVY, "MODE ivy +i");
        }
    }

    /// What everybody heard of what has happened.
    fn hear(&mut self) -> Vec<Vec<String>> {
        let heard = SESSIONS.iter().map(|(name, ..)| self.house.heard(name)).collect();
        self.learn();
        for (name, ..) in SESSIONS {
            // Killed, or cut off for what it said.
            if self.house.is_ended(name) {
                self.house.goes(name, Gone::Lost);
            }
        }
        agrees_with_itself(self.house.state());
        heard
    }

    fn learn(&mut self) {
        let state = self.house.state();
        for (&id, room) in &state.rooms {
            self.knows.extend(room.members.keys().chain(&room.invited).map(|nick| (nick.clone(), id)));
            if room.members.contains_key(&nick(IVY)) {
                self.met.extend(room.members.keys().cloned());
            }
        }
    }

    fn does(&mut self, deed: &Deed) {
        match deed {
            Deed::Says(said) => self.says(said),
            Deed::GoesOrComes(who, lost) => {
                let name = SESSIONS[*who].0;
                match self.house.caps(name) {
                    Some(_) if *lost => self.house.goes(name, Gone::Lost),
                    Some(_) => self.house.goes(name, Gone::Cut("cut".into())),
                    None => self.comes(*who),
                }
                let secrets = self.secrets();
                let heard = self.hear();
                self.check(&heard, &secrets, (SESSIONS[*who].1, "(goes or comes)"));
            }
        }
    }

    /// Which rooms are secret, with their names; that there is a lobby, everybody knows.
    fn secrets(&self) -> BTreeMap<RoomId, String> {
        let state = self.house.state();
        let secret =
            state.rooms.iter().filter(|(_, room)| room.modes.has(Flag::Secret) && room.name.as_str() != "#lobby");
        secret.map(|(&id, room)| (id, room.name.folded())).collect()
    }

    fn says(&mut self, said: &Said) {
        let (name, account, _, dialect) = SESSIONS[said.who];
        let Some(caps) = self.house.caps(name) else { return };
        if dialect == Dialect::Plain && (said.line.starts_with(['@', ':']) || said.line.contains('\n')) {
            return;
        }
        let word = format!("word{:04}w", self.words.len());
        let line = said.line.replace('$', &word);
        if name == IVY && !is_quiet(&line) {
            return;
        }
        let meant = self.meant(account, line.rsplit('\n').nth(1).unwrap_or(&line));
        self.words.push(meant);
        self.given_away(dialect, &line);
        let secrets = self.secrets();
        let labeled = said.label && dialect == Dialect::Irc && caps.has(Cap::LabeledResponse);
        let sent = match (dialect, labeled, line.strip_prefix('@')) {
            (Dialect::Irc, true, Some(tagged)) => format!("@label=L;{tagged}"),
            (Dialect::Irc, true, None) => format!("@label=L {line}"),
            (Dialect::Irc, false, _) => line.clone(),
            (Dialect::Plain, ..) => format!("/{line}"),
        };
        let mut answered = false;
        for sent in sent.split('\n') {
            answered |= self.house.says_line(name, sent).flatten().as_deref() == Some("L");
        }
        let heard = self.hear();
        self.check(&heard, &secrets, (account, &line));
        // Several lines need a batch around them.
        if answered && caps.has(Cap::Batch) {
            let with_label = heard[said.who].iter().filter(|line| line.contains("label=L")).count();
            assert_eq!(with_label, 1, "{line:?} is answered {:?}", heard[said.who]);
        }
    }

    /// `secrets`: the rooms that were secret before.
    fn check(&self, heard: &[Vec<String>], secrets: &BTreeMap<RoomId, String>, (by, line): (&str, &str)) {
        let still: BTreeMap<RoomId, String> =
            self.secrets().into_iter().filter(|(id, _)| secrets.contains_key(id)).collect();
        for ((_, person, _, dialect), lines) in SESSIONS.iter().zip(heard) {
            if *dialect == Dialect::Irc {
                grammar(person, lines, line);
            }
            for heard in lines {
                self.check_words(person, heard, line);
                self.check_secrets(person, heard, &still, (by, line));
                assert!(
                    *person == IVY || self.met.contains(&nick(person)) || !heard.contains(IVY),
                    "{person} learns of the invisible by {heard:?} after {line:?} of {by}"
                );
            }
        }
    }

    /// A room whose name somebody writes where others read it is no secret any more.
    fn given_away(&mut self, dialect: Dialect, line: &str) {
        let line = line.to_ascii_lowercase();
        let (verb, params) = line.split_once(' ').unwrap_or((&line, ""));
        let text = match verb {
            // The plain dialect need not name the room first.
            "topic" | "kick" | "part" | "mode" | "rename" | "invite" if dialect == Dialect::Plain => params,
            "away" | "setname" | "wallops" => params,
            "privmsg" | "notice" | "topic" | "kick" | "part" | "mode" | "rename" | "invite" | "metadata" => {
                params.split_once(' ').map_or("", |(_, text)| text)
            }
            _ => "",
        };
        let told: Vec<RoomId> =
            self.secrets().into_iter().filter(|(_, name)| text.contains(name.as_str())).map(|(id, _)| id).collect();
        for id in told {
            self.knows.extend(SESSIONS.iter().map(|(_, name, ..)| (nick(name), id)));
        }
    }

    /// Who may hear the word that is in this line.
    fn meant(&self, name: &str, line: &str) -> Meant {
        let mut meant = Meant { people: [nick(name)].into(), ..Meant::default() };
        let line = line.split_once(' ').filter(|_| line.starts_with('@')).map_or(line, |(_, rest)| rest);
        let mut params = line.split(' ');
        let verb = params.next().unwrap_or_default();
        meant.topic = matches!(verb, "TOPIC" | "METADATA");
        meant.metadata = verb == "METADATA" && !line.contains('#') || matches!(verb, "KILL" | "SETNAME");
        let state = self.house.state();
        for target in params.next().unwrap_or_default().split(',') {
            let room = target.trim_start_matches(['@', '+']);
            if let Some((id, room)) = state.room_named(room) {
                meant.rooms.insert(id);
                meant.people.extend(room.members.keys().cloned());
            } else if let Some((nick, _)) = state.account_named(target) {
                meant.people.insert(nick.clone());
            }
        }
        meant
    }

    fn check_words(&self, person: &str, heard: &str, line: &str) {
        for (at, _) in heard.match_indices("word") {
            let number = heard.get(at + 4..at + 8).and_then(|digits| digits.parse::<usize>().ok());
            let Some(meant) = number.and_then(|number| self.words.get(number)) else { continue };
            let state = self.house.state();
            let me = nick(person);
            let may_read = |id: &RoomId| {
                state
                    .rooms
                    .get(id)
                    .is_some_and(|room| room.members.contains_key(&me) || meant.topic && !room.modes.has(Flag::Secret))
            };
            assert!(
                meant.metadata || meant.people.contains(&me) || meant.rooms.iter().any(may_read),
                "{person} hears {heard:?} after {line:?}, which was not meant for him"
            );
        }
    }

    fn check_secrets(&self, person: &str, heard: &str, secrets: &BTreeMap<RoomId, String>, (by, line): (&str, &str)) {
        let me = nick(person);
        // `/join @#secret` makes a room of another name: `#@#secret`.
        let heard_folded = heard.to_ascii_lowercase().replace("#@#", "#@").replace("#+#", "#+");
        for (id, room) in secrets.iter().filter(|(id, _)| !self.knows.contains(&(me.clone(), **id))) {
            if !heard_folded.contains(room.as_str()) {
                continue;
            }
            assert!(
                person == by && line.to_ascii_lowercase().contains(room.as_str()),
                "{person} learns of {room} by {heard:?} after {line:?} of {by}"
            );
            let Some(room) = self.house.state().rooms.get(id) else { continue };
            for member in room.members.keys().filter(|member| !line.to_ascii_lowercase().contains(&member.folded())) {
                assert!(
                    !heard_folded.contains(&member.folded()),
                    "{person} learns that {member} is in {} by {heard:?}",
                    room.name
                );
            }
        }
    }
}

/// Every line parses, is within its limits, is addressed to its reader, and leaves no batch open.
fn grammar(person: &str, lines: &[String], after: &str) {
    let mut open: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| *line != "(end)") {
        let message = Message::parse(line).unwrap_or_else(|error| panic!("{error}: {line:?} after {after:?}"));
        assert!(LineLimits { tags: 8191, body: 512 }.allow(line.as_bytes()), "too long: {line:?} after {after:?}");
        if message.command.len() == 3 && message.command.starts_with(|c: char| c.is_ascii_digit()) {
            assert_eq!(message.params.first().copied(), Some(person), "{line:?} after {after:?}");
            assert_eq!(message.source, Some("c.test"), "{line:?}");
        }
        assert!(message.tags.get("conclave.chat/id").is_none(), "{line:?} has the tag of another's line");
        if let Some(batch) = message.tags.get("batch") {
            assert!(open.iter().any(|open| **open == *batch), "{line:?} is in no open batch, after {after:?}");
        }
        if message.command == "BATCH" {
            let reference = message.params[0];
            match reference.strip_prefix('+') {
                Some(reference) => {
                    assert!(!open.iter().any(|open| open == reference), "{line:?} is open already");
                    open.push(reference.to_owned());
                }
                None => assert_eq!(open.pop().as_deref(), reference.strip_prefix('-'), "{line:?}"),
            }
        }
    }
    assert!(open.is_empty(), "{open:?} stay open after {after:?}: {lines:?}");
}

/// What the invisible may say without being seen by it.
fn is_quiet(line: &str) -> bool {
    let verb = line.split(' ').next().unwrap_or_default();
    [
        "JOIN",
        "WHO",
        "WHOIS",
        "NAMES",
        "LIST",
        "CAP",
        "AWAY",
        "PING",
        "MARKREAD",
        "MONITOR",
        "CHATHISTORY",
        "HISTORY",
        "SEARCH",
    ]
    .contains(&verb)
        || line == "QUIT :so long"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said(deeds in vec(deed(), 1..60), lingers: bool) {
        let mut world = World::new(if lingers { 1 << 40 } else { 0 });
        for deed in &deeds {
            world.does(deed);
        }
        let events = world.events.lock().unwrap().clone();
        same_after_replay(world.house.state(), &events);
        let mut names = BTreeSet::new();
        for event in &events {
            if let Durable::Sent { account, id, .. } = event {
                prop_assert!(names.insert((account, id)), "{account} said {id} twice");
            }
        }
        // A commit fails: who is here stays here.
        let state = world.house.state_mut();
        state.reload(|apply| { events.iter().cloned().for_each(apply); Ok::<_, ()>(()) }).unwrap();
        agrees_with_itself(state);
        same_after_replay(state, &events);
        for (name, ..) in SESSIONS {
            world.house.goes(name, Gone::Cut("the end".into()));
        }
        agrees_with_itself(world.house.state());
        prop_assert!(world.house.state().watchers.is_empty() && world.house.state().sessions.is_empty());
    }
}
