//! The hub alone, without sockets: what one step costs in a large room, what one delivery costs, what an
//! idle account keeps in memory, and what it takes when many people leave such a room and come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark")]
#![allow(missing_docs, reason = "a program")]

mod common;

use std::{
    ops::Range,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{Arguments, Times, shown, table};
use conclave::{
    hub::{
        Body, Early, Found, Gone, Outbox, Registration, Request, Sequenced, SessionId, Settings, Stamp, State, Taken,
        task::{Door, Hub, Patience},
    },
    ident::{DeviceId, Fingerprint},
    journal::{Bounds, Memory},
    platform::{clock::monotonic, counters::Counters, stop::Stop},
    protocol::{
        Message,
        caps::{Caps, Dialect},
        command,
        durable::Position,
        reply::ServerInfo,
    },
};

const USAGE: &str = "cargo bench --bench hub -- [--members N] [--leaving N] [--messages N] [--caps 'CAP ...']

Puts N members (10000) into one room and has so many of them (2000) leave and come back, with everything in
memory and no socket: what is pushed is taken at once.";

fn settings() -> Settings {
    let server = ServerInfo {
        name: "conclave.local".into(),
        network: "net".into(),
        version: "v".into(),
        created: "now".into(),
        motd: None,
        lobby: "#lobby".parse().unwrap(),
        rooms_per_account: 5,
    };
    Settings { server: Arc::new(server), administrators: [].into(), keep_messages: true, rooms: 20, linger_ms: 30_000 }
}

fn registration(who: usize, caps: Caps) -> Registration {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(who as u64).to_le_bytes());
    Registration {
        account: format!("member{who}").parse().unwrap(),
        device: DeviceId(Fingerprint::new(key)),
        device_label: "main".into(),
        client: None,
        dialect: Dialect::Irc,
        caps,
        user: "".into(),
        realname: format!("Member {who}").as_str().into(),
        away: None,
        metadata: Early::default(),
        first: None,
    }
}

/// A hub whose members read whatever they get, when they are asked to.
struct House {
    door: Arc<Door>,
    caps: Caps,
    people: Vec<Option<(SessionId, Arc<Outbox>)>>,
    octets: u64,
}

impl House {
    fn offer(&self, session: SessionId, body: Body) -> Result<(), Request> {
        let request = Request { session, label: None, body };
        self.door.poll_offer(&mut Context::from_waker(Waker::noop()), request)
    }

