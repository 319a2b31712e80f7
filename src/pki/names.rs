//! The names that only certificates have: the network, hosts, serial numbers.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{pki::PkiError, tls};

/// Why a text is no name of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text is no network's name.
    #[error(
        "a network's name is written like a host's: 1 to 64 ASCII letters, digits, '-' and '.', as in chat.example"
    )]
    Network,
    /// The text is neither a host name nor an IP address.
    #[error("neither a host name nor an IP address (without port; an international name is written xn--…)")]
    Host,
    /// The text is no serial number.
    #[error("a serial number is 1 to 20 octets in hexadecimal (colons between octets are allowed)")]
    Serial,
}

/// The name of a deployment, which its authority's subject fixes for ever: the part after the `@`
/// in `im:alice@NETWORK`. Lower case, so that the same network is written in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String);

/// A name or an address under which clients reach the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name of the DNS, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// A certificate's serial number: positive, unique within its authority. Shown in hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Serial(Box<[u8]>);

impl Network {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The network that is named after the first of the hosts that can name one.
    pub fn of_hosts(hosts: &[Host]) -> Option<Self> {
        hosts.iter().find_map(|host| host.to_string().parse().ok())
    }
}

impl FromStr for Network {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A CN has at most 64 characters (RFC 5280, appendix A.1, ub-common-name).
        if is_host_name(text) && text.len() <= 64 {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::Network)
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Host {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        // 300.1.1.1 is an address with a mistake in it and not a name: no top-level domain is a number.
        let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if is_host_name(text) && !numeric { Ok(Self::Name(text.to_ascii_lowercase())) } else { Err(NameError::Host) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => fmt::Display::fmt(address, f),
        }
    }
}

/// RFC 1123, section 2.1: labels of letters, digits and inner hyphens, 253 characters in all.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl Serial {
    /// A new one: 126 random bits behind two fixed ones, which make it positive and always 16 octets.
    pub(super) fn random() -> Result<Self, PkiError> {
        let mut octets = [0; 16];
        tls::random(&mut octets).map_err(|_| PkiError::Random)?;
        octets[0] = octets[0] & 0x3f | 0x40;
        Ok(Self(octets.into()))
    }

    /// From the content of a DER INTEGER; leading zeros do not count.
    pub fn from_octets(content: &[u8]) -> Self {
        Self(tls::identity::serial(content))
    }

    /// The number's octets, without leading zeros.
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Serial {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix("0x").unwrap_or(text);
        let digits: Option<Vec<u8>> =
            text.chars().filter(|&c| c != ':').map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.filter(|digits| (1..=40).contains(&digits.len())).ok_or(NameError::Serial)?;
        let octets: Vec<u8> =
            digits.rchunks(2).rev().map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect();
        Ok(Self::from_octets(&octets))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

impl TryFrom<String> for Serial {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(text.parse::<Host>().ok().map(|h| h.to_string()).as_deref(), expect, "{text}");
        };
        for same in ["localhost", "a.b-c.example", "127.0.0.1", "::1"] {
            check(same, Some(same));
        }
        check("Chat.Example", Some("chat.example"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        for bad in ["", "a b", "300.1.1.1", "-a", "a-.b", "a..b", "a.", "host:6697", "*.a", "zürich", &"a".repeat(64)]
        {
            check(bad, None);
        }
    }

    #[test]
    fn a_network_is_named_after_the_first_host_that_can_name_one() {
        let named = |hosts: &[&str]| {
            let hosts: Vec<Host> = hosts.iter().map(|h| h.parse().unwrap()).collect();
            Network::of_hosts(&hosts).map(|n| n.to_string())
        };
        assert_eq!(named(&["::1", "Chat.Example", "localhost"]).as_deref(), Some("chat.example"));
        assert_eq!(named(&["127.0.0.1"]).as_deref(), Some("127.0.0.1"));
        assert_eq!(named(&["::1"]), None);
        for bad in ["", "a@b", "a/b", "a%b", &"a.".repeat(40)] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn serials_are_compared_as_numbers() {
        for same in ["0A:ff", "aff", "0x0aff", "000aff"] {
            assert_eq!(same.parse::<Serial>().unwrap().to_string(), "0aff", "{same}");
        }
        for bad in ["", ":", "xyz", &"1".repeat(41)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad}");
        }
        let random = Serial::random().unwrap();
        assert_eq!((random.as_octets().len(), random.as_octets()[0] >> 6), (16, 1));
        assert_ne!(random, Serial::random().unwrap());
    }
}
