//! Who is talked to: a room or a person, as they are named on the command line.

use std::{fmt, str::FromStr};

use crate::ident::{Nick, RoomName};

/// A room, or a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `#ops`.
    Room(RoomName),
    /// `bob`.
    Person(Nick),
}

impl FromStr for Target {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with('#') { Self::Room(text.parse()?) } else { Self::Person(text.parse()?) })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => room.fmt(f),
            Self::Person(nick) => nick.fmt(f),
        }
    }
}
