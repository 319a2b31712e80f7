//! What the server can be told, in its own terms.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    hub::task::Patience,
    ident::{Nick, RoomName},
    journal::Retention,
    platform::clock,
};

/// How long messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// As long as this.
    For(Duration),
    /// As long as there is room.
    Forever,
    /// Not at all: what is said goes to who is here and nowhere else.
    Off,
}

/// Everything that the caller decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server's name; has a dot.
    pub name: String,
    /// The room for everybody.
    pub lobby: RoomName,
    /// Who administers the server.
    pub admins: Vec<Nick>,
    /// The message of the day.
    pub motd: Option<String>,
    /// How long messages are kept.
    pub history: History,
    /// How many messages of one room are kept, or of what two people say to each other.
    pub history_per_room: Option<u64>,
    /// How many messages are kept in all.
    pub history_total: Option<u64>,
    /// The index of the authority's certificates, where the server has it.
    pub index: Option<PathBuf>,
    /// How much anybody may take.
    pub limits: Limits,
}

impl Options {
    /// The options of a server that was told nothing but its lobby.
    pub fn new(lobby: RoomName) -> Self {
        Self {
            name: "conclave.local".into(),
            lobby,
            admins: Vec::new(),
            motd: None,
            history: History::For(Duration::from_secs(30 * 86400)),
            history_per_room: None,
            history_total: None,
            index: None,
            limits: Limits::default(),
        }
    }

    /// What the journal is to keep.
    pub fn retention(&self) -> Retention {
        let age_ms = match self.history {
            History::For(age) => Some(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            History::Forever => None,
            History::Off => return Retention::NOTHING,
        };
        Retention { age_ms, per_conversation: self.history_per_room, total: self.history_total }
    }

    /// Now, as a person reads it.
    pub(super) fn created(&self) -> Arc<str> {
        let mut now = String::new();
        crate::protocol::render::server_time(&mut now, clock::unix_ms());
        now.into()
    }
}

/// So much at once, and then so much a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// How much comes back each second.
    pub per_second: u32,
    /// How much there is at most.
    pub burst: u32,
}

impl Flow {
    /// What one account may say, where nothing else is given.
    pub const LINES: Self = Self { per_second: 10, burst: 500 };

    /// So many times as much.
    #[must_use]
    pub const fn times(self, n: u32) -> Self {
        Self { per_second: self.per_second.saturating_mul(n), burst: self.burst.saturating_mul(n) }
    }
}

/// How much anybody may take of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one address.
    pub per_address: usize,
    /// Handshakes under way at once; an eighth of them may be of one address.
    pub handshakes: usize,
    /// New connections of one address; a handshake that comes to nothing counts as three.
    pub arrivals: Option<Flow>,
    /// What the sessions of one account may say, by the costs of the table of commands.
    pub lines: Option<Flow>,
    /// A session that was slowed and did nothing but flood for so long is cut.
    pub flood: Duration,
    /// Time for the TLS handshake.
    pub handshake: Duration,
    /// Time until the first line.
    pub silent: Duration,
    /// Time from an IRC client's first line to the end of its registration.
    pub registration: Duration,
    /// Octets that may wait for one session.
    pub outbox: usize,
    /// Octets that may wait for all sessions together.
    pub outboxes: usize,
    /// Requests that may wait for the hub.
    pub inbox: usize,
    /// What one session's lines may cost before others have their turn; an ordinary line costs 1.
    pub cost_per_turn: usize,
    /// Rooms that one account may be in.
    pub rooms_per_account: usize,
    /// Rooms that there may be.
    pub rooms: usize,
    /// How long an account whose last connection was lost counts as present.
    pub linger: Duration,
    /// How long a session may take nothing, or say nothing.
    pub patience: Patience,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_address: 256,
            handshakes: 1024,
            arrivals: Some(Flow { per_second: 50, burst: 1000 }),
            lines: Some(Flow::LINES),
            flood: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
            silent: Duration::from_secs(300),
            registration: Duration::from_secs(60),
            outbox: 4 << 20,
            outboxes: 256 << 20,
            inbox: 1024,
            cost_per_turn: 64,
            rooms_per_account: 100,
            rooms: 10_000,
            linger: Duration::from_secs(30),
            patience: Patience::default(),
        }
    }
}

impl Limits {
    /// No limit on connections, handshakes and lines (load tests; `--limits off`). Deadlines and memory
    /// bounds stay.
    #[must_use]
    pub fn without_shares(self) -> Self {
        let all = usize::MAX;
        Self { connections: all, per_address: all, handshakes: all, arrivals: None, lines: None, ..self }
    }
}
