//! Input that nobody should send: it is answered or its sender is cut, and nobody else notices.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use crate::support::{Deployment, Peer, Program, Server, until};

const TOO_LONG: &str = "-!- that line is too long (at most 4096 octets) and was not sent; split it";

fn not_sent(what: &str) -> String {
    format!("-!- that line was not sent: {what}")
}

#[tokio::test]
async fn bad_lines_of_a_person() {
    let deployment = Deployment::new();
    let server = Server::without_shares(&deployment);
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    let mallory = deployment.issue("mallory");
    let x = |count: usize| "x".repeat(count).into_bytes();
    let nul = not_sent("it holds a NUL byte");
    let cr = not_sent("it holds a carriage return in its middle");
    let utf8 = not_sent("it is not valid UTF-8; set your client to UTF-8");
    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("one octet too long", x(4095), TOO_LONG),
        ("overlong", x(50_000), TOO_LONG),
        ("megabytes", x(4 << 20), TOO_LONG),
        ("10,000 tags", format!("@{} hi", "a=b;".repeat(10_000)).into(), TOO_LONG),
        ("NUL", b"a\0b".to_vec(), &nul),
        ("CR", b"a\rb".to_vec(), &cr),
        ("two CR", b"a\r\r".to_vec(), &cr),
        ("no UTF-8", b"\xff\xfe".to_vec(), &utf8),
        ("half a character", b"gr\xc3".to_vec(), &utf8),
        ("a surrogate", b"\xed\xa0\x80".to_vec(), &utf8),
    ];
    for (case, octets, answer) in &cases {
        // As the first line, and later on.
        let mut fresh = Peer::connect(&deployment, &server, &mallory).await;
        for round in 0..2 {
            fresh.send_octets(octets).await;
            fresh.send_octets(b"\n").await;
            let seen = fresh.sees().await;
            let expected = *answer;
            assert_eq!(seen.iter().filter(|line| *line == expected).count(), 1, "{case}, {round}: {seen:?}");
            assert!(!seen.iter().any(|line| line.contains("<mallory>")), "{case}, {round}: {seen:?}");
        }
        assert_eq!(fresh.does("sorry").await, ["T #lobby <mallory> sorry"], "{case}");
        fresh.send("/quit").await;
        fresh.rest().await;
        let seen: Vec<_> = bob.sees().await.into_iter().filter(|line| !line.contains("-!-")).collect();
        assert_eq!(seen, ["T #lobby <mallory> sorry"], "{case}");
    }
    assert_eq!(server.counters.bad_lines.get(), 2 * cases.len() as u64);
    // What just fits is said.
    let mut mallory = Peer::plain(&deployment, &server, &mallory).await;
    mallory.send_octets(&x(4094)).await;
    mallory.send_octets(b"\r\n").await;
    assert_eq!(mallory.sees().await, [format!("T #lobby <mallory> {}", "x".repeat(4094))]);
}

