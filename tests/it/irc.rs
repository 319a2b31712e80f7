//! The IRC dialect, as Modern IRC and IRCv3 describe it.

use crate::support::{Deployment, End, NETWORK, Peer, Server};

/// What the server answers, without its name in front.
fn bare(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| line.replace(":conclave.local ", "")).collect()
}

#[tokio::test]
async fn registration() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.motd = Some("Be kind.".into()));
    let mut alice = Peer::connect(&deployment, &server, &deployment.issue("Alice/laptop")).await;
    alice.speaks_irc();
    // Two lines: the first says that there is more.
    let offer = alice.does("CAP LS 302").await.join(" ");
    for cap in [
        "account-tag",
        "batch",
        "cap-notify",
        "echo-message",
        "labeled-response",
        "message-tags",
        "multi-prefix",
        "sasl=EXTERNAL",
        "server-time",
    ] {
        assert!(offer.split([' ', ':']).any(|word| word == cap), "{cap}: {offer}");
    }
    alice.send("CAP REQ :sasl server-time").await;
    assert_eq!(alice.next().await.unwrap(), ":conclave.local CAP * ACK :sasl server-time");
    alice.send("CAP REQ :server-time no-such-thing").await;
    assert_eq!(alice.next().await.unwrap(), ":conclave.local CAP * NAK :server-time no-such-thing");
    alice.send("CAP LIST").await;
    assert_eq!(alice.next().await.unwrap(), ":conclave.local CAP * LIST :cap-notify sasl server-time");
    alice.send("AUTHENTICATE EXTERNAL").await;
    assert_eq!(alice.next().await.unwrap(), "AUTHENTICATE +");
    alice.send("AUTHENTICATE +").await;
    assert!(alice.next().await.unwrap().starts_with(":conclave.local 900 "));
    assert_eq!(alice.next().await.unwrap(), ":conclave.local 903 * :SASL authentication successful");
    // The name is the certificate's, whatever the client asks for.
    alice.send("NICK somebody-else").await;
    alice.send("USER ident@weechat 0 * :Alice in Chains").await;
    alice.send("CAP END").await;
    alice.speaks_irc();
    let welcome = alice.lines().await;
    let has = |words: &str| assert!(welcome.iter().any(|line| line.contains(words)), "{words}: {welcome:#?}");
    assert_eq!(
        welcome[0],
        format!(":conclave.local 001 Alice :Welcome to the {NETWORK} network, Alice!ident@{NETWORK}")
    );
    has(" 002 Alice :Your host is conclave.local, running conclave-");
    has(" 003 Alice :This server was started 2");
    has(" 004 Alice conclave.local conclave-");
    has(&format!(" NETWORK={NETWORK} "));
    has(" CASEMAPPING=ascii ");
    has(" CHANTYPES=# ");
    has(" UTF8ONLY ");
    has(" 251 Alice :There are 1 users");
    has(" 375 Alice :- conclave.local Message of the day - ");
    has(" 372 Alice :- Be kind.");
    has(" 376 Alice :End of /MOTD command.");
    assert_eq!(bare(alice.does("MODE Alice").await), ["221 Alice +"]);
    assert_eq!(alice.does("AUTHENTICATE EXTERNAL").await, ["AUTHENTICATE +"]);
    assert_eq!(
        bare(alice.does("AUTHENTICATE QWxpY2U=").await),
        [
            format!("900 Alice Alice!ident@{NETWORK} Alice :You are now logged in as Alice").as_str(),
            "903 Alice :SASL authentication successful"
        ]
    );
    assert_eq!(bare(alice.does("USER a 0 * :a").await), ["462 Alice :You may not reregister"]);
    assert_eq!(
        bare(alice.does("NICK other").await),
        ["433 Alice other :Your nickname is your certificate's and cannot be changed"]
    );
    assert_eq!(bare(alice.does("NICK Alice").await), [""; 0]);
    let spelled = alice.does("NICK ALICE").await;
    assert!(spelled[0].ends_with(&format!(":Alice!ident@{NETWORK} NICK ALICE")), "{spelled:?}");
    assert_eq!(bare(alice.does("NICK 1x").await), ["432 Alice 1x :Erroneous nickname"]);
}