    /// Hands in a request; the hub has its turn while its inbox is full.
    async fn ask(&self, session: SessionId, body: Body) {
        let mut next = Err(Request { session, label: None, body });
        while let Err(request) = next {
            next = self.offer(request.session, request.body);
            if next.is_err() {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn says(&self, who: usize, line: &str) {
        let (id, _) = self.people[who].as_ref().unwrap();
        let body = command::from_irc(&Message::parse(line).unwrap()).map_or_else(Body::Refused, Body::Command);
        self.ask(*id, body).await;
    }

    async fn comes(&mut self, who: usize) {
        let outbox = Arc::new(Outbox::new(4 << 20));
        let id = self.door.attach(Arc::clone(&outbox));
        self.people[who] = Some((id, outbox));
        self.ask(id, Body::Register(Box::new(registration(who, self.caps)))).await;
    }

    fn goes(&mut self, who: usize, how: Gone) {
        if let Some((id, _)) = self.people[who].take() {
            self.door.gone(id, how);
        }
    }

    /// These take what there is for them; whether there was anything.
    fn read(&mut self, who: Range<usize>) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let mut cx = Context::from_waker(Waker::noop());
        let mut any = false;
        for (id, outbox) in self.people[who].iter().flatten() {
            loop {
                match outbox.poll_take(&mut cx, &mut buffer) {
                    Poll::Ready(Taken::Octets(octets)) => self.octets += octets as u64,
                    Poll::Ready(Taken::Alone(octets)) => self.octets += octets.len() as u64,
                    Poll::Ready(Taken::Empty) => self.door.drained(*id),
                    _ => break,
                }
                any = true;
            }
        }
        any
    }

    /// Until all that was asked is answered and read, also what large rooms are told after a pause.
    async fn settles(&mut self) {
        self.settle(0..self.people.len()).await;
        tokio::time::sleep(Duration::from_millis(350)).await;
        self.settle(0..self.people.len()).await;
    }

    /// The same, where it concerns only these.
    async fn settle(&mut self, who: Range<usize>) {
        let mut quiet = 0;
        while quiet < 3 {
            tokio::task::yield_now().await;
            quiet = if self.read(who.clone()) { 0 } else { quiet + 1 };
        }
    }
}

/// What a step costs in a room of so many: the state alone, without what becomes of its outputs.
fn steps(members: usize, caps: Caps) -> Vec<Vec<String>> {
    let mut state = State::new(settings());
    let mut sequence = 0;
    let mut kept = Vec::new();
    let mut step = |who: usize, body: Body| {
        sequence += 1;
        let at = Stamp {
            position: Position { epoch: 0, sequence },
            time_ms: 1_700_000_000_000 + sequence,
            random: u128::from(sequence) << 16,
            ..Stamp::default()
        };
        let request = Request { session: SessionId(who as u32), label: None, body };
        let start = monotonic();
        let outputs = state.step(&Sequenced { at, request, found: Found::Nothing });
        let took = start.elapsed();
        // As many wait for their commit.
        kept.push(outputs);
        if kept.len() >= 1000 {
            kept.clear();
        }
        took
    };
    let command =
        |line: &str| command::from_irc(&Message::parse(line).unwrap()).map_or_else(Body::Refused, Body::Command);
    for who in 0..members {
        step(who, Body::Register(Box::new(registration(who, caps))));
        step(who, command("JOIN #big"));
    }
    let mut rows = vec![["one step", "median", "p99"].map(String::from).to_vec()];
    let mut row = |what: &str, mut times: Times| {
        rows.push(vec![what.into(), shown(times.percentile(50)), shown(times.percentile(99))]);
    };
    let some = || (0..members).step_by((members / 1000).max(1));
    for (what, line) in
        [("PRIVMSG", "PRIVMSG #big :hi"), ("NAMES", "NAMES #big"), ("WHO", "WHO #big"), ("LIST", "LIST")]
    {
        let mut times = Times::default();
        some().for_each(|who| times.add(step(who, command(line))));
        row(what, times);
    }
    let (mut parts, mut joins, mut quits, mut back) = Default::default();
    for who in some() {
        Times::add(&mut parts, step(who, command("PART #big")));
        Times::add(&mut joins, step(who, command("JOIN #big")));
    }
    for who in some() {
        Times::add(&mut quits, step(who, Body::Gone(Gone::Cut("the switch".into()))));
        Times::add(&mut back, step(who, Body::Register(Box::new(registration(who, caps)))));
    }
    row("PART", parts);
    row("JOIN", joins);
    row("QUIT", quits);
    row("coming back", back);
    rows
}

/// A line of `/proc/self/status`, in KiB.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_ascii_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// Processor time of this process.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

fn main() {
    let Some(arguments) = Arguments::read(USAGE) else { return };
    let number = |flag, default| arguments.numbers(flag, default)[0];
    let (members, leaving, messages) =
        (number("--members", "10000"), number("--leaving", "2000"), number("--messages", "200"));
    let caps = Caps::NONE.request(arguments.value("--caps").unwrap_or_default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(members, leaving.min(members / 2), messages, caps));
    println!("{}", table(&steps(members, caps)));
}

async fn measure(members: usize, leaving: usize, messages: usize, caps: Caps) {
    let door = Arc::new(Door::new(1024));
    let journal = Memory::new(Bounds::default());
    let random = || 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834;
    let counters = Arc::new(Counters::default());
    let hub =
        Hub::new(settings(), Box::new(journal), Arc::clone(&door), counters, Patience::default(), random).unwrap();
    let stop = Stop::new();
    let task = tokio::spawn(hub.run(stop.clone()));
    let mut house = House { door, caps, people: (0..members).map(|_| None).collect(), octets: 0 };
    let mut rows = vec![["what", "each us", "all ms", "octets", "peak MiB"].map(String::from).to_vec()];
    let mut row = |what: &str, times: usize, since: (std::time::Instant, Duration), house: &mut House| {
        let took = busy().saturating_sub(since.1).max(Duration::ZERO);
        let each = took.as_secs_f64() * 1e6 / times as f64;
        rows.push(vec![
            what.into(),
            format!("{each:.2}"),
            format!("{:.1}", took.as_secs_f64() * 1e3),
            house.octets.to_string(),
            (memory("VmHWM:") >> 10).to_string(),
        ]);
        house.octets = 0;
        eprintln!("{}", rows[rows.len() - 1].join("  "));
    };
    let now = || (monotonic(), busy());

    let (start, before) = (now(), memory("VmRSS:"));
    for who in 0..members {
        house.comes(who).await;
        if who % 500 == 499 {
            house.settle(0..members).await;
        }
    }
    house.settles().await;
    row("come to the server", members, start, &mut house);
    let idle = memory("VmRSS:").saturating_sub(before);
    let start = now();
    for who in 0..members {
        house.says(who, "JOIN #big").await;
        if who % 100 == 99 {
            house.settle(0..members).await;
        }
    }
    house.settles().await;
    row("go into the room", members, start, &mut house);
    eprintln!(
        "an idle session takes {} octets; in the room {}",
        idle * 1024 / members as u64,
        memory("VmRSS:").saturating_sub(before) * 1024 / members as u64
    );

    let start = now();
    for n in 0..messages {
        house.says(n % members, "PRIVMSG #big :a message of some length, as people write them to each other").await;
        if n % 10 == 9 {
            house.settle(0..members).await;
        }
    }
    house.settles().await;
    row("a delivery, taken", members * messages, start, &mut house);

    let start = now();
    for who in 0..100 {
        house.says(who, "NAMES #big").await;
        house.settle(who..who + 1).await;
    }
    row("NAMES", 100, start, &mut house);
    let start = now();
    for who in 0..50 {
        house.says(who, "WHO #big").await;
        house.settle(who..who + 1).await;
    }
    row("WHO", 50, start, &mut house);

    for how in ["QUIT at once", "PART at once"] {
        let start = now();
        for who in 0..leaving {
            match how {
                "QUIT at once" => house.goes(who, Gone::Cut("the switch".into())),
                _ => house.says(who, "PART #big").await,
            }
        }
        house.settles().await;
        row(how, leaving, start, &mut house);
        let start = now();
        for who in 0..leaving {
            match how {
                "QUIT at once" => house.comes(who).await,
                _ => house.says(who, "JOIN #big").await,
            }
        }
        house.settles().await;
        row("and back at once", leaving, start, &mut house);
    }
    let start = now();
    for who in 0..leaving / 10 {
        house.goes(who, Gone::Cut("the switch".into()));
        house.settles_a_little().await;
        house.comes(who).await;
        house.settles_a_little().await;
    }
    house.settles().await;
    row("QUIT and back, one by one", leaving / 10, start, &mut house);
    stop.request();
    let _ = task.await;
    println!("{}", table(&rows));
}

impl House {
    /// The hub has a turn, and everybody reads.
    async fn settles_a_little(&mut self) {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
}
