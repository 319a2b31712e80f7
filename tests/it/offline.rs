//! Messages to people who are not here, on a server that has the authority's index.

use tokio::time::timeout;

use crate::support::{Deployment, PATIENCE, Peer, Server, until};

fn start(deployment: &Deployment) -> Server {
    let index = deployment.directory().index();
    Server::with(deployment, |options| options.index = Some(index))
}

/// Asks until the answer to a message is this.
async fn answers(peer: &mut Peer, to: &str, expect: &str) {
    let asked = async {
        while peer.does(&format!("PRIVMSG {to} :hi")).await != [format!(":conclave.local {expect}")] {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{expect} did not come"));
}

#[tokio::test]
async fn who_has_a_certificate_is_known_before_he_ever_came() {
    let deployment = Deployment::new();
    deployment.issue("carol");
    deployment.issue("carol/phone");
    let alice = deployment.issue("alice");
    let server = start(&deployment);
    let mut alice = Peer::irc(&deployment, &server, &alice, "").await;
    let waits = |name: &str| format!("301 alice {name} :offline, will be delivered");
    let nobody = |name: &str| format!("401 alice {name} :No such nick/channel");
    assert_eq!(alice.does("PRIVMSG carol :hi").await, [format!(":conclave.local {}", waits("carol"))]);
    assert_eq!(alice.does("PRIVMSG dora :hi").await, [format!(":conclave.local {}", nobody("dora"))]);
    // The server looks by itself.
    deployment.issue("dora");
    answers(&mut alice, "dora", &waits("dora")).await;
    deployment.revoke("dora/main");
    answers(&mut alice, "dora", &nobody("dora")).await;
    // Of two devices one is left.
    deployment.revoke("carol/phone");
    deployment.issue("erin");
    answers(&mut alice, "erin", &waits("erin")).await;
    answers(&mut alice, "carol", &waits("carol")).await;
    // An index that cannot be read changes nothing.
    let index = deployment.directory().index();
    let good = std::fs::read(&index).unwrap();
    std::fs::write(&index, "no index\n").unwrap();
    for _ in 0..2 {
        // What comes before the second reading is over.
        let before = server.counters.reloads_ok.get();
        server.signs.reload.notify_one();
        until("it is read", || server.counters.reloads_ok.get() > before);
    }
    answers(&mut alice, "erin", &waits("erin")).await;
    std::fs::write(&index, good).unwrap();
    deployment.issue("frank");
    answers(&mut alice, "frank", &waits("frank")).await;
}

#[tokio::test]
async fn what_waits_is_delivered_when_he_first_comes() {
    let deployment = Deployment::new();
    let people = ["alice", "carol", "dora"].map(|name| deployment.issue(name));
    let server = start(&deployment);
    let [alice, carol, dora] = &people;
    let mut alice = Peer::irc(&deployment, &server, alice, "").await;
    for name in ["carol", "dora"] {
        let told = format!(":conclave.local 301 alice {name} :offline, will be delivered");
        assert_eq!(alice.does(&format!("PRIVMSG {name} :welcome")).await, [told]);
    }
    let mut carol = Peer::connect(&deployment, &server, carol).await;
    let heard = carol.register("").await;
    let said = |line: &&String| line.starts_with(":alice!") && line.contains(" PRIVMSG carol :");
    let line = heard.iter().find(said).unwrap_or_else(|| panic!("{heard:#?}"));
    assert!(line.ends_with(" welcome"), "{line}");
    let mut dora = Peer::connect(&deployment, &server, dora).await;
    dora.send("hello").await;
    dora.expect(" alice -> you: welcome").await;
}
