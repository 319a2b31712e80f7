//! What the server tells of itself: that it counts what happens, tells when it is not well, tells
//! nothing of anybody, and is kept from its work by nobody who asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
};

use conclave::{
    journal::Memory,
    pki::{DAY, Usage, Validity},
    platform::{clock, counters::Counters},
    server::{self, Options, Signs},
};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::{
    programs::Running,
    support::{Deployment, Peer, Server, client_config, handshake, http, until, until_or},
};

/// Waits until a number is this.
#[track_caller]
fn becomes(address: SocketAddr, name: &str, value: f64) {
    let mut last = None;
    let so = || {
        last = http::numbers(address).get(name).copied();
        last == Some(value)
    };
    until(&format!("{name} {value}"), so);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted() {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |options| options.limits.per_address = 3);
    let at = server.metrics.unwrap();
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "conclave.chat/no-replay").await;
    for (result, pair) in [("no_certificate", None), ("expired", Some(deployment.expired()))] {
        let config = client_config(&deployment, pair.as_ref());
        // Whether it was let in shows at the first read.
        let _ = handshake(server.address, config, None).await;
        becomes(at, &format!("conclave_handshakes_total{{result=\"{result}\"}}"), 1.0);
    }
    becomes(at, "conclave_sessions{dialect=\"irc\"}", 2.0);
    becomes(at, "conclave_connections", 2.0);
    let now = http::numbers(at);
    for (name, value) in [
        ("conclave_connections_accepted_total", 4.0),
        ("conclave_handshakes_total{result=\"ok\"}", 2.0),
        ("conclave_handshake_key_exchanges_total{group=\"X25519MLKEM768\"}", 2.0),
        ("conclave_handshake_duration_seconds_count", 2.0),
        ("conclave_sessions{dialect=\"plain\"}", 0.0),
        ("conclave_sessions{dialect=\"none\"}", 0.0),
        ("conclave_accounts_present", 2.0),
        ("conclave_messages_total", 0.0),
        ("conclave_ready", 1.0),
    ] {
        assert_eq!(now[name], value, "{name}");
    }

    for peer in [&mut alice, &mut bob] {
        peer.does("JOIN #x").await;
    }
    alice.lines().await;
    becomes(at, "conclave_rooms", 1.0);
    let before = http::numbers(at);
    for n in 0..3 {
        alice.send(&format!("PRIVMSG #x :message {n}")).await;
        bob.expect(&format!("PRIVMSG #x :message {n}")).await;
    }
    alice.send("PRIVMSG bob :only you").await;
    bob.expect(" PRIVMSG bob :only you").await;
    alice.send_octets(b"\xff\xfe\r\n").await;
    alice.lines().await;
    for (name, value) in [
        ("conclave_messages_total", 4.0),
        ("conclave_deliveries_total", 4.0),
        ("conclave_delivery_latency_seconds_count", 4.0),
        ("conclave_delivery_latency_seconds_bucket{le=\"+Inf\"}", 4.0),
        // And the one that asks for all that there is.
        ("conclave_received_lines_total", 6.0),
        ("conclave_received_bad_lines_total", 1.0),
        ("conclave_connections_accepted_total", 0.0),
    ] {
        becomes(at, name, before[name] + value);
    }
    let (after, sent) = (http::numbers(at), "conclave_sent_bytes_total");
    assert!(after[sent] - before[sent] > 2.0 * 4.0 * "PRIVMSG #x :message 1".len() as f64);
    let received = "conclave_received_bytes_total";
    assert!((100.0..400.0).contains(&(after[received] - before[received])), "{after:?}");

    // What her other session hears of what she says is the same message once more.
    let mut also = Peer::irc(&deployment, &server, &deployment.pair("alice"), "conclave.chat/no-replay").await;
    let before = http::numbers(at);
    alice.send("PRIVMSG bob :only you").await;
    bob.expect(" PRIVMSG bob :only you").await;
    also.expect(" PRIVMSG bob :only you").await;
    becomes(at, "conclave_messages_total", before["conclave_messages_total"] + 1.0);
    becomes(at, "conclave_deliveries_total", before["conclave_deliveries_total"] + 2.0);
    becomes(at, "conclave_sessions{dialect=\"irc\"}", 3.0);
    also.close().await;
    becomes(at, "conclave_connections", 2.0);

    // One more than may be from one address.
    let third = Peer::plain(&deployment, &server, &deployment.pair("bob")).await;
    becomes(at, "conclave_sessions{dialect=\"plain\"}", 1.0);
    let _ = handshake(server.address, client_config(&deployment, None), None).await;
    becomes(at, "conclave_connections_over_limit_total{limit=\"address\"}", 1.0);
    third.close().await;

    deployment.revoke("bob");
    bob.rest().await;
    becomes(at, "conclave_session_cuts_total{reason=\"certificate\"}", 1.0);
    becomes(at, "conclave_sessions{dialect=\"irc\"}", 1.0);
    becomes(at, "conclave_certificate_reloads_total{result=\"ok\"}", 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_counted_and_who_missed_something() {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |options| {
        options.limits = options.limits.clone().without_shares();
        options.limits.outbox = 64 * 1024;
    });
    let at = server.metrics.unwrap();
    let (pair, mut alice) = (deployment.issue("deaf"), deployment.issue("alice"));
    let mut deaf = Peer::connect_with(&deployment, server.address, &pair, Some(4096)).await;
    deaf.register("").await;
    let mut alice = Peer::irc(&deployment, &server, &std::mem::replace(&mut alice, pair.clone()), "").await;
    let some = format!("PRIVMSG deaf :{}\r\n", "x".repeat(450)).repeat(100);
    while http::numbers(at)["conclave_session_cuts_total{reason=\"overflow\"}"] == 0.0 {
        alice.send_octets(some.as_bytes()).await;
        alice.lines().await;
    }
    deaf.vanish();
    assert_eq!(http::numbers(at)["conclave_replays_total"], 0.0);
    let mut deaf = Peer::irc(&deployment, &server, &pair, "").await;
    deaf.lines().await;
    becomes(at, "conclave_replays_total", 1.0);
    let numbers = http::numbers(at);
    assert!(numbers["conclave_replayed_messages_total"] >= 100.0);
    assert!(numbers["conclave_journal_question_duration_seconds_count"] >= 2.0);
    // All that waited was given up with the session.
    becomes(at, "conclave_outbox_bytes", 0.0);
    becomes(at, "conclave_outbox_largest_bytes", 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_people_and_rooms_nothing_is_told() {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |_| {});
    let at = server.metrics.unwrap();
    let mut xanthippe = Peer::irc(&deployment, &server, &deployment.issue("xanthippe/typewriter"), "").await;
    let mut quasimodo = Peer::plain(&deployment, &server, &deployment.issue("quasimodo")).await;
    xanthippe.does("JOIN #zanzibar").await;
    xanthippe.does("TOPIC #zanzibar :kumquats").await;
    xanthippe.does("PRIVMSG quasimodo :kumquats").await;
    quasimodo.does("/msg xanthippe kumquats").await;
    let page = http::get(at, "/metrics").body.to_lowercase();
    for word in ["xanthippe", "quasimodo", "typewriter", "zanzibar", "lobby", "kumquats", "harness", "127.0.0.1"] {
        assert!(!page.contains(word), "{word}\n{page}");
    }
    assert!(page.contains("conclave_messages_total 2\n"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_well_says_so_and_what_is_no_page_is_refused() {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |_| {});
    let at = server.metrics.unwrap();
    until("it is ready", || http::get(at, "/readyz").status == 200);
    for (request, status, head, body) in [
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, "content-length: 3", "ok\n"),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200, "", "ok\n"),
        ("GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n", 200, "cache-control: no-store", "ok\n"),
        ("HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200, "content-length: 3", ""),
        ("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, "content-type: text/plain; version=0.0.4", ""),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405, "allow: get, head", "only GET"),
        ("DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405, "allow: get, head", "only GET"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "", "there are /metrics, /healthz and /readyz\n"),
        ("GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, "", "there are"),
        ("GET /%2e%2e/metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404, "", "there are"),
        // One request a connection: what follows is not read.
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "connection: close", "ok\n"),
    ] {
        let answer = http::ask(at, request).unwrap_or_else(|| panic!("{request:?} is not answered"));
        assert_eq!(answer.status, status, "{request:?}");
        assert!(answer.head.contains(head), "{request:?}: {answer:?}");
        assert!(
            answer.body.starts_with(body) && (body.is_empty() == answer.body.is_empty()),
            "{request:?}: {answer:?}"
        );
    }
}

/// Whatever comes, the chat goes on and who asks properly is answered.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_crowds_keep_nobody_from_anything() {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |_| {});
    let at = server.metrics.unwrap();
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let header = format!("X: {}\r\n", "x".repeat(20_000));
    let headers = "X: x\r\n".repeat(500);
    for (what, octets, statuses) in [
        ("garbage", "\u{1}\u{2}\u{3} \u{16}\u{3}\u{1}\r\n\r\n".to_owned(), &[400][..]),
        ("half a line", "GET /metrics".to_owned(), &[]),
        ("no HTTP", "NICK alice\r\nUSER a 0 * :a\r\n\r\n".to_owned(), &[400]),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[400, 505]),
        ("a long address", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)), &[414, 431]),
        ("a large header", format!("GET /metrics HTTP/1.1\r\n{header}\r\n"), &[431]),
        ("many headers", format!("GET /metrics HTTP/1.1\r\n{headers}\r\n"), &[431]),
        ("a bad header", "GET /metrics HTTP/1.1\r\nno header\r\n\r\n".to_owned(), &[400]),
    ] {
        let mut tcp = TcpStream::connect(at).unwrap();
        let _ = tcp.write_all(octets.as_bytes());
        let _ = tcp.shutdown(std::net::Shutdown::Write);
        // It may also be closed before all of it was read, which takes the answer away.
        let status = http::read(&mut tcp).map(|answer| answer.status);
        assert!(status.is_none_or(|status| statuses.contains(&status)), "{what}: {status:?}");
        assert_eq!(http::get(at, "/healthz").status, 200, "after {what}");
    }
    // Many that say nothing, or a letter at a time: the newest is served, the oldest are let go.
    let mut crowd: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(at).unwrap()).collect();
    for tcp in &mut crowd {
        let _ = tcp.write_all(b"G");
    }
    assert_eq!(http::get(at, "/metrics").status, 200);
    assert_eq!(alice.does("here").await, ["T #lobby <alice> here"]);
    // Each of them ends, though it never asks for anything.
    for tcp in &mut crowd {
        assert!(http::read(tcp).is_none());
    }
    assert_eq!(http::get(at, "/metrics").status, 200);
}

