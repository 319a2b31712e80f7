//! A large room, and many who leave it at once and come back, over real connections.

use crate::support::{Deployment, Pair, Peer, Server};

/// Sessions that stay, of a few accounts.
const STAY: usize = 200;
const PEOPLE: usize = 4;
/// People who leave and come back.
const LEAVE: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_and_goes_is_seen_by_all_once_and_in_order() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.limits.connections = 2 * (STAY + LEAVE);
        options.limits.per_address = options.limits.connections;
    });
    let issue = |name: &str, count| (0..count).map(|n| deployment.issue(&format!("{name}{n}"))).collect::<Vec<Pair>>();
    let (who_stay, who_leave) = (issue("stays", PEOPLE), issue("leaves", LEAVE));

    let mut staying = Vec::new();
    for n in 0..STAY {
        let caps = ["", "extended-join", "server-time message-tags"][n % 3];
        let mut peer = Peer::irc(&deployment, &server, &who_stay[n % PEOPLE], caps).await;
        if n < PEOPLE {
            peer.does("JOIN #big").await;
        }
        staying.push(peer);
    }
    let mut leaving = Vec::new();
    for pair in &who_leave {
        let mut peer = Peer::irc(&deployment, &server, pair, "").await;
        peer.does("JOIN #big").await;
        leaving.push(peer);
    }
    for peer in &mut staying {
        peer.lines().await;
    }

    for peer in &mut leaving {
        peer.send("QUIT :bye").await;
    }
    for mut peer in leaving {
        peer.rest().await;
    }
    let mut back = Vec::new();
    for pair in &who_leave {
        let mut peer = Peer::connect(&deployment, &server, pair).await;
        let welcome = peer.register("").await;
        let end = welcome.iter().position(|line| line.contains(" 366 ")).expect("a list of names");
        let names = welcome[..end].iter().filter_map(|line| Some(line.split_once(" 353 ")?.1.split_once(':')?.1));
        assert_eq!(names.flat_map(|names| names.split(' ')).count(), PEOPLE + back.len() + 1);
        back.push(peer);
    }
    let last = format!("PRIVMSG #big :{}", "all are back");
    back[0].send(&last).await;

    let mut expect: Vec<String> = (0..LEAVE).map(|n| format!("leaves{n} QUIT")).collect();
    expect.extend((0..LEAVE).map(|n| format!("leaves{n} JOIN")));
    expect.push("leaves0 PRIVMSG".into());
    for (n, peer) in staying.iter_mut().enumerate() {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|line: &String| !line.ends_with("PRIVMSG")) {
            let line = peer.next().await.expect("a line");
            let line = line.strip_prefix('@').and_then(|line| line.split_once(' ')).map_or(&*line, |(_, line)| line);
            // The server may ask meanwhile how far it is, and whether it is there.
            let Some((who, rest)) = line.strip_prefix(':').and_then(|line| line.split_once('!')) else { continue };
            seen.push(format!("{who} {}", rest.split(' ').nth(1).unwrap_or_default()));
        }
        // They leave in any order.
        seen[..LEAVE].sort_by_key(|line| line.trim_start_matches("leaves").split(' ').next()?.parse::<u32>().ok());
        assert_eq!(seen, expect, "seen by {n}");
    }
    for (n, peer) in back.iter_mut().enumerate() {
        let seen = peer.lines().await;
        let joined = seen.iter().filter(|line| line.contains(" JOIN #big")).count();
        assert_eq!(joined, LEAVE - n - 1, "who came after {n}");
    }
}
