//! `conclave send` and `conclave tail` as scripts use them, against a real server.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    programs::{Running, conclave},
    support::{Deployment, until},
};

struct World {
    deployment: Deployment,
    server: Running,
    address: SocketAddr,
}

/// A server that alice administers, and certificates for these people, who are all members of the lobby.
fn world(people: &[&str]) -> World {
    let deployment = Deployment::new();
    let arguments = ["--listen", "127.0.0.1:0", "--data", "none", "--admin", "alice"];
    let mut server = Running::serve(deployment.root(), &arguments);
    let address = server.listening();
    let world = World { deployment, server, address };
    for name in people {
        world.deployment.issue(name);
        world.joins(name, "#lobby");
    }
    world
}

impl World {
    fn root(&self) -> &Path {
        self.deployment.root()
    }

    fn joins(&self, name: &str, room: &str) {
        let output = self.command(&["chat", "--as", name, "--join", room]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// A client's command, with the server's address.
    fn command(&self, arguments: &[&str]) -> Command {
        self.at(self.address, arguments)
    }

    fn at(&self, address: SocketAddr, arguments: &[&str]) -> Command {
        let mut command = conclave(self.root());
        command.arg(arguments[0]).args(["--server", &format!("localhost:{}", address.port())]).args(&arguments[1..]);
        command
    }

    /// Sends, with this as input.
    fn send(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(&[&["send"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = thread::spawn(move || {
            // Who does not want all of it may leave.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    fn tail(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(&[&["tail"], arguments].concat()))
    }
}

#[track_caller]
fn check(output: &Output, code: i32, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(words), "{words:?} is not in {stderr}");
    if words.is_empty() {
        assert_eq!(stderr, "");
    }
}

fn objects(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_was_sent_is_acknowledged_and_heard() {
    let world = world(&["alice", "bob"]);
    let mut bob = Running::chat(world.root(), world.address, "bob", &[]);
    bob.expect("#lobby -!- here: ");
    let output = world.send(&["--as", "alice", "--json", "#lobby", "the", "build -5", "is", "done"], b"");
    check(&output, 0, "");
    // Nobody sees her come and go: this is the next line, and so are the others.
    let mut next = |words: &str| assert!(bob.expect("").ends_with(words), "{words}");
    next("#lobby <alice> the build -5 is done");
    let [object] = &objects(&output.stdout)[..] else { panic!("{output:?}") };
    assert_eq!((&object["target"], &object["text"]), (&"#lobby".into(), &"the build -5 is done".into()));
    assert!(object["msgid"].as_str().unwrap().len() > 10, "{object}");
    object["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();

    let output = world.send(&["--as", "alice", "--action", "#lobby", "waves"], b"");
    check(&output, 0, "");
    assert_eq!(output.stdout, b"");
    next("#lobby * alice waves");
    check(&world.send(&["--as", "alice", "--notice", "bob", "psst"], b""), 0, "");
    next("alice -> you: psst");
    // No error answers a notice; that nobody has it is told all the same.
    for target in ["#nope", "zed"] {
        check(&world.send(&["--as", "alice", "--notice", target, "psst"], b""), 1, "nobody heard it");
    }
    // What would be a command in the chat is a text here, and lines are lines.
    check(&world.send(&["--as", "alice", "#lobby", "/quit\n\n  indented"], b""), 0, "");
    next("#lobby <alice> /quit");
    next("#lobby <alice>   indented");
}

#[test]
fn each_line_of_the_input_is_a_message_in_its_order() {
    let world = world(&["alice", "bob"]);
    let mut bob = Running::chat(world.root(), world.address, "bob", &[]);
    bob.expect("#lobby -!- here: ");
    let mut input = String::new();
    for number in 0..1000 {
        input.push_str(&format!("line {number}\n\n   \n"));
    }
    let long: Vec<String> = (0..3000).map(|number| format!("word{number}")).collect();
    input.push_str(&format!("{}\r\nthe last, without an end", long.join(" ")));
    let output = world.send(&["--as", "alice", "--json", "#lobby"], input.as_bytes());
    check(&output, 0, "");
    let texts: Vec<String> =
        objects(&output.stdout).iter().map(|object| object["text"].as_str().unwrap().to_owned()).collect();
    for (number, text) in texts[..1000].iter().enumerate() {
        assert_eq!(*text, format!("line {number}"));
        assert!(bob.expect("<alice>").ends_with(&format!("#lobby <alice> line {number}")));
    }
    // Divided between words, and nothing is lost.
    assert_eq!(texts[1000..texts.len() - 1].join(" "), long.join(" "));
    assert!(texts.len() > 1010 && texts.last().unwrap() == "the last, without an end");
    bob.expect("#lobby <alice> the last, without an end");
}

#[test]
fn what_is_refused_is_told_and_costs_the_exit_code() {
    let world = world(&["alice", "bob"]);
    world.joins("bob", "#ops");
    let refused = |arguments: &[&str], words: &str| {
        let output = world.send(&[&["--as", "alice"], arguments].concat(), b"");
        check(&output, 1, words);
        check(&output, 1, "the message was not sent");
        assert_eq!(output.stdout, b"");
    };
    refused(&["--json", "#ops", "hi"], "only members speak in #ops; become one with: conclave chat --join '#ops'");
    refused(&["#nowhere", "hi"], "\"hi\" was not sent: there is no room #nowhere");
    refused(&["nobody", "hi"], "nobody is known as nobody");

    // One bad line takes nothing from the others.
    let bad = [b"one\n\xff\xfe\n".as_slice(), b"a\0b\n", "x".repeat(70_000).as_bytes(), b"\ntwo\n"].concat();
    let output = world.send(&["--as", "alice", "--json", "#lobby"], &bad);
    check(&output, 1, "line 2 was not sent: the line is not valid UTF-8");
    check(&output, 1, "line 3 was not sent: the line holds a NUL byte");
    check(&output, 1, "line 4 was not sent: the line is too long");
    check(&output, 1, "3 of 5 messages were not sent");
    assert_eq!(objects(&output.stdout).len(), 2);
}

#[test]
fn every_trouble_has_its_code() {
    let world = world(&["alice", "carol"]);
    for program in [&["send", "#lobby", "hi"][..], &["tail", "#lobby"]] {
        let ends = |arguments: &[&str], code, words| {
            let mut command = conclave(world.root());
            let output = command.arg(program[0]).args(arguments).args(&program[1..]).output().unwrap();
            check(&output, code, words);
        };
        let server = format!("localhost:{}", world.address.port());
        let pin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        ends(&["--as", "alice", "--server", "localhost:1"], 4, "nobody listens at localhost:1");
        ends(&["--as", "alice", "--server", &server, "--pin", pin], 5, pin);
        ends(&["--as", "zed", "--server", &server], 3, "zed.pem");
        ends(&["--as", "alice", "--server", "a b"], 2, "HOST:PORT");
    }
    check(&world.send(&["a b", "hi"], b""), 2, "invalid value 'a b' for '<TARGET>'");
    check(&world.send(&["--as", "alice"], b""), 2, "<TARGET>");
    check(&world.send(&["--as", "alice", "#lobby", " "], b""), 2, "there is no text to send");
    world.deployment.revoke("carol");
    // The server watches its files; a revocation is in force within a second.
    let revoked = || world.send(&["--as", "carol", "#lobby", "hi"], b"");
    until("carol is revoked", || revoked().status.code() == Some(6));
    check(&revoked(), 6, "revoked your certificate (carol/main)");
    let tail = world.command(&["tail", "--as", "carol", "#lobby"]).output().unwrap();
    check(&tail, 6, "revoked your certificate (carol/main)");

    // A server that falls silent: what was given and not acknowledged is late one day.
    let arguments = ["send", "--as", "alice", "--json", "--timeout", "1", "#lobby"];
    let mut send = Running::start(&mut world.command(&arguments));
    send.type_line("one");
    send.expect("\"text\":\"one\"");
    world.server.signal(Signal::STOP);
    send.type_line("two");
    send.type_line("three");
    let (code, stdout, stderr) = send.ended();
    world.server.signal(Signal::CONT);
    assert_eq!((code, stdout.as_str()), (Some(4), ""), "{stderr}");
    assert!(stderr.contains("2 messages were not acknowledged within 1 s"), "{stderr}");

    let mut send = Running::start(&mut world.command(&arguments));
    send.type_line("one");
    send.expect("\"text\":\"one\"");
    let mut bob = world.tail(&["--as", "alice", "#lobby"]);
    bob.expect("#lobby <alice> one");
    // Nothing waits: there is no deadline, and the signal decides.
    send.signal(Signal::INT);
    assert_eq!(send.ended().0, Some(130));
    world.server.signal(Signal::TERM);
    bob.expect_err("-- connection lost");
    bob.signal(Signal::INT);
    assert_eq!(bob.ended().0, Some(130));
}

#[test]
fn a_room_is_followed_from_its_last_lines_on() {
    let world = world(&["alice", "bob"]);
    let lines: String = (0..30).map(|number| format!("line {number}\n")).collect();
    check(&world.send(&["--as", "alice", "#lobby"], lines.as_bytes()), 0, "");

    let mut plain = world.tail(&["--as", "bob", "#lobby"]);
    for number in 20..30 {
        assert!(plain.expect("").ends_with(&format!("#lobby <alice> line {number}")));
    }
    let mut json = world.tail(&["--as", "bob", "--json", "-n", "1", "#lobby"]);
    let next = |json: &mut Running| serde_json::from_str::<Value>(&json.expect("")).unwrap();
    let object = next(&mut json);
    assert_eq!(
        (&object["text"], &object["kind"], &object["history"]),
        (&"line 29".into(), &"message".into(), &true.into())
    );
    let mut all = world.tail(&["--as", "bob", "--since", "1h", "#lobby"]);
    for number in 0..30 {
        assert!(all.expect("").ends_with(&format!("line {number}")));
    }
    let mut none = world.tail(&["--as", "bob", "-n", "0", "#lobby"]);
    for (option, value) in [("--since", "yesterday"), ("--lines", "10001")] {
        let output = world.command(&["tail", option, value, "#lobby"]).output().unwrap();
        check(&output, 2, value);
    }

    // What comes now is shown by all of them; what is said elsewhere by none.
    world.joins("alice", "#other");
    check(&world.send(&["--as", "alice", "#other", "elsewhere"], b""), 0, "");
    let output = world.send(&["--as", "alice", "--json", "--action", "#lobby", "waves \u{202e}x \u{1f44b}"], b"");
    check(&output, 0, "");
    let sent = &objects(&output.stdout)[0];
    let object = loop {
        let object = next(&mut json);
        match object["kind"].as_str().unwrap() {
            "action" => break object,
            // She comes, is made an operator, and goes.
            "join" | "mode" | "quit" => assert_eq!(object["target"], "#lobby"),
            kind => panic!("{kind}"),
        }
    };
    assert_eq!((&object["msgid"], &object["time"]), (&sent["msgid"], &sent["time"]));
    assert_eq!((&object["nick"], &object["account"]), (&"alice".into(), &"alice".into()));
    assert_eq!((&object["text"], &object["history"]), (&"waves \u{202e}x \u{1f44b}".into(), &false.into()));
    for tail in [&mut plain, &mut all, &mut none] {
        assert!(tail.expect("waves").ends_with("#lobby * alice waves <U+202E>x \u{1f44b}"));
    }
    let mut chat = Running::chat(world.root(), world.address, "alice", &["--join", "#lobby"]);
    chat.type_line("/topic a new one");
    plain.expect("#lobby -!- alice set the topic: a new one");
    let topic = serde_json::from_str::<Value>(&json.expect("topic")).unwrap();
    assert_eq!((&topic["text"], &topic["nick"]), (&"a new one".into(), &"alice".into()));

    for tail in [plain, all, none, json] {
        tail.signal(Signal::INT);
        let (code, _, stderr) = tail.ended();
        assert_eq!((code, stderr.as_str()), (Some(130), ""));
    }
}

#[test]
fn the_history_is_complete_beyond_one_page() {
    let world = world(&["alice", "bob"]);
    let lines = |from: usize, to: usize| (from..to).map(|number| format!("line {number}\n")).collect::<String>();
    check(&world.send(&["--as", "alice", "#lobby"], lines(0, 650).as_bytes()), 0, "");
    let relay = Relay::to(world.address);
    let all = ["tail", "--as", "bob", "--since", "1h", "#lobby"];
    let last = ["tail", "--as", "bob", "-n", "250", "#lobby"];
    let mut tails = [(&all, 0), (&last, 400)]
        .map(|(arguments, first)| (Running::start(&mut world.at(relay.address, arguments)), first));
    for (tail, first) in &mut tails {
        for number in *first..650 {
            let line = tail.expect("");
            assert!(line.ends_with(&format!("#lobby <alice> line {number}")), "{number}: {line}");
        }
    }
    // More than a page was missed.
    relay.cut();
    for (tail, _) in &mut tails {
        tail.expect_err("-- connection lost");
    }
    check(&world.send(&["--as", "alice", "#lobby"], lines(650, 900).as_bytes()), 0, "");
    relay.mend();
    for (tail, _) in &mut tails {
        for number in 650..900 {
            assert!(tail.expect("<alice>").ends_with(&format!("#lobby <alice> line {number}")), "{number}");
        }
    }
    check(&world.send(&["--as", "alice", "#lobby", "and now"], b""), 0, "");
    for (mut tail, _) in tails {
        assert!(tail.expect("<alice>").ends_with("#lobby <alice> and now"));
        tail.signal(Signal::INT);
        let (code, stdout, _) = tail.ended();
        assert_eq!((code, stdout.contains("<alice>")), (Some(130), false), "{stdout}");
    }
}

#[test]
fn whoever_stops_reading_ends_it() {
    let world = world(&["alice"]);
    check(&world.send(&["--as", "alice", "#lobby", "one"], b""), 0, "");
    let mut command = world.command(&["tail", "--as", "alice", "#lobby"]);
    let mut tail = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(tail.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert!(line.ends_with("#lobby <alice> one\n"), "{line}");
    // Nothing more is said: it notices by itself.
    drop(stdout);
    let output = tail.wait_with_output().unwrap();
    check(&output, 0, "");
}

#[test]
fn the_messages_with_a_person_and_nobody_elses() {
    let world = world(&["alice", "bob", "carol"]);
    let mut chat = Running::chat(world.root(), world.address, "bob", &[]);
    chat.expect("#lobby -!- here: ");
    check(&world.send(&["--as", "alice", "bob", "before"], b""), 0, "");
    let mut tail = world.tail(&["--as", "bob", "alice"]);
    assert!(tail.expect("").ends_with(" alice -> you: before"));
    check(&world.send(&["--as", "carol", "bob", "from somebody else"], b""), 0, "");
    check(&world.send(&["--as", "alice", "#lobby", "to all"], b""), 0, "");
    check(&world.send(&["--as", "alice", "bob", "now"], b""), 0, "");
    assert!(tail.expect("").ends_with(" alice -> you: now"));
    let mut alice = Running::chat(world.root(), world.address, "alice", &[]);
    alice.expect("#lobby -!- here: ");
    // What another of our programs says to her belongs to it.
    chat.type_line("/msg alice and back");
    assert!(tail.expect("").ends_with(" you -> alice: and back"));
}

#[test]
fn who_leaves_the_room_follows_it_no_longer() {
    let world = world(&["alice"]);
    let mut chat = Running::chat(world.root(), world.address, "alice", &[]);
    chat.expect("#lobby -!- here: ");
    let mut tail = world.tail(&["--as", "alice", "#lobby"]);
    chat.type_line("hello");
    tail.expect("#lobby <alice> hello");
    chat.type_line("/part");
    let (code, stdout, stderr) = tail.ended();
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stderr.contains("alice left #lobby: there is nothing more to follow"), "{stderr}");
}

#[test]
fn following_a_room_makes_a_member() {
    let world = world(&["alice", "bob"]);
    let mut alice = Running::chat(world.root(), world.address, "alice", &["--join", "#ops"]);
    alice.expect("#ops -!- here: @alice");
    let mut tail = world.tail(&["--as", "bob", "-n", "0", "#ops"]);
    alice.expect("#ops -!- bob joined");
    check(&world.send(&["--as", "bob", "#ops", "from a member"], b""), 0, "");
    assert!(tail.expect("").ends_with("#ops <bob> from a member"));
    alice.expect("#ops <bob> from a member");
}

/// A way to the server that can be cut, also in one direction only.
struct Relay {
    address: SocketAddr,
    streams: Arc<Mutex<Option<Vec<TcpStream>>>>,
    muted: Arc<AtomicBool>,
}

impl Relay {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let streams = Arc::new(Mutex::new(Some(Vec::new())));
        let open = Arc::clone(&streams);
        let muted = Arc::new(AtomicBool::new(false));
        let (mute, never) = (Arc::clone(&muted), Arc::new(AtomicBool::new(false)));
        thread::spawn(move || {
            for near in listener.incoming() {
                // What is not taken in is closed.
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(server)) else { continue };
                let Some(streams) = &mut *open.lock().unwrap() else { continue };
                for (from, to, mute) in [(&near, &far, &never), (&far, &near, &mute)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let mute = Arc::clone(mute);
                    thread::spawn(move || carry(from, to, &mute));
                }
                streams.extend([near, far]);
            }
        });
        Self { address, streams, muted }
    }

    /// What the server says is lost from now on; what is said to it arrives.
    fn mute(&self) {
        self.muted.store(true, Ordering::SeqCst);
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().take().unwrap_or_default() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.muted.store(false, Ordering::SeqCst);
        *self.streams.lock().unwrap() = Some(Vec::new());
    }
}

/// Carries octets in one direction until either end is closed; none while it is muted.
fn carry(mut from: TcpStream, mut to: TcpStream, muted: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !muted.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// The connection breaks when the server has taken a line and its acknowledgement is under way.
#[test]
fn what_was_taken_before_the_connection_broke_is_said_once() {
    let world = world(&["alice", "bob"]);
    let relay = Relay::to(world.address);
    // What was said before he is there he sees too.
    let mut bob = world.tail(&["--as", "bob", "--json", "-n", "10", "#lobby"]);
    let mut said = |text: &str| loop {
        let object = serde_json::from_str::<Value>(&bob.expect("")).unwrap();
        // Who comes and goes is told too.
        if object["kind"] == "message" {
            assert_eq!(object["text"], text);
            return object;
        }
    };
    let mut send = Running::start(&mut world.at(relay.address, &["send", "--as", "alice", "--json", "#lobby"]));
    send.type_line("first");
    send.expect("\"text\":\"first\"");
    said("first");
    relay.mute();
    send.type_line("one");
    send.type_line("two");
    let (one, two) = (said("one"), said("two"));
    relay.cut();
    send.expect_err("-- connection lost");
    relay.mend();
    for object in [one, two] {
        let answer = serde_json::from_str::<Value>(&send.expect("")).unwrap();
        assert_eq!((&answer["msgid"], &answer["time"]), (&object["msgid"], &object["time"]));
        assert_eq!(answer["text"], object["text"]);
    }
    send.type_line("last");
    said("last");
    assert_eq!(send.end().0, Some(0));

    // A person's lines too.
    let mut chat =
        Running::start(&mut world.at(relay.address, &["chat", "--as", "alice", "--join", "#lobby", "--plain"]));
    chat.type_line("hello");
    chat.expect("#lobby <alice> hello");
    said("hello");
    relay.mute();
    chat.type_line("three");
    said("three");
    relay.cut();
    chat.expect_err("-- connection lost");
    relay.mend();
    assert!(chat.expect("three").ends_with("#lobby <alice> three"));
    chat.type_line("four");
    said("four");
    let (code, stdout, _) = chat.end();
    assert_eq!((code, stdout.contains("three")), (Some(0), false), "{stdout}");
}

#[test]
fn a_cut_connection_costs_no_line_and_doubles_none() {
    let world = world(&["alice", "bob"]);
    let relay = Relay::to(world.address);
    check(&world.send(&["--as", "alice", "#lobby"], b"long ago\nbefore"), 0, "");
    let mut tail = Running::start(&mut world.at(relay.address, &["tail", "--as", "bob", "-n", "1", "#lobby"]));
    assert!(tail.expect("").ends_with("before"));
    check(&world.send(&["--as", "alice", "#lobby", "live"], b""), 0, "");
    tail.expect("<alice> live");

    relay.cut();
    tail.expect_err("-- connection lost");
    check(&world.send(&["--as", "alice", "#lobby"], b"missed one\nmissed two"), 0, "");
    relay.mend();
    tail.expect_err("-- connected as bob");
    check(&world.send(&["--as", "alice", "#lobby", "live again"], b""), 0, "");
    // Neither what was seen before nor what was not asked for comes with it.
    for text in ["missed one", "missed two", "live again"] {
        assert!(tail.expect("<alice>").ends_with(&format!("<alice> {text}")));
    }
    tail.signal(Signal::INT);
    let (code, stdout, _) = tail.ended();
    assert_eq!(code, Some(130));
    assert!(!stdout.contains("<alice>"), "{stdout}");
}

#[test]
fn what_is_sent_while_the_connection_is_cut_arrives_after_it() {
    let world = world(&["alice", "bob"]);
    let relay = Relay::to(world.address);
    let mut bob = world.tail(&["--as", "bob", "-n", "0", "#lobby"]);
    let mut send = Running::start(&mut world.at(relay.address, &["send", "--as", "alice", "--json", "#lobby"]));
    send.type_line("one");
    send.expect("\"text\":\"one\"");
    relay.cut();
    send.expect_err("-- connection lost");
    send.type_line("two");
    relay.mend();
    send.expect("\"text\":\"two\"");
    let (code, _, stderr) = send.end();
    assert_eq!(code, Some(0), "{stderr}");
    bob.expect("<alice> two");
}
