//! Our client and our server meet: who gets in, who is told what, and what goes over the wire.

use std::{
    future::poll_fn,
    io,
    pin::Pin as PinMut,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SerialNumber};
use rustls::{AlertDescription, client::ResolvesClientCert, sign::CertifiedKey};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
};

use super::{
    accept::{AcceptError, HandshakeKind, Turns},
    client::{self, ClientStream, ClientTls, ConnectError, classify},
    identity::{Identity, Rules},
    pin::Pin,
    server::{Credentials, Refusal},
    stream::{End, KEY_EXCHANGES, Stream, number_of_key_exchange},
    testing::{Ca, DAY, Deployment, Pair, alice, device, now, server},
};

static TURNS: LazyLock<Turns> = LazyLock::new(|| Turns::new(1));
const DEADLINE: Duration = Duration::from_secs(10);

type Accepted<IO> = Result<(Stream<IO>, Arc<Identity>), AcceptError>;

/// Lets the two meet over a pipe. The client reads once, since only then it knows that it is in.
async fn meet(credentials: &Credentials, client: &ClientTls) -> (Accepted<DuplexStream>, Result<(), ConnectError>) {
    let (near, far) = duplex(64 * 1024);
    let server = async {
        let mut accepted = Stream::accept(far, credentials, &TURNS, DEADLINE).await;
        if let Ok((stream, _)) = &mut accepted {
            send(stream, b"hello").await;
        }
        accepted
    };
    let client = async {
        let mut stream = client.connect(near, "localhost").await?;
        let mut text = [0; 5];
        stream.read_exact(&mut text).await.map_err(classify)?;
        assert_eq!(&text, b"hello");
        Ok(())
    };
    tokio::join!(server, client)
}

async fn send<IO: AsyncRead + AsyncWrite + Unpin>(stream: &mut Stream<IO>, parts: &[u8]) -> usize {
    poll_fn(|cx| stream.poll_send(cx, parts)).await.unwrap()
}

async fn receive<IO: AsyncRead + AsyncWrite + Unpin>(stream: &mut Stream<IO>) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 1024];
    let length = poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await?;
    Ok(buffer[..length].to_vec())
}

fn client(credentials: &Credentials, pair: &Pair) -> ClientTls {
    ClientTls::new(vec![credentials.pin()], pair.identity()).unwrap()
}

async fn check_refused(
    deployment: &Deployment,
    rules: Rules,
    pair: &Pair,
    alert: AlertDescription,
    kind: HandshakeKind,
) {
    let credentials = Credentials::load(&deployment.files, rules).unwrap();
    let (accepted, connected) = meet(&credentials, &client(&credentials, pair)).await;
    let error = accepted.map(|(_, identity)| identity).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    match connected {
        Err(ConnectError::Refused(seen)) => assert_eq!(seen, alert, "{kind}"),
        other => panic!("{kind}: {other:?}"),
    }
}

