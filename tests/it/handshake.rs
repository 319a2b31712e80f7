//! Who is let in and who is not, as rustls and OpenSSL see it.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use conclave::{pki::directory::Renew, platform::clock};
use rustix::process::Signal;
use rustls::AlertDescription;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::support::{Deployment, End, PATIENCE, Pair, Peer, Program, Server, client_config, handshake, until};

/// The alert by which the server refuses, as it is at the first read of rustls; `None` when one is in.
async fn alert(deployment: &Deployment, server: &Server, pair: Option<&Pair>) -> Option<AlertDescription> {
    let connected = handshake(server.address, client_config(deployment, pair), None);
    let mut stream = timeout(PATIENCE, connected).await.unwrap().expect("the server shows itself first");
    // What a stranger says at once is not heard, and does not take the alert from him.
    let _ = stream.write_all(b"let me in\r\n").await;
    let _ = stream.flush().await;
    let mut greeting = [0; 1024];
    match timeout(PATIENCE, stream.read(&mut greeting)).await.unwrap() {
        Ok(length) => {
            assert!(greeting[..length].starts_with(b":conclave.local NOTICE * :You are "), "{length}");
            None
        }
        Err(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
            _ => panic!("no alert, but {error}"),
        },
    }
}

/// The same through `openssl s_client`: the number of the alert.
fn alert_for_openssl(
    deployment: &Deployment,
    server: &Server,
    pair: Option<&Pair>,
    more: &[&str],
) -> Option<AlertDescription> {
    let address = server.address.to_string();
    let authority = deployment.directory().ca_certificate();
    let mut arguments = vec!["s_client", "-quiet", "-connect", &address, "-verify_return_error"];
    arguments.extend(["-verify_hostname", "localhost"]);
    arguments.extend(more);
    let mut files = vec![("-CAfile", &*authority)];
    if let Some(pair) = pair {
        files.extend([("-cert", &*pair.certificate), ("-key", &*pair.key)]);
    }
    let mut openssl = Program::openssl(&arguments, &files);
    openssl.send("/quit");
    let (_, said) = openssl.end();
    match said.split_once("SSL alert number ") {
        Some((_, rest)) => {
            let number: u8 = rest.lines().next().unwrap().trim().parse().unwrap();
            Some(number.into())
        }
        None => {
            assert!(said.contains(":You are ") && said.contains("goodbye: Quit"), "{said}");
            None
        }
    }
}

#[tokio::test]
async fn who_is_refused_is_told_why() {
    let deployment = Deployment::new();
    let revoked = deployment.revoked();
    let server = Server::start(&deployment);
    let cases = [
        ("good", Some(deployment.issue("alice")), None),
        ("none", None, Some(AlertDescription::CertificateRequired)),
        ("foreign", Some(deployment.foreign()), Some(AlertDescription::UnknownCA)),
        ("expired", Some(deployment.expired()), Some(AlertDescription::CertificateExpired)),
        ("not yet valid", Some(deployment.not_yet_valid()), Some(AlertDescription::CertificateExpired)),
        ("revoked", Some(revoked), Some(AlertDescription::CertificateRevoked)),
        ("no clientAuth", Some(deployment.not_for_clients()), Some(AlertDescription::UnsupportedCertificate)),
        ("no usage", Some(deployment.odd(|p| p.usages.clear())), Some(AlertDescription::UnsupportedCertificate)),
        ("the server's", Some(deployment.server()), Some(AlertDescription::UnsupportedCertificate)),
        (
            "no name",
            Some(deployment.odd(|p| p.common_name = Some("not a nick".into()))),
            Some(AlertDescription::AccessDenied),
        ),
        (
            "another's name",
            Some(deployment.odd(|p| p.common_name = Some("alice".into()))),
            Some(AlertDescription::AccessDenied),
        ),
    ];
    for (case, pair, expected) in &cases {
        assert_eq!(alert(&deployment, &server, pair.as_ref()).await, *expected, "{case}, rustls");
        assert_eq!(alert_for_openssl(&deployment, &server, pair.as_ref(), &[]), *expected, "{case}, openssl");
    }
    let refused = cases.iter().filter(|(.., expected)| expected.is_some()).count() as u64;
    until("all are counted", || server.counters.handshakes_failed.sum() == 2 * refused);
    assert_eq!(server.counters.handshakes_ok.get(), 2);
}