#[tokio::test]
async fn registration_without_negotiation_and_in_any_order() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    for (name, lines) in [
        ("a", &["NICK x", "USER u 0 * :r"][..]),
        ("b", &["USER u 0 * :r", "NICK x"]),
        ("c", &["PASS secret", "NICK *", "USER u 0 * :r", "NICK x"]),
        ("d", &["JOIN #x", "NICK x", "USER u 0 * :r"]),
        ("e", &["CAP LS", "NICK x", "USER u 0 * :r", "CAP REQ batch", "CAP END"]),
        ("f", &["nick lower", "NICK x", "user u 0 * :r", "USER u 0 * :r"][1..]),
    ] {
        let mut peer = Peer::connect(&deployment, &server, &deployment.issue(name)).await;
        for line in lines {
            peer.send(line).await;
        }
        peer.expect(&format!(" 001 {name} :")).await;
        let transcript = peer.transcript();
        assert_eq!(transcript.contains(" 432 * * :"), name == "c", "{transcript}");
        assert_eq!(transcript.contains(" 451 * :"), name == "d", "{transcript}");
    }
}

/// What a program says before it is registered is answered, with its label once it may have one.
#[tokio::test]
async fn before_the_registration() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::connect(&deployment, &server, &deployment.issue("alice")).await;
    alice.speaks_irc();
    assert_eq!(bare(alice.does("CAP NOTACOMMAND").await), ["410 * NOTACOMMAND :Invalid CAP command"]);
    assert_eq!(bare(alice.does("@label=1 CAP LIST").await), ["CAP * LIST :"]);
    assert_eq!(bare(alice.does("CAP REQ :batch labeled-response").await), ["CAP * ACK :batch labeled-response"]);
    assert_eq!(alice.does("@label=1 CAP LIST").await, ["@label=1 :conclave.local CAP * LIST :batch labeled-response"]);
    assert_eq!(alice.does("@label=2 NICK x").await, ["@label=2 :conclave.local ACK"]);
    assert_eq!(alice.does("@label=3 JOIN #x").await, ["@label=3 :conclave.local 451 * :You have not registered"]);
    alice.send("QUIT").await;
    assert_eq!(alice.rest().await, (vec!["ERROR :Quit".to_owned()], End::Clean));
}

/// What a person says about himself before he is registered, he and others read afterwards (IRCv3
/// `draft/metadata-3`, `before-connect`).
#[tokio::test]
async fn metadata_before_the_registration() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::connect(&deployment, &server, &deployment.issue("alice")).await;
    alice.speaks_irc();
    alice.does("CAP REQ :batch draft/metadata-3").await;
    assert_eq!(bare(alice.does("METADATA * SET display-name :Alice A.").await), ["761 * * display-name * :Alice A."]);
    assert_eq!(bare(alice.does("METADATA * SUB avatar").await), ["770 * avatar"]);
    alice.send("NICK alice").await;
    alice.send("USER a 0 * :b").await;
    let welcome = bare(alice.does("CAP END").await);
    let own = ["BATCH +b metadata alice", "@batch=b 761 alice alice display-name * :Alice A.", "BATCH -b"];
    assert!(welcome.windows(3).any(|lines| lines == own), "{welcome:?}");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    let told = bob.does("METADATA alice GET display-name").await;
    assert_eq!(told, [":conclave.local 761 bob alice display-name * :Alice A."]);
    bob.does("METADATA * SET avatar x").await;
    bob.does("JOIN #x").await;
    alice.does("JOIN #x").await;
    bob.does("METADATA * SET avatar y").await;
    assert_eq!(alice.sees().await, [":conclave.local 761 alice bob avatar * :y"]);
}

