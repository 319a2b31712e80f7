//! What the server keeps: the data directory as an administrator sees it, backups and their way
//! back, and what is said where something is wrong with it.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use conclave::tls;
use rustix::process::Signal;

use crate::support::{Deployment, Pair, Peer, Program, until};

/// The capabilities of a client that asks for the history itself.
const CAPS: &str = "batch server-time message-tags account-tag draft/chathistory draft/event-playback echo-message";

/// A server in a process of its own.
struct Served {
    program: Program,
    address: SocketAddr,
}

impl Served {
    fn start(deployment: &Deployment, arguments: &[&str]) -> Self {
        let program = Program::start("serve", serve(deployment).args(["--listen", "127.0.0.1:0"]).args(arguments));
        let said = program.expect("listening on ");
        // What comes on stdout comes in one piece.
        let address = said.split("listening on ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        Self { program, address }
    }

    /// Ends it in good order; gives what it said.
    fn stop(self) -> String {
        self.program.signal(Signal::TERM);
        let (status, said) = self.program.end();
        assert!(status.success(), "{said}");
        said
    }

    async fn irc(&self, deployment: &Deployment, pair: &Pair) -> Peer {
        let mut peer = Peer::connect_with(deployment, self.address, pair, None).await;
        peer.register(CAPS).await;
        peer
    }
}

fn conclave(deployment: &Deployment) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.current_dir(deployment.root()).stdin(Stdio::null()).env("TZ", "UTC").env_remove("CONCLAVE_DATA");
    command
}

fn serve(deployment: &Deployment) -> Command {
    let mut command = conclave(deployment);
    command.arg("serve");
    command
}

fn history(deployment: &Deployment, arguments: &[&str]) -> Output {
    conclave(deployment).arg("history").args(arguments).output().unwrap()
}

#[track_caller]
fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    for words in words {
        assert!(said.contains(words), "{said}\nhas no: {words}");
    }
    assert_eq!(output.stdout, b"", "{output:?}");
}

/// Everything in a directory: names, modes and digests.
fn contents(directory: &Path) -> BTreeMap<String, (u32, [u8; 32])> {
    let look = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, (mode(&path), tls::sha256(&fs::read(&path).unwrap())))
    };
    fs::read_dir(directory).unwrap().map(|entry| look(entry.unwrap().path())).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The lines of a room's history, without the names of batches.
async fn kept(peer: &mut Peer, room: &str) -> Vec<String> {
    peer.send(&format!("CHATHISTORY LATEST {room} * 100")).await;
    let lines = peer.lines().await;
    let lines = lines.into_iter().filter(|line| !line.contains(" BATCH "));
    lines.map(|line| line.split_once(';').map_or(line.clone(), |(_, rest)| rest.to_owned())).collect()
}

/// What there is to know about a room.
async fn room(peer: &mut Peer, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for question in ["TOPIC", "MODE", "NAMES"].map(|verb| format!("{verb} {name}")) {
        lines.extend(peer.does(&question).await);
    }
    lines.extend(peer.does(&format!("MODE {name} +b")).await);
    lines
}

