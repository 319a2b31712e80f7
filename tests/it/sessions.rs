//! Accounts with several sessions, and what others see of their coming and going.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::{Deployment, End, PATIENCE, Peer, Server};

const ME: &str = ":alice!test@example.net";

#[tokio::test]
async fn an_account_is_one_person_on_all_its_devices() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (laptop, phone) = (deployment.issue("alice/laptop"), deployment.issue("alice/phone"));
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;

    let mut laptop = Peer::irc(&deployment, &server, &laptop, "").await;
    laptop.does("JOIN #x").await;
    assert_eq!(bob.sees().await, [format!("{ME} JOIN #x")]);
    // The second session finds itself in the room; nobody else sees anything.
    let mut second = Peer::connect(&deployment, &server, &phone).await;
    let welcome = second.register("echo-message").await;
    let into: Vec<&String> = welcome.iter().skip_while(|line| !line.contains(" JOIN ")).collect();
    assert_eq!(
        into,
        [
            &format!("{ME} JOIN #x"),
            ":conclave.local 353 alice = #x :alice @bob",
            ":conclave.local 366 alice #x :End of /NAMES list",
        ]
    );
    let mut third = Peer::plain(&deployment, &server, &phone).await;
    assert_eq!(bob.sees().await, [""; 0]);
    // But a room that one session joins is joined by all.
    let in_the_lobby = [
        &*format!("{ME} JOIN #lobby"),
        ":conclave.local 353 alice = #lobby :alice",
        ":conclave.local 366 alice #lobby :End of /NAMES list",
    ];
    assert_eq!(laptop.sees().await, in_the_lobby);
    assert_eq!(second.sees().await, in_the_lobby);

    // What one session says the others see, in rooms and to people; the echo is for who asked.
    assert_eq!(laptop.does("PRIVMSG #x :from the laptop").await, [""; 0]);
    let said = [format!("{ME} PRIVMSG #x :from the laptop")];
    assert_eq!(second.sees().await, said);
    assert_eq!(bob.sees().await, said);
    assert_eq!(third.sees().await, ["T #x <alice> from the laptop"]);
    let said = [format!("{ME} PRIVMSG bob :from the phone")];
    assert_eq!(second.does("PRIVMSG bob :from the phone").await, said);
    assert_eq!(bob.sees().await, said);
    assert_eq!(laptop.sees().await, said);
    assert_eq!(third.sees().await, ["T you -> bob: from the phone"]);
    assert_eq!(third.does("/msg bob by hand").await, ["T you -> bob: by hand"]);
    assert_eq!(laptop.sees().await, [format!("{ME} PRIVMSG bob :by hand")]);
    assert_eq!(bob.sees().await, [":alice!test@example.net PRIVMSG bob :by hand"]);
    // What others say to the account all sessions get.
    bob.does("PRIVMSG alice :hi").await;
    assert_eq!(laptop.sees().await, [":bob!test@example.net PRIVMSG alice :hi"]);
    assert_eq!(
        second.sees().await,
        [format!("{ME} PRIVMSG bob :by hand"), ":bob!test@example.net PRIVMSG alice :hi".into()]
    );
    assert_eq!(third.sees().await, ["T bob -> you: hi"]);

    // A part is shared too.
    second.does("PART #x :enough").await;
    let left = [format!("{ME} PART #x :enough")];
    assert_eq!(laptop.sees().await, left);
    assert_eq!(bob.sees().await, left);
    assert_eq!(third.sees().await, ["T #x -!- alice left (enough)"]);

    // Her devices are shown to herself.
    let whois = laptop.does("WHOIS alice").await.join("\n");
    assert!(whois.contains("(device laptop)") && whois.contains("(device phone)"), "{whois}");
}

