//! Who a certificate says its holder is: the account, the device, and the device's label.
//!
//! Whether the certificate is genuine, in date and not revoked is not judged here, but in
//! [`crate::tls::server`].

use std::ops::RangeInclusive;

use rustls::pki_types::CertificateDer;
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use crate::{
    ident::{Account, DeviceId, DeviceLabel, Fingerprint, NickError},
    tls::sha256,
};

/// id-kp-imUri (RFC 9734): the extended key usage of a certificate that is also a messaging identity.
pub const ID_KP_IM_URI: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 40];

/// The scheme of the messaging address in a certificate: `im:alice@NETWORK` (RFC 3860, RFC 9734).
const IM: &str = "im:";
/// The scheme that names the account and its device: `conclave:alice/laptop`.
const CONCLAVE: &str = "conclave:";

/// What a session keeps of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who: the certificate's CN.
    pub account: Account,
    /// Which certificate: its SHA-256.
    pub device: DeviceId,
    /// What the owner calls the device.
    pub label: Option<DeviceLabel>,
    /// Which authority vouched for it, as [`crate::tls::server::Credentials`] names authorities.
    /// None until a server has verified the certificate.
    pub issuer: Option<Fingerprint>,
    /// The serial number, without leading zeros.
    pub serial: Box<[u8]>,
    /// The last second of its validity, since 1970.
    pub not_after: i64,
}

/// What is asked of a certificate beyond being genuine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Refuse a certificate without an `im:` address.
    pub require_san: bool,
}

/// Why a certificate names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// It is no well-formed X.509 certificate.
    #[error("the certificate is malformed")]
    Malformed,
    /// It has no CN, or several.
    #[error("the certificate has {0} common names (CN), where exactly one, the account's name, is expected")]
    CommonNames(usize),
    /// The CN is no account's name.
    #[error("the certificate's common name {name:?} is no account's name: {reason}")]
    Name {
        /// The CN.
        name: String,
        /// What is wrong with it.
        reason: NickError,
    },
    /// There are several URIs of one kind.
    #[error("the certificate has {count} {scheme} addresses, where at most one is expected")]
    Several {
        /// The kind.
        scheme: &'static str,
        /// How many.
        count: usize,
    },
    /// A URI cannot be read.
    #[error("the certificate's address {0:?} is malformed (im:NAME@NETWORK or conclave:NAME/DEVICE is expected)")]
    Uri(String),
    /// A URI names another account than the CN.
    #[error("the certificate's address {uri:?} disagrees with its common name {account}")]
    Disagrees {
        /// The address.
        uri: String,
        /// The CN.
        account: Account,
    },
    /// There is no `im:` URI, and the rules ask for one.
    #[error("the certificate of {0} has no im: address, which this server asks for; issue it again")]
    NoAddress(Account),
}

/// Reads who the certificate is.
pub fn identify(certificate: &CertificateDer<'_>, rules: Rules) -> Result<Identity, IdentityError> {
    identify_parsed(&parse(certificate)?, device_id(certificate), rules)
}

pub(super) fn identify_parsed(
    parsed: &X509Certificate<'_>,
    device: DeviceId,
    rules: Rules,
) -> Result<Identity, IdentityError> {
    let account = account(parsed)?;
    let uris = uris(parsed)?;
    let im = single(&uris, IM)?;
    if let Some(uri) = im {
        agree(&account, uri, im_account(uri))?;
    } else if rules.require_san {
        return Err(IdentityError::NoAddress(account));
    }
    let label = match single(&uris, CONCLAVE)? {
        Some(uri) => {
            let (name, label) = named_device(uri).ok_or_else(|| IdentityError::Uri(uri.into()))?;
            agree(&account, uri, Some(name))?;
            Some(label)
        }
        None => None,
    };
    Ok(Identity {
        account,
        device,
        label,
        issuer: None,
        serial: serial(parsed.raw_serial()),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

/// The device that a certificate is: SHA-256 of its DER.
pub fn device_id(certificate: &CertificateDer<'_>) -> DeviceId {
    DeviceId(Fingerprint::new(sha256(certificate)))
}

/// The first and the last second of a certificate's validity, since 1970.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<RangeInclusive<i64>, IdentityError> {
    let parsed = parse(certificate)?;
    Ok(parsed.validity().not_before.timestamp()..=parsed.validity().not_after.timestamp())
}

/// The messaging address of an account.
pub fn im_uri(account: &Account, network: &str) -> String {
    format!("{IM}{}@{}", percent_encoded(account.as_str()), percent_encoded(network))
}

/// The address of an account's device.
pub fn device_uri(account: &Account, label: &DeviceLabel) -> String {
    format!("{CONCLAVE}{}/{}", percent_encoded(account.as_str()), percent_encoded(label.as_str()))
}

/// A serial number (the content of a DER INTEGER) without leading zeros, so that equal numbers are
/// equal octets.
pub fn serial(content: &[u8]) -> Box<[u8]> {
    let zeros = content.iter().take_while(|&&octet| octet == 0).count();
    content[zeros..].into()
}

pub(super) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, IdentityError> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(IdentityError::Malformed),
    }
}