/// Says something and waits until it is acknowledged.
async fn say(peer: &mut Peer, room: &str, text: &str) {
    peer.send(&format!("PRIVMSG {room} :{text}")).await;
    peer.expect(&format!("PRIVMSG {room} :{text}")).await;
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_the_same_chat_again() {
    let deployment = Deployment::new();
    let (alice, bob) = (deployment.issue("alice"), deployment.issue("bob"));
    let server = Served::start(&deployment, &["--data", "one"]);
    assert_eq!(mode(&deployment.root().join("one")), 0o700);
    let mut first = server.irc(&deployment, &alice).await;
    for line in ["JOIN #ops", "TOPIC #ops :what we do", "MODE #ops +bk evil!*@* key"] {
        first.does(line).await;
    }
    for n in 0..20 {
        say(&mut first, "#ops", &format!("before {n}")).await;
    }

    // Bob talks all the time while it is copied.
    let mut other = server.irc(&deployment, &bob).await;
    other.does("JOIN #ops key").await;
    let busy = tokio::spawn(async move {
        for n in 0..400 {
            other.send(&format!("PRIVMSG #ops :load {n}")).await;
        }
        other.expect("load 399").await;
        other
    });
    let root = deployment.root().to_owned();
    let backup = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command.current_dir(root).args(["history", "backup", "copy.sqlite3", "--data", "one"]).output().unwrap()
    });
    let said = ok(&backup.await.unwrap());
    assert!(said.starts_with("copy.sqlite3 is a good copy of one/journal.sqlite3: "), "{said}");
    let copy = deployment.root().join("copy.sqlite3");
    assert_eq!(mode(&copy), 0o600);
    let mut other = busy.await.unwrap();
    other.send("QUIT").await;
    other.rest().await;
    first.lines().await;
    let known = room(&mut first, "#ops").await;
    let all = all(&mut first).await;
    first.close().await;
    server.stop();
    let names: Vec<_> = contents(deployment.root().join("one").as_path()).into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("copy")), "{names:?}");

    // It takes nobody's place.
    let octets = fs::read(&copy).unwrap();
    fails(&history(&deployment, &["backup", "copy.sqlite3", "--data", "one"]), 1, &["copy.sqlite3", "exists"]);
    fails(
        &history(&deployment, &["import", "copy.sqlite3", "--data", "one"]),
        1,
        &["one", "journal", "move the whole directory away"],
    );
    assert_eq!(fs::read(&copy).unwrap(), octets);

    let said = ok(&history(&deployment, &["import", "copy.sqlite3", "--data", "two"]));
    assert!(said.contains("two"), "{said}");
    let modes: Vec<_> = contents(deployment.root().join("two").as_path()).into_values().map(|file| file.0).collect();
    assert!(modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
    let server = Served::start(&deployment, &["--data", "two"]);
    let mut again = server.irc(&deployment, &alice).await;
    let brought = self::all(&mut again).await;
    let alices = |line: &&String| line.contains(":before ");
    assert_eq!(brought.iter().filter(alices).count(), 20);
    assert!(all.iter().filter(|line| line.contains(":load ")).count() == 400);
    // As far as the copy goes, it is the same, with the same ids and times; the joins of the copy's own
    // start come after it.
    let shared = brought.iter().zip(&all).take_while(|(copied, line)| copied == line).count();
    assert!(shared >= 21, "{brought:#?}");
    assert!(!brought[shared..].iter().any(|line| line.contains("PRIVMSG")), "{brought:#?}");
    assert_eq!(room(&mut again, "#ops").await, known);
    // And it goes on.
    say(&mut again, "#ops", "here we are again").await;
    assert!(kept(&mut again, "#ops").await.last().unwrap().ends_with("PRIVMSG #ops :here we are again"));
    server.stop();
}

/// All that was said in #ops, page by page.
async fn all(peer: &mut Peer) -> Vec<String> {
    let mut lines = kept(peer, "#ops").await;
    loop {
        let Some(first) = lines.first().and_then(|line| line.split("msgid=").nth(1)) else { return lines };
        let id = first.split([';', ' ']).next().unwrap().to_owned();
        peer.send(&format!("CHATHISTORY BEFORE #ops msgid={id} 100")).await;
        let page = peer.lines().await;
        let page = page.into_iter().filter(|line| !line.contains(" BATCH "));
        let page: Vec<String> = page.map(|line| line.split_once(';').unwrap().1.to_owned()).collect();
        if page.is_empty() {
            return lines;
        }
        lines.splice(0..0, page);
    }
}