#[tokio::test]
async fn sasl() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let pair = deployment.issue("alice");
    let begun = ["AUTHENTICATE +"];
    let done = [
        "AUTHENTICATE +",
        "900 * alice!alice@example.net alice :You are now logged in as alice",
        "903 * :SASL authentication successful",
    ];
    let failed = ["AUTHENTICATE +", "904 * :SASL authentication failed"];
    let long = format!("AUTHENTICATE {}", "A".repeat(401));
    for (lines, expected) in [
        (&["AUTHENTICATE EXTERNAL"][..], &begun[..]),
        (&["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"], &done),
        (&["AUTHENTICATE external", "AUTHENTICATE QWxpY2U="], &done),
        (&["AUTHENTICATE EXTERNAL", "AUTHENTICATE Ym9i"], &failed),
        (&["AUTHENTICATE EXTERNAL", "AUTHENTICATE !!!"], &failed),
        (&["AUTHENTICATE EXTERNAL", "AUTHENTICATE *"], &[begun[0], "906 * :SASL authentication aborted"]),
        (&["AUTHENTICATE EXTERNAL", &long], &[begun[0], "905 * :SASL message too long"]),
        (&["AUTHENTICATE PLAIN"], &["908 * EXTERNAL :are available SASL mechanisms", failed[1]]),
        (
            &["AUTHENTICATE EXTERNAL", "AUTHENTICATE Ym9i", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +"],
            &[failed[0], failed[1], done[0], done[1], done[2]],
        ),
        (&["AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "AUTHENTICATE EXTERNAL"], &[done[0], done[1], done[2], begun[0]]),
    ] {
        let mut peer = Peer::connect(&deployment, &server, &pair).await;
        peer.speaks_irc();
        peer.send("CAP REQ :sasl").await;
        peer.expect(" ACK ").await;
        for line in lines {
            peer.send(line).await;
        }
        assert_eq!(bare(peer.sees().await), expected, "{lines:?}");
        // Whatever came of it, the certificate is enough.
        peer.send("NICK x").await;
        peer.send("USER x 0 * :x").await;
        peer.send("CAP END").await;
        peer.expect(" 001 alice ").await;
        peer.close().await;
    }
}

#[tokio::test]
async fn rooms() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    assert_eq!(
        bare(alice.does("JOIN #ops").await),
        [":alice!test@example.net JOIN #ops", "353 alice = #ops :@alice", "366 alice #ops :End of /NAMES list"]
    );
    assert_eq!(
        bare(bob.does("JOIN #OPS,#two").await),
        [
            ":bob!test@example.net JOIN #ops",
            "353 bob = #ops :@alice bob",
            "366 bob #ops :End of /NAMES list",
            ":bob!test@example.net JOIN #two",
            "353 bob = #two :@bob",
            "366 bob #two :End of /NAMES list",
        ]
    );
    assert_eq!(alice.sees().await, [":bob!test@example.net JOIN #ops"]);
    assert_eq!(alice.does("JOIN #ops").await, [""; 0], "one cannot join twice");

    assert_eq!(bare(bob.does("TOPIC #ops").await), ["331 bob #ops :No topic is set"]);
    assert_eq!(bare(bob.does("TOPIC #ops :mine").await), ["482 bob #ops :You're not a channel operator"]);
    assert_eq!(alice.does("TOPIC #ops :the plan").await, [":alice!test@example.net TOPIC #ops :the plan"]);
    assert_eq!(bob.sees().await, [":alice!test@example.net TOPIC #ops :the plan"]);
    let topic = bare(bob.does("TOPIC #ops").await);
    assert_eq!(topic[0], "332 bob #ops :the plan");
    assert!(topic[1].starts_with("333 bob #ops alice 1"), "{topic:?}");

    assert_eq!(bare(bob.does("NAMES #ops").await), ["353 bob = #ops :@alice bob", "366 bob #ops :End of /NAMES list"]);
    assert_eq!(bare(bob.does("NAMES #none").await), ["366 bob #none :End of /NAMES list"]);
    assert_eq!(
        bare(bob.does("WHO #ops").await),
        [
            "352 bob #ops test example.net conclave.local alice H@ :0 Test Person",
            "352 bob #ops test example.net conclave.local bob H :0 Test Person",
            "315 bob #ops :End of /WHO list",
        ]
    );
    assert_eq!(
        bare(bob.does("LIST").await),
        ["321 bob Channel :Users  Name", "322 bob #ops 2 :the plan", "322 bob #two 1 :", "323 bob :End of /LIST"]
    );
    assert_eq!(
        bare(bob.does("LIST #two").await),
        ["321 bob Channel :Users  Name", "322 bob #two 1 :", "323 bob :End of /LIST"]
    );
    let modes = bare(bob.does("MODE #ops").await);
    assert_eq!(modes[0], "324 bob #ops +nt");
    assert!(modes[1].starts_with("329 bob #ops 1"), "{modes:?}");
    assert_eq!(bare(bob.does("MODE #ops b").await), ["368 bob #ops :End of channel ban list"]);

    assert_eq!(
        bob.does("PART #two,#ops :enough").await,
        [":bob!test@example.net PART #two :enough", ":bob!test@example.net PART #ops :enough"]
    );
    assert_eq!(alice.sees().await, [":bob!test@example.net PART #ops :enough"]);
    for (line, answer) in [
        ("PART #ops", "442 bob #ops :You're not on that channel"),
        ("PART #none", "403 bob #none :No such channel"),
        ("TOPIC #ops :x", "442 bob #ops :You're not on that channel"),
        ("PRIVMSG #ops :x", "404 bob #ops :Cannot send to channel"),
        ("PRIVMSG #none :x", "403 bob #none :No such channel"),
        ("JOIN ops", "403 bob ops :No such channel"),
        ("JOIN #a\u{7}", "476 bob #a :Bad channel name"),
        ("JOIN", "461 bob JOIN :Not enough parameters"),
        ("TOPIC", "461 bob TOPIC :Not enough parameters"),
        ("JOIN #1,#2,#3,#4,#5,#6,#7,#8,#9", "407 bob #9 :Too many targets (at most 8)"),
    ] {
        assert_eq!(bare(bob.does(line).await), [answer], "{line}");
    }
    assert_eq!(alice.does("JOIN 0").await, [":alice!test@example.net PART #ops"]);
}

#[tokio::test]
async fn messages() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    alice.does("JOIN #x").await;
    bob.does("JOIN #x").await;
    alice.lines().await;

    for line in [
        "PRIVMSG #x :hello",
        "PRIVMSG #x ::)",
        "NOTICE #x :heard",
        "PRIVMSG #x :\u{1}ACTION waves\u{1}",
        "PRIVMSG bob :psst",
        "NOTICE bob :psst",
        "PRIVMSG bob :\u{1}VERSION\u{1}",
        "PRIVMSG #x :\u{2}bold\u{2} \u{3}4red\u{f}\tand a tab",
    ] {
        assert_eq!(alice.does(line).await, [""; 0], "without echo-message: {line}");
        assert_eq!(bob.sees().await, [format!(":alice!test@example.net {line}")]);
    }
    assert_eq!(alice.does("PRIVMSG #x,bob :twice").await, [""; 0]);
    assert_eq!(
        bob.sees().await,
        [":alice!test@example.net PRIVMSG #x :twice", ":alice!test@example.net PRIVMSG bob :twice"]
    );
    // The verb is known in any case; the receiver sees it in its own.
    alice.does("privmsg BOB :case").await;
    assert_eq!(bob.sees().await, [":alice!test@example.net PRIVMSG bob :case"]);
    assert_eq!(alice.does("PRIVMSG alice :to myself").await, [":alice!test@example.net PRIVMSG alice :to myself"]);

    for (line, answer) in [
        ("PRIVMSG", "411 alice :No recipient given (PRIVMSG)"),
        ("PRIVMSG bob", "412 alice :No text to send"),
        ("PRIVMSG bob :", "412 alice :No text to send"),
        ("PRIVMSG nobody :x", "401 alice nobody :No such nick/channel"),
        ("FROBNICATE", "421 alice FROBNICATE :Unknown command"),
    ] {
        assert_eq!(bare(alice.does(line).await), [answer], "{line}");
    }
    assert_eq!(alice.does("NOTICE nobody :x").await, [""; 0], "a NOTICE is never answered");

    assert_eq!(bare(bob.does("AWAY :lunch").await), ["306 bob :You have been marked as being away"]);
    assert_eq!(bare(alice.does("PRIVMSG bob :there?").await), ["301 alice bob :lunch"]);
    assert_eq!(alice.does("NOTICE bob :there?").await, [""; 0]);
    let whois = bare(alice.does("WHOIS bob").await);
    assert_eq!(
        whois[..4],
        [
            "311 alice bob test example.net * :Test Person",
            "319 alice bob :#x",
            "312 alice bob conclave.local :example.net",
            "301 alice bob :lunch",
        ]
    );
    assert!(whois.contains(&"671 alice bob :is using a secure connection".to_owned()), "{whois:?}");
    assert!(!whois.iter().any(|line| line.starts_with("276")), "devices are one's own business: {whois:?}");
    assert_eq!(whois.last().unwrap(), "318 alice bob :End of /WHOIS list");
    let own = bare(bob.does("WHOIS bob").await);
    assert!(own.iter().any(|line| line.starts_with("276 bob bob :has client certificate fingerprint ")), "{own:?}");
    assert_eq!(bare(bob.does("AWAY").await).last().unwrap(), "305 bob :You are no longer marked as being away");
    assert_eq!(
        bare(alice.does("WHOIS zed").await),
        ["401 alice zed :No such nick/channel", "318 alice zed :End of /WHOIS list"]
    );
    assert_eq!(bare(alice.does("MOTD").await), ["422 alice :MOTD File is missing"]);
    let help = bare(alice.does("HELP").await);
    assert!(help[0].starts_with("704 alice index :") && help.last().unwrap().starts_with("706 alice index :"));
    assert_eq!(bare(alice.does("HELP zed").await), ["524 alice zed :No help available on this topic"]);
}

