//! CHATHISTORY (IRCv3 `draft/chathistory`).

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::{
    ident::MsgId,
    protocol::{durable::Bound, message::Message, refusal::Refusal, timestamp},
};

pub(super) static CHATHISTORY: Spec = Spec::irc(
    "CHATHISTORY",
    0,
    "LATEST|BEFORE|AFTER|AROUND TARGET REFERENCE LIMIT, BETWEEN TARGET REFERENCE REFERENCE LIMIT, TARGETS FROM TO LIMIT",
    irc,
    "a page of the messages that the server keeps",
)
.cost(5);

/// The most messages of one page (ISUPPORT `CHATHISTORY`).
pub const MOST: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chathistory {
    /// The newest messages, those after the bound if there is one.
    Latest(Box<str>, Option<Bound>, usize),
    /// The newest before.
    Before(Box<str>, Bound, usize),
    /// The oldest after.
    After(Box<str>, Bound, usize),
    /// Around it.
    Around(Box<str>, Bound, usize),
    /// Between the two; from the first on.
    Between(Box<str>, Bound, Bound, usize),
    /// The conversations whose newest message lies between these times (milliseconds since the
    /// epoch).
    Targets(u64, u64, usize),
}

impl Chathistory {
    /// The subcommand's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Latest(..) => "LATEST",
            Self::Before(..) => "BEFORE",
            Self::After(..) => "AFTER",
            Self::Around(..) => "AROUND",
            Self::Between(..) => "BETWEEN",
            Self::Targets(..) => "TARGETS",
        }
    }
}

fn fail(code: &'static str, subcommand: &str, what: &'static str) -> Refusal {
    Refusal::fail("CHATHISTORY", code, &[subcommand], what)
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let Some(subcommand) = given(message, 0) else {
        return Err(fail("INVALID_PARAMS", "*", "say which part: LATEST, BEFORE, AFTER, AROUND, BETWEEN or TARGETS"));
    };
    let subcommand = subcommand.to_ascii_uppercase();
    let needed = match subcommand.as_str() {
        "LATEST" | "BEFORE" | "AFTER" | "AROUND" | "TARGETS" => 4,
        "BETWEEN" => 5,
        _ => return Err(fail("INVALID_PARAMS", &subcommand, "there is no such part of a history")),
    };
    if message.params.len() != needed {
        return Err(fail("INVALID_PARAMS", &subcommand, "it takes a target, where to read, and how many"));
    }
    let target = || Box::from(param(message, 1).unwrap_or_default());
    let bound = |index| {
        bound(param(message, index).unwrap_or_default())
            .ok_or_else(|| fail("INVALID_PARAMS", &subcommand, "a reference is msgid=ID or timestamp=TIME"))
    };
    let most = param(message, needed - 1)
        .and_then(|number| number.parse::<usize>().ok())
        .filter(|&number| number > 0)
        .ok_or_else(|| fail("INVALID_PARAMS", &subcommand, "the limit is a number above 0"))?
        .min(MOST);
    Ok(Command::Chathistory(Box::new(match subcommand.as_str() {
        "LATEST" if param(message, 2) == Some("*") => Chathistory::Latest(target(), None, most),
        "LATEST" => Chathistory::Latest(target(), Some(bound(2)?), most),
        "BEFORE" => Chathistory::Before(target(), bound(2)?, most),
        "AFTER" => Chathistory::After(target(), bound(2)?, most),
        "AROUND" => Chathistory::Around(target(), bound(2)?, most),
        "BETWEEN" => Chathistory::Between(target(), bound(2)?, bound(3)?, most),
        _ => match (bound(1)?, bound(2)?) {
            (Bound::Time(from), Bound::Time(to)) => Chathistory::Targets(from, to, most),
            _ => return Err(fail("INVALID_PARAMS", &subcommand, "conversations are asked for by timestamps")),
        },
    })))
}

fn bound(text: &str) -> Option<Bound> {
    let (kind, value) = text.split_once('=')?;
    match kind {
        "timestamp" => timestamp::parse(value).map(Bound::Time),
        // An id that this server never gave is the id of no message.
        "msgid" => Some(value.parse::<MsgId>().map_or(Bound::Nothing, Bound::Id)),
        _ => None,
    }
}