#[tokio::test]
async fn a_restart_changes_nothing_and_the_start_says_what_there_is() {
    let deployment = Deployment::new();
    let alice = deployment.issue("alice");
    let server = Served::start(&deployment, &[]);
    let mut peer = server.irc(&deployment, &alice).await;
    peer.does("JOIN #ops").await;
    say(&mut peer, "#ops", "one").await;
    say(&mut peer, "#ops", "two").await;
    let (known, lines) = (room(&mut peer, "#ops").await, kept(&mut peer, "#ops").await);
    drop(peer);
    let said = server.stop();
    assert!(said.contains("rooms are kept in conclave-data, and messages for 30 days"), "{said}");

    // A look changes nothing, and neither do readers.
    let data = deployment.root().join("conclave-data");
    let before = contents(&data);
    let good = serve(&deployment).args(["--check", "--listen", "127.0.0.1:1"]).output().unwrap();
    assert_eq!(ok(&good), "the configuration is good; no port was opened\n");
    assert_eq!(contents(&data), before);
    assert_eq!(ok(&serve(&deployment).args(["--check", "--data", "none-yet"]).output().unwrap()), ok(&good));
    assert!(!deployment.root().join("none-yet").exists());

    let server = Served::start(&deployment, &["--history", "forever", "--history-per-room", "1000"]);
    // Also while it runs.
    assert_eq!(ok(&serve(&deployment).arg("--check").output().unwrap()), ok(&good));
    fails(
        &serve(&deployment).args(["--listen", "127.0.0.1:0"]).output().unwrap(),
        3,
        &["the data directory conclave-data is in use by another conclave", "--data DIR"],
    );
    fails(&history(&deployment, &["import", "x"]), 1, &["x"]);
    let mut peer = server.irc(&deployment, &alice).await;
    assert_eq!(room(&mut peer, "#ops").await, known);
    assert_eq!(kept(&mut peer, "#ops").await[..lines.len()], lines);
    drop(peer);
    let said = server.stop();
    assert!(said.contains("and messages forever, but at most 1000 messages of one room"), "{said}");
    assert!(said.contains("conclave-data holds 2 messages, 1 room, "), "{said}");

    // Nothing is kept: what was, goes.
    let server = Served::start(&deployment, &["--history", "off"]);
    until("they are removed", || ok(&history(&deployment, &["check"])).contains(" is whole: 0 messages, "));
    let said = server.stop();
    assert!(said.contains("what is said is kept nowhere (--history off)"), "{said}");
    assert!(said.contains("warning: the 2 messages that were kept in conclave-data until now are removed"), "{said}");
    for name in contents(&data).into_keys() {
        let octets = fs::read(data.join(&name)).unwrap();
        for text in [&b"one"[..], b"two"] {
            // SQLite's own words have neither of them.
            let found = octets.windows(text.len() + 1).any(|window| &window[1..] == text && window[0] < b' ');
            assert!(!found, "{name} holds {text:?}");
        }
    }
    let server = Served::start(&deployment, &[]);
    let mut peer = server.irc(&deployment, &alice).await;
    assert!(!kept(&mut peer, "#ops").await.iter().any(|line| line.contains("PRIVMSG")));
    assert_eq!(room(&mut peer, "#ops").await, known);
    let said = server.stop();
    assert!(said.contains("conclave-data holds 0 messages, 1 room, "), "{said}");
}

#[tokio::test]
async fn what_is_kept_can_be_read_by_the_administrator() {
    let deployment = Deployment::new();
    let (alice, bob) = (deployment.issue("alice"), deployment.issue("bob"));
    let server = Served::start(&deployment, &[]);
    let mut peer = server.irc(&deployment, &alice).await;
    let mut other = server.irc(&deployment, &bob).await;
    peer.does("JOIN #ops").await;
    say(&mut peer, "#ops", "first").await;
    say(&mut peer, "#ops", "\u{1}ACTION waves\u{1}").await;
    say(&mut peer, "bob", "psst").await;
    other.expect("psst").await;
    say(&mut peer, "#ops", "gone").await;
    peer.send("CHATHISTORY LATEST #ops * 1").await;
    let line = peer.expect(":gone").await;
    let id = line.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap();
    peer.does(&format!("REDACT #ops {id}")).await;
    peer.does("RENAME #ops #all").await;
    say(&mut peer, "#all", "last").await;

    // While it runs.
    let text = ok(&history(&deployment, &["export", "#all"]));
    let lines: Vec<&str> = text.lines().map(|line| &line["2026-11-21 14:02:10 ".len()..]).collect();
    let said = |line: &&&str| !line.contains(" -!- ");
    let heard: Vec<&str> = lines.iter().filter(said).copied().collect();
    assert_eq!(heard, ["#all <alice> first", "#all * alice waves", "#all <alice> last"], "{text}");
    assert!(lines.contains(&"#all -!- alice joined"), "{text}");
    let pair = ok(&history(&deployment, &["export", "BOB,alice"]));
    assert!(pair.ends_with(" alice -> bob: psst\n") && pair.lines().count() == 1, "{pair}");

    let json = ok(&history(&deployment, &["export", "#ALL", "--json"]));
    let objects: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = objects.iter().find(|object| object["text"] == "first").unwrap();
    assert_eq!(
        (&first["kind"], &first["target"], &first["account"]),
        (&"message".into(), &"#all".into(), &"alice".into())
    );
    assert!(first["msgid"].is_string() && first["time"].as_str().unwrap().ends_with('Z'));
    // The same as who follows the room reads.
    let files = [("--cert", &*alice.certificate), ("--key", &*alice.key)];
    let pin = deployment.path("server.pem");
    let address = server.address.to_string();
    let tail = ["tail", "--json", "-n", "100", "#all", "--server", &address, "--pin", pin.to_str().unwrap()];
    let program = Program::conclave(&tail, &files);
    let followed = program.expect("\"last\"");
    let followed = followed.lines().find(|line| line.contains("\"first\"")).unwrap();
    assert_eq!(&serde_json::from_str::<serde_json::Value>(followed).unwrap(), first);
    drop(program);

    let time = first["time"].as_str().unwrap();
    let since = ok(&history(&deployment, &["export", "#all", "--since", time]));
    assert!(since.contains("<alice> first"), "{since}");
    let until = ok(&history(&deployment, &["export", "#all", "--until", time]));
    assert!(!until.contains("<alice> first") && until.contains("alice joined"), "{until}");
    assert_eq!(ok(&history(&deployment, &["export", "#all", "--since", "2999-01-01T00:00:00Z"])), "");
    fails(
        &history(&deployment, &["export", "#none"]),
        1,
        &["there is no room #none; conclave history rooms lists them"],
    );
    fails(&history(&deployment, &["export", "#all", "--data", "nowhere"]), 3, &["nowhere"]);

    let rooms = ok(&history(&deployment, &["rooms"]));
    assert!(rooms.lines().any(|line| line.starts_with("#all  1        3 ")), "{rooms}");
    let rooms = ok(&history(&deployment, &["rooms", "--json"]));
    assert!(rooms.contains("{\"room\":\"#all\",\"members\":1,\"messages\":3,\"first\":\""), "{rooms}");
    let verdict = ok(&history(&deployment, &["check"]));
    assert!(verdict.starts_with("conclave-data/journal.sqlite3 is whole: "), "{verdict}");
    server.stop();

    // And when it does not run.
    assert_eq!(ok(&history(&deployment, &["export", "#all"])).lines().next(), text.lines().next());
    ok(&history(&deployment, &["check"]));
}