/// A hub that does not turn, and nobody who accepts: a server that was never run.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_says_so() {
    let deployment = Deployment::new();
    let options = Options::new("#lobby".parse().unwrap());
    let journal = Box::new(Memory::new(options.retention().into()));
    let counters = Arc::<Counters>::default();
    let mut server =
        server::Server::begin(options, journal, deployment.live(), Arc::clone(&counters), Signs::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    server.observe(listener).unwrap();
    let ready = http::get(at, "/readyz");
    assert_eq!((ready.status, &*ready.body), (503, "connections cannot be accepted now: see the log\n"));
    until_or(|| http::get(at, "/healthz").status == 503, || http::get(at, "/healthz").body);
    assert!(http::get(at, "/healthz").body.starts_with("the chat has stood still for "));
    assert_eq!(http::numbers(at)["conclave_ready"], 0.0);
    drop(server);
    assert!(TcpStream::connect(at).is_err(), "it ends with the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_trusted_any_more_is_not_ready() {
    let deployment = Deployment::new();
    let mut server = Server::watched(&deployment, |_| {});
    let at = server.metrics.unwrap();
    until("it is ready", || http::get(at, "/readyz").status == 200);
    let now = clock::unix_now();
    for (validity, says) in [
        (
            Validity { not_before: now - 9 * DAY, not_after: now - DAY },
            "the server's certificate has expired: renew it\n",
        ),
        (Validity { not_before: now + DAY, not_after: now + 9 * DAY }, "the server's certificate is not yet valid: "),
    ] {
        let pair = deployment.odd(|profile| (profile.usages, profile.validity) = (vec![Usage::Server], validity));
        fs::copy(&pair.key, deployment.path("server.key")).unwrap();
        fs::copy(&pair.certificate, deployment.path("server.pem")).unwrap();
        until(says, || http::get(at, "/readyz").body.starts_with(says));
        assert_eq!(http::get(at, "/readyz").status, 503);
        assert_eq!(http::get(at, "/healthz").status, 200, "it lives, and takes revocations");
        let expiry = http::numbers(at)["conclave_certificate_expiry_timestamp_seconds{certificate=\"server\"}"];
        assert_eq!(expiry, validity.not_after as f64);
    }
    server.stop();
    assert!(TcpStream::connect(at).is_err());
}

/// The program itself, on a disk that takes nothing for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_told_of() {
    let deployment = Deployment::new();
    let pair = deployment.issue("alice");
    let serve = format!(
        "trap '' XFSZ; exec {} serve --listen 127.0.0.1:0 --metrics 0 --data data",
        env!("CARGO_BIN_EXE_conclave")
    );
    let mut server = Running::start(Command::new("sh").args(["-c", &serve]).current_dir(deployment.root()));
    let address = server.listening();
    let line = server.expect("metrics on http://");
    let at = line.split('/').nth(2).unwrap().parse().unwrap();
    let mut alice = Peer::connect_with(&deployment, address, &pair, None).await;
    alice.register("").await;
    alice.does("PRIVMSG alice :kept").await;
    until("it is ready", || http::get(at, "/readyz").status == 200);
    let numbers = http::numbers(at);
    let commits = numbers["conclave_journal_commit_duration_seconds_count"];
    assert!(commits >= 2.0 && numbers["conclave_journal_commit_entries_count"] == commits);
    assert!(numbers["conclave_journal_commit_entries_sum"] >= commits);

    let limit = |octets| {
        let limits = Rlimit { current: octets, maximum: getrlimit(Resource::Fsize).maximum };
        prlimit(Pid::from_raw(i32::try_from(server.id()).unwrap()), Resource::Fsize, limits).unwrap();
    };
    limit(Some(0));
    alice.does("PRIVMSG alice :not kept").await;
    becomes(at, "conclave_journal_failing", 1.0);
    let ready = http::get(at, "/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.body.starts_with("the journal cannot be written: "), "{}", ready.body);
    assert_eq!(http::get(at, "/healthz").status, 200, "it serves what it can");
    let numbers = http::numbers(at);
    assert!(numbers["conclave_journal_commit_failures_total"] >= 1.0);
    assert_eq!((numbers["conclave_ready"], numbers["conclave_messages_total"]), (0.0, 1.0));

    limit(None);
    becomes(at, "conclave_journal_failing", 0.0);
    assert_eq!(http::get(at, "/readyz").status, 200);
    server.signal(Signal::TERM);
    assert_eq!(server.ended().0, Some(0));
}

/// A family of metrics: its type and the names of its labels.
type Family = (String, BTreeSet<String>);

/// What a server with a certificate, a revocation list and limits tells.
fn exported() -> BTreeMap<String, Family> {
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |_| {});
    let text = http::get(server.metrics.unwrap(), "/metrics").body;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, kind) = rest.split_once(' ').unwrap();
            name = of.to_owned();
            families.insert(name.clone(), (kind.into(), BTreeSet::new()));
        } else if let Some((_, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let labels = labels.split("=\"").filter_map(|part| part.rsplit(['"', ',', '{']).next());
            let labels = labels.filter(|label| !label.is_empty() && *label != "le" && !label.starts_with('}'));
            families.get_mut(&name).unwrap().1.extend(labels.map(ToOwned::to_owned));
        }
    }
    families
}

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The words between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_is_told_is_explained_and_nothing_else() {
    let page = document("metrics.md");
    let rows = page.lines().filter(|row| row.starts_with("| `conclave_") || row.starts_with("| `process_"));
    let family = |row: &str| {
        let cells: Vec<&str> = row.split('|').collect();
        let label = quoted(cells[3]).first().map(|label| (*label).to_owned());
        (quoted(cells[1])[0].to_owned(), (cells[2].trim().to_owned(), label.into_iter().collect()))
    };
    let explained: BTreeMap<String, Family> = rows.map(family).collect();
    assert_eq!(exported(), explained);
}

