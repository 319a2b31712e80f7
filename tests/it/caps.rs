//! What each IRCv3 capability changes, and that nobody sees it who did not ask for it.

use crate::support::{Deployment, Peer, Server};

#[tokio::test]
async fn labeled_response() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let pair = deployment.issue("alice");
    let mut alice = Peer::irc(&deployment, &server, &pair, "labeled-response batch echo-message").await;
    let me = ":alice!test@example.net";
    // One line carries the label, none is an ACK, several are a batch.
    assert_eq!(alice.does("@label=one PING x").await, ["@label=one :conclave.local PONG conclave.local x"]);
    assert_eq!(
        alice.does("@label=a\\sb NICK zed").await,
        ["@label=a\\sb :conclave.local 433 alice zed :Your nickname is your certificate's and cannot be changed"]
    );
    assert_eq!(alice.does("@label=none CAP END").await, ["@label=none :conclave.local ACK"]);
    assert_eq!(
        alice.does("@label=same JOIN #x").await,
        [
            "@label=same :conclave.local BATCH +r labeled-response".to_owned(),
            format!("@batch=r {me} JOIN #x"),
            "@batch=r :conclave.local 353 alice = #x :@alice".to_owned(),
            "@batch=r :conclave.local 366 alice #x :End of /NAMES list".to_owned(),
            ":conclave.local BATCH -r".to_owned(),
        ]
    );
    assert_eq!(alice.does("@label=again JOIN #x").await, ["@label=again :conclave.local ACK"]);
    assert_eq!(alice.does("@label=m PRIVMSG #x :hi").await, [format!("@label=m {me} PRIVMSG #x :hi")]);
    assert_eq!(
        alice.does("@label=n PRIVMSG nobody :hi").await,
        ["@label=n :conclave.local 401 alice nobody :No such nick/channel"]
    );
    assert_eq!(alice.does("@label=v FROB").await, ["@label=v :conclave.local 421 alice FROB :Unknown command"]);
    assert_eq!(
        alice.does("@label=p PRIVMSG").await,
        ["@label=p :conclave.local 411 alice :No recipient given (PRIVMSG)"]
    );
    // To oneself: of the two lines only the echo is the answer.
    let mut twice = alice.does("@label=self PRIVMSG alice :note").await;
    twice.sort();
    assert_eq!(twice, [format!("{me} PRIVMSG alice :note"), format!("@label=self {me} PRIVMSG alice :note")]);

    // Without echo-message there is nothing to answer; without labeled-response no label is answered.
    let mut quiet = Peer::irc(&deployment, &server, &pair, "labeled-response batch").await;
    assert_eq!(quiet.does("@label=q PRIVMSG #x :psst").await, ["@label=q :conclave.local ACK"]);
    let mut bare = Peer::irc(&deployment, &server, &pair, "message-tags").await;
    assert_eq!(bare.does("@label=z PING x").await, [":conclave.local PONG conclave.local x"]);
    assert_eq!(bare.does("@label=z CAP END").await, [""; 0]);
}

#[tokio::test]
async fn tags_only_for_those_who_asked() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "message-tags echo-message").await;
    alice.does("JOIN #x").await;
    let mut others = Vec::new();
    for (name, caps, tags) in [
        ("none", "", ""),
        ("time", "server-time", "@time=T "),
        ("account", "account-tag", "@account=alice "),
        ("tags", "message-tags", "@msgid=ID;+draft/react=x;+y "),
        ("all", "server-time account-tag message-tags", "@time=T;account=alice;msgid=ID;+draft/react=x;+y "),
        ("batch", "batch labeled-response", ""),
    ] {
        let mut peer = Peer::irc(&deployment, &server, &deployment.issue(name), caps).await;
        peer.does("JOIN #x").await;
        others.push((peer, name, tags));
    }
    alice.lines().await;
    for (peer, ..) in &mut others {
        peer.lines().await;
    }
    let said = ":alice!test@example.net PRIVMSG #x :hi";
    // Only client-only tags are relayed.
    assert_eq!(
        alice.does("@+draft/react=x;label=1;time=2011;foo;+y PRIVMSG #x :hi").await,
        [format!("@msgid=ID;+draft/react=x;+y {said}")]
    );
    for (peer, name, tags) in &mut others {
        assert_eq!(peer.sees().await, [format!("{tags}{said}")], "{name}");
    }
    // Events carry them too.
    alice.does("TOPIC #x :new").await;
    for (peer, name, tags) in &mut others {
        let tags = tags.replace(";+draft/react=x;+y", "");
        assert_eq!(peer.sees().await, [format!("{tags}:alice!test@example.net TOPIC #x :new")], "{name}");
    }
    // A message that is only tags is for those who take tags.
    assert_eq!(
        alice.does("@+typing=active TAGMSG #x").await,
        ["@msgid=ID;+typing=active :alice!test@example.net TAGMSG #x"]
    );
    for (peer, name, tags) in &mut others {
        let seen = peer.sees().await;
        let expected = tags.replace("+draft/react=x;+y", "+typing=active");
        match expected.contains("typing") {
            true => assert_eq!(seen, [format!("{expected}:alice!test@example.net TAGMSG #x")], "{name}"),
            false => assert_eq!(seen, [""; 0], "{name}"),
        }
    }
    // The same message has the same id for everybody.
    let id = |line: &str| line.split_once("msgid=").map(|(_, rest)| rest.split([';', ' ']).next().unwrap().to_owned());
    alice.send("PRIVMSG #x :which").await;
    let own = id(&alice.expect("which").await).unwrap();
    for (peer, _, tags) in &mut others {
        let theirs = id(&peer.expect("which").await);
        assert_eq!(theirs, tags.contains("msgid").then(|| own.clone()));
    }
}