#[test]
fn a_revocation_list_older_than_one_of_before_is_refused_also_after_a_restart() {
    let deployment = Deployment::new();
    deployment.issue("alice");
    let old = fs::read(deployment.path("crl.pem")).unwrap();
    deployment.revoke("alice");
    let new = fs::read(deployment.path("crl.pem")).unwrap();
    Served::start(&deployment, &[]).stop();
    fs::write(deployment.path("crl.pem"), old).unwrap();
    for check in [&["--check"][..], &["--listen", "127.0.0.1:0"]] {
        let refused = serve(&deployment).args(check).output().unwrap();
        fails(&refused, 3, &["certs/crl.pem", "older than number", "copy the newest list here", "conclave-data/crl-"]);
    }
    // In memory nothing is remembered.
    Served::start(&deployment, &["--data", "none"]).stop();
    fs::write(deployment.path("crl.pem"), new).unwrap();
    Served::start(&deployment, &[]).stop();
}

/// A data directory that the server has made, spoiled; and what the server says of it.
#[track_caller]
fn spoiled(spoil: impl FnOnce(&Path), words: &[&str]) {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    spoil(&deployment.root().join("conclave-data"));
    for check in [&["--listen", "127.0.0.1:0"][..], &["--check"]] {
        fails(&serve(&deployment).args(check).output().unwrap(), 3, words);
    }
}

#[test]
fn what_is_wrong_with_the_journal_is_said() {
    let file = |data: &Path| data.join("journal.sqlite3");
    spoiled(
        |data| rusqlite::Connection::open(file(data)).unwrap().pragma_update(None, "user_version", 1000).unwrap(),
        &["journal.sqlite3", "1000", "newer"],
    );
    spoiled(|data| fs::write(file(data), "not a database at all").unwrap(), &["journal.sqlite3"]);
    spoiled(
        |data| {
            let mut octets = fs::read(file(data)).unwrap();
            octets[100..4000].fill(0xa5);
            fs::write(file(data), octets).unwrap();
        },
        &["journal.sqlite3", "damaged"],
    );
    spoiled(
        |data| {
            fs::remove_file(file(data)).unwrap();
            fs::create_dir(file(data)).unwrap();
        },
        &["journal.sqlite3"],
    );
    spoiled(
        |data| fs::set_permissions(file(data), fs::Permissions::from_mode(0o644)).unwrap(),
        &["chmod 600 conclave-data/journal.sqlite3"],
    );
    spoiled(|data| fs::set_permissions(data, fs::Permissions::from_mode(0o777)).unwrap(), &["chmod 700 conclave-data"]);
    spoiled(
        |data| {
            fs::remove_dir_all(data).unwrap();
            fs::write(data, "").unwrap();
        },
        &["conclave-data", "not a directory"],
    );
}

