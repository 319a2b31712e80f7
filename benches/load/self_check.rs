//! What `cargo test` runs: the tool's own counting, what it writes for the peers, and a few hundred
//! deliveries through Conclave and the reference. No time is looked at.

use std::path::Path;

use conclave::platform::clock::monotonic;

use crate::{
    certs::{Certificates, Exchange},
    common::Arguments,
    line::{Check, Said, Texts, Windows},
    options::Options,
    servers::{Kind, Server, peers},
    table::median,
    workloads::{Ground, chat::Schedule, fanout},
};

pub(crate) fn run() {
    texts();
    order();
    windows();
    schedule();
    configurations();
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    deliveries();
    println!("load: the tool's own checks are well");
}

/// What is said is read again, with anything in front of it, and nothing else is.
fn texts() {
    let (texts, said) = (Texts::new(27, 100), Said { sender: 409, number: 12_345_678 });
    let mut line = Vec::new();
    texts.say(&mut line, "#load", said);
    let line = line.strip_suffix(b"\r\n").unwrap();
    assert_eq!(line.len(), "PRIVMSG #load :".len() + 100);
    let received = [b"@time=2026-11-21T14:02:11.000Z;msgid=x :m409!m409@host ", line].concat();
    assert_eq!(texts.read(&received), Some(said));
    assert_eq!(Texts::new(28, 100).read(&received), None, "another run");
    assert_eq!(texts.read(&received[..received.len() - 1]), None, "cut");
    assert_eq!(texts.read(b":server PONG server load"), None);
    assert_eq!(texts.read(b""), None);
}

fn order() {
    let mut check = Check::new(2, 2);
    let mut take = |member, sender, number| {
        check.take(member, Said { sender, number });
        (check.received, check.reordered)
    };
    assert_eq!(take(0, 0, 0), (1, 0));
    assert_eq!(take(1, 0, 0), (2, 0), "another member");
    assert_eq!(take(0, 1, 0), (3, 0), "another sender");
    assert_eq!(take(0, 0, 2), (4, 0), "one is missing so far");
    assert_eq!(take(0, 0, 1), (5, 1), "it comes too late");
    assert_eq!(take(0, 0, 2), (6, 2), "twice");
    assert_eq!(take(0, 0, 3), (7, 2));
}

fn windows() {
    let mut windows = Windows::new(vec![2, 1], 3);
    let begin = |windows: &mut Windows, sender| std::iter::from_fn(|| windows.begin(sender)).collect::<Vec<_>>();
    assert_eq!(begin(&mut windows, 0), [0, 1, 2]);
    assert_eq!(begin(&mut windows, 1), [0, 1, 2]);
    let mut received = |sender, number| windows.received(Said { sender, number });
    assert!(!received(0, 0), "one of two");
    assert!(!received(0, 1));
    assert!(received(0, 0));
    assert!(received(0, 1));
    assert!(received(1, 0));
    assert_eq!(begin(&mut windows, 0), [3, 4]);
    assert_eq!(begin(&mut windows, 1), [3]);
    assert_eq!(windows.begun(), [5, 4]);
}

fn schedule() {
    let schedule = Schedule { begin: monotonic(), senders: 3, rate: 200 };
    for n in [0, 1, 2, 3, 400, 100_000] {
        assert_eq!(schedule.due_of(schedule.line(n)), schedule.due(n));
    }
    assert_eq!((schedule.due(400) - schedule.begin).as_secs(), 2);
}

/// The peers get TLS 1.3 with our certificate, and no limit that would cut anything.
fn configurations() {
    let place = peers::Place::at(Path::new("/tmp/place"), [7001, 7002]);
    let has = |config: &str, parts: &[&str]| parts.iter().for_each(|part| assert!(config.contains(part), "{part}"));
    let key = "/tmp/place/server.key";
    has(
        &peers::ngircd_config(&place),
        &["Ports = 7001\n", key, "+VERS-TLS1.3", "MaxConnectionsIP = 0", "MaxPenaltyTime = 0"],
    );
    let plain = peers::inspircd_config(&place, false);
    has(&plain, &["port=\"7001\"", key, "+VERS-TLS1.3", "fakelag=\"no\"", "hardsendq=\"1G\""]);
    assert!(!plain.contains("servertime"));
    has(&peers::inspircd_config(&place, true), &["\"ircv3_servertime\"", "\"ircv3_echomessage\""]);
    has(&peers::ergo_config(&place), &["127.0.0.1:7001", key, "min-tls-version: 1.3", "fakelag: {enabled: false}"]);
}

/// Everything that is said reaches everybody once and in order, with and without an echo.
fn deliveries() {
    let directory = tempfile::tempdir().unwrap();
    let given = |words: &str| Arguments::of(words.split(' ').map(str::to_owned).collect());
    let certificates = Certificates::load(&directory.path().join("certs"), 8);
    let clients = certificates.clients(8, Exchange::X25519);
    for caps in ["none", "modern"] {
        let options = format!("fanout --members 8 --senders 3 --under-way 2 --warmup 0.05 --seconds 0.1 --caps {caps}");
        let options = Options::read(&given(&options));
        for kind in [Kind::Conclave, Kind::Reference] {
            let files = directory.path().join(format!("{caps}-{}", kind.name()));
            let server = Server::start(kind, &options, &certificates.directory, &files);
            let ground = Ground { options: &options, kind, server: &server, clients: &clients, run: 1 };
            let report = fanout::run(&ground);
            assert!(report.figure("deliveries") > 0.0, "{report:?}");
            assert_eq!([report.figure("lost"), report.figure("reordered")], [0.0, 0.0], "{report:?}");
        }
    }
}
