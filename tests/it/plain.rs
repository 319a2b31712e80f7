//! The plain dialect, as a person with `openssl s_client` sees it.

use conclave::server::History;

use crate::support::{Deployment, End, Peer, Server};

#[tokio::test]
async fn the_greeting_and_the_first_line() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice/laptop");
    let mut peer = Peer::connect(&deployment, &server, &alice).await;
    assert_eq!(
        peer.transcript(),
        "<- :conclave.local NOTICE * :You are alice (device laptop). Type to talk in #lobby, or /help.\n"
    );
    assert_eq!(
        peer.does("Pass the salt").await,
        [
            "T #lobby -!- alice joined",
            "-!- in #lobby: alice",
            "-!- you talk in #lobby now",
            "T #lobby <alice> Pass the salt",
        ]
    );

    // An empty first line, and one that looks a little like IRC, are a person's too.
    for (name, first) in [("bob", ""), ("carol", "NICK is taken"), ("dave", "join #x"), ("erin", "@label=1 hello")] {
        let pair = deployment.issue(name);
        let mut peer = Peer::connect(&deployment, &server, &pair).await;
        let seen = peer.does(first).await;
        assert_eq!(seen[0], format!("T #lobby -!- {name} joined"), "{first:?}");
        let said: Vec<_> = seen.iter().filter(|line| line.contains('<')).collect();
        let expected = format!("T #lobby <{name}> {first}");
        assert_eq!(said, if first.is_empty() { vec![] } else { vec![&expected] }, "{first:?}");
    }
}

#[tokio::test]
async fn a_browser_is_told_where_it_is() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::connect(&deployment, &server, &deployment.issue("alice")).await;
    alice.send("GET / HTTP/1.1").await;
    alice.send("Host: localhost").await;
    let (lines, end) = alice.rest().await;
    assert_eq!(lines, ["ERROR :This is a chat server (Conclave), not a web server"]);
    assert_eq!(end, End::Clean);
}

#[tokio::test]
async fn rooms() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    assert_eq!(alice.sees().await, ["T #lobby -!- bob joined"]);

    assert_eq!(
        alice.does("/join ops").await,
        ["T #ops -!- alice joined", "-!- in #ops: @alice", "-!- you talk in #ops now"]
    );
    assert_eq!(
        bob.does("/j #OPS").await,
        ["T #ops -!- bob joined", "-!- in #ops: @alice bob", "-!- you talk in #ops now"]
    );
    assert_eq!(bob.does("here").await, ["T #ops <bob> here"]);
    assert_eq!(alice.sees().await, ["T #ops -!- bob joined", "T #ops <bob> here"]);

    assert_eq!(alice.does("/topic").await, ["-!- #ops has no topic"]);
    assert_eq!(alice.does("/topic the plan").await, ["T #ops -!- alice set the topic: the plan"]);
    assert_eq!(
        bob.does("/topic").await,
        ["T #ops -!- alice set the topic: the plan", "-!- topic of #ops: the plan (set by alice)"]
    );
    assert_eq!(bob.does("/topic mine").await, ["-!- only the operators of #ops may do that"]);
    assert_eq!(bob.does("/rooms").await, ["-!- #lobby (2)", "-!- #ops (2)  the plan"]);
    assert_eq!(bob.does("/names").await, ["-!- in #ops: @alice bob"]);
    assert_eq!(bob.does("/names #lobby").await, ["-!- in #lobby: alice bob"]);

    assert_eq!(bob.does("/part enough").await, ["T #ops -!- bob left (enough)", "-!- you talk in #lobby now"]);
    assert_eq!(alice.sees().await, ["T #ops -!- bob left (enough)"]);
    assert_eq!(bob.does("again in the lobby").await, ["T #lobby <bob> again in the lobby"]);
    assert_eq!(alice.sees().await, ["T #lobby <bob> again in the lobby"]);
    assert_eq!(bob.does("/part").await, ["T #lobby -!- bob left", "-!- you are in no room now; /join #ROOM"]);
    assert_eq!(bob.does("hello?").await, ["-!- you are in no room; /join #ROOM first, /rooms lists them"]);
    assert_eq!(
        bob.does("/join #a,b").await,
        ["-!- #a,b cannot be a room's name: # and at most 63 letters without space, comma or colon"]
    );

    // The room goes with its last member.
    alice.does("/part #ops").await;
    assert_eq!(alice.does("/rooms").await, ["-!- #lobby (1)"]);
}

