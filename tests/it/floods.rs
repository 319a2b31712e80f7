//! One does too much of something while two others talk: they notice nothing, he is told, and what he
//! says is taken more slowly and not lost.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    process::{Command, Stdio},
    time::Duration,
};

use conclave::server::{Flow, Limits};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Deployment, PATIENCE, Peer, Server, until};

const TOLD: &str = "RATE_LIMITED :you are sending too fast";
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server on which one is soon too fast, and is not slowed for long.
fn strict(deployment: &Deployment, change: impl FnOnce(&mut Limits)) -> Server {
    Server::with(deployment, |options| {
        options.limits.lines = Some(Flow { per_second: 400, burst: 100 });
        change(&mut options.limits);
    })
}

/// Two who talk, each within what he may say.
struct Talk {
    alice: Peer,
    bob: Peer,
    said: usize,
}

impl Talk {
    async fn begin(deployment: &Deployment, server: &Server) -> Self {
        let mut alice = Peer::irc(deployment, server, &deployment.issue("alice"), "").await;
        let mut bob = Peer::irc(deployment, server, &deployment.issue("bob"), "").await;
        alice.does("JOIN #x").await;
        bob.does("JOIN #x").await;
        alice.lines().await;
        Self { alice, bob, said: 0 }
    }

    /// Each says something and hears the other.
    async fn go_on(&mut self) {
        for _ in 0..5 {
            let n = self.said;
            self.said += 1;
            self.alice.send(&format!("PRIVMSG #x :question {n}")).await;
            // Any other first would be one out of order.
            let heard = self.bob.expect("PRIVMSG #x :question").await;
            assert!(heard.ends_with(&format!(" :question {n}")), "{heard}");
            self.bob.send(&format!("PRIVMSG #x :answer {n}")).await;
            let heard = self.alice.expect("PRIVMSG #x :answer").await;
            assert!(heard.ends_with(&format!(" :answer {n}")), "{heard}");
        }
    }

    /// Nobody but the flooder was concerned.
    async fn end(mut self) {
        for peer in [&mut self.alice, &mut self.bob] {
            peer.does("PRIVMSG #x :the end").await;
            assert!(!peer.transcript().contains("RATE_LIMITED") && !peer.transcript().contains("ERROR"));
        }
    }
}

/// Sends a flood of lines while two others talk: it is answered to its end, and its sender told once.
/// Gives all that he sent and got.
fn flood(
    caps: &'static str,
    first: &'static str,
    line: impl Fn(usize) -> String + 'static,
    lines: usize,
) -> Pin<Box<dyn Future<Output = String>>> {
    Box::pin(async move {
        let deployment = Deployment::new();
        let server = strict(&deployment, |_| {});
        let mut talk = Talk::begin(&deployment, &server).await;
        let mut mallory = Peer::irc(&deployment, &server, &deployment.issue("mallory"), caps).await;
        mallory.does(first).await;
        for some in (0..lines).collect::<Vec<_>>().chunks(50) {
            let octets: String = some.iter().map(|n| line(*n) + "\r\n").collect();
            mallory.send_octets(octets.as_bytes()).await;
            talk.go_on().await;
        }
        timeout(PATIENCE, mallory.lines()).await.expect("the flood is answered");
        assert_eq!(mallory.transcript().matches(TOLD).count(), 1);
        assert!(server.counters.slowed.get() > 0);
        assert_eq!((server.counters.throttled.get(), server.counters.cuts.sum()), (1, 0));
        talk.end().await;
        mallory.transcript().to_owned()
    })
}

#[tokio::test]
async fn of_lines() {
    let deployment = Deployment::new();
    let server = strict(&deployment, |_| {});
    let mut talk = Talk::begin(&deployment, &server).await;
    let mut carol = Peer::plain(&deployment, &server, &deployment.issue("carol")).await;
    let mut mallory = Peer::plain(&deployment, &server, &deployment.issue("mallory")).await;
    let lines: String = (0..600).map(|n| format!("line {n}\n")).collect();
    mallory.send_octets(lines.as_bytes()).await;
    talk.go_on().await;
    // All of them arrive, in their order.
    for n in 0..600 {
        let heard = carol.expect("#lobby <mallory> line").await;
        assert!(heard.ends_with(&format!(" line {n}")), "{heard}, not {n}");
    }
    mallory.lines().await;
    let told = "-!- you are sending too fast: your lines are taken more slowly from here on, and none is lost";
    assert_eq!(mallory.transcript().matches(told).count(), 1);
    assert_eq!((server.counters.throttled.get(), server.counters.cuts.sum()), (1, 0));
    talk.end().await;
}

#[tokio::test]
async fn of_pings() {
    let transcript = flood("", "PING first", |n| format!("PING flood-{n}"), 500).await;
    assert_eq!(transcript.matches(" PONG conclave.local flood-").count(), 500);
}