#[tokio::test]
async fn bad_lines_of_a_program() {
    let deployment = Deployment::new();
    let server = Server::without_shares(&deployment);
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;
    let mut mallory = Peer::irc(&deployment, &server, &deployment.issue("mallory"), "echo-message").await;
    mallory.does("JOIN #x").await;
    bob.lines().await;
    let too_long = ":conclave.local 417 mallory :Input line was too long";
    let fail = |code: &str, what: &str| format!(":conclave.local FAIL * {code} :that line was not sent: {what}");
    let nul = fail("INVALID_LINE", "it holds a NUL byte");
    let cr = fail("INVALID_LINE", "it holds a carriage return in its middle");
    let utf8 = fail("INVALID_UTF8", "it is not valid UTF-8; set your client to UTF-8");
    let no_message = fail("INVALID_LINE", "it is no IRC message");
    let said = |text: &str| format!("PRIVMSG #x :{text}").into_bytes();
    let mut in_the_middle = said("a");
    in_the_middle.extend(b"\0b");
    let mut latin1 = said("gr");
    latin1.extend(b"\xf6\xdfer");
    for (case, octets, answer) in [
        ("one octet too long", said(&"x".repeat(511 - 12)), too_long),
        ("overlong", said(&"x".repeat(50_000)), too_long),
        ("megabytes", said(&"x".repeat(4 << 20)), too_long),
        ("10,000 tags", [format!("@{} ", "a=b;".repeat(10_000)).into_bytes(), said("hi")].concat(), too_long),
        ("a tag too long", [format!("@{} ", "a".repeat(4_095)).into_bytes(), said("hi")].concat(), too_long),
        ("tags and no end", format!("@{}", "a;".repeat(100_000)).into_bytes(), too_long),
        ("NUL", in_the_middle, &nul),
        ("CR", said("a\rJOIN #y"), &cr),
        ("latin-1", latin1, &utf8.replace("FAIL *", "FAIL PRIVMSG")),
        ("a source and nothing", b":mallory".to_vec(), &no_message),
        ("tags and nothing", b"@a=b".to_vec(), &no_message),
        ("no word", b"\x1b[31m".to_vec(), &no_message),
    ] {
        mallory.send_octets(&octets).await;
        mallory.send_octets(b"\r\n").await;
        assert_eq!(mallory.sees().await, [answer], "{case}");
        assert_eq!(bob.sees().await, [""; 0], "{case}");
    }
    // What just fits is said: the line, as many tags, as many parameters.
    let most = "x".repeat(510 - ":mallory!test@example.net PRIVMSG #x :".len());
    let tags = format!("@{}ab ", "a;".repeat(2_046));
    for line in [format!("PRIVMSG #x :{most}"), format!("{tags}PRIVMSG #x :{most}")] {
        mallory.send(&line).await;
        let said: String = mallory
            .sees()
            .await
            .iter()
            .map(|line| line.split_once("#x :").unwrap_or_else(|| panic!("{line}")).1.to_owned())
            .collect();
        assert_eq!(said, most);
        assert!(!bob.sees().await.is_empty());
    }
    assert_eq!(
        mallory.does("PING 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17").await,
        [":conclave.local PONG conclave.local 1"]
    );
    // Before the registration too.
    let mut half = Peer::connect(&deployment, &server, &deployment.issue("half")).await;
    half.send("CAP LS 302").await;
    half.expect(" LS :").await;
    half.send_octets(b"NICK \xff\r\n").await;
    assert_eq!(half.next().await.unwrap(), utf8.replace("FAIL *", "FAIL NICK"));
    half.send(":source").await;
    assert_eq!(half.next().await.unwrap(), no_message);
    half.send_octets(&[b'x'; 100_000]).await;
    half.send_octets(b"\r\n").await;
    assert!(half.next().await.unwrap().starts_with(":conclave.local 417 * :"));
    half.register("").await;
}

/// What acts on a terminal reaches none; IRC programs get what IRC knows.
#[tokio::test]
async fn escapes_and_hidden_characters() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut plain = Peer::plain(&deployment, &server, &deployment.issue("plain")).await;
    let mut irc = Peer::irc(&deployment, &server, &deployment.issue("irc"), "").await;
    let mut mallory = Peer::irc(&deployment, &server, &deployment.issue("mallory"), "").await;
    irc.does("JOIN #lobby").await;
    mallory.does("JOIN #lobby").await;
    for peer in [&mut plain, &mut irc] {
        peer.lines().await;
    }
    for (text, for_a_person, for_a_program) in [
        ("\u{1b}[31mred\u{1b}[0m", "\\x1b[31mred\\x1b[0m", "[31mred[0m"),
        ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07", "]0;title"),
        ("\u{9b}31m", "<U+009B>31m", "31m"),
        ("back\u{8}space\u{7f}", "back\\x08space\\x7f", "backspace"),
        ("\u{202e}evil", "<U+202E>evil", "\u{202e}evil"),
        ("\u{2066}open", "<U+2066>open", "\u{2066}open"),
        ("line\u{2028}break", "line<U+2028>break", "line\u{2028}break"),
        ("\u{2}bold\u{2} \u{3}04,01red\u{3}", "bold red", "\u{2}bold\u{2} \u{3}04,01red\u{3}"),
        ("\u{2067}שלום\u{2069}", "\u{2067}שלום\u{2069}", "\u{2067}שלום\u{2069}"),
    ] {
        let person = format!("T #lobby <mallory> {for_a_person}");
        mallory.does(&format!("PRIVMSG #lobby :{text}")).await;
        assert_eq!(plain.sees().await, [person], "{text:?}");
        assert_eq!(
            irc.sees().await,
            [format!(":mallory!test@example.net PRIVMSG #lobby :{for_a_program}")],
            "{text:?}"
        );
        // In what others read of him besides messages too.
        mallory.does(&format!("AWAY :{text}")).await;
        let away = plain.does("/msg mallory hi").await.pop().unwrap();
        assert_eq!(away, format!("-!- mallory is away: {for_a_person}"));
        mallory.does(&format!("PART #lobby :{text}")).await;
        assert_eq!(plain.sees().await, [format!("T #lobby -!- mallory left ({for_a_person})")]);
        assert_eq!(irc.sees().await, [format!(":mallory!test@example.net PART #lobby :{for_a_program}")]);
        mallory.does("JOIN #lobby").await;
        plain.lines().await;
        irc.lines().await;
    }
}

