//! Fences: what the server asks by `PING conclave-EPOCH-SEQUENCE` to learn how far a client has read.
//!
//! A client answers lines in their order, so that whoever answers has read everything before it.

use std::{fmt, str::FromStr};

use super::durable::Position;

/// The token of a fence: one word, that any client gives back as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(pub Position);

/// The text is no fence's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFence;

const PREFIX: &str = "conclave-";

/// The token of a PING by which a client that is about to leave asks for a fence: it comes before
/// the PONG, if there is anything to confirm.
pub const ASK: &str = "conclave-fence";

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}", self.0.epoch, self.0.sequence)
    }
}

impl FromStr for Fence {
    type Err = NoFence;

    fn from_str(text: &str) -> Result<Self, NoFence> {
        let (epoch, sequence) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).ok_or(NoFence)?;
        let position =
            Position { epoch: epoch.parse().map_err(|_| NoFence)?, sequence: sequence.parse().map_err(|_| NoFence)? };
        // Written in one way only.
        Some(Self(position)).filter(|fence| fence.to_string() == text).ok_or(NoFence)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_its_own_form() {
        let fence = Fence(Position { epoch: 1, sequence: 42 });
        assert_eq!(fence.to_string(), "conclave-1-42");
        assert_eq!("conclave-1-42".parse(), Ok(fence));
        for bad in
            ["", "conclave", "conclave-1", "conclave-1-", "conclave-01-2", "conclave-1-+2", "Conclave-1-2", "1-2"]
        {
            assert_eq!(bad.parse::<Fence>(), Err(NoFence), "{bad}");
        }
        assert_eq!("conclave-1-2-3".parse::<Fence>(), Err(NoFence));
        assert_eq!("conclave-99999999999-1".parse::<Fence>(), Err(NoFence));
    }

    proptest! {
        #[test]
        fn round_trips(epoch: u32, sequence: u64) {
            let token = Fence(Position { epoch, sequence }).to_string();
            prop_assert!(!token.contains(' ') && token.len() < 64);
            prop_assert_eq!(token.parse(), Ok(Fence(Position { epoch, sequence })));
        }
    }
}
