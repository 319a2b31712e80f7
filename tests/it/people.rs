//! What administrators do to a running server, and who is away before he is registered.

use crate::support::{Deployment, End, Peer, Server, until};

fn with_root(deployment: &Deployment) -> Server {
    Server::with(deployment, |options| options.admins = vec!["root".parse().unwrap()])
}

// The test waits without giving its thread back; the server has the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rehash_reads_the_certificates_again() {
    let deployment = Deployment::new();
    let server = with_root(&deployment);
    let mut root = Peer::irc(&deployment, &server, &deployment.issue("root"), "").await;
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    assert_eq!(
        alice.does("REHASH").await,
        [":conclave.local 481 alice :Permission Denied- You're not an IRC operator"]
    );
    // No file has changed: nothing but the command makes the server look.
    let before = server.live.current().generation();
    assert_eq!(root.does("REHASH").await, [":conclave.local 382 root certificates :Rehashing"]);
    until("the certificates are read again", || server.live.current().generation() != before);
    deployment.revoke("alice");
    root.send("REHASH").await;
    let (lines, _) = alice.rest().await;
    assert!(lines.last().is_some_and(|line| line.starts_with("ERROR :Your certificate was revoked")), "{lines:?}");
}

#[tokio::test]
async fn a_killed_person_is_cut_off_and_can_come_back() {
    let deployment = Deployment::new();
    let server = with_root(&deployment);
    let mut root = Peer::irc(&deployment, &server, &deployment.issue("root"), "").await;
    let pair = deployment.issue("alice");
    let mut irc = Peer::irc(&deployment, &server, &pair, "").await;
    let mut plain = Peer::plain(&deployment, &server, &pair).await;
    irc.lines().await;
    plain.lines().await;
    assert_eq!(root.does("KILL alice :too loud").await, [""; 0]);
    let (lines, end) = irc.rest().await;
    assert_eq!(
        lines.last().map(String::as_str),
        Some("ERROR :Closing Link: conclave.local (Killed (root (too loud)))")
    );
    assert_eq!(end, End::Clean);
    let (lines, end) = plain.rest().await;
    assert!(lines.last().is_some_and(|line| line.starts_with("-!- goodbye: Closing Link")), "{lines:?}");
    assert_eq!(end, End::Clean);
    let mut back = Peer::irc(&deployment, &server, &pair, "").await;
    assert_eq!(back.does("ISON alice root").await, [":conclave.local 303 alice :alice root"]);
}

#[tokio::test]
async fn who_is_away_before_he_is_registered_comes_away() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "away-notify").await;
    bob.does("MONITOR + alice").await;
    let pair = deployment.issue("alice");
    let mut alice = Peer::connect(&deployment, &server, &pair).await;
    alice.send("AWAY :too early").await;
    alice.expect(" 451 ").await;
    alice.send("CAP REQ draft/pre-away").await;
    alice.expect(" ACK ").await;
    alice.send("AWAY :still asleep").await;
    alice.expect(" 306 * ").await;
    alice.send("NICK alice").await;
    alice.send("USER alice 0 * :Alice").await;
    alice.send("CAP END").await;
    alice.expect(" 001 ").await;
    bob.expect(" 730 bob :alice!alice@example.net").await;
    bob.send("WHOIS alice").await;
    bob.expect(" 301 bob alice :still asleep").await;
}