/// What a stranger may send instead of a handshake.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    let record = |kind: u8, length: u16, content: &[u8]| {
        let mut record = vec![kind, 3, 1];
        record.extend(length.to_be_bytes());
        record.extend(content);
        record
    };
    vec![
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("IRC without TLS", b"CAP LS 302\r\nNICK alice\r\nUSER alice 0 * :alice\r\n".to_vec()),
        ("zeros", vec![0; 100_000]),
        ("ones", vec![0xff; 100_000]),
        ("a record of another kind", record(23, 5, b"hello")),
        ("a record too long", record(22, 0xffff, &[1; 70_000])),
        ("an empty record", record(22, 0, b"")),
        ("a ClientHello that lies about its length", record(22, 8, &[1, 0xff, 0xff, 0xff, 3, 3, 0, 0])),
        ("a ClientHello of nothing", record(22, 4, &[1, 0, 0, 0])),
        ("an alert", record(21, 2, &[2, 40])),
        ("SSL 2", vec![0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
    ]
}

#[tokio::test]
async fn no_handshake() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    for (case, octets) in garbage() {
        let refused = server.counters.handshakes_failed.sum();
        let mut tcp = TcpStream::connect(server.address).unwrap();
        tcp.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        // The server may have ended it before all is sent.
        let _ = tcp.write_all(&octets);
        let _ = tcp.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = tcp.read_to_end(&mut answer);
        // A fatal alert or nothing: never a word of the chat.
        assert!(matches!(&*answer, [] | [21, 3, _, 0, 2, 2, _]), "{case}: {answer:?}");
        until(case, || server.counters.handshakes_failed.sum() > refused);
        assert_eq!(bob.does("here").await, ["T #lobby <bob> here"], "{case}");
    }
    Peer::plain(&deployment, &server, &alice).await;
}

#[tokio::test]
async fn a_handshake_that_takes_too_long() {
    let deployment = Deployment::new();
    let deadline = Duration::from_millis(500);
    let server = Server::with(&deployment, |options| options.limits.handshake = deadline);
    let alice = deployment.issue("alice");
    let hello = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let mut stuck = Vec::new();
    for n in 0..100 {
        let mut tcp = TcpStream::connect(server.address).unwrap();
        tcp.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        // Nothing, or half a record.
        tcp.write_all(&hello[..n % 11]).unwrap();
        stuck.push(tcp);
    }
    let mut peer = Peer::plain(&deployment, &server, &alice).await;
    assert_eq!(peer.does("nobody waits for them").await.len(), 1);
    // One keeps sending, an octet at a time: that gives him no more time.
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let start = conclave::platform::clock::monotonic();
    let mut octets = hello.iter().chain(std::iter::repeat(&7));
    loop {
        let sent = slow.write_all(&[*octets.next().unwrap()]);
        let read = slow.read(&mut [0; 16]);
        match (sent, read) {
            (Ok(()), Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => break,
        }
        assert!(start.elapsed() < crate::support::PATIENCE, "he still sends");
    }
    assert!(start.elapsed() >= deadline / 2);
    for mut tcp in stuck {
        // The end, whether by FIN or, since not all was read, by RST.
        assert!(matches!(tcp.read(&mut [0; 16]), Ok(0) | Err(_)));
    }
    until("all are counted", || server.counters.handshakes_failed.sum() == 101);
    assert_eq!(peer.does("still here").await, ["T #lobby <alice> still here"]);
}

/// The connection breaks inside a record, or what comes cannot be deciphered.
#[tokio::test]
async fn half_a_record_and_a_broken_one() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.linger = Duration::ZERO);
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    let mallory = deployment.issue("mallory");
    let half: &[u8] = &[23, 3, 3, 1, 0, 1, 2, 3];
    let broken: Vec<u8> = [&[23, 3, 3, 0, 64][..], &[7; 64]].concat();
    let oversized: Vec<u8> = [&[23, 3, 3, 0xff, 0xff][..], &[7; 1000]].concat();
    for (case, octets) in [("half", half), ("broken", &broken), ("oversized", &oversized)] {
        let mut peer = Peer::plain(&deployment, &server, &mallory).await;
        peer.does("hello").await;
        peer.send_below_tls(octets).await;
        bob.expect("mallory disconnected").await;
        assert_eq!(bob.does(case).await, [format!("T #lobby <bob> {case}")]);
    }
}

