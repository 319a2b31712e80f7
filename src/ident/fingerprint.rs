//! A certificate's SHA-256 fingerprint, which is a device's identity.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// SHA-256 of a certificate's DER encoding: 32 octets, shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// One device of an account: the fingerprint of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub Fingerprint);

/// The text is no SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is 64 hexadecimal digits (colons between octets are allowed)")]
pub struct FingerprintError;

impl Fingerprint {
    /// Wraps a digest that was already computed.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digest = [0; 32];
        let mut digits = text.bytes().filter(|&b| b != b':');
        for octet in &mut digest {
            let mut nibble = || {
                let digit = char::from(digits.next().ok_or(FingerprintError)?);
                // A hexadecimal digit is below 16.
                digit.to_digit(16).map(|d| d as u8).ok_or(FingerprintError)
            };
            *octet = nibble()? << 4 | nibble()?;
        }
        if digits.next().is_some() {
            return Err(FingerprintError);
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_bad_text_is_refused() {
        let hex = "00ff10".to_owned() + &"ab".repeat(29);
        let print: Fingerprint = hex.parse().unwrap();
        assert_eq!(print.to_string(), hex);
        let colons: Vec<String> =
            hex.to_uppercase().as_bytes().chunks(2).map(|c| String::from_utf8_lossy(c).into()).collect();
        assert_eq!(colons.join(":").parse(), Ok(print));
        for bad in ["", "ab", &hex[1..], &(hex.clone() + "0"), &hex.replace('f', "g")] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }
}