#[test]
fn the_values_of_labels_are_explained() {
    let page = document("metrics.md");
    let words: BTreeSet<&str> = quoted(&page).into_iter().collect();
    let deployment = Deployment::new();
    let server = Server::watched(&deployment, |_| {});
    for line in http::get(server.metrics.unwrap(), "/metrics").body.lines() {
        let Some((name, value)) = line.split_once("=\"") else { continue };
        if name.ends_with("{le") || name.ends_with("{version") {
            continue;
        }
        let value = value.split('"').next().unwrap();
        assert!(words.contains(value), "{value} of {name} is not explained");
    }
}

/// The names of metrics in a text, as far as they look like ours.
fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("conclave_") || word.starts_with("process_")).map(ToOwned::to_owned).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_what_there_is() {
    let exported = exported();
    let dashboard: serde_json::Value = serde_json::from_str(&document("grafana.json")).unwrap();
    let mut asked = BTreeSet::new();
    let mut queries = |value: &serde_json::Value| asked.extend(mentioned(value.as_str().unwrap_or_default()));
    visit(&dashboard, &mut |key, value| {
        if key == "expr" || key == "query" || key == "definition" {
            queries(value);
        }
    });
    let alerts = document("alerts.yml");
    let asked_by_alerts = mentioned(&alerts);
    assert!(asked.len() > 20 && asked_by_alerts.len() > 5, "the queries were not found");
    for name in asked.iter().chain(&asked_by_alerts) {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .filter(|family| exported.get(*family).is_some_and(|(kind, _)| kind == "histogram"));
        let kind = exported.get(family.unwrap_or(name)).map(|(kind, _)| kind.as_str());
        assert!(kind.is_some_and(|kind| family.is_some() || kind != "histogram"), "{name} is not told");
    }
    // Whoever looks sees all: but for the name of the build, and what only says when something began.
    for (name, (kind, _)) in &exported {
        let shown = |part: &str| asked.contains(&format!("{name}{part}"));
        let shown = if kind == "histogram" { shown("_bucket") || shown("_sum") } else { shown("") };
        assert!(shown, "{name} is not on the dashboard");
    }
}

fn visit(value: &serde_json::Value, each: &mut impl FnMut(&str, &serde_json::Value)) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                each(key, value);
                visit(value, each);
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| visit(value, each)),
        _ => {}
    }
}
