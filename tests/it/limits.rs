//! How much one may take of the server, how long one may keep it waiting, and how it ends.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpStream},
    time::Duration,
};

use tokio::time::timeout;

use crate::support::{Deployment, End, PATIENCE, Pair, Peer, Program, Server, http, until};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Whether the server takes a connection from this address: whoever is over the limit is let go of
/// at once, before any handshake.
async fn comes_in(deployment: &Deployment, server: &Server, pair: &Pair, from: IpAddr) -> Option<Peer> {
    Peer::try_connect(deployment, server.address, pair, from).await
}

/// The same for a place that is being given back.
async fn comes_in_soon(deployment: &Deployment, server: &Server, pair: &Pair, from: IpAddr) -> Peer {
    let tried = async {
        loop {
            if let Some(peer) = comes_in(deployment, server, pair, from).await {
                return peer;
            }
        }
    };
    timeout(PATIENCE, tried).await.expect("the place stays taken")
}

#[tokio::test]
async fn connections_of_one_address() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.per_address = 2);
    let alice = deployment.issue("alice");
    let one = comes_in(&deployment, &server, &alice, HERE).await.unwrap();
    let mut two = comes_in(&deployment, &server, &alice, HERE).await.unwrap();
    assert!(comes_in(&deployment, &server, &alice, HERE).await.is_none());
    let three = comes_in(&deployment, &server, &alice, ELSEWHERE).await.unwrap();
    assert_eq!(server.counters.over_limit.sum(), 1);
    // Who is in is not disturbed, and a place that is given back can be taken.
    assert_eq!(two.does("here").await.last().unwrap(), "T #lobby <alice> here");
    one.close().await;
    let four = comes_in_soon(&deployment, &server, &alice, HERE).await;
    drop((three, four));
}

#[tokio::test]
async fn connections_in_total() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.connections = 3);
    let alice = deployment.issue("alice");
    let one = comes_in(&deployment, &server, &alice, HERE).await.unwrap();
    let mut two = comes_in(&deployment, &server, &alice, ELSEWHERE).await.unwrap();
    // One that is in its handshake counts too.
    let mut half = TcpStream::connect(server.address).unwrap();
    until("it was accepted", || server.counters.accepted.get() == 3);
    assert!(comes_in(&deployment, &server, &alice, HERE).await.is_none());
    assert!(comes_in(&deployment, &server, &alice, ELSEWHERE).await.is_none());
    assert_eq!(two.does("here").await.last().unwrap(), "T #lobby <alice> here");
    half.write_all(b"no TLS").unwrap();
    half.read_to_end(&mut Vec::new()).unwrap();
    drop(half);
    let three = comes_in_soon(&deployment, &server, &alice, HERE).await;
    drop((one, three));
}

#[tokio::test]
async fn who_says_nothing_leaves() {
    let deployment = Deployment::new();
    let short = Duration::from_millis(200);
    let server = Server::with(&deployment, |options| {
        options.limits.silent = short;
        options.limits.registration = short;
    });
    let alice = deployment.issue("alice");
    let reason = "ERROR :Registration timeout: your client said too little for too long";
    let mut silent = Peer::connect(&deployment, &server, &alice).await;
    assert_eq!(silent.rest().await, (vec![reason.to_owned()], End::Clean));
    // Half a line is not a line.
    let mut half = Peer::connect(&deployment, &server, &alice).await;
    half.send_octets(b"hel").await;
    assert_eq!(half.rest().await, (vec![reason.to_owned()], End::Clean));
    // An IRC client has its time from its first line on, however much it says.
    let mut client = Peer::connect(&deployment, &server, &alice).await;
    client.send("CAP LS 302").await;
    client.expect(" LS :").await;
    client.send("NICK alice").await;
    assert_eq!(client.rest().await, (vec![reason.to_owned()], End::Clean));
    // Who is registered may be silent for as long as he likes.
    let mut plain = Peer::plain(&deployment, &server, &alice).await;
    let mut irc = Peer::irc(&deployment, &server, &alice, "").await;
    let mut last = Peer::connect(&deployment, &server, &alice).await;
    last.rest().await;
    assert_eq!(plain.does("hello").await, ["T #lobby <alice> hello"]);
    assert_eq!(irc.does("PING x").await.len(), 2);
}

