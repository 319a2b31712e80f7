//! The identifier of a message.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Identifies one message for ever, on every server of a deployment. Opaque to clients: they may
/// compare two of them for equality and hand one back, nothing else.
///
/// Shown as 26 characters of lower-case Crockford base 32, so it fits IRCv3 `msgid` (no space,
/// no comma, not starting with `:`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MsgId(u128);

/// The text is no message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a message id of this server")]
pub struct MsgIdError;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

impl MsgId {
    /// Makes an id from the milliseconds since the epoch (48 bits are kept) and 80 random bits.
    pub const fn new(unix_ms: u64, random: u128) -> Self {
        Self(((unix_ms as u128) & 0xffff_ffff_ffff) << 80 | random & ((1 << 80) - 1))
    }

    /// When it was made, in milliseconds since the epoch.
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The id as a number.
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// The id from the number that [`MsgId::to_u128`] gave.
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    fn digits(self) -> [u8; LENGTH] {
        let mut text = [b'0'; LENGTH];
        let mut rest = self.0;
        for digit in text.iter_mut().rev() {
            *digit = DIGITS[(rest & 31) as usize];
            rest >>= 5;
        }
        text
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits().iter().try_for_each(|&digit| fmt::Write::write_char(f, digit.into()))
    }
}

impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MsgId {
    type Err = MsgIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != LENGTH {
            return Err(MsgIdError);
        }
        text.bytes()
            .try_fold(0u128, |number, byte| {
                let digit = DIGITS.iter().position(|&d| d == byte)?;
                number.checked_mul(32)?.checked_add(digit as u128)
            })
            .map(Self)
            .ok_or(MsgIdError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(number: u128) {
            let id = MsgId::from_u128(number);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn refuses_rather_than_repairs(text in "\\PC{0,30}") {
            if let Ok(id) = text.parse::<MsgId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn later_ids_sort_later() {
        assert!(MsgId::new(1, u128::MAX) < MsgId::new(2, 0));
    }
}
