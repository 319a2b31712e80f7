//! Questions about the server itself: MOTD, LUSERS, VERSION, TIME, INFO, ADMIN.

use super::{
    Command,
    parse::given,
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static MOTD: Spec =
    Spec::irc("MOTD", 0, "[SERVER]", |message| ask(message, Info::Motd), "the server's message of the day")
        .slash(&["motd"], |_| Ok(Command::Info(Info::Motd, None)), "/motd")
        .group(Group::Seldom);
pub(super) static LUSERS: Spec =
    Spec::irc("LUSERS", 0, "", |message| ask(message, Info::Lusers), "how many people and rooms there are");
pub(super) static VERSION: Spec =
    Spec::irc("VERSION", 0, "[SERVER]", |message| ask(message, Info::Version), "the server's software")
        .slash(&["version"], |_| Ok(Command::Info(Info::Version, None)), "/version")
        .group(Group::Seldom);
pub(super) static TIME: Spec =
    Spec::irc("TIME", 0, "[SERVER]", |message| ask(message, Info::Time), "the server's time")
        .slash(&["time"], |_| Ok(Command::Info(Info::Time, None)), "/time")
        .group(Group::Seldom);
pub(super) static INFO: Spec = Spec::irc("INFO", 0, "[SERVER]", |message| ask(message, Info::Info), "about the server");
pub(super) static ADMIN: Spec =
    Spec::irc("ADMIN", 0, "[SERVER]", |message| ask(message, Info::Admin), "who administers the server");

/// What is asked about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info {
    /// The message of the day.
    Motd,
    /// Numbers of people and rooms.
    Lusers,
    /// The software.
    Version,
    /// What time it is there.
    Time,
    /// What it is.
    Info,
    /// Who administers it.
    Admin,
}

impl Info {
    pub(super) const fn spec(self) -> &'static Spec {
        match self {
            Self::Motd => &MOTD,
            Self::Lusers => &LUSERS,
            Self::Version => &VERSION,
            Self::Time => &TIME,
            Self::Info => &INFO,
            Self::Admin => &ADMIN,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "parsers of the table may refuse")]
fn ask(message: &Message<'_>, info: Info) -> Result<Command, Refusal> {
    // LUSERS once took a mask of servers in front of the server, and INFO takes nothing.
    let of = given(message, 0).filter(|_| !matches!(info, Info::Lusers));
    Ok(Command::Info(info, of.map(Into::into)))
}