fn with(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

#[tokio::test]
async fn a_device_of_the_authority_is_let_in() {
    let ca = Ca::new("example.org");
    let credentials = Deployment::new(&ca).load().unwrap();
    let pair = ca.sign(alice());
    let (accepted, connected) = meet(&credentials, &client(&credentials, &pair)).await;
    connected.unwrap();
    let (stream, identity) = accepted.unwrap();
    assert_eq!((identity.account.as_str(), identity.label.as_ref().unwrap().as_str()), ("alice", "laptop"));
    assert_eq!(identity.device.0.as_bytes(), &super::sha256(pair.der()));
    assert_eq!(stream.key_exchange(), "X25519MLKEM768");
    assert_eq!(credentials.network(), "example.org");
}

#[tokio::test]
async fn each_bad_certificate_is_refused_with_its_alert() {
    use AlertDescription as Alert;
    use HandshakeKind as Kind;

    let ca = Ca::new("example.org");
    let deployment = Deployment::new(&ca);
    let check = async |pair: Pair, alert, kind| check_refused(&deployment, Rules::default(), &pair, alert, kind).await;
    check(Ca::new("example.com").sign(alice()), Alert::UnknownCA, Kind::UnknownAuthority).await;
    // An impostor gives his authority the name of ours.
    check(Ca::new("example.org").sign(alice()), Alert::UnknownCA, Kind::UnknownAuthority).await;
    let expired = with(alice(), |params| params.not_after = now() - Duration::from_secs(1));
    check(ca.sign(expired), Alert::CertificateExpired, Kind::Expired).await;
    let early = with(alice(), |params| params.not_before = now() + DAY);
    check(ca.sign(early), Alert::CertificateExpired, Kind::NotYetValid).await;
    let no_usage = with(alice(), |params| params.extended_key_usages.clear());
    check(ca.sign(no_usage), Alert::UnsupportedCertificate, Kind::Purpose).await;
    let any = with(alice(), |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    check(ca.sign(any), Alert::UnsupportedCertificate, Kind::Purpose).await;
    let encrypts = with(alice(), |params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    check(ca.sign(encrypts), Alert::UnsupportedCertificate, Kind::Purpose).await;
    check(ca.sign(server()), Alert::UnsupportedCertificate, Kind::Purpose).await;
    for (names, uris) in [
        (&["alice", "bob"][..], &[][..]),
        (&[], &[]),
        (&["Alice Smith"], &[]),
        (&["alice"], &["im:bob@example.org"]),
        (&["alice"], &["conclave:bob/laptop"]),
    ] {
        check(ca.sign(device(names, uris)), Alert::AccessDenied, Kind::Unfit).await;
    }
    let authority = with(alice(), |params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    check(ca.sign(authority), Alert::BadCertificate, Kind::BadCertificate).await;

    let revoked = ca.sign(with(alice(), |params| params.serial_number = Some(SerialNumber::from_slice(&[0x80, 1]))));
    deployment.write("crl.pem", &ca.crl(2, &[&[0x80, 1]]));
    check(revoked, Alert::CertificateRevoked, Kind::Revoked).await;
}

#[tokio::test]
async fn an_address_can_be_asked_for() {
    let ca = Ca::new("n");
    let (deployment, pair) = (Deployment::new(&ca), ca.sign(device(&["alice"], &[])));
    let credentials = deployment.load().unwrap();
    meet(&credentials, &client(&credentials, &pair)).await.1.unwrap();
    let rules = Rules { require_san: true };
    check_refused(&deployment, rules, &pair, AlertDescription::AccessDenied, HandshakeKind::Unfit).await;
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn without_a_certificate_nobody_gets_in() {
    let credentials = Deployment::new(&Ca::new("n")).load().unwrap();
    let (near, far) = duplex(64 * 1024);
    let connector = client::connector(vec![credentials.pin()], Arc::new(NoCertificate)).unwrap();
    let client = async {
        let mut stream = connector.connect("localhost".try_into().unwrap(), near).await.unwrap();
        classify(stream.read_u8().await.unwrap_err())
    };
    let (accepted, error) = tokio::join!(Stream::accept(far, &credentials, &TURNS, DEADLINE), client);
    assert_eq!(accepted.unwrap_err().kind(), HandshakeKind::NoCertificate);
    assert!(matches!(error, ConnectError::Refused(AlertDescription::CertificateRequired)), "{error}");
}

#[tokio::test]
async fn a_refusal_names_the_certificate_for_the_log() {
    let ca = Ca::new("n");
    let credentials = Deployment::new(&ca).load().unwrap();
    let pair = ca.sign(device(&["evil\u{202e}\r\nname"], &[]));
    let (accepted, _) = meet(&credentials, &client(&credentials, &pair)).await;
    let text = accepted.unwrap_err().to_string();
    assert!(text.contains("it calls itself evil\\u{202e}\\r\\nname, SHA-256 "), "{text}");
}

#[tokio::test]
async fn a_refused_client_that_has_written_sees_the_alert_and_no_reset() {
    let ca = Ca::new("n");
    let credentials = Deployment::new(&ca).load().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = client(&credentials, &Ca::new("other").sign(alice()));
    for _ in 0..20 {
        let client = async {
            let io = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let mut stream = tls.connect(io, "localhost").await.unwrap();
            let error = loop {
                match stream.write_all(&[b'x'; 1000]).await {
                    Ok(()) => tokio::task::yield_now().await,
                    Err(error) => break error,
                }
            };
            let mut last = Vec::new();
            stream.verdict(error, &mut last).await
        };
        let server = async {
            let (io, _) = listener.accept().await.unwrap();
            Stream::accept(io, &credentials, &TURNS, DEADLINE).await
        };
        let (accepted, verdict) = tokio::join!(server, client);
        assert_eq!(accepted.unwrap_err().kind(), HandshakeKind::UnknownAuthority);
        assert!(matches!(verdict, ConnectError::Refused(AlertDescription::UnknownCA)), "{verdict:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_deadline_and_so_has_a_farewell() {
    let ca = Ca::new("n");
    let credentials = Deployment::new(&ca).load().unwrap();
    let (_silent, far) = duplex(1024);
    let start = tokio::time::Instant::now();
    let error = Stream::accept(far, &credentials, &TURNS, DEADLINE).await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (HandshakeKind::Timeout, 10));

    let start = tokio::time::Instant::now();
    let (mut near, far) = duplex(1024);
    near.write_all(b"NICK alice\r\nUSER alice 0 * :alice\r\n").await.unwrap();
    let error = Stream::accept(far, &credentials, &TURNS, DEADLINE).await.unwrap_err();
    assert_eq!(error.kind(), HandshakeKind::NotTls, "{error}");
    assert_eq!(start.elapsed().as_millis(), 500);
}

#[tokio::test]
async fn what_is_no_tls_13() {
    let credentials = Deployment::new(&Ca::new("n")).load().unwrap();
    // A ClientHello of TLS 1.2: no supported_versions among its extensions.
    let mut hello = vec![0x03, 0x03];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend([0, 2, 0xc0, 0x2b, 1, 0]);
    let extensions =
        [[0x00, 0x0a, 0, 4, 0, 2, 0, 0x17].as_slice(), &[0x00, 0x0d, 0, 4, 0, 2, 4, 3], &[0x00, 0x0b, 0, 2, 1, 0]]
            .concat();
    hello.extend([0, extensions.len() as u8]);
    hello.extend(extensions);
    let mut record = vec![0x16, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);

    for (bytes, kind, alert) in [
        (record.as_slice(), HandshakeKind::Version, Some(70)),
        (b"GET / HTTP/1.1\r\n\r\n", HandshakeKind::NotTls, None),
        (&record[..20], HandshakeKind::Gone, None),
        (b"", HandshakeKind::Gone, None),
    ] {
        let (mut near, far) = duplex(4096);
        let client = async {
            near.write_all(bytes).await.unwrap();
            near.shutdown().await.unwrap();
            let mut answer = Vec::new();
            near.read_to_end(&mut answer).await.unwrap();
            answer
        };
        let (accepted, answer) = tokio::join!(Stream::accept(far, &credentials, &TURNS, DEADLINE), client);
        let error = accepted.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        if let Some(alert) = alert {
            assert_eq!(answer, [0x15, 3, 3, 0, 2, 2, alert]);
        }
    }
}

/// Counts what is written to it.
struct Tap {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tap {
    fn poll_read(mut self: PinMut<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: PinMut<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = PinMut::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = result {
            self.writes.fetch_add(1, Relaxed);
            self.written.lock().unwrap().extend_from_slice(&buf[..length]);
        }
        result
    }

    fn poll_flush(mut self: PinMut<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: PinMut<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        PinMut::new(&mut self.io).poll_shutdown(cx)
    }
}

async fn pair_over<IO: AsyncRead + AsyncWrite + Unpin>(
    far: IO,
    near: DuplexStream,
) -> (Stream<IO>, ClientStream<DuplexStream>) {
    let ca = Ca::new("n");
    let credentials = Deployment::new(&ca).load().unwrap();
    let tls = client(&credentials, &ca.sign(alice()));
    let (accepted, connected) =
        tokio::join!(Stream::accept(far, &credentials, &TURNS, DEADLINE), tls.connect(near, "localhost"));
    (accepted.unwrap().0, connected.unwrap())
}

#[tokio::test]
async fn what_is_sent_is_one_record_and_one_write_and_no_ticket_goes_out() {
    let (near, far) = duplex(64 * 1024);
    let (writes, written) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<u8>>>)>::default();
    let tap = Tap { io: far, writes: writes.clone(), written: written.clone() };
    let (mut server, mut client) = pair_over(tap, near).await;
    writes.store(0, Relaxed);
    written.lock().unwrap().clear();
    let text = vec![b'b'; 10_013];
    assert_eq!(send(&mut server, &text).await, 10_013);
    let length = {
        let written = written.lock().unwrap();
        assert_eq!(written[..3], [0x17, 3, 3]);
        assert_eq!(usize::from(u16::from_be_bytes([written[3], written[4]])) + 5, written.len(), "one record");
        written.len()
    };
    // 16 octets of tag and one of content type: nothing but the bytes was sent.
    assert_eq!((writes.load(Relaxed), length), (1, 10_013 + 5 + 17));
    let mut seen = vec![0; 10_013];
    client.read_exact(&mut seen).await.unwrap();
    assert!(seen == text);
    assert_eq!(client.0.get_ref().1.tls13_tickets_received(), 0);
}

#[tokio::test]
async fn bytes_taken_while_the_socket_is_full_are_sent_once_and_no_more_are_taken() {
    let (near, far) = duplex(512);
    let (mut server, mut client) = pair_over(far, near).await;
    let text: Vec<u8> = (0..12_000u32).map(|i| i as u8).collect();
    let taken = send(&mut server, &text).await;
    assert_eq!(taken, text.len());
    assert!(server.is_blocked());
    let mut again = Box::pin(send(&mut server, b"more"));
    assert!(is_pending(again.as_mut()).await);
    let mut seen = vec![0; text.len() + 4];
    let (_, more) = tokio::join!(client.read_exact(&mut seen), again);
    assert_eq!(more, 4);
    assert!(seen.starts_with(&text) && seen.ends_with(b"more"));
    assert!(!server.is_blocked());
}

async fn is_pending(mut future: PinMut<&mut impl Future>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[tokio::test]
async fn an_end_is_clean_or_cut() {
    let (near, far) = duplex(4096);
    let (mut server, mut client) = pair_over(far, near).await;
    client.write_all(b"bye").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(receive(&mut server).await.unwrap(), b"bye");
    assert_eq!(receive(&mut server).await.unwrap(), b"");
    assert_eq!(server.end(), Some(End::Clean));
    // Its other side is still open.
    send(&mut server, b"goodbye").await;
    poll_fn(|cx| server.poll_close(cx)).await.unwrap();
    let mut text = Vec::new();
    client.read_to_end(&mut text).await.unwrap();
    assert_eq!(text, b"goodbye");

    let (near, far) = duplex(4096);
    let (mut server, client) = pair_over(far, near).await;
    drop(client);
    assert_eq!(receive(&mut server).await.unwrap(), b"");
    assert_eq!((server.end(), receive(&mut server).await.unwrap()), (Some(End::Cut), vec![]));
}

#[tokio::test]
async fn the_pin_decides_which_server_it_is() {
    let ca = Ca::new("n");
    let deployment = Deployment::new(&ca);
    let first = deployment.load().unwrap();
    let identity = ca.sign(alice()).identity();
    let other = Pin::of_certificate(ca.sign(server()).der()).unwrap();
    let connect = async |credentials: &Credentials, pins: &[Pin]| {
        meet(credentials, &ClientTls::new(pins.to_vec(), identity.clone()).unwrap()).await
    };
    connect(&first, &[other, first.pin()]).await.1.unwrap();

    let (accepted, connected) = connect(&first, &[other]).await;
    assert_eq!(accepted.unwrap_err().kind(), HandshakeKind::RefusedUs);
    let error = connected.unwrap_err();
    assert!(matches!(error, ConnectError::WrongPin(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(&first.pin().to_string()) && text.contains(&other.to_string()), "{text}");
    assert!(matches!(connect(&first, &[]).await.1, Err(ConnectError::WrongPin(_))));

    // Another authority and another name, but the same key.
    let key = || KeyPair::from_pem(&std::fs::read_to_string(&deployment.files.key).unwrap()).unwrap();
    let renew = |params| {
        Ca::new("other").sign_with(params, key()).write(&deployment.files.cert, &deployment.files.key);
        deployment.load().unwrap()
    };
    let renewed = renew(server());
    assert_eq!(renewed.pin(), first.pin());
    connect(&renewed, &[first.pin()]).await.1.unwrap();

    let expired = renew(with(server(), |params| params.not_after = now() - DAY / 2));
    let error = connect(&expired, &[first.pin()]).await.1.unwrap_err().to_string();
    assert!(error.starts_with("the server's certificate expired at 20"), "{error}");
    let early = renew(with(server(), |params| params.not_before = now() + DAY));
    let error = connect(&early, &[first.pin()]).await.1.unwrap_err().to_string();
    assert!(error.starts_with("the server's certificate is valid from 20"), "{error}");
}

#[tokio::test]
async fn what_answers_may_be_no_tls_server() {
    let ca = Ca::new("n");
    let tls = ClientTls::new(vec![], ca.sign(alice()).identity()).unwrap();
    let (near, mut far) = duplex(4096);
    far.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.unwrap();
    let error = tls.connect(near, "localhost").await.unwrap_err();
    assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");
    let (near, far) = duplex(4096);
    drop(far);
    let error = tls.connect(near, "127.0.0.1").await.unwrap_err();
    assert!(matches!(error, ConnectError::Network(_)), "{error:?}");
    let error = tls.connect(duplex(1).0, "not a name").await.unwrap_err();
    assert!(matches!(error, ConnectError::Name(_)), "{error:?}");
}

#[tokio::test]
async fn a_live_session_is_judged_again() {
    let ca = Ca::new("n");
    let deployment = Deployment::new(&ca);
    let credentials = deployment.load().unwrap();
    let pair = ca.sign(with(alice(), |params| params.serial_number = Some(SerialNumber::from_slice(&[9]))));
    let (accepted, _) = meet(&credentials, &client(&credentials, &pair)).await;
    let identity = accepted.unwrap().1;
    let now = now().unix_timestamp();
    assert_eq!(credentials.recheck(&identity, now), Ok(()));
    assert_eq!(credentials.recheck(&identity, identity.not_after + 1), Err(Refusal::Expired));
    deployment.write("crl.pem", &ca.crl(2, &[&[9]]));
    assert_eq!(deployment.load().unwrap().recheck(&identity, now), Err(Refusal::Revoked));
    // The authority made anew, under the same name.
    let anew = Ca::new("n");
    deployment.write("ca.pem", &anew.pem());
    deployment.write("crl.pem", &anew.crl(1, &[]));
    assert_eq!(deployment.load().unwrap().recheck(&identity, now), Err(Refusal::UnknownAuthority));
}

#[tokio::test]
async fn two_authorities_of_one_name_keep_their_lists_apart() {
    let (old, new) = (Ca::new("n"), Ca::new("n"));
    let deployment = Deployment::new(&old);
    deployment.write("ca.pem", &(old.pem() + &new.pem()));
    deployment.write("crl.pem", &(new.crl(1, &[]) + &old.crl(7, &[&[9]])));
    let credentials = deployment.load().unwrap();
    let nine = || with(alice(), |params| params.serial_number = Some(SerialNumber::from_slice(&[9])));
    meet(&credentials, &client(&credentials, &new.sign(nine()))).await.1.unwrap();
    let revoked = meet(&credentials, &client(&credentials, &old.sign(nine()))).await.0.unwrap_err();
    assert_eq!(revoked.kind(), HandshakeKind::Revoked);
}

#[test]
fn what_is_counted_by_has_its_place() {
    for (place, kind) in HandshakeKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, place, "{kind}");
    }
    for (place, name) in KEY_EXCHANGES.into_iter().enumerate() {
        assert_eq!(number_of_key_exchange(name), place, "{name}");
    }
    assert_eq!(number_of_key_exchange("secp521r1"), KEY_EXCHANGES.len() - 1);
}
