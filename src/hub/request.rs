//! What the hub is asked, and what comes with the asking.

use std::{collections::BTreeSet, sync::Arc};

use super::{metadata::Early, sought::Found};
use crate::{
    ident::{ClientLabel, DeviceId, MsgId, Nick},
    protocol::durable::Position,
    protocol::{caps::Caps, caps::Dialect, command::Command, refusal::Refusal},
};

/// One connection that has shown who it is. Given by the shell, unique while anything that was
/// said to it may still be on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

impl SessionId {
    /// No session: what nobody asked for.
    pub const NOBODY: Self = Self(u32::MAX);
}

/// One request of one session.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose.
    pub session: SessionId,
    /// The label that the answer must carry (IRCv3 labeled-response).
    pub label: Option<Box<str>>,
    /// What.
    pub body: Body,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Body {
    /// A session is ready to chat.
    Register(Box<Registration>),
    /// A command.
    Command(Command),
    /// A line that could not become a command; the refusal keeps its place in the order.
    Refused(Refusal),
    /// The connection has ended.
    Gone(Gone),
    /// Time has passed (from the shell, of no session).
    Tick,
    /// So many people have a certificate to come with (from the server, of no session).
    Issued(Arc<BTreeSet<Nick>>),
    /// The session's outbox is empty, as the shell wanted to know; changes nothing.
    Drained,
}

/// What it costs to come in: a welcome, the rooms with their people, and what others are told of it.
const REGISTRATION: u8 = 10;

impl Body {
    /// What it costs, as the table of commands has it: an ordinary line costs 1.
    pub fn cost(&self) -> u8 {
        match self {
            Self::Command(command) => command.cost(),
            Self::Register(_) => REGISTRATION,
            Self::Refused(_) | Self::Gone(_) => 1,
            Self::Tick | Self::Issued(_) | Self::Drained => 1,
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Without a word: it may be back in a moment.
    Lost,
    /// The server ended it, and why.
    Cut(Arc<str>),
}

/// Who a session is, from its certificate and its registration.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The account.
    pub account: Nick,
    /// The certificate.
    pub device: DeviceId,
    /// What its owner calls the device.
    pub device_label: Arc<str>,
    /// What program it says it is.
    pub client: Option<ClientLabel>,
    /// Its dialect.
    pub dialect: Dialect,
    /// Its capabilities.
    pub caps: Caps,
    /// The username (before `@`); the account's name if empty.
    pub user: Box<str>,
    /// The real name; the account's name if empty.
    pub realname: Arc<str>,
    /// Why nobody sits in front of it, if so.
    pub away: Option<Arc<str>>,
    /// What it has set and subscribed to before it was registered.
    pub metadata: Early,
    /// The line that made a plain session known, to be carried out at once.
    pub first: Option<Result<Command, Refusal>>,
}

/// When and where in the order a request happens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    /// Its place.
    pub position: Position,
    /// Milliseconds since the epoch; never less than before.
    pub time_ms: u64,
    /// Fresh randomness.
    pub random: u128,
    /// How many connections are not registered yet; said only with requests whose answer shows it.
    pub waiting: usize,
    /// Up to where the session has been given what was said to it: a program, the last fence; a
    /// person, what has gone out to him. `None` where that says nothing.
    pub seen: Option<Position>,
}

impl Stamp {
    /// The `n`th id that this request gives away.
    pub const fn id(&self, n: u32) -> MsgId {
        MsgId::new(self.time_ms, self.random.wrapping_add(n as u128))
    }
}

/// A request with its stamp.
#[derive(Clone, Debug)]
pub struct Sequenced {
    /// When.
    pub at: Stamp,
    /// What.
    pub request: Request,
    /// What there is of what the request is about.
    pub found: Found,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_work_costs_more() {
        let cost = |line: &str| {
            let message = crate::protocol::Message::parse(line).unwrap();
            crate::protocol::command::from_irc(&message).map_or_else(Body::Refused, Body::Command).cost()
        };
        assert_eq!([cost("PING x"), cost("PRIVMSG #r :x"), cost("FROB"), cost("JOIN")], [1; 4]);
        assert_eq!([cost("MODE #r"), cost("TOPIC #r"), cost("PRIVMSG #r,bob,carol :x")], [1, 1, 3]);
        assert_eq!(cost("JOIN #a,#b"), 2 * cost("JOIN #a"));
        assert_eq!([cost("JOIN 0"), cost("PART #a,#b,#c,#d,#e,#f,#g,#h")], [40; 2]);
        for dear in ["JOIN #r", "WHO *", "LIST", "HISTORY #r", "CHATHISTORY LATEST #r * 5", "AWAY x", "INVITE a #r"] {
            assert!(cost(dear) > 2, "{dear}");
        }
    }
}
