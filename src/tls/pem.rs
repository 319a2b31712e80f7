//! Reads PEM files (RFC 7468): certificates, private keys, revocation lists, signing requests.
//!
//! The one user of rustls-pemfile: should another reader take its place, only this file changes.
//! What the decoded objects mean is not known here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, CertificateSigningRequestDer, PrivateKeyDer};
use rustls_pemfile::Item;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::platform::files::{self, FilesError};

/// Why a PEM file was not taken.
#[derive(Debug, Error)]
pub enum PemError {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is a private key that others can use.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The file does not hold what it should.
    #[error("{}: {contents}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        contents: ContentsError,
    },
}

/// Why a text is not the PEM that was wanted.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ContentsError {
    /// It is damaged.
    #[error("damaged PEM ({0}); copy the file again from where it was made")]
    Damaged(String),
    /// It holds other things, or nothing.
    #[error("holds no {wanted}: {found}")]
    Missing {
        /// What was looked for.
        wanted: &'static str,
        /// What is there instead.
        found: String,
    },
    /// It holds several, and one was wanted.
    #[error("holds {count} times a {wanted}, where exactly one is expected")]
    Several {
        /// What was looked for.
        wanted: &'static str,
        /// How many there are.
        count: usize,
    },
    /// The private key asks for a passphrase.
    #[error(
        "the private key is protected by a passphrase, which is not supported; remove it with: openssl pkey -in OLD -out NEW"
    )]
    Encrypted,
}

/// The certificates of a file, at least one, in their order.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    of_file(path, certificates_from)
}

/// The certificates of a text, at least one, in their order.
pub fn certificates_from(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, ContentsError> {
    pick(text, "certificate", |item| match item {
        Item::X509Certificate(der) => Some(der),
        _ => None,
    })
}

/// The one private key of a file that nobody but its owner can use.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    let text = Zeroizing::new(read(path)?);
    // After reading, so that a missing file is called missing.
    files::check_private(path)?;
    private_key_from(&text).map_err(|contents| PemError::Contents { path: path.into(), contents })
}

/// The one private key of a text.
pub fn private_key_from(text: &[u8]) -> Result<PrivateKeyDer<'static>, ContentsError> {
    let keys = pick(text, "private key", |item| match item {
        Item::Pkcs1Key(der) => Some(PrivateKeyDer::Pkcs1(der)),
        Item::Pkcs8Key(der) => Some(PrivateKeyDer::Pkcs8(der)),
        Item::Sec1Key(der) => Some(PrivateKeyDer::Sec1(der)),
        _ => None,
    });
    match keys {
        Err(ContentsError::Missing { .. }) if labels(text).iter().any(|label| label.contains("ENCRYPTED")) => {
            Err(ContentsError::Encrypted)
        }
        keys => only(keys?, "private key"),
    }
}

/// The certificate revocation lists of a file, at least one.
pub fn crls(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, PemError> {
    of_file(path, crls_from)
}

/// The certificate revocation lists of a text, at least one.
pub fn crls_from(text: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, ContentsError> {
    pick(text, "certificate revocation list", |item| match item {
        Item::Crl(der) => Some(der),
        _ => None,
    })
}

/// The one certificate signing request of a file.
pub fn certificate_request(path: &Path) -> Result<CertificateSigningRequestDer<'static>, PemError> {
    of_file(path, certificate_request_from)
}

/// The one certificate signing request of a text.
pub fn certificate_request_from(text: &[u8]) -> Result<CertificateSigningRequestDer<'static>, ContentsError> {
    let wanted = "certificate signing request";
    let requests = pick(text, wanted, |item| match item {
        Item::Csr(der) => Some(der),
        _ => None,
    })?;
    only(requests, wanted)
}

fn of_file<T>(path: &Path, from: impl FnOnce(&[u8]) -> Result<T, ContentsError>) -> Result<T, PemError> {
    from(&read(path)?).map_err(|contents| PemError::Contents { path: path.into(), contents })
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    fs::read(path).map_err(|source| PemError::Read { path: path.into(), source })
}

