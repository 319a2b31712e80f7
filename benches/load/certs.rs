//! An authority, a server's certificate, and one certificate for each member: made once and kept.
//!
//! The members' certificates share one key, so that thousands are made in a second: for a server each
//! is another account and another device all the same.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use conclave::{
    pki::{Directory, Key, Profile, Validity, directory::InitOptions},
    platform::clock::unix_now,
    tls::pem,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, cipher_suite, kx_group},
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    sign::{CertifiedKey, SingleCertAndKey},
};

/// What the handshake agrees on a key by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    X25519,
    X25519MlKem768,
}

/// The certificates of a deployment under load.
pub(crate) struct Certificates {
    pub(crate) directory: PathBuf,
    members: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    server: CertificateDer<'static>,
}

impl Certificates {
    /// Those of the directory; makes what it lacks.
    pub(crate) fn load(path: &Path, count: usize) -> Self {
        fs::create_dir_all(path).expect("a directory for certificates");
        let lock = fs::File::create(path.join("load.lock")).expect("a lock");
        lock.lock().expect("the lock");
        let directory = Directory::new(path.join("authority"));
        let hosts = vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        directory.init(&InitOptions { network: None, hosts }, unix_now()).expect("an authority");
        let (key_file, file) = (path.join("members.key"), path.join("members.pem"));
        if !key_file.exists() {
            let key = Key::generate().unwrap();
            conclave::platform::files::write_private(&key_file, key.pem().reveal().as_bytes()).unwrap();
        }
        let mut members = pem::certificates(&file).unwrap_or_default();
        if members.len() < count {
            members = issue(&directory, &key_file, count);
            let text: String = members.iter().map(to_pem).collect();
            let new = path.join("members.new");
            fs::write(&new, text).and_then(|()| fs::rename(&new, &file)).expect("the certificates are written");
        }
        let server = pem::certificates(&directory.path().join("server.pem")).unwrap().remove(0);
        let key = pem::private_key(&key_file).unwrap();
        Self { directory: directory.path().to_owned(), members, key, server }
    }

    /// The configuration of each of the first so many members.
    pub(crate) fn clients(&self, count: usize, exchange: Exchange) -> Vec<Arc<ClientConfig>> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![match exchange {
                Exchange::X25519 => kx_group::X25519,
                Exchange::X25519MlKem768 => kx_group::X25519MLKEM768,
            }],
            ..aws_lc_rs::default_provider()
        });
        let key = provider.key_provider.load_private_key(self.key.clone_key()).unwrap();
        let same = Arc::new(Same { server: self.server.clone(), provider: Arc::clone(&provider) });
        let client = |certificate: &CertificateDer<'static>| {
            let certified = CertifiedKey::new(vec![certificate.clone()], Arc::clone(&key));
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
            let mut config = builder
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(&same) as Arc<dyn ServerCertVerifier>)
                .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
            config.resumption = Resumption::disabled();
            Arc::new(config)
        };
        self.members.iter().take(count).map(client).collect()
    }
}

fn issue(directory: &Directory, key: &Path, count: usize) -> Vec<CertificateDer<'static>> {
    let ca = directory.ca().unwrap();
    let key = Key::load(key).unwrap().public().unwrap();
    let validity = Validity::days(unix_now(), 365).within(ca.validity());
    let member = |n| {
        let account = format!("m{n}").parse().unwrap();
        let profile = Profile::device(&account, &"main".parse().unwrap(), ca.network(), validity);
        ca.issue(&profile, &key).unwrap().der().clone()
    };
    (0..count).map(member).collect()
}

fn to_pem(certificate: &CertificateDer<'static>) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};

    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
}

/// Takes the one certificate of the server, without any computing: what is measured is the server.
#[derive(Debug)]
struct Same {
    server: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Same {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.server {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
