//! The server's end of a connection against clients that cut, split and spoil what they send.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use proptest::prelude::*;
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, RootCertStore,
    crypto::cipher::Iv,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    accept::Turns,
    provider,
    stream::{End, Stream},
    testing::{Ca, Deployment, alice},
};

const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// KeyUpdate, which asks for another (RFC 8446, section 4.6.3).
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 1];

/// A server's stream, and the client's end as rustls has it.
async fn meet() -> (Stream<DuplexStream>, TlsStream<DuplexStream>) {
    let (near, far) = duplex(1 << 20);
    let ca = Ca::new("n");
    let deployment = Deployment::new(&ca);
    let (credentials, pair) = (deployment.load().unwrap(), ca.sign(alice()));
    let mut roots = RootCertStore::empty();
    roots.add(crate::tls::pem::certificates(&deployment.files.client_ca).unwrap().remove(0)).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.key.serialize_der()));
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_client_auth_cert(vec![pair.der().clone()], key).unwrap();
    config.enable_secret_extraction = true;
    let turns = Turns::new(1);
    let connector = TlsConnector::from(Arc::new(config));
    let (accepted, connected) = tokio::join!(
        Stream::accept(far, &credentials, &turns, Duration::from_secs(10)),
        Box::pin(connector.connect("localhost".try_into().unwrap(), near))
    );
    (accepted.unwrap().0, connected.unwrap())
}

/// A client that makes its records itself.
struct Forger {
    io: DuplexStream,
    key: LessSafeKey,
    iv: Iv,
    sequence: u64,
}

impl Forger {
    fn new(stream: TlsStream<DuplexStream>) -> Self {
        let (io, connection): (_, ClientConnection) = stream.into_inner();
        let (sequence, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
        let ConnectionTrafficSecrets::Aes256Gcm { key, iv } = secrets else { panic!("another cipher") };
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).unwrap());
        Self { io, key, iv, sequence }
    }

    /// A record (RFC 8446, section 5.2).
    fn record(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(self.iv.as_ref());
        for (octet, of) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *octet ^= of;
        }
        self.sequence += 1;
        let mut inner = [content, &[kind]].concat();
        let length = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut inner).unwrap();
        [&header[..], &inner].concat()
    }

    async fn send(&mut self, octets: &[u8]) {
        self.io.write_all(octets).await.unwrap();
    }
}

/// All that can be read now.
fn read(stream: &mut Stream<DuplexStream>, size: usize) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
    loop {
        match stream.poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) {
            Poll::Ready(Ok(0)) | Poll::Pending => return (all, None),
            Poll::Ready(Ok(length)) => all.extend_from_slice(&buffer[..length]),
            Poll::Ready(Err(error)) => return (all, Some(error.kind())),
        }
    }
}

async fn send(stream: &mut Stream<DuplexStream>, octets: &[u8]) -> std::io::Result<usize> {
    poll_fn(|cx| stream.poll_send(cx, octets)).await
}

#[tokio::test]
async fn half_a_message_of_tls_harms_nothing() {
    let (mut stream, client) = meet().await;
    let mut forger = Forger::new(client);
    for cut in 1..KEY_UPDATE.len() {
        let (first, second) = KEY_UPDATE.split_at(cut);
        let parts = [forger.record(HANDSHAKE, first), forger.record(HANDSHAKE, second)];
        forger.send(&parts[0]).await;
        assert_eq!(read(&mut stream, 99), (vec![], None));
        assert_eq!(send(&mut stream, b"between").await.unwrap(), 7);
        forger.send(&parts[1][..9]).await;
        assert_eq!(read(&mut stream, 99), (vec![], None));
        assert_eq!(send(&mut stream, b"in the middle of a record").await.unwrap(), 25);
        // What follows would need the next key, which this client does not make.
        if cut == KEY_UPDATE.len() - 1 {
            forger.send(&parts[1][9..]).await;
            assert_eq!(read(&mut stream, 99), (vec![], None));
            assert_eq!(send(&mut stream, b"after").await.unwrap(), 5);
        } else {
            // A new pair for the next cut.
            let (next, client) = meet().await;
            (stream, forger) = (next, Forger::new(client));
        }
    }
}

