//! Nothing acknowledged is lost: a real server under load is killed again and again, connections are cut
//! in the middle of a line, and in the end everybody has seen everything in the order of the journal.
//!
//! `scripts/crash-test.sh` runs more rounds. A seed decides what is said, where it is cut and when it is
//! killed; how the machine goes about it differs from run to run.

mod diary;
mod ours;
mod stock;
mod verdict;

use std::{collections::BTreeMap, net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use conclave::platform::clock;
use rustix::process::Signal;
use tokio::{runtime, sync::watch, task::JoinSet, time::timeout};

use self::{
    diary::{Diary, LAST, Reads},
    ours::Ours,
    stock::Stock,
    verdict::{Journal, verdict},
};
use crate::{
    programs::{Running, conclave},
    support::{Deployment, Dice, PATIENCE, Peer, Proxy, client_config},
};

/// How often the server is killed where nothing else is asked for.
const ROUNDS: usize = 10;

/// After so many rounds all come to rest.
const REST: usize = 6;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Say what comes to mind.
    Saying,
    /// Say nothing more, and wait until all is acknowledged.
    Quiet,
    /// Nobody says anything any more: see that all has come, and go.
    Over,
}

/// What all clients hear of the test, and the test of them.
#[derive(Clone)]
struct Signs {
    /// Where the server is to be reached.
    address: SocketAddr,
    phase: watch::Receiver<Phase>,
    /// Whether there is a server now.
    up: watch::Receiver<bool>,
    /// How many messages were acknowledged.
    acknowledged: watch::Sender<usize>,
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_nothing_is_doubled() {
    let rounds = number("CONCLAVE_CRASH_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).unwrap());
    let seed = number("CONCLAVE_CRASH_SEED").unwrap_or_else(clock::unix_ms);
    eprintln!("crash test: {rounds} rounds; again with CONCLAVE_CRASH_SEED={seed}");
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(Box::pin(crash(rounds, Dice::new(seed), seed)));
}

#[expect(clippy::print_stderr, reason = "how much was tried tells what the verdict is worth")]
async fn crash(rounds: usize, mut dice: Dice, seed: u64) {
    let deployment = Arc::new(Deployment::new());
    for name in ["alice", "alice/phone", "bob", "carol", "carol/tablet", "dave"] {
        deployment.issue(name);
    }
    let data = deployment.root().join("data");
    let mut server = serve(deployment.root(), &data, None);
    let target = server.listening();
    // Only members speak in a room; scripts become none by themselves.
    let mut dave = Peer::connect_with(&deployment, target, &deployment.pair("dave"), None).await;
    dave.register("").await;
    dave.send("JOIN #lobby").await;
    dave.lines().await;
    dave.close().await;
    let proxy = Proxy::start(target, dice.split()).await;
    let (phases, phase) = watch::channel(Phase::Quiet);
    let (ups, up) = watch::channel(true);
    let signs = Signs { address: proxy.address, phase, up, acknowledged: watch::Sender::new(0) };

    let mut clients: JoinSet<Diary> = JoinSet::new();
    let mut idle = Vec::new();
    let rooms = ["#lobby", "#ops"];
    let (sender, receiver) = watch::channel(false);
    idle.push(("alice", receiver));
    let targets = ["#lobby", "#lobby", "#ops", "bob", "carol"];
    let ours = Ours::new("alice", &rooms, &targets, dice.split(), signs.clone(), sender);
    let of_ours = Arc::clone(&deployment);
    clients.spawn(async move { Box::pin(ours.run(&of_ours)).await });
    for (name, caps, reads, targets) in [
        ("alice+phone", "", Reads::Stock, vec!["#lobby", "bob"]),
        ("bob", "", Reads::Stock, vec!["#lobby", "#ops", "alice", "carol"]),
        ("carol", "server-time message-tags", Reads::Stock, vec!["#lobby", "#ops", "alice", "bob"]),
        ("carol+tablet", "batch server-time message-tags echo-message", Reads::WithEcho, vec!["#ops", "bob"]),
    ] {
        let pair = deployment.pair(name);
        let (sender, receiver) = watch::channel(false);
        idle.push((name, receiver));
        let stock = Stock {
            diary: Diary::new(name, reads, &rooms),
            caps,
            tls: client_config(&deployment, Some(&pair)),
            dice: dice.split(),
            targets,
            signs: signs.clone(),
            idle: sender,
        };
        clients.spawn(async move { Box::pin(stock.run()).await });
    }
    let (script_stops, script_stop) = watch::channel(false);
    let (script_deployment, script_address) = (Arc::clone(&deployment), proxy.address);
    // Everybody is in before it begins.
    all_idle(&mut idle).await;
    let script = tokio::task::spawn_blocking(move || script_sends(&script_deployment, script_address, &script_stop));
    phases.send_replace(Phase::Saying);
    proxy.breaks(true);

    for round in 1..=rounds {
        // Some kills come while what was missed is still being played back.
        let more = match dice.between(1, 10) {
            1..=3 => dice.between(1, 40),
            // Some connections live long enough to be asked by the clock how far they are.
            _ if round % REST == 1 => dice.between(1000, 2500),
            _ => dice.between(60, 700),
        };
        let goal = *signs.acknowledged.borrow() + more;
        let mut acknowledged = signs.acknowledged.subscribe();
        // What it gives is let go at once: it would hold up whoever counts.
        let reached = timeout(3 * PATIENCE, acknowledged.wait_for(|count| *count >= goal)).await.is_ok();
        assert!(
            reached,
            "round {round}: {more} more messages were not acknowledged in {:?}; seed {seed}",
            3 * PATIENCE
        );
        ups.send_replace(false);
        server.signal(Signal::KILL);
        server.ended();
        server = serve(deployment.root(), &data, Some(target));
        let at = tokio::task::block_in_place(|| server.listening());
        assert_eq!(at, target);
        ups.send_replace(true);
        if round % REST == 0 {
            // More than a server plays back must not gather.
            proxy.breaks(false);
            phases.send_replace(Phase::Quiet);
            all_idle(&mut idle).await;
            phases.send_replace(Phase::Saying);
            proxy.breaks(true);
        }
    }
    proxy.breaks(false);
    phases.send_replace(Phase::Quiet);
    script_stops.send_replace(true);
    let script = script.await.unwrap();
    all_idle(&mut idle).await;
    phases.send_replace(Phase::Over);
    let mut diaries = vec![script];
    while let Some(ended) = timeout(3 * PATIENCE, clients.join_next()).await.expect("a client does not end") {
        diaries.push(ended.unwrap());
    }
    server.signal(Signal::TERM);
    let (code, _, stderr) = server.ended();
    assert_eq!(code, Some(0), "{stderr}");

    let journal = journal(deployment.root(), &data);
    let kept: usize = journal.values().map(Vec::len).sum();
    let seen: usize = diaries.iter().map(|diary| diary.seen.len()).sum();
    let connections: usize = diaries.iter().map(|diary| diary.connections).sum();
    let acknowledged = *signs.acknowledged.borrow();
    eprintln!(
        "crash test: {kept} messages kept, {acknowledged} acknowledged, {seen} seen on {connections} connections, {} of them cut",
        proxy.cuts()
    );
    let wrong = verdict(&journal, &diaries);
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    assert!(acknowledged > 20 * rounds && proxy.cuts() > rounds / 2, "this was no test");
}

fn serve(root: &Path, data: &Path, at: Option<SocketAddr>) -> Running {
    let listen = at.map_or_else(|| "127.0.0.1:0".to_owned(), |at| at.to_string());
    Running::serve(root, &["--listen", &listen, "--limits", "off", "--data", data.to_str().unwrap()])
}

/// Until everybody has all that he said acknowledged, at the same time.
async fn all_idle(idle: &mut [(&'static str, watch::Receiver<bool>)]) {
    loop {
        for (name, idle) in &mut *idle {
            let waited = timeout(3 * PATIENCE, idle.wait_for(|idle| *idle)).await;
            let waited = waited.unwrap_or_else(|_| panic!("{name} does not come to rest in {:?}", 3 * PATIENCE));
            assert!(waited.is_ok(), "{name} has stopped");
        }
        if idle.iter().all(|(_, idle)| *idle.borrow()) {
            return;
        }
    }
}

/// `conclave send`, one message after another.
fn script_sends(deployment: &Deployment, address: SocketAddr, stop: &watch::Receiver<bool>) -> Diary {
    let mut diary = Diary::new("dave", Reads::Stock, &[]);
    let server = format!("localhost:{}", address.port());
    while !*stop.borrow() && stop.has_changed().is_ok() {
        let (to, text) = (*["#lobby", "bob"].get(diary.said.len() % 2).unwrap(), diary.next_text());
        diary.says(to, &text);
        let sent = conclave(deployment.root()).args(["send", "--as", "dave", "--server", &server, to, &text]).output();
        let sent = sent.unwrap();
        match sent.status.code() {
            Some(0) => diary.said.last_mut().unwrap().acknowledged = true,
            // The first connection was not to be had, or was cut: nothing is known of it.
            Some(4) => {}
            _ => diary.wrong.push(format!("{text:?} was not sent: {}", String::from_utf8_lossy(&sent.stderr))),
        }
    }
    diary
}

/// What is kept, read as an administrator would.
fn journal(root: &Path, data: &Path) -> Journal {
    let mut journal = BTreeMap::new();
    let people = ["alice", "bob", "carol", "dave"];
    let pairs = people
        .iter()
        .enumerate()
        .flat_map(|(at, one)| people[at + 1..].iter().map(move |other| format!("{one},{other}")));
    for place in ["#lobby".to_owned(), "#ops".to_owned()].into_iter().chain(pairs) {
        let mut export = conclave(root);
        let export = export.args(["history", "export", &place, "--json", "--data"]).arg(data).stderr(Stdio::piped());
        let output = export.output().unwrap();
        assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let said = lines.filter(|line| line["kind"] == "message" && line["text"] != LAST);
        let said: Vec<(String, String)> = said
            .map(|line| (line["msgid"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned()))
            .collect();
        if !said.is_empty() {
            journal.insert(place, said);
        }
    }
    journal
}