#[test]
fn a_state_that_cannot_be_read_back_is_said_before_anybody_is_let_in() {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    let file = deployment.root().join("conclave-data/journal.sqlite3");
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute("INSERT INTO accounts (name) VALUES ('no name')", []).unwrap();
    drop(database);
    let output = serve(&deployment).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    fails(&output, 3, &["the journal conclave-data/journal.sqlite3 cannot be read: ", "restore a backup"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn a_place_for_the_data_directory_has_to_be_there() {
    let deployment = Deployment::new();
    for check in [&["--listen", "127.0.0.1:0"][..], &["--check"]] {
        let output = serve(&deployment).args(["--data", "a/b/c"]).args(check).output().unwrap();
        fails(
            &output,
            3,
            &["the data directory a/b/c cannot be made: there is no a/b; make that first, with: mkdir -p a/b"],
        );
    }
}

#[test]
fn what_was_never_said_is_told_apart_from_what_cannot_be_found() {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    let output = history(&deployment, &["export", "alice,bob"]);
    assert_eq!(ok(&output), "");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "nothing of that is kept\n");
}

/// Runs the server where a file system is mounted over its data directory.
fn mounted(deployment: &Deployment, mount: &str) -> Option<Output> {
    let script = format!("{mount} && exec \"$0\" serve --listen 127.0.0.1:0");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_conclave")]);
    let output = command.current_dir(deployment.root()).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare") || said.contains("mount:") {
        // Nothing can be mounted here.
        return None;
    }
    Some(output)
}

#[test]
fn a_disk_that_is_full_or_cannot_be_written_is_said() {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    let read_only = "mount --bind conclave-data conclave-data && mount -o remount,bind,ro conclave-data";
    let Some(output) = mounted(&deployment, read_only) else { return };
    fails(&output, 3, &["conclave-data", "Read-only file system"]);
    let full = "mount -t tmpfs -o size=16k,mode=700 none conclave-data && head -c 65536 /dev/zero > conclave-data/big 2>&-; true";
    let Some(output) = mounted(&deployment, full) else { return };
    fails(&output, 3, &["conclave-data", "full"]);
}

#[test]
fn another_process_that_holds_the_journal_is_told_apart() {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    let file = deployment.root().join("conclave-data/journal.sqlite3");
    let conn = rusqlite::Connection::open(file).unwrap();
    conn.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    fails(&serve(&deployment).args(["--listen", "127.0.0.1:0"]).output().unwrap(), 3, &["another process"]);
}

#[test]
fn only_a_good_backup_is_imported() {
    let deployment = Deployment::new();
    Served::start(&deployment, &[]).stop();
    ok(&history(&deployment, &["backup", "good"]));
    let path = |name: &str| deployment.root().join(name);
    fs::write(path("garbage"), "garbage").unwrap();
    let mut octets = fs::read(path("good")).unwrap();
    let middle = octets.len() / 2 / 4096 * 4096;
    octets[middle..middle + 8192].fill(0xa5);
    fs::write(path("damaged"), octets).unwrap();
    fs::copy(path("good"), path("newer")).unwrap();
    rusqlite::Connection::open(path("newer")).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    for (name, words) in [
        ("garbage", "garbage is no journal of Conclave's"),
        ("damaged", "damaged"),
        ("newer", "newer"),
        ("missing", "missing"),
    ] {
        fails(&history(&deployment, &["import", name, "--data", "fresh"]), 1, &[words]);
        fails(&history(&deployment, &["check", name]), 1, &[words]);
        assert!(!path("fresh").exists());
    }
    // What is left of another journal would be taken for a part of this one.
    fs::create_dir(path("left")).unwrap();
    fs::write(path("left/journal.sqlite3-wal"), "x").unwrap();
    fails(
        &history(&deployment, &["import", "good", "--data", "left"]),
        1,
        &["left/journal.sqlite3-wal", "move the whole directory away, as with: mv left left.old,"],
    );
    // Not while a server runs there.
    let server = Served::start(&deployment, &["--data", "none"]);
    server.stop();
    let server = Served::start(&deployment, &["--data", "busy"]);
    fails(
        &history(&deployment, &["import", "good", "--data", "busy"]),
        3,
        &["busy is in use", "stop the server first"],
    );
    server.stop();
    ok(&history(&deployment, &["import", "good", "--data", "fresh"]));
    Served::start(&deployment, &["--data", "fresh"]).stop();
}
