//! Messages by their words: for a person, for an IRC client, and in our own client.

use std::net::SocketAddr;

use crate::{
    programs::Running,
    support::{Deployment, Peer, Server},
};

#[tokio::test]
async fn in_both_dialects() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let mut bob =
        Peer::irc(&deployment, &server, &deployment.issue("bob"), "batch server-time message-tags soju.im/search")
            .await;
    let mut old = Peer::irc(&deployment, &server, &deployment.issue("bob/old"), "server-time").await;
    for line in ["/join #ops", "The build is broken", "/me mends the Build", "/msg bob see you in #ops: build 7"] {
        alice.does(line).await;
    }
    bob.does("PRIVMSG alice :building it again").await;
    alice.sees().await;

    let hits = [
        "D T #ops <alice> The build is broken",
        "D T #ops * alice mends the Build",
        "D T you -> bob: see you in #ops: build 7",
    ];
    let found = |number: usize, hits: &[&str]| -> Vec<String> {
        let head = match number {
            1 => "-!- 1 message was found:".to_owned(),
            number => format!("-!- {number} messages were found:"),
        };
        [&head]
            .into_iter()
            .map(String::as_str)
            .chain(hits.iter().copied())
            .chain(["-!- end of the search"])
            .map(Into::into)
            .collect()
    };
    assert_eq!(alice.does("/search build").await, found(3, &hits));
    assert_eq!(alice.does("/search BROKEN, build!").await, found(1, &hits[..1]));
    assert_eq!(alice.does("/search buildi*").await, found(1, &["D T bob -> you: building it again"]));
    assert_eq!(alice.does("/search #ops 7").await, ["-!- nothing was found in #ops"]);
    assert_eq!(alice.does("/search").await, ["-!- usage: /search [#ROOM|NAME] WORDS"]);

    // Bob is not in #ops.
    let lines = bob.does("SEARCH text=build*").await;
    let lines: Vec<&str> =
        lines.iter().map(|line| line.split_once(":conclave.local ").map_or(line.as_str(), |(_, rest)| rest)).collect();
    assert_eq!((lines[0], lines.len(), lines[3]), ("BATCH +h soju.im/search", 4, "BATCH -h"));
    for (line, expect) in
        lines[1..].iter().zip([" PRIVMSG bob :see you in #ops: build 7", " PRIVMSG alice :building it again"])
    {
        assert!(line.starts_with("@batch=h;time=") && line.contains(";msgid=") && line.ends_with(expect), "{line}");
    }
    old.sees().await;
    let lines = old.does("SEARCH alice again").await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[1].starts_with(":conclave.local NOTICE bob :2") && lines[1].ends_with("you -> alice: building it again")
    );
}

#[test]
fn in_our_client() {
    let deployment = Deployment::new();
    deployment.issue("alice");
    let mut server = Running::serve(deployment.root(), &["--listen", "127.0.0.1:0", "--data", "none"]);
    let address: SocketAddr = server.listening();
    let mut alice = Running::chat(deployment.root(), address, "alice", &[]);
    alice.type_line("lunch at noon?");
    alice.expect("#lobby <alice> lunch at noon?");
    alice.type_line("/msg alice lunch with bob");
    alice.expect("lunch with bob");
    alice.type_line("/search lunch");
    let hit = alice.expect("#lobby <alice> lunch at noon?");
    assert_eq!(hit.find(" #lobby"), Some("2026-11-21 06:27:00".len()), "with its date: {hit}");
    alice.expect("lunch with bob");
    alice.expect("-!- 2 messages were found");
    alice.type_line("/search #none lunch");
    alice.expect("-!- there is no such room or person, or you may not read it");
    alice.type_line("/search sandwich");
    alice.expect("-!- nothing was found");
    let (code, _, stderr) = alice.end();
    assert_eq!(code, Some(1), "one search was refused: {stderr}");
}