#[tokio::test]
async fn only_tls_1_3_is_spoken() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    let version = Some(AlertDescription::ProtocolVersion);
    assert_eq!(alert_for_openssl(&deployment, &server, Some(&alice), &["-tls1_2"]), version);
    assert_eq!(alert_for_openssl(&deployment, &server, Some(&alice), &["-tls1_3"]), None);

    // A ClientHello of TLS 1.2: no supported_versions.
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let mut hello = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    hello.extend(body);
    let mut tcp = TcpStream::connect(server.address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, u8::from(AlertDescription::ProtocolVersion)], "one alert and the end");
}

#[tokio::test]
async fn every_key_exchange_on_offer_is_spoken_and_nothing_is_resumed() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    for group in ["X25519", "P-256", "P-384:X25519"] {
        assert_eq!(alert_for_openssl(&deployment, &server, Some(&alice), &["-groups", group]), None, "{group}");
    }
    let none = alert_for_openssl(&deployment, &server, Some(&alice), &["-groups", "P-384"]);
    assert_eq!(none, Some(AlertDescription::HandshakeFailure));

    let (address, authority) = (server.address.to_string(), deployment.directory().ca_certificate());
    let files = [("-CAfile", &*authority), ("-cert", &*alice.certificate), ("-key", &*alice.key)];
    let mut openssl = Program::openssl(&["s_client", "-connect", &address, "-ign_eof"], &files);
    openssl.send("/quit");
    let (_, said) = openssl.end();
    assert!(said.contains("goodbye: Quit") && said.contains("Verify return code: 0 (ok)"), "{said}");
    assert!(!said.contains("New Session Ticket") && said.contains("No ALPN negotiated"), "{said}");
    // A client that insists on its ALPN is let in all the same.
    assert_eq!(alert_for_openssl(&deployment, &server, Some(&alice), &["-alpn", "irc"]), None);

    let config = client_config(&deployment, Some(&alice));
    for _ in 0..2 {
        let mut stream = handshake(server.address, config.clone(), None).await.unwrap();
        let mut greeting = [0; 8];
        stream.read_exact(&mut greeting).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), rustls::NamedGroup::X25519MLKEM768);
    }
}

/// Who is revoked leaves with a reason within a second; nobody else notices more than that.
#[tokio::test]
async fn revocation_ends_live_sessions() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (laptop, bob) = (deployment.issue("alice/laptop"), deployment.issue("bob"));
    let mut bob = Peer::plain(&deployment, &server, &bob).await;
    let mut laptop = Peer::irc(&deployment, &server, &laptop, "").await;
    laptop.does("JOIN #lobby").await;
    let revoked = "ERROR :Your certificate was revoked; ask the administrator for a new one";

    // A machine that has much else to do may need longer, but not every time.
    let mut fastest = Duration::MAX;
    for device in ["alice/one", "alice/two", "alice/three"] {
        let pair = deployment.issue(device);
        let mut peer = Peer::plain(&deployment, &server, &pair).await;
        deployment.revoke(device);
        let start = clock::monotonic();
        assert_eq!(peer.rest().await, (vec![revoked.to_owned()], End::Clean), "{device}");
        fastest = fastest.min(clock::monotonic() - start);
        assert_eq!(alert(&deployment, &server, Some(&pair)).await, Some(AlertDescription::CertificateRevoked));
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");

    // The account's other device and everybody else are still here, and talk.
    laptop.does("PRIVMSG #lobby :still here").await;
    assert_eq!(bob.sees().await, ["T #lobby -!- alice joined", "T #lobby <alice> still here"]);
    deployment.revoke("alice");
    assert_eq!(laptop.rest().await, (vec![revoked.to_owned()], End::Clean));
    assert!(bob.expect("alice disconnected").await.contains("Your certificate was revoked"));
    assert_eq!(bob.does("alone").await, ["T #lobby <bob> alone"]);
    assert_eq!(server.counters.cuts.sum(), 4);
}

