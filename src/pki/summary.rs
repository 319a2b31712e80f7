//! What a certificate says, for people and for the index.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{ExtendedKeyUsage, GeneralName},
    prelude::FromDer,
};

use crate::{
    ident::Fingerprint,
    pki::{PkiError, Serial, Validity},
    tls::{
        identity::{self, Identity, IdentityError, Rules},
        pin::Pin,
        sha256,
    },
};

/// A certificate in words.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The subject, as in `CN=alice`.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number.
    pub serial: Serial,
    /// Whether it is an authority's.
    pub is_ca: bool,
    /// When it is valid.
    pub validity: Validity,
    /// The subject's alternative names, each with its kind: `URI:im:alice@n`, `DNS:localhost`.
    pub names: Vec<String>,
    /// The extended key usages: `clientAuth`, `id-kp-imUri`.
    pub usages: Vec<String>,
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its public key.
    pub pin: Pin,
    /// Whose it is when a client shows it, or why nobody's.
    pub identity: Result<Identity, IdentityError>,
}

/// Reads a certificate.
pub fn of(certificate: &CertificateDer<'_>) -> Result<Summary, PkiError> {
    let Ok(([], parsed)) = X509Certificate::from_der(certificate) else { return Err(PkiError::Malformed) };
    let names = parsed.subject_alternative_name().map_err(|_| PkiError::Malformed)?;
    let usages = parsed.extended_key_usage().map_err(|_| PkiError::Malformed)?;
    Ok(Summary {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        serial: Serial::from_octets(parsed.raw_serial()),
        is_ca: parsed.is_ca(),
        validity: Validity {
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        },
        names: names.map_or_else(Vec::new, |san| san.value.general_names.iter().map(name).collect()),
        usages: usages.map_or_else(Vec::new, |eku| purposes(eku.value)),
        fingerprint: Fingerprint::new(sha256(certificate)),
        pin: Pin::of_public_key(parsed.public_key().raw),
        identity: identity::identify(certificate, Rules::default()),
    })
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::DNSName(host) => format!("DNS:{host}"),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::IPAddress(octets) => {
            address(octets).map_or_else(|| "IP:malformed".into(), |ip| format!("IP:{ip}"))
        }
        other => other.to_string(),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

fn purposes(eku: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (eku.any, "any"),
        (eku.server_auth, "serverAuth"),
        (eku.client_auth, "clientAuth"),
        (eku.code_signing, "codeSigning"),
        (eku.email_protection, "emailProtection"),
        (eku.time_stamping, "timeStamping"),
        (eku.ocsp_signing, "OCSPSigning"),
    ];
    let im_uri = identity::ID_KP_IM_URI.map(|arc| arc.to_string()).join(".");
    let other = eku.other.iter().map(|oid| {
        let oid = oid.to_id_string();
        if oid == im_uri { "id-kp-imUri".into() } else { oid }
    });
    known.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()).chain(other).collect()
}