#[tokio::test]
async fn capabilities_change_while_one_talks() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    alice.does("JOIN #x").await;
    assert_eq!(alice.does("PRIVMSG #x :1").await, [""; 0]);
    assert_eq!(
        alice.does("CAP REQ :echo-message server-time").await,
        [":conclave.local CAP alice ACK :echo-message server-time"]
    );
    assert_eq!(alice.does("PRIVMSG #x :2").await, ["@time=T :alice!test@example.net PRIVMSG #x :2"]);
    assert_eq!(alice.does("CAP REQ :-server-time").await, [":conclave.local CAP alice ACK :-server-time"]);
    assert_eq!(alice.does("PRIVMSG #x :3").await, [":alice!test@example.net PRIVMSG #x :3"]);
    assert_eq!(
        alice.does("CAP REQ :-echo-message bogus").await,
        [":conclave.local CAP alice NAK :-echo-message bogus"]
    );
    assert_eq!(alice.does("CAP LIST").await, [":conclave.local CAP alice LIST :cap-notify echo-message"]);
    assert_eq!(alice.does("CAP FROB").await, [":conclave.local 410 alice FROB :Invalid CAP command"]);
    assert!(alice.does("CAP LS 302").await.join(" ").contains("sasl=EXTERNAL "));
}

#[tokio::test]
async fn multiline() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let caps = "batch draft/multiline echo-message labeled-response message-tags";
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), caps).await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    let mut carol = Peer::plain(&deployment, &server, &deployment.issue("carol")).await;
    alice.does("JOIN #lobby").await;
    bob.does("JOIN #lobby").await;
    carol.lines().await;
    alice.lines().await;
    for line in [
        "@label=1 BATCH +x draft/multiline #lobby",
        "@batch=x PRIVMSG #lobby :one",
        "@batch=x PRIVMSG #lobby :and ",
        "@batch=x;draft/multiline-concat PRIVMSG #lobby two",
    ] {
        assert_eq!(alice.does(line).await, [""; 0]);
    }
    let me = ":alice!test@example.net";
    assert_eq!(
        alice.does("BATCH -x").await,
        [
            format!("@label=1;msgid=ID {me} BATCH +m draft/multiline #lobby"),
            format!("@batch=m {me} PRIVMSG #lobby :one"),
            format!("@batch=m {me} PRIVMSG #lobby :and "),
            format!("@batch=m;draft/multiline-concat {me} PRIVMSG #lobby :two"),
            ":conclave.local BATCH -m".to_owned(),
        ]
    );
    assert_eq!(bob.sees().await, ["one", "and ", "two"].map(|text| format!("{me} PRIVMSG #lobby :{text}")));
    assert_eq!(carol.sees().await, ["T #lobby <alice> one", "T #lobby <alice> and two"]);
    // Who gives the capability back speaks in single lines again.
    alice.does("CAP REQ :-draft/multiline").await;
    assert_eq!(
        alice.does("BATCH +y draft/multiline #lobby").await,
        [":conclave.local 421 alice BATCH :Unknown command"]
    );
}