#[tokio::test]
async fn who_says_nothing_and_who_registers_are_revoked_too() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (silent, half) = (deployment.issue("alice/silent"), deployment.issue("alice/half"));
    let mut silent = Peer::connect(&deployment, &server, &silent).await;
    let mut half = Peer::connect(&deployment, &server, &half).await;
    half.send("CAP LS 302").await;
    half.expect(" LS :").await;
    deployment.revoke("alice");
    for peer in [&mut silent, &mut half] {
        let (lines, end) = peer.rest().await;
        assert!(lines.len() == 1 && lines[0].contains("revoked"), "{lines:?}");
        assert_eq!(end, End::Clean);
    }
}

#[tokio::test]
async fn expiry_ends_live_sessions() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let now = clock::unix_now();
    let soon = deployment.odd(|profile| profile.validity.not_after = now + 3);
    let mut eve = Peer::connect(&deployment, &server, &soon).await;
    let (lines, end) = eve.rest().await;
    assert_eq!(lines, ["ERROR :Your certificate has expired; ask the administrator to renew it"]);
    assert_eq!(end, End::Clean);
    assert_eq!(alert(&deployment, &server, Some(&soon)).await, Some(AlertDescription::CertificateExpired));
}

#[tokio::test]
async fn a_bad_set_of_files_keeps_the_old_one() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let (alice, mallory) = (deployment.issue("alice"), deployment.issue("mallory"));
    let old_list = fs::read(deployment.path("crl.pem")).unwrap();
    deployment.revoke("mallory");
    until("the list is in force", || server.counters.reloads_ok.get() == 1);
    let mut peer = Peer::plain(&deployment, &server, &alice).await;

    let stranger = deployment.foreign();
    for (file, content) in [
        ("crl.pem", b"garbage".to_vec()),
        ("crl.pem", Vec::new()),
        ("crl.pem", old_list),
        ("ca.pem", fs::read(&stranger.certificate).unwrap()),
        ("server.pem", fs::read(&stranger.certificate).unwrap()),
        ("server.key", fs::read(&stranger.key).unwrap()),
    ] {
        let good = fs::read(deployment.path(file)).unwrap();
        let (ok, refused) = (server.counters.reloads_ok.get(), server.counters.reloads_refused.get());
        let mode = fs::metadata(deployment.path(file)).unwrap().permissions();
        fs::write(deployment.path(file), &content).unwrap();
        // It may be looked at half-written too: that is refused like the rest.
        until(file, || server.counters.reloads_refused.get() > refused);
        assert_eq!(server.counters.reloads_ok.get(), ok, "{file}");
        assert_eq!(alert(&deployment, &server, Some(&alice)).await, None, "{file}");
        let revoked = alert(&deployment, &server, Some(&mallory)).await;
        assert_eq!(revoked, Some(AlertDescription::CertificateRevoked), "{file}");
        assert_eq!(peer.does("here").await.last().unwrap(), "T #lobby <alice> here", "{file}");
        fs::write(deployment.path(file), &good).unwrap();
        fs::set_permissions(deployment.path(file), mode).unwrap();
        until(file, || server.counters.reloads_ok.get() > ok);
    }
    // A missing file too; asking for it is as good as a change.
    fs::rename(deployment.path("crl.pem"), deployment.path("away")).unwrap();
    let refused = server.counters.reloads_refused.get();
    until("the list is missed", || server.counters.reloads_refused.get() > refused);
    server.signs.reload.notify_one();
    until("it is missed again", || server.counters.reloads_refused.get() > refused + 1);
    assert_eq!(alert(&deployment, &server, Some(&alice)).await, None);
}

#[tokio::test]
async fn a_renewed_server_certificate_is_shown_to_whoever_comes() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    let shown = async || {
        let config = client_config(&deployment, Some(&alice));
        let stream = handshake(server.address, config, None).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let mut peer = Peer::plain(&deployment, &server, &alice).await;
    let (first, pin) = (shown().await, server.live.current().pin());
    let now = clock::unix_now();
    deployment.directory().renew(&Renew::Server(Vec::new()), None, now).unwrap();
    until("the certificate is in force", || server.counters.reloads_ok.get() == 1);
    assert_ne!(shown().await, first);
    assert_eq!(server.live.current().pin(), pin, "the key is the same");
    assert_eq!(peer.does("undisturbed").await, ["T #lobby <alice> undisturbed"]);
}