#[tokio::test]
async fn talk() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    alice.lines().await;

    for (line, said) in [
        ("hello", "<alice> hello"),
        ("  indented  ", "<alice>   indented  "),
        ("//usr/bin", "<alice> /usr/bin"),
        ("/me waves", "* alice waves"),
        ("-!- bob joined", "<alice> -!- bob joined"),
        ("größer 😀", "<alice> größer 😀"),
    ] {
        let expected = format!("T #lobby {said}");
        assert_eq!(alice.does(line).await, [&*expected], "{line:?}");
        assert_eq!(bob.sees().await, [&*expected], "{line:?}");
    }
    assert_eq!(alice.does("   ").await, [""; 0]);

    assert_eq!(alice.does("/msg BOB  psst  now").await, ["T you -> bob: psst  now"]);
    assert_eq!(bob.sees().await, ["T alice -> you: psst  now"]);
    assert_eq!(bob.does("/m bob note to myself").await, ["T bob -> you: note to myself"]);
    assert_eq!(alice.does("/msg nobody hi").await, ["-!- nobody is known as nobody; /who lists who is here"]);
    assert_eq!(alice.does("/msg bob").await, ["-!- usage: /msg NAME TEXT"]);
    assert_eq!(alice.does("/msg #lobby by name").await, ["T #lobby <alice> by name"]);
    assert_eq!(bob.sees().await, ["T #lobby <alice> by name"]);
    assert_eq!(alice.sees().await, [""; 0], "nothing of what bob said to himself");
}

#[tokio::test]
async fn people() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| {
        options.admins = vec!["alice".parse().unwrap()];
        options.motd = Some("Be kind.\nBe brief.".into());
    });
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice/laptop")).await;
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob/phone")).await;
    alice.lines().await;

    assert_eq!(bob.does("/who").await, ["-!- @alice in #lobby", "-!- bob in #lobby"]);
    assert_eq!(bob.does("/who b*").await, ["-!- bob in #lobby"]);
    assert_eq!(bob.does("/who #lobby").await, ["-!- @alice in #lobby", "-!- bob in #lobby"]);
    assert_eq!(bob.does("/who zed").await, ["-!- nobody fits zed"]);

    assert_eq!(bob.does("/away lunch").await, ["-!- you are away now; /away alone says that you are back"]);
    assert_eq!(alice.does("/msg bob there?").await, ["T you -> bob: there?", "-!- bob is away: lunch"]);
    assert_eq!(alice.does("/who bob").await, ["-!- bob in #lobby, away"]);
    let whois = alice.does("/whois Bob").await;
    assert_eq!(whois[..2], ["-!- bob: bob", "-!- bob is in #lobby"]);
    assert!(whois[2].starts_with("-!- bob is here with device phone, certificate "), "{whois:?}");
    assert_eq!(whois[3], "-!- bob is away: lunch");
    assert!(whois[4].starts_with("-!- bob last spoke "), "{whois:?}");
    assert_eq!(bob.does("/away").await.last().unwrap(), "-!- you are back");

    let whois = bob.does("/whois alice").await;
    assert_eq!(whois[0], "-!- alice: alice, administrator of this server");
    assert!(!whois.iter().any(|line| line.contains("device")), "devices are one's own business: {whois:?}");
    assert_eq!(bob.does("/whois zed").await, ["-!- nobody is known as zed; /who lists who is here"]);
    assert_eq!(bob.does("/motd").await, ["-!- Be kind.", "-!- Be brief."]);
}