fn account(parsed: &X509Certificate<'_>) -> Result<Account, IdentityError> {
    let mut names = parsed.subject().iter_common_name();
    let (first, more) = (names.next(), names.count());
    let first = match (first, more) {
        (Some(first), 0) => first,
        (first, more) => return Err(IdentityError::CommonNames(usize::from(first.is_some()) + more)),
    };
    let name = first.as_str().map_err(|_| IdentityError::Malformed)?;
    name.parse().map_err(|reason| IdentityError::Name { name: name.into(), reason })
}

fn uris<'a>(parsed: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, IdentityError> {
    let Some(names) = parsed.subject_alternative_name().map_err(|_| IdentityError::Malformed)? else {
        return Ok(Vec::new());
    };
    let mut uris = Vec::new();
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            GeneralName::Invalid(..) => return Err(IdentityError::Malformed),
            _ => {}
        }
    }
    Ok(uris)
}

/// The only URI of a scheme, if there is one.
fn single<'a>(uris: &[&'a str], scheme: &'static str) -> Result<Option<&'a str>, IdentityError> {
    let mut matching = uris.iter().filter(|uri| after(uri, scheme).is_some());
    let (first, more) = (matching.next(), matching.count());
    if more > 0 { Err(IdentityError::Several { scheme, count: more + 1 }) } else { Ok(first.copied()) }
}

fn agree(account: &Account, uri: &str, named: Option<String>) -> Result<(), IdentityError> {
    let named = named.ok_or_else(|| IdentityError::Uri(uri.into()))?;
    if named.eq_ignore_ascii_case(account.as_str()) {
        Ok(())
    } else {
        Err(IdentityError::Disagrees { uri: uri.into(), account: account.clone() })
    }
}

/// The account in `im:alice@network`.
fn im_account(uri: &str) -> Option<String> {
    let (name, network) = after(uri, IM)?.split_once('@')?;
    let plain = !network.is_empty() && !network.contains(['@', '/', '?', '#']);
    percent_decoded(name).filter(|_| plain)
}

/// The account and the label in `conclave:alice/laptop`.
fn named_device(uri: &str) -> Option<(String, DeviceLabel)> {
    let (name, label) = after(uri, CONCLAVE)?.split_once('/')?;
    Some((percent_decoded(name)?, percent_decoded(label)?.parse().ok()?))
}

/// What follows the scheme, whose case makes no difference (RFC 3986, section 3.1).
fn after<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = uri.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(octet.into());
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}