#[tokio::test]
async fn a_message_of_tls_may_not_be_interrupted() {
    let (mut stream, client) = meet().await;
    let mut forger = Forger::new(client);
    let parts = [forger.record(HANDSHAKE, &KEY_UPDATE[..2]), forger.record(APPLICATION_DATA, b"hello")].concat();
    forger.send(&parts).await;
    assert_eq!(read(&mut stream, 99), (vec![], Some(std::io::ErrorKind::InvalidData)));
    assert_eq!((stream.end(), read(&mut stream, 99)), (Some(End::Cut), (vec![], None)));
    send(&mut stream, b"x").await.unwrap_err();
}

#[tokio::test]
async fn what_never_ends_is_not_kept() {
    let (mut stream, client) = meet().await;
    let mut forger = Forger::new(client);
    // A message of 64 KiB that is no end.
    let mut outcome = None;
    for start in [&[24, 0, 0xff, 0xff][..], &[0; 16_000], &[0; 16_000], &[0; 16_000]] {
        let record = forger.record(HANDSHAKE, start);
        forger.send(&record).await;
        outcome = outcome.or(read(&mut stream, 99).1);
    }
    assert_eq!(outcome, Some(std::io::ErrorKind::InvalidData));
}

#[tokio::test]
async fn spoiled_records_end_the_connection_once() {
    let (mut stream, client) = meet().await;
    let mut forger = Forger::new(client);
    let good = forger.record(APPLICATION_DATA, b"good");
    let mut bad = forger.record(APPLICATION_DATA, b"bad");
    *bad.last_mut().unwrap() ^= 1;
    forger.send(&[good, bad].concat()).await;
    // Whether what came before is still given out is up to the read; nothing comes after.
    assert_eq!(read(&mut stream, 4).1, Some(std::io::ErrorKind::InvalidData));
    assert_eq!((stream.end(), read(&mut stream, 99)), (Some(End::Cut), (vec![], None)));
    send(&mut stream, b"x").await.unwrap_err();
    assert!(poll_fn(|cx| stream.poll_close(cx)).await.is_ok());
}

#[tokio::test]
async fn an_idle_connection_keeps_nothing() {
    let (mut stream, mut client) = meet().await;
    assert_eq!(read(&mut stream, 99), (vec![], None));
    for length in [1, 300, 20_000] {
        let text = vec![b'x'; length];
        client.write_all(&text).await.unwrap();
        client.flush().await.unwrap();
        assert!(read(&mut stream, 4096).0 == text);
        assert_eq!(send(&mut stream, &text).await.unwrap(), length.min(16 << 10));
        assert_eq!(stream.kept(), 0, "after {length}");
    }
}

#[tokio::test]
async fn what_the_client_says_with_its_finish_is_not_lost() {
    // Both ends run in one task, so that what is written at once is there when the handshake ends.
    for _ in 0..3 {
        let (mut stream, mut client) = meet().await;
        client.write_all(b"NICK a\r\n").await.unwrap();
        client.flush().await.unwrap();
        // Writing first must not take it away.
        send(&mut stream, b"hello").await.unwrap();
        assert_eq!(read(&mut stream, 3).0, b"NICK a\r\n");
        let mut hello = [0; 5];
        client.read_exact(&mut hello).await.unwrap();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the network cuts it, and whatever is read and written between, the octets are those.
    #[test]
    fn any_cut_gives_the_same_octets(
        lengths in prop::collection::vec(1..20_000usize, 1..8),
        cuts in prop::collection::vec((1..9_000usize, 0..4usize), 1..40),
        size in 1..20_000usize,
    ) {
        let (seen, text) = runtime().block_on(async {
            let (mut stream, client) = meet().await;
            let mut forger = Forger::new(client);
            let (mut text, mut wire) = (Vec::new(), Vec::new());
            for (at, &length) in lengths.iter().enumerate() {
                let part = vec![at as u8; length.min(16 << 10)];
                wire.extend(forger.record(APPLICATION_DATA, &part));
                text.extend(part);
            }
            let (mut seen, mut left) = (Vec::new(), &wire[..]);
            for &(cut, then) in cuts.iter().cycle() {
                if left.is_empty() {
                    break;
                }
                let (now, later) = left.split_at(cut.min(left.len()));
                left = later;
                forger.send(now).await;
                if then > 0 {
                    assert!(pin!(send(&mut stream, &[7; 40])).poll(&mut Context::from_waker(Waker::noop())).is_ready());
                }
                if then < 3 {
                    let (part, error) = read(&mut stream, size);
                    assert_eq!(error, None);
                    seen.extend(part);
                }
            }
            seen.extend(read(&mut stream, size).0);
            assert_eq!(stream.kept(), 0);
            (seen, text)
        });
        prop_assert!(seen == text);
    }
}
