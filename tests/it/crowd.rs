//! Many who talk at once, and one who does not listen.

use std::{sync::Arc, time::Duration};

use conclave::server::Limits;

use crate::support::{Deployment, End, Peer, Server};

const MEMBERS: usize = 10;
const LINES: usize = 1_000;

/// Octets that may wait for a member: more than all that is said in the room, so that none of those
/// who read can be cut however slow the machine is.
const OUTBOX: usize = 4 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_the_same_while_one_never_does() {
    let deployment = Arc::new(Deployment::new());
    let server = Arc::new(Server::with(&deployment, |options| {
        options.limits = Limits { outbox: OUTBOX, ..Limits::default().without_shares() };
    }));

    // One who never reads, in the room and in another one that is louder.
    let deaf = deployment.issue("deaf");
    let mut deaf = Peer::connect_with(&deployment, server.address, &deaf, Some(4096)).await;
    deaf.register("").await;
    deaf.does("JOIN #x,#loud").await;
    let mut flood = Peer::irc(&deployment, &server, &deployment.issue("flood"), "").await;
    flood.does("JOIN #loud").await;

    let mut members = Vec::new();
    for n in 0..MEMBERS {
        let pair = deployment.issue(&format!("m{n}"));
        let peer = match n % 2 {
            0 => {
                let mut peer = Peer::plain(&deployment, &server, &pair).await;
                peer.does("/join #x").await;
                peer
            }
            _ => {
                let mut peer = Peer::irc(&deployment, &server, &pair, "echo-message server-time message-tags").await;
                peer.does("JOIN #x").await;
                peer
            }
        };
        members.push(peer);
    }
    for member in &mut members {
        member.lines().await;
    }

    let talk = members.into_iter().enumerate().map(|(n, peer)| tokio::spawn(member(n, peer)));
    let talk: Vec<_> = talk.collect();
    let flooding = tokio::spawn(async move {
        let line = format!("PRIVMSG #loud :{}\r\n", "x".repeat(450));
        let some = line.repeat(64);
        // The socket takes some megabytes before the outbox fills: 64 MB are more than that.
        for _ in 0..2_048 {
            flood.send_octets(some.as_bytes()).await;
            if let Some(quit) = flood.lines().await.pop() {
                return quit;
            }
        }
        panic!("nobody was cut");
    });

    let mut orders = Vec::new();
    for member in talk {
        orders.push(member.await.unwrap());
    }
    let cut = "SendQ exceeded: you did not read what was sent to you";
    assert_eq!(flooding.await.unwrap(), format!(":deaf!test@example.net QUIT :{cut}"));
    let (first, _) = &orders[0];
    assert_eq!(first.len(), MEMBERS * LINES);
    for n in 0..MEMBERS {
        let own: Vec<_> = first.iter().filter(|(who, _)| *who == n).map(|(_, line)| *line).collect();
        assert!(own.iter().copied().eq(0..LINES), "m{n}");
    }
    // Not assert_eq: it would print all of it.
    for (n, (order, _)) in orders.iter().enumerate() {
        assert!(order == first, "m{n} has another order than m0");
    }
    // Each of them saw once that he was cut, and talks on.
    for (n, (_, peer)) in orders.iter_mut().enumerate() {
        let last = if n % 2 == 0 { "afterwards" } else { "PRIVMSG #x :afterwards" };
        assert!(peer.does(last).await.last().unwrap().ends_with("afterwards"), "m{n}");
        assert_eq!(peer.transcript().matches(cut).count(), 1, "m{n}");
    }
    drop(deaf);
}

/// Says all lines and reads until everybody's were there; gives them in the order of their coming.
async fn member(n: usize, mut peer: Peer) -> (Vec<(usize, usize)>, Peer) {
    let plain = n.is_multiple_of(2);
    for some in (0..LINES).collect::<Vec<_>>().chunks(100) {
        let line =
            |i: &usize| if plain { format!("m{n} line {i}\n") } else { format!("PRIVMSG #x :m{n} line {i}\r\n") };
        let lines: String = some.iter().map(line).collect();
        peer.send_octets(lines.as_bytes()).await;
    }
    let mut order = Vec::with_capacity(MEMBERS * LINES);
    while order.len() < MEMBERS * LINES {
        let line = peer.next().await.unwrap_or_else(|| panic!("m{n} was cut"));
        let Some((source, text)) = line.split_once(" line ") else { continue };
        let (source, said) = source.rsplit_once('m').unwrap();
        let who: usize = said.parse().unwrap();
        // Each line is from whom it says it is.
        let from = if plain { format!(" #x <m{who}> ") } else { format!(" :m{who}!test@example.net PRIVMSG #x :") };
        let from_plain = format!(" :m{who}!m{who}@example.net PRIVMSG #x :");
        assert!(source.ends_with(&from) || !plain && source.ends_with(&from_plain), "{line}");
        order.push((who, text.parse().unwrap()));
    }
    (order, peer)
}

#[tokio::test]
async fn who_takes_nothing_for_too_long_is_cut() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.limits = Limits { outbox: 64 << 20, ..Limits::default().without_shares() };
        options.limits.patience.stall = Duration::from_secs(1);
    });
    let deaf = deployment.issue("deaf");
    let mut deaf = Peer::connect_with(&deployment, server.address, &deaf, Some(4096)).await;
    deaf.register("").await;
    deaf.does("JOIN #x").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;
    // More than its socket takes (some 4 MB), and less than its outbox.
    let some = format!("PRIVMSG deaf :{}\r\n", "x".repeat(450)).repeat(100);
    for _ in 0..(16 << 20) / some.len() {
        bob.send_octets(some.as_bytes()).await;
    }
    let cut = ":deaf!test@example.net QUIT :Send timeout: you did not read what was sent to you";
    assert_eq!(bob.expect(" QUIT ").await, cut);
    let seen = bob.does("PRIVMSG bob :still here").await;
    assert_eq!(seen.last().unwrap(), ":bob!test@example.net PRIVMSG bob :still here");
    assert_eq!(server.counters.cuts.sum(), 1);
    drop(deaf);
}

/// However little the hub takes at a time, everybody gets his turn and nothing is lost, not even a
/// last line without its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_inbox_loses_nothing() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.limits.inbox = 1;
        options.limits.cost_per_turn = 1;
    });
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    let mut talk = Vec::new();
    for n in 0..MEMBERS {
        let mut peer = Peer::plain(&deployment, &server, &deployment.issue(&format!("m{n}"))).await;
        talk.push(tokio::spawn(async move {
            let lines: String = (0..200).map(|i| format!("line {i}\n")).collect();
            peer.send_octets(lines.as_bytes()).await;
            peer.send_octets(b"line 200").await;
            peer.close().await
        }));
    }
    for (n, end) in talk.into_iter().enumerate() {
        let (lines, end) = end.await.unwrap();
        assert_eq!(end, End::Clean);
        let acknowledged = lines.iter().any(|line| line.ends_with(&format!(" #lobby <m{n}> line 200")));
        assert!(acknowledged, "m{n}: {:?}", lines.last());
    }
    let seen = bob.sees().await;
    for n in 0..MEMBERS {
        let start = format!("T #lobby <m{n}> line ");
        let said: Vec<usize> = seen.iter().filter_map(|line| line.strip_prefix(&start)?.parse().ok()).collect();
        assert!(said.iter().copied().eq(0..=200), "m{n}: {said:?}");
    }
}
