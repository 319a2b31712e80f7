//! The journal at different sizes: what does a question cost in a store of ten thousand messages, and
//! what in one of a million?

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "a program")]

mod common;

use std::{
    path::Path,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use common::{Arguments, Dice, Times, place, shown, table};
use conclave::{
    ident::{DeviceId, Fingerprint, MsgId, Nick, RoomId, RoomName},
    journal::{Entry, Journal, Retention, sqlite::Sqlite},
    platform::clock::monotonic,
    protocol::{
        chat::{Act, Audience, Event, Kind, Message, Source},
        durable::{Bound, Conversation, Durable, Position, RoomKind, Visibility},
        past::{Answer, Content, Newest, Page, Question, Range, Search, Survey, Unread},
        words,
    },
};

const USAGE: &str = "cargo bench --bench journal -- [--sizes N,N,...] [--dir DIRECTORY] [--json]

Builds a journal of each size (10000,100000,1000000) in DIRECTORY (target/) and measures what it is
asked. Median and 99th percentile, in a file that the system has in its memory.";

const ROOMS: u64 = 50;
const PEOPLE: u64 = 200;
/// What each person is in, beside the largest room.
const ROOMS_OF_ONE: u64 = 9;
/// Most measurements are made so often, if that takes no longer than `PATIENCE`.
const SAMPLES: usize = 400;
const PATIENCE: Duration = Duration::from_secs(6);
/// All that is kept was said within so many milliseconds.
const SPAN_MS: u64 = 30 * 86_400_000;
const BEGIN_MS: u64 = 1_795_242_420_000;

fn nick(n: u64) -> Nick {
    format!("person{n}").parse().unwrap()
}

/// The word of this rank: 0 is in almost every text, the last ones in hardly any.
fn word(n: u64) -> String {
    let mut dice = Dice(n);
    let syllables = ["ba", "ko", "ri", "mu", "ten", "sal", "vo", "dri", "pel", "qua", "no", "xi"];
    (0..2 + n % 3).map(|_| syllables[dice.below(12) as usize]).collect::<String>() + &n.to_string()
}

/// In three texts of ten.
const COMMON: &str = "release";
/// In ten texts, whatever the size.
const RARE: &str = "xylophone";

struct World {
    journal: Box<dyn Journal>,
    dice: Dice,
    sequence: u64,
    time_ms: u64,
    /// Some of the messages: where, which and when.
    some: Vec<(Conversation, MsgId, u64)>,
    vocabulary: Vec<String>,
}

impl World {
    fn position(&self) -> Position {
        Position { epoch: 0, sequence: self.sequence }
    }

    fn append(&mut self, events: Vec<Durable>) {
        self.sequence += 1;
        self.journal.append(Entry { position: self.position(), time_ms: self.time_ms, events });
    }

    fn commit(&mut self) {
        self.journal.commit();
        let position = self.position();
        wait(|cx| match self.journal.poll_committed(cx) {
            Poll::Ready(Ok(at)) if at >= position => Poll::Ready(()),
            Poll::Ready(Ok(_)) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => Poll::Pending,
        });
    }

    /// Rooms, people, and who is in which room.
    fn found(&mut self) {
        for n in 0..PEOPLE {
            self.append(vec![Durable::AccountSeen(nick(n))]);
        }
        for room in 1..=ROOMS {
            let name: RoomName = format!("#room{room}").parse().unwrap();
            let (kind, visibility) = (RoomKind::Open, Visibility::All);
            let made = Durable::RoomCreated {
                room: RoomId(room),
                name,
                kind,
                visibility,
                founder: Some(nick(0)),
                at: BEGIN_MS / 1000,
            };
            self.append(vec![made]);
        }
        for n in 0..PEOPLE {
            for room in rooms_of(n) {
                self.append(vec![Durable::Joined { room, account: nick(n), operator: false, at_ms: self.time_ms }]);
            }
        }
        self.commit();
    }

    fn text(&mut self) -> String {
        let (length, end) = (3 + self.dice.skewed(40), self.vocabulary.len() as u64);
        let mut text: Vec<&str> = Vec::new();
        for _ in 0..length {
            text.push(&self.vocabulary[self.dice.skewed(end) as usize]);
        }
        if self.dice.below(10) < 3 {
            text.push(COMMON);
        }
        text.join(" ")
    }

    /// A message in a room, larger rooms more often, or of one person to another.
    fn said(&mut self, rare: bool) -> Durable {
        let from = self.dice.below(PEOPLE);
        let audience = if self.dice.below(100) < 15 {
            Audience::Account(nick((from + 1 + self.dice.skewed(12)) % PEOPLE))
        } else {
            let room = 1 + self.dice.skewed(ROOMS);
            Audience::Room(RoomId(room), format!("#room{room}").parse().unwrap())
        };
        let mut text = self.text();
        if rare {
            text = format!("{text} {RARE}");
        }
        let id = MsgId::new(self.time_ms, u128::from(self.dice.roll()) << 8);
        let source = Arc::new(source(from));
        let message = Message {
            id,
            time_ms: self.time_ms,
            source,
            device: DeviceId(Fingerprint::new([from as u8; 32])),
            client: None,
            audience,
            kind: Kind::Text,
            relation: None,
            joints: Box::default(),
            text: text.into(),
            tags: None,
        };
        if self.dice.below(50) == 0 {
            self.some.push((Conversation::of(&message).unwrap(), id, self.time_ms));
        }
        Durable::Message(Arc::new(message))
    }

    fn happened(&mut self) -> Durable {
        let room = 1 + self.dice.skewed(ROOMS);
        let by = source(self.dice.below(PEOPLE));
        let act = Act::Topic(format!("#room{room}").parse().unwrap(), "what is next".into());
        let id = MsgId::new(self.time_ms, u128::from(self.dice.roll()) << 8);
        Durable::Event(RoomId(room), Arc::new(Event { id, time_ms: self.time_ms, source: Arc::new(by), act }))
    }

    /// So many messages, and an event for each twenty of them.
    fn fill(&mut self, size: usize) {
        let size = size as u64;
        for n in 0..size {
            self.time_ms = BEGIN_MS + n * SPAN_MS / size;
            let said = self.said(n % (size / 10) == size / 20);
            self.append(vec![said]);
            if n % 20 == 0 {
                let happened = self.happened();
                self.append(vec![happened]);
            }
            if n % 2000 == 0 {
                self.commit();
            }
        }
        self.commit();
    }

    fn ask(&mut self, question: Question) -> Answer {
        self.journal.ask(1, question);
        wait(|cx| self.journal.poll_answer(cx)).1.unwrap()
    }

    fn anywhere(&mut self) -> (Conversation, MsgId, u64) {
        let at = self.dice.below(self.some.len() as u64) as usize;
        self.some[at].clone()
    }
}

fn source(n: u64) -> Source {
    Source { nick: nick(n), user: "user".into(), host: "example.net".into(), bot: false }
}

fn rooms_of(n: u64) -> impl Iterator<Item = RoomId> {
    (0..ROOMS_OF_ONE).map(move |step| RoomId(2 + (n * 7 + step * 5) % (ROOMS - 1))).chain([RoomId(1)])
}

/// Blocks until it is ready.
fn wait<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    struct Bell(std::thread::Thread);
    impl std::task::Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Bell(std::thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    loop {
        match poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// What is measured, and how long it took each time.
type Measured = Vec<(&'static str, Times)>;

fn measure(world: &mut World, what: &'static str, into: &mut Measured, mut act: impl FnMut(&mut World) -> Question) {
    let (mut times, begin) = (Times::default(), monotonic());
    while times.count() < SAMPLES && begin.elapsed() < PATIENCE {
        let question = act(world);
        let start = monotonic();
        world.ask(question);
        times.add(start.elapsed());
    }
    into.push((what, times));
}

fn pages(world: &mut World, into: &mut Measured) {
    type Ranges = &'static [(&'static str, fn(Bound, Bound) -> Range)];
    const RANGES: Ranges = &[
        ("LATEST", |_, _| Range::Latest(None)),
        ("BEFORE an id", |id, _| Range::Before(id)),
        ("AFTER an id", |id, _| Range::After(id)),
        ("AROUND an id", |id, _| Range::Around(id)),
        ("BEFORE a time", |_, time| Range::Before(time)),
        ("AFTER a time", |_, time| Range::After(time)),
        ("AROUND a time", |_, time| Range::Around(time)),
        ("BETWEEN id and time", |id, _| Range::Between(id, Bound::Time(BEGIN_MS))),
    ];
    for (what, range) in RANGES {
        measure(world, what, into, |world| {
            let (conversation, id, time_ms) = world.anywhere();
            let range = range(Bound::Id(id), Bound::Time(time_ms));
            let until = world.position();
            Question::Page(Page { conversation, range, content: Content::Everything, since_ms: 0, until, most: 50 })
        });
    }
    measure(world, "TARGETS", into, |world| {
        let account = world.dice.below(PEOPLE);
        let (rooms, until) = (rooms_of(account).map(|room| (room, 0)).collect(), world.position());
        Question::Newest(Newest { account: nick(account), rooms, between_ms: (0, u64::MAX), until, most: 50 })
    });
}

/// What a session asks for when it comes back after so many of all messages.
fn replay(world: &mut World, what: [&'static str; 2], missed: impl Fn(&World) -> u64, into: &mut Measured) {
    let unread = |world: &mut World| {
        let account = world.dice.below(PEOPLE);
        let after = Position { epoch: 0, sequence: world.sequence.saturating_sub(missed(world)) };
        let (rooms, until) = (rooms_of(account).collect(), world.position());
        Unread { account: nick(account), rooms, except: None, content: Content::Messages, after, until }
    };
    measure(world, what[0], into, |world| Question::Survey(unread(world), 5000));
    measure(world, what[1], into, |world| {
        let unread = unread(world);
        let Answer::Survey(Survey { from, .. }) = world.ask(Question::Survey(unread.clone(), 5000)) else { panic!() };
        Question::Unread(Unread { after: from, ..unread }, 100)
    });
}

fn searches(world: &mut World, into: &mut Measured) {
    for (what, text, everything) in [
        ("search: a rare word", RARE, true),
        ("search: a common word", COMMON, true),
        ("search: a common word, in a small room", COMMON, false),
        ("search: two common words", "release ba*", true),
        ("search: a word that there is not", "nowhere", true),
    ] {
        measure(world, what, into, |world| {
            let account = world.dice.below(PEOPLE);
            let rooms = if everything { rooms_of(account).collect() } else { vec![RoomId(ROOMS)] };
            Question::Search(Search {
                account: nick(account),
                rooms: rooms.into_iter().map(|room| (room, 0)).collect(),
                within: (!everything).then_some(Conversation::Room(RoomId(ROOMS))),
                from: None,
                words: words::wanted(text),
                between_ms: (0, u64::MAX),
                until: world.position(),
                most: 21,
            })
        });
    }
}

fn writes(world: &mut World, into: &mut Measured) {
    for (what, together) in [("append and commit one", 1), ("append and commit 256", 256)] {
        let (mut times, begin) = (Times::default(), monotonic());
        while times.count() < SAMPLES && begin.elapsed() < PATIENCE {
            let all: Vec<Durable> = (0..together).map(|_| world.said(false)).collect();
            let start = monotonic();
            all.into_iter().for_each(|said| world.append(vec![said]));
            world.commit();
            times.add(start.elapsed());
        }
        into.push((what, times));
    }
}

fn open(file: &Path) -> Box<dyn Journal> {
    Box::new(Sqlite::open(file, Retention::default()).unwrap())
}

/// Builds a journal of this size, and measures.
fn run(directory: &Path, size: usize) -> (Measured, String) {
    let file = directory.join(format!("{size}.sqlite3"));
    let vocabulary = (0..20_000).map(word).collect();
    let mut world =
        World { journal: open(&file), dice: Dice(7), sequence: 0, time_ms: BEGIN_MS, some: Vec::new(), vocabulary };
    let begin = monotonic();
    world.found();
    world.fill(size);
    let built = begin.elapsed();
    let mut measured = Measured::new();
    let mut times = Times::default();
    for _ in 0..7 {
        // The one before is closed first.
        world.journal = Box::new(conclave::journal::Memory::default());
        let start = monotonic();
        let mut journal = open(&file);
        journal.load(&mut |_| ()).unwrap();
        times.add(start.elapsed());
        world.journal = journal;
    }
    measured.push(("open and load", times));
    let octets = std::fs::metadata(&file).unwrap().len();
    replay(&mut world, ["survey: 2,000 missed in all", "its first page"], |_| 2000, &mut measured);
    replay(
        &mut world,
        ["survey: half of all missed", "the first page of its end"],
        |world| world.sequence / 2,
        &mut measured,
    );
    pages(&mut world, &mut measured);
    searches(&mut world, &mut measured);
    writes(&mut world, &mut measured);
    let each = built.as_secs_f64() * 1e6 / size as f64;
    let note = format!(
        "{size} messages: {:.1} MB ({} octets each), built in {} ({each:.0} us each)",
        octets as f64 / 1e6,
        octets / size as u64,
        shown(built)
    );
    (measured, note)
}

fn main() {
    let Some(arguments) = Arguments::read(USAGE) else { return };
    let directory = arguments.directory();
    let sizes = arguments.numbers("--sizes", "10000,100000,1000000");
    let (mut rows, mut notes) = (vec![vec![String::new()]], Vec::new());
    rows[0].extend(sizes.iter().flat_map(|size| [format!("{size}"), "p99".into()]));
    for size in &sizes {
        let (measured, note) = run(directory.path(), *size);
        eprintln!("{note}");
        notes.push(note);
        for (row, (what, mut times)) in (1..).zip(measured) {
            let (median, p99) = (times.percentile(50), times.percentile(99));
            if arguments.has("--json") {
                let (median_us, p99_us) = (median.as_secs_f64() * 1e6, p99.as_secs_f64() * 1e6);
                let count = times.count();
                println!(
                    "{}",
                    serde_json::json!({"size": size, "what": what, "median_us": median_us, "p99_us": p99_us, "samples": count})
                );
            }
            if rows.len() <= row {
                rows.push(vec![what.to_owned()]);
            }
            rows[row].extend([shown(median), shown(p99)]);
        }
    }
    if !arguments.has("--json") {
        println!("{}", place(directory.path()));
        notes.iter().for_each(|note| println!("{note}"));
        println!("\n{}", table(&rows));
    }
}