/// The program itself: SIGHUP asks for what a change of the files brings about too.
#[test]
fn a_signal_rereads_the_files() {
    let deployment = Deployment::new();
    let certs = deployment.path("");
    let server = Program::conclave(&["serve", "--listen", "127.0.0.1:0", "--data", "none"], &[("--certs", &certs)]);
    server.expect("listening on ");
    let good = fs::read(deployment.path("crl.pem")).unwrap();
    let complaints = || server.said().matches("the certificate files were not taken over").count();
    fs::remove_file(deployment.path("crl.pem")).unwrap();
    until("the missing file is told", || complaints() == 1);
    server.signal(Signal::HUP);
    until("it is told again", || complaints() == 2);
    fs::write(deployment.path("crl.pem"), good).unwrap();
    server.expect("certificates reloaded");
    server.signal(Signal::HUP);
    until("they are reread", || server.said().matches("certificates reloaded").count() >= 2);
    server.signal(Signal::INT);
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
}

/// Nobody slips in between the judgement of his certificate and the end of his handshake.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_revoked_during_his_handshake_is_cut() {
    let deployment = Deployment::new();
    let server = Server::start(&deployment);
    let alice = deployment.issue("alice");
    let config = client_config(&deployment, Some(&alice));
    let mut tls = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    let mut tcp = TcpStream::connect(server.address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();

    // Up to the server's answer: from here on it judges by the credentials it has now.
    while tls.wants_write() {
        tls.write_tls(&mut tcp).unwrap();
    }
    while tls.is_handshaking() {
        assert!(tls.read_tls(&mut tcp).unwrap() > 0);
        tls.process_new_packets().unwrap();
    }
    deployment.revoke("alice");
    until("the revocation is in force", || server.counters.reloads_ok.get() > 0);

    // The certificate goes out only now.
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    stream.flush().unwrap();
    let mut said = String::new();
    // The connection ends without more ado or with close_notify.
    let _ = stream.read_to_string(&mut said);
    assert!(said.contains("ERROR :Your certificate was revoked"), "{said:?}");
}

/// An authority and a certificate that other tools made: its name is no host's, and the
/// certificate names its account by the CN alone.
#[tokio::test]
async fn an_authority_of_other_tools_serves_too() {
    let deployment = Deployment::new();
    let openssl = |command: &str| {
        let arguments = command.split_whitespace().map(|word| word.replace('~', " "));
        let done = Command::new("openssl").args(arguments).current_dir(deployment.root()).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("{new} -x509 -subj /CN=ACME~Root~CA -keyout acme.key -out acme.pem"));
    openssl(&format!("{new} -subj /CN=erin -keyout erin.key -out erin.csr"));
    fs::write(deployment.root().join("erin.ext"), "extendedKeyUsage = clientAuth\n").unwrap();
    openssl("x509 -req -in erin.csr -CA acme.pem -CAkey acme.key -CAcreateserial -extfile erin.ext -out erin.pem");

    let at = |name: &str| deployment.root().join(name);
    let (certificate, key) = (deployment.directory().server_certificate(), deployment.directory().server_key());
    let files = [("--cert", &*certificate), ("--key", &*key), ("--client-ca", &*at("acme.pem"))];
    let server = Program::conclave(&["serve", "--listen", "127.0.0.1:0", "--data", "none"], &files);
    let said = server.expect("listening on ");
    let (_, address) = said.split_once("listening on ").unwrap();
    let address = address.split_whitespace().next().unwrap().parse().unwrap();
    let erin = Pair { certificate: at("erin.pem"), key: at("erin.key") };
    let mut peer = Peer::connect_with(&deployment, address, &erin, None).await;
    peer.register("").await;
    peer.send("JOIN #r").await;
    peer.expect(":erin!test@ACME-Root-CA JOIN #r").await;
}