#[tokio::test]
async fn of_tags() {
    let tags = "x".repeat(4000);
    let line = move |n| format!("@+flood={tags} PRIVMSG #y :{n}");
    flood("message-tags", "JOIN #y", line, 100).await;
}

#[tokio::test]
async fn of_joins() {
    let line = |n: usize| if n.is_multiple_of(2) { "JOIN #x".into() } else { "PART #x".into() };
    flood("", "PART #lobby", line, 100).await;
}

#[tokio::test]
async fn of_pages() {
    let caps = "batch server-time message-tags draft/chathistory";
    let transcript = flood(caps, "JOIN #x", |_| "CHATHISTORY LATEST #x * 100".into(), 100).await;
    assert_eq!(transcript.matches("BATCH +").count(), 100);
}

#[tokio::test]
async fn of_what_cannot_be_read() {
    flood("", "PING first", |_| "x".repeat(5000), 100).await;
}

#[tokio::test]
async fn before_the_registration() {
    let deployment = Deployment::new();
    let server = strict(&deployment, |_| {});
    let mut talk = Talk::begin(&deployment, &server).await;
    let mut mallory = Peer::connect(&deployment, &server, &deployment.issue("mallory")).await;
    mallory.send_octets("CAP LS 302\r\n".repeat(400).as_bytes()).await;
    talk.go_on().await;
    mallory.expect(TOLD).await;
    // He can still register, when it is paid.
    mallory.register("").await;
    assert_eq!(mallory.transcript().matches(" CAP * LS :").count(), 401);
    assert_eq!(mallory.transcript().matches(TOLD).count(), 1);
    talk.end().await;
}

#[tokio::test]
async fn from_all_connections_of_an_account_is_one() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.lines = Some(Flow { per_second: 100, burst: 200 }));
    let pair = deployment.issue("mallory");
    let mut told = 0;
    let mut peers = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::irc(&deployment, &server, &pair, "").await;
        peer.send_octets("PING x\r\n".repeat(90).as_bytes()).await;
        peers.push(peer);
    }
    for peer in &mut peers {
        peer.lines().await;
        told += peer.transcript().matches(TOLD).count();
    }
    assert!(told > 0, "none of them alone said too much");
}

/// Who does not stop, and never waits for an answer, is cut; what others hear of it is his QUIT.
#[tokio::test]
async fn without_an_end() {
    let deployment = Deployment::new();
    let server = strict(&deployment, |limits| limits.flood = Duration::from_millis(300));
    let mut talk = Talk::begin(&deployment, &server).await;
    let mut mallory = Peer::irc(&deployment, &server, &deployment.issue("mallory"), "").await;
    mallory.does("JOIN #x").await;
    let octets = "PRIVMSG #x :more and more\r\n".repeat(20_000);
    let (lines, _) = tokio::join!(
        async {
            mallory.send_octets(octets.as_bytes()).await;
            mallory.rest().await.0
        },
        talk.go_on(),
    );
    let cut = "Excess Flood: you went on sending far more than is taken";
    let quit = talk.alice.expect(" QUIT ").await;
    assert_eq!(quit, format!(":mallory!test@example.net QUIT :{cut}"));
    // When it was cut before it had sent all, the end may be lost to it.
    assert!(lines.last().is_none_or(|last| *last == format!("ERROR :{cut}")), "{:?}", lines.last());
    assert_eq!(server.counters.cuts.sum(), 1);
    talk.go_on().await;
    talk.end().await;
}

/// Who waits for answers may go on as long as he likes: he is slowed.
#[tokio::test]
async fn without_an_end_but_with_patience() {
    let deployment = Deployment::new();
    let server = strict(&deployment, |limits| limits.flood = Duration::from_millis(100));
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "echo-message").await;
    alice.does("JOIN #x").await;
    for n in 0..20 {
        let octets: String = (0..40).map(|i| format!("PRIVMSG #x :line {n}.{i}\r\n")).collect();
        alice.send_octets(octets.as_bytes()).await;
        alice.expect(&format!("line {n}.39")).await;
    }
    assert!(server.counters.slowed.get() > 0);
    assert_eq!(server.counters.cuts.sum(), 0);
}

/// A pipe with much in it gets through: slowed, whole, and in its order.
#[tokio::test(flavor = "multi_thread")]
async fn of_conclave_send_arrives() {
    let deployment = Deployment::new();
    let server = strict(&deployment, |limits| limits.flood = Duration::from_millis(100));
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    let alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.args(["send", "--as", "alice", "--certs"]).arg(deployment.path(""));
    command.args(["--server", &format!("localhost:{}", server.address.port()), "#lobby"]);
    let mut send = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = send.stdin.take().unwrap();
    let lines: String = (0..800).map(|n| format!("{n} {}\n", "x".repeat(300))).collect();
    let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    for n in 0..800 {
        let heard = bob.expect("#lobby <alice> ").await;
        assert!(heard.contains(&format!("<alice> {n} x")), "{heard}, not {n}");
    }
    writing.join().unwrap();
    let output = send.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(server.counters.slowed.get() > 0 && server.counters.cuts.sum() == 0);
    drop(alice);
}

