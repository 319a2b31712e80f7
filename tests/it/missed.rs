//! What was said while a client was not there, over real connections: it comes when he is back, and what
//! he confirmed does not come again.

use crate::support::{Deployment, End, Peer, Server};

/// Numbers out of the lines of #x, in order.
fn numbers(lines: &[String]) -> Vec<u32> {
    let text = |line: &String| line.rsplit_once("PRIVMSG #x :").map(|(_, text)| text.to_owned());
    lines.iter().filter_map(text).map(|text| text.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

/// Registers and reads until the replay's last fence; answers no fence.
async fn comes(
    deployment: &Deployment,
    server: &Server,
    pair: &crate::support::Pair,
    last: &str,
) -> (Peer, Vec<String>) {
    let mut peer = Peer::connect(deployment, server, pair).await;
    let mut lines = peer.register("batch server-time message-tags").await;
    while !lines.iter().any(|line| line.ends_with(last)) || !lines.last().is_some_and(|line| line.starts_with("PING "))
    {
        lines.push(peer.next().await.expect("the replay ends"));
    }
    (peer, lines)
}

#[tokio::test]
async fn a_program_gets_what_it_missed_and_what_it_confirmed_once() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;
    let mut peer = Peer::irc(&deployment, &server, &alice, "").await;
    peer.does("JOIN #x").await;
    peer.vanish();
    // More than one page, and more than a socket takes at once.
    let long = "x".repeat(400);
    for n in 1..=450 {
        bob.send(&format!("PRIVMSG #x :{long} {n}")).await;
    }
    bob.lines().await;

    let (mut peer, lines) = comes(&deployment, &server, &alice, " 450").await;
    assert_eq!(numbers(&lines), (1..=450).collect::<Vec<_>>());
    let fences: Vec<&String> = lines.iter().filter(|line| line.starts_with("PING conclave-")).collect();
    assert_eq!(fences.len(), 5, "one for each page");
    // Answers the second of them; then the network breaks.
    peer.send(&fences[1].replace("PING", "PONG")).await;
    peer.lines().await;
    peer.vanish();

    let (mut peer, again) = comes(&deployment, &server, &alice, " 450").await;
    assert_eq!(numbers(&again), (201..=450).collect::<Vec<_>>());
    let known: Vec<&String> = lines.iter().filter(|line| line.contains(" PRIVMSG ")).collect();
    assert!(again.iter().filter(|line| line.contains(" PRIVMSG ")).all(|line| known.contains(&line)), "the same ids");
    peer.send(&again.last().unwrap().replace("PING", "PONG")).await;
    bob.does("PRIVMSG #x :451").await;
    assert_eq!(numbers(&peer.lines().await), [451]);
    assert_eq!(peer.close().await.1, End::Clean);
    bob.does("PRIVMSG #x :452").await;
    let (_, lines) = comes(&deployment, &server, &alice, " :452").await;
    assert_eq!(numbers(&lines), [451, 452]);
}

#[tokio::test]
async fn a_person_reads_what_he_missed() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let carol = deployment.issue("carol");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #lobby").await;
    let mut peer = Peer::plain(&deployment, &server, &carol).await;
    peer.does("hello").await;
    peer.send("/quit").await;
    assert_eq!(peer.rest().await.1, End::Clean);
    bob.does("PRIVMSG #lobby :one").await;
    bob.does("PRIVMSG carol :\u{1}ACTION nods\u{1}").await;

    let missed = ["-!- 2 missed messages:", "T #lobby <bob> one", "T bob -> you: * bob nods", "-!- you are up to date"];
    for _ in 0..2 {
        let mut peer = Peer::connect(&deployment, &server, &carol).await;
        peer.send("").await;
        peer.expect("you talk in #lobby now").await;
        // She types nothing, and the network breaks.
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.contains("up to date")) {
            lines.push(peer.next().await.unwrap());
        }
        let text = |line: &String| {
            line.split_once(' ')
                .filter(|_| line.as_bytes()[2] == b':')
                .map_or(line.clone(), |(_, text)| format!("T {text}"))
        };
        assert_eq!(lines.iter().map(text).collect::<Vec<_>>(), missed);
        peer.vanish();
    }
    let mut peer = Peer::connect(&deployment, &server, &carol).await;
    peer.send("").await;
    peer.expect("up to date").await;
    peer.lines().await;
    // She has typed: that is read.
    peer.vanish();
    let mut peer = Peer::connect(&deployment, &server, &carol).await;
    let lines = peer.does("").await;
    assert!(!lines.iter().any(|line| line.contains("missed")), "{lines:?}");
}