#[tokio::test]
async fn who_does_not_answer_a_ping_leaves() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.patience.ping_s = 1);
    let mut dead = Peer::irc(&deployment, &server, &deployment.issue("dead"), "").await;
    let mut alive = Peer::irc(&deployment, &server, &deployment.issue("alive"), "").await;
    let mut plain = Peer::plain(&deployment, &server, &deployment.issue("plain")).await;
    for peer in [&mut dead, &mut alive] {
        peer.does("JOIN #x").await;
    }
    dead.lines().await;
    let answering = async {
        loop {
            let line = alive.next().await.unwrap();
            if line.contains(" QUIT ") {
                return line;
            }
            if line == "PING conclave.local" {
                alive.send("PONG conclave.local").await;
            }
        }
    };
    let ((lines, end), quit) = tokio::join!(dead.rest(), timeout(PATIENCE, answering));
    let quit = quit.unwrap();
    assert_eq!((&*lines[0], lines.len(), end), ("PING conclave.local", 2, End::Clean));
    assert!(lines.last().unwrap().starts_with("ERROR :Ping timeout: "), "{lines:?}");
    assert!(quit.contains("QUIT :Ping timeout: "), "{quit}");
    // A person is not asked.
    assert_eq!(plain.does("hello").await, ["T #lobby <plain> hello"]);
    assert!(!plain.transcript().contains("PING"));
}

#[tokio::test]
async fn the_end_reaches_everybody() {
    let deployment = Deployment::new();
    let mut server = Server::without_shares(&deployment);
    let pair = deployment.issue("alice");
    let mut plain = Peer::plain(&deployment, &server, &pair).await;
    let mut irc = Peer::irc(&deployment, &server, &pair, "").await;
    let mut fresh = Peer::connect(&deployment, &server, &pair).await;
    let mut half = Peer::connect(&deployment, &server, &pair).await;
    half.send("CAP LS 302").await;
    half.expect(" LS :").await;
    // None of these can delay it: one in its handshake, one that takes nothing.
    let stuck = TcpStream::connect(server.address).unwrap();
    let deaf = deployment.issue("deaf");
    let mut deaf = Peer::connect_with(&deployment, server.address, &deaf, Some(4096)).await;
    deaf.register("").await;
    let some = format!("PRIVMSG deaf :{}\r\n", "x".repeat(450)).repeat(100);
    for _ in 0..(6 << 20) / some.len() {
        irc.send_octets(some.as_bytes()).await;
    }
    irc.lines().await;
    plain.send("last words").await;
    plain.expect("<alice> last words").await;

    let took = server.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(plain.rest().await, (vec!["-!- goodbye: The server is shutting down".to_owned()], End::Clean));
    let error = (vec!["ERROR :The server is shutting down".to_owned()], End::Clean);
    let (lines, end) = irc.rest().await;
    assert_eq!((lines.last(), end), (error.0.last(), error.1));
    assert_eq!(fresh.rest().await, error);
    assert_eq!(half.rest().await, error);
    assert!(TcpStream::connect(server.address).is_err());
    drop((stuck, deaf));
}

#[tokio::test]
async fn without_anybody_it_ends_at_once() {
    let deployment = Deployment::new();
    let mut server = Server::start(&deployment);
    assert!(server.stop() < Duration::from_secs(2));
}

/// Connections that are gone before the server comes to them, and hundreds at once.
#[tokio::test]
async fn whatever_happens_it_accepts() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    for n in 0..300 {
        let tcp = TcpStream::connect(server.address).unwrap();
        if n % 2 == 0 {
            socket2::SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(tcp);
    }
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    assert_eq!(alice.does("here").await, ["T #lobby <alice> here"]);
}

/// The system gives no more files: those who are in stay, and others come in when there are again.
#[tokio::test]
async fn without_files_for_more_connections_it_goes_on() {
    let deployment = Deployment::new();
    let certs = deployment.path("");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_conclave"), "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--metrics", "0", "--data", "none", "--certs"]).arg(&certs);
    let program = Program::start("conclave", &mut command);
    let said = program.expect("/metrics\n");
    let address = said.split_once("listening on ").unwrap().1.lines().next().unwrap().parse().unwrap();
    let metrics = said.split_once("metrics on http://").unwrap().1.split('/').next().unwrap().parse().unwrap();
    let (alice, bob) = (deployment.issue("alice"), deployment.issue("bob"));
    let mut alice = Peer::connect_with(&deployment, address, &alice, None).await;
    alice.does("").await;
    let crowd: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    program.expect("connections cannot be accepted now");
    assert_eq!(alice.does("here").await, ["T #lobby <alice> here"]);
    // That can be seen, although to show it takes a file too.
    let ready = http::get(metrics, "/readyz");
    assert_eq!((ready.status, &*ready.body), (503, "connections cannot be accepted now: see the log\n"));
    assert!(http::numbers(metrics)["conclave_accept_errors_total"] >= 1.0);
    // Nobody had to leave for it: who came first still is in his handshake.
    crowd[0].set_nonblocking(true).unwrap();
    assert_eq!(crowd[0].peek(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(crowd);
    until("it accepts again", || http::get(metrics, "/readyz").status == 200);
    let mut bob = timeout(PATIENCE, Peer::connect_with(&deployment, address, &bob, None)).await.unwrap();
    assert_eq!(bob.does("me too").await.last().unwrap(), "T #lobby <bob> me too");
}