#[tokio::test]
async fn without_limits_nobody_is_slowed() {
    let deployment = Deployment::new();
    let server = Server::without_shares(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    alice.send_octets("PING x\r\n".repeat(5_000).as_bytes()).await;
    alice.lines().await;
    assert_eq!((server.counters.slowed.get(), server.counters.throttled.get()), (0, 0));
}

#[tokio::test]
async fn administrators_are_not_slowed() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.admins = vec!["root".parse().unwrap()];
        options.limits.lines = Some(Flow { per_second: 1, burst: 20 });
    });
    let mut root = Peer::irc(&deployment, &server, &deployment.issue("root"), "").await;
    root.send_octets("PING x\r\n".repeat(500).as_bytes()).await;
    root.lines().await;
    assert_eq!(server.counters.slowed.get(), 0);
}

/// A session that has much to say lets others have their turn.
#[tokio::test]
async fn in_one_record_is_taken_in_turns() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.cost_per_turn = 10);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let before = server.counters.turns_spent.get();
    alice.send_octets("PING x\r\n".repeat(100).as_bytes()).await;
    alice.lines().await;
    let turns = server.counters.turns_spent.get() - before;
    assert!((9..=11).contains(&turns), "{turns}");
    // What costs more takes more turns.
    let before = server.counters.turns_spent.get();
    alice.send_octets("WHOIS alice\r\n".repeat(50).as_bytes()).await;
    alice.lines().await;
    let turns = server.counters.turns_spent.get() - before;
    assert!((9..=11).contains(&turns), "{turns}");
}

/// A connection from somewhere else that says nothing.
async fn half(server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((ELSEWHERE, 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

#[tokio::test]
async fn of_half_handshakes() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.handshakes = 80);
    let mut talk = Talk::begin(&deployment, &server).await;
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(half(server.address).await);
    }
    // An eighth of the places is what one address has.
    until("the others are let go of", || server.counters.over_limit.get() == [0, 0, 0, 40]);
    talk.go_on().await;
    let carol = Peer::plain(&deployment, &server, &deployment.issue("carol")).await;
    // One who has had his time makes room.
    until("the oldest makes room", || {
        let tcp = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        tcp.bind(&SocketAddr::from((ELSEWHERE, 0)).into()).unwrap();
        tcp.connect(&server.address.into()).unwrap();
        server.counters.handshakes_evicted.get() > 0
    });
    talk.go_on().await;
    talk.end().await;
    drop(carol);
}

#[tokio::test]
async fn of_connections() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.arrivals = Some(Flow { per_second: 1, burst: 60 }));
    let mut talk = Talk::begin(&deployment, &server).await;
    for _ in 0..60 {
        half(server.address).await;
    }
    // Each comes to nothing and counts as three.
    until("the others are let go of", || server.counters.accepted.get() == 62);
    let [total, address, arrivals, handshakes] = server.counters.over_limit.get();
    assert!((total, address, handshakes) == (0, 0, 0) && (30..=40).contains(&arrivals), "{arrivals}");
    talk.go_on().await;
    let mut carol = Peer::plain(&deployment, &server, &deployment.issue("carol")).await;
    assert_eq!(carol.does("here").await, ["T #lobby <carol> here"]);
    talk.end().await;
}

/// One account, many connections, and none of them reads: what waits for them is given up before it
/// touches anybody else's.
#[tokio::test]
async fn of_what_nobody_reads() {
    const MIB: usize = 1 << 20;
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.limits = Limits { outboxes: 2 * MIB, ..Limits::default().without_shares() };
    });
    let mut talk = Talk::begin(&deployment, &server).await;
    let pair = deployment.issue("mallory");
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::connect_with(&deployment, server.address, &pair, Some(4096)).await;
        peer.register("").await;
        deaf.push(peer);
    }
    let mut carol = Peer::irc(&deployment, &server, &deployment.issue("carol"), "").await;
    let some = format!("PRIVMSG mallory :{}\r\n", "x".repeat(450)).repeat(100);
    let cut = || server.counters.cuts.sum();
    for _ in 0..400 {
        if cut() == 4 {
            break;
        }
        carol.send_octets(some.as_bytes()).await;
        carol.lines().await;
        talk.go_on().await;
    }
    // Not one of them had as much waiting as one outbox holds.
    until("all who do not read are cut", || cut() > 0);
    let by_reason = server.counters.cuts.get();
    assert_eq!((by_reason[0], by_reason[6]), (0, cut()), "{by_reason:?}");
    talk.end().await;
    drop(deaf);
}