#[tokio::test]
async fn only_the_last_quit_is_seen() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let pair = deployment.issue("alice");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;
    let mut one = Peer::irc(&deployment, &server, &pair, "").await;
    one.does("JOIN #x").await;
    let mut two = Peer::irc(&deployment, &server, &pair, "").await;
    bob.lines().await;

    one.send("QUIT :one").await;
    assert_eq!(one.rest().await.1, End::Clean);
    assert_eq!(bob.sees().await, [""; 0]);
    assert_eq!(two.sees().await, [""; 0]);
    two.send("QUIT :two").await;
    assert_eq!(two.rest().await.1, End::Clean);
    assert_eq!(bob.sees().await, [format!("{ME} QUIT :Quit: two")]);

    // She is still a member: absent in the lists, and back with a JOIN.
    assert_eq!(bob.does("NAMES #x").await[0], ":conclave.local 353 bob = #x :@bob");
    assert_eq!(bob.does("PRIVMSG alice :there?").await, [":conclave.local 301 bob alice :offline, will be delivered"]);
    let _three = Peer::irc(&deployment, &server, &pair, "").await;
    assert_eq!(bob.sees().await, [format!("{ME} JOIN #x")]);
    assert_eq!(bob.does("NAMES #x").await[0], ":conclave.local 353 bob = #x :alice @bob");
}

#[tokio::test]
async fn who_loses_the_connection_and_comes_back_was_never_away() {
    let deployment = Deployment::new();
    let server = Server::with(&deployment, |options| options.limits.linger = Duration::from_secs(600));
    let pair = deployment.issue("alice");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    bob.does("JOIN #x").await;
    let mut alice = Peer::irc(&deployment, &server, &pair, "").await;
    alice.does("JOIN #x").await;
    bob.lines().await;

    alice.vanish();
    // Until the server knows: then nobody is there to get it now.
    let lost = ":conclave.local 301 bob alice :offline, will be delivered";
    let noticed = async {
        loop {
            if let [answer] = &*bob.does("PRIVMSG alice :there?").await {
                return answer.clone();
            }
        }
    };
    assert_eq!(timeout(PATIENCE, noticed).await.unwrap(), lost);
    assert_eq!(bob.does("NAMES #x").await[0], ":conclave.local 353 bob = #x :alice @bob");
    let mut again = Peer::connect(&deployment, &server, &pair).await;
    let welcome = again.register("").await;
    assert!(welcome.contains(&format!("{ME} JOIN #x")), "{welcome:#?}");
    assert_eq!(bob.sees().await, [""; 0]);
    again.does("PRIVMSG #x :back").await;
    assert_eq!(bob.sees().await, [format!("{ME} PRIVMSG #x :back")]);
}

#[tokio::test]
async fn who_does_not_come_back_is_gone_after_a_while() {
    let deployment = Deployment::new();
    for linger in [Duration::ZERO, Duration::from_millis(100)] {
        let server = Server::with(&deployment, |options| options.limits.linger = linger);
        let pair = deployment.issue(&format!("alice/{}", linger.as_millis()));
        let mut bob =
            Peer::irc(&deployment, &server, &deployment.issue(&format!("bob/{}", linger.as_millis())), "").await;
        bob.does("JOIN #x").await;
        let mut alice = Peer::irc(&deployment, &server, &pair, "").await;
        alice.does("JOIN #x").await;
        bob.lines().await;
        alice.vanish();
        assert_eq!(bob.next().await.unwrap(), format!("{ME} QUIT :Connection lost"));
    }
}

#[tokio::test]
async fn away_is_the_sum_of_the_sessions() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let pair = deployment.issue("alice");
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "").await;
    let mut one = Peer::irc(&deployment, &server, &pair, "").await;
    let mut two = Peer::plain(&deployment, &server, &pair).await;
    let away = |reason: &str| vec![format!(":conclave.local 301 bob alice :{reason}")];

    one.does("AWAY :lunch").await;
    assert_eq!(bob.does("PRIVMSG alice :1").await, [""; 0], "one of her is here");
    two.does("/away a walk").await;
    assert_eq!(bob.does("PRIVMSG alice :2").await, away("a walk"));
    one.does("AWAY").await;
    assert_eq!(bob.does("PRIVMSG alice :3").await, [""; 0]);
    one.does("AWAY :lunch").await;
    assert_eq!(bob.does("PRIVMSG alice :4").await, away("a walk"));
    two.close().await;
    assert_eq!(bob.does("PRIVMSG alice :5").await, away("lunch"));
    let mut three = Peer::plain(&deployment, &server, &pair).await;
    assert_eq!(bob.does("PRIVMSG alice :6").await, [""; 0], "a new session is not away");
    assert_eq!(three.sees().await, ["T bob -> you: 6"]);
}
