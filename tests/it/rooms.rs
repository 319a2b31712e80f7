//! Rooms and who runs them, through TLS and in both dialects.

use crate::support::{Deployment, Peer, Server};

#[tokio::test]
async fn an_operator_closes_a_room_lets_people_in_and_puts_them_out() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &deployment.issue("alice"), "").await;
    let mut bob = Peer::irc(&deployment, &server, &deployment.issue("bob"), "draft/channel-rename").await;
    let mut carl = Peer::plain(&deployment, &server, &deployment.issue("carl")).await;
    alice.does("JOIN #r").await;

    assert_eq!(alice.does("MODE #r +ik key").await, [":alice!test@example.net MODE #r +ik key"]);
    assert_eq!(bob.does("JOIN #r key").await, [":conclave.local 473 bob #r :Cannot join channel (+i)"]);
    for name in ["bob", "carl"] {
        assert_eq!(alice.does(&format!("INVITE {name} #r")).await, [format!(":conclave.local 341 alice {name} #r")]);
    }
    assert_eq!(bob.sees().await, [":alice!test@example.net INVITE bob #r"]);
    assert_eq!(bob.does("JOIN #r").await[0], ":bob!test@example.net JOIN #r");
    carl.expect("alice invites you into #r; /join #r").await;
    carl.send("/join #r").await;
    carl.expect("you talk in #r now").await;
    carl.send("/msg @#r may I stay?").await;
    alice.expect("PRIVMSG @#r :may I stay?").await;

    assert_eq!(alice.does("KICK #r carl :no").await, [":alice!test@example.net KICK #r carl :no"]);
    carl.expect("#r -!- alice put carl out of the room (no)").await;
    carl.expect("you talk in #lobby now").await;
    bob.lines().await;
    let moved = alice.does("RENAME #r #s :done").await;
    assert_eq!(moved[..2], [":alice!test@example.net PART #r :done", ":alice!test@example.net JOIN #s"]);
    assert_eq!(bob.sees().await, [":alice!test@example.net RENAME #r #s :done"]);
}
