//! What a certificate holds: the profiles of the authority, the server and the devices, and the
//! options from which odd ones can be made too.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;

use crate::{
    ident::{Account, DeviceLabel},
    pki::{
        Host, Network, PkiError, Serial, Validity,
        summary::{self, Summary},
        validity::moment,
    },
    tls::identity,
};

/// The label of a device that was given none.
pub const DEFAULT_DEVICE: &str = "main";

/// All that an end certificate says besides its key and its issuer.
///
/// [`Profile::device`] and [`Profile::server`] are the good ones; every field can be changed
/// afterwards, so that tests can make each bad one.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The subject's CN; none for an empty subject.
    pub common_name: Option<String>,
    /// The subject's alternative names.
    pub names: Vec<Name>,
    /// The extended key usages; without any the extension is left out.
    pub usages: Vec<Usage>,
    /// When it is valid.
    pub validity: Validity,
    /// Its serial number; none for a random one.
    pub serial: Option<Serial>,
}

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A host's name or address.
    Host(Host),
    /// A URI.
    Uri(String),
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// id-kp-serverAuth.
    Server,
    /// id-kp-clientAuth.
    Client,
    /// id-kp-imUri (RFC 9734).
    Messaging,
}

/// A certificate that was just signed.
#[derive(Clone, Debug)]
pub struct Issued {
    certificate: rcgen::Certificate,
}

impl Profile {
    /// A device's certificate.
    pub fn device(account: &Account, device: &DeviceLabel, network: &Network, validity: Validity) -> Self {
        Self {
            common_name: Some(account.to_string()),
            names: vec![
                Name::Uri(identity::im_uri(account, network.as_str())),
                Name::Uri(identity::device_uri(account, device)),
            ],
            usages: vec![Usage::Client, Usage::Messaging],
            validity,
            serial: None,
        }
    }

    /// The server's certificate.
    pub fn server(hosts: &[Host], network: &Network, validity: Validity) -> Self {
        Self {
            common_name: Some(network.to_string()),
            names: hosts.iter().cloned().map(Name::Host).collect(),
            usages: vec![Usage::Server],
            validity,
            serial: None,
        }
    }

    pub(super) fn params(&self) -> Result<CertificateParams, PkiError> {
        let mut params = params(self.validity)?;
        params.serial_number = Some(match &self.serial {
            Some(serial) => serial.as_octets().to_vec().into(),
            None => Serial::random()?.as_octets().to_vec().into(),
        });
        if let Some(name) = &self.common_name {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.subject_alt_names = self.names.iter().map(Name::to_san).collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.usages.iter().map(|usage| usage.purpose()).collect();
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }
}

/// The parameters of an authority's own certificate.
///
/// The subject's CN is the network. The dnQualifier beside it is random: two authorities of the same
/// network name (a directory made anew) are told apart by their subjects, so that a certificate of
/// the other one is refused for its unknown issuer and not for a bad signature.
pub(super) fn authority(network: &Network, validity: Validity) -> Result<CertificateParams, PkiError> {
    let mut params = params(validity)?;
    let serial = Serial::random()?;
    let qualifier = serial.to_string()[16..].to_owned();
    params.distinguished_name.push(DnType::CommonName, network.as_str());
    params
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 46]), DnValue::PrintableString(qualifier.try_into()?));
    params.serial_number = Some(serial.as_octets().to_vec().into());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(validity: Validity) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = moment(validity.not_before)?;
    params.not_after = moment(validity.not_after)?;
    Ok(params)
}

impl Name {
    fn to_san(&self) -> Result<SanType, PkiError> {
        Ok(match self {
            Self::Host(Host::Name(name)) => SanType::DnsName(name.as_str().try_into()?),
            Self::Host(Host::Address(address)) => SanType::IpAddress(*address),
            Self::Uri(uri) => SanType::URI(uri.as_str().try_into()?),
        })
    }
}

impl Usage {
    fn purpose(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Self::Messaging => ExtendedKeyUsagePurpose::Other(identity::ID_KP_IM_URI.into()),
        }
    }
}

impl Issued {
    pub(super) const fn new(certificate: rcgen::Certificate) -> Self {
        Self { certificate }
    }

    /// The certificate.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// What it says.
    pub fn summary(&self) -> Result<Summary, PkiError> {
        summary::of(self.der())
    }
}