#[tokio::test]
async fn who_runs_a_room_needs_no_letters() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    alice.does("/join ops").await;
    let mut bob = Peer::plain(&deployment, &server, &deployment.issue("bob")).await;
    bob.does("/join ops").await;
    alice.lines().await;

    for (line, seen) in [
        ("/op bob", "T #ops -!- alice set mode +o bob"),
        ("/deop #ops bob", "T #ops -!- alice set mode -o bob"),
        ("/voice bob", "T #ops -!- alice set mode +v bob"),
        ("/devoice bob", "T #ops -!- alice set mode -v bob"),
        ("/ban", "-!- the list b of #ops is empty"),
        ("/ban mallory *!*@evil", "T #ops -!- alice set mode +bb mallory!*@* *!*@evil"),
        ("/unban mallory", "T #ops -!- alice set mode -b mallory!*@*"),
        ("/ban", "-!- #ops b: *!*@evil (set by alice)"),
        ("/op", "-!- usage: /op [#ROOM] NAME..."),
        ("/unban", "-!- usage: /unban [#ROOM] NAME|MASK..."),
        ("/op zed", "-!- nobody is known as zed; /who lists who is here"),
        // About a person, and no letters of the room.
        ("/mode alice +iw", "-!- your modes changed: +iw"),
        ("/mode alice", "-!- your modes: +iw"),
        ("/mode bob +i", "-!- these are somebody else's modes"),
        ("/mode", "-!- modes of #ops: +nt"),
    ] {
        assert_eq!(alice.does(line).await, [seen], "{line}");
    }
    bob.lines().await;
    assert_eq!(bob.does("/op bob").await, ["-!- only the operators of #ops may do that"]);
    bob.does("/mode bob +B").await;
    assert_eq!(alice.does("/who bob").await, ["-!- bob in #lobby, a bot"]);
}

#[tokio::test]
async fn what_is_needed_seldom() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.admins = vec!["root".parse().unwrap()]);
    let mut root = Peer::plain(&deployment, &server, &deployment.issue("root")).await;
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    root.lines().await;

    assert_eq!(alice.does("/setname Alice A").await, ["-!- your real name is Alice A now"]);
    assert_eq!(root.does("/who alice").await, ["-!- alice (Alice A) in #lobby"]);
    assert_eq!(alice.does("/notice #lobby psst").await, ["T #lobby -alice- psst"]);
    assert_eq!(root.sees().await, ["T #lobby -alice- psst"]);
    assert_eq!(
        alice.does("/notice zed psst").await,
        ["-!- nobody is known as zed; /who lists who is here"],
        "she writes by hand"
    );
    assert!(matches!(&*alice.does("/version").await, [line] if line.starts_with("-!- the server runs ")));
    assert!(matches!(&*alice.does("/time").await, [line] if line.starts_with("-!- the server's time: ")));
    assert_eq!(alice.does("/whowas zed").await, ["-!- nobody called zed was here lately"]);
    for (line, usage) in [
        ("/setname", "/setname REAL NAME"),
        ("/notice bob", "/notice NAME TEXT"),
        ("/whowas", "/whowas NAME"),
        ("/kill", "/kill NAME [REASON]"),
        ("/wallops", "/wallops TEXT"),
    ] {
        assert_eq!(alice.does(line).await, [format!("-!- usage: {usage}")], "{line}");
    }
    for line in ["/kill root", "/wallops all of you"] {
        assert_eq!(alice.does(line).await, ["-!- only the administrators of this server may do that"], "{line}");
    }
    alice.does("/mode alice +w").await;
    root.send("/wallops down at noon").await;
    alice.expect("-!- root to everybody: down at noon").await;
    root.send("/kill alice too loud").await;
    alice.expect("-!- root ended the connections of alice (too loud)").await;
    root.expect("alice disconnected").await;
    root.send("/whowas alice").await;
    root.expect("-!- alice was here until ").await;
}

