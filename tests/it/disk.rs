//! A disk that is full, takes nothing, or is damaged while the server runs; and a server that is killed
//! while it makes its journal.

use std::{fs, net::SocketAddr, os::unix::fs::FileExt, path::Path, process::Command};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::{
    programs::Running,
    support::{Deployment, Peer, until},
};

const BROKEN: &str = "The server cannot write to its disk now";
const MENDED: &str = "The server can write to its disk again";

/// Says something in `#lobby`; whether it was taken. What else happens is put aside.
async fn says(peer: &mut Peer, text: &str) -> bool {
    let answer = peer.does(&format!("PRIVMSG #lobby :{text}")).await;
    let of_it: Vec<&String> = answer.iter().filter(|line| line.contains(" PRIVMSG ")).collect();
    assert_eq!(of_it.len(), 1, "{answer:#?}");
    let refused =
        of_it[0].contains(" FAIL PRIVMSG NOT_KEPT :this was not done: the server cannot write to its disk now");
    assert!(refused || of_it[0].ends_with(text), "{answer:#?}");
    !refused
}

async fn comes(deployment: &Deployment, address: SocketAddr, name: &str) -> Peer {
    let mut peer = Peer::connect_with(deployment, address, &deployment.pair(name), None).await;
    peer.register("echo-message conclave.chat/no-replay").await;
    peer.send("JOIN #lobby").await;
    peer.lines().await;
    peer
}

/// A server of which no file may grow further than the limit says, and which hears that as an error.
fn limited(deployment: &Deployment) -> Running {
    let mut command = Command::new("sh");
    let serve = format!("trap '' XFSZ; exec {} serve --listen 127.0.0.1:0 --data data", env!("CARGO_BIN_EXE_conclave"));
    Running::start(command.args(["-c", &serve]).current_dir(deployment.root()))
}

fn limit(server: &Running, octets: Option<u64>) {
    let limits = Rlimit { current: octets, maximum: getrlimit(Resource::Fsize).maximum };
    let id = Pid::from_raw(i32::try_from(server.id()).unwrap());
    prlimit(id, Resource::Fsize, limits).unwrap();
}

fn serve(deployment: &Deployment) -> Running {
    Running::serve(deployment.root(), &["--listen", "127.0.0.1:0", "--data", "data"])
}