#[tokio::test]
async fn a_long_message_arrives_whole_in_lines_that_fit() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::plain(&deployment, &server, &deployment.issue("alice")).await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "server-time message-tags").await;
    bob.does("JOIN #lobby").await;
    let text = "word größer ".repeat(200);
    alice.does(text.trim_end()).await;
    let lines = bob.lines().await;
    assert!(lines.len() > 4);
    let mut pieces = Vec::new();
    for line in &lines {
        let (_, body) = line.split_once(' ').unwrap();
        assert!(body.len() <= 510, "{} octets: {body}", body.len());
        pieces.push(body.split_once(" PRIVMSG #lobby :").unwrap().1.to_owned());
    }
    assert_eq!(pieces.concat(), text.trim_end());
}

#[tokio::test]
async fn goodbye() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    alice.does("JOIN #x").await;
    bob.does("JOIN #x").await;
    alice.lines().await;
    bob.send("PRIVMSG #x :last words").await;
    bob.send("QUIT :so long").await;
    let (lines, end) = bob.rest().await;
    assert_eq!((lines, end), (vec!["ERROR :Quit: so long".to_owned()], End::Clean));
    assert_eq!(
        alice.sees().await,
        [":bob!test@example.net PRIVMSG #x :last words", ":bob!test@example.net QUIT :Quit: so long"]
    );
    // Before the registration too.
    let mut carol = Peer::connect(&deployment, &server, &deployment.issue("carol")).await;
    carol.send("NICK carol").await;
    carol.send("QUIT").await;
    assert_eq!(carol.rest().await, (vec!["ERROR :Quit".to_owned()], End::Clean));
}