#[tokio::test]
async fn history_and_help() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (a, b) = (deployment.issue("alice"), deployment.issue("bob"));
    let mut alice = Peer::plain(&deployment, &server, &a).await;
    for n in 1..=5 {
        alice.does(&format!("line {n}")).await;
    }
    alice.does("/me waves").await;
    let mut bob = Peer::plain(&deployment, &server, &b).await;
    assert_eq!(
        bob.does("/history 3").await,
        [
            "-!- the last 3 messages of #lobby:",
            "D T #lobby <alice> line 4",
            "D T #lobby <alice> line 5",
            "D T #lobby * alice waves",
            "-!- end of history",
        ]
    );
    assert_eq!(bob.does("/history").await.len(), 8);
    bob.does("/msg alice psst").await;
    assert_eq!(
        alice.does("/history bob 1").await[2..],
        ["-!- the last message with bob:", "D T bob -> you: psst", "-!- end of history"]
    );
    // What two say to each other is theirs.
    let mut carol = Peer::plain(&deployment, &server, &deployment.issue("carol")).await;
    assert_eq!(carol.does("/history bob").await, ["-!- no message with bob is kept"]);
    carol.does("/part").await;
    assert_eq!(carol.does("/history #lobby").await, ["-!- you are not in #lobby; /join #lobby first"]);

    let help = carol.does("/help").await;
    for command in ["/join #ROOM", "/part", "/msg NAME TEXT", "/me", "/who", "/rooms", "/topic", "/history", "/away"] {
        assert!(help.iter().any(|line| line.starts_with(&format!("-!- {command}"))), "{command}: {help:#?}");
    }
    let topic: Vec<String> = carol.does("/help /topic").await;
    assert!(matches!(&*topic, [line] if line.starts_with("-!- /topic [TEXT] ")), "{topic:?}");
    assert_eq!(carol.does("/help nope").await, ["-!- there is no command nope; /help lists them"]);
    assert_eq!(
        carol.does("/nope").await,
        ["-!- there is no command /nope; /help lists them, // starts a line with a slash"]
    );
}

#[tokio::test]
async fn without_history_nothing_is_kept() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.history = History::Off);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    assert_eq!(alice.does("off the record").await, ["T #lobby <alice> off the record"]);
    assert_eq!(alice.does("/history").await, ["-!- no message of #lobby is kept"]);
}

#[tokio::test]
async fn goodbye() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (a, b) = (deployment.issue("alice"), deployment.issue("bob"));
    let mut alice = Peer::plain(&deployment, &server, &a).await;
    let mut bob = Peer::plain(&deployment, &server, &b).await;
    alice.lines().await;
    bob.send("last words").await;
    bob.send("/quit so long").await;
    let (lines, end) = bob.rest().await;
    assert_eq!(lines.last().unwrap(), "-!- goodbye: Quit: so long");
    assert_eq!(end, End::Clean);
    assert_eq!(alice.sees().await, ["T #lobby <bob> last words", "T -!- bob disconnected (Quit: so long)"]);

    // A member stays a member: he comes back into his rooms.
    let mut bob = Peer::connect(&deployment, &server, &b).await;
    assert_eq!(
        bob.does("").await,
        ["T #lobby -!- bob joined", "-!- in #lobby: alice bob", "-!- you talk in #lobby now"]
    );
    assert_eq!(alice.sees().await, ["T #lobby -!- bob joined"]);
    // The end of the input is a goodbye too; a last line needs no line end.
    bob.send_octets(b"no line end").await;
    let (lines, end) = bob.close().await;
    assert_eq!((lines.len(), end), (1, End::Clean), "{lines:?}");
    assert_eq!(
        alice.expect("disconnected").await.split_once(' ').unwrap().1,
        "-!- bob disconnected (Connection closed)"
    );
    assert!(alice.transcript().contains("#lobby <bob> no line end"));
}