/// The texts of the room's history.
async fn kept(peer: &mut Peer) -> Vec<String> {
    let lines = peer.does("HISTORY #lobby 100").await;
    let rows = lines.iter().filter_map(|line| Some(line.rsplit_once("#lobby <")?.1.split_once("> ")?.1.to_owned()));
    rows.collect()
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_of_and_loses_nothing() {
    let deployment = Deployment::new();
    for name in ["alice", "bob", "carol"] {
        deployment.issue(name);
    }
    let mut server = limited(&deployment);
    let address = server.listening();
    let mut alice = comes(&deployment, address, "alice").await;
    let mut bob = Peer::connect_with(&deployment, address, &deployment.pair("bob"), None).await;
    bob.send("").await;
    bob.lines().await;
    assert!(says(&mut alice, "before").await);
    bob.expect("<alice> before").await;

    for _ in 0..2 {
        limit(&server, Some(0));
        for number in 0..5 {
            assert!(!says(&mut alice, &format!("lost {number}")).await);
        }
        let told = bob.lines().await;
        assert_eq!(told.iter().filter(|line| line.contains(BROKEN)).count(), 1, "{told:#?}");
        assert!(!told.iter().any(|line| line.contains("lost")), "{told:#?}");
        bob.send("mine").await;
        bob.expect("-!- this was not done: the server cannot write to its disk now").await;
        server.expect_err("nothing can be kept: messages are refused until it can");
        // It serves on: what is there can be read, and who is here be seen.
        assert!(!kept(&mut alice).await.iter().any(|text| text.contains("lost")));
        assert!(alice.does("NAMES #lobby").await[0].ends_with(":alice bob"));
        // Who is new cannot stay, and hears why.
        let mut carol = Peer::connect_with(&deployment, address, &deployment.pair("carol"), None).await;
        carol.send("NICK carol\r\nUSER carol 0 * :carol").await;
        let (goodbye, _) = carol.rest().await;
        assert!(goodbye[0].contains("ERROR :The server cannot write to its disk now; try again later"), "{goodbye:#?}");

        limit(&server, None);
        bob.expect(MENDED).await;
        alice.lines().await;
        assert!(says(&mut alice, "after").await);
        bob.expect("<alice> after").await;
    }
    server.expect_err("the journal can be written again");
    server.signal(Signal::KILL);
    server.ended();
    let mut server = serve(&deployment);
    let address = server.listening();
    let mut alice = comes(&deployment, address, "alice").await;
    assert_eq!(kept(&mut alice).await, ["before", "after", "after"]);
    comes(&deployment, address, "carol").await;
}

/// A file system of its own, which only its user sees: where that is not to be had, nothing is tested.
#[tokio::test]
async fn a_full_disk_is_told_of_and_takes_again_what_is_said_when_there_is_room() {
    let deployment = Deployment::new();
    deployment.issue("alice");
    let mut command = Command::new("unshare");
    let script = format!(
        "mkdir data && mount -t tmpfs -o size=2m,mode=700 none data && echo mounted || exit 77
         {} serve --listen 127.0.0.1:0 --data data &
         while read -r command; do eval \"$command\"; done; kill $!; wait",
        env!("CARGO_BIN_EXE_conclave")
    );
    let mut server =
        Running::start(command.args(["-rmpf", "--kill-child", "sh", "-c", &script]).current_dir(deployment.root()));
    // All of it ends with its first process, and that with the test.
    if !server.says("mounted") {
        eprintln!("left out: a small disk takes unshare and mount");
        return;
    }
    let mut alice = comes(&deployment, server.listening(), "alice").await;
    let mut taken = Vec::new();
    for round in 0..2 {
        server.type_line("dd if=/dev/zero of=data/filler bs=1k 2>/dev/null; echo filled");
        server.expect("filled");
        // There is some room left in the files that are there.
        let refused = loop {
            let text = format!("{round} {} {}", taken.len(), "x".repeat(300));
            if !says(&mut alice, &text).await {
                break text;
            }
            taken.push(text);
            assert!(taken.len() < 20_000, "it is never full");
        };
        server.expect_err("make room on the disk");
        assert!(!says(&mut alice, &refused).await);
        server.type_line("rm data/filler; echo freed");
        server.expect("freed");
        alice.expect(MENDED).await;
        assert!(says(&mut alice, &refused).await);
        taken.push(refused);
    }
    let newest = taken.len().saturating_sub(100);
    assert_eq!(kept(&mut alice).await, taken[newest..]);
}

#[tokio::test]
async fn a_damaged_page_is_told_of_and_ends_nobody() {
    let deployment = Deployment::new();
    for name in ["alice", "bob"] {
        deployment.issue(name);
    }
    let mut server = serve(&deployment);
    let mut alice = comes(&deployment, server.listening(), "alice").await;
    for number in 0..300 {
        alice.send(&format!("PRIVMSG #lobby :{number} {}", "x".repeat(300))).await;
    }
    alice.lines().await;
    server.signal(Signal::TERM);
    server.ended();

    let mut server = serve(&deployment);
    let address = server.listening();
    let mut alice = comes(&deployment, address, "alice").await;
    spoil(&deployment.root().join("data/journal.sqlite3"));
    let answer = alice.does("HISTORY #lobby 100").await;
    assert!(
        answer[0].contains("FAIL * HISTORY_FAILED :") && answer[0].contains("cannot read its journal"),
        "{answer:#?}"
    );
    says(&mut alice, "taken or refused, and told so").await;
    assert!(alice.does("NAMES #lobby").await[0].contains(":alice"));
    server.expect_err("restore a backup");
}

/// Damages everything that is kept in a journal, but not its head.
fn spoil(file: &Path) {
    const PAGE: u64 = 4096;
    let length = fs::metadata(file).unwrap().len();
    assert!(length > 20 * PAGE, "{length}");
    let file = fs::File::options().write(true).open(file).unwrap();
    for page in 1..length / PAGE {
        file.write_all_at(&[0xa5; 1000], page * PAGE).unwrap();
    }
}

/// Killed while it makes its journal, at whatever moment: the next start makes it whole.
#[tokio::test]
async fn who_is_killed_while_he_makes_his_journal_makes_it_anew() {
    let deployment = Deployment::new();
    deployment.issue("alice");
    let data = deployment.root().join("data");
    let sizes = || -> u64 {
        let files = fs::read_dir(&data).into_iter().flatten();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    };
    for moment in 0..12 {
        let _ = fs::remove_dir_all(&data);
        let server = serve(&deployment);
        // The first thing in the directory, its first octets, and ever more.
        until("the journal grows", || match moment {
            0 => data.exists(),
            1 => data.join("journal.sqlite3").exists(),
            _ => sizes() >= 1 << (moment + 7),
        } || data.join("journal.sqlite3-wal").exists() && moment > 10);
        server.signal(Signal::KILL);
        server.ended();
        let mut server = serve(&deployment);
        let mut alice = comes(&deployment, server.listening(), "alice").await;
        assert!(says(&mut alice, "it opens").await, "{moment}");
        server.signal(Signal::TERM);
        let (code, _, stderr) = server.ended();
        assert_eq!(code, Some(0), "{stderr}");
    }
}