/// A server of its own process, whose memory can be measured.
struct Serving {
    program: Program,
    address: SocketAddr,
}

impl Serving {
    fn start(deployment: &Deployment, more: &[&str]) -> Self {
        let certs = deployment.path("");
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--data", "none"];
        arguments.extend(more);
        let program = Program::conclave(&arguments, &[("--certs", &certs)]);
        let said = program.expect("listening on 127.0.0.1:");
        let rest = said.split_once("listening on ").unwrap().1;
        let address = rest.split_once('\n').map_or(rest, |(line, _)| line).trim().parse().unwrap();
        Self { program, address }
    }

    fn resident_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

#[tokio::test]
async fn memory_is_bounded_whatever_comes() {
    let deployment = Deployment::new();
    let server = Serving::start(&deployment, &["--limits", "off"]);
    let (bob, mallory) = (deployment.issue("bob"), deployment.issue("mallory"));
    let mut bob = Peer::connect_with(&deployment, server.address, &bob, None).await;
    bob.does("hello").await;
    // Once through everything, so that what is made only once is there.
    pester(&deployment, server.address, &mallory, 1 << 20).await;
    let before = server.resident_kib();
    for _ in 0..3 {
        pester(&deployment, server.address, &mallory, 16 << 20).await;
    }
    let after = server.resident_kib();
    // 150 MB of bad lines went in. Of them nothing may stay.
    assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB after");
    assert_eq!(bob.does("still here").await.last().unwrap(), "T #lobby <bob> still here");
    server.program.signal(rustix::process::Signal::TERM);
    let (status, said) = server.program.end();
    assert!(status.success(), "{said}");
}

/// Lines without end, and connections that never get through their handshake.
async fn pester(deployment: &Deployment, address: SocketAddr, pair: &crate::support::Pair, octets: usize) {
    let mut half_open = Vec::new();
    for n in 0..200 {
        let mut tcp = TcpStream::connect(address).unwrap();
        let _ = tcp.write_all(&[22, 3, 1, 0x40, 0, 1][..n % 7]);
        half_open.push(tcp);
    }
    for (case, octets) in garbage() {
        let mut tcp = TcpStream::connect(address).unwrap();
        let _ = tcp.write_all(&octets);
        drop((case, tcp));
    }
    let mut plain = Peer::connect_with(deployment, address, pair, None).await;
    let mut program = Peer::connect_with(deployment, address, pair, None).await;
    program.register("").await;
    let mut tags = Peer::connect_with(deployment, address, pair, None).await;
    tags.register("message-tags").await;
    let much = vec![b'x'; 64 * 1024];
    let many_tags = "a=b;".repeat(16 * 1024);
    tags.send_octets(b"@").await;
    for _ in 0..octets / much.len() {
        plain.send_octets(&much).await;
        program.send_octets(&much).await;
        tags.send_octets(many_tags.as_bytes()).await;
    }
    for peer in [&mut plain, &mut program, &mut tags] {
        peer.send_octets(b"\n").await;
        peer.lines().await;
    }
}