fn pick<T>(mut text: &[u8], wanted: &'static str, choose: impl Fn(Item) -> Option<T>) -> Result<Vec<T>, ContentsError> {
    let whole = text;
    let mut chosen = Vec::new();
    while let Some((item, rest)) = rustls_pemfile::read_one_from_slice(text).map_err(damaged)? {
        chosen.extend(choose(item));
        text = rest;
    }
    if chosen.is_empty() {
        return Err(ContentsError::Missing { wanted, found: found(whole) });
    }
    Ok(chosen)
}

fn only<T>(mut items: Vec<T>, wanted: &'static str) -> Result<T, ContentsError> {
    let count = items.len();
    match items.pop() {
        Some(item) if count == 1 => Ok(item),
        _ => Err(ContentsError::Several { wanted, count }),
    }
}

fn damaged(error: rustls_pemfile::Error) -> ContentsError {
    use rustls_pemfile::Error;
    // The line itself is not shown: it may be a part of a key.
    ContentsError::Damaged(match error {
        Error::MissingSectionEnd { end_marker } => {
            format!("there is no line -----END {}-----", String::from_utf8_lossy(end_marker.trim_ascii()))
        }
        Error::IllegalSectionStart { .. } => "a BEGIN line is malformed".into(),
        Error::Base64Decode(_) => "a line is no base64".into(),
    })
}

/// The labels of the BEGIN lines.
fn labels(text: &[u8]) -> Vec<String> {
    let lines = text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    lines
        .filter_map(|line| line.strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----"))
        .map(|label| String::from_utf8_lossy(label).to_lowercase().replace("x509 crl", "certificate revocation list"))
        .map(|label| label.replace("encrypted", "ENCRYPTED"))
        .collect()
}

fn found(text: &[u8]) -> String {
    let labels = labels(text);
    if !labels.is_empty() {
        format!("it holds {}", labels.join(", "))
    } else if text.trim_ascii().is_empty() {
        "it is empty".into()
    } else if text.first() == Some(&0x30) {
        // An ASN.1 SEQUENCE.
        "it is DER; convert it to PEM with: openssl x509 -inform der -in OLD -out NEW".into()
    } else {
        "it is text without any -----BEGIN line".into()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn example() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn each_kind_is_picked_out_of_a_mixed_file() {
        let (certificate, key) = example();
        let mixed = format!("A comment\n{certificate}{key}{certificate}");
        assert_eq!(certificates_from(mixed.as_bytes()).unwrap().len(), 2);
        assert!(private_key_from(mixed.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_there_instead_is_said() {
        let (certificate, key) = example();
        let check = |text: &str, expect: &str| {
            assert_eq!(certificates_from(text.as_bytes()).unwrap_err().to_string(), expect);
        };
        check("", "holds no certificate: it is empty");
        check("hello", "holds no certificate: it is text without any -----BEGIN line");
        check(&key, "holds no certificate: it holds private key");
        check(
            "0\u{82}",
            "holds no certificate: it is DER; convert it to PEM with: openssl x509 -inform der -in OLD -out NEW",
        );
        check(
            &certificate.replace("-----END", "----"),
            "damaged PEM (there is no line -----END CERTIFICATE-----); copy the file again from where it was made",
        );
        check(
            &certificate.replacen('M', "!", 1),
            "damaged PEM (a line is no base64); copy the file again from where it was made",
        );
        let crl = crls_from(certificate.as_bytes()).unwrap_err().to_string();
        assert_eq!(crl, "holds no certificate revocation list: it holds certificate");
        let csr = certificate_request_from(key.as_bytes()).unwrap_err().to_string();
        assert_eq!(csr, "holds no certificate signing request: it holds private key");
        let two = private_key_from(format!("{key}{key}").as_bytes()).unwrap_err();
        assert_eq!(two, ContentsError::Several { wanted: "private key", count: 2 });
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        assert_eq!(private_key_from(encrypted.as_bytes()).unwrap_err(), ContentsError::Encrypted);
    }

    #[test]
    fn errors_name_the_file() {
        let error = certificates(Path::new("/nonexistent/a.pem")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nonexistent/a.pem");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.pem");
        fs::write(&path, "").unwrap();
        let error = certificates(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}: holds no certificate: it is empty", path.display()));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        fs::write(&path, example().1).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = private_key(&path).unwrap_err().to_string();
        assert!(error.ends_with(&format!("chmod 600 {}", path.display())), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(private_key(&path).is_ok());
    }
}