fn percent_decoded(text: &str) -> Option<String> {
    let digit = |octet: u8| char::from(octet).to_digit(16).map(|digit| digit as u8);
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'%' => digit(octets.next()?)? << 4 | digit(octets.next()?)?,
            octet => octet,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(names: &[&str], uris: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (i, name) in names.iter().enumerate() {
            // rcgen holds one name of each type: a second CN is written with the type's number.
            let kind = if i == 0 { DnType::CommonName } else { DnType::CustomDnType(vec![2, 5, 4, 3]) };
            params.distinguished_name.push(kind, *name);
        }
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.serial_number = Some(vec![0, 0x80, 7].into());
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn check(names: &[&str], uris: &[&str], expect: &str) {
        let summary = match identify(&certificate(names, uris), Rules::default()) {
            Ok(id) => format!("{} {}", id.account, id.label.as_ref().map_or("-", DeviceLabel::as_str)),
            Err(error) => error.to_string(),
        };
        assert!(summary.starts_with(expect), "{names:?} {uris:?}: {summary}");
    }

    #[test]
    fn who_a_certificate_is() {
        check(&["alice"], &[], "alice -");
        check(&["Alice"], &["im:alice@example.org", "conclave:ALICE/laptop"], "Alice laptop");
        check(&["alice"], &["IM:%61lice@example.org", "https://example.org/"], "alice -");
        check(&["[a]"], &["im:%5Ba%5D@n", "conclave:%5ba%5d/x"], "[a] x");
    }

    #[test]
    fn whom_a_certificate_does_not_name() {
        check(&[], &[], "the certificate has 0 common names");
        check(&["alice", "bob"], &[], "the certificate has 2 common names");
        check(
            &["Alice Smith"],
            &[],
            "the certificate's common name \"Alice Smith\" is no account's name: a name has only",
        );
        check(
            &["nickserv"],
            &[],
            "the certificate's common name \"nickserv\" is no account's name: this name is reserved",
        );
        check(&["alice\0"], &[], "the certificate's common name \"alice\\0\" is no");
        check(&["alice"], &["im:bob@n"], "the certificate's address \"im:bob@n\" disagrees with its common name alice");
        check(&["alice"], &["im:alice@n", "conclave:bob/x"], "the certificate's address \"conclave:bob/x\" disagrees");
        check(&["alice"], &["im:alice@n", "im:alice@n"], "the certificate has 2 im: addresses");
        check(&["alice"], &["conclave:alice/a", "conclave:alice/b"], "the certificate has 2 conclave: addresses");
        for bad in ["im:alice", "im:alice@", "im:al%6@n", "im:al%zzce@n", "im:alice@n?x", "im:alice@n@n", "im:%ff@n"] {
            check(&["alice"], &[bad], &format!("the certificate's address {bad:?} is malformed"));
        }
        for bad in ["conclave:alice", "conclave:alice/", "conclave:alice/a/b", "conclave:alice/%2e"] {
            check(&["alice"], &[bad], &format!("the certificate's address {bad:?} is malformed"));
        }
        let junk = CertificateDer::from(vec![0x30, 0]);
        assert_eq!(identify(&junk, Rules::default()), Err(IdentityError::Malformed));
        let longer = [certificate(&["alice"], &[]).as_ref(), &[0]].concat().into();
        assert_eq!(identify(&longer, Rules::default()), Err(IdentityError::Malformed));
    }

    #[test]
    fn an_address_may_be_required() {
        let rules = Rules { require_san: true };
        assert!(matches!(identify(&certificate(&["alice"], &[]), rules), Err(IdentityError::NoAddress(_))));
        assert!(identify(&certificate(&["alice"], &["im:alice@n"]), rules).is_ok());
    }

    #[test]
    fn a_serial_has_no_leading_zeros() {
        let identity = identify(&certificate(&["alice"], &[]), Rules::default()).unwrap();
        assert_eq!(*identity.serial, [0x80, 7]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-zA-Z\\[\\]\\\\`_^{|}][a-zA-Z0-9\\[\\]\\\\`_^{|}-]{0,31}", label in "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,31}") {
            prop_assume!(name.parse::<Account>().is_ok());
            let (account, label): (Account, DeviceLabel) = (name.parse().unwrap(), label.parse().unwrap());
            prop_assert_eq!(im_account(&im_uri(&account, "a network")), Some(name.clone()));
            prop_assert_eq!(named_device(&device_uri(&account, &label)), Some((name, label)));
        }

        #[test]
        fn percent_decoding_undoes_encoding(text in "\\PC*") {
            prop_assert_eq!(percent_decoded(&percent_encoded(&text)), Some(text));
        }
    }
}
